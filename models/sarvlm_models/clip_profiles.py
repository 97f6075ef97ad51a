"""What the image towers of CLIP checkpoints were fed with in training (preprocessing belongs to the weights)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sarvlm_app.errors import ModelError

from .types import Float32, SceneStats

CLIP_RGB = "clip-rgb"
SARCLIP_DB = "sarclip-isprs"
_MEAN = (0.48145466, 0.4578275, 0.40821073)  # OpenAI's, of 8-bit RGB pictures scaled to 0..1
_STD = (0.26862954, 0.26130258, 0.27577711)


class Profile(Protocol):
    """Turns linear intensity into the tensors an image tower expects."""

    @property
    def name(self) -> str: ...

    def window(self, intensity: Float32, stats: SceneStats) -> Tensor:
        """Float32 (3, h, w) of a whole window at its own size."""
        ...

    def chip(self, intensity: Float32, stats: SceneStats, size: int) -> Tensor:
        """Float32 (3, size, size) of one chip."""
        ...


def grey_levels(intensity: Float32, stats: SceneStats) -> NDArray[np.uint8]:
    """Linear intensity (h, w) as an 8-bit amplitude picture.

    255 * amplitude / (98th percentile of the scene's amplitude), clipped to
    0..255 and rounded: the usual SAR quick-look on which these checkpoints
    were trained, with one scale for the whole scene so that windows show no
    seams. No data (0, NaN) is black.
    """
    amplitude = np.sqrt(np.clip(np.nan_to_num(intensity, nan=0.0, posinf=0.0, neginf=0.0), 0.0, None))
    top = stats.p98_amplitude if stats.p98_amplitude > 0 else 1.0
    return np.rint(np.clip(amplitude * (255.0 / top), 0.0, 255.0)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class ClipRgb:
    """8-bit amplitude three times, OpenAI's mean and deviation; chips as in open_clip's validation transform."""

    name: str = CLIP_RGB

    def window(self, intensity: Float32, stats: SceneStats) -> Tensor:
        levels = torch.from_numpy(grey_levels(intensity, stats)).float() / 255.0
        mean, std = torch.tensor(_MEAN)[:, None, None], torch.tensor(_STD)[:, None, None]
        return (levels - mean) / std

    def chip(self, intensity: Float32, stats: SceneStats, size: int) -> Tensor:
        import open_clip

        transform = open_clip.image_transform(size, is_train=False, mean=_MEAN, std=_STD)
        made: Tensor = transform(Image.fromarray(grey_levels(intensity, stats)).convert("RGB"))
        return made


@dataclass(frozen=True, slots=True)
class SarclipDb:
    """SARCLIP-isprs: dB mapped by (x + 25) / 30, clipped above only, then to -1..1, three times.

    No data stands at -60 dB. Chips that are not of the tower's size are
    averaged in intensity to it.
    """

    name: str = SARCLIP_DB

    def window(self, intensity: Float32, stats: SceneStats) -> Tensor:
        power = np.nan_to_num(intensity, nan=0.0, posinf=0.0, neginf=0.0)
        decibel = 10.0 * np.log10(np.maximum(power, 1e-6))
        scaled = np.minimum((decibel + 25.0) / 30.0, 1.0)
        return torch.from_numpy(((scaled - 0.5) * 2.0).astype(np.float32)).expand(3, -1, -1)

    def chip(self, intensity: Float32, stats: SceneStats, size: int) -> Tensor:
        if intensity.shape != (size, size):
            whole = torch.from_numpy(np.ascontiguousarray(intensity, dtype=np.float32))[None, None]
            intensity = F.interpolate(whole, (size, size), mode="bilinear", antialias=True)[0, 0].numpy()
        return self.window(intensity, stats)


_PROFILES: dict[str, Profile] = {CLIP_RGB: ClipRgb(), SARCLIP_DB: SarclipDb()}
PROFILE_NAMES = tuple(_PROFILES)


def profile_named(name: str) -> Profile:
    """The profile of that name; raises ModelError for an unknown one."""
    if name not in _PROFILES:
        raise ModelError(f"There is no preprocessing profile “{name}”: use {' or '.join(_PROFILES)}.")
    return _PROFILES[name]
