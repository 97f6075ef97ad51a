"""Vectors of whole pictures, batch by batch; what cannot be read is told, not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import ModelError, SceneError
from sarvlm_models.api import DenseEncoder, PictureEncoder
from sarvlm_models.types import Float32

BATCH: Final = 32
BATCH_PX: Final = 2**24
"""Pixels after which a batch is full, however few its pictures."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Vectors of the pictures that could be read.

    Attributes
    ----------
    vectors : float32 (m, d)
        Unit length.
    numbers : tuple of int
        Which picture each row is of.
    faults : dict of int to str
        Number of each other picture and what is wrong with it.
    """

    vectors: Float32
    numbers: tuple[int, ...]
    faults: dict[int, str]


def picture_encoder(encoder: DenseEncoder) -> PictureEncoder:
    """The same encoder, of which it is known that it takes whole pictures.

    Raises
    ------
    ModelError
        It does not.
    """
    if not isinstance(encoder, PictureEncoder):
        raise ModelError(f"The model “{encoder.spec.model_id}” has no vectors of whole pictures; use another model.")
    return encoder


def encode_pictures(
    encoder: PictureEncoder, read: Callable[[int], Float32], count: int, spacing_m: float | None, ctx: JobContext
) -> Encoded:
    """Vectors of `count` pictures.

    Parameters
    ----------
    encoder : PictureEncoder
    read : callable
        Linear amplitude float32 (h, w) of a picture by number; SceneError where it cannot be read.
    count : int
        At least 1.
    spacing_m : float or None
        Ground metres per pixel, None where unknown.
    ctx : JobContext
        Told of each batch; the place to cancel.

    Raises
    ------
    SceneError
        Not a single picture can be read.
    """
    faults: dict[int, str] = {}
    numbers: list[int] = []
    parts: list[Float32] = []
    for batch, pictures in _batches(read, count, faults):
        ctx.step(batch[0], count, "Encoding pictures")
        parts.append(encoder.encode_pictures(pictures, spacing_m))
        numbers += batch
    if not parts:
        raise SceneError(f"None of the {count} pictures can be read; the first: {faults[0]}")
    ctx.step(count, count, "Encoding pictures")
    return Encoded(np.concatenate(parts), tuple(numbers), faults)


def _batches(
    read: Callable[[int], Float32], count: int, faults: dict[int, str]
) -> Iterator[tuple[list[int], list[Float32]]]:
    """Numbers and pictures that are encoded together; what cannot be read goes to `faults`."""
    numbers: list[int] = []
    pictures: list[Float32] = []
    for number in range(count):
        try:
            picture = read(number)
        except SceneError as fault:
            faults[number] = str(fault)
            continue
        numbers.append(number)
        pictures.append(picture)
        if len(pictures) == BATCH or sum(picture.size for picture in pictures) >= BATCH_PX:
            yield numbers, pictures
            numbers, pictures = [], []
    if pictures:
        yield numbers, pictures
