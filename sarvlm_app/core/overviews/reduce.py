"""Halving an image by the mean of intensity, with the share of each pixel that holds data."""

from __future__ import annotations

import numpy as np

from sarvlm_app.core.radiometry import VALID_SHARE, Bool, Float32, to_db

Weighted = tuple[Float32, Float32 | None]
"""Mean intensity float32 (h, w) and the share 0..1 of data in each pixel (None: all of it)."""


def weighted(intensity: Float32, valid: Bool) -> Weighted:
    """Full-resolution pixels as the start of a chain of halvings."""
    return intensity, None if bool(valid.all()) else valid.astype(np.float32)


def halve(image: Weighted) -> Weighted:
    """Mean of 2 x 2 pixels, weighted by their data; an odd last row or column stands for itself."""
    mean, weight = image
    if weight is None:
        return _quarter(mean), None
    share = _quarter(weight)
    total = _quarter(mean * weight)
    return np.divide(total, share, out=np.zeros_like(total), where=share > 0), share


def as_db(image: Weighted) -> Float32:
    """Decibels float32 (h, w), NaN where under half of a pixel holds data."""
    mean, weight = image
    db = to_db(mean)
    if weight is not None:
        db[weight < VALID_SHARE] = np.nan
    return db


def _quarter(values: Float32) -> Float32:
    rows, cols = values.shape
    if rows % 2 or cols % 2:
        values = np.pad(values, ((0, rows % 2), (0, cols % 2)), mode="edge")
    pairs = values[0::2] + values[1::2]
    total = pairs[:, 0::2] + pairs[:, 1::2]
    total *= np.float32(0.25)
    return total
