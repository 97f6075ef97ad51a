"""Candidates as GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.query import Answer, Candidate

Point = tuple[float, float]
Ring = list[Point]

_DIGITS = 7
"""Decimals of a degree: about a centimetre."""


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
    shapes = [_footprint(candidate.bbox_px, georef) for candidate in answer.candidates]
    features = [
        {"type": "Feature", "id": c.rank, "geometry": _geometry(shape), "properties": _properties(answer, c)}
        for c, shape in zip(answer.candidates, shapes, strict=True)
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if georef is None:
        collection["coordinates_are"] = "pixels"
    rings = [ring for shape in shapes for ring in shape]
    if rings:
        collection["bbox"] = _bbox(rings, wraps=georef is not None)
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
        "lon": _degrees(candidate.lon),
        "lat": _degrees(candidate.lat),
        "bbox_px": [int(v) for v in candidate.bbox_px],
        **_question(answer),
    }


def _degrees(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), _DIGITS)


def _footprint(bbox_px: tuple[int, int, int, int], georef: Georeference | None) -> list[Ring]:
    """The box as open rings, counter-clockwise: one, two across the antimeridian, none off the map."""
    col, row, width, height = bbox_px
    cols = np.array([col, col + width, col + width, col], dtype=np.float64)
    rows = np.array([row, row, row + height, row + height], dtype=np.float64)
    if georef is None:
        return [_counter_clockwise([(float(x), float(y)) for x, y in zip(cols, rows, strict=True)])]
    lons, lats = (np.asarray(v, dtype=np.float64) for v in georef.to_lonlat(cols, rows))
    if not (np.isfinite(lons).all() and np.isfinite(lats).all()):
        return []
    ring = [(float(x), float(y)) for x, y in zip(lons, lats, strict=True)]
    return [_counter_clockwise(part) for part in cut_at_antimeridian(ring)]


def cut_at_antimeridian(ring: Ring) -> list[Ring]:
    """Cut an open lon/lat ring that crosses 180 degrees into its western and eastern part (RFC 7946, 3.1.9)."""
    lons = [(lon + 180.0) % 360.0 - 180.0 for lon, _ in ring]
    if max(lons) - min(lons) <= 180.0:
        return [[(lon, lat) for lon, (_, lat) in zip(lons, ring, strict=True)]]
    turned = [(lon % 360.0, lat) for lon, (_, lat) in zip(lons, ring, strict=True)]
    west = _clip_half_plane(turned, 180.0, keep_below=True)
    east = _clip_half_plane(turned, 180.0, keep_below=False)
    return [part for part in (west, [(lon - 360.0, lat) for lon, lat in east]) if _signed_area(part) != 0.0]


def _clip_half_plane(ring: Ring, limit: float, *, keep_below: bool) -> Ring:
    """The part of a convex ring with x <= limit, or x >= limit (Sutherland and Hodgman 1974)."""
    sign = 1.0 if keep_below else -1.0
    kept: Ring = []
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        inside, next_inside = sign * (x0 - limit) <= 0, sign * (x1 - limit) <= 0
        if inside:
            kept.append((x0, y0))
        if inside != next_inside:
            kept.append((limit, y0 + (y1 - y0) * (limit - x0) / (x1 - x0)))
    return kept


def _signed_area(ring: Ring) -> float:
    return 0.5 * sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True))


def _counter_clockwise(ring: Ring) -> Ring:
    return ring if _signed_area(ring) >= 0 else ring[::-1]


def _geometry(rings: Sequence[Ring]) -> dict[str, Any] | None:
    closed = [[[round(x, _DIGITS), round(y, _DIGITS)] for x, y in [*ring, ring[0]]] for ring in rings]
    if not closed:
        return None
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in closed]}


def _bbox(rings: Sequence[Ring], *, wraps: bool) -> list[float]:
    """West, south, east, north; west > east where the antimeridian lies between (RFC 7946, 5.2)."""
    xs, ys = [x for ring in rings for x, _ in ring], [y for ring in rings for _, y in ring]
    west, east = min(xs), max(xs)
    if wraps and east - west > 180.0:
        west, east = min(x for x in xs if x >= 0), max(x for x in xs if x <= 0)
    return [round(v, _DIGITS) for v in (west, min(ys), east, max(ys))]
