"""How many looks an image has, told from its pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sarvlm_app.core.filters.windows import Float64
from sarvlm_app.core.radiometry import Bool, Float32

WINDOW = 25
LEAST_WINDOWS = 12
"""Windows below which nothing is said."""

_BANDWIDTH = 0.08
_PROMINENT = 0.4
_GRID = 0.005


def estimate_looks(intensity: Float32, valid: Bool, window_px: int = WINDOW) -> float | None:
    """The equivalent number of looks of an image: the mode of mean^2 / variance over many small windows.

    Windows of `window_px` lie half over each other; those with invalid pixels
    are left out. Texture, edges and targets only lower a window's value, so
    homogeneous clutter makes the uppermost heap; its mode is taken, which
    other surfaces do not move as long as they leave it a heap of its own (the
    classic way, after Lee, Jurkevich, Dewaele, Wambacq & Oosterlinck 1994,
    "Speckle filtering of synthetic aperture radar images: a review", Remote
    Sensing Reviews 8). The density is smoothed by a Gaussian of 8 % and a heap
    counts when it is at least 40 % as high as the highest. An image without
    any homogeneous surface gives too low a number.

    Parameters
    ----------
    intensity : float32 (h, w)
        Linear intensity.
    valid : bool (h, w)
    window_px : int
        Edge of a window. On 512 x 512 px of pure speckle the result is within about 3 % of the truth.

    Returns
    -------
    float or None
        None where fewer than 12 windows can be used.
    """
    return mode_of_looks([variations(intensity, valid, window_px)])


def variations(intensity: Float32, valid: Bool, window_px: int = WINDOW) -> Float64:
    """Squared coefficients of variation of the windows of one piece of an image, float64 (n,)."""
    known = valid & np.isfinite(intensity)
    values = np.where(known, intensity, 0.0).astype(np.float64)
    step = max(1, window_px // 2)
    if min(values.shape) < window_px:
        return np.empty(0)
    cut = np.lib.stride_tricks.sliding_window_view
    windows = cut(values, (window_px, window_px))[::step, ::step]
    whole = cut(known, (window_px, window_px))[::step, ::step].all(axis=(2, 3))
    mean = windows.mean(axis=(2, 3))[whole]
    variance = windows.var(axis=(2, 3), ddof=1)[whole]
    usable = (mean > 0) & (variance > 0)
    return np.asarray(variance[usable] / mean[usable] ** 2)


def mode_of_looks(found: Iterable[Float64]) -> float | None:
    """The number of looks of the uppermost heap among squared coefficients of variation."""
    logs = np.log(np.concatenate([np.empty(0), *found]))
    if logs.size < LEAST_WINDOWS:
        return None
    grid = np.arange(logs.min() - 3 * _BANDWIDTH, logs.max() + 3 * _BANDWIDTH, _GRID)
    counts, _ = np.histogram(logs, np.append(grid, grid[-1] + _GRID))
    reach = np.arange(-4 * _BANDWIDTH, 4 * _BANDWIDTH + _GRID / 2, _GRID)
    density = np.convolve(counts, np.exp(-0.5 * (reach / _BANDWIDTH) ** 2), mode="same")
    heap = (
        (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:]) & (density[1:-1] >= _PROMINENT * density.max())
    )
    first = int(np.argmax(heap)) + 1 if heap.any() else int(np.argmax(density))
    return float(np.exp(-(grid[first] + _GRID / 2)))
