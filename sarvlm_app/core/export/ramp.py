"""The one colour ramp of heat maps: from background (0.5) to a strong match (1.0), never stretched to the scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Float32

BACKGROUND_SCORE = 0.5
RAMP = (
    (0.50, (56, 20, 77)),
    (0.60, (117, 38, 112)),
    (0.70, (191, 66, 92)),
    (0.80, (242, 122, 56)),
    (0.90, (255, 184, 84)),
    (1.00, (255, 242, 199)),
)
"""Scores and their colours (red, green, blue): lightness rises evenly with the score."""


def heat_colours(scores: Float32) -> NDArray[np.uint8]:
    """Colours uint8 (..., 3) of scores (...); below 0.5 and NaN take the first colour."""
    known = np.nan_to_num(scores, nan=BACKGROUND_SCORE)
    stops = [score for score, _ in RAMP]
    channels = [np.interp(known, stops, [colour[k] for _, colour in RAMP]).round() for k in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def heat_opacity(scores: Float32, threshold: float) -> Float32:
    """Opacity float32 in 0..1: nothing below `threshold` and without data, then 0.45 rising to 0.85."""
    span = max(1.0 - threshold, 1e-6)
    rise = 0.45 + 0.4 * np.clip((scores - threshold) / span, 0.0, 1.0)
    return np.where(scores >= threshold, rise, 0.0).astype(np.float32)  # NaN >= x is False
