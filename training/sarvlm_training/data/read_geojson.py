"""Scenes with labels in GeoJSON: polygons, boxes and points on the ground, brought to pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.importing.geojson_places import outer_rings, ring_points, system_of, to_pixels
from sarvlm_app.core.importing.json_files import read_json
from sarvlm_app.core.scene import close_handles, open_scene
from sarvlm_app.errors import QueryError, SceneError

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
    system = system_of(content, features, scene.georef)
    marks = [mark for number, feature in enumerate(features, 1) for mark in
             _marks(feature, f"{file}, feature {number}", label, (scene.georef, system))]  # fmt: skip
    inside = tuple(mark for mark in marks if _touches(mark.outline, scene.width, scene.height))
    if marks and not inside:
        raise QueryError(f"None of the {len(marks)} features of {file} lies in {scene_path}; check their CRS.")
    return Labelled(scene_path, inside)


def _marks(feature: object, place: str, label: str, where: tuple[Georeference, str]) -> list[Mark]:
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
        raise QueryError(f"{place} is no GeoJSON feature; correct the file.")
    name = (feature.get("properties") or {}).get(label)
    if not isinstance(name, str) or not name.strip():
        raise QueryError(f"{place} has no property {label!r} with its class; add it, or set label to the one it has.")
    rings = [ring_points(ring, place) for ring in outer_rings(feature["geometry"], place)]
    return [Mark(name.strip(), to_pixels(ring, *where, place)) for ring in rings]


def _touches(outline: Polygon, width: int, height: int) -> bool:
    """Whether an outline (finite) reaches into a scene."""
    if not np.isfinite(outline).all():
        return False
    (x0, y0), (x1, y1) = outline.min(0), outline.max(0)
    return bool(x1 >= 0 and y1 >= 0 and x0 < width and y0 < height)
