"""A coordinate and a scene: which pixel it is, and how all notations call it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sarvlm_app.core.georef import Georeference, crs_name
from sarvlm_app.core.georef.outline import WGS84
from sarvlm_app.core.georef.systems import to_wgs84
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import QueryError

from .notations import dms_text, lonlat_text, map_crs, map_position, mgrs_text, utm_text
from .reading import Kind, Reading, read_position

_WINDS = ("north", "north-north-east", "north-east", "east-north-east", "east", "east-south-east", "south-east",
          "south-south-east", "south", "south-south-west", "south-west", "west-south-west", "west", "west-north-west",
          "north-west", "north-north-west")  # fmt: skip
_EDGE_POINTS = 64


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of a scene.

    Attributes
    ----------
    col, row : float
        Pixels from the outer corner of the top left one.
    lon, lat : float or None
        Degrees; None in a scene without georeference.
    height : float or None
        Metres above the ellipsoid; None is the geometry's own.
    """

    col: float
    row: float
    lon: float | None
    lat: float | None
    height: float | None = None


def find_spot(scene: Scene, text: str, height: float | None = None) -> Spot:
    """The place in `scene` that `text` names.

    Raises
    ------
    QueryError
        When it cannot be read, lies outside the scene (the sentence says how
        far and in which direction), or the scene has no georeference.
    """
    readings = read_position(text)
    if readings[0].kind is Kind.PIXEL:
        return _at_pixel(scene, readings[0], height)
    georef = scene.georef
    if georef is None:
        raise QueryError(f"{scene.name} has no georeference, so only its pixels have names; write col 1200 row 340.")
    places = [_lonlat(georef, reading, scene.name) for reading in readings]
    for lon, lat in places:
        spot = _inside(scene, georef, (lon, lat), height)
        if spot is not None:
            return spot
    raise QueryError(_outside(scene, georef, places, height))


def spot_at(scene: Scene, col: float, row: float, height: float | None = None) -> Spot:
    """The place of a pixel position, which may lie outside the scene."""
    lon = lat = None
    if scene.georef is not None:
        x, y = (float(value) for value in scene.georef.to_lonlat(col, row, height))
        if math.isfinite(x) and math.isfinite(y):
            lon, lat = x, y
    return Spot(col, row, lon, lat, height)


def describe(scene: Scene, spot: Spot) -> dict[str, Any]:
    """A place in every notation, as plain values; None where a notation does not reach."""
    georef = scene.georef
    error = None if georef is None else georef.error_m
    facts: dict[str, Any] = {
        "col": spot.col,
        "row": spot.row,
        "inside": _holds(scene, spot.col, spot.row),
        "lon": spot.lon,
        "lat": spot.lat,
        **dict.fromkeys(("degrees", "dms", "mgrs", "utm", "map")),
        "height_m": _height(georef, spot),
        "height_matters": georef is not None and georef.uses_height,
        "error_m": None if error is None else error.metres,
        "error_reason": None if error is None else error.reason,
    }
    if georef is None or spot.lon is None or spot.lat is None:
        return facts
    lon, lat = spot.lon, spot.lat
    crs, position = map_crs(georef), map_position(georef, lon, lat)
    words: dict[str, str | None] = {"degrees": lonlat_text(lon, lat, 6), "dms": dms_text(lon, lat)}
    words |= {"mgrs": mgrs_text(lon, lat), "utm": utm_text(lon, lat)}
    if crs is not None and position is not None:
        facts["map"] = {"crs": crs_name(crs), "x": position[0], "y": position[1]}
    return facts | words


def _height(georef: Georeference | None, spot: Spot) -> float | None:
    """The height that was used: the asked one, else the geometry's own, where it has one and it matters."""
    if spot.height is not None or georef is None or not georef.uses_height:
        return spot.height
    own = float(georef.height_m(spot.col, spot.row))
    return own if math.isfinite(own) else None


def _at_pixel(scene: Scene, reading: Reading, height: float | None) -> Spot:
    col, row = reading.first, reading.second
    if not _holds(scene, col, row):
        raise QueryError(
            f"Column {col:g}, row {row:g} lies outside {scene.name}, which has {scene.width} columns and "
            f"{scene.height} rows; choose a pixel within."
        )
    return spot_at(scene, col, row, height)


def _lonlat(georef: Georeference, reading: Reading, name: str) -> tuple[float, float]:
    if reading.kind is Kind.GROUND:
        return reading.first, reading.second
    crs = map_crs(georef)
    if crs is None:
        raise QueryError(f"{name} lies in no map, so metres east and north mean nothing there; write degrees or MGRS.")
    lon, lat = (float(value) for value in to_wgs84(crs).transform(reading.first, reading.second))
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise QueryError(
            f"{reading.first:g}, {reading.second:g} lies beyond the map {crs_name(crs)} of {name}; correct the numbers."
        )
    return lon, lat


def _holds(scene: Scene, col: float, row: float) -> bool:
    return 0.0 <= col <= scene.width and 0.0 <= row <= scene.height


def _inside(scene: Scene, georef: Georeference, place: tuple[float, float], height: float | None) -> Spot | None:
    """The spot of a place within the scene, else None."""
    lon, lat = place
    col, row = (float(value) for value in georef.from_lonlat(lon, lat, height))
    if not (math.isfinite(col) and math.isfinite(row) and _holds(scene, col, row)):
        return None
    # a projection may send places on the other side of the Earth into the scene: see whether it comes back
    back_lon, back_lat = (float(value) for value in georef.to_lonlat(col, row, height))
    if not WGS84.inv(lon, lat, back_lon, back_lat)[2] < 1.0 + max(georef.spacing_m(col, row)):
        return None
    return Spot(col, row, lon, lat, height)


def _outside(scene: Scene, georef: Georeference, places: list[tuple[float, float]], height: float | None) -> str:
    """How far and in which direction the nearest reading lies from the scene."""
    cols, rows = _edge(scene)
    lons, lats = georef.to_lonlat(cols, rows, height)
    on_earth = np.isfinite(lons) & np.isfinite(lats)
    lon, lat = places[0]
    if not on_earth.any():
        return f"{lonlat_text(lon, lat, 5)} lies outside {scene.name}; choose a place within."
    nearest = None
    for place in places:
        edge = lons[on_earth], lats[on_earth]
        azimuths, _, metres = WGS84.inv(*edge, np.full(edge[0].shape, place[0]), np.full(edge[0].shape, place[1]))
        at = int(np.argmin(metres))
        if nearest is None or metres[at] < nearest[0]:
            nearest = float(metres[at]), float(azimuths[at]), place
    assert nearest is not None
    distance, azimuth, (lon, lat) = nearest
    wind = _WINDS[round(azimuth / 22.5) % 16]
    said = f"{lonlat_text(lon, lat, 5)} lies {_distance(distance)} {wind} of {scene.name}"
    if abs(lon) <= 90.0 and _inside(scene, georef, (lat, lon), height) is not None:
        return f"{said}, which would hold it with latitude and longitude exchanged; write the latitude first."
    return f"{said}; choose a place within."


def _edge(scene: Scene) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    along = np.linspace(0.0, 1.0, _EDGE_POINTS)
    nil, one = np.zeros_like(along), np.ones_like(along)
    cols = np.concatenate([along, along, nil, one]) * scene.width
    return cols, np.concatenate([nil, one, along, along]) * scene.height


def _distance(metres: float) -> str:
    if metres < 1000.0:
        return f"{metres:.0f} m"
    return f"{metres / 1000.0:.1f} km" if metres < 100_000.0 else f"{metres / 1000.0:.0f} km"
