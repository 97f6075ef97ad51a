"""Scenes that lie in a map: an affine transform and a reference system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import ArrayLike

from .interface import Float64, LonLat, PositionError, as_array, shape_of
from .outline import footprint, local_spacing_m
from .systems import crs_name, is_geographic, nearest_turn, to_wgs84, wrap_longitude


@dataclass(frozen=True, slots=True)
class AffineGeoref:
    """A map transform and its reference system.

    Heights are of no effect: the map has placed every pixel already.

    Attributes
    ----------
    transform : Affine
        From (col, row) to map coordinates.
    crs : str
        Anything pyproj understands: "EPSG:4326", WKT.
    size : (int, int), optional
        Width and height of the scene in pixels; needed for the footprint.

    Raises
    ------
    ValueError
        When the transform cannot be inverted, or the reference system is unknown.
    """

    transform: Affine
    crs: str
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        determinant = self.transform.determinant
        if abs(determinant) == 0 or not np.isfinite(determinant):
            raise ValueError("AffineGeoref: expected a transform that can be inverted")
        to_wgs84(self.crs)

    @property
    def crs_name(self) -> str:
        return crs_name(self.crs)

    @property
    def uses_height(self) -> bool:
        return False

    @property
    def error_m(self) -> PositionError | None:
        return None

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return np.full(shape_of(col, row, None), np.nan)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        x, y = _apply(self.transform, as_array(col), as_array(row))
        lon, lat = (np.asarray(part) for part in to_wgs84(self.crs).transform(x, y))
        reached = np.isfinite(lon) & np.isfinite(lat)
        return wrap_longitude(np.where(reached, lon, np.nan)), np.where(reached, lat, np.nan)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        lons, lats = np.broadcast_arrays(as_array(lon), as_array(lat))
        x, y = to_wgs84(self.crs).transform(lons, lats, direction="INVERSE")
        x, y = np.asarray(x), np.asarray(y)
        if is_geographic(self.crs):
            x = nearest_turn(x, self._middle_x())
        col, row = _apply(~self.transform, x, y)
        reached = np.isfinite(col) & np.isfinite(row)
        return np.where(reached, col, np.nan), np.where(reached, row, np.nan)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)

    def _middle_x(self) -> float:
        width, height = self.size or (0, 0)
        x, _ = _apply(self.transform, np.asarray(width / 2), np.asarray(height / 2))
        return float(x)


def _apply(transform: Affine, x: Float64, y: Float64) -> LonLat:
    t = transform
    return np.asarray(t.a * x + t.b * y + t.c), np.asarray(t.d * x + t.e * y + t.f)
