"""An encoder without a network: a picture's vector tells its mean grey value, a text's the number in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sarvlm_models.types import EncoderSpec, Float16, Float32, SceneStats

LEVELS = 12


def level_vector(level: float) -> NDArray[np.float64]:
    """A unit vector that is the nearer to another the nearer their levels are."""
    vector = np.exp(-((np.arange(LEVELS) - level) ** 2))
    return np.asarray(vector / np.linalg.norm(vector))


@dataclass
class ToyEncoder:
    """Grey value 10 is level 1, 20 is level 2; "level 2" means such a picture. Remembers how it was asked."""

    spec: EncoderSpec = EncoderSpec("toy@0", LEVELS, 8)
    logit_scale: float = 10.0
    batches: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    spacings: list[float | None] = field(default_factory=list)

    def encode_text(self, texts: Sequence[str]) -> Float32:
        self.texts += texts
        levels = [re.search(r"\d+", text) for text in texts]
        return np.stack([level_vector(float(found[0]) if found else 0.0) for found in levels]).astype(np.float32)

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        self.batches.append(len(amplitudes))
        self.spacings.append(spacing_m)
        return np.stack([level_vector(float(picture.mean()) / 10) for picture in amplitudes]).astype(np.float32)

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        rows, cols = intensity.shape[0] // 8, intensity.shape[1] // 8
        cells = np.sqrt(intensity).reshape(rows, 8, cols, 8).mean(axis=(1, 3))
        return np.stack([[level_vector(cell / 10) for cell in row] for row in cells]).astype(np.float16)

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        return self.encode_pictures([np.sqrt(chip) for chip in chips], spacing_m)


def grey_picture(path: Path, level: float, shape: tuple[int, int] = (16, 16)) -> Path:
    """A PNG of one grey value, `level` times ten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, round(10 * level), np.uint8)).save(path)
    return path
