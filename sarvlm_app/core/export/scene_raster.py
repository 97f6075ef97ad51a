"""A scene, filtered or calibrated as it may be, as a GeoTIFF: written window by window."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterWindow

from sarvlm_app import __version__
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.raster_geometry import raster_geometry
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.radiometry import ValueType, from_intensity
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_app.core.tiling import plan_windows
from sarvlm_app.errors import StorageError

UNITS = (ValueType.INTENSITY, ValueType.AMPLITUDE, ValueType.DB)
"""What can be written; all of them float32."""

BLOCK, WINDOW = 512, 2048


def write_scene(scene: Scene, path: Path, bands: Sequence[int], unit: ValueType, context: JobContext) -> None:
    """Write bands of a scene as a tiled float32 GeoTIFF, NaN where there is no data.

    The geometry is kept as transform or ground control points (see
    `raster_geometry`); tags tell unit, calibration, time and what was done, so
    that the file opens again as what it is.

    Parameters
    ----------
    bands : sequence of int
        From 1, in the order in which they are written.
    unit : ValueType
        One of `UNITS`.

    Raises
    ------
    SceneError
        The scene cannot be read.
    StorageError
        The place cannot be written to, or the disk is full.
    JobCancelled
        At the next window after a cancel; nothing is left behind.
    """
    if unit not in UNITS:
        raise ValueError(f"write_scene: expected one of {UNITS}, got {unit}")
    with replace_when_done(path) as part:
        try:
            with _opened(part, "w", **_profile(scene, len(bands))) as target:
                target.update_tags(**_tags(scene, unit))
                for place, band in enumerate(bands, start=1):
                    target.set_band_description(place, scene.bands[band - 1].name)
                _write_windows(scene, target, bands, unit, context)
            with _opened(part) as written:
                _require_whole(path, written, part.stat().st_size)
        except RasterioError as fault:
            raise StorageError(
                f"{path} cannot be written ({str(fault).rstrip('.')}); check the free space of its disk."
            ) from fault


def _opened(path: Path, *how: str, **profile: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, *how, **profile)


def _write_windows(scene: Scene, target: Any, bands: Sequence[int], unit: ValueType, context: JobContext) -> None:
    tiles = plan_windows(scene.width, scene.height, WINDOW, 0)
    for done, tile in enumerate(tiles):
        window = tile.keep
        for place, band in enumerate(bands, start=1):
            context.step(done * len(bands) + place - 1, len(tiles) * len(bands), f"Writing {scene.name}")
            chip = read_chip(scene, window, band)
            values = from_intensity(chip.intensity, unit)
            values[~chip.valid] = np.nan
            if unit is ValueType.DB:
                values[chip.intensity <= 0] = np.nan
            target.write(values, place, window=RasterWindow(window.col, window.row, window.width, window.height))


def _profile(scene: Scene, count: int) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "width": scene.width,
        "height": scene.height,
        "count": count,
        "dtype": "float32",
        "nodata": np.nan,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "interleave": "band",
        "compress": "deflate",
        "predictor": 3,
        "bigtiff": "IF_SAFER",
        **({} if scene.georef is None else raster_geometry(scene.georef, (scene.width, scene.height), name=scene.name)),
    }


def _tags(scene: Scene, unit: ValueType) -> dict[str, str]:
    told = {
        "SARVLM_VALUE_TYPE": str(unit),
        "CALIBRATION": str(scene.calibration),
        "PRODUCT": scene.product,
        "SARVLM_ACQUIRED": scene.acquired.isoformat() if scene.acquired else "",
        "SARVLM_SIMULATED": "yes" if scene.simulated else "no",
        "SARVLM_DERIVED": scene.origin,
        "SARVLM_SOURCE": scene.name,
        "SARVLM_NOTES": str(scene.facts.get("notes", "")),
        "SARVLM_FINGERPRINT": scene.fingerprint,
        "SOFTWARE": f"SARVLM Desktop {__version__}",
    }
    return {key: text for key, text in told.items() if text}


def _require_whole(path: Path, written: DatasetReader, size: int) -> None:
    """GDAL can end well on a full disk: look whether every block lies inside the file."""
    across, down = -(-written.width // BLOCK), -(-written.height // BLOCK)
    for band in written.indexes:
        for row in range(down):
            for col in range(across):
                offset = written.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band)
                length = written.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band)
                if offset is None or length is None or int(offset) + int(length) > size:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
