"""Places and incidence angles of a TerraSAR-X image: GEOREF.xml, else the orbit, else the map of the GeoTIFF."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from lxml import etree

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.georef.interface import to_centre
from sarvlm_app.core.products.calibrators import Table, angles_of
from sarvlm_app.core.products.range_doppler import SPEED_OF_LIGHT, geolocated
from sarvlm_app.core.products.terrasar.annotation import Annotation
from sarvlm_app.core.products.xml import parse_xml
from sarvlm_app.core.products.xml_values import elements_at, number_at, time_at
from sarvlm_app.errors import SceneError

GEOREF = Path("ANNOTATION", "GEOREF.xml")
_NODES = 17
_APART_PX = 0.1


@dataclass(frozen=True, slots=True)
class Geometry:
    """What is known of it: the geometry, the angles, words for the facts, and what is missing."""

    georef: Georeference | None
    angle: Table | None
    words: str
    documents: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()


def geometry_of(said: Annotation, size: tuple[int, int], mapped: Georeference | None) -> Geometry:
    """The geometry of an image of that size; `mapped` is what its GeoTIFF carries."""
    file = said.path.parent / GEOREF
    missing: tuple[str, ...] = ()
    grid: etree._Element | None = None
    try:
        grid = parse_xml(file)
    except SceneError:
        missing = (str(GEOREF) if not file.exists() else f"{GEOREF} (not readable)",)
    documents = (file,) if grid is not None else ()
    if mapped is not None and said.variant in ("GEC", "EEC"):
        angle = None if grid is None else _angle_on_map(grid, mapped, size)
        return Geometry(mapped, angle, "map", documents, missing)
    points = () if grid is None else _grid(grid, said, size)
    words = "the product's geolocation grid"
    if not points:
        points, words = _by_orbit(said, size)
    try:
        georef = GridGeoref(points, size) if points else mapped
    except ValueError as error:
        return Geometry(mapped, None, f"none: {error}", documents, missing)
    return Geometry(georef, angles_of(points), words, documents, missing)


def _grid(root: etree._Element, said: Annotation, size: tuple[int, int]) -> tuple[GridPoint, ...]:
    """The points of GEOREF.xml: by row and column, which count from 1, else by their times (SSC)."""
    found: dict[tuple[str, str], GridPoint] = {}
    for entry in elements_at(root, "geolocationGrid/gridPoint"):
        place = [number_at(entry, key) for key in ("lon", "lat", "height", "inc")]
        at = _position(entry, root, said, size)
        if None in place or at is None:
            return ()
        lon, lat, height, angle = (value or 0.0 for value in place)
        found[entry.get("iaz", ""), entry.get("irg", "")] = GridPoint(at[1], at[0], lon, lat, height, angle)
    return _straightened(found)


def _straightened(points: dict[tuple[str, str], GridPoint]) -> tuple[GridPoint, ...]:
    """The points with one line for each azimuth and one pixel for each range; none where they are further apart."""
    lines, pixels = defaultdict(list), defaultdict(list)
    for (azimuth, distance), point in points.items():
        lines[azimuth].append(point.line)
        pixels[distance].append(point.pixel)
    if any(max(values) - min(values) > _APART_PX for values in (*lines.values(), *pixels.values())):
        return ()
    line = {key: sum(values) / len(values) for key, values in lines.items()}
    pixel = {key: sum(values) / len(values) for key, values in pixels.items()}
    return tuple(replace(point, line=line[az], pixel=pixel[rg]) for (az, rg), point in points.items())


def _position(
    entry: etree._Element, root: etree._Element, said: Annotation, size: tuple[int, int]
) -> tuple[float, float] | None:
    column, row = number_at(entry, "col"), number_at(entry, "row")
    if column is not None and row is not None:
        return column - 1.0, row - 1.0
    described = said.zero_doppler(size)
    t, tau = number_at(entry, "t"), number_at(entry, "tau")
    setup = "geolocationGrid/gridReferenceTime"
    zero, origin = time_at(root, f"{setup}/tReferenceTimeUTC"), number_at(root, f"{setup}/tauReferenceTime")
    if described is None or t is None or tau is None or zero is None or origin is None or said.start is None:
        return None
    seconds = t + (zero - said.start).total_seconds()
    distance = (tau + origin) * SPEED_OF_LIGHT / 2.0
    return (distance - described.first_range) / described.range_step, seconds / described.line_step


def _by_orbit(said: Annotation, size: tuple[int, int]) -> tuple[tuple[GridPoint, ...], str]:
    described = said.zero_doppler(size)
    if described is None:
        return (), "none: there is no geolocation grid"
    try:
        points = geolocated(said.orbit(), described)
    except (ValueError, np.linalg.LinAlgError) as error:
        return (), f"none: {error}"
    return points, f"zero-Doppler geometry at {described.height:.0f} m above the ellipsoid"


def _angle_on_map(root: etree._Element, mapped: Georeference, size: tuple[int, int]) -> Table | None:
    """Incidence over a geocoded image: a surface of second order through the angles of GEOREF.xml."""
    known = [
        place
        for place in _places(elements_at(root, "geolocationGrid/gridPoint"))
        if None not in place and 0.0 < (place[2] or 0.0) < 90.0
    ]  # fmt: skip
    if len(known) < 12:
        return None
    lon, lat, angle = np.array(known, np.float64).T
    col, row = mapped.from_lonlat(lon, lat)
    x, y = col / size[0], row / size[1]
    reached = np.isfinite(x) & np.isfinite(y)
    if reached.sum() < 12:
        return None
    terms, *_ = np.linalg.lstsq(_terms(x[reached], y[reached]), angle[reached], rcond=None)
    columns, lines = (to_centre(np.linspace(0.0, side, _NODES)) for side in size)
    across, down = np.meshgrid((columns + 0.5) / size[0], (lines + 0.5) / size[1])
    surface = _terms(across.ravel(), down.ravel()) @ terms
    if not np.isfinite(surface).all() or surface.min() <= 0.0 or surface.max() >= 90.0:
        return None
    return Table.of(lines, columns, surface.reshape(_NODES, _NODES))


def _places(entries: Iterable[etree._Element]) -> Iterable[tuple[float | None, ...]]:
    return (tuple(number_at(entry, key) for key in ("lon", "lat", "inc")) for entry in entries)


def _terms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
