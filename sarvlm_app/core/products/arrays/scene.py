"""A scene of an array: nothing is known of it but its numbers and its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products import clues
from sarvlm_app.core.products.arrays.axes import Axes
from sarvlm_app.core.products.raster import PROBE_COUNT, PROBE_EDGE, guess_value_type
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import Around, Imagery, Stated, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.sampling import sample_windows
from sarvlm_models.types import Window

MakeSource = Callable[[int, ValueType], PixelSource]


@dataclass(frozen=True, slots=True)
class Found:
    """An array that is an image.

    Attributes
    ----------
    axes : Axes
    dtype : numpy dtype
    source : callable
        Of a band (from 0) and a value type.
    """

    axes: Axes
    dtype: np.dtype[np.generic]
    source: MakeSource


def array_scene(path: Path, form: str, found: Found, part: str | None, parts: tuple[str, ...]) -> Scene:
    """The scene of an array; `form` names the format.

    Raises
    ------
    SceneError
        Its pixels cannot be read.
    """
    axes = found.axes
    value_type = ValueType.COMPLEX if found.dtype.kind == "c" else _guessed(found)
    label = path.stem if part is None else f"{path.stem} {part}"
    polarisation = clues.polarisation_in(label) if axes.bands == 1 else None
    names = [polarisation or part or "array"] if axes.bands == 1 else [f"band {k + 1}" for k in range(axes.bands)]
    bands = tuple(
        Band(index, name, polarisation, value_type, found.source(index - 1, value_type))
        for index, name in enumerate(names, start=1)
    )
    more = {"format": form, "file size": f"{path.stat().st_size / 1e6:.1f} MB", "array": axes.words}
    assumed = value_type is not ValueType.COMPLEX
    if assumed:
        more["value type"] = f"{value_type} (assumed from the values)"
    stated = Stated(product=form, acquired=clues.acquired({}, path.stem), more=more)
    imagery = Imagery(bands, (axes.cols, axes.rows), str(found.dtype.newbyteorder("=")), (path,))
    scene = scene_of(path, label, stated, imagery, Around(part=part, parts=parts))
    return replace(scene, value_type_assumed=assumed)


def _guessed(found: Found) -> ValueType:
    if found.dtype.kind == "u":
        return ValueType.DN
    source = found.source(0, ValueType.DN)
    layout = source.layout()
    values: list[NDArray[np.float64]] = []
    for window in sample_windows((layout.width, layout.height), layout.block[::-1], PROBE_COUNT, PROBE_EDGE):
        stored, _ = source.native(_within(window, layout.width, layout.height))
        values.append(stored[np.isfinite(stored)].astype(np.float64))
    return guess_value_type(np.dtype(found.dtype.kind + "4"), np.concatenate(values))


def _within(window: Window, width: int, height: int) -> Window:
    inside = window.intersection(Window(0, 0, width, height))
    return inside if inside is not None else Window(0, 0, 1, 1)
