"""Where COSMO-SkyMed images lie: slant-range ones by their orbit, others by the corners that are stated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.georef.outline import WGS84
from sarvlm_app.core.products.hdf5 import number_of, numbers_of, text_of, time_of, within
from sarvlm_app.core.products.range_doppler import SPEED_OF_LIGHT, Orbit, ZeroDoppler, geolocated
from sarvlm_app.core.products.stated import Incidence, incidence

_CORNERS = (("Top", "Left"), ("Top", "Right"), ("Bottom", "Left"), ("Bottom", "Right"))
_APART_M = 2000.0
"""Further than this from the stated corner, the orbit's answer is not believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """Attributes of an image and of the groups around it; the innermost counts."""

    levels: tuple[Any, ...]

    @classmethod
    def of(cls, root: Any, place: str) -> Attributes:
        steps = place.split("/")
        inner = [within(root, "/".join(steps[:count])) for count in range(len(steps), 0, -1)]
        beam = within(root, f"{steps[0]}/B001")
        return cls(tuple(level.attrs for level in (*inner, beam, root) if level is not None))

    def value(self, name: str) -> Any:
        return next((level[name] for level in self.levels if name in level), None)

    def text(self, name: str) -> str | None:
        return text_of(self.value(name))

    def number(self, name: str) -> float | None:
        return number_of(self.value(name))

    def numbers(self, name: str, count: int | None = None) -> NDArray[np.float64] | None:
        found = numbers_of(self.value(name))
        return found if found is not None and (count is None or found.size == count) else None

    def time(self, name: str) -> datetime | None:
        return time_of(self.value(name))


@dataclass(frozen=True, slots=True)
class Placed:
    """A geometry, the points it goes through, and words for the facts."""

    georef: Georeference | None
    words: str
    points: tuple[GridPoint, ...] = ()

    @property
    def angles(self) -> Incidence | None:
        known = [point.incidence for point in self.points if point.incidence is not None]
        return incidence(min(known), max(known)) if known else None


def placed(said: Attributes, size: tuple[int, int]) -> Placed:
    """The geometry of an image of that size."""
    corners = _corners(said, size)
    described = _zero_doppler(said, size)
    reason = "the corners of the product are not stated"
    if described is not None:
        try:
            points = geolocated(_orbit(said), described)
            georef = GridGeoref(points, size, described.range_step > 0.0)
            if not corners or _distance(georef, corners[0]) < _APART_M:
                words = f"zero-Doppler geometry at {described.height:.0f} m above the ellipsoid"
                return Placed(georef, words, points)
            reason = "orbit and corners contradict one another"
        except (ValueError, np.linalg.LinAlgError) as error:
            reason = str(error)
    if not corners:
        return Placed(None, f"none: {reason}")
    try:
        return Placed(GridGeoref(corners, size), "the product's four corners, straight between them", ())
    except ValueError as error:
        return Placed(None, f"none: {error}")


def _distance(georef: GridGeoref, corner: GridPoint) -> float:
    lon, lat = georef.to_lonlat(corner.pixel + 0.5, corner.line + 0.5)
    return float(WGS84.inv(float(lon), float(lat), corner.lon, corner.lat)[2])


def _corners(said: Attributes, size: tuple[int, int]) -> tuple[GridPoint, ...]:
    found = []
    for down, across in _CORNERS:
        place = said.numbers(f"{down} {across} Geodetic Coordinates", 3)
        if place is None or not (abs(place[0]) <= 90.0 and abs(place[1]) <= 360.0):
            return ()
        lat, lon, height = map(float, place.ravel())
        line, pixel = (size[1] - 1.0) * (down == "Bottom"), (size[0] - 1.0) * (across == "Right")
        found.append(GridPoint(line, pixel, lon, lat, height))
    return tuple(found)


def _zero_doppler(said: Attributes, size: tuple[int, int]) -> ZeroDoppler | None:
    """How a slant-range image counts time and range; None for others, or where it is not stated."""
    projection = (said.text("Projection ID") or "").replace(" ", "").upper()
    first, step = said.number("Zero Doppler Azimuth First Time"), said.number("Line Time Interval")
    near, across = said.number("Zero Doppler Range First Time"), said.number("Column Time Interval")
    if projection != "SLANTRANGE/AZIMUTH" or None in (first, step, near, across):
        return None
    assert first is not None and step is not None and near is not None and across is not None
    half, step, across = SPEED_OF_LIGHT / 2.0, abs(step), abs(across)
    line_step, range_step, near = step, across * half, near * half
    if (said.text("Lines Order") or "EARLY-LATE").upper() != "EARLY-LATE":
        first, line_step = first + step * (size[1] - 1), -step
    if (said.text("Columns Order") or "NEAR-FAR").upper() != "NEAR-FAR":
        near, range_step = near + range_step * (size[0] - 1), -range_step
    right = (said.text("Look Side") or "RIGHT").upper() != "LEFT"
    centre = said.numbers("Centre Geodetic Coordinates", 3)
    centre = said.numbers("Scene Centre Geodetic Coordinates", 3) if centre is None else centre
    height = 0.0 if centre is None or abs(centre.ravel()[2]) > 10_000.0 else float(centre.ravel()[2])
    return ZeroDoppler(first, line_step, near, range_step, size, right, height)


def _orbit(said: Attributes) -> Orbit:
    times = said.numbers("State Vectors Times")
    position, velocity = said.numbers("ECEF Satellite Position"), said.numbers("ECEF Satellite Velocity")
    if times is None or position is None or velocity is None:
        raise ValueError("Orbit: it is not stated whole")
    return Orbit(times.ravel(), position, velocity)
