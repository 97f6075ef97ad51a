"""An encoder without a network: a patch vector tells where the cell is bright, the words where to look."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sarvlm_app.core.query import BACKGROUND_PROMPTS
from sarvlm_models.types import EncoderSpec, Float16, Float32, SceneStats

DIM = 16
CELL = 8


@dataclass
class FakeEncoder:
    """Answers to "bright things" and "dark things" by the mean amplitude of a cell over the scene's median.

    `before` is called with the number of windows encoded so far; it may raise,
    cancel or wait. `windows` holds the shape of each window in turn.
    """

    spec: EncoderSpec = EncoderSpec("fake@0", DIM, CELL, window_px=48, margin_px=8)
    before: Callable[[int], None] | None = None
    logit_scale: float = 15.0
    windows: list[tuple[int, int]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    spacings: list[float | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def encode_text(self, texts: Sequence[str]) -> Float32:
        self.texts += texts
        vectors = np.zeros((len(texts), DIM), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            if text in BACKGROUND_PROMPTS:
                vector[2] = 1.0
            else:
                vector[1 if "dark" in text else 0] = 1.0
        return vectors

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        with self.lock:
            if self.before is not None:
                self.before(len(self.windows))
            self.windows.append(intensity.shape)
            self.spacings.append(spacing_m)
        rows, cols = intensity.shape[0] // CELL, intensity.shape[1] // CELL
        cells = np.sqrt(intensity).reshape(rows, CELL, cols, CELL).mean(axis=(1, 3))
        relative = cells / max(stats.median_amplitude, 1e-6)
        vectors = np.zeros((rows, cols, DIM), np.float32)
        vectors[..., 0] = np.clip(relative - 1.5, 0, None)
        vectors[..., 1] = 3.0 * np.clip(0.7 - relative, 0, None)
        vectors[..., 2] = 0.5
        return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float16)

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        return np.stack([np.eye(DIM, dtype=np.float32)[0] for _ in chips])
