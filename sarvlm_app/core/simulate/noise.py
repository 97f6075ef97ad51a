"""Correlated random fields by spectral synthesis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

Float32 = NDArray[np.float32]


def _wavenumbers(shape: tuple[int, int]) -> tuple[Float32, Float32]:
    ky = np.fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    kx = np.fft.rfftfreq(shape[1]).astype(np.float32)[None, :]
    return ky, kx


def _synthesise(gain: Float32, padded: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator) -> Float32:
    spectrum = rng.standard_normal((*gain.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum *= gain
    spectrum[0, 0] = 0.0
    field = np.asarray(fft.irfft2(spectrum, s=padded), dtype=np.float32)[: shape[0], : shape[1]]
    spread = float(field.std())
    return np.ascontiguousarray((field - field.mean()) / (spread if spread > 0 else 1.0), dtype=np.float32)


def _padded(shape: tuple[int, int], margin: float) -> tuple[int, int]:
    room = int(min(max(8.0, 2.0 * margin), max(shape) / 2))
    return fft.next_fast_len(shape[0] + room, real=True), fft.next_fast_len(shape[1] + room, real=True)


def _at_reduced(shape: tuple[int, int], factor: int) -> tuple[int, int]:
    return max(8, -(-shape[0] // factor) + 2), max(8, -(-shape[1] // factor) + 2)


def _enlarge(small: Float32, factor: int, shape: tuple[int, int]) -> Float32:
    """Linear interpolation of a reduced field back to `shape`."""
    rows = (np.arange(shape[0], dtype=np.float32) + 0.5) / factor
    cols = (np.arange(shape[1], dtype=np.float32) + 0.5) / factor
    r0, c0 = rows.astype(np.intp), cols.astype(np.intp)
    fr, fc = (rows - r0)[:, None], (cols - c0)[None, :]
    wide = small[:, c0] * (1 - fc) + small[:, c0 + 1] * fc
    return np.asarray(wide[r0] * (1 - fr) + wide[r0 + 1] * fr, dtype=np.float32)


def gaussian_field(
    shape: tuple[int, int], length_px: float, rng: np.random.Generator, *, stretch: float = 1.0, angle: float = 0.0
) -> Float32:
    """A standard normal field with a Gaussian correlation.

    Parameters
    ----------
    shape : (h, w)
    length_px : float
        Correlation length in pixels; below 0.5 the field is white.
    rng : numpy Generator
    stretch : float
        Factor on the length along `angle`.
    angle : float
        Direction of the longer axis, radians from the column axis towards rows.

    Returns
    -------
    float32 (h, w), mean 0, variance 1.
    """
    if length_px < 0.5 and stretch == 1.0:
        return rng.standard_normal(shape, dtype=np.float32)
    factor = int(length_px // 6)
    if factor > 1:
        small = gaussian_field(_at_reduced(shape, factor), length_px / factor, rng, stretch=stretch, angle=angle)
        return _enlarge(small, factor, shape)
    padded = _padded(shape, length_px * stretch)
    ky, kx = _wavenumbers(padded)
    along, across = kx * np.cos(angle) + ky * np.sin(angle), ky * np.cos(angle) - kx * np.sin(angle)
    reach = np.float32(np.pi * length_px)
    gain = np.exp(-0.5 * ((along * reach * np.float32(stretch)) ** 2 + (across * reach) ** 2))
    return _synthesise(gain.astype(np.float32), padded, shape, rng)


def fractal_field(
    shape: tuple[int, int], longest_px: float, rng: np.random.Generator, *, slope: float = 2.6, finest_px: float = 0.0
) -> Float32:
    """A standard normal field whose power falls as k**-slope below `longest_px`.

    Detail much smaller than `finest_px` is left out.

    Returns
    -------
    float32 (h, w), mean 0, variance 1.
    """
    padded = _padded(shape, longest_px)
    ky, kx = _wavenumbers(padded)
    k2 = kx**2 + ky**2
    gain = (k2 + np.float32(1.0 / max(longest_px, 2.0) ** 2)) ** np.float32(-slope / 4.0)
    if finest_px > 0:
        gain = gain * np.exp(-0.5 * k2 * np.float32(np.pi * finest_px) ** 2)
    return _synthesise(gain.astype(np.float32), padded, shape, rng)


def wave_field(shape: tuple[int, int], period_px: float, angle: float, rng: np.random.Generator) -> Float32:
    """A narrow-band field, like swell running along `angle` (radians).

    Returns
    -------
    float32 (h, w), mean 0, variance 1.
    """
    padded = _padded(shape, period_px * 2)
    ky, kx = _wavenumbers(padded)
    centre = 1.0 / max(period_px, 2.0)
    width = np.float32(0.22 * centre)
    gain = np.zeros(np.broadcast_shapes(ky.shape, kx.shape), np.float32)
    for sign in (1.0, -1.0):
        dx, dy = kx - np.float32(sign * centre * np.cos(angle)), ky - np.float32(sign * centre * np.sin(angle))
        gain += np.exp(-0.5 * (dx**2 + dy**2) / width**2)
    return _synthesise(gain, padded, shape, rng)


def to_gamma(normal: Float32, order: float) -> Float32:
    """Map a standard normal field to a gamma field of mean 1 and variance 1 / order.

    Large orders (> 200) give ones: such a surface shows no texture.
    """
    if order > 200.0:
        return np.ones_like(normal)
    knots = np.linspace(-4.5, 4.5, 400)
    values = special.gammaincinv(order, special.ndtr(knots)) / order
    return np.asarray(np.interp(normal, knots, values), dtype=np.float32)
