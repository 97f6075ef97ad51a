"""Result files of other detectors: recognised by what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Detections

from .coco import coco_outlines
from .dota import dota_outlines
from .geojson import geojson_outlines
from .json_files import read_json
from .outlines import Notes, Outline, to_detections

MOST_BYTES: Final = 512 * 2**20
"""Of one file: JSON takes about ten times its size in memory."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held for a scene.

    Attributes
    ----------
    detections : Detections
        In the order of the file; `model_id` is the file's name.
    notes : tuple of str
        Sentences about what was assumed or left out.
    """

    detections: Detections
    notes: tuple[str, ...]


def read_detections(path: Path, scene: Scene) -> Detections:
    """The boxes of a file for a scene; see `read_detections_noted`."""
    return read_detections_noted(path, scene).detections


def read_detections_noted(path: Path, scene: Scene) -> Imported:
    """The boxes of a file for a scene, and what had to be assumed.

    COCO JSON (a whole file, or a list of results): the image is found by the
    name of its file. DOTA text: labels, or results of one class with scores.
    GeoJSON: longitude and latitude through the scene's georeference, or pixels
    where the file says so.

    Raises
    ------
    QueryError
        The file is missing, empty, too large, none of these, damaged, of
        another image or of another place.
    """
    _require_readable(path)
    notes = Notes()
    found: list[Outline]
    if path.suffix.lower() == ".txt":
        found = dota_outlines(path, scene, notes)
    elif path.suffix.lower() in (".json", ".geojson"):
        content = read_json(path)
        if isinstance(content, dict) and content.get("type") in ("FeatureCollection", "Feature"):
            found = geojson_outlines(content, scene, path, notes)
        else:
            found = coco_outlines(content, scene, path, notes)
    else:
        raise QueryError(f"{path} is no COCO (.json), DOTA (.txt) or GeoJSON (.geojson) file; save the boxes as one.")
    return Imported(to_detections(found, scene, path, notes), tuple(notes.sentences))


def _require_readable(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as fault:
        raise QueryError(f"{path} cannot be read ({fault.strerror}); check its name and permissions.") from fault
    if path.is_dir():
        raise QueryError(f"{path} is a folder; name the file with the boxes.")
    if size == 0 and path.suffix.lower() != ".txt":
        raise QueryError(f"{path} is empty; write or copy it again.")
    if size > MOST_BYTES:
        raise QueryError(
            f"{path} is too large ({size / 2**20:.0f} MB, at most {MOST_BYTES // 2**20} MB); "
            "take only the boxes of this scene, or those with the better scores."
        )
