"""Well-known text of GeoJSON geometries."""

from __future__ import annotations

from typing import Any


def wkt(shape: dict[str, Any] | None) -> str:
    """Well-known text of a Polygon or MultiPolygon; nothing for None."""
    if shape is None:
        return ""
    single = shape["type"] == "Polygon"
    polygons = [shape["coordinates"]] if single else shape["coordinates"]
    texts = [
        "(" + ", ".join("(" + ", ".join(f"{x} {y}" for x, y in ring) + ")" for ring in rings) + ")"
        for rings in polygons
    ]
    return f"POLYGON {texts[0]}" if single else f"MULTIPOLYGON ({', '.join(texts)})"
