"""A simulated scene of three complex polarisations, with a file of metadata: for pictures of the display.

Each land cover has its way to scatter: water and bare ground once (HH and VV alike), walls twice (HH and VV in opposite
phase), woods from their volume (much HV). No real place, no measurement.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

from sarvlm_app.core.simulate import SimulationSpec, simulate_scene

SIZE = 1200
_WALLS = ("building", "urban", "city", "industr", "pier", "harbour", "residential", "ship", "tank", "structure")
_WOODS = ("forest", "tree", "wood", "shrub", "crop")


def write_polarimetric(path: Path, seed: int = 25) -> Path:
    """HH, HV and VV as complex64 in a GeoTIFF that says it is simulated."""
    scene = simulate_scene(SimulationSpec(SIZE, SIZE, 5.0, "mixed", 60.0, -30.0, "right", seed))
    names = [str(name).lower() for name in scene.landcover_names]
    walls, woods = (
        np.isin(scene.landcover, [n for n, name in enumerate(names) if any(word in name for word in words)])
        for words in (_WALLS, _WOODS)
    )
    bright = scene.intensity > 8 * np.median(scene.intensity)
    planes = _scatter(np.sqrt(scene.intensity), walls | bright, woods, np.random.default_rng(seed))
    profile = {
        "driver": "GTiff", "width": SIZE, "height": SIZE, "count": 3, "dtype": "complex64", "tiled": True,
        "crs": "EPSG:32611", "transform": from_origin(391_000, 3_737_000, 5, 5),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(planes)
        file.update_tags(SARVLM_SIMULATED="yes", PRODUCT="simulated polarimetric SLC", SENSOR="simulated SAR")
        for band, name in enumerate(("HH", "HV", "VV"), start=1):
            file.set_band_description(band, name)
    return path


def _scatter(
    amplitude: NDArray[np.float32], walls: NDArray[np.bool_], woods: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.complex64]:
    def speckle() -> NDArray[np.complex64]:
        parts = rng.normal(size=(2, *amplitude.shape)).astype(np.float32) / np.sqrt(2)
        return np.asarray(parts[0] + 1j * parts[1], np.complex64)

    common, own, cross = speckle(), speckle(), speckle()
    alike = np.where(walls, -0.85, np.where(woods, 0.2, 0.9)).astype(np.float32)
    vv = alike * common + np.sqrt(1 - alike**2) * own
    share = np.where(woods, 0.75, np.where(walls, 0.3, 0.12)).astype(np.float32)
    return np.stack([amplitude * common, amplitude * share * cross, amplitude * vv]).astype(np.complex64)
