"""What boxes say of objects on the ground: place, size, heading."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.scene import Scene

Float64 = NDArray[np.float64]

_WGS84 = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """Ground facts of boxes, struct of arrays float64 (n,); NaN is what the scene does not tell.

    Attributes
    ----------
    lon, lat : degrees
        Of the centre (WGS 84, -180..180).
    length_m, width_m : metres on the ground (geodesic)
        Along the long axis and straight across it.
    heading_deg : degrees
        Axis, 0 <= heading < 180, clockwise from true north, at the centre: bow and stern are not told apart.
    """

    lon: Float64
    lat: Float64
    length_m: Float64
    width_m: Float64
    heading_deg: Float64

    def __post_init__(self) -> None:
        n = len(self.lon)
        for each in fields(self):
            array: Float64 = getattr(self, each.name)
            if array.shape != (n,):
                raise ValueError(f"BoxFacts.{each.name}: expected {(n,)}, got {array.shape}")
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.lon)


def box_facts(corners_px: NDArray[np.floating[Any]], scene: Scene) -> BoxFacts:
    """Place, size and heading of boxes.

    Parameters
    ----------
    corners_px : float (n, 4, 2)
        (col, row) in full-resolution pixels; rectangles in pixels.
    scene : Scene
        With a georeference all is told; with a pixel spacing alone the sizes
        are; else nothing is. The long axis is the one that is longer on the
        ground, which may be the shorter one in pixels that are not square.
    """
    corners = np.asarray(corners_px, np.float64).reshape(-1, 4, 2)
    if scene.georef is not None:
        return _on_the_ground(corners, scene.georef)
    unknown = np.full(len(corners), np.nan)
    spacing = scene.spacing_m
    if spacing is None or not np.isfinite(spacing).all():
        return BoxFacts(unknown, unknown, unknown, unknown, unknown)
    ends = _axis_ends(corners) * np.asarray(spacing, np.float64)
    along, across = ends[:, 0] - ends[:, 2], ends[:, 1] - ends[:, 3]
    lengths = np.stack([np.hypot(*along.T), np.hypot(*across.T)])
    angle = np.arctan2(along[:, 1], along[:, 0]) - np.arctan2(across[:, 1], across[:, 0])
    length, width = lengths.max(axis=0), lengths.min(axis=0) * np.abs(np.sin(angle))
    return BoxFacts(unknown, unknown, length, width, unknown)


def _axis_ends(corners: Float64) -> Float64:
    """The middles (n, 4, 2) of the sides 1-2, 2-3, 3-0, 0-1: the ends of one axis, then those of the other, in turn."""
    return np.asarray((np.roll(corners, -1, axis=1) + np.roll(corners, -2, axis=1)) / 2)


def _on_the_ground(corners: Float64, georef: Georeference) -> BoxFacts:
    n = len(corners)
    points = np.concatenate([corners.mean(axis=1, keepdims=True), _axis_ends(corners)], axis=1).reshape(-1, 2)
    places = np.full((2, 5 * n), np.nan)
    given = np.isfinite(points).all(axis=1)
    with np.errstate(invalid="ignore"):  # off the map, longitudes are not finite
        places[:, given] = georef.to_lonlat(points[given, 0], points[given, 1])
    lons, lats = places.reshape(2, n, 5)
    known = (np.isfinite(lons) & np.isfinite(lats)).all(axis=1)
    lon, lat, length, width, heading = (np.full(n, np.nan) for _ in range(5))
    lon[known], lat[known] = lons[known, 0], lats[known, 0]
    if known.any():
        length[known], width[known], heading[known] = _sizes(lons[known], lats[known])
    return BoxFacts(lon, lat, length, width, heading)


def _sizes(lons: Float64, lats: Float64) -> tuple[Float64, Float64, Float64]:
    """Length, width and heading by geodesics from the centre (first of 5 points) to the ends of the two axes."""
    centre_lon, centre_lat = np.repeat(lons[:, :1], 4, axis=1), np.repeat(lats[:, :1], 4, axis=1)
    azimuth, _, metres = (np.asarray(v) for v in _WGS84.inv(centre_lon, centre_lat, lons[:, 1:], lats[:, 1:]))
    lengths = metres[:, :2] + metres[:, 2:]
    # both halves of an axis tell its direction; the middle of the two is that at the centre
    bend = np.mod(azimuth[:, 2:] + 180.0 - azimuth[:, :2] + 180.0, 360.0) - 180.0
    directions = azimuth[:, :2] + bend / 2
    long = (lengths[:, 1] > lengths[:, 0]).astype(np.intp)[:, None]
    length = np.take_along_axis(lengths, long, 1)[:, 0]
    across = np.take_along_axis(lengths, 1 - long, 1)[:, 0]
    width = across * np.abs(np.sin(np.deg2rad(directions[:, 0] - directions[:, 1])))
    heading = np.mod(np.take_along_axis(directions, long, 1)[:, 0], 180.0)
    heading[heading >= 180.0] = 0.0  # the remainder of a tiny negative angle rounds up
    heading[length == 0.0] = np.nan
    return length, width, heading
