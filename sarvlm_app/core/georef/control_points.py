"""Scenes with ground control points, joined by a thin-plate spline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from sarvlm_app.core.thin_plate import ThinPlate

from .chart import Chart
from .interface import Float64, LonLat, PositionError, flat, shape_of
from .newton import RoughInverse, invert
from .outline import footprint, local_spacing_m
from .systems import crs_name, to_wgs84

MAX_GCPS = 900
"""Ground control points beyond this number are thinned out evenly."""

_APART_PX, _APART_M = 0.5, 1e-3
_SETTLED_PX = 0.02
"""The derivatives are exact, so a step of this length leaves an error of less than 1e-5 px."""


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
    spline goes through every point. It is fitted in a flat chart about the
    scene, so poles and antimeridian are nothing special. Its inverse is found
    by Newton's method, so that there and back ends where it began. Heights
    are of no effect: the points were made for the ground as it was known.

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
    _fit: tuple[Chart, ThinPlate, RoughInverse] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gcps", tuple(self.gcps))
        object.__setattr__(self, "_fit", _fit(self.gcps, self.crs))

    @property
    def crs_name(self) -> str:
        return crs_name(self.crs)

    @property
    def uses_height(self) -> bool:
        return False

    @property
    def error_m(self) -> PositionError | None:
        return _left_out(self)

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return np.full(shape_of(col, row, None), np.nan)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        chart, spline, _ = self._fit
        points, _ = flat(col, row, height, 0.0)
        lon, lat = chart.from_plane(spline(points))
        shape = shape_of(col, row, height)
        return lon.reshape(shape), lat.reshape(shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        chart, spline, rough = self._fit
        places, heights = flat(lon, lat, height, 0.0)
        wanted = chart.to_plane(places[:, 0], places[:, 1])
        pixels = invert(lambda at, _: spline.with_slopes(at), rough(wanted), wanted, heights, _SETTLED_PX)
        shape = shape_of(lon, lat, height)
        return pixels[:, 0].reshape(shape), pixels[:, 1].reshape(shape)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)


@lru_cache(maxsize=16)
def _left_out(georef: GcpGeoref) -> PositionError | None:
    """Each point held against the spline through the others."""
    _, spline, _ = georef._fit
    if len(spline.centres) < 5:
        return None
    off = spline.left_out()
    rms = float(np.sqrt((off**2).sum(axis=1).mean()))
    return PositionError(rms, f"each of {len(off)} ground control points left out in turn")


def _fit(gcps: Sequence[Gcp], crs: str) -> tuple[Chart, ThinPlate, RoughInverse]:
    """The chart, the spline from pixels into it, and a rough way back."""
    x = np.array([gcp.x for gcp in gcps], dtype=np.float64)
    y = np.array([gcp.y for gcp in gcps], dtype=np.float64)
    pixels = np.array([(gcp.col, gcp.row) for gcp in gcps], dtype=np.float64).reshape(-1, 2)
    lon, lat = (np.asarray(part) for part in to_wgs84(crs).transform(x, y))
    if not (np.isfinite(lon).all() and np.isfinite(pixels).all() and (np.abs(lat) <= 90.0).all()):
        raise ValueError("GcpGeoref: a ground control point lies outside its reference system")
    if len({tuple(pixel) for pixel in pixels.tolist()}) < 3:
        raise ValueError("GcpGeoref: expected at least 3 points of different pixels")
    chart = Chart.about(lon, lat)
    pixels, plane = _distinct(pixels, chart.to_plane(lon, lat))
    if not np.isfinite(plane).all():
        raise ValueError("GcpGeoref: the ground control points lie on both sides of the Earth")
    if len(pixels) > MAX_GCPS:
        kept = np.linspace(0, len(pixels) - 1, MAX_GCPS).round().astype(int)
        pixels, plane = pixels[kept], plane[kept]
    extent = np.maximum(np.ptp(plane, axis=0).max(), np.finfo(float).tiny)
    if np.linalg.matrix_rank((plane - plane.mean(axis=0)) / extent, tol=1e-6) < 2:
        raise ValueError("GcpGeoref: the ground control points lie on one line on the ground")
    return chart, ThinPlate.fit(pixels, plane), RoughInverse.fit(plane, pixels)


def _distinct(pixels: Float64, plane: Float64) -> tuple[Float64, Float64]:
    """The points once each; those that contradict one another are refused."""
    _, first, group = np.unique(pixels, axis=0, return_index=True, return_inverse=True)
    apart = np.hypot(*(plane - plane[first[group.ravel()]]).T)
    if (apart > 1.0).any():
        col, row = pixels[int(apart.argmax())]
        raise ValueError(
            f"GcpGeoref: two ground control points of pixel ({col:g}, {row:g}) lie {apart.max():.0f} m apart"
        )
    kept = np.sort(first)
    pixels, plane = pixels[kept], plane[kept]
    order = np.lexsort(plane.T)
    near = np.hypot(*np.diff(plane[order], axis=0).T) < _APART_M
    far = np.hypot(*np.diff(pixels[order], axis=0).T) > _APART_PX
    if (near & far).any():
        raise ValueError("GcpGeoref: ground control points of different pixels coincide on the ground")
    return pixels, plane
