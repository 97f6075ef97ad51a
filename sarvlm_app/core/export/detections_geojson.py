"""Detections as GeoJSON (RFC 7946), one feature a line."""

from __future__ import annotations

import json
from typing import Any

from sarvlm_app.core.export.detection_table import DetectionTable
from sarvlm_app.core.export.footprints import bbox, geometry, outlines


def geojson_text(table: DetectionTable) -> str:
    """The feature collection: outlines in lon/lat, or in pixels (x = column, y = row, downwards) and it says so."""
    georef = table.scene.georef
    shapes = outlines(table.detections.corners_px, georef)
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if georef is None:
        head["coordinates_are"] = "pixels"
    rings = [ring for shape in shapes for ring in shape]
    if rings:
        head["bbox"] = bbox(rings, wraps=georef is not None)
    origin = table.origin()
    head |= {**origin, "size_px": [table.scene.width, table.scene.height]}
    features = [
        _line({"type": "Feature", "id": number, "geometry": geometry(shape), "properties": {**record, **origin}})
        for number, (record, shape) in enumerate(zip(table.records(), shapes, strict=True), start=1)
    ]
    return _line(head)[:-1] + ', "features": [\n' + ",\n".join(features) + "\n]}\n"


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
