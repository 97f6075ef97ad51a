"""Pictures and scenes with labelled places, as the readers of users' sets give them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Polygon = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One labelled place.

    Attributes
    ----------
    label : str
        Class, in the set's own word.
    outline : float64 (k, 2)
        Corners (col, row) in pixels of the whole picture; a single one is a point.
    unsure : bool
        A crowd, or an object that is hard to tell: neither learned nor counted.
    """

    label: str
    outline: Polygon
    unsure: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """Centre of area (col, row); of what has no area the middle of its corners."""
        first = self.outline[0]
        here = self.outline - first  # about the first corner, so that large coordinates cost no digits
        there = np.roll(here, -1, axis=0)
        cross = here[:, 0] * there[:, 1] - there[:, 0] * here[:, 1]
        if abs(cross.sum()) < 1e-6:
            col, row = self.outline.mean(0)
        else:
            col, row = first + ((here + there) * cross[:, None]).sum(0) / (3 * cross.sum())
        return float(col), float(row)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture file with its marks; `spacing_m` is 0 where the labels do not tell it."""

    path: Path
    marks: tuple[Mark, ...]
    spacing_m: float = 0.0


def classes_of(pictures: Iterable[Labelled]) -> list[str]:
    """The classes that occur, in order of name."""
    return sorted({mark.label for picture in pictures for mark in picture.marks})


def box_corners(x: float, y: float, width: float, height: float) -> Polygon:
    """Corners (4, 2) of an upright box."""
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64)


def shrunk(outline: Polygon, share: float) -> Polygon:
    """An outline drawn towards its middle to `share` of its width and height."""
    middle = (outline.min(0) + outline.max(0)) / 2
    return np.asarray(middle + (outline - middle) * share)


def joined(parts: Sequence[Polygon]) -> Polygon | None:
    """The largest of several outlines of one object."""
    return max(parts, key=_area, default=None)


def _area(outline: Polygon) -> float:
    x, y = outline.T
    return abs(float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())) / 2
