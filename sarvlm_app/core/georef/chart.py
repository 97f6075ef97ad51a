"""A flat chart about a place, in which neither the antimeridian nor a pole is anything special.

Splines through longitudes break at 180 degrees and are useless near a pole.
The chart is the stereographic one of the sphere of geodetic angles, stretched
so that lengths at its centre are metres on the ellipsoid. It is a means of
interpolating: exact both ways, not a map projection to be told to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from .interface import Float64, LonLat
from .systems import wrap_longitude

_A, _E2 = 6378137.0, 6.694379990141316e-3
"""Semi-major axis and squared eccentricity of WGS 84."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart about (`lon`, `lat`) in degrees; reaches a quarter of the way round the Earth."""

    lon: float
    lat: float
    _turn: tuple[float, float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sine, cosine = float(np.sin(np.deg2rad(self.lat))), float(np.cos(np.deg2rad(self.lat)))
        across = _A / np.sqrt(1.0 - _E2 * sine**2)
        along = _A * (1.0 - _E2) / np.sqrt(1.0 - _E2 * sine**2) ** 3
        object.__setattr__(self, "_turn", (sine, cosine, float(across), float(along)))

    @classmethod
    def about(cls, lon: Float64, lat: Float64) -> Self:
        """The chart about the middle of these places."""
        lam, phi = np.deg2rad(lon), np.deg2rad(lat)
        x, y, z = (np.cos(phi) * np.cos(lam)).mean(), (np.cos(phi) * np.sin(lam)).mean(), np.sin(phi).mean()
        return cls(float(np.rad2deg(np.arctan2(y, x))), float(np.rad2deg(np.arctan2(z, np.hypot(x, y)))))

    def to_plane(self, lon: Float64, lat: Float64) -> Float64:
        """Metres (..., 2) east and north of the centre; NaN on the other half of the Earth."""
        sine, cosine, across, along = self._turn
        lam, phi = np.deg2rad(lon - self.lon), np.deg2rad(lat)
        out, east, up = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
        north, depth = up * cosine - out * sine, up * sine + out * cosine
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = np.where(depth > 0.0, 2.0 / (1.0 + depth), np.nan)
        return np.stack([across * scale * east, along * scale * north], axis=-1)

    def from_plane(self, plane: Float64) -> LonLat:
        """Longitude (-180..180) and latitude of points (..., 2) of the chart."""
        sine, cosine, across, along = self._turn
        x, y = plane[..., 0] / across, plane[..., 1] / along
        quarter = (x * x + y * y) / 4.0
        east, north, depth = x / (1.0 + quarter), y / (1.0 + quarter), (1.0 - quarter) / (1.0 + quarter)
        out, up = depth * cosine - north * sine, north * cosine + depth * sine
        lon = self.lon + np.rad2deg(np.arctan2(east, out))
        return wrap_longitude(np.asarray(lon)), np.asarray(np.rad2deg(np.arctan2(up, np.hypot(out, east))))
