"""Many lines in the pixels of a scene: cut into pieces, indexed by place, simplified for the far view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

PIECE = 64
"""Vertices of a piece at most."""
LEVELS = 6
STEP = 4.0
"""The tolerance of each level is so many times that of the one before; the first is exact."""
FEWEST = 2000
"""So few vertices are not simplified."""


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """Pieces of lines, found by place.

    Attributes
    ----------
    tolerance_px : float
        How far a line may be off, in scene pixels.
    xy : float64 (n, 2)
        Vertices (col, row), piece after piece.
    starts : int64 (m + 1,)
        Where each piece begins in `xy`, and the end of the last.
    owner : int64 (m,)
        The feature of each piece.
    tree : shapely.STRtree
        Of the pieces' boxes.
    """

    tolerance_px: float
    xy: Float64
    starts: Int64
    owner: Int64
    tree: shapely.STRtree

    @classmethod
    def of(cls, lines: Sequence[Float64], owner: Sequence[int], tolerance_px: float = 0.0) -> Strokes:
        """Strokes of lines (k, 2), each of at least two vertices."""
        pieces: list[Float64] = []
        owners: list[int] = []
        for line, number in zip(lines, owner, strict=True):
            for start in range(0, max(1, len(line) - 1), PIECE - 1):
                pieces.append(line[start : start + PIECE])
                owners.append(number)
        lengths = np.array([len(piece) for piece in pieces], np.int64)
        xy = np.concatenate(pieces) if pieces else np.zeros((0, 2))
        boxes = [shapely.box(*piece.min(axis=0), *piece.max(axis=0)) for piece in pieces]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return cls(tolerance_px, xy, starts, np.array(owners, np.int64), shapely.STRtree(boxes))

    def within(self, left: float, top: float, right: float, bottom: float) -> tuple[Float64, NDArray[np.bool_]]:
        """Vertices (k, 2) of the pieces that meet a rectangle, and whether each is joined to the next (k,)."""
        found = np.sort(self.tree.query(shapely.box(left, top, right, bottom)))
        lengths = self.starts[found + 1] - self.starts[found]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        index = np.arange(total) + np.repeat(self.starts[found] - (ends - lengths), lengths)
        joined = np.ones(total, np.bool_)
        joined[ends - 1] = False
        return self.xy[index], joined

    def nearest(self, col: float, row: float, reach_px: float) -> int | None:
        """The feature whose line passes nearest to a place, within `reach_px`."""
        found = self.tree.query(shapely.box(col - reach_px, row - reach_px, col + reach_px, row + reach_px))
        best: tuple[float, int] | None = None
        here = shapely.Point(col, row)
        for piece in found.tolist():
            away = float(shapely.LineString(self.xy[self.starts[piece] : self.starts[piece + 1]]).distance(here))
            if away <= reach_px and (best is None or away < best[0]):
                best = away, int(self.owner[piece])
        return None if best is None else best[1]


def stroke_levels(lines: Sequence[Float64], owner: Sequence[int]) -> tuple[Strokes, ...]:
    """The lines themselves, then ever simpler ones (Douglas and Peucker), while that takes vertices away."""
    levels = [Strokes.of(lines, owner)]
    if len(levels[0].xy) <= FEWEST:
        return tuple(levels)
    shapes = np.array([shapely.LineString(line) for line in lines], dtype=object)
    for number in range(LEVELS):
        tolerance = STEP**number
        simple = shapely.simplify(shapes, tolerance, preserve_topology=False)
        size = shapely.length(simple)
        kept = np.flatnonzero(size > tolerance / 2).tolist()
        if not kept:
            break
        made = Strokes.of([shapely.get_coordinates(simple[at]) for at in kept], [owner[at] for at in kept], tolerance)
        levels.append(made)
        if len(made.xy) <= FEWEST:
            break
    return tuple(levels)


def level_for(levels: Sequence[Strokes], px_per_screen_px: float) -> Strokes:
    """The simplest level that is not off by more than half a pixel of the screen."""
    good = [level for level in levels if level.tolerance_px <= 0.5 * px_per_screen_px]
    return good[-1] if good else levels[0]
