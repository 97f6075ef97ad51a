"""Backscatter along a line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sarvlm_app.core.instruments.ground import Basis, Float64, lengths, places, require_points
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.radiometry import to_db
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window

MOST_SAMPLES = 200_000
MOST_STEP = MOST_WIDTH = 1000
_REACH_PX = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """Values at equal steps along a polyline.

    Attributes
    ----------
    points_px : float64 (n, 2)
        (col, row) of the samples; the first is the line's first point.
    distance_px : float64 (n,)
        Along the line.
    distance_m : float64 (n,) or None
        The same on the ground.
    lonlat : float64 (n, 2) or None
    intensity : float64 (n,)
        Mean linear intensity of the valid pixels around a sample, NaN where there are none.
    db : float64 (n,)
        Of that mean; NaN where there is no data or it is not above 0.
    basis : Basis
    """

    points_px: Float64
    distance_px: Float64
    distance_m: Float64 | None
    lonlat: Float64 | None
    intensity: Float64
    db: Float64
    basis: Basis


def profile(
    scene: Scene,
    band: int,
    points_px: ArrayLike,
    step_px: float = 1.0,
    width_px: float = 1.0,
    context: JobContext | None = None,
) -> Profile:
    """Backscatter along a polyline.

    A value is the mean *intensity* of the pixels under a small box of
    `step_px` along the line and `width_px` across it, looked at once a pixel;
    with the defaults it is the pixel under the sample. The line is read piece
    by piece.

    Parameters
    ----------
    band : int
        From 1.
    points_px : (n, 2)
        (col, row), at least two.
    step_px : float
        From one sample to the next, 0.1 to 1000.
    width_px : float
        1 to 1000.
    context : JobContext, optional
        Progress and cancel.

    Raises
    ------
    QueryError
        The line has no length, or the step or the width cannot be used.
    SceneError
        The scene cannot be read.
    JobCancelled
    """
    points = require_points(points_px, 2, "line")
    total = float(lengths(np.diff(points, axis=0)).sum())
    _check(total, step_px, width_px)
    at = np.asarray(np.arange(math.floor(total / step_px + 1e-9) + 1) * step_px, np.float64)
    samples, along = _on_line(points, at)
    parts: list[Float64] = []
    for spots in _spots(samples, along, step_px, width_px):
        if context is not None:
            context.step(sum(map(len, parts)), len(samples), f"Measuring {scene.name}")
        parts.append(_means(scene, band, spots))
    intensity = np.concatenate(parts)
    known = places(scene, samples)
    steps = known.steps_m()
    metres = None if steps is None else np.concatenate([[0.0], np.cumsum(steps)])
    db = np.where(intensity > 0, to_db(np.where(intensity > 0, intensity, 1.0)).astype(np.float64), np.nan)
    return Profile(samples, at, metres, known.lonlat, intensity, db, known.basis)


def _check(total: float, step_px: float, width_px: float) -> None:
    if total == 0:
        raise QueryError("The line has no length; give it a second point elsewhere.")
    least = math.ceil(max(0.1, total / MOST_SAMPLES) * 10) / 10
    if least > MOST_STEP:
        raise QueryError(f"The line is {total:.0f} px long, far longer than any scene; draw it within the scene.")
    if not least <= step_px <= MOST_STEP:
        raise QueryError(f"The step of the profile cannot be {step_px:g} px; choose {least:g} to {MOST_STEP}.")
    if not 1 <= width_px <= MOST_WIDTH:
        raise QueryError(f"The width of the profile cannot be {width_px:g} px; choose 1 to {MOST_WIDTH}.")


def _on_line(points: Float64, at: Float64) -> tuple[Float64, Float64]:
    """Places (n, 2) at distances along a polyline, and the unit direction of its segment there."""
    steps = np.diff(points, axis=0)
    sizes = lengths(steps)
    kept = sizes > 0
    starts, steps, sizes = points[:-1][kept], steps[kept], sizes[kept]
    ends = np.cumsum(sizes)
    segment = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
    part = (at - (ends - sizes)[segment]) / sizes[segment]
    return starts[segment] + steps[segment] * part[:, None], (steps / sizes[:, None])[segment]


def _spots(samples: Float64, along: Float64, step_px: float, width_px: float) -> Iterator[Float64]:
    """Positions (n, k, 2) to look at for a stretch of samples, stretch by stretch."""
    count_along, count_across = max(1, round(step_px)), max(1, round(width_px))
    forth = ((np.arange(count_along) + 0.5) / count_along - 0.5) * step_px
    aside = ((np.arange(count_across) + 0.5) / count_across - 0.5) * width_px
    across = np.column_stack([-along[:, 1], along[:, 0]])
    stretch = max(1, int(_REACH_PX / max(step_px, width_px, 1.0)))
    for first in range(0, len(samples), stretch):
        part = slice(first, first + stretch)
        grid = (
            samples[part, None, None]
            + along[part, None, None] * forth[None, :, None, None]
            + across[part, None, None] * aside[None, None, :, None]
        )
        yield grid.reshape(grid.shape[0], -1, 2)


def _means(scene: Scene, band: int, spots: Float64) -> Float64:
    """Mean intensity float64 (n,) under positions (n, k, 2); what lies outside the scene does not count."""
    result = np.full(len(spots), np.nan)
    pixels = np.floor(spots).astype(np.int64)
    inside = ((pixels >= 0) & (pixels < (scene.width, scene.height))).all(axis=2)
    if not inside.any():
        return result
    low, high = pixels[inside].min(axis=0), pixels[inside].max(axis=0)
    window = Window(int(low[0]), int(low[1]), int(high[0] - low[0] + 1), int(high[1] - low[1] + 1))
    chip = read_chip(scene, window, band)
    col, row = (np.where(inside, pixels[..., axis] - low[axis], 0) for axis in (0, 1))
    usable = inside & chip.valid[row, col]
    total = np.where(usable, chip.intensity[row, col].astype(np.float64), 0.0).sum(axis=1)
    return np.asarray(np.divide(total, usable.sum(axis=1), out=result, where=usable.any(axis=1)))
