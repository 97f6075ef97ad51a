"""Radiometric augmentation: what gain, remap and clipping do to the same ground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .samples import Sample


def vary_radiometry(sample: Sample, rng: np.random.Generator, strength: float = 1.0) -> Sample:
    """Gain, gamma, clipping and logarithmic remaps of the amplitude, in place.

    `strength` 1 is for pictures whose remap is unknown (8 bit); land cover,
    whose bright tail is signal, takes about 0.3.
    """
    amplitude: NDArray[np.floating[Any]] = sample.relative
    if rng.random() < 0.5 * strength:
        gamma = float(np.exp(rng.normal(0.0, 0.25 * strength)))
        amplitude = amplitude**gamma
        sample.ratio **= gamma
    if rng.random() < 0.25 * strength:
        k = float(rng.uniform(0.1, 3.0))
        amplitude = np.log1p(k * amplitude) / np.log1p(k)
        sample.ratio = float(np.log1p(k * sample.ratio) / np.log1p(k))
    if rng.random() < 0.4 * strength:
        ceiling = sample.ratio * float(rng.uniform(0.8, 3.0))
        amplitude = np.minimum(amplitude, ceiling)
    if rng.random() < 0.15:
        steps = sample.ratio * float(rng.uniform(1.0, 2.5)) / 255.0
        amplitude = np.round(amplitude / steps) * steps
    gain = float(np.exp(rng.normal(0.0, 0.3)))
    sample.relative = np.asarray(amplitude * gain, dtype=np.float32)
    sample.ratio = float(np.clip(sample.ratio * np.exp(rng.normal(0.0, 0.15)), 1.2, 40.0))
    return sample


def hide_spacing(sample: Sample, rng: np.random.Generator, share: float = 0.4) -> Sample:
    """Forget the pixel spacing of a share of the samples and blur the rest by up to 15 %."""
    if rng.random() < share:
        sample.spacing_m = 0.0
    else:
        sample.spacing_m *= float(np.exp(rng.normal(0.0, 0.15)))
    return sample
