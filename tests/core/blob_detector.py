"""A detector without a network: bright straight hulls on dark ground, by their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from sarvlm_app.core.boxes import bbox_of, corners_from
from sarvlm_models.types import Detections, DetectorSpec, Float32, SceneStats, StoredClass

SHIP = StoredClass("ship", ("ship",), (1.0, 30.0))
LORRY = StoredClass("lorry", ("lorry",), (0.2, 0.8))
HULL = 30.0
"""Amplitude of a hull, in that of its ground."""


@dataclass
class BlobDetector:
    """Finds what is `HULL` / 3 times brighter than the scene's median, as one box a blob."""

    window_px: int = 256
    margin_px: int = 48
    spec_classes: tuple[StoredClass, ...] = (SHIP, LORRY)
    named_by: str = ""
    looks: tuple[float, ...] = (1.0,)
    looks_middle: float = 0.0
    seen: list[tuple[tuple[int, int], tuple[str, ...]]] = field(default_factory=list)

    @property
    def spec(self) -> DetectorSpec:
        return DetectorSpec(
            "blob@000000000000", self.window_px, self.margin_px, 0.2, self.spec_classes, "00", self.named_by,
            self.looks, self.looks_middle,
        )  # fmt: skip

    def class_vectors(self, classes: Sequence[StoredClass]) -> Float32:
        """One axis for whatever floats, one for what drives."""
        floats = np.array([one.words[0] in ("ship", "a ferry") for one in classes])
        return np.stack([floats, ~floats], axis=1).astype(np.float32)

    def detect(
        self, intensity: Float32, stats: SceneStats, classes: Sequence[StoredClass], vectors: Float32, min_score: float
    ) -> Detections:
        names = tuple(one.name for one in classes)
        self.seen.append((intensity.shape, names))
        found, count = ndimage.label(np.sqrt(intensity) > stats.median_amplitude * HULL / 3)
        boxes = [_box(found == i + 1) for i in range(count)]
        if not boxes:
            return Detections.empty(names, "blob@000000000000")
        corners = corners_from(*np.array(boxes).T).astype(np.float32)
        scores = np.linspace(0.9, 0.8, len(boxes)).astype(np.float32)
        box, ids = bbox_of(corners).astype(np.float32), np.zeros(len(boxes), np.int32)
        return Detections(corners, box, scores, ids, names, "blob@000000000000")


def _box(mask: np.ndarray) -> tuple[float, float, float, float, float]:
    rows, cols = np.nonzero(mask)
    middle = cols.mean() + 0.5, rows.mean() + 0.5
    spread = np.cov(np.stack((cols, rows))) if len(rows) > 2 else np.eye(2)
    values, vectors = np.linalg.eigh(spread)
    angle = float(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return *middle, float(np.sqrt(12 * values[1])) + 1, float(np.sqrt(12 * max(values[0], 0))) + 1, angle


def sea(height: int, width: int) -> Float32:
    """Smooth ground of amplitude 1, float32."""
    return np.ones((height, width), np.float32)


def add_hull(pixels: Float32, col: float, row: float, length: float, width: float, angle: float) -> None:
    """A bright rectangle; `angle` in radians, clockwise from the columns' direction."""
    rows, cols = np.indices(pixels.shape) + 0.5
    along = (cols - col) * np.cos(angle) + (rows - row) * np.sin(angle)
    across = (rows - row) * np.cos(angle) - (cols - col) * np.sin(angle)
    pixels[(np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)] = HULL
