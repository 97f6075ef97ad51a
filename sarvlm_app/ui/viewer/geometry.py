"""Plane geometry of the view: camera, scale bar, north arrow (pure functions)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sarvlm_app.core.georef import Georeference
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class Camera:
    """What the canvas shows.

    Attributes
    ----------
    col, row : float
        Scene position at the middle of the canvas, in pixels from the outer corner.
    zoom : float
        Screen pixels for one scene pixel.
    width, height : float
        Size of the canvas in screen pixels.
    """

    col: float
    row: float
    zoom: float
    width: float
    height: float

    def to_screen(self, col: float, row: float) -> tuple[float, float]:
        """Screen (x, y) of the scene position (col, row)."""
        return (col - self.col) * self.zoom + self.width / 2, (row - self.row) * self.zoom + self.height / 2

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """Scene (col, row) under the screen position (x, y)."""
        return (x - self.width / 2) / self.zoom + self.col, (y - self.height / 2) / self.zoom + self.row

    def visible(self, scene_width: int, scene_height: int) -> Window | None:
        """The part of the scene in view, None where none is."""
        return window_between(self.to_scene(0, 0), self.to_scene(self.width, self.height), scene_width, scene_height)


def window_between(
    one: tuple[float, float], other: tuple[float, float], scene_width: int, scene_height: int
) -> Window | None:
    """The pixels touched by a rectangle with two corners (col, row), cut to the scene; None where none are."""
    (left, right), (top, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    col, row = max(0, math.floor(left)), max(0, math.floor(top))
    col_end, row_end = min(scene_width, math.ceil(right)), min(scene_height, math.ceil(bottom))
    if col_end <= col or row_end <= row:
        return None
    return Window(col, row, col_end - col, row_end - row)


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar `length_px` screen pixels long, worth `label`."""

    length_px: float
    label: str


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most `longest` (> 0)."""
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest * (1 + 1e-9))


def scale_bar(zoom: float, metres_per_px: float | None, longest_px: float = 150.0) -> ScaleBar:
    """The scale bar at a zoom of `zoom` screen pixels for one scene pixel.

    Parameters
    ----------
    metres_per_px : float or None
        Ground metres of one scene pixel; without it the bar counts scene pixels.
    """
    per_screen_px = (metres_per_px or 1.0) / zoom
    length = round_length(longest_px * per_screen_px)
    if metres_per_px is None:
        return ScaleBar(length / per_screen_px, f"{length:g} px")
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m" if length >= 0.01 else f"{length:.0e} m"
    return ScaleBar(length / per_screen_px, label)


def north_angle(georef: Georeference, col: float, row: float) -> float | None:
    """Degrees clockwise from "up on the screen" to true north at a place; None at a pole."""
    lon, lat = georef.to_lonlat(col, row)
    lat0 = float(lat)
    step = 1e-3 if lat0 < 89.0 else -1e-3
    north_col, north_row = georef.from_lonlat(lon, lat0 + step)
    right, up = (float(north_col) - col) * math.copysign(1, step), (row - float(north_row)) * math.copysign(1, step)
    if not (math.isfinite(right) and math.isfinite(up)) or math.hypot(right, up) == 0:
        return None
    return math.degrees(math.atan2(right, up))


def window_zoom(window: Window, canvas_width: float, canvas_height: float) -> float:
    """A zoom at which a window is seen whole, with a rim."""
    return min(6.0, max(1e-4, 0.86 * min(canvas_width / window.width, canvas_height / window.height)))


def sensible_zoom(extent_px: float, canvas_px: float) -> float:
    """A zoom at which an object of `extent_px` scene pixels is seen with its surroundings."""
    return min(6.0, max(0.05, canvas_px / (9.0 * max(extent_px, 8.0))))
