"""A made orbit, and where a zero-Doppler sensor on it sees a place: the way back, for tests of the way there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyproj
from scipy.optimize import brentq

START = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
RADIUS, RATE = 6_378_137.0 + 550_000.0, 1.095e-3
_TILT, _NODE, _EARTH = np.deg2rad(97.6), np.deg2rad(20.0), 7.292115e-5


def state(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Position and velocity in the Earth's frame, seconds after START, near 45 degrees north on an ascending pass."""
    along = RATE * seconds + np.deg2rad(45.0)

    def place(time: float) -> np.ndarray:
        angle, turn = along + RATE * (time - seconds), _NODE - _EARTH * time
        flat = np.array([np.cos(angle), np.sin(angle) * np.cos(_TILT), np.sin(angle) * np.sin(_TILT)])
        spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
        return RADIUS * spin @ flat

    step = 1e-3
    return place(seconds), (place(seconds + step) - place(seconds - step)) / (2 * step)


def moments(first: float, last: float, step: float) -> list[float]:
    return [float(value) for value in np.arange(first, last + step / 2, step)]


def stamp(seconds: float, zone: str = "") -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f") + zone


def seen_from(lon: float, lat: float, height: float) -> tuple[float, float]:
    """Time of zero Doppler and slant range of a place, by bisection and with pyproj: nothing of the code under test."""
    to_ecef = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    place = np.array(to_ecef.transform(lon, lat, height))

    def doppler(seconds: float) -> float:
        position, velocity = state(seconds)
        return float((place - position) @ velocity)

    seconds = brentq(doppler, -60.0, 60.0, xtol=1e-12)
    return seconds, float(np.linalg.norm(place - state(seconds)[0]))
