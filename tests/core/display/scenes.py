"""Scenes of several polarisations for the tests of the display."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sarvlm_app.core.scene import Scene, open_scene
from tests.core.scene_files import speckle, write_tif

TILED = {"tiled": True, "blockxsize": 128, "blockysize": 128}
SHAPE = (700, 900)


def dual(folder: Path, shape: tuple[int, int] = SHAPE) -> Scene:
    """VV and, 8 dB below and of other speckle, VH; as intensity."""
    planes = np.stack([speckle(shape, 0.3, 1) ** 2, 10**-0.8 * speckle(shape, 0.3, 2) ** 2])
    tags = {"SARVLM_VALUE_TYPE": "intensity"}
    return open_scene(write_tif(folder / "dual.tif", planes, descriptions=("VV", "VH"), tags=tags, **TILED))


def complex_planes(shape: tuple[int, int] = SHAPE, count: int = 3, seed: int = 4) -> np.ndarray:
    """Circular Gaussian speckle of several channels, complex64."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, *shape)) + 1j * rng.normal(size=(count, *shape))).astype(np.complex64)


def quad(folder: Path, planes: np.ndarray | None = None, **options: object) -> Scene:
    """HH, HV and VV as complex numbers."""
    planes = complex_planes() if planes is None else planes
    return open_scene(write_tif(folder / "quad.tif", planes, descriptions=("HH", "HV", "VV"), **(TILED | options)))
