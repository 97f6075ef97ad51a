"""The one colour ramp of heat maps: from background (0.5) to a strong match (1.0), never stretched to the scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Float32

BACKGROUND_SCORE = 0.5
RAMP = (
    (0.00, "#1b0c2e"),
    (0.25, "#5a2062"),
    (0.50, "#b0404a"),
    (0.72, "#f08a30"),
    (0.90, "#ffbe5c"),
    (1.00, "#fff3cf"),
)
"""Share of the way from 0.5 to 1.0, and its colour as #rrggbb."""


def heat_colours(scores: Float32) -> NDArray[np.uint8]:
    """Colours uint8 (..., 3) of scores (...); below 0.5 and NaN take the first colour."""
    share = np.clip((np.nan_to_num(scores, nan=0.0) - BACKGROUND_SCORE) / (1.0 - BACKGROUND_SCORE), 0.0, 1.0)
    stops = [position for position, _ in RAMP]
    channels = [np.interp(share, stops, [int(colour[i : i + 2], 16) for _, colour in RAMP]).round() for i in (1, 3, 5)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def heat_opacity(scores: Float32, threshold: float) -> Float32:
    """Opacity float32 in 0..1: nothing below `threshold` and without data, then 0.45 rising to 0.85."""
    span = max(1.0 - threshold, 1e-6)
    rise = 0.45 + 0.4 * np.clip((scores - threshold) / span, 0.0, 1.0)
    return np.where(scores >= threshold, rise, 0.0).astype(np.float32)  # NaN >= x is False
