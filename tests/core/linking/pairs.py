"""Pairs of small scenes of one ground: an invented backscatter that is a function of the place, and speckle on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from affine import Affine

from sarvlm_app.core.scene import Scene, open_scene
from tests.core.scene_files import UTM33, write_tif

ORIGIN = (500_000.0, 5_300_000.0)


def sigma0(x, y):
    """Smooth linear backscatter at map metres from the origin."""
    return 0.05 * (1.5 + np.sin(x / 300.0) * np.cos(y / 400.0))


def write_ground(
    path: Path,
    size: tuple[int, int] = (300, 240),
    *,
    spacing: float = 10.0,
    shift: tuple[float, float] = (0.0, 0.0),
    turn: float = 0.0,
    seed: int | None = None,
    factor: float = 1.0,
    changed: tuple[float, float, float, float] | None = None,
    **options,
) -> Path:
    """Intensity of the invented ground, `factor` times as bright, in a map shifted (m) and turned (degrees).

    `changed` is (x, y, width, height) in metres from the origin, where it is ten times as bright.
    """
    width, height = size
    transform = Affine.translation(ORIGIN[0] + shift[0], ORIGIN[1] - shift[1]) @ Affine.rotation(turn)
    transform = transform @ Affine.scale(spacing, -spacing)
    cols, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = transform.a * cols + transform.b * rows + transform.c, transform.d * cols + transform.e * rows + transform.f
    x, y = x - ORIGIN[0], ORIGIN[1] - y
    intensity = sigma0(x, y) * factor
    if changed is not None:
        left, top, across, down = changed
        intensity = np.where((x >= left) & (x < left + across) & (y >= top) & (y < top + down), 10, 1) * intensity
    if seed is not None:
        intensity = intensity * np.random.default_rng(seed).exponential(1.0, intensity.shape)
    tags = {"SARVLM_VALUE_TYPE": "intensity", "CALIBRATION": "sigma0", **options.pop("tags", {})}
    place = {"crs": UTM33, "transform": transform} if options.pop("placed", True) else {}
    return write_tif(path, intensity.astype(np.float32), tags=tags, nodata=np.nan, **place, **options)


def ground(path: Path, *args, **options) -> Scene:
    return open_scene(write_ground(path, *args, **options))
