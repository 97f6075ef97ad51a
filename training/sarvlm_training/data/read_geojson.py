"""Scenes with labels in GeoJSON: polygons, boxes and points on the ground, brought to pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.scene import close_handles, open_scene
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.evaluate.coco_boxes import read_json

from .labelled import Labelled, Mark, Polygon

SUFFIXES: Final = (".geojson", ".json")


def read_geojson_places(path: Path, root: Path, label: str) -> list[Labelled]:
    """Scenes of `root` with the GeoJSON files of `path` (one, or all of a folder).

    Parameters
    ----------
    path : Path
        `NAME.geojson` or `NAME.labels.geojson` beside or apart from the scene `NAME.tif`.
    root : Path
        Folder of the scenes, or the one scene.
    label : str
        Property that names the class of a feature.

    Raises
    ------
    QueryError
        A file is no GeoJSON, a feature has no label, or none lies in its scene.
    SceneError
        A scene is missing, cannot be opened or has no georeference.
    """
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files:
        raise QueryError(f"{path} holds no GeoJSON file; name the folder that does.")
    return [_read(file, root if root.is_file() else _scene_beside(file, root), label) for file in files]


def _scene_beside(file: Path, root: Path) -> Path:
    """The scene that a label file is of: of the same name, or of its name up to the first dot."""
    others = [path for path in sorted(root.iterdir()) if path.suffix.lower() not in SUFFIXES] if root.is_dir() else []
    for name in (file.stem, file.name.split(".")[0]):
        found = next((path for path in others if path.stem == name and not path.name.endswith(".xml")), None)
        if found is not None:
            return found
    raise SceneError(f"{root} holds no scene for {file}; name both alike, such as harbour.tif and harbour.geojson.")


def _read(file: Path, scene_path: Path, label: str) -> Labelled:
    scene = open_scene(scene_path)
    close_handles(scene)
    if scene.georef is None:
        raise SceneError(f"{scene_path} has no georeference, so that {file} cannot be laid over it; label it in COCO.")
    content = read_json(file)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not isinstance(content, dict):
        raise QueryError(f"{file} is no GeoJSON FeatureCollection; save the labels as one.")
    system = _system_of(content, features, scene.georef)
    marks = [mark for number, feature in enumerate(features, 1) for mark in
             _marks(feature, f"{file}, feature {number}", label, (scene.georef, system))]  # fmt: skip
    inside = tuple(mark for mark in marks if _touches(mark.outline, scene.width, scene.height))
    if marks and not inside:
        raise QueryError(f"None of the {len(marks)} features of {file} lies in {scene_path}; check their CRS.")
    return Labelled(scene_path, inside)


def _system_of(content: Mapping[str, Any], features: Sequence[Any], georef: Georeference) -> str:
    """The reference system of the coordinates.

    That of the old `crs` member where there is one; else longitude and
    latitude as RFC 7946 wants, unless the numbers cannot be that: then the
    scene's own.
    """
    named = content.get("crs")
    name = named.get("properties", {}).get("name") if isinstance(named, dict) else None
    if isinstance(name, str):
        return "OGC:CRS84" if name.endswith("CRS84") else name
    shapes = [feature.get("geometry") for feature in features if isinstance(feature, dict)]
    geographic = all(abs(x) <= 360 and abs(y) <= 90 for shape in shapes for x, y in _all_places(shape))
    return "OGC:CRS84" if geographic else georef.crs_name


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


def _marks(feature: object, place: str, label: str, where: tuple[Georeference, str]) -> list[Mark]:
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
        raise QueryError(f"{place} is no GeoJSON feature; correct the file.")
    name = (feature.get("properties") or {}).get(label)
    if not isinstance(name, str) or not name.strip():
        raise QueryError(f"{place} has no property {label!r} with its class; add it, or set label to the one it has.")
    return [Mark(name.strip(), _to_pixels(ring, place, where)) for ring in _rings(feature["geometry"], place)]


def _rings(geometry: Mapping[str, Any] | None, place: str) -> list[Any]:
    """Outer rings and points of a geometry."""
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


def _to_pixels(ring: object, place: str, where: tuple[Georeference, str]) -> Polygon:
    georef, system = where
    try:
        points = np.array([point[:2] for point in ring], np.float64)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as fault:
        raise QueryError(f"{place} has coordinates that are no numbers; correct the file.") from fault
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise QueryError(f"{place} has coordinates that are no pairs of numbers; correct the file.")
    if len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    x, y = points.T
    if system != "OGC:CRS84":
        try:
            x, y = pyproj.Transformer.from_crs(system, "OGC:CRS84", always_xy=True).transform(x, y)
        except pyproj.exceptions.ProjError as fault:
            raise QueryError(f"{place}: the reference system {system[:60]!r} is not known; use EPSG:4326.") from fault
    return np.stack(georef.from_lonlat(x, y), axis=1)


def _touches(outline: Polygon, width: int, height: int) -> bool:
    """Whether an outline (finite) reaches into a scene."""
    if not np.isfinite(outline).all():
        return False
    (x0, y0), (x1, y1) = outline.min(0), outline.max(0)
    return bool(x1 >= 0 and y1 >= 0 and x0 < width and y0 < height)
