"""Reference systems, and longitudes that turn round."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj

from .interface import Float64


def crs_name(crs: str) -> str:
    """Code of a reference system such as EPSG:3395 where it has one, else its name."""
    system = system_of(crs)
    authority = system.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(system.name)


def wrap_longitude(lon: Float64) -> Float64:
    """Longitudes moved by whole turns into -180..180; those already there stay as they are."""
    return np.asarray(np.where(np.abs(lon) <= 180.0, lon, np.mod(lon + 180.0, 360.0) - 180.0))


def nearest_turn(lon: Float64, middle: float) -> Float64:
    """`lon` moved by whole turns to within half a turn of `middle`."""
    return np.asarray(lon - 360.0 * np.round((lon - middle) / 360.0))


@lru_cache(maxsize=64)
def system_of(crs: str) -> pyproj.CRS:
    """The reference system of that name or text.

    Raises
    ------
    ValueError
        When it is not known.
    """
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise ValueError(f"the reference system {crs[:60]!r} is not known") from error


@lru_cache(maxsize=64)
def is_geographic(crs: str) -> bool:
    """Whether its coordinates are angles."""
    return bool(system_of(crs).is_geographic)


@lru_cache(maxsize=64)
def to_wgs84(crs: str) -> pyproj.Transformer:
    """From `crs` to longitude and latitude; pyproj's transformers may be shared by threads.

    Raises
    ------
    ValueError
        When the system is not known, or not of this Earth.
    """
    pyproj.network.set_network_enabled(False)  # type: ignore[attr-defined]
    try:
        return pyproj.Transformer.from_crs(system_of(crs), "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise ValueError(f"the reference system {crs[:60]!r} cannot be related to longitude and latitude") from error
