"""What every geometry can do, and the one convention for pixels.

Pixel positions are (col, row) with the origin at the *outer corner* of the top
left pixel, as in GDAL's transforms and ground control points. Formats that
count from the centre of the first pixel (RPC, SICD, Sentinel-1's geolocation
grid) are converted by `from_centre` and `to_centre`, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
LonLat = tuple[Float64, Float64]

PIXEL_CENTRE = 0.5
"""Where the centre of the first pixel lies, along columns and rows."""


def from_centre(index: Float64) -> Float64:
    """Positions from the outer corner, of positions that count from the centre of the first pixel."""
    return np.asarray(index + PIXEL_CENTRE)


def to_centre(position: Float64) -> Float64:
    """Positions that count from the centre of the first pixel, of positions from the outer corner."""
    return np.asarray(position - PIXEL_CENTRE)


@dataclass(frozen=True, slots=True)
class PositionError:
    """How far a place may be off.

    Attributes
    ----------
    metres : float
        On the ground, horizontally, root mean square.
    reason : str
        How it was found, as a clause: "second points of the grid left out".
    """

    metres: float
    reason: str


@runtime_checkable
class Georeference(Protocol):
    """The geometry of one scene. Arrays in, arrays of the same shape out; scalars give 0-d arrays.

    A height is metres above the WGS 84 ellipsoid. None is the geometry's own:
    the surface that its product was made for.
    """

    @property
    def crs_name(self) -> str:
        """Short name of the reference system the file states, such as "EPSG:3395"."""
        ...

    @property
    def uses_height(self) -> bool:
        """Whether a place depends on its height; a map has settled that already."""
        ...

    @property
    def error_m(self) -> PositionError | None:
        """How far places may be off and how that is known; None where nothing is known."""
        ...

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        """The own height at pixel positions, metres above the ellipsoid; NaN where that is not known."""
        ...

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        """Longitude (-180..180) and latitude in degrees of pixel positions; NaN where the geometry does not reach."""
        ...

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        """Pixel (col, row) of longitudes and latitudes in degrees; NaN where the geometry does not reach."""
        ...

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        """The scene's outline: an open ring from the top left corner along the top edge, `EDGE_POINTS` an edge.

        Longitudes run on without a jump: across the antimeridian they leave
        -180..180.
        """
        ...

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        """Ground metres (geodesic) of one pixel along (col, row) at this place."""
        ...


def as_array(values: ArrayLike) -> Float64:
    """The values as float64."""
    return np.asarray(values, dtype=np.float64)


def flat(first: ArrayLike, second: ArrayLike, height: ArrayLike | None, own: float) -> tuple[Float64, Float64]:
    """Points (n, 2) and their heights (n,) of broadcast arguments; no height, or NaN, is `own`."""
    one, two, tall = np.broadcast_arrays(as_array(first), as_array(second), as_array(own if height is None else height))
    heights = np.where(np.isnan(tall), own, tall).ravel()
    return np.column_stack([one.ravel(), two.ravel()]), heights


def shape_of(first: ArrayLike, second: ArrayLike, height: ArrayLike | None) -> tuple[int, ...]:
    """The shape that the arguments have together."""
    return np.broadcast_shapes(np.shape(first), np.shape(second), () if height is None else np.shape(height))
