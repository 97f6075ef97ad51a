"""Which column of an AIS table is which, by the names that are in use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from sarvlm_app.errors import QueryError

_NAMES: dict[str, tuple[str, ...]] = {
    "mmsi": ("mmsi", "mmsinumber", "userid", "shipid", "sourcemmsi"),
    "time": ("basedatetime", "timestamp", "datetime", "time", "timestamputc", "datetimeutc", "dtutc", "date_time_utc",
             "receivedtime", "positiontime", "t", "unixtime", "epoch", "tspos"),
    "lat": ("lat", "latitude", "y", "latdeg", "poslat"),
    "lon": ("lon", "longitude", "lng", "long", "x", "londeg", "poslon"),
    "sog": ("sog", "speed", "speedoverground", "speedknots", "sogknots"),
    "cog": ("cog", "course", "courseoverground", "cogdeg"),
    "heading": ("heading", "trueheading", "hdg", "headingdeg"),
    "name": ("vesselname", "shipname", "name", "vessel"),
    "length": ("length", "loa", "shiplength", "lengthm", "size"),
    "width": ("width", "beam", "shipwidth", "widthm"),
    "kind": ("vesseltype", "shiptype", "type", "vesseltypename", "shiptypename", "shipandcargotype"),
}  # fmt: skip
NEEDED = ("mmsi", "time", "lat", "lon")
WORDS = {"mmsi": "MMSI", "time": "BaseDateTime or timestamp", "lat": "LAT", "lon": "LON"}


@dataclass(frozen=True, slots=True)
class Columns:
    """Headings of an AIS table, as they are written; None where it has no such column."""

    mmsi: str
    time: str
    lat: str
    lon: str
    sog: str | None = None
    cog: str | None = None
    heading: str | None = None
    name: str | None = None
    length: str | None = None
    width: str | None = None
    kind: str | None = None

    @property
    def present(self) -> dict[str, str]:
        """Heading of each field that is there."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}

    @property
    def danish(self) -> bool:
        """Whether the times are written day first, as the Danish Maritime Authority does."""
        return self.time.lstrip().startswith("#")


def find_columns(path: Path, headings: Sequence[str]) -> Columns:
    """The columns of a table.

    Raises
    ------
    QueryError
        One that is needed is not there; the sentence lists those that are.
    """
    by_name = {_plain(heading): heading for heading in reversed(headings)}
    found = {
        field: next((by_name[_plain(name)] for name in names if _plain(name) in by_name), None)
        for field, names in _NAMES.items()
    }
    lacking = [WORDS[field] for field in NEEDED if found[field] is None]
    if lacking:
        listed = ", ".join(heading.strip() or "(none)" for heading in headings[:24])
        raise QueryError(
            f"{path} is not an AIS table that is known here: it lacks {', '.join(lacking)}; "
            f"its columns are {listed}, rename them."
        )
    return Columns(**found)  # type: ignore[arg-type]


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]", "", heading.casefold())
