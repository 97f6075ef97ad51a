"""Ships by their own reports: where each was when the scene was taken, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
from numpy.typing import NDArray

from sarvlm_app.core.context.ais_table import Reports, read_reports
from sarvlm_app.core.context.data import ContextData, Ship
from sarvlm_app.core.context.ground import Float64, Ground
from sarvlm_app.core.context.strokes import stroke_levels
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError

WGS84 = pyproj.Geod(ellps="WGS84")
KNOT = 1852.0 / 3600.0
"""Metres a second."""
VECTOR_MIN = 6.0
"""A course vector reaches where the ship will be after so many minutes."""
STILL_KN = 0.2
AXIS_M = 100.0
LONGEST_CARRY_S = 600.0
"""A ship heard on one side of the acquisition only is carried on for no longer."""
_NO_SPEED, _NO_COURSE = 102.3, 360.0
"""What AIS sends for "not available" (ITU-R M.1371), and above."""


def read_ais(path: Path, ground: Ground, minutes: float, ctx: JobContext) -> ContextData:
    """Ships of an AIS table about the acquisition: positions at its time, course vectors, tracks.

    Parameters
    ----------
    minutes : float
        Reports so long before and after the acquisition are looked at.

    Raises
    ------
    QueryError
        The table cannot be read, or the scene's time is not known.
    """
    scene = ground.scene
    if scene.acquired is None:
        raise QueryError(
            f"{scene.name} states no acquisition time, so ships cannot be placed; set its tag SARVLM_ACQUIRED "
            "(2024-05-01T12:30:00Z)."
        )
    reports = read_reports(path, ground.boxes, scene.acquired, 60.0 * minutes, ctx)
    ships, tracks = [], []
    order = np.lexsort((reports.seconds, reports.mmsi))
    bounds = np.flatnonzero(np.diff(reports.mmsi[order])) + 1
    runs = np.split(order, bounds) if len(order) else []
    for number, rows in enumerate(runs):
        ctx.step(number, len(runs), f"Placing ships of {path.name}")
        line = ground.to_px(reports.lon[rows], reports.lat[rows])
        line = line[np.isfinite(line).all(axis=1)]
        if len(line) > 1:
            tracks.append(line)
        ship = _ship(reports, rows, ground)
        if ship is not None:
            ships.append(ship)
    lines = stroke_levels(tracks, [-1] * len(tracks)) if tracks else ()
    return ContextData(lines, None, tuple(ships), summary=_summary(reports, ships, len(runs), minutes))


def _summary(reports: Reports, ships: list[Ship], heard: int, minutes: float) -> str:
    if not heard:
        return f"no report within {minutes:g} min in this scene ({reports.rows_read} rows read)"
    sure = sum(ship.between for ship in ships)
    many = f"{len(ships)} ship{'' if len(ships) == 1 else 's'}"
    return f"{many} ({sure} between reports), {heard} heard within {minutes:g} min"


@dataclass(frozen=True, slots=True)
class _Fix:
    lon: float
    lat: float
    nearest: int
    gap_s: float
    between: bool


def _ship(reports: Reports, rows: NDArray[np.int64], ground: Ground) -> Ship | None:
    """A ship of sorted reports; None where it was not near the scene then."""
    fix = _fix(reports, rows)
    if fix is None:
        return None
    place = ground.to_px(np.array([fix.lon]), np.array([fix.lat]))[0]
    scene = ground.scene
    if not (0 <= place[0] < scene.width and 0 <= place[1] < scene.height):
        return None
    speed = _sent(reports, "sog", fix.nearest, _NO_SPEED)
    course = _sent(reports, "cog", fix.nearest, _NO_COURSE)
    heading = _sent(reports, "heading", fix.nearest, _NO_COURSE)
    ahead = axis = None
    if speed is not None and course is not None and speed > STILL_KN:
        ahead = _along(ground, fix, course, speed * KNOT * 60.0 * VECTOR_MIN)
    way = heading if heading is not None else course
    if way is not None:
        axis = _along(ground, fix, way, AXIS_M)
    return Ship(
        int(reports.mmsi[rows[0]]), _text(reports, "name", rows), (float(place[0]), float(place[1])), ahead, axis,
        speed, course, heading, _size(reports, "length", rows), _size(reports, "width", rows),
        _text(reports, "kind", rows), fix.gap_s, fix.between,
    )  # fmt: skip


def _fix(reports: Reports, rows: NDArray[np.int64]) -> _Fix | None:
    """The position at the acquisition: between the reports before and after it, along the geodesic, in proportion."""
    seconds = reports.seconds[rows]
    after = int(np.searchsorted(seconds, 0.0))
    gap = float(np.abs(seconds).min())
    nearest = int(rows[int(np.abs(seconds).argmin())])
    if 0 < after < len(rows):
        one, two = rows[after - 1], rows[after]
        span = float(reports.seconds[two] - reports.seconds[one])
        share = 0.0 if span <= 0 else float(-reports.seconds[one]) / span
        azimuth, _, metres = WGS84.inv(reports.lon[one], reports.lat[one], reports.lon[two], reports.lat[two])
        lon, lat, _ = WGS84.fwd(reports.lon[one], reports.lat[one], azimuth, share * metres)
        return _Fix(float(lon), float(lat), nearest, gap, True)
    if gap == 0.0:
        return _Fix(float(reports.lon[nearest]), float(reports.lat[nearest]), nearest, 0.0, True)
    if gap > LONGEST_CARRY_S:
        return None
    return _carried(reports, nearest, gap)


def _carried(reports: Reports, row: int, gap: float) -> _Fix:
    """On from the last report, or back from the first, at its speed and course."""
    lon, lat = float(reports.lon[row]), float(reports.lat[row])
    speed, course = _sent(reports, "sog", row, _NO_SPEED), _sent(reports, "cog", row, _NO_COURSE)
    if speed is not None and course is not None:
        lon, lat, _ = WGS84.fwd(lon, lat, course, -float(reports.seconds[row]) * speed * KNOT)
    return _Fix(float(lon), float(lat), row, gap, False)


def _along(ground: Ground, fix: _Fix, azimuth: float, metres: float) -> tuple[float, float] | None:
    lon, lat, _ = WGS84.fwd(fix.lon, fix.lat, azimuth, metres)
    col, row = (float(part) for part in ground.georef.from_lonlat(lon, lat))
    return (col, row) if np.isfinite(col) and np.isfinite(row) else None


def _sent(reports: Reports, field: str, row: int, limit: float) -> float | None:
    values = reports.numbers.get(field)
    if values is None or not 0.0 <= values[row] < limit:
        return None
    return float(values[row])


def _size(reports: Reports, field: str, rows: NDArray[np.int64]) -> float | None:
    values: Float64 | None = reports.numbers.get(field)
    if values is None:
        return None
    good = values[rows][values[rows] > 0]
    return float(good[-1]) if len(good) else None


def _text(reports: Reports, field: str, rows: NDArray[np.int64]) -> str:
    texts = reports.texts.get(field)
    if texts is None:
        return ""
    return next((texts[row] for row in reversed(rows.tolist()) if texts[row]), "")
