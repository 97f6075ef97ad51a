"""The geometry of what is made from a scene: a window of it, or a version with larger pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .interface import Float64, Georeference, LonLat, PositionError, as_array
from .outline import footprint, local_spacing_m


@dataclass(frozen=True, slots=True)
class ShiftedGeoref:
    """A window of a scene: its pixel (0, 0) is the base's (`col`, `row`).

    Attributes
    ----------
    base : Georeference
    col, row : float
        Outer corner of the window in the base's pixels; may lie outside it.
    size : (int, int), optional
        Width and height of the window in pixels; needed for the footprint.
    """

    base: Georeference
    col: float
    row: float
    size: tuple[int, int] | None = None

    @property
    def crs_name(self) -> str:
        return self.base.crs_name

    @property
    def uses_height(self) -> bool:
        return self.base.uses_height

    @property
    def error_m(self) -> PositionError | None:
        return self.base.error_m

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return self.base.height_m(as_array(col) + self.col, as_array(row) + self.row)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        return self.base.to_lonlat(as_array(col) + self.col, as_array(row) + self.row, height)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        col, row = self.base.from_lonlat(lon, lat, height)
        return np.asarray(col - self.col), np.asarray(row - self.row)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)


@dataclass(frozen=True, slots=True)
class ScaledGeoref:
    """A version of a scene whose pixels are `cols` x `rows` of the base's.

    Counted from the outer corner, a position is simply multiplied. Where the
    size is no multiple, the last pixel of the version is thought to go on
    beyond the edge.

    Attributes
    ----------
    base : Georeference
    cols, rows : float
        Pixels of the base in one pixel, above 0.
    size : (int, int), optional
        Width and height of the version in its own pixels; needed for the footprint.

    Raises
    ------
    ValueError
        When a factor is not above 0.
    """

    base: Georeference
    cols: float
    rows: float
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not (0.0 < self.cols < np.inf and 0.0 < self.rows < np.inf):
            raise ValueError(f"ScaledGeoref: expected factors above 0, got {self.cols} and {self.rows}")

    @property
    def crs_name(self) -> str:
        return self.base.crs_name

    @property
    def uses_height(self) -> bool:
        return self.base.uses_height

    @property
    def error_m(self) -> PositionError | None:
        return self.base.error_m

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return self.base.height_m(as_array(col) * self.cols, as_array(row) * self.rows)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        return self.base.to_lonlat(as_array(col) * self.cols, as_array(row) * self.rows, height)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        col, row = self.base.from_lonlat(lon, lat, height)
        return np.asarray(col / self.cols), np.asarray(row / self.rows)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)
