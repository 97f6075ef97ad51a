"""Average precision of boxes: by the rules of COCO, and by those of Pascal VOC.

The boxes may be of any shape: all that is looked at is how much each found
box overlaps each true one, so upright and rotated boxes are measured alike.
Of COCO these are the rules of pycocotools (matching in order of score, the
best true box that is left; crowds and ignored boxes count neither way; 101
points of recall). Of VOC they are those of its development kit (the true box
overlapped most, once), with 11 points (2007) or the whole curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.boxes import overlap_areas, quad_areas

Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

COCO_IOUS: Final = np.linspace(0.5, 0.95, 10)
COCO_RECALLS: Final = np.linspace(0.0, 1.0, 101)
MAX_DETECTIONS: Final = 100
"""Of one class in one image, the best ones, as COCO counts."""

_VOC07_RECALLS: Final = np.linspace(0.0, 1.0, 11)
_ALMOST_ONE: Final = 1 - 1e-10
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Matches:
    """The boxes of one class in one image.

    Attributes
    ----------
    scores : float64 (d,)
        Of the boxes found, in any order.
    ious : float64 (d, g)
        Intersection over union of found and true boxes; over the found box alone where the true one is a crowd.
    crowd, ignored : bool (g,)
        A crowd takes any number of boxes; what is ignored, crowds among it, need not be found and spoils nothing.
    """

    scores: Float64
    ious: Float64
    crowd: Bool
    ignored: Bool

    def best(self, most: int) -> Matches:
        """The `most` best boxes, best first; true boxes that count come first."""
        order = np.argsort(-self.scores, kind="stable")[:most]
        true = np.argsort(self.ignored, kind="stable")
        return Matches(self.scores[order], self.ious[np.ix_(order, true)], self.crowd[true], self.ignored[true])


@dataclass(frozen=True, slots=True)
class ClassAp:
    """What was measured of one class.

    Attributes
    ----------
    ap, recall : float64 (t,)
        Average precision over 101 points and highest recall, for each intersection over union.
    n : int
        True boxes that count.
    """

    ap: Float64
    recall: Float64
    n: int


def rotated_ious(found: NDArray[np.floating], true: NDArray[np.floating], crowd: Bool) -> Float64:
    """Overlap (d, g) of boxes of four corners, (d, 4, 2) and (g, 4, 2), as `Matches.ious` wants it."""
    d, g = len(found), len(true)
    a, b = np.repeat(found, g, axis=0), np.tile(true, (d, 1, 1))
    shared = overlap_areas(a, b).reshape(d, g)
    return _over_union(shared, quad_areas(found), quad_areas(true), crowd)


def upright_ious(found: NDArray[np.floating], true: NDArray[np.floating], crowd: Bool) -> Float64:
    """Overlap (d, g) of upright boxes (col, row, width, height), (d, 4) and (g, 4), as `Matches.ious` wants it."""
    a, b = np.asarray(found, np.float64)[:, None], np.asarray(true, np.float64)[None]
    sides = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.where((sides > 0).all(axis=2), sides[..., 0] * sides[..., 1], 0.0)
    return _over_union(shared, (a[..., 2] * a[..., 3])[:, 0], (b[..., 2] * b[..., 3])[0], crowd)


def _over_union(shared: Float64, found: Float64, true: Float64, crowd: Bool) -> Float64:
    union = np.where(crowd, found[:, None], found[:, None] + true - shared)
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def coco_ap(images: Sequence[Matches], most: int = MAX_DETECTIONS, ious: Float64 = COCO_IOUS) -> ClassAp:
    """Average precision of a class over images, by the rules of COCO.

    Parameters
    ----------
    images : sequence of Matches
    most : int
        Boxes that count in one image, the best ones.
    ious : float64 (t,)
        Overlap from which a box is found.
    """
    n = sum(int((~image.ignored).sum()) for image in images)
    if not n:
        return ClassAp(np.full(len(ious), np.nan), np.full(len(ious), np.nan), 0)
    best = [image.best(most) for image in images]
    states = [_coco_states(image, ious) for image in best]
    scores = np.concatenate([image.scores for image in best]) if best else np.zeros(0)
    hit = np.concatenate([state[0] for state in states], axis=1)
    spared = np.concatenate([state[1] for state in states], axis=1)
    order = np.argsort(-scores, kind="stable")
    ap, recall = np.zeros(len(ious)), np.zeros(len(ious))
    for t in range(len(ious)):
        true = hit[t, order] & ~spared[t, order]
        false = ~hit[t, order] & ~spared[t, order]
        curve, reached = _curve(true, false, n)
        places = np.searchsorted(reached, COCO_RECALLS, side="left")
        ap[t] = np.append(curve, 0.0)[places].mean()
        recall[t] = reached[-1] if len(reached) else 0.0
    return ClassAp(ap, recall, n)


def _coco_states(image: Matches, ious: Float64) -> tuple[Bool, Bool]:
    """For each overlap and box (t, d): whether it found a true box, and whether it counts neither way."""
    d, g = image.ious.shape
    hit, spared = np.zeros((len(ious), d), np.bool_), np.zeros((len(ious), d), np.bool_)
    if not g:
        return hit, spared
    taken = np.zeros((len(ious), g), np.bool_)
    least = np.minimum(ious, _ALMOST_ONE)[:, None]
    for box in np.flatnonzero(image.ious.max(axis=1) >= least.min()):
        free = (image.ious[box] >= least) & (~taken | image.crowd)
        for among, neither in ((free & ~image.ignored, False), (free & image.ignored, True)):
            overlaps = np.where(among, image.ious[box], -1.0)
            chosen = g - 1 - overlaps[:, ::-1].argmax(axis=1)  # of equal ones the last, as COCO has it
            finds = among.any(axis=1) & ~hit[:, box]
            hit[finds, box], spared[finds, box] = True, neither
            taken[finds, chosen[finds]] = True
    return hit, spared


def voc_ap(images: Sequence[Matches], iou: float = 0.5) -> tuple[float, float]:
    """Average precision of a class by the rules of Pascal VOC: over 11 points (2007), and under the whole curve.

    NaN where there is no true box that counts.
    """
    n = sum(int((~image.ignored).sum()) for image in images)
    if not n:
        return float("nan"), float("nan")
    states = [_voc_states(image, iou) for image in images]
    scores = np.concatenate([np.sort(-image.scores, kind="stable") for image in images])
    hit = np.concatenate([state[0] for state in states])
    spared = np.concatenate([state[1] for state in states])
    order = np.argsort(scores, kind="stable")
    curve, reached = _curve((hit & ~spared)[order], (~hit & ~spared)[order], n)
    best = np.append(curve, 0.0)
    eleven = best[np.searchsorted(reached, _VOC07_RECALLS - _TINY, side="left")].mean()
    return float(eleven), float((np.diff(reached, prepend=0.0) * curve).sum())


def _voc_states(image: Matches, iou: float) -> tuple[Bool, Bool]:
    """For each box, best first: whether it found a true box, and whether it counts neither way."""
    order = np.argsort(-image.scores, kind="stable")
    hit, spared = np.zeros(len(order), np.bool_), np.zeros(len(order), np.bool_)
    if not image.ious.shape[1]:
        return hit, spared
    taken = np.zeros(image.ious.shape[1], np.bool_)
    nearest = image.ious.argmax(axis=1)
    for place in np.flatnonzero(image.ious.max(axis=1)[order] >= iou):
        true = nearest[order[place]]
        spared[place] = image.ignored[true]
        hit[place] = not taken[true]
        taken[true] = True
    return hit, spared


def _curve(true: Bool, false: Bool, n: int) -> tuple[Float64, Float64]:
    """Precision (the best at this or any higher recall) and recall after each box, best box first."""
    hits, misses = np.cumsum(true, dtype=np.float64), np.cumsum(false, dtype=np.float64)
    precision = hits / np.maximum(hits + misses, np.finfo(np.float64).tiny)
    return np.maximum.accumulate(precision[::-1])[::-1], hits / n
