"""Mean intensity over cells of the scene on view: of itself, and of the other scene over the same ground."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from sarvlm_app.core.linking.pairing import Float64, Pairing
from sarvlm_app.core.linking.positions import grid_positions
from sarvlm_app.core.linking.readers import Reader
from sarvlm_app.core.radiometry import VALID_SHARE, Bool, Float32, mean_intensity
from sarvlm_models.types import Window

Means = tuple[Float32, Bool]

STRIP_PIXELS = 2**20
"""Pixels or samples that are held at a time."""
ACROSS = 3.0
"""A cell is at least so many pixels of the level that is sampled, where the file has as many."""
MOST = 16
"""Samples of a cell along each side."""
_OUTSIDE = -10.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Columns and rows of the scene on view that are averaged into one."""

    cols: int
    rows: int

    def __post_init__(self) -> None:
        if self.cols < 1 or self.rows < 1:
            raise ValueError(f"Cell: expected at least 1 x 1 px, got {self.cols} x {self.rows}")

    def times(self, factor: int) -> Cell:
        """A cell of so many cells each way."""
        return Cell(self.cols * factor, self.rows * factor)


def own_means(reader: Reader, cells: Window, cell: Cell) -> Means:
    """Mean intensity float32 (h, w) of a scene over its own cells, and validity: half of a cell must hold data.

    Parameters
    ----------
    cells : Window
        Counted in cells from the scene's corner; what reaches beyond the scene is not valid.
    """
    level = min(_twos(cell.cols), _twos(cell.rows), reader.top)
    cols, rows = cell.cols >> level, cell.rows >> level
    parts = []
    for strip in _strips(cells, cells.width * cols * rows):
        window = Window(strip.col * cols, strip.row * rows, strip.width * cols, strip.height * rows)
        parts.append(mean_intensity(*reader.read(level, window), (strip.height, strip.width)))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def other_means(pairing: Pairing, reader: Reader, cells: Window, cell: Cell) -> Means:
    """Mean intensity of the other scene over cells of `pairing.one`: bilinear samples of its intensity, averaged.

    Samples lie no farther apart than its pixels. Where a cell holds many of
    them, they are averaged by factors of two before.
    """
    plan = _Plan.of(pairing, reader, cell)
    parts = []
    for strip in _strips(cells, cells.width * plan.cols * plan.rows):
        parts.append(_sampled(pairing, reader, strip, cell, plan))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _strips(cells: Window, row_pixels: int) -> Iterator[Window]:
    step = max(1, STRIP_PIXELS // row_pixels)
    for row in range(cells.row, cells.row_end, step):
        yield Window(cells.col, row, cells.width, min(step, cells.row_end - row))


def _twos(number: int) -> int:
    """How often it can be halved."""
    return (number & -number).bit_length() - 1


@dataclass(frozen=True, slots=True)
class _Plan:
    """The level of the other scene that is read, and the samples of a cell along columns and rows."""

    level: int
    cols: int
    rows: int

    @classmethod
    def of(cls, pairing: Pairing, reader: Reader, cell: Cell) -> _Plan:
        (cc, cr), (rc, rr) = pairing.slope
        extents = abs(cc) * cell.cols + abs(rc) * cell.rows, abs(cr) * cell.cols + abs(rr) * cell.rows
        level = min(max(0, math.floor(math.log2(max(min(extents), 1e-9) / ACROSS))), reader.top)
        size = float(1 << level)
        return cls(level, _count(math.hypot(cc, cr) * cell.cols / size), _count(math.hypot(rc, rr) * cell.rows / size))


def _count(pixels: float) -> int:
    """Samples along a side of so many pixels; a hair's breadth more than a whole number is that number."""
    return min(MOST, max(1, math.ceil(pixels - 0.05)))


def _sampled(pairing: Pairing, reader: Reader, cells: Window, cell: Cell, plan: _Plan) -> Means:
    shape = (cells.height, cells.width)
    cols = _places(cells.col, cells.width, cell.cols, plan.cols)
    rows = _places(cells.row, cells.height, cell.rows, plan.rows)
    size = float(1 << plan.level)
    col, row = grid_positions(pairing, cols, rows, size)
    other = reader.scene
    with np.errstate(invalid="ignore"):
        reached = (col >= 0) & (col <= other.width) & (row >= 0) & (row <= other.height)
    if not reached.any():
        return np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    col, row = col / size - 0.5, row / size - 0.5  # in indices of the level's pixels
    window = _about(col[reached], row[reached])
    intensity, valid = reader.read(plan.level, window)
    at = np.stack([np.where(reached, row - window.row, _OUTSIDE), np.where(reached, col - window.col, _OUTSIDE)])
    return _averaged(_Samples(intensity, valid, at, reached), shape, plan)


def _about(col: Float64, row: Float64) -> Window:
    """The pixels that bilinear samples at these indices look at."""
    left, top = math.floor(float(col.min())), math.floor(float(row.min()))
    right, bottom = math.floor(float(col.max())) + 2, math.floor(float(row.max())) + 2
    return Window(left, top, right - left, bottom - top)


def _places(first: int, count: int, side: int, samples: int) -> Float64:
    """Middles of the parts of each cell, as positions in pixels."""
    return np.asarray((first + (np.arange(count * samples) + 0.5) / samples) * side)


@dataclass(frozen=True, slots=True)
class _Samples:
    intensity: Float32
    valid: Bool
    at: Float64
    reached: Bool


def _averaged(samples: _Samples, shape: tuple[int, int], plan: _Plan) -> Means:
    """The mean of each cell's samples, weighted by how much data each of them saw."""
    weight = np.asarray(samples.reached, np.float32)
    if not samples.valid.all():
        weight *= map_coordinates(samples.valid.astype(np.float32), samples.at, order=1, prefilter=False)
        seen = np.where(samples.valid, samples.intensity, np.float32(0))
        total = map_coordinates(seen, samples.at, order=1, prefilter=False) * samples.reached
    else:
        total = map_coordinates(samples.intensity, samples.at, order=1, prefilter=False) * samples.reached
    sums = [
        np.asarray(part, np.float64).reshape(shape[0], plan.rows, shape[1], plan.cols).sum(axis=(1, 3))
        for part in (total, weight)
    ]
    enough = sums[1] >= VALID_SHARE * plan.rows * plan.cols * (1 - 1e-6)
    mean = np.divide(sums[0], sums[1], out=np.zeros(shape), where=enough)
    return mean.astype(np.float32), np.asarray(enough)
