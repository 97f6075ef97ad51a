"""GeoJSON geometries as places in pixels, whatever reference system they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyproj
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference
from sarvlm_app.errors import QueryError

Float64 = NDArray[np.float64]

LONLAT: Final = "OGC:CRS84"


def system_of(content: Mapping[str, Any], features: Sequence[Any], georef: Georeference) -> str:
    """The reference system of the coordinates.

    That of the old `crs` member where there is one; else longitude and
    latitude as RFC 7946 wants, unless the numbers cannot be that: then the
    scene's own.
    """
    shapes = [feature.get("geometry") for feature in features if isinstance(feature, dict)]
    places = np.array([place for shape in shapes for place in _all_places(shape)], np.float64)
    return system_of_points(content, places.reshape(-1, 2), georef)


def system_of_points(content: Mapping[str, Any], points: Float64, georef: Georeference) -> str:
    """The same, from all the points float64 (k, 2) of the file."""
    named = content.get("crs")
    properties = named.get("properties") if isinstance(named, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if isinstance(name, str):
        return LONLAT if name.endswith("CRS84") else name
    geographic = bool((np.abs(points) <= (360.0, 90.0)).all())
    return LONLAT if geographic else georef.crs_name


def _all_places(geometry: object) -> Iterator[tuple[float, float]]:
    def walk(value: object) -> Iterator[tuple[float, float]]:
        if isinstance(value, list):
            if len(value) >= 2 and all(isinstance(v, int | float) for v in value[:2]):
                yield float(value[0]), float(value[1])
            else:
                for inner in value:
                    yield from walk(inner)

    if isinstance(geometry, dict):
        yield from walk(geometry.get("coordinates"))


def outer_rings(geometry: Mapping[str, Any] | None, place: str) -> list[Any]:
    """Outer rings and points of a geometry; none for null.

    Raises
    ------
    QueryError
        It is of another kind, or has no coordinates; `place` names it.
    """
    if geometry is None:
        return []
    kind, inner = geometry.get("type"), geometry.get("coordinates", [])
    try:
        if kind == "Polygon":
            return [inner[0]]
        if kind == "MultiPolygon":
            return [polygon[0] for polygon in inner]
        if kind == "Point":
            return [[inner]]
        if kind == "MultiPoint":
            return [[point] for point in inner]
    except (TypeError, IndexError, KeyError) as fault:
        raise QueryError(f"{place} has a {kind} without coordinates; correct the file.") from fault
    raise QueryError(f"{place} is a {kind}; use polygons and points.")


def ring_points(ring: object, place: str) -> Float64:
    """The points float64 (k, 2) of a ring, without the first one again at its end.

    Raises
    ------
    QueryError
        They are no pairs of finite numbers.
    """
    try:
        points = np.array([point[:2] for point in ring], np.float64)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as fault:
        raise QueryError(f"{place} has coordinates that are no numbers; correct the file.") from fault
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise QueryError(f"{place} has coordinates that are no pairs of numbers; correct the file.")
    return points[:-1] if len(points) > 1 and bool((points[0] == points[-1]).all()) else points


def to_pixels(points: Float64, georef: Georeference, system: str, place: str) -> Float64:
    """Points (k, 2) of a reference system as pixels (col, row); NaN where the scene's geometry does not reach.

    Raises
    ------
    QueryError
        The reference system is not known.
    """
    x, y = points.T
    if system != LONLAT:
        try:
            x, y = pyproj.Transformer.from_crs(system, LONLAT, always_xy=True).transform(x, y)
        except pyproj.exceptions.ProjError as fault:
            raise QueryError(f"{place}: the reference system {system[:60]!r} is not known; use EPSG:4326.") from fault
    return np.stack(georef.from_lonlat(x, y), axis=1)
