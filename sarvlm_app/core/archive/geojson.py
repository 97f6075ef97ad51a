"""Hits as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import shapely

from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.export.atomic import replace_when_done


def write_hits(answer: ArchiveAnswer, path: Path) -> None:
    """Write the hits of an answer as a feature collection; a hit without georeference has no geometry.

    Raises
    ------
    StorageError
        The place cannot be written to.
    """
    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        "query": answer.query.text,
        "negatives": list(answer.query.negatives),
        "examples": [str(example.scene.path) for example in answer.query.examples],
        "model": answer.model_id,
        "features": [
            {"type": "Feature", "id": hit.rank, "geometry": _geometry(hit), "properties": properties(hit)}
            for hit in answer.hits
        ],
    }
    text = json.dumps(collection, ensure_ascii=False, allow_nan=False, indent=1)
    with replace_when_done(path) as part:
        part.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _geometry(hit: ArchiveHit) -> Any:
    if hit.footprint is None:
        return None
    return json.loads(shapely.to_geojson(shapely.set_precision(shapely.from_wkb(hit.footprint), 1e-7)))


def properties(hit: ArchiveHit) -> dict[str, Any]:
    """A hit in plain values, as the command line names them."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "scene": str(hit.scene),
        "window": [hit.window.col, hit.window.row, hit.window.width, hit.window.height],
        "lon": None if hit.lon is None else round(hit.lon, 7),
        "lat": None if hit.lat is None else round(hit.lat, 7),
        "acquired": hit.acquired,
        "sensor": hit.sensor or None,
        "polarisation": hit.polarisation or None,
        "missing": hit.missing,
    }
