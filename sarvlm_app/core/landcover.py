"""What covers the ground: every place is named after the land-cover text that it is most like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import TextVectors
from sarvlm_models.types import Float16, Float32, TextQuery

SMOOTH_CELLS: Final = 1.5
"""Sigma over which similarities are averaged: ground is wider than a cell, and speckle is not."""
ROWS_AT_ONCE: Final = 48
_HALO: Final = 6


@dataclass(frozen=True, slots=True)
class Cover:
    """A kind of ground: its name in sentences, and the texts of which any may win a place for it."""

    name: str
    texts: tuple[str, ...]


COVERS: Final = (
    Cover("water", ("open sea", "open water", "a lake or reservoir", "a wide river")),
    Cover("harbour", ("a harbour with quays", "port basins", "a container terminal")),
    Cover("beach", ("a sandy beach", "a shoreline")),
    Cover("farmland", ("farm fields", "rectangular agricultural fields", "orchards", "rice paddies")),
    Cover("grassland", ("grassland", "meadows and pasture", "a golf course or park")),
    Cover("forest", ("forest", "dense woodland")),
    Cover("hills and scrubland", ("scrubland", "hills with low bushes", "mountains", "rugged mountain slopes")),
    Cover("bare ground", ("desert", "bare ground", "a dry lake bed", "a quarry")),
    Cover("airfield", ("an airport", "a runway")),
    Cover("built-up area", ("a city", "a residential area", "houses along streets", "high-rise buildings")),
    Cover("industrial area", ("an industrial area", "large factory buildings", "storage tanks")),
)


def cover_shares(
    vectors: Float16, texts: TextVectors, ctx: JobContext | None = None, *, only_sure: bool = False
) -> tuple[tuple[str, float], ...]:
    """Shares of the kinds of ground.

    Parameters
    ----------
    vectors : float16 (rows, cols, d)
        Zeros where there is no data.
    texts : TextVectors
        Of the model that made them.
    only_sure : bool
        Leave places unnamed at which even the best text is more likely absent
        than not, where the model has learned that point. Without pixel spacing
        a field may be a meadow or a patch of sea.
    ctx : JobContext, optional
        Told of the rows; the place to cancel.

    Returns
    -------
    tuple of (name, share)
        Of the cells with data, 0..1, the largest first, all above 0; they sum
        to at most 1. Empty where there is no data, or nothing can be named.
    """
    wording = [text for cover in COVERS for text in cover.texts]
    owner = np.repeat(np.arange(len(COVERS)), [len(cover.texts) for cover in COVERS])
    matrix = texts.vectors(wording).T
    least = absence(texts) if only_sure else -np.inf
    cells, total, rows = np.zeros(len(COVERS), np.int64), 0, vectors.shape[0]
    for start in range(0, rows, ROWS_AT_ONCE):
        if ctx is not None:
            ctx.step(start, rows, "Naming the ground")
        first, end = max(0, start - _HALO), min(rows, start + ROWS_AT_ONCE + _HALO)
        own = slice(start - first, start - first + ROWS_AT_ONCE)
        cosines = _smoothed(vectors[first:end], matrix)[own]
        known = vectors[first:end][own].any(axis=-1)
        total += int(known.sum())
        named = known & (cosines.max(axis=-1) >= least)
        cells += np.bincount(owner[cosines.argmax(axis=-1)][named], minlength=len(COVERS))
    found = [(cover.name, int(count) / total) for cover, count in zip(COVERS, cells, strict=True) if count]
    return tuple(sorted(found, key=lambda entry: -entry[1]))


def absence(texts: TextVectors) -> float:
    """Cosine below which the model takes a text to be absent; minus infinity where it has learned none."""
    asked = texts.prompts(TextQuery(COVERS[0].name))
    return -np.inf if asked.bias is None else -asked.bias / asked.scale


def _smoothed(vectors: Float16, matrix: Float32) -> NDArray[np.float32]:
    """Cosines (rows, cols, texts) averaged with their neighbours.

    Cells without data have the cosine 0 with every text, and so weigh alike for all.
    """
    cosines = vectors.astype(np.float32) @ matrix
    return np.asarray(gaussian_filter(cosines, (SMOOTH_CELLS, SMOOTH_CELLS, 0), truncate=4.0))
