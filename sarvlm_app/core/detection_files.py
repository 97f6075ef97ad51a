"""Boxes on their way from the list of a scene into a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarvlm_app.core.box_table import Boxes, Touch
from sarvlm_app.core.export.detections import write_detections
from sarvlm_app.core.scene import Scene
from sarvlm_models.types import Detections


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Boxes as they go out, and what was done by hand to each."""

    detections: Detections
    by_hand: tuple[str, ...]


def to_write(boxes: Boxes, names: tuple[str, ...], origins: tuple[str, ...] = ()) -> Outgoing:
    """Boxes of a list, best first; only the names that they use."""
    boxes = boxes.take(np.argsort(-boxes.scores, kind="stable"))
    used, classes = np.unique(boxes.classes, return_inverse=True)
    told = ", ".join(origins[origin] for origin in np.unique(boxes.origins).tolist()) if origins else ""
    found = Detections(
        boxes.corners_px,
        boxes.bbox_px,
        boxes.scores,
        classes.astype(np.int32),
        tuple(names[label] for label in used.tolist()),
        told,
    )
    return Outgoing(found, tuple(_by_hand(touches) for touches in boxes.touches.tolist()))


def write_file(path: Path, outgoing: Outgoing, scene: Scene) -> None:
    """Write boxes in the format of the ending, with a column `by_hand` in those that can hold one.

    Raises
    ------
    StorageError
    """
    write_detections(outgoing.detections, scene, path, extra={"by_hand": outgoing.by_hand})


def _by_hand(touches: int) -> str:
    """What was done to a box: "drawn", "corrected", "confirmed", or nothing."""
    if touches & Touch.ADDED:
        return "drawn"
    if touches & Touch.EDITED:
        return "corrected"
    return "confirmed" if touches & Touch.CONFIRMED else ""
