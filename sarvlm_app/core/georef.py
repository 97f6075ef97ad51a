"""Where a pixel lies on the ground: pixel <-> longitude/latitude (WGS 84), size in metres.

One convention, everywhere: pixel coordinates are (col, row) with the origin at
the *outer corner* of the top left pixel, as in GDAL's transforms and ground
control points, so the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import ArrayLike, NDArray

from sarvlm_app.core.thin_plate import ThinPlate

Float64 = NDArray[np.float64]
LonLat = tuple[Float64, Float64]

EDGE_POINTS = 4
"""Points of a footprint along each edge of the scene."""

MAX_GCPS = 900
"""Ground control points beyond this number are thinned out evenly."""

_WGS84 = pyproj.Geod(ellps="WGS84")
_NEWTON_STEPS = 12
_NEWTON_PX = 1e-4


@runtime_checkable
class Georeference(Protocol):
    """The geometry of one scene. Arrays in, arrays of the same shape out; scalars give 0-d arrays."""

    @property
    def crs_name(self) -> str:
        """Short name of the reference system the file states, such as "EPSG:3395"."""
        ...

    def to_lonlat(self, col: ArrayLike, row: ArrayLike) -> LonLat:
        """Longitude (-180..180) and latitude in degrees of pixel positions."""
        ...

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike) -> LonLat:
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


def local_spacing_m(georef: Georeference, col: float, row: float) -> tuple[float, float]:
    """Geodesic metres on the ground of one pixel along (columns, rows) around a pixel position.

    A metre of a Mercator map is not a metre on the ground; this is.
    """
    lon, lat = georef.to_lonlat([col - 0.5, col + 0.5, col, col], [row, row, row - 0.5, row + 0.5])
    _, _, metres = _WGS84.inv(lon[[0, 2]], lat[[0, 2]], lon[[1, 3]], lat[[1, 3]])
    return float(metres[0]), float(metres[1])


@dataclass(frozen=True, slots=True)
class AffineGeoref:
    """A map transform and its reference system.

    Attributes
    ----------
    transform : Affine
        From (col, row) to map coordinates.
    crs : str
        Anything pyproj understands: "EPSG:4326", WKT.
    size : (int, int), optional
        Width and height of the scene in pixels; needed for the footprint.
    """

    transform: Affine
    crs: str
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if abs(self.transform.determinant) == 0:
            raise ValueError("AffineGeoref: expected a transform that can be inverted")
        _to_wgs84(self.crs)

    @property
    def crs_name(self) -> str:
        return crs_name(self.crs)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike) -> LonLat:
        x, y = _apply(self.transform, _array(col), _array(row))
        lon, lat = _to_wgs84(self.crs).transform(x, y)
        return wrap_longitude(np.asarray(lon)), np.asarray(lat)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike) -> LonLat:
        lons, lats = np.broadcast_arrays(_array(lon), _array(lat))
        x, y = _to_wgs84(self.crs).transform(lons, lats, direction="INVERSE")
        x, y = np.asarray(x), np.asarray(y)
        if _is_geographic(self.crs):
            x = _nearest_turn(x, self._middle_x())
        col, row = _apply(~self.transform, x, y)
        reached = np.isfinite(col) & np.isfinite(row)
        return np.where(reached, col, np.nan), np.where(reached, row, np.nan)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return _footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)

    def _middle_x(self) -> float:
        width, height = self.size or (0, 0)
        x, _ = _apply(self.transform, np.asarray(width / 2), np.asarray(height / 2))
        return float(x)


@dataclass(frozen=True, slots=True)
class Gcp:
    """A ground control point: a pixel position and where it lies in the file's reference system."""

    col: float
    row: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class GcpGeoref:
    """Ground control points joined by a thin-plate spline.

    A fitted affine is wrong by hundreds of metres on a curved swath; the
    spline goes through every point. Its inverse is found by Newton's method on
    the forward map, so that there and back ends where it began.

    Attributes
    ----------
    gcps : tuple of Gcp
        At least three, not on one line.
    crs : str
        Reference system of their x and y.
    size : (int, int), optional
        Width and height of the scene in pixels; needed for the footprint.

    Raises
    ------
    ValueError
        When the points do not fix a map, or the reference system is unknown.
    """

    gcps: tuple[Gcp, ...]
    crs: str
    size: tuple[int, int] | None = None
    _splines: tuple[ThinPlate, ThinPlate, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gcps", tuple(self.gcps))
        object.__setattr__(self, "_splines", _fit_splines(self.gcps, self.crs))

    @property
    def crs_name(self) -> str:
        return crs_name(self.crs)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike) -> LonLat:
        cols, rows = np.broadcast_arrays(_array(col), _array(row))
        forward, _, _ = self._splines
        lonlat = forward(np.column_stack([cols.ravel(), rows.ravel()]))
        return wrap_longitude(lonlat[:, 0].reshape(cols.shape)), lonlat[:, 1].reshape(cols.shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike) -> LonLat:
        lons, lats = np.broadcast_arrays(_array(lon), _array(lat))
        forward, inverse, middle = self._splines
        wanted = np.column_stack([_nearest_turn(lons, middle).ravel(), lats.ravel()])
        pixels = _newton(forward, inverse(wanted), wanted)
        return pixels[:, 0].reshape(lons.shape), pixels[:, 1].reshape(lons.shape)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return _footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)


def crs_name(crs: str) -> str:
    """Code of a reference system such as EPSG:3395 where it has one, else its name."""
    system = _system(crs)
    authority = system.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(system.name)


def wrap_longitude(lon: Float64) -> Float64:
    """Longitudes moved by whole turns into -180..180; those already there stay as they are."""
    return np.asarray(np.where(np.abs(lon) <= 180.0, lon, np.mod(lon + 180.0, 360.0) - 180.0))


def _nearest_turn(lon: Float64, middle: float) -> Float64:
    """`lon` moved by whole turns to within half a turn of `middle`."""
    return np.asarray(lon - 360.0 * np.round((lon - middle) / 360.0))


def _array(values: ArrayLike) -> Float64:
    return np.asarray(values, dtype=np.float64)


def _apply(transform: Affine, x: Float64, y: Float64) -> LonLat:
    t = transform
    return np.asarray(t.a * x + t.b * y + t.c), np.asarray(t.d * x + t.e * y + t.f)


@lru_cache(maxsize=64)
def _system(crs: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise ValueError(f"the reference system {crs[:60]!r} is not known") from error


@lru_cache(maxsize=64)
def _is_geographic(crs: str) -> bool:
    return bool(_system(crs).is_geographic)


@lru_cache(maxsize=64)
def _to_wgs84(crs: str) -> pyproj.Transformer:
    """From `crs` to longitude and latitude; pyproj's transformers may be shared by threads."""
    pyproj.network.set_network_enabled(False)  # type: ignore[attr-defined]
    try:
        return pyproj.Transformer.from_crs(_system(crs), "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise ValueError(f"the reference system {crs[:60]!r} cannot be related to longitude and latitude") from error


def _fit_splines(gcps: Sequence[Gcp], crs: str) -> tuple[ThinPlate, ThinPlate, float]:
    """Splines pixel -> lon/lat and back, and the longitude around which the first is unwrapped."""
    distinct = {(gcp.col, gcp.row): gcp for gcp in gcps}
    chosen = list(distinct.values())
    if len(chosen) > MAX_GCPS:
        chosen = [chosen[i] for i in np.linspace(0, len(chosen) - 1, MAX_GCPS).round().astype(int)]
    pixels = np.array([(gcp.col, gcp.row) for gcp in chosen], dtype=np.float64).reshape(-1, 2)
    x = np.array([gcp.x for gcp in chosen], dtype=np.float64)
    y = np.array([gcp.y for gcp in chosen], dtype=np.float64)
    lon, lat = (np.asarray(part) for part in _to_wgs84(crs).transform(x, y))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError("GcpGeoref: a ground control point lies outside its reference system")
    angles = np.deg2rad(lon)
    middle = float(np.rad2deg(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean()))) if len(lon) else 0.0
    lonlat = np.column_stack([_nearest_turn(lon, middle), lat])
    return ThinPlate.fit(pixels, lonlat), ThinPlate.fit(lonlat, pixels), middle


def _newton(forward: ThinPlate, start: Float64, wanted: Float64) -> Float64:
    """Pixels (n, 2) that `forward` takes to `wanted`; NaN where the search does not settle."""
    pixels = start.copy()
    settled = np.zeros(len(pixels), dtype=np.bool_)
    right, down = np.array([0.5, 0.0]), np.array([0.0, 0.5])
    for _ in range(_NEWTON_STEPS):
        at = pixels[~settled]
        miss = wanted[~settled] - forward(at)
        along_col = forward(at + right) - forward(at - right)
        along_row = forward(at + down) - forward(at - down)
        det = along_col[:, 0] * along_row[:, 1] - along_row[:, 0] * along_col[:, 1]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            d_col = (miss[:, 0] * along_row[:, 1] - along_row[:, 0] * miss[:, 1]) / det
            d_row = (along_col[:, 0] * miss[:, 1] - miss[:, 0] * along_col[:, 1]) / det
            pixels[~settled] = at + np.column_stack([d_col, d_row])
            small = np.hypot(d_col, d_row) < _NEWTON_PX
        settled[~settled] |= small
        if settled.all():
            break
    pixels[~settled] = np.nan
    return pixels


def _footprint(georef: Georeference, size: tuple[int, int] | None) -> tuple[tuple[float, float], ...]:
    if size is None:
        raise ValueError("footprint_lonlat: expected a georeference that knows the scene's size, got size=None")
    width, height = size
    along = np.arange(EDGE_POINTS) / EDGE_POINTS
    cols = np.concatenate([along * width, np.full(EDGE_POINTS, width), (1 - along) * width, np.zeros(EDGE_POINTS)])
    rows = np.concatenate([np.zeros(EDGE_POINTS), along * height, np.full(EDGE_POINTS, height), (1 - along) * height])
    lon, lat = georef.to_lonlat(cols, rows)
    return tuple(zip(np.unwrap(lon, period=360.0).tolist(), lat.tolist(), strict=True))
