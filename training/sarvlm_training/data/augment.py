"""Radiometric augmentation: what gain, remap and clipping do to the same ground."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .samples import FloatImage, Sample


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


def remap(amplitude: FloatImage, rng: np.random.Generator, strength: float = 1.0) -> FloatImage:
    """What displays do to a picture: clipping, logarithm, gamma, equalisation, 8 bits; monotone throughout.

    Parameters
    ----------
    amplitude : float32 (h, w)
    strength : float
        Share of the pictures that are remapped; 1 where the remap of the data is unknown.

    Returns
    -------
    float32 (h, w), positive, in any unit.
    """
    image = amplitude / max(float(amplitude.max()), 1e-6)
    if rng.random() < 0.5 * strength:
        image = np.minimum(image / max(float(np.percentile(image, rng.uniform(96.0, 100.0))), 1e-6), 1.0)
    kind = rng.random()
    if kind < 0.4 * strength:
        k = float(np.exp(rng.uniform(0.0, 4.0)))
        image = np.log1p(k * image) / np.log1p(k)
    elif kind < 0.5 * strength:
        image = np.clip(1.0 + 20.0 * np.log10(np.maximum(image, 1e-6)) / float(rng.uniform(35.0, 60.0)), 0.0, 1.0)
    elif kind < 0.58 * strength:
        order = np.argsort(np.argsort(image, axis=None)).reshape(image.shape)
        image = (order / image.size).astype(np.float32)
    if rng.random() < 0.7 * strength:
        image = image ** float(np.exp(rng.uniform(-0.9, 0.5)))
    if rng.random() < 0.7 * strength:
        image = np.round(255.0 * image) / 255.0
    return np.asarray(image, np.float32)


def scintillate(amplitude: FloatImage, rng: np.random.Generator, spread: float) -> FloatImage:
    """Parts of a target brighter and darker, as scatterers are when the look moves by a few degrees.

    Nothing is resampled: the gain varies smoothly over a sixth to a third of the picture.

    Parameters
    ----------
    amplitude : float32 (h, w)
    spread : float
        Standard deviation of the natural logarithm of the gain.
    """
    knots = rng.normal(0.0, spread, rng.integers(3, 7, 2)).astype(np.float32)
    height, width = amplitude.shape
    gain = np.asarray(Image.fromarray(knots).resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return np.asarray(amplitude * np.exp(gain), np.float32)


def hide_part(amplitude: FloatImage, rng: np.random.Generator) -> FloatImage:
    """A rectangle of up to two fifths of each edge covered by another part of the picture: no one spot is the cue."""
    height, width = amplitude.shape
    rows, cols = (max(1, round(edge * float(rng.uniform(0.15, 0.4)))) for edge in (height, width))
    spare = (height - rows, width - cols)
    (top, left), (from_top, from_left) = (rng.integers(0, np.array(spare) + 1) for _ in range(2))
    image = amplitude.copy()
    image[top : top + rows, left : left + cols] = amplitude[from_top : from_top + rows, from_left : from_left + cols]
    return image


def hide_spacing(sample: Sample, rng: np.random.Generator, share: float = 0.4) -> Sample:
    """Forget the pixel spacing of a share of the samples and blur the rest by up to 15 %."""
    if rng.random() < share:
        sample.spacing_m = 0.0
    else:
        sample.spacing_m *= float(np.exp(rng.normal(0.0, 0.15)))
    return sample
