"""Hits as a file of other programs: the ending of the name decides the format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_app.core.archive.contact_sheet import SHEETS, write_contact_sheet
from sarvlm_app.core.archive.geojson import properties, write_hits
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import StorageError

ENDINGS: Final = (".geojson", ".json", ".csv", ".gpkg", *SHEETS)
COLUMNS: Final = (
    "rank", "score", "scene", "col", "row", "width", "height", "lon", "lat", "acquired", "sensor", "polarisation",
    "missing", "query", "negatives", "examples", "model",
)  # fmt: skip
LAYER: Final = "hits"
_REAL: Final = ("score", "lon", "lat")


def write_hits_file(answer: ArchiveAnswer, path: Path, *, archive: str = "", ctx: JobContext | None = None) -> None:
    """Write the hits of an answer.

    ``.geojson`` and ``.json``: see `geojson.write_hits`. ``.csv``: UTF-8, a row
    a hit, windows in full-resolution pixels, the outline in lon/lat (WGS 84) as
    well-known text; a cell is empty where something is not known. ``.gpkg``:
    the same columns in one layer of polygons, EPSG:4326; a hit without
    georeference has no geometry. ``.png``, ``.pdf``: pictures of the hits, see
    `contact_sheet`, with the archive's name in the head; `ctx` is told of each.

    Raises
    ------
    StorageError
        The ending is another, or the place cannot be written to.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise StorageError(
            f"{path}: hits are written as .geojson, .csv, .gpkg, .png or .pdf; choose one of these endings."
        )
    if ending in (".geojson", ".json"):
        write_hits(answer, path)
        return
    if ending in SHEETS:
        write_contact_sheet(answer, path, archive=archive, ctx=ctx)
        return
    with replace_when_done(path) as part:
        if ending == ".csv":
            part.write_text(hits_csv(answer), encoding="utf-8", errors="backslashreplace", newline="")
        else:
            _write_gpkg(answer, part)


def hits_csv(answer: ArchiveAnswer) -> str:
    """The table that `write_hits_file` writes."""
    out = io.StringIO()
    table = csv.DictWriter(out, [*COLUMNS, "wkt"], lineterminator="\n")
    table.writeheader()
    for hit, row in zip(answer.hits, _rows(answer), strict=True):
        shape = None if hit.footprint is None else shapely.from_wkb(hit.footprint)
        table.writerow({**row, "wkt": "" if shape is None else shapely.to_wkt(shape, rounding_precision=7)})
    return out.getvalue()


def _rows(answer: ArchiveAnswer) -> list[dict[str, Any]]:
    query = answer.query
    examples = [str(one.scene.path) for one in query.examples]
    asked = {
        "query": query.text,
        "negatives": json.dumps(list(query.negatives), ensure_ascii=False) if query.negatives else "",
        "examples": json.dumps(examples, ensure_ascii=False) if examples else "",
        "model": answer.model_id,
    }
    return [{**_row(hit), **asked} for hit in answer.hits]


def _row(hit: ArchiveHit) -> dict[str, Any]:
    told = properties(hit)
    col, row, width, height = told.pop("window")
    return {**told, "col": col, "row": row, "width": width, "height": height}


def _write_gpkg(answer: ArchiveAnswer, path: Path) -> None:
    import pyogrio  # it takes half a second

    shapes = [None if hit.footprint is None else shapely.from_wkb(hit.footprint) for hit in answer.hits]
    several = any(shape is not None and shape.geom_type == "MultiPolygon" for shape in shapes)
    rows = _rows(answer)
    path.unlink(missing_ok=True)  # GDAL makes the file itself and takes no empty one
    try:
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(np.array(shapes, object)), object),
            field_data=[_column(name, [row[name] for row in rows]) for name in COLUMNS],
            fields=np.array(COLUMNS, object),
            layer=LAYER,
            driver="GPKG",
            geometry_type="MultiPolygon" if several else "Polygon",
            promote_to_multi=several,
            crs="EPSG:4326",
        )
    except pyogrio.errors.DataSourceError as fault:
        raise StorageError(
            f"The GeoPackage cannot be written ({fault}); choose another folder or the ending .geojson."
        ) from fault


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in _REAL:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if values and all(isinstance(value, bool | int) for value in values):
        return np.array(values)
    return np.array([None if value is None else _text(str(value)) for value in values], object)


def _text(value: str) -> str:
    """A path of bytes that are no text is written as those bytes' escapes."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
