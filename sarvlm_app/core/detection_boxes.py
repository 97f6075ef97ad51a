"""Boxes of a detector on their way from windows to a scene: one for each object, named, moved, joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sarvlm_app.core.boxes import merge_boxes
from sarvlm_models.api import BoxNamer, Detector
from sarvlm_models.types import Detections, Float32, StoredClass

SAME_OBJECT: Final = 0.3
"""Polygon IoU above which two boxes mean one object."""
PART_COVER: Final = 0.75
"""Share of a box that lies in a larger one, above which it is a part of it."""


def once_each(boxes: Detections, cover: float | None = None) -> Detections:
    """Boxes that mean one object, of whatever class, become the best; with `cover`, parts go where the whole is."""
    alike = np.zeros(len(boxes), np.int64)
    return boxes.take(merge_boxes(boxes.corners_px, boxes.scores, alike, SAME_OBJECT, cover))


def named(detector: Detector, intensity: Float32, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
    """Boxes of a window named once more, by a detector that does so."""
    return detector.renamed(intensity, boxes, classes) if isinstance(detector, BoxNamer) and len(boxes) else boxes


def moved(boxes: Detections, corner: tuple[int, int], factor: int = 1) -> Detections:
    """Boxes of a window that begins at `corner` (col, row), in the pixels of what it was cut from."""
    shift = np.array(corner, np.float32)
    box = boxes.bbox_px * factor
    box[:, :2] += shift * factor
    return replace(boxes, corners_px=(boxes.corners_px + shift) * factor, bbox_px=box)


def joined(parts: list[Detections], names: tuple[str, ...], model_id: str) -> Detections:
    """Boxes of several windows as one table with the class ids of `names`."""
    filled_parts = [part for part in parts if len(part)]
    if not filled_parts:
        return Detections.empty(names, model_id)
    ids = [np.array([names.index(name) for name in part.names])[part.class_ids] for part in filled_parts]
    return Detections(
        np.concatenate([part.corners_px for part in filled_parts]),
        np.concatenate([part.bbox_px for part in filled_parts]),
        np.concatenate([part.scores for part in filled_parts]),
        np.concatenate(ids).astype(np.int32), names, model_id,
    )  # fmt: skip
