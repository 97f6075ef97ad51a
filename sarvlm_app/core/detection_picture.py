"""Objects of a picture that stands alone, by its own statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.detection_boxes import PART_COVER, joined, moved, named, once_each
from sarvlm_app.core.detection_looks import Asked, Look, looked_at
from sarvlm_app.core.detection_passes import NEARLY
from sarvlm_app.core.radiometry import mean_intensity
from sarvlm_app.core.tiling import Tile, plan_windows
from sarvlm_models.api import Detector
from sarvlm_models.types import Detections, Float32, SceneStats, StoredClass


def detect_picture(
    amplitude: Float32,
    detector: Detector,
    classes: Sequence[StoredClass],
    min_score: float,
    spacing_m: float | None = None,
    vectors: Float32 | None = None,
) -> Detections:
    """Boxes of a picture, in its own pixels, best first.

    Parameters
    ----------
    amplitude : float32 (h, w)
        Linear amplitude or a grey picture of it, in any unit; 0 is no data.
    detector : Detector
    classes : sequence of StoredClass
        What to look for.
    min_score : float
        Boxes below are left out.
    spacing_m : float, optional
        Ground metres per pixel: finer pixels than the detector was taught are
        averaged. Where it is not known, pixels are taken as they are and in
        the detector's other magnifications.
    vectors : float32 (k, d), optional
        `class_vectors` of `classes`, where many pictures are asked for the same.
    """
    known = detector.class_vectors(classes) if vectors is None else vectors
    finest, factor = detector.spec.finest_spacing_m, 1
    if spacing_m is not None:
        factor = max(1, math.floor(finest / spacing_m + NEARLY))
    intensity = _averaged(amplitude, factor)
    names = tuple(one.name for one in classes)
    if intensity.size == 0 or not (intensity > 0).any():
        return Detections.empty(names, detector.spec.model_id)
    stats = SceneStats.of_picture(np.sqrt(intensity))
    height, width = intensity.shape
    tiles = plan_windows(width, height, detector.spec.window_px, detector.spec.margin_px)
    asked = Asked(tuple(classes), known, min_score, detector.spec.looks if spacing_m is None else (1.0,))
    parts = []
    for tile in tiles:
        read = tile.read
        window = np.ascontiguousarray(intensity[read.row : read.row_end, read.col : read.col_end])
        boxes = looked_at(detector, Look(window, stats, partial(_kept, tile=tile)), asked)
        parts.append(moved(named(detector, window, boxes, classes), (read.col, read.row), factor))
    found = joined(parts, names, detector.spec.model_id)
    return once_each(found, PART_COVER) if len(parts) > 1 else found


def _averaged(amplitude: Float32, factor: int) -> Float32:
    """Intensity, averaged over whole boxes of `factor` pixels; the last ones may be cut."""
    intensity = np.square(amplitude, dtype=np.float32)
    if factor == 1:
        return intensity
    missing = [(0, -length % factor) for length in intensity.shape]
    padded = np.pad(intensity, missing)
    valid = np.pad(np.ones(intensity.shape, np.bool_), missing)
    averaged, _ = mean_intensity(padded, valid, (padded.shape[0] // factor, padded.shape[1] // factor))
    return averaged


def _kept(boxes: Detections, tile: Tile) -> NDArray[np.bool_]:
    """Which boxes of a window have their middle in what is kept of it; beyond the picture's rim none is lost."""
    middle = boxes.corners_px.mean(axis=1)
    col, row = middle[:, 0] + tile.read.col, middle[:, 1] + tile.read.row
    keep, read = tile.keep, tile.read
    inside = (col >= keep.col) | (keep.col == read.col)
    inside &= (col < keep.col_end) | (keep.col_end == read.col_end)
    inside &= (row >= keep.row) | (keep.row == read.row)
    return np.asarray(inside & ((row < keep.row_end) | (keep.row_end == read.row_end)))
