"""Colours of the log-ratio change: blue for darker, red for brighter, clear where less than the threshold changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# share of the range, red, green, blue, opacity; told apart by the colour-blind, after ColorBrewer's RdBu
_DARKER = np.array([[0.0, 0.66, 0.83, 0.92, 0.75], [0.5, 0.26, 0.58, 0.82, 0.9], [1.0, 0.02, 0.25, 0.62, 1.0]])
_BRIGHTER = np.array([[0.0, 0.99, 0.83, 0.72, 0.75], [0.5, 0.93, 0.43, 0.28, 0.9], [1.0, 0.72, 0.02, 0.12, 1.0]])
_STEPS = 9
_HAIR = 1e-4


def colour_at(values: Float64) -> Float64:
    """RGBA (n, 4) in 0..1 of changes as a share -1..1 of the range, without regard to a threshold."""
    size = np.clip(np.abs(values), 0.0, 1.0)
    both = [
        np.stack([np.interp(size, side[:, 0], side[:, k]) for k in range(1, 5)], axis=-1)
        for side in (_DARKER, _BRIGHTER)
    ]
    return np.where(np.asarray(values)[..., None] < 0, *both)


def change_stops(threshold: float) -> tuple[Float64, Float64]:
    """The colour map as napari wants it: no change lies in the middle.

    Parameters
    ----------
    threshold : float
        Share of the range, 0..1, below which it is clear.

    Returns
    -------
    (float64 (n,), float64 (n, 4))
        Controls rising from 0 (all darker) over 0.5 (no change) to 1, and RGBA at each.
    """
    edge = float(np.clip(threshold, 2 * _HAIR, 1.0 - 2 * _HAIR))
    side = np.linspace(edge, 1.0, _STEPS)
    values = np.concatenate([-side[::-1], [-edge + _HAIR, edge - _HAIR], side])
    colours = colour_at(values)
    colours[np.abs(values) < edge, 3] = 0.0
    return (values + 1.0) / 2.0, colours
