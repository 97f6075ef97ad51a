"""What a pixel value means: amplitude, intensity and dB, averaging, display stretch.

Pure functions on arrays. The radiometric state is always in a name, never
guessed here: `intensity` is linear power, `amplitude` its square root, `db`
ten times its decimal logarithm. Averages are taken of *intensity*: the mean of
amplitudes or of decibels is biased by speckle (Oliver & Quegan 2004, ch. 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

INTENSITY_FLOOR = 1e-20
"""Linear intensity that stands for "nothing at all" when a logarithm is taken."""

DB_FLOOR = -200.0
"""dB of `INTENSITY_FLOOR`."""

VALID_SHARE = 0.5
"""A pixel averaged from a box counts as valid when at least this share of the box does."""

_ROWS = 256


class ValueType(StrEnum):
    """What the numbers in a band are."""

    COMPLEX = "complex"
    """I and Q; the intensity is their squared modulus."""
    INTENSITY = "intensity"
    """Linear power (sigma0, beta0, gamma0 or uncalibrated)."""
    AMPLITUDE = "amplitude"
    """Linear amplitude, the square root of power."""
    DB = "db"
    """Decibels of power."""
    DN = "dn"
    """Digital numbers of a detected product or a picture; treated as amplitude."""


class Calibration(StrEnum):
    """What the intensity is a measure of (Small 2011; ESA, Radiometric Calibration of S-1 products, 2015)."""

    UNCALIBRATED = "uncalibrated"
    BETA0 = "beta0"
    """Radar brightness: per unit area in slant range."""
    SIGMA0 = "sigma0"
    """Per unit area on the ellipsoid's ground."""
    GAMMA0 = "gamma0"
    """Per unit area at right angles to the look direction."""


def to_intensity(values: NDArray[np.generic], value_type: ValueType) -> Float32:
    """Linear intensity float32 of `values`, same shape; NaN and infinity stay.

    Parameters
    ----------
    values : array of any real or complex dtype
        In the unit that `value_type` names.
    """
    if value_type is ValueType.COMPLEX:
        return _squared_modulus(values)
    real = np.asarray(values).astype(np.float32)
    if value_type is ValueType.DB:
        with np.errstate(over="ignore"):
            return np.asarray(np.power(np.float32(10.0), real * np.float32(0.1)), dtype=np.float32)
    if value_type in (ValueType.AMPLITUDE, ValueType.DN):
        with np.errstate(over="ignore"):
            return np.multiply(real, real, out=real)
    return real


def _squared_modulus(values: NDArray[np.generic]) -> Float32:
    array = np.asarray(values)
    i = array.real.astype(np.float32)
    q = array.imag.astype(np.float32)
    with np.errstate(over="ignore"):
        np.multiply(i, i, out=i)
        i += np.multiply(q, q, out=q)
    return i


def from_intensity(intensity: NDArray[np.generic], value_type: ValueType) -> Float32:
    """Linear intensity in the unit of `value_type` (float32; complex gives amplitude)."""
    if value_type is ValueType.DB:
        return to_db(intensity)
    if value_type is ValueType.INTENSITY:
        return np.asarray(intensity).astype(np.float32)
    return to_amplitude(intensity)


def to_amplitude(intensity: NDArray[np.generic]) -> Float32:
    """Square root of linear intensity, float32; negative intensity (noise removed) counts as 0."""
    return np.sqrt(np.maximum(np.asarray(intensity).astype(np.float32), 0))


def to_db(intensity: NDArray[np.generic]) -> Float32:
    """Decibels float32 of linear intensity; zero and less give `DB_FLOOR`, NaN stays NaN."""
    linear = np.maximum(np.asarray(intensity).astype(np.float32), np.float32(INTENSITY_FLOOR))
    np.log10(linear, out=linear)
    linear *= np.float32(10.0)
    return linear


def from_db(db: NDArray[np.generic]) -> Float32:
    """Linear intensity float32 of decibels."""
    return to_intensity(db, ValueType.DB)


@dataclass(frozen=True, slots=True)
class Stretch:
    """How values become grey levels: one for a whole scene, never for a tile.

    Attributes
    ----------
    low, high : float
        Values shown black and white, `low < high`.
    unit : str
        "dB", or "linear" for amplitude.
    mode : str
        Where it comes from: "percentile", "manual".
    """

    low: float
    high: float
    unit: str = "dB"
    mode: str = "percentile"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"Stretch: expected low < high, got {self.low} and {self.high}")

    def apply(self, intensity: NDArray[np.generic]) -> Float32:
        """Grey levels 0..1 (float32) of linear intensity; NaN stays NaN."""
        values = to_db(intensity) if self.unit == "dB" else to_amplitude(intensity)
        scale = np.float32(1.0 / (self.high - self.low))
        levels: Float32 = np.clip((values - np.float32(self.low)) * scale, np.float32(0), np.float32(1))
        return levels


def widened(low: float, high: float, least: float) -> tuple[float, float]:
    """`low` and `high`, moved apart about their middle where closer than `least`."""
    if high - low >= least:
        return low, high
    middle = (low + high) / 2.0
    return middle - least / 2.0, middle + least / 2.0


def mean_intensity(intensity: Float32, valid: Bool, shape: tuple[int, int]) -> tuple[Float32, Bool]:
    """Area-weighted mean over valid pixels, onto a grid of `shape`.

    Parameters
    ----------
    intensity : float32 (h, w)
        Linear intensity.
    valid : bool (h, w)
        Pixels that hold data; the others have no weight.
    shape : (int, int)
        Rows and columns of the result. Any ratio: whole boxes are averaged
        exactly, split pixels by the area that falls into each box, and a finer
        grid repeats pixels.

    Returns
    -------
    (float32, bool) of `shape`; 0 and False where under half of the box is valid.
    """
    if shape == intensity.shape:
        return np.where(valid, intensity, np.float32(0)), valid.copy()
    height, width = intensity.shape
    if height % shape[0] or width % shape[1]:
        mean = IntensityMean((height, width), shape)
        for row in range(0, height, _ROWS):
            mean.add(row, intensity[row : row + _ROWS], valid[row : row + _ROWS])
        return mean.result()
    box = (height // shape[0], width // shape[1])
    if valid.all():
        return _box_sum(intensity, box) / np.float32(box[0] * box[1]), np.ones(shape, dtype=np.bool_)
    total = _box_sum(np.where(valid, intensity, np.float32(0)), box)
    count = _box_sum(valid.astype(np.float32), box)
    return _ratio(total, count, VALID_SHARE * box[0] * box[1])


class IntensityMean:
    """The same mean, gathered from strips of whole rows so that the source need not fit in memory.

    Parameters
    ----------
    size : (int, int)
        Rows and columns of the source.
    shape : (int, int)
        Rows and columns of the result, any ratio to `size`.
    """

    def __init__(self, size: tuple[int, int], shape: tuple[int, int]) -> None:
        self._height = size[0]
        self._total = np.zeros(shape, dtype=np.float64)
        self._share = np.zeros(shape, dtype=np.float64)

    def add(self, row: int, intensity: Float32, valid: Bool) -> None:
        """Source rows from `row` on: float32 and bool (n, columns of the source)."""
        rows, cols = self._total.shape
        count = len(intensity)
        first, last = row * rows // self._height, -(-(row + count) * rows // self._height)
        scale = self._height / rows
        edges = np.arange(first, last + 1)[:, None] * scale
        lines = np.arange(row, row + count)[None, :]
        overlap = np.minimum(edges[1:], lines + 1) - np.maximum(edges[:-1], lines)
        weights = np.maximum(overlap, 0.0) / scale
        masked = np.where(valid, intensity, np.float32(0))
        self._total[first:last] += weights @ _column_means(masked, cols)
        self._share[first:last] += weights @ _column_means(valid, cols)

    def result(self) -> tuple[Float32, Bool]:
        """Mean intensity float32 and validity bool of `shape`."""
        return _ratio(self._total, self._share, VALID_SHARE)


def _ratio(total: NDArray[np.floating], weight: NDArray[np.floating], least: float) -> tuple[Float32, Bool]:
    valid = weight >= least * (1 - 1e-6)
    mean = np.divide(total, weight, out=np.zeros_like(total), where=valid)
    return mean.astype(np.float32, copy=False), valid


def _box_sum(values: Float32, box: tuple[int, int]) -> Float32:
    """Sums over boxes that divide the array; strided slices are several times faster than a reshape."""
    across = values[:, :: box[1]].copy()
    for k in range(1, box[1]):
        across += values[:, k :: box[1]]
    total = across[:: box[0]].copy()
    for k in range(1, box[0]):
        total += across[k :: box[0]]
    return total


def _column_means(values: NDArray[np.generic], count: int) -> NDArray[np.float64]:
    """Area-weighted means of the columns in `count` equal bins, from the running sum at their edges."""
    height, width = values.shape
    running = np.zeros((height, width + 1), dtype=np.float64)
    np.cumsum(values, axis=1, dtype=np.float64, out=running[:, 1:])
    edges = np.arange(count + 1) * (width / count)
    below = np.minimum(edges.astype(np.intp), width - 1)
    part = edges - below
    at_edges = running[:, below] * (1.0 - part) + running[:, below + 1] * part
    return np.asarray(np.diff(at_edges, axis=1) * (count / width))
