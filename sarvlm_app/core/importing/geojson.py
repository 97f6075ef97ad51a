"""GeoJSON of boxes: on the ground, or in pixels where the file says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError

from .geojson_places import LONLAT, outer_rings, ring_points, system_of_points, to_pixels
from .json_files import finite_numbers
from .outlines import Notes, Outline, rectangle_around

Float64 = NDArray[np.float64]

LABELS: Final = ("label", "class", "class_name", "category", "category_name", "name", "type")
SCORES: Final = ("score", "confidence", "conf", "probability")
NO_LABEL: Final = "object"

_SAME_PX: Final = 0.1
_CUT_DEG: Final = 1e-6


@dataclass(frozen=True, slots=True)
class _Part:
    """One ring of a feature: its properties, and its points as they stand in the file; `joined`: of several rings."""

    properties: Mapping[str, Any]
    points: Float64
    joined: bool = False


def geojson_outlines(content: Mapping[str, Any], scene: Scene, path: Path, notes: Notes) -> list[Outline]:
    """The features of a collection, or a single one, as outlines in pixels.

    Raises
    ------
    QueryError
        A feature is none, the scene has no georeference to lay the places over it, or the file is of another size.
    """
    features = content.get("features") if content.get("type") == "FeatureCollection" else [content]
    if not isinstance(features, list):
        raise QueryError(f"{path} has no list of features; save the boxes as a GeoJSON FeatureCollection.")
    pixels = content.get("coordinates_are") == "pixels"
    _require_place(content, scene, path, pixels=pixels)
    parts = [
        part for number, feature in enumerate(features, 1) for part in _parts(feature, f"{path}, feature {number}")
    ]
    if not parts:
        return []
    points = np.concatenate([part.points for part in parts])
    if not pixels and scene.georef is not None:
        system = system_of_points(content, points, scene.georef)
        if system != LONLAT:
            notes.add(f"The coordinates of the file are taken to be in {system[:60]}.")
        with np.errstate(invalid="ignore"):
            points = to_pixels(points, scene.georef, system, str(path))
    corners = np.split(points, np.cumsum([len(part.points) for part in parts])[:-1])
    return [_outline(part, each, path, notes) for part, each in zip(parts, corners, strict=True)]


def _require_place(content: Mapping[str, Any], scene: Scene, path: Path, *, pixels: bool) -> None:
    if not pixels and scene.georef is None:
        raise QueryError(
            f"{path} holds longitudes and latitudes, but {scene.path} has no georeference; "
            "give the boxes in pixels, as COCO, DOTA text or GeoJSON with “coordinates_are”: “pixels”."
        )
    size = finite_numbers(content.get("size_px"), 2)
    if pixels and size is not None and size != [scene.width, scene.height]:
        raise QueryError(
            f"{path} was made on an image of {size[0]:g} x {size[1]:g} px, but {scene.path} has "
            f"{scene.width} x {scene.height} px; give results of this very image."
        )


def _parts(feature: object, place: str) -> list[_Part]:
    """The rings of a feature; those that the antimeridian parted are one again."""
    if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
        raise QueryError(f"{place} is no GeoJSON feature; correct the file.")
    given = feature.get("properties")
    properties = given if isinstance(given, dict) else {}
    rings = [ring_points(ring, place) for ring in outer_rings(feature.get("geometry"), place)]
    if len(rings) > 1 and all(np.abs(np.abs(ring[:, 0]) - 180).min() < _CUT_DEG for ring in rings):
        return [_Part(properties, np.concatenate(rings), joined=True)]
    return [_Part(properties, ring) for ring in rings]


def _outline(part: _Part, corners: Float64, path: Path, notes: Notes) -> Outline:
    properties = part.properties
    label = next((str(properties[key]).strip() for key in LABELS if properties.get(key) not in (None, "")), "")
    if not label:
        notes.add(f"Features without one of the properties {', '.join(LABELS)} are labelled “{NO_LABEL}”.")
    score = next((properties[key] for key in SCORES if properties.get(key) is not None), None)
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        raise QueryError(f"{path} has a score that is no number ({str(score)[:40]}); correct the file.")
    told = _told_corners(properties.get("polygon_px"))
    bbox = finite_numbers(properties.get("bbox_px"), 4)
    value = None if score is None else float(score)
    if told is not None and bbox is not None and _same(told, corners):
        # as `sarvlm detect` wrote it and nobody moved it since: free of the rounding of degrees
        return Outline(label or NO_LABEL, value, told, (bbox[0], bbox[1], bbox[2], bbox[3]))
    if part.joined and np.isfinite(corners).all():
        corners = rectangle_around(corners)
    return Outline(label or NO_LABEL, value, corners)


def _told_corners(value: object) -> Float64 | None:
    try:
        corners = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return corners if corners.shape == (4, 2) and bool(np.isfinite(corners).all()) else None


def _same(told: Float64, corners: Float64) -> bool:
    """Whether an outline has the four corners told, and no point beyond them."""
    if len(corners) < len(told) or not np.isfinite(corners).all():
        return False
    apart = np.abs(told[:, None] - corners[None]).max(axis=2).min(axis=1)
    low, high = told.min(axis=0) - _SAME_PX, told.max(axis=0) + _SAME_PX
    return bool((apart < _SAME_PX).all() and ((corners >= low) & (corners <= high)).all())
