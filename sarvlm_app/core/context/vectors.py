"""Lines, areas and points of vector files: GeoPackage, GeoJSON, shapefile, vector tiles and what else GDAL reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FieldError

from sarvlm_app.core.context.data import ContextData, Spots
from sarvlm_app.core.context.ground import LONLAT, Box, Float64, Ground
from sarvlm_app.core.context.strokes import stroke_levels
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError

NAMES = ("name", "label", "title", "namn", "nom", "bezeichnung", "objname", "id")
"""Columns that name a feature, in the order of preference, in any case of letters."""
MOST_VERTICES = 4_000_000
BATCH = 16_384
_AREA, _DEEPEST = 3, 8
"""GEOS' number of a polygon (above it come the collections), and how deep these may lie in each other."""
PARTS = 256
"""A straight line of the file is cut so finely that it has so many parts across the scene."""


@dataclass(slots=True)
class _Found:
    """What was gathered so far."""

    lines: list[Float64] = field(default_factory=list)
    line_owner: list[int] = field(default_factory=list)
    points: list[Float64] = field(default_factory=list)
    point_owner: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    vertices: int = 0
    seen: int = 0


def read_vectors(path: Path, ground: Ground, ctx: JobContext, options: dict[str, Any] | None = None) -> ContextData:
    """What of a vector file lies on the ground of a scene.

    Parameters
    ----------
    options : dict, optional
        Open options of GDAL's driver.

    Raises
    ------
    QueryError
        The file cannot be read, has no reference system, or holds more than can be drawn.
    JobCancelled
        At the next batch after a cancel.
    """
    found = _Found()
    layers = _layers(path)
    for name in layers:
        _read_layer(path, name, ground, found, ctx, options or {})
    if not found.seen:
        raise QueryError(f"{path} holds no features; export it again with its geometries.")
    lines = stroke_levels(found.lines, found.line_owner) if found.lines else ()
    spots = Spots.of(np.concatenate(found.points), found.point_owner) if found.points else None
    return ContextData(lines, spots, names=tuple(found.names), summary=_summary(found))


def _summary(found: _Found) -> str:
    count = len(found.names)
    if not count:
        return "nothing lies in this scene"
    return f"{count} feature{'' if count == 1 else 's'}"


def _layers(path: Path) -> list[str]:
    try:
        listed = pyogrio.list_layers(path)
    except (DataSourceError, DataLayerError) as fault:
        raise unreadable(path, fault) from fault
    names = [str(name) for name, kind in listed if kind is not None]
    if not names:
        raise QueryError(f"{path} holds no layer with geometries; choose a file of lines, areas or points.")
    return names


def unreadable(path: Path, fault: Exception) -> QueryError:
    """The sentence for a file that cannot be opened."""
    reason = str(fault).split(";")[0].split("\n")[0].rstrip(". ")
    return QueryError(f"{path} cannot be read as a map ({reason[:160]}); open a GeoPackage, GeoJSON or shapefile.")


def _read_layer(
    path: Path, layer: str, ground: Ground, found: _Found, ctx: JobContext, options: dict[str, Any]
) -> None:
    try:
        info = pyogrio.read_info(path, layer=layer, **options)
        if not info["crs"]:
            raise QueryError(_no_system(path))
        crs = pyproj.CRS.from_user_input(info["crs"])
        named = _name_column(info["fields"].tolist())
        total = max(0, int(info["features"]))
        for box in ground.boxes_in(crs):
            for shapes, names in _batches(path, layer, box, named, options):
                ctx.step(min(found.seen, total), total, f"Reading {path.name}")
                found.seen += len(shapes)
                _take(path, shapes, names, _Way(ground, crs, box), found)
        found.seen = max(found.seen, total)
    except (DataSourceError, DataLayerError, FieldError, pyproj.exceptions.CRSError) as fault:
        raise unreadable(path, fault) from fault
    except shapely.errors.GEOSException as fault:
        raise QueryError(f"{path} has geometries that are damaged ({fault}); repair it in a GIS.") from fault


def _no_system(path: Path) -> str:
    if path.suffix.lower() == ".shp":
        return f"{path} has no reference system; put its .prj file beside it, or save it as a GeoPackage."
    return f"{path} has no reference system; set it in a GIS and save the file again."


def _name_column(columns: list[str]) -> str | None:
    lower = {column.casefold(): column for column in reversed(columns)}
    return next((lower[name] for name in NAMES if name in lower), None)


def _batches(
    path: Path, layer: str, box: Box, named: str | None, options: dict[str, Any]
) -> Iterator[tuple[Any, list[str]]]:
    """Geometries (n,) and their names, a batch at a time."""
    columns = [named] if named is not None else []
    with pyogrio.raw.open_arrow(
        path, layer=layer, bbox=box, columns=columns, batch_size=BATCH, use_pyarrow=True, **options
    ) as (meta, reader):
        for batch in reader:
            shapes = shapely.from_wkb(batch.column(meta["geometry_name"] or "wkb_geometry").to_pylist())
            names = (
                [""] * len(shapes) if named is None else ["" if v is None else str(v) for v in _values(batch, named)]
            )
            yield np.asarray(shapes, dtype=object), names


def _values(batch: Any, column: str) -> list[Any]:
    return list(batch.column(column).to_pylist())


@dataclass(frozen=True, slots=True)
class _Way:
    """From the file's coordinates to pixels."""

    ground: Ground
    crs: pyproj.CRS
    box: Box

    def pixels(self, places: Float64) -> Float64:
        """Pixels (n, 2) of coordinates (n, 2)."""
        there = pyproj.Transformer.from_crs(self.crs, LONLAT, always_xy=True)
        lon, lat = there.transform(places[:, 0], places[:, 1])
        return self.ground.to_px(np.asarray(lon), np.asarray(lat))


def _take(path: Path, shapes: Any, names: list[str], way: _Way, found: _Found) -> None:
    """Adds what of some geometries lies near the scene."""
    there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    shapes, names = shapes[there], [names[at] for at in there.tolist()]
    first = len(found.names)
    known: dict[int, int] = {}

    def owner(at: int) -> int:
        if at not in known:
            known[at] = first + len(known)
            found.names.append(names[at])
        return known[at]

    parts, source = _simple_parts(shapes)
    kinds = shapely.get_type_id(parts)
    dots = np.flatnonzero(kinds == 0)
    if len(dots):
        pixels = way.pixels(shapely.get_coordinates(parts[dots]))
        for at, place in zip(source[dots].tolist(), pixels, strict=True):
            if np.isfinite(place).all():
                found.points.append(place[None])
                found.point_owner.append(owner(at))
                found.vertices += 1
    strings = np.flatnonzero((kinds == 1) | (kinds == 2))
    if len(strings):
        _take_lines(parts[strings], source[strings].tolist(), way, found, owner)
    if found.vertices > MOST_VERTICES:
        raise QueryError(f"{path} has more than {MOST_VERTICES} vertices in this scene; simplify it or cut a part out.")


def _simple_parts(shapes: Any) -> tuple[Any, Any]:
    """Points and lines (n,) of geometries and which each is of; areas by their outlines, so that cutting adds none."""
    parts, source = shapely.force_2d(shapes), np.arange(len(shapes))
    for _ in range(_DEEPEST):
        areas = shapely.get_type_id(parts) == _AREA
        parts[areas] = shapely.boundary(parts[areas])
        if not (shapely.get_type_id(parts) > _AREA).any():
            break
        parts, again = shapely.get_parts(parts, return_index=True)
        source = source[again]
    return parts, source


def _take_lines(strings: Any, source: list[int], way: _Way, found: _Found, owner: Any) -> None:
    west, south, east, north = way.box
    cut = shapely.clip_by_rect(strings, *way.box)
    cut = shapely.segmentize(cut, max(east - west, north - south) / PARTS)
    pieces, of = shapely.get_parts(cut, return_index=True)
    pieces, of = _lines_only(pieces, of)
    if not len(pieces):
        return
    coordinates, index = shapely.get_coordinates(pieces, return_index=True)
    pixels = way.pixels(coordinates)
    bounds = np.flatnonzero(np.diff(index)) + 1
    for at, line in zip(of.tolist(), np.split(pixels, bounds), strict=True):
        for run in _runs(line):
            found.lines.append(run)
            found.line_owner.append(owner(source[at]))
            found.vertices += len(run)


def _lines_only(pieces: Any, of: Any) -> tuple[Any, Any]:
    good = (shapely.get_type_id(pieces) == 1) & ~shapely.is_empty(pieces)
    return pieces[good], of[good]


def _runs(line: Float64) -> list[Float64]:
    """The stretches of a line (n, 2) that the geometry reaches, of two vertices and more."""
    good = np.isfinite(line).all(axis=1)
    if good.all():
        return [line] if len(line) > 1 else []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [line[a:b] for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True) if b - a > 1]
