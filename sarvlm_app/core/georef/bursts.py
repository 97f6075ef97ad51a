"""Swaths whose lines jump back in time: the bursts of an SLC in TOPS or ScanSAR mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .interface import Float64, Georeference, LonLat, PositionError, as_array
from .outline import footprint, local_spacing_m


@dataclass(frozen=True, slots=True)
class BurstGeoref:
    """Bursts one below the other, whose ends see the ground that the next one begins with.

    A grid drawn through the first lines of the bursts is wrong by the overlap
    (2 km in Sentinel-1's IW) at their ends. So the base is continuous in time,
    and each burst is a piece of it. A place that two bursts saw is given in
    the one that has it nearer to its middle; pixels of the other one do not
    come back to themselves.

    Attributes
    ----------
    base : Georeference
        Its rows are lines of azimuth time since that of its first row, without a jump.
    lines : int
        Rows of each burst in the image.
    starts : tuple of float
        Row of the base at which each burst begins, growing.
    size : (int, int), optional
        Width and height of the image in pixels; needed for the footprint.

    Raises
    ------
    ValueError
        Without bursts, or where they do not follow one another.
    """

    base: Georeference
    lines: int
    starts: tuple[float, ...]
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", tuple(float(start) for start in self.starts))
        if self.lines < 1 or not self.starts or not (np.diff(self.starts) > 0.0).all():
            raise ValueError("BurstGeoref: the bursts do not follow one another in time")

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
        return self.base.height_m(col, self._base_row(row))

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        return self.base.to_lonlat(col, self._base_row(row), height)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        col, row = self.base.from_lonlat(lon, lat, height)
        middles = np.array(self.starts) + self.lines / 2
        burst = np.searchsorted((middles[1:] + middles[:-1]) / 2, row)
        return col, np.asarray(row - np.array(self.starts)[burst] + burst * self.lines)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        # around a line whose neighbours are of the same burst
        within = np.clip(row % self.lines, 1.0, max(1.0, self.lines - 1.0))
        return local_spacing_m(self, col, float(row // self.lines * self.lines + within))

    def _base_row(self, row: ArrayLike) -> Float64:
        rows = as_array(row)
        with np.errstate(invalid="ignore"):
            burst = np.clip(np.nan_to_num(rows // self.lines), 0, len(self.starts) - 1).astype(np.int64)
        return np.asarray(np.array(self.starts)[burst] + rows - burst * self.lines)
