"""Detections as files of other programs: the ending of the name decides the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.detection_table import DetectionTable, detection_table
from sarvlm_app.core.export.detections_coco import coco_json
from sarvlm_app.core.export.detections_csv import csv_text
from sarvlm_app.core.export.detections_dota import dota_text
from sarvlm_app.core.export.detections_geojson import geojson_text
from sarvlm_app.core.export.detections_gpkg import write_gpkg
from sarvlm_app.core.export.detections_kml import kml_text
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Detections

_TEXTS: Final[Mapping[str, Callable[[DetectionTable], str]]] = {
    ".geojson": geojson_text,
    ".kml": kml_text,
    ".csv": csv_text,
    ".coco.json": coco_json,
    ".dota.txt": dota_text,
}
FORMATS: Final = (".geojson", ".gpkg", ".kml", ".csv", ".coco.json", ".dota.txt")
"""Endings of the formats."""
NEED_PLACE: Final = (".gpkg", ".kml")
"""Formats that cannot hold pixels."""


def require_format(path: Path, scene: Scene) -> str:
    """The format that the ending of a name means, one of `FORMATS`; to be asked before the work.

    Raises
    ------
    StorageError
        The ending is another, or the format needs a georeference that the scene does not have.
    """
    ending = next((ending for ending in FORMATS if path.name.lower().endswith(ending)), None)
    if ending is None or path.name.lower() == ending:
        raise StorageError(f"{path}: detections are written as {_listed(FORMATS)}; choose one of these endings.")
    if ending in NEED_PLACE and scene.georef is None:
        others = _listed([other for other in FORMATS if other not in NEED_PLACE])
        raise StorageError(
            f"{path} would need longitudes and latitudes, but {scene.path} has no georeference; "
            f"choose {others}, which hold pixels."
        )
    return ending


def write_detections(
    detections: Detections,
    scene: Scene,
    path: Path,
    weights_sha256: str = "",
    extra: Mapping[str, Sequence[Any]] | None = None,
) -> None:
    """Write the detections of a scene in the format of the ending.

    All formats but DOTA tell of each box `label`, `score`, `polygon_px` (four
    corners), `bbox_px`, `lon`, `lat`, `length_m`, `width_m`, `heading_deg`
    (axis, 0..180 from true north), and the model, the hash of its weights, the
    scene, its time and whether it is simulated. Null, or an empty cell, is
    what is not known.

    ``.geojson``: RFC 7946, WGS 84, cut at the antimeridian; without
    georeference pixels, and the collection says ``"coordinates_are":
    "pixels"``. ``.gpkg``: one layer, EPSG:4326. ``.kml``: a style for each
    class. ``.csv``: UTF-8, a row a box, the outline as well-known text.
    ``.coco.json``: one image, its boxes with `bbox`, `segmentation` and
    `score`. ``.dota.txt``: eight coordinates, class (blanks become hyphens),
    difficulty 0 and the score.

    Parameters
    ----------
    detections : Detections
        In full-resolution pixels of the scene.
    scene : Scene
    path : Path
        Replaced when it exists.
    weights_sha256 : str
        Of the detector's weight file, where known.
    extra : mapping of column name to values, optional
        Further columns, one value (text, number, bool or None) a box.

    Raises
    ------
    StorageError
        As `require_format`, or the place cannot be written to.
    """
    ending = require_format(path, scene)
    table = detection_table(detections, scene, weights_sha256, extra)
    with replace_when_done(path) as part:
        if ending == ".gpkg":
            write_gpkg(table, part)
        else:
            part.write_text(_TEXTS[ending](table), encoding="utf-8", errors="replace", newline="")


def _listed(endings: Sequence[str]) -> str:
    return ", ".join(endings[:-1]) + " or " + endings[-1]
