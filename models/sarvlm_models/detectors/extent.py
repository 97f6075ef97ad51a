"""From boxes as the training labels draw them to the extents of ships.

Labels of ships in coarse pictures take in the blur of bow and stern. Against AIS (OpenSARShip, Sentinel-1, 10 m) boxes
are a fifth too long up to about 20 px, and four pixels beyond; `sarvlm_training.evaluate.ship_sizes` measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Detections, Float32

SHARE: Final = 0.2
MOST_PX: Final = 4.0


def tightened(boxes: Detections, chosen: NDArray[np.bool_]) -> Detections:
    """Boxes (those `chosen`, bool (n,)) with their length less what labels add, around the same middle."""
    corners, bbox = boxes.corners_px.copy(), boxes.bbox_px.copy()
    middle = corners.mean(axis=1, keepdims=True)
    along = corners[:, 1] - corners[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])
    kept = shares(length)
    kept[~chosen] = 1.0
    unit = along / np.maximum(length, 1e-6)[:, None]
    offset = corners - middle
    lengthwise = (offset * unit[:, None]).sum(axis=-1, keepdims=True) * unit[:, None]
    corners = middle + offset + lengthwise * (kept - 1.0)[:, None, None]
    centre = bbox[:, :2] + bbox[:, 2:] / 2
    bbox[:, 2:] *= kept[:, None]
    bbox[:, :2] = centre - bbox[:, 2:] / 2
    return Detections(
        corners.astype(np.float32), bbox, boxes.scores, boxes.class_ids, boxes.names, boxes.model_id
    )  # fmt: skip


def shares(length_px: Float32 | NDArray[np.float64] | Sequence[float]) -> NDArray[np.float64]:
    """Share of a box's length (pixels) that the ship has."""
    length = np.asarray(length_px, np.float64)
    return 1.0 - np.minimum(SHARE, MOST_PX / np.maximum(length, 1e-6))
