"""Statistics of a part of a scene, read window by window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from rasterio.features import rasterize

from sarvlm_app.core.instruments.area import require_ring
from sarvlm_app.core.instruments.ground import Float64
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.radiometry import Bool, Float32
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window

PERCENTILES = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)

HISTOGRAM_BINS = 96
HISTOGRAM_SHARE = 0.001
"""Share of the values that lies beyond each end of a histogram."""

_COLS, _PIXELS = 4096, 2**20
_EXACT = 2**20
_KEY_SHIFT = 12
_BINS = 2 ** (32 - _KEY_SHIFT)


@dataclass(frozen=True, slots=True, eq=False)
class DbHistogram:
    """How often a level occurs; only intensities above 0 have one.

    Attributes
    ----------
    edges_db : float64 (n + 1,)
        From the 0.1th to the 99.9th percentile.
    counts : float64 (n,)
    outside : int
        Values beyond the edges.
    """

    edges_db: Float64
    counts: Float64
    outside: int


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """What the pixels of a region say; intensities are linear.

    Attributes
    ----------
    pixels : int
        Whose centre lies in the region and the scene.
    count : int
        Of these, those that hold data; all that follows is about them and is NaN where there are none.
    mean, std, minimum, maximum : float
        Of the intensity.
    percentiles : dict of float to float
        Of the intensity: exact up to a million valid pixels, beyond that to 0.05 % (0.002 dB).
    histogram : DbHistogram or None
        None where no intensity is above 0.
    """

    pixels: int
    count: int
    mean: float
    std: float
    minimum: float
    maximum: float
    percentiles: dict[float, float] = field(hash=False)
    histogram: DbHistogram | None = field(default=None, hash=False, compare=False, repr=False)

    @property
    def valid_share(self) -> float:
        return self.count / self.pixels

    @property
    def mean_db(self) -> float:
        """Of the mean intensity, not the mean of decibels."""
        return decibels(self.mean)

    @property
    def median(self) -> float:
        return self.percentiles[50.0]

    @property
    def variation(self) -> float:
        """Coefficient of variation: standard deviation over mean."""
        return self.std / self.mean if self.mean != 0 else math.nan

    @property
    def enl(self) -> float:
        """Equivalent number of looks, mean^2 / variance: that of the speckle only where the region is homogeneous."""
        return (self.mean / self.std) ** 2 if self.std > 0 else math.nan


def decibels(intensity: float) -> float:
    """Decibels of one linear intensity; NaN where it is not above 0."""
    return 10.0 * math.log10(intensity) if intensity > 0 else math.nan


def region_statistics(
    scene: Scene, band: int, region: Window | ArrayLike, context: JobContext | None = None
) -> RegionStatistics:
    """Statistics of a window, or of the pixels whose centre lies in a polygon.

    The region is read in windows of about a million pixels and nothing of
    them is kept but sums and, beyond the first million, a histogram of 2**20
    logarithmic bins (8 MB): its size costs time and no memory.

    Parameters
    ----------
    band : int
        From 1.
    region : Window or (n, 2)
        What lies outside the scene does not count.
    context : JobContext, optional
        Progress and cancel.

    Raises
    ------
    QueryError
        The region does not touch the scene, or holds no pixel's centre.
    SceneError
        The scene cannot be read.
    JobCancelled
    """
    ring = None if isinstance(region, Window) else require_ring(region)
    bounds = region if isinstance(region, Window) else _bounds(scene, require_ring(region))
    area = bounds.intersection(Window(0, 0, scene.width, scene.height))
    if area is None:
        raise QueryError(
            f"The region does not touch {scene.path} of {scene.width} x {scene.height} px; choose another."
        )
    windows, sums = list(_windows(area)), _Sums()
    for done, window in enumerate(windows):
        if context is not None:
            context.step(done, len(windows), f"Measuring {scene.name}")
        chip = read_chip(scene, window, band)
        sums.add(chip.intensity, chip.valid, None if ring is None else _inside(ring, window))
    if sums.pixels == 0:
        raise QueryError(f"The region holds no pixel's centre of {scene.path}; make it larger.")
    return sums.statistics()


def _bounds(scene: Scene, ring: Float64) -> Window:
    """The whole pixels around a ring, no farther out than the scene's own size."""
    reach = max(scene.width, scene.height) + 1.0
    low = np.floor(np.clip(ring.min(axis=0), -reach, 2 * reach)).astype(int)
    high = np.ceil(np.clip(ring.max(axis=0), -reach, 2 * reach)).astype(int)
    size = np.maximum(high - low, 1)
    return Window(int(low[0]), int(low[1]), int(size[0]), int(size[1]))


def _windows(area: Window) -> Iterator[Window]:
    width = min(_COLS, area.width)
    height = max(1, _PIXELS // width)
    for row in range(area.row, area.row_end, height):
        for col in range(area.col, area.col_end, width):
            yield Window(col, row, min(width, area.col_end - col), min(height, area.row_end - row))


def _inside(ring: Float64, window: Window) -> Bool:
    shape = {"type": "Polygon", "coordinates": [[*ring.tolist(), ring[0].tolist()]]}
    to_pixels = Affine.translation(window.col, window.row)
    drawn = rasterize([shape], (window.height, window.width), transform=to_pixels, dtype="uint8")
    return np.asarray(drawn, np.bool_)


class _Sums:
    """Running moments and histogram."""

    def __init__(self) -> None:
        self.pixels = self.count = 0
        self._mean = self._square = 0.0
        self._low, self._high = math.inf, -math.inf
        self._kept: list[Float32] = []
        self._bins: NDArray[np.int64] = np.zeros(_BINS, np.int64)

    def add(self, intensity: Float32, valid: Bool, inside: Bool | None) -> None:
        self.pixels += valid.size if inside is None else int(np.count_nonzero(inside))
        values = intensity[valid if inside is None else valid & inside]
        if values.size == 0:
            return
        mean = float(values.mean(dtype=np.float64))
        square = float(np.square(values.astype(np.float64) - mean).sum())
        total = self.count + values.size
        shift = mean - self._mean
        self._square += square + shift * shift * self.count * values.size / total
        self._mean += shift * values.size / total
        self.count = total
        self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))
        self._kept.append(values)
        if self.count > _EXACT:
            for kept in self._kept:
                self._bins += np.bincount(_keys(kept), minlength=_BINS)
            self._kept.clear()

    def statistics(self) -> RegionStatistics:
        if self.count == 0:
            nothing = dict.fromkeys(PERCENTILES, math.nan)
            return RegionStatistics(self.pixels, 0, math.nan, math.nan, math.nan, math.nan, nothing)
        std = math.sqrt(self._square / self.count)
        found = dict(zip(PERCENTILES, self._percentiles(), strict=True))
        return RegionStatistics(
            self.pixels, self.count, self._mean, std, self._low, self._high, found, _histogram(*self._values())
        )

    def _values(self) -> tuple[Float64, Float64]:
        """Values above 0 and how often each occurs; beyond a million, those of the middles of the bins."""
        if self.count <= _EXACT:
            values = np.concatenate(self._kept).astype(np.float64)
            weights = np.ones(len(values))
        else:
            bins = np.flatnonzero(self._bins)
            bins = bins[_bin_edges(bins) > 0]  # the bin that begins at 0 holds zeros
            values = (_bin_edges(bins) + _bin_edges(bins + 1)) / 2
            weights = self._bins[bins].astype(np.float64)
        return values[values > 0], weights[values > 0]

    def _percentiles(self) -> list[float]:
        """Percentiles of the values themselves, else from the histogram, straight within a bin."""
        if self.count <= _EXACT:
            exact = np.percentile(np.concatenate(self._kept).astype(np.float64), PERCENTILES)
            return [float(value) for value in exact]
        below = np.cumsum(self._bins)
        ranks = np.asarray(PERCENTILES) / 100.0 * (self.count - 1)
        bins = np.searchsorted(below, ranks, side="right")
        part = (ranks - (below - self._bins)[bins] + 0.5) / self._bins[bins]
        values = _bin_edges(bins) * (1.0 - part) + _bin_edges(bins + 1) * part
        return [float(value) for value in np.clip(values, self._low, self._high)]


def _histogram(values: Float64, weights: Float64) -> DbHistogram | None:
    if values.size == 0:
        return None
    order = np.argsort(values)
    levels, weights = 10.0 * np.log10(values[order]), weights[order]
    below = np.cumsum(weights)
    total = float(below[-1])
    first, last = np.searchsorted(below, [HISTOGRAM_SHARE * total, (1 - HISTOGRAM_SHARE) * total])
    low, high = float(levels[first]), float(levels[min(int(last), len(levels) - 1)])
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(levels, HISTOGRAM_BINS, (low, high), weights=weights)
    return DbHistogram(edges, counts.astype(np.float64), round(total - float(counts.sum())))


def _keys(values: Float32) -> NDArray[np.int64]:
    """Bins of float32 values: the upper 20 bits, in the order of the numbers (2**11 bins for a factor of two)."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(0x80000000))
    return (ordered >> _KEY_SHIFT).astype(np.int64)


def _bin_edges(bins: NDArray[np.int64]) -> Float64:
    ordered = (np.minimum(bins, _BINS - 1).astype(np.uint32)) << _KEY_SHIFT
    bits = np.where(ordered >> 31, ordered ^ np.uint32(0x80000000), ~ordered).astype(np.uint32)
    return np.asarray(bits.view(np.float32), np.float64)
