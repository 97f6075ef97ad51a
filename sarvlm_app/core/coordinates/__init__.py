"""Coordinates as people write and read them: degrees, minutes and seconds, MGRS, UTM, map, pixels."""

from __future__ import annotations

from .notations import (
    Notation,
    dms_text,
    lonlat_text,
    map_crs,
    map_position,
    map_text,
    mgrs_text,
    notation_text,
    utm_text,
)
from .places import Spot, describe, find_spot, spot_at
from .reading import Kind, Reading, read_position

__all__ = [
    "Kind",
    "Notation",
    "Reading",
    "Spot",
    "describe",
    "dms_text",
    "find_spot",
    "lonlat_text",
    "map_crs",
    "map_position",
    "map_text",
    "mgrs_text",
    "notation_text",
    "read_position",
    "spot_at",
    "utm_text",
]
