"""Detected images in NGA's SIDD form, on a plane through the scene."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import lxml.etree
import numpy as np
import sarkit.sidd as sksidd
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike
from sarkit import wgs84
from sarkit.sicd import projection

from .chart import Chart
from .interface import Float64, LonLat, PositionError, flat, from_centre, shape_of, to_centre
from .newton import invert
from .outline import footprint, local_spacing_m
from .range_rate import earth_centred, parse, plain_faults, to_ground


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """What the XML says of the plane and of the sensor's way; earth-centred metres, times in seconds."""

    origin: Float64
    first: tuple[float, float]
    row: Float64
    col: Float64
    time: Float64
    way: Float64
    size: tuple[int, int]
    height: float
    look: int
    chart: Chart

    def point(self, index: Float64) -> Float64:
        """Points (n, 3) of the plane of (row, col) (n, 2) counted from pixel centres."""
        away = index - np.array(self.first)
        return np.asarray(self.origin + away[:, :1] * self.row + away[:, 1:] * self.col)

    def sets(self, index: Float64) -> Any:
        """sarkit's projection sets: where the sensor was, and range and range rate from there."""
        time = np.asarray(polynomial.polyval2d(index[:, 0], index[:, 1], self.time))
        at = np.asarray(polynomial.polyval(time, self.way)).T
        speed = np.asarray(polynomial.polyval(time, polynomial.polyder(self.way))).T
        line = at - self.point(index)
        distance = np.linalg.norm(line, axis=1)
        rate = (speed * line).sum(axis=1) / distance
        return projection.ProjectionSetsMono(t_COA=time, ARP_COA=at, VARP_COA=speed, R_COA=distance, Rdot_COA=rate)


@dataclass(frozen=True, slots=True)
class SiddGeoref:
    """The geometry of a SIDD on a plane: the contour of each pixel followed down to the ground.

    Products on other grids (geographic, cylindrical) are not of this kind.

    Attributes
    ----------
    xml : bytes
        The SIDD's XML.

    Raises
    ------
    ValueError
        When it is on another grid than a plane, or lacks what places its pixels.
    """

    xml: bytes
    _plane: _Plane = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree = parse(self.xml, "SIDD")
        if tree.find("./{*}Measurement/{*}PlaneProjection") is None:
            raise ValueError("SIDD: the product is not on a plane, and other grids are not read yet")
        with plain_faults("SIDD"):
            object.__setattr__(self, "_plane", _read(tree))
            lon, _ = self.to_lonlat(self._plane.first[1] + 0.5, self._plane.first[0] + 0.5)
        if not np.isfinite(lon):
            raise ValueError("SIDD: the XML contradicts itself, the reference point lies nowhere on the ground")

    @classmethod
    def from_tree(cls, tree: Any) -> Self:
        """Of sarkit's XML tree."""
        return cls(lxml.etree.tostring(tree))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._plane.size

    @property
    def crs_name(self) -> str:
        return "EPSG:4326"

    @property
    def uses_height(self) -> bool:
        return True

    @property
    def error_m(self) -> PositionError | None:
        return None

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return np.full(shape_of(col, row, None), self._plane.height)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        pixels, heights = flat(col, row, height, self._plane.height)
        lon, lat = self._ground(pixels, heights)
        shape = shape_of(col, row, height)
        return lon.reshape(shape), lat.reshape(shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        plane = self._plane
        places, heights = flat(lon, lat, height, plane.height)
        wanted = plane.chart.to_plane(places[:, 0], places[:, 1])
        away = earth_centred(places[:, 0], places[:, 1], heights) - plane.origin
        along = [
            away @ step / (step @ step) + first for step, first in zip((plane.row, plane.col), plane.first, strict=True)
        ]
        pixels = invert(self._with_slopes, from_centre(np.column_stack(along[::-1])), wanted, heights)
        shape = shape_of(lon, lat, height)
        return pixels[:, 0].reshape(shape), pixels[:, 1].reshape(shape)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)

    def _ground(self, pixels: Float64, heights: Float64) -> LonLat:
        plane = self._plane
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return to_ground(plane.look, plane.origin, plane.sets(to_centre(pixels[:, ::-1])), heights)

    def _with_slopes(self, pixels: Float64, heights: Float64) -> tuple[Float64, Float64]:
        steps = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)])
        asked = (pixels[None] + steps[:, None]).reshape(-1, 2)
        here, right, below = self._plane.chart.to_plane(*self._ground(asked, np.tile(heights, 3))).reshape(3, -1, 2)
        return here, np.stack([right - here, below - here], axis=2)


def _read(tree: Any) -> _Plane:
    library: Any = sksidd  # its helper has no types
    helper = library.XmlHelper(tree)
    measured = "./{*}Measurement/"
    plane = measured + "{*}PlaneProjection/"
    origin = np.asarray(helper.load(plane + "{*}ReferencePoint/{*}ECEF"), dtype=np.float64)
    first = tuple(float(value) for value in helper.load(plane + "{*}ReferencePoint/{*}Point"))
    spacing = np.asarray(helper.load(plane + "{*}SampleSpacing"), dtype=np.float64)
    row = np.asarray(helper.load(plane + "{*}ProductPlane/{*}RowUnitVector"), dtype=np.float64) * spacing[0]
    col = np.asarray(helper.load(plane + "{*}ProductPlane/{*}ColUnitVector"), dtype=np.float64) * spacing[1]
    time = np.asarray(helper.load(plane + "{*}TimeCOAPoly"), dtype=np.float64)
    way = np.asarray(helper.load(measured + "{*}ARPPoly"), dtype=np.float64)
    rows, cols = (int(value) for value in helper.load(measured + "{*}PixelFootprint"))
    if not ((spacing > 0.0).all() and np.isfinite(origin).all() and rows > 0 and cols > 0):
        raise ValueError("SIDD: the sample spacings and the size are not above zero")
    lat, lon, height = wgs84.cartesian_to_geodetic(origin)
    centre = float(polynomial.polyval2d(first[0], first[1], time))
    at = np.asarray(polynomial.polyval(centre, way))
    speed = np.asarray(polynomial.polyval(centre, polynomial.polyder(way)))
    look = 1 if float(np.cross(at, speed) @ (origin - at)) > 0.0 else -1
    size = (cols, rows)
    return _Plane(
        origin, (first[0], first[1]), row, col, time, way, size, float(height), look, Chart(float(lon), float(lat))
    )
