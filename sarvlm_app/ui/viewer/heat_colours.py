"""Colours of the heat map: violet over amber to near white, clear below the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BACKGROUND = 0.5
"""The score that means "like the background"; the colour scale starts here, always."""

# score, red, green, blue, opacity: lightness rises evenly with the score
_ANCHORS = np.array(
    [
        [0.50, 0.22, 0.08, 0.30, 0.62],
        [0.60, 0.46, 0.15, 0.44, 0.80],
        [0.70, 0.75, 0.26, 0.36, 0.87],
        [0.80, 0.95, 0.48, 0.22, 0.92],
        [0.90, 1.00, 0.72, 0.33, 0.96],
        [1.00, 1.00, 0.95, 0.78, 1.00],
    ]
)
_SOFT = 0.02


def colour_at(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """RGBA in 0..1, shape (n, 4), of `scores` (n,) without regard to a threshold."""
    values = np.clip(np.asarray(scores, dtype=np.float64), BACKGROUND, 1.0)
    return np.stack([np.interp(values, _ANCHORS[:, 0], _ANCHORS[:, k]) for k in range(1, 5)], axis=-1)


def colour_stops(threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The colour scale as napari wants it.

    Parameters
    ----------
    threshold : float
        Scores below it are invisible, so that background never tints the scene.

    Returns
    -------
    controls : float64 (n,)
        Rising from 0 (score 0.5) to 1 (score 1.0).
    colours : float64 (n, 4)
        RGBA at each control.
    """
    edge = float(np.clip(threshold, BACKGROUND + 2e-3, 1.0 - 2e-3))
    foot = max(BACKGROUND + 1e-3, edge - _SOFT)
    above = _ANCHORS[_ANCHORS[:, 0] > edge + 1e-4, 0]
    scores = np.concatenate([[BACKGROUND, foot, edge], above])
    colours = colour_at(scores)
    colours[:2, 3] = 0.0
    return (scores - BACKGROUND) / (1.0 - BACKGROUND), colours
