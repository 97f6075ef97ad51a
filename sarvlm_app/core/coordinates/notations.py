"""A place in words: each notation an analyst may want."""

from __future__ import annotations

import math
import threading
from enum import StrEnum
from typing import Any

import pyproj

from sarvlm_app.core.georef import (
    AffineGeoref,
    BurstGeoref,
    GcpGeoref,
    Georeference,
    ScaledGeoref,
    ShiftedGeoref,
    crs_name,
)
from sarvlm_app.core.georef.systems import is_geographic, to_wgs84

_MGRS_LOCK = threading.Lock()
"""GEOTRANS keeps the ellipsoid in variables of its own."""


class Notation(StrEnum):
    """How a place reads in the status line."""

    DEGREES = "degrees"
    DMS = "dms"
    MGRS = "mgrs"
    MAP = "map"

    @property
    def following(self) -> Notation:
        """The next one, after the last the first."""
        order = list(Notation)
        return order[(order.index(self) + 1) % len(order)]


def lonlat_text(lon: float, lat: float, decimals: int = 4) -> str:
    """Latitude and longitude in degrees with their hemispheres: `33.7420 N  118.2010 W`."""
    return f"{abs(lat):.{decimals}f} {'S' if lat < 0 else 'N'}  {abs(lon):.{decimals}f} {'W' if lon < 0 else 'E'}"


def dms_text(lon: float, lat: float) -> str:
    """Latitude and longitude in degrees, minutes and seconds: `33°44′31.2″ N  118°12′03.6″ W`."""
    return f"{_dms(lat, 'N', 'S')}  {_dms(lon, 'E', 'W')}"


def _dms(value: float, positive: str, negative: str) -> str:
    tenths = round(abs(value) * 36_000)
    degrees, rest = divmod(tenths, 36_000)
    minutes, seconds = divmod(rest, 600)
    return f"{degrees}°{minutes:02d}′{seconds / 10:04.1f}″ {negative if value < 0 else positive}"


def mgrs_text(lon: float, lat: float) -> str | None:
    """Military grid reference to a metre: `11S LT 88694 34201`; None where there is none."""
    text = _mgrs(lon, lat)
    if text is None:
        return None
    digits = text[-10:]
    square = text[:-10]
    return f"{square[:-2]} {square[-2:]} {digits[:5]} {digits[5:]}".strip()


def utm_text(lon: float, lat: float) -> str | None:
    """Zone with latitude band, metres east and north: `11S 388694 3734201`; None at the poles, which have no zone."""
    text = _mgrs(lon, lat)
    if text is None or not text[0].isdigit():
        return None
    zone = text[:-12]
    x, y = utm_system(int(zone[:-1]), south=zone[-1] < "N").transform(lon, lat, direction="INVERSE")
    return f"{zone} {round(x)} {round(y)}"


def utm_system(zone: int, *, south: bool) -> pyproj.Transformer:
    """From metres of that UTM zone to longitude and latitude."""
    return to_wgs84(f"EPSG:{(32700 if south else 32600) + zone}")


def _mgrs(lon: float, lat: float) -> str | None:
    if not (math.isfinite(lon) and math.isfinite(lat) and -90.0 <= lat <= 90.0):
        return None
    text = _to_mgrs(lon, lat)
    # half a metre south of the equator GEOTRANS rounds up to a square that it does not know itself
    return text if text is None or from_mgrs(text) is not None else _to_mgrs(lon, round(lat, 5) + 0.0)


def _to_mgrs(lon: float, lat: float) -> str | None:
    import mgrs
    from mgrs.core import MGRSError

    try:
        with _MGRS_LOCK:
            return str(mgrs.MGRS().toMGRS(lat, lon, MGRSPrecision=5))
    except MGRSError:
        return None


def from_mgrs(text: str) -> tuple[float, float] | None:
    """Longitude and latitude of a grid reference without blanks: the south-west corner of its square."""
    import mgrs
    from mgrs.core import MGRSError

    try:
        with _MGRS_LOCK:
            lat, lon = mgrs.MGRS().toLatLon(text)
    except (MGRSError, UnicodeEncodeError):
        return None
    return float(lon), float(lat)


def map_crs(georef: Georeference) -> str | None:
    """The reference system in which the file places its pixels; None where it does so by a projection of its own."""
    inner: Any = georef
    while isinstance(inner, ShiftedGeoref | ScaledGeoref | BurstGeoref):
        inner = inner.base
    return inner.crs if isinstance(inner, AffineGeoref | GcpGeoref) else None


def map_position(georef: Georeference, lon: float, lat: float) -> tuple[float, float] | None:
    """x and y of a place in the scene's own map."""
    crs = map_crs(georef)
    if crs is None:
        return None
    x, y = to_wgs84(crs).transform(lon, lat, direction="INVERSE")
    return (float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None


def map_text(georef: Georeference, lon: float, lat: float) -> str | None:
    """A place in the scene's own map: `388694.0 E  3734201.0 N  EPSG:32611`."""
    crs, position = map_crs(georef), map_position(georef, lon, lat)
    if crs is None or position is None:
        return None
    x, y = position
    if is_geographic(crs):
        return f"{x:.6f}  {y:.6f}  {crs_name(crs)}"
    return f"{x:.1f} E  {y:.1f} N  {crs_name(crs)}"


def notation_text(notation: Notation, georef: Georeference, lon: float, lat: float) -> str:
    """A place in that notation; in degrees where the notation does not reach."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return ""
    text: str | None = None
    if notation is Notation.DMS:
        text = dms_text(lon, lat)
    elif notation is Notation.MGRS:
        text = mgrs_text(lon, lat)
    elif notation is Notation.MAP:
        text = map_text(georef, lon, lat) or utm_text(lon, lat)
    return text or lonlat_text(lon, lat, 5)
