"""Scenes with a geolocation grid: places (and heights) at regular lines and pixels, as Sentinel-1 has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .chart import Chart
from .ground_range import GroundRange
from .interface import Float64, LonLat, PositionError, flat, from_centre, shape_of, to_centre
from .newton import RoughInverse, invert
from .outline import footprint, local_spacing_m

if TYPE_CHECKING:
    from scipy.interpolate import BSpline, NdBSpline


@dataclass(frozen=True, slots=True)
class GridPoint:
    """A point of a geolocation grid.

    Attributes
    ----------
    line, pixel : float
        Samples, counted from the *centre* of the first one, as the product does.
    lon, lat : float
        Degrees, WGS 84.
    height : float
        Metres above the ellipsoid.
    incidence : float, optional
        Degrees from the vertical; with it, places at other heights are known.
    slant_range : float, optional
        Metres to the sensor; with it, the wave front is a circle and not a line.
    """

    line: float
    pixel: float
    lon: float
    lat: float
    height: float = 0.0
    incidence: float | None = None
    slant_range: float | None = None


@dataclass(frozen=True, slots=True)
class GridGeoref:
    """A geolocation grid with cubic splines through its points.

    Beyond the outermost points it goes on straight. Where incidence angles are
    given, the ground that belongs to a pixel moves away from the sensor by
    1/tan(incidence) metres a metre of height; the own height is that of the
    grid's points, and a spline between them.

    Attributes
    ----------
    points : tuple of GridPoint
        Every combination of at least two lines and two pixels, in any order.
    size : (int, int), optional
        Width and height of the scene in pixels; needed for the footprint.
    far_is_right : bool
        Columns count away from the sensor, as in every Sentinel-1 product.
    ground_range : GroundRange, optional
        For ground range products: how columns were made from slant range, which the grid knows at its points
        only. Without incidence angles it is of no effect.

    Raises
    ------
    ValueError
        When the points are no whole grid or fix no map.
    """

    points: tuple[GridPoint, ...]
    size: tuple[int, int] | None = None
    far_is_right: bool = True
    ground_range: GroundRange | None = None
    _fit: _Fit = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(self.points))
        object.__setattr__(self, "_fit", _Fit.of(self.points, 1.0 if self.far_is_right else -1.0, self.ground_range))

    @property
    def crs_name(self) -> str:
        return "EPSG:4326"

    @property
    def uses_height(self) -> bool:
        return self._fit.tilted

    @property
    def error_m(self) -> PositionError | None:
        return _between_points(self)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        pixels, heights = flat(col, row, height, np.nan)
        plane, _ = self._fit.forward(pixels, heights)
        lon, lat = self._fit.chart.from_plane(plane)
        shape = shape_of(col, row, height)
        return lon.reshape(shape), lat.reshape(shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        places, heights = flat(lon, lat, height, np.nan)
        wanted = self._fit.chart.to_plane(places[:, 0], places[:, 1])
        pixels = invert(self._fit.forward, self._fit.rough(wanted), wanted, heights)
        shape = shape_of(lon, lat, height)
        return pixels[:, 0].reshape(shape), pixels[:, 1].reshape(shape)

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        """The grid's own height, metres above the ellipsoid, at pixel positions."""
        pixels, _ = flat(col, row, None, np.nan)
        return np.asarray(self._fit.heights(pixels).reshape(shape_of(col, row, None)))

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """The grid as splines.

    Its points lie on the terrain and jump with it, so they are first moved along their wave front to
    height 0, where the swath is smooth; the terrain's height is a spline of its own. Seven values a point:
    east, north of the chart at height 0; height; metres east, north a metre of height, and a squared metre.
    With `ranges` three more: slant range; metres east, north a metre of slant range.
    """

    chart: Chart
    spline: NdBSpline
    low: Float64
    high: Float64
    rough: RoughInverse
    tilted: bool
    ranges: GroundRange | None = None

    @classmethod
    def of(cls, points: Sequence[GridPoint], away: float, ranges: GroundRange | None = None) -> _Fit:
        lines, pixels, values = _as_grid(points)
        chart = Chart.about(values[..., 0], values[..., 1])
        plane = chart.to_plane(values[..., 0], values[..., 1])
        if not np.isfinite(plane).all():
            raise ValueError("GridGeoref: the geolocation grid lies on both sides of the Earth")
        _require_spread(plane)
        height, tilted = values[..., 2], bool(np.isfinite(values[..., 3]).all())
        level, first, second, outward = plane, np.zeros_like(plane), np.zeros_like(plane), np.zeros_like(plane)
        if tilted:
            slope, bend = _lean(height, values[..., 3], values[..., 4])
            for _ in range(3):  # the way out is that of the level grid, which follows from it
                along = _spline(pixels, level, axis=1)(pixels, nu=1)
                outward = away * along / np.hypot(along[..., :1], along[..., 1:])
                first, second = slope[..., None] * outward, bend[..., None] * outward
                level = plane - height[..., None] * first - (height**2)[..., None] * second
        columns, rows = np.meshgrid(from_centre(pixels), from_centre(lines))
        rough = RoughInverse.fit(plane.reshape(-1, 2), np.column_stack([columns.ravel(), rows.ravel()]))
        parts = [level, height[..., None], first, second]
        if tilted and ranges is not None:
            at = np.stack(np.meshgrid(lines, pixels, indexing="ij"), axis=-1).reshape(-1, 2)
            slant = ranges.slant(at[:, 0], at[:, 1]).reshape(height.shape)
            parts += [slant[..., None], outward / np.sin(np.deg2rad(values[..., 3]))[..., None]]
        spline = _surface(lines, pixels, np.concatenate(parts, axis=2))
        low, high = np.array([lines[0], pixels[0]]), np.array([lines[-1], pixels[-1]])
        return cls(chart, spline, low, high, rough, tilted, ranges if tilted else None)

    def heights(self, points: Float64) -> Float64:
        """The terrain's height (n,) at pixel positions (n, 2)."""
        return np.asarray(self.spline(self._inside(to_centre(points[:, ::-1])))[:, 2])

    def forward(self, points: Float64, heights: Float64) -> tuple[Float64, Float64]:
        """Places (n, 2) in the chart of pixels (n, 2) at heights (n,), NaN for the grid's own, and the slopes."""
        at = to_centre(points[:, ::-1])
        inside = self._inside(at)
        value, down, across = (self.spline(inside, nu=nu) for nu in (None, (1, 0), (0, 1)))
        own = np.isnan(heights)
        tall = np.where(own, value[:, 2], heights)[:, None]
        plane = value[:, :2] + tall * value[:, 3:5] + tall**2 * value[:, 5:7]
        if self.ranges is not None:  # what the slant range is, beyond what the grid thinks it to be
            plane += (self.ranges.slant(*inside.T) - value[:, 7])[:, None] * value[:, 8:]
        steep = np.where(own[:, None], value[:, 3:5] + 2.0 * tall * value[:, 5:7], 0.0)
        sides = [side[:, :2] + tall * side[:, 3:5] + tall**2 * side[:, 5:7] for side in (across, down)]
        beyond = at - inside
        plane += beyond[:, 1:] * sides[0] + beyond[:, :1] * sides[1]
        within = (beyond == 0.0).all(axis=1)[:, None]
        slopes = [side + within * steep * rise[:, 2:3] for side, rise in zip(sides, (across, down), strict=True)]
        return plane, np.stack(slopes, axis=2)

    def _inside(self, at: Float64) -> Float64:
        return np.clip(at, self.low, self.high)


def _lean(height: Float64, incidence: Float64, slant_range: Float64) -> tuple[Float64, Float64]:
    """Metres away from the sensor a metre and a squared metre of height above height 0, along the wave front.

    Points of one range R lie on a circle: x = h/tan(i) - h^2/(2 R sin(i)^3), as far as matters here.
    """
    angle = np.deg2rad(incidence)
    if not ((angle > 0.0) & (angle < np.pi / 2)).all():
        raise ValueError("GridGeoref: an incidence angle of the geolocation grid is not between 0 and 90 degrees")
    with np.errstate(invalid="ignore", divide="ignore"):
        bend = np.where(slant_range > 0.0, -0.5 / (slant_range * np.sin(angle) ** 3), 0.0)
    return np.asarray(1.0 / np.tan(angle) - 2.0 * bend * height), bend


def _as_grid(points: Sequence[GridPoint]) -> tuple[Float64, Float64, Float64]:
    """Lines, pixels and the values (lines, pixels, 5) of a whole grid."""
    table = np.array(
        [(p.line, p.pixel, p.lon, p.lat, p.height, p.incidence, p.slant_range) for p in points],
        dtype=np.float64,
    ).reshape(-1, 7)
    if not np.isfinite(table[:, :5]).all() or (np.abs(table[:, 3]) > 90.0).any():
        raise ValueError("GridGeoref: a point of the geolocation grid has no place on the Earth")
    lines, line_of = np.unique(table[:, 0], return_inverse=True)
    pixels, pixel_of = np.unique(table[:, 1], return_inverse=True)
    if len(lines) < 2 or len(pixels) < 2:
        raise ValueError("GridGeoref: the points of the geolocation grid lie on one line")
    if len(table) != len(lines) * len(pixels):
        raise ValueError(
            f"GridGeoref: {len(table)} points are no whole grid of {len(lines)} lines and {len(pixels)} pixels"
        )
    values = np.full((len(lines), len(pixels), 5), np.nan)
    values[line_of.ravel(), pixel_of.ravel()] = table[:, 2:]
    if np.isnan(values[..., 0]).any():
        raise ValueError("GridGeoref: two points of the geolocation grid coincide")
    return lines, pixels, values


def _require_spread(plane: Float64) -> None:
    """Refuse grids that are folded or flat: every cell must turn the same way."""
    down, across = plane[1:, :-1] - plane[:-1, :-1], plane[:-1, 1:] - plane[:-1, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    if not ((area > 0.0).all() or (area < 0.0).all()):
        raise ValueError("GridGeoref: points of the geolocation grid coincide or are out of order on the ground")


def _spline(knots: Float64, values: Float64, axis: int) -> BSpline:
    """The spline along one axis, cubic where there are points enough."""
    from scipy.interpolate import make_interp_spline  # half a second that most scenes need not wait for

    return make_interp_spline(knots, values, k=min(3, len(knots) - 1), axis=axis)


def _surface(lines: Float64, pixels: Float64, values: Float64) -> NdBSpline:
    """The tensor spline through values (lines, pixels, k)."""
    from scipy.interpolate import NdBSpline

    down = _spline(lines, values, axis=0)
    across = _spline(pixels, down.c, axis=1)
    return NdBSpline((down.t, across.t), np.moveaxis(across.c, 0, 1), (down.k, across.k))


@lru_cache(maxsize=16)
def _between_points(georef: GridGeoref) -> PositionError | None:
    """Every second line and pixel held against the splines through the others."""
    lines = sorted({point.line for point in georef.points})
    pixels = sorted({point.pixel for point in georef.points})
    if len(lines) < 5 or len(pixels) < 5:
        return None
    kept_lines, kept_pixels = {*lines[::2], lines[-1]}, {*pixels[::2], pixels[-1]}
    kept = [point for point in georef.points if point.line in kept_lines and point.pixel in kept_pixels]
    rest = [point for point in georef.points if point.line not in kept_lines or point.pixel not in kept_pixels]
    coarse = _Fit.of(kept, 1.0 if georef.far_is_right else -1.0, georef.ground_range)
    at = from_centre(np.array([(point.pixel, point.line) for point in rest]))
    heights = np.array([point.height for point in rest])
    found, _ = coarse.forward(at, heights)
    true = coarse.chart.to_plane(np.array([p.lon for p in rest]), np.array([p.lat for p in rest]))
    rms = float(np.sqrt(((found - true) ** 2).sum(axis=1).mean()))
    return PositionError(rms, "every second line and pixel of the geolocation grid left out")
