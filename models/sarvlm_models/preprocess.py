"""What the compact SARCLIP sees of an intensity window.

The preprocessing belongs to the weights: changing a constant here needs a new
training. It uses only the statistics of the whole scene, never of the window,
so neighbouring windows join without seams.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the customary name
from torch import Tensor

from .types import Float32, SceneStats

FLOOR: Final = 0.1
"""Amplitude floor in scene medians: keeps the logarithm of shadows finite."""
LOG_RANGE: Final = (-2.31, 4.0)
LOCAL_PX: Final = 65
"""Edge of the box in which the local contrast channel is centred."""
FINEST_SPACING_M: Final = 0.3
"""Finer pixels are averaged to this: grain below it says nothing of the target."""


def relative_amplitude(intensity: Float32, stats: SceneStats) -> Float32:
    """Amplitude in medians of its scene, float32 of the same shape."""
    median = stats.median_amplitude if stats.median_amplitude > 0 else 1.0
    return np.asarray(np.sqrt(np.maximum(intensity, 0.0)) / median, dtype=np.float32)


def picture_stats(amplitude: Float32) -> SceneStats:
    """`SceneStats.of_picture`."""
    return SceneStats.of_picture(amplitude)


def p98_ratio(stats: SceneStats) -> float:
    """98th percentile of the amplitude over its median, at least 1.2."""
    median = stats.median_amplitude if stats.median_amplitude > 0 else 1.0
    return float(max(stats.p98_amplitude / median, 1.2))


def input_planes(relative: Tensor, ratio: Tensor) -> Tensor:
    """Three network inputs from relative amplitude.

    Parameters
    ----------
    relative : float32 (n, 1, h, w)
        Amplitude in scene medians.
    ratio : float32 (n, 1, 1, 1)
        `p98_ratio` of each scene.

    Returns
    -------
    float32 (n, 3, h, w): logarithm relative to the median; linear amplitude
    relative to the 98th percentile; logarithm relative to its surroundings.
    """
    log = torch.log(relative + FLOOR).clamp(*LOG_RANGE)
    linear = (relative / ratio).clamp(0.0, 2.0)
    local_mean = box_mean(box_mean(log, LOCAL_PX, -2), LOCAL_PX, -1)
    return torch.cat((log / 1.2, linear * 2.0 - 0.7, log - local_mean), dim=1)


def box_mean(values: Tensor, box: int, dim: int) -> Tensor:
    """Mean over `box` neighbours (odd) along one axis, over fewer at the borders; cost does not grow with `box`."""
    length, half = values.shape[dim], box // 2
    sums = F.pad(values.transpose(dim, -1).cumsum(-1), (1, 0))
    place = torch.arange(length, device=values.device)
    low, high = (place - half).clamp(min=0), (place + half + 1).clamp(max=length)
    return ((sums[..., high] - sums[..., low]) / (high - low)).transpose(dim, -1)


def spacing_code(spacing_m: Tensor) -> Tensor:
    """Two numbers that tell the network its pixel spacing.

    Parameters
    ----------
    spacing_m : float32 (n,)
        Ground metres per pixel, 0 where unknown.

    Returns
    -------
    float32 (n, 2): log2 of the spacing over 3 m divided by 2 (0 where
    unknown), and 1 where it is known.
    """
    known = (spacing_m > 0).to(spacing_m.dtype)
    code = torch.log2(spacing_m.clamp(min=0.05) / 3.0) / 2.0
    return torch.stack((code.clamp(-2.5, 2.5) * known, known), dim=1)
