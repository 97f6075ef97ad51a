"""One window looked at in several magnifications, and what they say of one object made one box.

Where the pixel spacing is known, a scene is brought to the pixels that its objects need. Where it is not, they may be
smaller or larger than those that the detector was taught, and what several magnifications agree on is surer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sarvlm_app.core.boxes import corners_from, overlapping_pairs, polygon_iou, sides_px
from sarvlm_app.core.detection_boxes import joined, once_each
from sarvlm_models.api import Detector
from sarvlm_models.types import Detections, Float32, SceneStats, StoredClass

Floats = NDArray[np.floating[Any]]
Float64 = NDArray[np.float64]
SAME: Final = 0.4
"""Polygon IoU above which boxes of two looks mean one object."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at.

    Attributes
    ----------
    intensity : float32 (h, w)
    stats : SceneStats
        Of the whole scene or picture.
    keep : callable
        Boxes in pixels of the window to a mask (n,): those that it may find.
    """

    intensity: Float32
    stats: SceneStats
    keep: Callable[[Detections], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for: classes with their vectors float32 (k, d), the least score, and the magnifications."""

    classes: tuple[StoredClass, ...]
    vectors: Float32
    min_score: float
    looks: tuple[float, ...] = (1.0,)


def looked_at(detector: Detector, look: Look, asked: Asked) -> Detections:
    """Boxes of a window in its own pixels, one an object, best first."""
    least = asked.min_score / len(asked.looks)
    parts = []
    for zoom in asked.looks:
        image = magnified(look.intensity, zoom)
        boxes = detector.detect(image, look.stats, asked.classes, asked.vectors, least)
        boxes = scaled(boxes, look.intensity.shape[1] / image.shape[1], look.intensity.shape[0] / image.shape[0])
        parts.append(once_each(boxes.take(look.keep(boxes))))
    if len(parts) == 1:
        return parts[0]
    both = rescored(once_each(fused(parts)), detector.spec.looks_middle)
    return both.take(both.scores >= asked.min_score)


def magnified(intensity: Float32, zoom: float) -> Float32:
    """Intensity float32 (round(h * zoom), round(w * zoom)): bilinear in amplitude, averaged where it shrinks."""
    if zoom == 1.0:
        return intensity
    height, width = (max(1, round(edge * zoom)) for edge in intensity.shape)
    amplitude = Image.fromarray(np.sqrt(np.maximum(intensity, 0.0), dtype=np.float32))
    return np.square(np.asarray(amplitude.resize((width, height), Image.Resampling.BILINEAR), np.float32))


def scaled(boxes: Detections, cols: float, rows: float) -> Detections:
    """Boxes on a grid whose pixels are `cols` by `rows` times those of another, in the pixels of that one."""
    if cols == rows == 1.0:
        return boxes
    factor = np.array([cols, rows], np.float32)
    return replace(boxes, corners_px=boxes.corners_px * factor, bbox_px=boxes.bbox_px * np.tile(factor, 2))


def rescored(boxes: Detections, middle: float) -> Detections:
    """Boxes whose scores of the logit `middle` become 0.5."""
    if middle == 0.0:
        return boxes
    scores = np.clip(boxes.scores.astype(np.float64), 1e-7, 1 - 1e-7)
    odds = scores / (1 - scores) * np.exp(-middle)
    return replace(boxes, scores=np.asarray(odds / (1 + odds), np.float32))


def fused(looks: Sequence[Detections]) -> Detections:
    """One set of boxes from those of several looks, each with one box an object, best first.

    Weighted box fusion (Solovyev et al. 2021): boxes of two looks that mean one object become their mean, weighted by
    their scores; its score is the mean over all looks, in which one that did not see the object counts nothing.
    """
    whole = _gathered(looks[0], len(looks))
    for other in looks[1:]:
        whole = _joined(whole, _gathered(other, len(looks)))
    order = np.argsort(-whole.scores, kind="stable")
    return whole.take(order)


def _gathered(boxes: Detections, looks: int) -> Detections:
    """Boxes with their share of the final score."""
    return replace(boxes, scores=np.asarray(boxes.scores / looks, np.float32))


def _joined(a: Detections, b: Detections) -> Detections:
    mine, theirs = matched(a.corners_px, b.corners_px)
    rest = np.ones(len(b), bool)
    rest[theirs] = False
    left = np.ones(len(a), bool)
    left[mine] = False
    return joined([a.take(left), b.take(rest), _mean(a.take(mine), b.take(theirs))], a.names, a.model_id)


def matched(a: Float32, b: Float32) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions in two sets of corners (n, 4, 2), (m, 4, 2) that mean one object, each once at most."""
    pairs = overlapping_pairs(np.concatenate((a, b)))
    first, second = pairs[(pairs[:, 0] < len(a)) & (pairs[:, 1] >= len(a))].T
    iou = polygon_iou(a[first], b[second - len(a)])
    order = np.argsort(-iou, kind="stable")
    order = order[iou[order] >= SAME]
    free_a, free_b = np.ones(len(a), bool), np.ones(len(b), bool)
    taken = []
    for i, j in zip(first[order].tolist(), (second[order] - len(a)).tolist(), strict=True):
        if free_a[i] and free_b[j]:
            free_a[i] = free_b[j] = False
            taken.append((i, j))
    found = np.array(taken, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _mean(a: Detections, b: Detections) -> Detections:
    """Pairs of boxes as one each: centre, sides and extent weighted by the scores, the class of the surer one."""
    total = a.scores + b.scores
    share = (a.scores / np.maximum(total, 1e-12)).astype(np.float64)
    length_a, width_a, angle_a = sides_px(a.corners_px)
    length_b, width_b, angle_b = sides_px(b.corners_px)
    middle = _between(share[:, None], a.corners_px.mean(axis=1), b.corners_px.mean(axis=1))
    rows = _between(share, np.sin(2 * angle_a), np.sin(2 * angle_b))
    angle = np.arctan2(rows, _between(share, np.cos(2 * angle_a), np.cos(2 * angle_b))) / 2
    corners = corners_from(
        middle[:, 0], middle[:, 1], _between(share, length_a, length_b), _between(share, width_a, width_b), angle
    )
    return replace(
        a,
        corners_px=corners.astype(np.float32),
        bbox_px=np.asarray(_between(share[:, None], a.bbox_px, b.bbox_px), np.float32),
        scores=total,
        class_ids=np.where(share >= 0.5, a.class_ids, b.class_ids).astype(np.int32),
    )


def _between(share: Float64, a: Floats, b: Floats) -> Float64:
    return np.asarray(share * a + (1.0 - share) * b, np.float64)
