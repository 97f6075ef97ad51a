"""Scenes for the tests of the instruments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType


@dataclass(frozen=True)
class Pixels:
    """A source that holds an array, or makes up a large image pixel by pixel."""

    values: bytes
    dtype: str
    shape: tuple[int, int]
    value_type: ValueType
    files: tuple[Path, ...] = ()

    def layout(self):
        return Layout(*self.shape)

    def native(self, window, overview=None):
        place = np.s_[window.row : window.row_end, window.col : window.col_end]
        values = np.frombuffer(self.values, self.dtype).reshape(self.shape)[place].copy()
        return values, np.isfinite(values)


@dataclass(frozen=True)
class Endless:
    """Intensity (col + row) % 1000 + 1 of an image of any size."""

    shape: tuple[int, int]
    value_type: ValueType = ValueType.INTENSITY
    files: tuple[Path, ...] = ()

    def layout(self):
        return Layout(*self.shape)

    def native(self, window, overview=None):
        col, row = np.arange(window.col, window.col_end), np.arange(window.row, window.row_end)
        values = ((row[:, None] + col) % 1000 + 1).astype(np.float32)
        return values, np.ones(values.shape, bool)


def scene_of(image, value_type=ValueType.INTENSITY, georef=None, spacing_m=None):
    """A scene of an array (h, w), or of a source."""
    if isinstance(image, np.ndarray):
        image = Pixels(image.tobytes(), image.dtype.str, image.shape, value_type)
    height, width = image.shape
    return Scene(
        path=Path("made.tif"), name="made", product="made", width=width, height=height,
        bands=(Band(1, "VV", "VV", image.value_type, image),), dtype="float32", value_type=image.value_type,
        value_type_assumed=False, calibration=Calibration.SIGMA0, nodata=None, georef=georef, spacing_m=spacing_m,
        acquired=None, facts={}, missing=(), simulated=False, fingerprint="0" * 32,
    )  # fmt: skip
