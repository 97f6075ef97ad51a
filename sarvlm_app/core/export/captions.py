"""Captions as GeoJSON (RFC 7946) or as a CSV table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sarvlm_app.core.caption_list import Ground, SceneCaption, ground_of
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.footprints import bbox, degrees, footprint, geometry
from sarvlm_app.core.export.wkt import wkt
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Window

EDGE_POINTS = 4
"""Points along each edge of a footprint: a window may be a whole scene."""


def write_captions(scene: Scene, captions: Sequence[SceneCaption], path: Path) -> None:
    """Write the captions of a scene; the ending of the name decides the format.

    ``.geojson`` and ``.json``: a feature collection, one feature a caption:
    the footprint of its window in lon/lat (WGS 84), and `properties`.
    A footprint across the antimeridian is cut there. Without georeference the
    collection says ``"coordinates_are": "pixels"`` (x = column, y = row,
    downwards), which is no RFC 7946.

    ``.csv``: the same in columns, UTF-8, with the footprint as well-known text
    in `wkt`, the window as `col`, `row`, `width`, `height`, and `counts` and
    `cover` as JSON.

    Parameters
    ----------
    scene : Scene
    captions : sequence of SceneCaption
    path : Path
        Replaced when it exists.

    Raises
    ------
    StorageError
        When the ending is another, or the place cannot be written to.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        text = captions_csv(scene, captions)
    elif kind in (".geojson", ".json"):
        text = json.dumps(captions_geojson(scene, captions), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    else:
        raise StorageError(f"{path}: captions are written as .geojson or .csv; choose one of these endings.")
    with replace_when_done(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="")


def captions_geojson(scene: Scene, captions: Sequence[SceneCaption]) -> dict[str, Any]:
    """The feature collection that `write_captions` writes."""
    shapes = [footprint(_box(caption.window), scene.georef, EDGE_POINTS) for caption in captions]
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if scene.georef is None:
        collection["coordinates_are"] = "pixels"
    rings = [ring for shape in shapes for ring in shape]
    if rings:
        collection["bbox"] = bbox(rings, wraps=scene.georef is not None)
    features = [
        {"type": "Feature", "id": number, "geometry": geometry(shape), "properties": properties(scene, caption)}
        for number, (caption, shape) in enumerate(zip(captions, shapes, strict=True), start=1)
    ]
    return {**collection, **_scene(scene), "features": features}


def captions_csv(scene: Scene, captions: Sequence[SceneCaption]) -> str:
    """The table that `write_captions` writes."""
    rows = [_row(scene, caption) for caption in captions]
    out = io.StringIO()
    if rows:
        table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return out.getvalue()


def properties(scene: Scene, caption: SceneCaption) -> dict[str, Any]:
    """What is told of one caption.

    Returns
    -------
    dict
        `caption` as it reads now; `said` as the model said it and `raw` its
        words; `edited`; `logprob` (natural logarithm, null where the text sums
        up many captions); `model`; `where` ("view", "place", "region",
        "scene"); `band` by name; `window_px` (col, row, width, height);
        `size_m` (width, height, geodesic metres); `lon`, `lat` of the centre;
        `counts`; `cover` (shares 0..1); `made` (UTC); and the scene.
    """
    ground: Ground = ground_of(scene, caption.window)
    lon, lat = ground.centre or (None, None)
    return {
        "caption": caption.text,
        "said": caption.said,
        "raw": caption.raw,
        "edited": caption.edited,
        "logprob": None if caption.logprob is None else round(caption.logprob, 6),
        "model": caption.model_id,
        "where": caption.where.value,
        "band": next((band.name for band in scene.bands if band.index == caption.band), str(caption.band)),
        "window_px": list(_box(caption.window)),
        "size_m": None if ground.size_m is None else [round(length, 2) for length in ground.size_m],
        "lon": degrees(lon),
        "lat": degrees(lat),
        "counts": dict(caption.counts),
        "cover": {name: round(share, 6) for name, share in caption.cover},
        "made": caption.made.isoformat(timespec="seconds"),
        **_scene(scene),
    }


def _row(scene: Scene, caption: SceneCaption) -> dict[str, Any]:
    told = properties(scene, caption)
    window, size = told.pop("window_px"), told.pop("size_m") or (None, None)
    pixels = dict(zip(("col", "row", "width", "height"), window, strict=True))
    metres = dict(zip(("width_m", "height_m"), size, strict=True))
    told |= {name: json.dumps(told[name], ensure_ascii=False) for name in ("counts", "cover")}
    shape = geometry(footprint(_box(caption.window), scene.georef, EDGE_POINTS)) if scene.georef is not None else None
    return {**told, **pixels, **metres, "wkt": wkt(shape)}


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "scene": scene.name,
        "time": scene.acquired.isoformat() if scene.acquired else None,
        "simulated": scene.simulated,
    }


def _box(window: Window) -> tuple[int, int, int, int]:
    return window.col, window.row, window.width, window.height
