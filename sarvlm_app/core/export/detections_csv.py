"""Detections as a table."""

from __future__ import annotations

import csv
import io
from typing import Any

from sarvlm_app.core.export.detection_table import DetectionTable
from sarvlm_app.core.export.footprints import geometry, outlines
from sarvlm_app.core.export.wkt import wkt

CORNERS = tuple(f"{axis}{number}" for number in range(1, 5) for axis in "xy")
BBOX = ("col", "row", "width", "height")


def csv_text(table: DetectionTable) -> str:
    """Comma-separated values with a header; the columns are those of the other formats, corners and box spread out.

    `x1` ... `y4` are the corners and `col`, `row`, `width`, `height` the
    upright box, in pixels; `wkt` is the outline in lon/lat, or in pixels
    where the scene has no georeference: `coordinates` says which.
    """
    georef = table.scene.georef
    shapes = outlines(table.detections.corners_px, georef)
    told = {**table.origin(), "coordinates": "pixels" if georef is None else "EPSG:4326"}
    rows = [
        {**_spread(record), **told, "wkt": wkt(geometry(shape))}
        for record, shape in zip(table.records(), shapes, strict=True)
    ]
    out = io.StringIO()
    names = list(rows[0]) if rows else [*_header(table), *told, "wkt"]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _spread(record: dict[str, Any]) -> dict[str, Any]:
    corners, box = record.pop("polygon_px"), record.pop("bbox_px")
    flat = [value for corner in corners for value in corner]
    return {**record, **dict(zip(CORNERS, flat, strict=True)), **dict(zip(BBOX, box, strict=True))}


def _header(table: DetectionTable) -> list[str]:
    names = [name for name in table.columns() if name not in ("polygon_px", "bbox_px")]
    return [*names, *CORNERS, *BBOX]
