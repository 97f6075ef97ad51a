"""A detector of a few lines that draws boxes about bright blobs; knows ships from aircraft by their size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage

from sarvlm_app.core.boxes import bbox_of, corners_from
from sarvlm_models.types import Detections, DetectorSpec, StoredClass

CLASSES = (
    StoredClass("ship", ("a ship",)), StoredClass("aircraft", ("an aircraft",)),
    StoredClass("storage tank", ("a storage tank",)),
)  # fmt: skip


class BlobDetector:
    """Finds bright blobs. `before` is called for each window and may wait."""

    spec = DetectorSpec("blobs@000000000000", 256, 32, 1.0, CLASSES)

    def __init__(self, level: float = 8.0) -> None:
        self.level = level
        self.before: Callable[[], None] = lambda: None
        self.asked: list[tuple[str, ...]] = []
        self.threads: set[str] = set()

    def class_vectors(self, classes: Sequence[StoredClass]) -> np.ndarray:
        return np.eye(max(len(classes), 1), 4, dtype=np.float32)[: len(classes)]

    def detect(self, intensity, stats, classes, vectors, min_score) -> Detections:
        self.before()
        self.asked.append(tuple(one.name for one in classes))
        self.threads.add(threading.current_thread().name)
        smooth = ndimage.uniform_filter(intensity, 5)
        labels, count = ndimage.label(smooth > self.level * np.median(intensity))
        corners, scores, ids = [], [], []
        for blob in range(1, count + 1):
            rows, cols = np.nonzero(labels == blob)
            if rows.size < 20:
                continue
            points = np.stack([cols, rows], 1) + 0.5
            middle = points.mean(0)
            _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
            along, across = np.ptp((points - middle) @ axes.T, axis=0)
            angle = np.arctan2(axes[0, 1], axes[0, 0]) % np.pi
            corners.append(corners_from(*middle, along + 1, across + 1, angle)[0])
            scores.append(min(0.99, 0.4 + rows.size / 2000))
            ids.append(min(len(classes) - 1, 0 if along > 2 * across else 1))
        names = tuple(one.name for one in classes)
        if not corners:
            return Detections.empty(names, self.spec.model_id)
        array = np.array(corners, np.float32)
        return Detections(
            array, bbox_of(array), np.array(scores, np.float32), np.array(ids, np.int32), names, self.spec.model_id
        )
