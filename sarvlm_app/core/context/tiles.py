"""Map tiles in one file (MBTiles): pictures laid on the grid of the scene, or lines where they hold vectors."""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.drivers import raster_driver_extensions
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow
from scipy.ndimage import map_coordinates

from sarvlm_app.core.context.data import ContextData, Raster
from sarvlm_app.core.context.ground import Ground
from sarvlm_app.core.context.vectors import read_vectors
from sarvlm_app.core.georef.systems import to_wgs84
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError

LONGEST = 2048
"""Pixels of the picture along the longer side of the scene."""
STRIP = 256
SPREAD = 2.0
"""Tiles are read so that one of their pixels is at least 1 / SPREAD of the picture's."""
_EARTH = 2 * math.pi * 6378137.0
_EXTENT = 4096


def read_tiles(path: Path, ground: Ground, ctx: JobContext) -> ContextData:
    """The tiles of an MBTiles file over a scene.

    Raises
    ------
    QueryError
        It is no such file, is damaged, or this installation cannot read it.
    """
    facts = _metadata(path)
    if facts.get("format", "").lower() in ("pbf", "mvt"):
        return read_vectors(path, ground, ctx, {"ZOOM_LEVEL": str(_zoom(facts, ground))})
    if "mbtiles" not in {name.lower() for name in raster_driver_extensions()}:
        raise QueryError(f"{path} holds raster tiles, which the GDAL of this installation cannot read; use GeoTIFF.")
    return _read_pictures(path, ground, ctx)


def _metadata(path: Path) -> dict[str, str]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            return {str(name): str(value) for name, value in file.execute("SELECT name, value FROM metadata")}
    except sqlite3.Error as fault:
        raise QueryError(f"{path} is not an MBTiles file ({fault}); download it again.") from fault


def _zoom(facts: dict[str, str], ground: Ground) -> int:
    """The level of vector tiles whose grid is about as fine as the scene's pixels."""
    spacing = max(ground.scene.spacing_m or (10.0, 10.0))
    wanted = math.ceil(math.log2(_EARTH / _EXTENT / spacing))
    low, high = (int(facts.get(name, default)) for name, default in (("minzoom", "0"), ("maxzoom", "14")))
    return min(max(wanted, low), high)


def _read_pictures(path: Path, ground: Ground, ctx: JobContext) -> ContextData:
    scene = ground.scene
    step = max(1.0, max(scene.width, scene.height) / LONGEST)
    height, width = math.ceil(scene.height / step), math.ceil(scene.width / step)
    out = np.zeros((height, width, 4), np.uint8)
    try:
        with rasterio.open(path, driver="MBTiles") as tiles:
            for top in range(0, height, STRIP):
                ctx.step(top, height, f"Laying {path.name} over the scene")
                rows = np.arange(top, min(height, top + STRIP)) + 0.5
                cols = np.arange(width) + 0.5
                lon, lat = ground.georef.to_lonlat(*np.meshgrid(cols * step, rows * step))
                out[top : top + len(rows)] = _strip(tiles, np.asarray(lon), np.asarray(lat))
    except (RasterioError, ValueError) as fault:
        raise QueryError(f"{path} cannot be read ({str(fault)[:160].rstrip('.')}); download it again.") from fault
    if not out[..., 3].any():
        return ContextData(summary="no tile lies in this scene")
    return ContextData(raster=Raster(out, step), summary=f"picture of {width} × {height} px, {step:.3g} scene px each")


def _strip(tiles: rasterio.io.DatasetReader, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.uint8]:
    """RGBA uint8 (h, w, 4) of places (h, w)."""
    with np.errstate(invalid="ignore"):
        x, y = to_wgs84(tiles.crs.to_wkt()).transform(lon, lat, direction="INVERSE")
    x, y, way = np.asarray(x), np.asarray(y), ~tiles.transform
    col, row = way.a * x + way.b * y + way.c, way.d * x + way.e * y + way.f
    good = np.isfinite(col) & np.isfinite(row) & (col >= 0) & (col < tiles.width) & (row >= 0) & (row < tiles.height)
    out = np.zeros((*lon.shape, 4), np.uint8)
    if not good.any():
        return out
    left, top = math.floor(col[good].min()), math.floor(row[good].min())
    right, bottom = math.ceil(col[good].max()) + 1, math.ceil(row[good].max()) + 1
    window = RasterWindow(left, top, min(right, tiles.width) - left, min(bottom, tiles.height) - top)
    factor = max(1.0, window.width / (SPREAD * lon.shape[1]), window.height / (SPREAD * max(lon.shape)))
    shape = max(1, round(window.height / factor)), max(1, round(window.width / factor))
    planes = _planes(tiles, window, shape)
    at = np.stack([
        np.where(good, (row - top) * shape[0] / window.height - 0.5, 0),
        np.where(good, (col - left) * shape[1] / window.width - 0.5, 0),
    ])  # fmt: skip
    for channel in range(4):
        out[..., channel] = map_coordinates(planes[channel], at, order=1, mode="nearest", prefilter=False)
    out[~good] = 0
    return out


def _planes(tiles: rasterio.io.DatasetReader, window: RasterWindow, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Red, green, blue and alpha uint8 (4, h, w)."""
    count = tiles.count
    bands = {1: [1, 1, 1], 2: [1, 1, 1]}.get(count, [1, 2, 3])
    read = tiles.read([*bands], window=window, out_shape=(3, *shape), resampling=Resampling.average)
    if count in (2, 4):
        alpha = tiles.read(count, window=window, out_shape=shape, resampling=Resampling.average)
    else:
        alpha = tiles.dataset_mask(window=window, out_shape=shape)
    return np.concatenate([read, alpha[None]]).astype(np.uint8)
