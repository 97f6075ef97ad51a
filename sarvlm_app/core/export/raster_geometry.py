"""A scene's geometry as GeoTIFFs can hold it: a map's transform, or ground control points."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine
from rasterio.control import GroundControlPoint

from sarvlm_app.core.georef import AffineGeoref, BurstGeoref, Gcp, GcpGeoref, Georeference, ScaledGeoref, ShiftedGeoref
from sarvlm_app.errors import StorageError

POINTS = 15
"""Control points along each edge for geometries that GeoTIFF has no other form for."""


def raster_geometry(
    georef: Georeference | None, size: tuple[int, int], cell_px: float = 1.0, *, name: str = "this image"
) -> dict[str, Any]:
    """Rasterio's `transform` or `gcps`, and `crs`, of an image whose pixels are `cell_px` scene pixels wide.

    Geometries other than maps and control points (grids, RPC, SICD) become
    control points on a regular grid, in WGS 84. Lines that jump back between
    bursts have no such form: what passes through the points of one burst
    swings wildly in the next.

    Parameters
    ----------
    georef : Georeference or None
        None gives a transform to pixels of the scene, and no `crs`.
    size : (int, int)
        Width and height of the scene in pixels.
    cell_px : float
    name : str
        What the scene is called, for the message.

    Raises
    ------
    StorageError
        The image is made of bursts that overlap on the ground.
    """
    if georef is None:
        return {"transform": Affine.scale(cell_px)}
    if isinstance(georef, AffineGeoref):
        return {"transform": georef.transform @ Affine.scale(cell_px), "crs": georef.crs}
    if isinstance(georef, GcpGeoref):
        return {"gcps": [_scaled(point, cell_px) for point in georef.gcps], "crs": georef.crs}
    if _in_bursts(georef):
        raise StorageError(
            f"The bursts of {name} overlap on the ground, which no GeoTIFF can hold; export places or boxes instead."
        )
    points = control_points(georef, size)
    return {"gcps": [_scaled(point, cell_px) for point in points], "crs": "EPSG:4326"}


def control_points(georef: Georeference, size: tuple[int, int]) -> list[Gcp]:
    """Control points in WGS 84 for a geometry of any kind; longitudes run on across the antimeridian."""
    cols = np.linspace(0.0, size[0], POINTS)
    at = np.stack(np.meshgrid(cols, np.linspace(0.0, size[1], POINTS)), axis=-1).reshape(-1, 2)
    lon, lat = georef.to_lonlat(at[:, 0], at[:, 1])
    known = np.isfinite(lon) & np.isfinite(lat)
    at, lon, lat = at[known], lon[known], lat[known]
    if len(lon):
        lon = lon[0] + (lon - lon[0] + 180.0) % 360.0 - 180.0
    return [Gcp(float(c), float(r), float(x), float(y)) for (c, r), x, y in zip(at, lon, lat, strict=True)]


def _in_bursts(georef: Georeference) -> bool:
    while isinstance(georef, ShiftedGeoref | ScaledGeoref):
        georef = georef.base
    return isinstance(georef, BurstGeoref)


def _scaled(point: Gcp, cell_px: float) -> GroundControlPoint:
    return GroundControlPoint(row=point.row / cell_px, col=point.col / cell_px, x=point.x, y=point.y, z=0.0)
