"""Models of a few lines for captions: an encoder that tells ships, water and forest by grey value, and a captioner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Caption, EncoderSpec, Float16, Float32, SceneStats
from tests.core.scene_files import write_tif

WATER, FOREST, SHIP = 20, 100, 250
_WORDS = {0: ("ship", "vessel"), 1: ("sea", "water", "lake", "river"), 2: ("forest", "woodland")}


@dataclass
class GroundEncoder:
    """A cell is ship, water or forest by its mean amplitude; `windows` holds the shape of each window in turn."""

    spec: EncoderSpec = EncoderSpec("ground@000000000000", 4, 8, window_px=64, margin_px=8, weights_sha256="6" * 64)
    logit_scale: float = 10.0
    logit_bias: float | None = None
    windows: list[tuple[int, int]] = field(default_factory=list)
    before: Callable[[int], None] = lambda number: None

    def encode_text(self, texts: Sequence[str]) -> Float32:
        axes = [next((a for a, words in _WORDS.items() if any(w in text for w in words)), 3) for text in texts]
        return np.eye(4, dtype=np.float32)[axes]

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        self.before(len(self.windows))
        self.windows.append(intensity.shape)
        rows, cols = intensity.shape[0] // 8, intensity.shape[1] // 8
        grey = np.sqrt(intensity).reshape(rows, 8, cols, 8).mean(axis=(1, 3))
        return np.eye(4, dtype=np.float16)[np.where(grey > 170, 0, np.where(grey < 60, 1, 2))]

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        return np.eye(4, dtype=np.float32)[[2] * len(chips)]


@dataclass
class ToldCaptioner:
    """Says what it was told; `agrees` and `uses_counts` as given. `calls` holds what it was given each time."""

    agrees: bool | None = True
    uses_counts: bool = True
    model_id: str = "told@0123456789ab"
    calls: list[dict[str, Any]] = field(default_factory=list)

    def caption(
        self,
        intensity: Float32,
        stats: SceneStats,
        spacing_m: float | None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        self.calls.append({"shape": intensity.shape, "stats": stats, "spacing_m": spacing_m, "counts": counts,
                           "beams": beams, "least": float(intensity.min())})  # fmt: skip
        said = "nothing" if counts is None else " , ".join(f"{n} {key}s" for key, n in counts.items() if n)
        return Caption(f"A view of {said}.", f"a view of {said} .", -2.5, None, self.model_id, self.agrees)

    def caption_picture(
        self,
        amplitude: Float32,
        spacing_m: float | None = None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        found = self.caption(amplitude**2, SceneStats.of_picture(amplitude), spacing_m, counts, beams)
        self.calls[-1]["picture"] = True
        return found


def harbour(shape: tuple[int, int], ships: Sequence[tuple[int, int]], forest_cols: int = 0) -> NDArray[np.float32]:
    """Amplitude: water with forest on the left and ships of 16 x 16 px about (col, row), multiples of 8."""
    pixels = np.full(shape, WATER, np.float32)
    pixels[:, :forest_cols] = FOREST
    for col, row in ships:
        pixels[row - 8 : row + 8, col - 8 : col + 8] = SHIP
    return pixels


def harbour_file(path: Path, pixels: NDArray[np.float32], **options: object) -> Path:
    """The same as a uint8 GeoTIFF; options as of `write_tif`."""
    return write_tif(path, pixels.astype(np.uint8), **options)
