"""The levels of a pyramid and the cheapest place to read each from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sarvlm_app.core.products.sources import Overview

COARSEST = 512
"""The last level is the first whose longer edge is at most this."""

DIRECT_FACTOR = 2
"""A level is read straight from the file when each pixel averages at most this many source pixels along an edge."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the pyramid.

    Attributes
    ----------
    number : int
        0 is full resolution; each further one halves it.
    shape : (int, int)
        Rows and columns.
    overview : int or None
        The file's overview to read from, None for its full resolution.
    factor : int
        Source pixels per level pixel along an edge.
    source : (int, int)
        Rows and columns of that source.
    """

    number: int
    shape: tuple[int, int]
    overview: int | None
    factor: int
    source: tuple[int, int]

    @property
    def direct(self) -> bool:
        """True when it is read from the file as it is needed, False when it has to be built."""
        return self.factor <= DIRECT_FACTOR


def plan_levels(height: int, width: int, overviews: Sequence[Overview] = ()) -> tuple[Level, ...]:
    """All levels of a scene, finest first.

    Where any level has to be built, all coarser than `DIRECT_FACTOR` are, from
    full resolution: the file's overviews are then too few to help.
    """
    levels = [_level(0, (height, width), overviews)]
    while max(levels[-1].shape) > COARSEST:
        levels.append(_level(len(levels), (height, width), overviews))
    if all(level.direct for level in levels):
        return tuple(levels)
    return tuple(_level(level.number, (height, width), ()) for level in levels)


def reduced(length: int, factor: int) -> int:
    """Pixels that `length` pixels make when `factor` of them, or the rest, become one."""
    return -(-length // factor)


def _level(number: int, size: tuple[int, int], overviews: Sequence[Overview]) -> Level:
    total = 2**number
    shape = reduced(size[0], total), reduced(size[1], total)
    best = Level(number, shape, None, total, size)
    for overview in overviews:
        fits = overview.shape == (reduced(size[0], overview.factor), reduced(size[1], overview.factor))
        if fits and total % overview.factor == 0 and total // overview.factor < best.factor:
            best = Level(number, shape, overview.number, total // overview.factor, overview.shape)
    return best
