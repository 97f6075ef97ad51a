"""Pixel rectangles as RFC 7946 geometry: in lon/lat (WGS 84), or in pixels where a scene has no georeference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference

Point = tuple[float, float]
Ring = list[Point]

_DIGITS = 7
"""Decimals of a degree: about a centimetre."""


def degrees(value: float | None) -> float | None:
    """Rounded for a file; None for what is not finite."""
    return None if value is None or not math.isfinite(value) else round(float(value), _DIGITS)


def footprint(bbox_px: tuple[int, int, int, int], georef: Georeference | None, edge_points: int = 1) -> list[Ring]:
    """A box as open rings, counter-clockwise: one, two across the antimeridian, none off the map.

    Parameters
    ----------
    bbox_px : (col, row, width, height)
    georef : Georeference or None
        None gives pixels, x = column, y = row.
    edge_points : int
        Points of each edge: more than its corner where the box is large and its edges bend on the map.
    """
    col, row, width, height = bbox_px
    along = np.arange(edge_points) / edge_points
    ahead, back, zero = along, 1 - along, np.zeros(edge_points)
    cols = col + width * np.concatenate([ahead, zero + 1, back, zero])
    rows = row + height * np.concatenate([zero, ahead, zero + 1, back])
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


def geometry(rings: Sequence[Ring]) -> dict[str, Any] | None:
    """A Polygon, a MultiPolygon where there are several rings, None without any."""
    closed = [[[round(x, _DIGITS), round(y, _DIGITS)] for x, y in [*ring, ring[0]]] for ring in rings]
    if not closed:
        return None
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in closed]}


def bbox(rings: Sequence[Ring], *, wraps: bool) -> list[float]:
    """West, south, east, north; west > east where the antimeridian lies between (RFC 7946, 5.2)."""
    xs, ys = [x for ring in rings for x, _ in ring], [y for ring in rings for _, y in ring]
    west, east = min(xs), max(xs)
    if wraps and east - west > 180.0:
        west, east = min(x for x in xs if x >= 0), max(x for x in xs if x <= 0)
    return [round(v, _DIGITS) for v in (west, min(ys), east, max(ys))]


def outlines(corners_px: NDArray[np.floating[Any]], georef: Georeference | None) -> list[list[Ring]]:
    """Quadrilaterals (n, 4, 2) in pixels as open rings, counter-clockwise, as `footprint` gives those of a box."""
    corners = np.asarray(corners_px, np.float64)
    if georef is not None:
        with np.errstate(invalid="ignore"):  # off the map, longitudes are not finite
            corners = np.stack(georef.to_lonlat(corners[..., 0], corners[..., 1]), axis=-1)
    shapes: list[list[Ring]] = []
    for corner in corners.tolist():
        ring = [(x, y) for x, y in corner]
        if not all(math.isfinite(v) for point in ring for v in point):
            shapes.append([])
            continue
        parts = [ring] if georef is None else cut_at_antimeridian(ring)
        shapes.append([_counter_clockwise(part) for part in parts])
    return shapes
