"""Hits as a file of other programs: the ending of the name decides the format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

import shapely

from sarvlm_app.core.archive.geojson import properties, write_hits
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import StorageError

ENDINGS: Final = (".geojson", ".json", ".csv")
COLUMNS: Final = (
    "rank", "score", "scene", "col", "row", "width", "height", "lon", "lat", "acquired", "sensor", "polarisation",
    "missing", "query", "negatives", "examples", "model", "wkt",
)  # fmt: skip


def write_hits_file(answer: ArchiveAnswer, path: Path) -> None:
    """Write the hits of an answer.

    ``.geojson`` and ``.json``: see `geojson.write_hits`. ``.csv``: UTF-8, a row
    a hit, windows in full-resolution pixels, the outline in lon/lat (WGS 84) as
    well-known text; a cell is empty where something is not known.

    Raises
    ------
    StorageError
        The ending is another, or the place cannot be written to.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise StorageError(f"{path}: hits are written as .geojson or .csv; choose one of these endings.")
    if ending != ".csv":
        write_hits(answer, path)
        return
    text = hits_csv(answer)
    with replace_when_done(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


def hits_csv(answer: ArchiveAnswer) -> str:
    """The table that `write_hits_file` writes."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    table.writeheader()
    query = answer.query
    asked = {
        "query": query.text,
        "negatives": json.dumps(list(query.negatives), ensure_ascii=False) if query.negatives else "",
        "examples": json.dumps([str(one.scene.path) for one in query.examples]) if query.examples else "",
        "model": answer.model_id,
    }
    table.writerows({**_row(hit), **asked} for hit in answer.hits)
    return out.getvalue()


def _row(hit: ArchiveHit) -> dict[str, Any]:
    told = properties(hit)
    col, row, width, height = told.pop("window")
    outline = "" if hit.footprint is None else shapely.to_wkt(shapely.from_wkb(hit.footprint), rounding_precision=7)
    return {**told, "col": col, "row": row, "width": width, "height": height, "wkt": outline}
