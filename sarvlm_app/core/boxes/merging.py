"""Boxes that mean the same object become one: greedy non-maximum suppression by polygon overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse

from .areas import overlap_areas, quad_areas
from .pairs import extents_by_group

Int = NDArray[np.intp]
Bool = NDArray[np.bool_]
Float64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

_FIRST_BLOCK: Final = 256
_PAIRS_AT_A_TIME: Final = 4_000_000
_ROWS_AT_A_TIME: Final = 512

PART_SCORE: Final = 0.5
"""A whole object suppresses its parts when its score is at least this share of theirs."""


def merge_boxes(
    corners: Floats, scores: Floats, groups: NDArray[np.integer[Any]], threshold: float, cover: float | None = None
) -> Int:
    """Greedy non-maximum suppression by polygon overlap inside each group.

    The best box is kept, those of its group that overlap it by more than
    `threshold` are not, and so on with the best one left. Of equal scores the
    earlier position is the better one, so the same input gives the same
    result. Boxes without area are kept and suppress nothing.

    Parameters
    ----------
    corners : float (n, 4, 2)
        Convex boxes, of either winding.
    scores : float (n,)
    groups : int (n,)
        Only boxes of one group suppress each other: class ids, or zeros.
    threshold : float
        Intersection over union.
    cover : float, optional
        After that, a box goes too of which more than this share lies in a
        larger one of its group with at least `PART_SCORE` of its score,
        however they are ranked: a part of an object that a window's border
        cut goes when the whole one is there.

    Returns
    -------
    intp (m,): positions of the boxes kept, best first.
    """
    values = np.asarray(scores, np.float64)
    order = np.argsort(-values, kind="stable")
    boxes = _Boxes(np.asarray(corners, np.float64)[order], np.asarray(groups)[order])
    kept, start = np.zeros(0, np.intp), 0
    while start < len(order):
        # blocks grow: what the best suppress is gone before later ones are held against each other
        block = np.arange(start, min(len(order), start + max(_FIRST_BLOCK, start)))
        left = block[~boxes.beaten_by(kept, block, threshold)]
        better, worse, seen = boxes.rivals(left, threshold)
        kept = np.concatenate([kept, left[:seen][_unbeaten(seen, better, worse)]])
        start = int(block[-1]) + 1 if seen == len(left) else int(left[seen])
    if cover is not None:
        kept = kept[~boxes.parts(kept, values[order], cover)]
    return np.asarray(order[kept])


class _Boxes:
    """Boxes in order of rank, and which of them overlap too much."""

    def __init__(self, corners: Float64, groups: NDArray[np.integer[Any]]) -> None:
        self._corners = corners
        self._low, self._high = corners.min(axis=1), corners.max(axis=1)
        self._areas = quad_areas(corners)
        self._extents = extents_by_group(corners, groups)

    def beaten_by(self, kept: Int, block: Int, threshold: float) -> Bool:
        """Which of `block` overlap one of `kept` by more than `threshold`."""
        beaten = np.zeros(len(block), np.bool_)
        if len(kept):
            tree = shapely.STRtree(self._extents[kept])
            for rows in _in_parts(len(block)):
                at, by = tree.query(self._extents[block[rows]])
                beaten[rows][at[self._too_close(block[rows][at], kept[by], threshold)]] = True
        return beaten

    def rivals(self, block: Int, threshold: float) -> tuple[Int, Int, int]:
        """Pairs that overlap by more than `threshold`, as positions in `block`, better and worse ones.

        Also how many of `block`, from its beginning, are paired in full: fewer
        than all where there are very many pairs.
        """
        better, worse, count, seen = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], 0, 0
        tree = shapely.STRtree(self._extents[block])
        for rows in _in_parts(len(block)):
            at, other = tree.query(self._extents[block[rows]])
            at += rows.start
            first = other < at
            at, other = at[first], other[first]
            close = self._too_close(block[at], block[other], threshold)
            better.append(other[close])
            worse.append(at[close])
            seen, count = rows.stop, count + len(at)
            if count > _PAIRS_AT_A_TIME:
                break
        return np.concatenate(better), np.concatenate(worse), seen

    def parts(self, kept: Int, scores: Float64, cover: float) -> Bool:
        """Which of `kept` lie in a larger one by more than the share `cover`."""
        part = np.zeros(len(kept), np.bool_)
        tree = shapely.STRtree(self._extents[kept])
        for rows in _in_parts(len(kept)):
            at, other = tree.query(self._extents[kept[rows]])
            at += rows.start
            small, large = kept[at], kept[other]
            size, whole = self._areas[small], self._areas[large]
            smaller = (size < whole) | ((size == whole) & (other < at))
            chosen = np.flatnonzero(smaller & (size > 0) & (scores[large] >= PART_SCORE * scores[small]))
            shared = overlap_areas(self._corners[small[chosen]], self._corners[large[chosen]])
            part[at[chosen[shared > cover * size[chosen]]]] = True
        return part

    def _too_close(self, a: Int, b: Int, threshold: float) -> Bool:
        """Whether the boxes `a` and `b`, pair by pair, have an intersection over union above `threshold`."""
        both = self._areas[a] + self._areas[b]
        needed = threshold / (1 + threshold) * both
        sides = np.minimum(self._high[a], self._high[b]) - np.maximum(self._low[a], self._low[b])
        most = np.minimum(np.minimum(self._areas[a], self._areas[b]), sides[:, 0] * sides[:, 1])
        close = most > needed
        likely = np.flatnonzero(close)
        close[likely] = overlap_areas(self._corners[a[likely]], self._corners[b[likely]]) > needed[likely]
        return np.asarray(close)


def _in_parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS_AT_A_TIME):
        yield slice(start, min(count, start + _ROWS_AT_A_TIME))


def _unbeaten(count: int, better: Int, worse: Int) -> Bool:
    """Which of `count` ranked boxes greedy suppression keeps, by rounds: each decides all whose betters are decided."""
    beats = sparse.csr_array((np.ones(len(better), np.bool_), (better, worse)), shape=(count, count))
    waits = np.bincount(worse, minlength=count)
    gone = np.zeros(count, np.bool_)
    decided = np.flatnonzero(waits == 0)
    while len(decided):
        beaten = np.unique(_reached(beats, decided))
        beaten = beaten[~gone[beaten]]
        gone[beaten] = True
        freed, times = np.unique(_reached(beats, beaten), return_counts=True)
        waits[freed] -= times
        decided = freed[(waits[freed] == 0) & ~gone[freed]]
    return ~gone


def _reached(graph: sparse.csr_array, rows: Int) -> Int:
    """Columns that stand in some rows of a sparse matrix, one after the other."""
    start = graph.indptr[rows]
    length = graph.indptr[rows + 1] - start
    ends = np.cumsum(length)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(graph.indices[np.repeat(start - ends + length, length) + np.arange(total)])
