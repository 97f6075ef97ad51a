"""Where samples of a zero-Doppler image lie: orbit, time and slant range to places on the ellipsoid.

A sample was measured when the sensor flew past the place at a right angle, at
the slant range of its column. So its place P fulfils |P - S| = R and
(P - S) . V = 0 and lies at a height above the ellipsoid (Curlander &
McDonough 1991, ch. 8); Newton's method finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline, KroghInterpolator

from sarvlm_app.core.georef import GridPoint
from sarvlm_app.core.georef.interface import to_centre

Float64 = NDArray[np.float64]

SPEED_OF_LIGHT = 299_792_458.0
_A, _B = 6378137.0, 6356752.314245179
_LINES, _COLUMNS = 11, 21
_STEPS = 30
_FARTHEST, _LATEST, _HIGHEST = 1e8, 1e6, 1e5


@dataclass(frozen=True, slots=True, eq=False)
class Orbit:
    """State vectors in the Earth's frame (ECEF).

    Attributes
    ----------
    seconds : float64 (n,)
        From the reference time.
    position, velocity : float64 (n, 3)
        Metres, metres a second.

    Raises
    ------
    ValueError
        When there are fewer than two, or they are none of a satellite.
    """

    seconds: Float64
    position: Float64
    velocity: Float64

    def __post_init__(self) -> None:
        count = self.seconds.size
        if count < 2 or self.position.shape != (count, 3) or self.velocity.shape != (count, 3):
            raise ValueError("Orbit: expected two or more state vectors")
        if not all(np.isfinite(array).all() for array in (self.seconds, self.position, self.velocity)):
            raise ValueError("Orbit: a state vector is not finite")
        if (np.diff(self.seconds) <= 0).any():
            raise ValueError("Orbit: the state vectors are out of order")
        distance = np.linalg.norm(self.position, axis=1)
        if distance.min() < 6.4e6 or distance.max() > 1e8 or np.linalg.norm(self.velocity, axis=1).min() < 100.0:
            raise ValueError("Orbit: the state vectors are none of a satellite")

    def at(self, seconds: Float64) -> tuple[Float64, Float64]:
        """Position and velocity (n, 3); a few seconds beyond the ends are extrapolated."""
        gap = float(np.diff(self.seconds).max())
        if seconds.min() < self.seconds[0] - gap or seconds.max() > self.seconds[-1] + gap:
            raise ValueError("Orbit: the state vectors do not cover the acquisition")
        if gap > 30.0:  # a minute apart, as CEOS gives them: cubic pieces would be metres off
            return self._smooth(seconds)
        spline = CubicHermiteSpline(self.seconds, self.position, self.velocity, axis=0)
        return np.asarray(spline(seconds)), np.asarray(spline.derivative()(seconds))

    def _smooth(self, seconds: Float64) -> tuple[Float64, Float64]:
        """One polynomial through the six vectors about the middle, velocities included."""
        middle = int(np.abs(self.seconds - seconds.mean()).argmin())
        first = min(max(middle - 3, 0), max(self.seconds.size - 6, 0))
        near = slice(first, first + 6)
        start = self.seconds[middle]
        knots = np.repeat(self.seconds[near] - start, 2)
        values = np.empty((knots.size, 3))
        values[0::2], values[1::2] = self.position[near], self.velocity[near]
        curve = KroghInterpolator(knots, values)
        return np.asarray(curve(seconds - start)), np.asarray(curve.derivative(seconds - start))


@dataclass(frozen=True, slots=True)
class ZeroDoppler:
    """How lines and columns of an image count time and slant range.

    Attributes
    ----------
    first_line, line_step : float
        Seconds from the orbit's reference time; the step is negative where time runs up the image.
    first_range, range_step : float
        Metres of slant range; the step is negative where range runs to the left.
    size : (int, int)
        Columns and lines.
    right : bool
        The sensor looks to the right of its track.
    height : float
        Metres above the ellipsoid of the places.
    """

    first_line: float
    line_step: float
    first_range: float
    range_step: float
    size: tuple[int, int]
    right: bool
    height: float = 0.0

    def spans(self) -> tuple[tuple[float, float, int], tuple[float, float, int]]:
        """First, step and count of ranges and of times."""
        return (
            (self.first_range, self.range_step, self.size[0]),
            (self.first_line, self.line_step, self.size[1]),
        )


def geolocated(orbit: Orbit, image: ZeroDoppler) -> tuple[GridPoint, ...]:
    """A grid of places with incidence angles, from edge to edge of the image.

    Raises
    ------
    ValueError
        When the numbers describe no image of the ground.
    """
    far, end = (first + step * count for first, step, count in image.spans())
    if not (0.0 < image.first_range < _FARTHEST and 0.0 < far < _FARTHEST):
        raise ValueError("range Doppler: a slant range does not reach the ground")
    if not (abs(image.first_line) < _LATEST and abs(end) < _LATEST and abs(image.height) < _HIGHEST):
        raise ValueError("range Doppler: times or height of the image are out of range")
    columns = to_centre(np.linspace(0.0, image.size[0], _COLUMNS))
    lines = to_centre(np.linspace(0.0, image.size[1], _LINES))
    column, line = (part.ravel() for part in np.meshgrid(columns, lines))
    seconds = image.first_line + line * image.line_step
    ranges = image.first_range + column * image.range_step
    position, velocity = orbit.at(seconds)
    places = places_at(position, velocity, ranges, image.height, image.right)
    lon, lat = geodetic(places)
    angle = incidence_at(places, position, lon, lat)
    return tuple(
        GridPoint(float(row), float(col), float(x), float(y), image.height, float(theta))
        for row, col, x, y, theta in zip(line, column, lon, lat, angle, strict=True)
    )


def places_at(position: Float64, velocity: Float64, ranges: Float64, height: float, right: bool) -> Float64:
    """Places (n, 3) at slant ranges (n,) abeam of positions and velocities (n, 3).

    Raises
    ------
    ValueError
        When a range does not reach the ellipsoid.
    """
    down = -position / np.linalg.norm(position, axis=1, keepdims=True)
    side = np.cross(velocity, -down) * (1.0 if right else -1.0)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    distance = np.linalg.norm(position, axis=1)
    radius = _local_radius(position) + height
    cosine = (distance**2 + ranges**2 - radius**2) / (2.0 * distance * ranges)
    if not (ranges > 0).all() or not ((cosine > 0.0) & (cosine < 1.0)).all():
        raise ValueError("range Doppler: a slant range does not reach the ground")
    look = down * cosine[:, None] + side * np.sqrt(1.0 - cosine**2)[:, None]
    places = position + look * ranges[:, None]
    scale = np.array([_A + height, _A + height, _B + height]) ** -2.0
    for _ in range(_STEPS):
        line = places - position
        off = np.stack(
            [(line**2).sum(axis=1) - ranges**2, (line * velocity).sum(axis=1), (places**2 * scale).sum(axis=1) - 1.0]
        )
        slopes = np.stack([2.0 * line, velocity, 2.0 * places * scale], axis=1)
        step = np.linalg.solve(slopes, off.T[:, :, None])[:, :, 0]
        places = places - step
        if np.abs(step).max() < 1e-5:
            return np.asarray(places)
    raise ValueError("range Doppler: no place on the ground was found")


def geodetic(places: Float64) -> tuple[Float64, Float64]:
    """Longitude and latitude (WGS 84, degrees) of places (n, 3) near the ellipsoid."""
    x, y, z = places.T
    flat, squared = np.hypot(x, y), 1.0 - (_B / _A) ** 2
    lat = np.arctan2(z, flat * (1.0 - squared))
    for _ in range(8):
        across = _A / np.sqrt(1.0 - squared * np.sin(lat) ** 2)
        lat = np.arctan2(z + squared * across * np.sin(lat), flat)
    return np.asarray(np.rad2deg(np.arctan2(y, x))), np.asarray(np.rad2deg(lat))


def height_of(places: Float64) -> Float64:
    """Metres above the ellipsoid of places (n, 3)."""
    _, lat = geodetic(places)
    phi, squared = np.deg2rad(lat), 1.0 - (_B / _A) ** 2
    along = np.hypot(places[:, 0], places[:, 1]) * np.cos(phi) + places[:, 2] * np.sin(phi)
    return np.asarray(along - _A * np.sqrt(1.0 - squared * np.sin(phi) ** 2))


def incidence_at(places: Float64, position: Float64, lon: Float64, lat: Float64) -> Float64:
    """Degrees between the ellipsoid's normal and the line to the sensor."""
    lam, phi = np.deg2rad(lon), np.deg2rad(lat)
    normal = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    line = position - places
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    return np.asarray(np.rad2deg(np.arccos(np.clip((normal * line).sum(axis=1), -1.0, 1.0))))


def seconds_since(reference: datetime, moments: Sequence[datetime]) -> Float64:
    """Seconds from a moment to others."""
    return np.array([(moment - reference).total_seconds() for moment in moments], np.float64)


def _local_radius(position: Float64) -> Float64:
    """The ellipsoid's radius below the sensor."""
    sine = position[:, 2] / np.linalg.norm(position, axis=1)
    return np.asarray(_A * _B / np.sqrt((_B**2) * (1.0 - sine**2) + (_A**2) * sine**2))
