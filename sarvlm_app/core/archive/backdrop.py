"""Where the scenes of an archive lie, for a small map: outlines where they are few, else how densely they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.map_view import Box, Float64, MapView, Outline, outline_of, smallest_arc, ys

MOST_OUTLINES: Final = 800
"""Drawn one by one; of more the density is drawn."""
CELL_PX: Final = 4
PAD: Final = 0.5
"""So large a part of the view is read beyond each of its edges."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Bounds of every scene that is there and has a place.

    Attributes
    ----------
    ids : int64 (n,)
        Contents of the catalogue.
    boxes : float64 (n, 4)
        West, south, east, north in world coordinates of `map_view`.
    """

    ids: NDArray[np.int64]
    boxes: Float64

    def extent(self) -> Box | None:
        """Bounds of all together; None without any."""
        if not len(self.ids):
            return None
        arcs = self.boxes[:, (0, 2)]
        if len(arcs) > MOST_OUTLINES:  # whole degrees: few different ones, however many scenes
            arcs = np.unique(np.floor(arcs), axis=0) + (0.0, 1.0)
        west, east = smallest_arc([(west, east) for west, east in arcs.tolist()])
        return west, float(self.boxes[:, 1].min()), east, float(self.boxes[:, 3].max())


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """The scenes about a view.

    Attributes
    ----------
    outlines : tuple of Outline
        Empty where there are too many.
    density : int32 (rows, cols) or None
        Scenes at each cell of `box`, north up, where there are too many.
    box : Box
        What was looked at, in world coordinates.
    """

    outlines: tuple[Outline, ...]
    density: NDArray[np.int32] | None
    box: Box

    def serves(self, view: MapView) -> bool:
        """Whether it shows all that there is in a view, as finely as it can be."""
        west, south, east, north = view.box
        whole = self.box[2] - self.box[0] >= 360.0
        across = whole or (self.box[0] <= west and east <= self.box[2])
        return self.density is None and across and self.box[1] <= south and north <= self.box[3]


def read_places(folder: Path) -> Places:
    """The bounds of an archive's scenes.

    Raises
    ------
    StorageError
        The archive cannot be read.
    """
    with Archive(folder) as archive:
        rows = archive.catalogue.bounds()
    table = np.asarray(rows, np.float64).reshape(-1, 5)
    boxes = np.column_stack((table[:, 1], ys(table[:, 2]), table[:, 3], ys(table[:, 4])))
    known = np.isfinite(boxes).all(axis=1)
    return Places(table[known, 0].astype(np.int64), boxes[known])


def read_backdrop(folder: Path, places: Places, view: MapView, most: int = MOST_OUTLINES) -> Backdrop:
    """The scenes about a view.

    Raises
    ------
    StorageError
        The archive cannot be read.
    """
    if len(places.ids) <= most:
        box: Box = (-180.0, -math.inf, 180.0, math.inf)
        chosen = np.ones(len(places.ids), bool)
    else:
        box = view.padded(PAD)
        chosen = within(places.boxes, box)
    if np.count_nonzero(chosen) > most:
        shape = (round(view.height * (1 + 2 * PAD) / CELL_PX), round(view.width * (1 + 2 * PAD) / CELL_PX))
        return Backdrop((), density(places.boxes[chosen], box, (max(1, shape[0]), max(1, shape[1]))), box)
    with Archive(folder) as archive:
        wkbs = archive.catalogue.footprints(places.ids[chosen].tolist())
    outlines = (outline_of(wkb) for wkb in wkbs)
    return Backdrop(tuple(outline for outline in outlines if outline is not None), None, box)


def within(boxes: Float64, box: Box) -> NDArray[np.bool_]:
    """Which boxes meet a box, on whichever turn around the earth: bool (n,)."""
    west, south, east, north = box
    # the first turn that brings the east of a box to or beyond the west of the other
    turn = 360.0 * np.ceil((west - boxes[:, 2]) / 360.0)
    return np.asarray((boxes[:, 0] + turn <= east) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south))


def density(boxes: Float64, box: Box, shape: tuple[int, int]) -> NDArray[np.int32]:
    """How many boxes lie over each cell of a box: int32 (rows, cols), north up.

    A box counts in every cell that it touches.
    """
    (rows, cols), (west, south, east, north) = shape, box
    edges = np.zeros((rows + 1, cols + 1), np.int32)
    across, down = cols / (east - west), rows / (north - south)
    first = math.floor((west - boxes[:, 2].max(initial=west)) / 360.0)
    last = math.ceil((east - boxes[:, 0].min(initial=east)) / 360.0)
    for turn in range(first, last + 1):
        left = (boxes[:, 0] + 360.0 * turn - west) * across
        right = (boxes[:, 2] + 360.0 * turn - west) * across
        top, bottom = (north - boxes[:, 3]) * down, (north - boxes[:, 1]) * down
        seen = (right >= 0) & (left < cols) & (bottom >= 0) & (top < rows)
        c0, c1 = (np.clip(np.floor(v[seen]), 0, cols - 1).astype(np.intp) for v in (left, right))
        r0, r1 = (np.clip(np.floor(v[seen]), 0, rows - 1).astype(np.intp) for v in (top, bottom))
        for row, col, sign in ((r0, c0, 1), (r0, c1 + 1, -1), (r1 + 1, c0, -1), (r1 + 1, c1 + 1, 1)):
            np.add.at(edges, (row, col), sign)
    counted = edges.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return np.ascontiguousarray(counted[:rows, :cols])
