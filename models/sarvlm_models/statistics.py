"""Radiometric statistics of a picture: what its grey values say without its shapes.

Percentiles, spread and gradients of the logarithmic amplitude over several
blurs, orientation, spectrum and neighbour correlation. All are relative to the
picture's median, so they need no calibration.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from .preprocess import box_mean

PERCENTILES: Final = (0.02, 0.05, 0.10, 0.25, 0.75, 0.90, 0.95, 0.98, 0.995)
BOXES: Final = (1, 3, 5, 9, 17)
BANDS: Final = (0.0, 0.04, 0.08, 0.14, 0.22, 0.32, 0.42, 0.72)
LAGS: Final = ((0, 1), (1, 0), (0, 2), (2, 0), (0, 4), (4, 0))
COUNT: Final = len(PERCENTILES) + 2 * len(BOXES) + 4 * len(BOXES) + (len(BANDS) - 1) + len(LAGS)
_TINY: Final = 1e-4


def picture_statistics(log: Tensor) -> Tensor:
    """Statistics of pictures.

    Parameters
    ----------
    log : float32 (n, 1, h, w)
        Logarithm of the amplitude over its median; h and w at least 16.

    Returns
    -------
    float32 (n, `COUNT`).
    """
    log = log.float()
    flat = log.flatten(1)
    levels = torch.quantile(flat, flat.new_tensor(PERCENTILES), dim=1).T
    parts = [levels]
    for box in BOXES:
        parts.append(_at_blur(_blur(log, box)))
    parts += [_spectrum(log[:, 0]), _correlations(log)]
    return torch.cat(parts, dim=1)


def _blur(log: Tensor, box: int) -> Tensor:
    """Mean over a box, over fewer at the borders."""
    return log if box <= 1 else box_mean(box_mean(log, box, -2), box, -1)


def _at_blur(values: Tensor) -> Tensor:
    """Spread, its asymmetry, gradients along both axes and their orientation: float32 (n, 6)."""
    centred = values - values.mean((2, 3), keepdim=True)
    spread = (centred**2).mean((1, 2, 3)).clamp(min=_TINY).sqrt()
    skew = (centred**3).mean((1, 2, 3)) / spread**3
    across, along = values[..., 1:, 1:] - values[..., 1:, :-1], values[..., 1:, 1:] - values[..., :-1, 1:]
    power_x, power_y = (across**2).mean((1, 2, 3)) + _TINY, (along**2).mean((1, 2, 3)) + _TINY
    total = power_x + power_y
    diagonal = 2 * (across * along).mean((1, 2, 3)) / total
    logs = [spread.log(), skew.clamp(-8, 8), power_x.log() / 2, power_y.log() / 2]
    return torch.stack([*logs, (power_x - power_y) / total, diagonal.abs()], dim=1)


def _spectrum(log: Tensor) -> Tensor:
    """Share of the power in rings of frequency (cycles per pixel), as logarithms: float32 (n, bands)."""
    height, width = log.shape[-2:]
    window = torch.hann_window(height, device=log.device)[:, None] * torch.hann_window(width, device=log.device)
    power = torch.fft.rfft2((log - log.mean((1, 2), keepdim=True)) * window).abs() ** 2
    rows = torch.fft.fftfreq(height, device=log.device)[:, None]
    cols = torch.fft.rfftfreq(width, device=log.device)[None]
    radius = torch.hypot(rows, cols)
    rings = torch.stack([(radius >= a) & (radius < b) for a, b in zip(BANDS, BANDS[1:], strict=False)])
    sums = torch.einsum("nhw,khw->nk", power, rings.to(power.dtype))
    return ((sums + _TINY) / (sums.sum(1, keepdim=True) + _TINY)).log()


def _correlations(log: Tensor) -> Tensor:
    """Correlation of neighbours at the `LAGS`: float32 (n, lags)."""
    centred = log - log.mean((2, 3), keepdim=True)
    power = (centred**2).mean((1, 2, 3)).clamp(min=_TINY)
    height, width = log.shape[-2:]
    found = [(centred[..., r:, c:] * centred[..., : height - r, : width - c]).mean((1, 2, 3)) / power for r, c in LAGS]
    return torch.stack(found, dim=1)
