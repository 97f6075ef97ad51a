"""Boxes to and from files of other programs, between the list of a scene and the formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sarvlm_app.core.box_table import Boxes
from sarvlm_app.core.scene import Scene
from sarvlm_models.types import Detections


def read_file(path: Path, scene: Scene) -> Detections:
    """Boxes of a file for a scene; their origin is the file's name.

    Raises
    ------
    StorageError, QueryError, SceneError
        What `read_detections` cannot read.
    """
    from sarvlm_app.core.importing import read_detections

    found = read_detections(path, scene)
    return Detections(
        found.corners_px, found.bbox_px, found.scores, found.class_ids, found.names, path.name,
    )  # fmt: skip


def to_write(boxes: Boxes, names: tuple[str, ...], origins: tuple[str, ...] = ()) -> Detections:
    """Boxes of a list as they go out, best first; only the names that they use."""
    order = np.argsort(-boxes.scores, kind="stable")
    boxes = boxes.take(order)
    used, classes = np.unique(boxes.classes, return_inverse=True)
    told = ", ".join(origins[origin] for origin in np.unique(boxes.origins).tolist()) if origins else ""
    return Detections(
        boxes.corners_px,
        boxes.bbox_px,
        boxes.scores,
        classes.astype(np.int32),
        tuple(names[label] for label in used.tolist()),
        told,
    )


def write_file(path: Path, found: Detections, scene: Scene) -> None:
    """Write boxes in the format of the ending.

    Raises
    ------
    StorageError, QueryError
    """
    from sarvlm_app.core.export.detections import write_detections

    write_detections(found, scene, path)
