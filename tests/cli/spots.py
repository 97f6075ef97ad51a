"""A model of a few lines that knows bright spots, and scenes with spots for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import EncoderSpec, SceneStats
from tests.core.scene_files import speckle, write_tif

SPOTS = ((100, 140), (180, 60), (60, 40))
"""(col, row) of the middle of each spot."""
SHAPE = (200, 240)


class SpotEncoder:
    """Calls bright patches ships and dark ones sea, and knows nothing of tanks; `on_window` is told of each window."""

    logit_scale = 10.0
    spec = EncoderSpec("spots@000000000000", dim=4, cell_px=8, window_px=64, margin_px=8, weights_sha256="5" * 64)

    def __init__(self, on_window: Callable[[int], None] = lambda number: None) -> None:
        self.windows = 0
        self._on_window = on_window

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), 4), np.float32)
        for row, text in enumerate(texts):
            vectors[row, 0 if "ship" in text else 2 if "tank" in text else 1] = 1.0
        return vectors

    def encode_patches(
        self, intensity: NDArray[np.float32], stats: SceneStats, spacing_m: float | None
    ) -> NDArray[np.float16]:
        self._on_window(self.windows)
        self.windows += 1
        rows, cols = intensity.shape[0] // 8, intensity.shape[1] // 8
        peak = intensity.reshape(rows, 8, cols, 8).max(axis=(1, 3))
        above = 10 * np.log10((peak + 1e-30) / (stats.median_amplitude**2 + 1e-30))
        angle = np.clip((above - 14) / 6, 0, 1) * np.pi / 2
        vectors = np.zeros((rows, cols, 4), np.float16)
        vectors[..., 0], vectors[..., 1] = np.sin(angle), np.cos(angle)
        return vectors

    def encode_chips(
        self, chips: Sequence[NDArray[np.float32]], stats: SceneStats, spacing_m: float | None
    ) -> NDArray[np.float32]:
        return np.tile(np.array([0, 1, 0, 0], np.float32), (len(chips), 1))


def spotted(shape: tuple[int, int] = SHAPE) -> NDArray[np.float32]:
    """Amplitude: speckle about 20 with bright spots, at most 255."""
    pixels = np.clip(speckle(shape, mean=20.0), 1, 120)
    for col, row in SPOTS:
        pixels[row - 12 : row + 12, col - 12 : col + 12] = 255
    return pixels.astype(np.float32)


def spot_scene(path: Path, **options: object) -> Path:
    """The spots as a uint8 GeoTIFF; options as of `write_tif`."""
    return write_tif(path, spotted().astype(np.uint8), **options)
