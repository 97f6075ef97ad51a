"""A small map of the earth, without a picture below: Mercator on the sphere, fitting, picking, graticule; pure.

World coordinates are degrees: x is the longitude, which goes on beyond 180
where a shape crosses the antimeridian, y is Mercator's, to the north.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""West, south, east, north in world coordinates or degrees; east >= west."""

MOST_LAT: Final = 89.0
MOST_ZOOM: Final = 2e6
"""Pixels a degree: about 0.06 m a pixel."""
LEAST_SPAN: Final = 0.02
"""Degrees that a fit shows at least, so that a small hit stands in its surroundings."""
RIM: Final = 0.12
"""Part of the map that a fit leaves free at each side."""
GRID_PX: Final = 64.0
METRES: Final = 111_319.490793
"""Of a degree at the equator, WGS 84."""
_STEPS: Final = (1.0, 2.0, 5.0)
_WIDE_STEPS: Final = (10.0, 15.0, 30.0, 45.0, 90.0)


def to_y(lat: float) -> float:
    """Mercator's y of a latitude, both in degrees; beyond 89 degrees as at 89."""
    held = min(max(lat, -MOST_LAT), MOST_LAT)
    return math.degrees(math.asinh(math.tan(math.radians(held))))


def to_lat(y: float) -> float:
    """The latitude of Mercator's y."""
    return math.degrees(math.atan(math.sinh(math.radians(y))))


MOST_Y: Final = to_y(MOST_LAT)


def turned(lon: float) -> float:
    """The same longitude in -180..180 (180 itself included)."""
    return lon if -180.0 <= lon <= 180.0 else (lon + 180.0) % 360.0 - 180.0


@dataclass(frozen=True, slots=True)
class MapView:
    """What a map shows: its middle in world coordinates, pixels a degree of longitude, its size in pixels."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    width: int = 320
    height: int = 180

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixel of a world coordinate, as it stands (see `turns`)."""
        return (x - self.x) * self.zoom + self.width / 2, (self.y - y) * self.zoom + self.height / 2

    def world(self, px: float, py: float) -> tuple[float, float]:
        """World coordinate of a pixel."""
        return self.x + (px - self.width / 2) / self.zoom, self.y - (py - self.height / 2) / self.zoom

    def lonlat(self, px: float, py: float) -> tuple[float, float]:
        """Longitude (-180..180) and latitude of a pixel."""
        x, y = self.world(px, py)
        return turned(x), to_lat(y)

    @property
    def box(self) -> Box:
        """World coordinates of its edges."""
        west, north = self.world(0.0, 0.0)
        east, south = self.world(self.width, self.height)
        return west, south, east, north

    def moved(self, dx: float, dy: float) -> MapView:
        """As if the paper were dragged by so many pixels."""
        return _held(replace(self, x=self.x - dx / self.zoom, y=self.y + dy / self.zoom))

    def zoomed(self, factor: float, px: float, py: float) -> MapView:
        """Nearer or farther, with the place under a pixel kept there (as far as the map's edge allows)."""
        x, y = self.world(px, py)
        zoom = _zoom_within(self.zoom * factor, self.width, self.height)
        back = replace(self, zoom=zoom)
        at_x, at_y = back.world(px, py)
        return _held(replace(back, x=self.x + x - at_x, y=self.y + y - at_y))

    def resized(self, width: int, height: int) -> MapView:
        """The same middle on another size."""
        return _held(replace(self, width=max(1, width), height=max(1, height)))

    def centred(self, x: float, y: float) -> MapView:
        """The same zoom about another middle."""
        return _held(replace(self, x=x, y=y))

    def padded(self, part: float) -> Box:
        """Its box with so large a part of it added at each side."""
        west, south, east, north = self.box
        across, down = part * (east - west), part * (north - south)
        return west - across, south - down, east + across, north + down

    def metres_a_px(self) -> float:
        """On the ground at its middle."""
        return METRES * math.cos(math.radians(to_lat(self.y))) / self.zoom


def _zoom_within(zoom: float, width: int, height: int) -> float:
    """No farther than that the earth is seen whole; a wide and low map then shows it more than once, side by side."""
    return min(max(zoom, min(width / 360.0, height / (2.0 * MOST_Y))), MOST_ZOOM)


def _held(view: MapView) -> MapView:
    zoom = _zoom_within(view.zoom, view.width, view.height)
    most = max(0.0, MOST_Y - view.height / 2 / zoom)
    return replace(view, x=turned(view.x), y=min(max(view.y, -most), most), zoom=zoom)


def turns(box: Box, view: Box) -> tuple[float, ...]:
    """By how much a shape must be moved east, in degrees, to be seen: once, twice or not at all."""
    first = math.ceil((view[0] - box[2]) / 360.0)
    last = math.floor((view[2] - box[0]) / 360.0)
    if box[3] < view[1] or box[1] > view[3]:
        return ()
    return tuple(360.0 * turn for turn in range(first, last + 1))


# ---- fitting -----------------------------------------------------------------------------
def smallest_arc(arcs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The shortest stretch of longitudes (west, east >= west) that holds all of these, also across the antimeridian.

    (-180, 180) where nothing is left free.
    """
    whole = (-180.0, 180.0)
    if not arcs or any(east - west >= 360.0 for west, east in arcs):
        return whole
    ordered = sorted(((west + 180.0) % 360.0 - 180.0, east - west) for west, east in arcs)
    end = max(west + length for west, length in ordered) - 360.0  # of the lap before
    best: tuple[float, float, float] = (0.0, 0.0, 0.0)
    for west, length in ordered:
        best = max(best, (west - end, west, end + 360.0))
        end = max(end, west + length)
    gap, west, east = best
    return whole if gap <= 0.0 else (west, east)


def fitted(boxes: Iterable[Box], width: int, height: int) -> MapView:
    """The view that holds all boxes (world coordinates) with a rim; the whole earth without any."""
    held = list(boxes)
    width, height = max(1, width), max(1, height)
    if not held:
        return _held(MapView(0.0, 0.0, width / 360.0, width, height))
    west, east = smallest_arc([(box[0], box[2]) for box in held])
    south, north = min(box[1] for box in held), max(box[3] for box in held)
    free = 1.0 - 2.0 * RIM
    zoom = min(
        width * free / max(east - west, LEAST_SPAN * free), height * free / max(north - south, LEAST_SPAN * free)
    )
    return _held(MapView((west + east) / 2, (south + north) / 2, zoom, width, height))


def area_between(view: MapView, one: tuple[float, float], other: tuple[float, float]) -> Box:
    """West, south, east, north in degrees of a rectangle between two pixels; west > east across the antimeridian."""
    (x0, y0), (x1, y1) = view.world(*one), view.world(*other)
    west, east = min(x0, x1), max(x0, x1)
    south, north = (max(-90.0, min(90.0, to_lat(y))) for y in sorted((y0, y1)))
    if east - west >= 359.999:
        return -180.0, south, 180.0, north
    return turned(west), south, turned(east), north


def box_of_area(area: tuple[float, float, float, float]) -> Box:
    """World coordinates of an area in degrees; one with west > east crosses the antimeridian."""
    west, south, east, north = area
    return west, to_y(south), east + 360.0 if east < west else east, to_y(north)


# ---- shapes ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Outline:
    """A footprint in world coordinates, in one piece also across the antimeridian."""

    shape: shapely.Geometry
    box: Box

    @property
    def rings(self) -> list[Float64]:
        """Outer rings, float64 (k, 2) each."""
        parts = getattr(self.shape, "geoms", [self.shape])
        return [np.asarray(part.exterior.coords, np.float64) for part in parts if part.geom_type == "Polygon"]

    @property
    def middle(self) -> tuple[float, float]:
        west, south, east, north = self.box
        return (west + east) / 2, (south + north) / 2


def outline_of(wkb: bytes | None) -> Outline | None:
    """The outline of a footprint in lon/lat; None where there is none, or none that can be drawn."""
    shape = None if wkb is None else shapely.from_wkb(wkb, on_invalid="ignore")
    if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
        return None
    west, south, east, north = shape.bounds
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        return None
    if shape.geom_type == "MultiPolygon" or east - west > 180.0:
        shape = _in_one_piece(shape, east - west > 180.0)
    shape = shapely.transform(shape, _to_world)
    west, south, east, north = (float(value) for value in shape.bounds)
    return Outline(shape, (west, south, east, north))


def _in_one_piece(shape: shapely.Geometry, crosses: bool) -> shapely.Geometry:
    """The parts that the antimeridian cut, put together again."""
    if not crosses:
        return shape
    parts = [shapely.transform(part, _eastwards) for part in getattr(shape, "geoms", [shape])]
    return parts[0] if len(parts) == 1 else shapely.union_all(parts, grid_size=1e-9)


def _eastwards(points: Float64) -> Float64:
    return np.column_stack((np.where(points[:, 0] < 0, points[:, 0] + 360.0, points[:, 0]), points[:, 1]))


def ys(lats: Float64) -> Float64:
    """`to_y` of many."""
    held = np.radians(np.clip(lats, -MOST_LAT, MOST_LAT))
    return np.asarray(np.degrees(np.arcsinh(np.tan(held))), np.float64)


def _to_world(points: Float64) -> Float64:
    return np.column_stack((points[:, 0], ys(points[:, 1])))


def under(outlines: Sequence[Outline | None], view: MapView, place: tuple[float, float], reach_px: float) -> list[int]:
    """Numbers of the outlines at a pixel or no farther than `reach_px` from it: nearest first, then smallest."""
    x, y = view.world(*place)
    reach = reach_px / view.zoom
    found = []
    for number, outline in enumerate(outlines):
        if outline is None:
            continue
        near = (x - reach, y - reach, x + reach, y + reach)
        for turn in turns(outline.box, near):
            away = float(shapely.distance(outline.shape, shapely.Point(x - turn, y)))
            if away <= reach:
                found.append((round(away * view.zoom), float(outline.shape.area), number))
    return [number for _, _, number in sorted(found)]


# ---- graticule and scale -------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class GridLine:
    """A meridian or parallel: its pixel, and its degree as text."""

    px: float
    label: str


def graticule(view: MapView) -> tuple[list[GridLine], list[GridLine]]:
    """Meridians (by column) and parallels (by row) at round degrees, about `GRID_PX` apart."""
    west, south, east, north = view.box
    step = _round_step(GRID_PX / view.zoom)
    meridians = [
        GridLine(view.at(number * step, 0.0)[0], degree_text(turned(number * step), step, "E", "W"))
        for number in range(math.ceil(west / step), math.floor(east / step) + 1)
    ]
    low, high = max(to_lat(south), -MOST_LAT), min(to_lat(north), MOST_LAT)
    nearest = min(max(0.0, low), high)  # to the equator, where parallels lie closest
    step = _round_step(GRID_PX / view.zoom * math.cos(math.radians(nearest)))
    parallels = [
        GridLine(view.at(0.0, to_y(number * step))[1], degree_text(number * step, step, "N", "S"))
        for number in range(math.ceil(low / step), math.floor(high / step) + 1)
    ]
    return meridians, parallels


def _round_step(least: float) -> float:
    """The smallest round number of degrees that is no smaller."""
    if least > 5.0:
        return next((step for step in _WIDE_STEPS if step >= least), _WIDE_STEPS[-1])
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in _STEPS if step * power >= least * (1 - 1e-9)), 10.0 * power)


def degree_text(degrees: float, step: float, positive: str, negative: str) -> str:
    """`118°W`, `33.5°N`, `0°`: as many decimals as the step has."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{abs(degrees):.{decimals}f}\u00b0"
    if float(f"{abs(degrees):.{decimals}f}") in (0.0, 180.0):
        return text
    return text + (positive if degrees > 0 else negative)
