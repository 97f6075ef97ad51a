"""Semantic localization over a set: probability maps of sentences, measured against regions.

The map of a sentence is, by default, the share of each place that belongs to
it rather than to the background prompts (a softmax in the model's own
logits), averaged over about the size of a small region; with the reference
method it is the mean cosine of the crops. Either is scaled to 0..1, cut to 8
bits, and passes a median of 251 px, as the authors do; it does not pass
through a JPEG file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import Prompts, TextVectors, smooth
from sarvlm_app.core.reference import CELL_PX, reference_cosines
from sarvlm_app.core.scene import Scene, close_handles, default_band, open_scene
from sarvlm_app.core.scene_index import layout_of, open_or_create
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Float16, Float32, TextQuery

from .selo import MEDIAN_PX, Grey, Selo, measure
from .seloset import Item

ATTENTION_PX: Final = 64.0
"""Sigma over which the shares are averaged: a region is more than a few cells that look right."""
ROWS_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Localized:
    """The measures of one item."""

    item: Item
    measures: Selo


@dataclass(frozen=True, slots=True)
class Localizing:
    """How maps are made: the model, where encoded scenes are kept, and whether by the reference method."""

    encoder: DenseEncoder
    texts: TextVectors
    cache: Path
    reference: bool = False


def localize(items: Sequence[Item], how: Localizing, ctx: JobContext) -> tuple[list[Localized], float]:
    """Measure every item, image by image.

    Returns
    -------
    list of Localized, float
        In the order of `items`, and the mean seconds from a question to its
        median-filtered map, the encoding of the images included.

    Raises
    ------
    SceneError, QueryError
        An image or a region cannot be used.
    """
    found: dict[int, Localized] = {}
    seconds = 0.0
    for image in dict.fromkeys(item.image for item in items):
        numbers = [number for number, item in enumerate(items) if item.image == image]
        scene = open_scene(image)
        maps = probability_maps(scene, [items[number].caption for number in numbers], how, ctx)
        for number in numbers:
            began = time.perf_counter()
            grey = next(maps)
            seconds += time.perf_counter() - began
            found[number] = Localized(items[number], _measured(grey, items[number]))
            ctx.step(len(found), len(items), "Measuring maps")
        close_handles(scene)
    return [found[number] for number in range(len(items))], seconds / max(len(items), 1)


def _measured(grey: Grey, item: Item) -> Selo:
    try:
        return measure(grey, item.regions)
    except ValueError as fault:
        raise QueryError(
            f"The regions of “{item.caption}” lie outside {item.image} ({fault}); correct their points."
        ) from fault


def probability_maps(scene: Scene, captions: Sequence[str], how: Localizing, ctx: JobContext) -> Iterator[Grey]:
    """The map of each caption: uint8 (height, width) of the scene, 255 for probability 1."""
    band, size = default_band(scene), (scene.height, scene.width)
    if how.reference:
        cosines = reference_cosines(scene, band, how.texts.vectors(captions), how.encoder, ctx)
        for number in range(len(captions)):
            yield to_probability(_with_data(cosines[..., number], scene), CELL_PX, size, stepped=True)
        return
    layout = layout_of(scene, band, how.encoder.spec)
    index = open_or_create(scene, layout, how.cache)
    if not index.complete:
        index.encode(scene, how.encoder, ctx)
    for caption in captions:
        shares = text_shares(index.vectors, how.texts.prompts(TextQuery(caption)))
        averaged = smooth(_with_data(shares, scene), ATTENTION_PX / layout.cell_px)
        yield to_probability(averaged, layout.cell_px, size)


def text_shares(vectors: Float16, prompts: Prompts) -> Float32:
    """Probability float32 (rows, cols) of each place that the query names it and no rival does; NaN without data."""
    texts = np.concatenate((prompts.query[None], prompts.rivals)).T.astype(np.float32)
    shares = np.full(vectors.shape[:2], np.nan, np.float32)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = vectors[start : start + ROWS_AT_ONCE].astype(np.float32)
        logits = prompts.scale * (part @ texts)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        known = part.any(axis=-1)
        shares[start : start + ROWS_AT_ONCE][known] = (weights[..., 0] / weights.sum(axis=-1))[known]
    return shares


def to_probability(cells: Float32, cell_px: int, size: tuple[int, int], *, stepped: bool = False) -> Grey:
    """A map of cells at full resolution: scaled to 0..1, truncated to 8 bits, median-filtered.

    Parameters
    ----------
    cells : float32 (rows, cols)
        NaN, no data, counts as the lowest value; at least one cell is known.
    cell_px : int
        Edge of a cell in full-resolution pixels.
    size : (height, width)
        Of the map in pixels.
    stepped : bool
        A pixel takes the value of its cell, instead of one between those of
        the nearest cells.

    Returns
    -------
    uint8 (height, width); zeros where the cells are all alike.
    """
    filled = np.where(np.isfinite(cells), cells, np.nanmin(cells))
    height = size[0]
    rows, cols = (_cell_places(edge, cell_px, stepped=stepped) for edge in size)
    wide = _between(filled.T, cols).T
    low, high = np.inf, -np.inf
    for start in range(0, height, ROWS_AT_ONCE):
        strip = _between(wide, rows[start : start + ROWS_AT_ONCE])
        low, high = min(low, float(strip.min())), max(high, float(strip.max()))
    grey = np.zeros(size, np.uint8)
    if high > low:
        for start in range(0, height, ROWS_AT_ONCE):
            strip = _between(wide, rows[start : start + ROWS_AT_ONCE])
            grey[start : start + ROWS_AT_ONCE] = 255.0 * ((strip - low) / (high - low))
    return np.asarray(cv2.medianBlur(grey, MEDIAN_PX), np.uint8)


def _cell_places(length: int, cell_px: int, *, stepped: bool) -> Float32:
    """Where each pixel's middle lies among the middles of the cells: float32 (length,)."""
    pixels = np.arange(length)
    places = pixels // cell_px if stepped else (pixels + 0.5) / cell_px - 0.5
    return places.astype(np.float32)


def _between(values: Float32, places: Float32) -> Float32:
    """Rows of `values` interpolated at fractional row numbers; beyond the first and last row, that row."""
    inside = np.clip(places, 0, len(values) - 1)
    lower = np.minimum(inside.astype(np.int64), max(len(values) - 2, 0))
    share = (inside - lower).astype(np.float32)[:, None]
    upper = np.minimum(lower + 1, len(values) - 1)
    return np.asarray(values[lower] * (1.0 - share) + values[upper] * share, np.float32)


def _with_data(cells: Float32, scene: Scene) -> Float32:
    if not np.isfinite(cells).any():
        raise SceneError(f"{scene.path} holds no data that can be asked; copy the image again or take it out.")
    return cells
