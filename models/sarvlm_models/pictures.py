"""One default preparation of pictures that come without sensor, profile or pixel spacing.

The grain of a chip that is sampled finer than its radar resolves says nothing
of the target but much of how the chip was made (the common MSTAR release gives
its class away by it), so such a chip is low-passed and averaged down. The
grain of a chip sampled as finely as the radar resolves is texture, and stays.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from .preprocess import FINEST_SPACING_M
from .types import Float32

GRAIN_LIMIT: Final = 0.42
"""`grain` below which a picture counts as sampled finer than it resolves."""
LEAST_EDGE_PX: Final = 64
"""A picture of unknown spacing is not averaged down below this."""
MOST_REDUCTION: Final = 2.0 / 3.0
BLUR_PX: Final = 3.6
"""Sigma of the low-pass in input pixels over (1 - factor): 1.2 px at the strongest reduction."""


def grain(amplitude: Float32) -> float:
    """Power density above 0.375 cycles a pixel over that between 0.15 and 0.3 (1 for white noise).

    Grey values are replaced by Rayleigh deviates of equal rank first, so that
    no monotone remap of the display changes the figure.
    """
    edge = min(*amplitude.shape, 256)
    part = amplitude[:edge, :edge]
    ranks = np.empty(part.size)
    ranks[np.argsort(part, axis=None, kind="stable")] = (np.arange(part.size) + 0.5) / part.size
    values = np.sqrt(-np.log1p(-np.minimum(ranks, 0.9995))).reshape(part.shape)
    values -= gaussian_filter(values, 3.0)
    window = np.hanning(edge)[:, None] * np.hanning(edge)
    power = np.abs(np.fft.fft2(values * window)) ** 2
    frequency = np.fft.fftfreq(edge)
    radius = np.hypot(frequency[:, None], frequency)
    middle = power[(radius > 0.15) & (radius < 0.3)].mean()
    return float(power[radius > 0.375].mean() / max(middle, 1e-12))


def reduction(amplitude: Float32, spacing_m: float | None) -> float:
    """Factor by which a picture is to be averaged down, 2/3 to 1 (smaller only where the spacing asks for it)."""
    if spacing_m is not None and spacing_m > 0:
        return min(1.0, spacing_m / FINEST_SPACING_M)
    least = min(amplitude.shape)
    if least <= LEAST_EDGE_PX or grain(amplitude) >= GRAIN_LIMIT:
        return 1.0
    return float(np.clip(LEAST_EDGE_PX / least, MOST_REDUCTION, 1.0))


def resize(image: Float32, factor: float) -> Float32:
    """Resample by `factor` (bilinear, averaging where it shrinks)."""
    height, width = image.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR), dtype=np.float32)


def reduced(amplitude: Float32, factor: float, blur: float = 1.0) -> Float32:
    """A picture low-passed and averaged down by `factor`; `blur` scales the low-pass (training varies it)."""
    if factor >= 1.0:
        return amplitude
    sigma = BLUR_PX * min(1.0 - factor, 1.0 - MOST_REDUCTION) * blur
    return resize(np.asarray(gaussian_filter(amplitude, sigma), np.float32), factor)


def prepare_picture(amplitude: Float32, spacing_m: float | None) -> Float32:
    """A picture as the tower takes it: float32 (h', w'), each edge at least 32 px (mirrored out where smaller)."""
    image = reduced(np.asarray(amplitude, np.float32), reduction(amplitude, spacing_m))
    while min(image.shape) < 32:
        image = np.pad(image, [(0, min(edge, 32 - edge) if edge < 32 else 0) for edge in image.shape], mode="symmetric")
    return image
