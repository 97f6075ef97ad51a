"""What a scene's values are like: a sparse seeded sample of them, with what stretches and remaps need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.display.combined import terms_of
from sarvlm_app.core.display.settings import Channel, ChannelKind, Limits, Mode
from sarvlm_app.core.products.sources import read_intensity
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import Float32, mean_intensity, to_db, widened
from sarvlm_app.core.sampling import sample_windows
from sarvlm_app.core.scene import LEAST_STRETCH_DB, STRETCH_PERCENTILES, default_stretch, source_of

WHOLE_PERCENTILES = (0.1, 99.9)
EMPTY_LIMITS = (-25.0, 0.0)
BINS = 96
_WINDOWS, _EDGE, _MOST = 24, 160, 120_000
_RATIO_BOX = 4
"""Ratios are sampled from means of so many pixels each way: those of single pixels are mostly speckle."""


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A sample of a band or a channel.

    Attributes
    ----------
    db : float32 (n,)
        Sorted decibels of valid pixels above zero, read-only.
    mean, least, most, p99 : float
        Of the amplitude of the sample; zeros count.
    own : (float, float) or None
        The scene's default stretch in dB, where it is that of a band: as everything else shows it.
    """

    db: Float32
    mean: float
    least: float
    most: float
    p99: float
    own: Limits | None = None

    def limits(self, mode: Mode = Mode.PERCENTILE) -> Limits:
        """Black and white of the scene in the unit of the mode."""
        if self.db.size == 0:
            return (0.0, 1.0) if mode.unit == "amplitude" else EMPTY_LIMITS
        if mode.unit == "amplitude":
            return 0.0, max(float(_amplitude(self._percentile(STRETCH_PERCENTILES[1]))), 1e-12)
        if self.own is not None and mode is not Mode.LOG:
            return self.own
        low, high = WHOLE_PERCENTILES if mode is Mode.LOG else STRETCH_PERCENTILES
        return widened(self._percentile(low), self._percentile(high), LEAST_STRETCH_DB)

    def _percentile(self, share: float) -> float:
        return float(np.percentile(self.db, share))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often values occur.

    Attributes
    ----------
    counts : float64 (n,)
        Smoothed over three bins.
    edges : float64 (n + 1,)
        In the unit asked for.
    """

    counts: NDArray[np.float64]
    edges: NDArray[np.float64]


@lru_cache(maxsize=64)
def levels_of(scene: Scene, band: int) -> Levels:
    """The levels of a band (from 1); read once, at the places that `sample_windows` spreads over the scene.

    Raises
    ------
    SceneError
        The file is damaged or gone.
    """
    source = source_of(scene, band)
    parts = []
    for window in sample_windows((scene.width, scene.height), source.layout().block[::-1], _WINDOWS, _EDGE):
        intensity, valid = read_intensity(source, window)
        parts.append(intensity[valid])
    intensity = np.concatenate(parts)
    intensity = intensity[:: max(1, intensity.size // _MOST)]
    amplitude = np.sqrt(np.maximum(intensity, 0))
    if amplitude.size == 0:
        return _levels(np.zeros(0, np.float32), 0.0, 0.0, 0.0, 0.0)
    p99 = float(np.percentile(amplitude, 99))
    extremes = float(amplitude.min()), float(amplitude.max())
    stretch = default_stretch(scene, band)
    found = _levels(to_db(intensity[intensity > 0]), float(amplitude.mean(dtype=np.float64)), *extremes, p99)
    return replace(found, own=(stretch.low, stretch.high))


@lru_cache(maxsize=64)
def channel_levels(scene: Scene, channel: Channel) -> Levels:
    """The levels of a channel of a composite, in dB; `channel.limits` should be None, so that one sample serves all.

    Raises
    ------
    SceneError
        A band is missing, or the file is damaged or gone.
    """
    terms, offset = terms_of(scene, channel)
    if channel.kind is ChannelKind.BAND:
        return levels_of(scene, channel.bands[0])
    box = _RATIO_BOX if channel.kind is ChannelKind.RATIO else 1
    sources = [(source_of(term.scene, term.band), term.sign) for term in terms]
    parts = []
    for window in sample_windows((scene.width, scene.height), sources[0][0].layout().block[::-1], _WINDOWS, _EDGE):
        shape = (max(1, window.height // box), max(1, window.width // box))
        total, known = np.full(shape, offset, np.float32), np.ones(shape, np.bool_)
        for source, sign in sources:
            mean, valid = mean_intensity(*read_intensity(source, window), shape)
            total += np.float32(sign) * to_db(mean)
            known &= valid & (mean > 0)
        parts.append(total[known])
    db = np.concatenate(parts)
    return _levels(db[:: max(1, db.size // _MOST)], 0.0, 0.0, 0.0, 0.0)


def histogram(db: Float32, unit: str = "dB") -> Histogram | None:
    """Of a sample in decibels, in "dB" or as "amplitude"; None where there is next to nothing to count."""
    values = _amplitude(db) if unit == "amplitude" else db
    values = values[np.isfinite(values)]
    if values.size < 2:
        return None
    low, high = (float(value) for value in np.percentile(values, (0.2, 99.9)))
    if unit == "amplitude":
        low, high = 0.0, max(1.15 * high, 1e-12)
    else:
        rim = 3.0 if high - low < 1 else 0.1 * (high - low)
        low, high = low - rim, high + rim
    counts, edges = np.histogram(values, bins=BINS, range=(low, high))
    return Histogram(np.convolve(counts, np.ones(3) / 3, mode="same"), edges)


def _levels(db: Float32, mean: float, least: float, most: float, p99: float) -> Levels:
    values = np.sort(np.asarray(db, np.float32))
    values.setflags(write=False)
    return Levels(values, mean, least, most, p99)


def _amplitude(db: Float32 | float) -> Float32:
    return np.asarray(np.power(np.float32(10), np.asarray(db, np.float32) / 20), np.float32)
