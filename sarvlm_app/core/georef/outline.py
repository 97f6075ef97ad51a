"""What follows from any geometry: the scene's outline, and the size of a pixel on the ground."""

from __future__ import annotations

import numpy as np
import pyproj

from .interface import Georeference

EDGE_POINTS = 4
"""Points of a footprint along each edge of the scene."""

WGS84 = pyproj.Geod(ellps="WGS84")


def local_spacing_m(georef: Georeference, col: float, row: float) -> tuple[float, float]:
    """Geodesic metres on the ground of one pixel along (columns, rows) around a pixel position.

    A metre of a Mercator map is not a metre on the ground; this is. The ground
    is level here: where the geometry follows the terrain, at its height of this place.
    """
    level = georef.height_m(col, row)
    lon, lat = georef.to_lonlat([col - 0.5, col + 0.5, col, col], [row, row, row - 0.5, row + 0.5], level)
    _, _, metres = WGS84.inv(lon[[0, 2]], lat[[0, 2]], lon[[1, 3]], lat[[1, 3]])
    return float(metres[0]), float(metres[1])


def footprint(georef: Georeference, size: tuple[int, int] | None) -> tuple[tuple[float, float], ...]:
    """The outline of a scene of (width, height) pixels, see `Georeference.footprint_lonlat`.

    Raises
    ------
    ValueError
        When the size is not known.
    """
    if size is None:
        raise ValueError("footprint_lonlat: expected a georeference that knows the scene's size, got size=None")
    width, height = size
    along = np.arange(EDGE_POINTS) / EDGE_POINTS
    cols = np.concatenate([along * width, np.full(EDGE_POINTS, width), (1 - along) * width, np.zeros(EDGE_POINTS)])
    rows = np.concatenate([np.zeros(EDGE_POINTS), along * height, np.full(EDGE_POINTS, height), (1 - along) * height])
    lon, lat = georef.to_lonlat(cols, rows)
    return tuple(zip(np.unwrap(lon, period=360.0).tolist(), lat.tolist(), strict=True))
