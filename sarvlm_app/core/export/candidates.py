"""Candidates as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.footprints import bbox, degrees, footprint, geometry
from sarvlm_app.core.query import Answer, Candidate


def write_candidates(answer: Answer, path: Path) -> None:
    """Write the candidates of `answer` as a GeoJSON feature collection.

    Each feature is the footprint of the candidate's box (`bbox_px`) in lon/lat
    (WGS84), with its rank, score, peak and question as properties. A footprint
    across the antimeridian is cut there. Without candidates the collection is
    empty; its member `stands_out` is then false. Pixel coordinates are no RFC
    7946: for a scene without georeference the collection says so in the member
    ``"coordinates_are": "pixels"`` (x = column, y = row, downwards).

    Parameters
    ----------
    answer : Answer
    path : Path
        Replaced when it exists.

    Raises
    ------
    StorageError
        When the place cannot be written to.
    """
    text = json.dumps(candidates_geojson(answer), ensure_ascii=False, allow_nan=False, indent=1)
    with replace_when_done(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def candidates_geojson(answer: Answer) -> dict[str, Any]:
    """The feature collection that `write_candidates` writes."""
    georef = answer.scene.georef
    shapes = [footprint(candidate.bbox_px, georef) for candidate in answer.candidates]
    features = [
        {"type": "Feature", "id": c.rank, "geometry": geometry(shape), "properties": _properties(answer, c)}
        for c, shape in zip(answer.candidates, shapes, strict=True)
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if georef is None:
        collection["coordinates_are"] = "pixels"
    rings = [ring for shape in shapes for ring in shape]
    if rings:
        collection["bbox"] = bbox(rings, wraps=georef is not None)
    return {**collection, **_question(answer), "stands_out": answer.stands_out, "features": features}


def _question(answer: Answer) -> dict[str, Any]:
    scene = answer.scene
    return {
        "query": answer.query.text,
        "negatives": list(answer.query.negatives),
        "model": answer.query.model_id,
        "threshold": round(float(answer.query.threshold), 6),
        "scene": scene.name,
        "time": scene.acquired.isoformat() if scene.acquired else None,
        "simulated": scene.simulated,
    }


def _properties(answer: Answer, candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": candidate.rank,
        "score": round(float(candidate.score), 6),
        "col": float(candidate.col),
        "row": float(candidate.row),
        "lon": degrees(candidate.lon),
        "lat": degrees(candidate.lat),
        "bbox_px": [int(v) for v in candidate.bbox_px],
        **_question(answer),
    }
