"""Scenes and answers made by hand for the tests of the exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from sarvlm_app.core.georef import AffineGeoref, Gcp, GcpGeoref, Georeference
from sarvlm_app.core.query import Answer, Candidate, Timing
from sarvlm_app.core.scene import Band, Scene, ValueType, open_scene
from sarvlm_models.types import Heatmap, TextQuery

UTM = "EPSG:32611"
WGS84 = "EPSG:4326"


@dataclass(frozen=True)
class Place:
    """A candidate to be: score, peak and box in pixels."""

    score: float
    bbox_px: tuple[int, int, int, int]


def utm_georef(west: float = 380_000.0, north: float = 3_740_000.0, pixel_m: float = 10.0) -> AffineGeoref:
    return AffineGeoref(Affine(pixel_m, 0, west, 0, -pixel_m, north), UTM)


def degree_georef(west: float, north: float, pixel_deg: float = 1e-3) -> AffineGeoref:
    return AffineGeoref(Affine(pixel_deg, 0, west, 0, -pixel_deg, north), WGS84)


def gcp_georef(width: int, height: int) -> GcpGeoref:
    """A slightly turned and curved grid of 5 x 4 points near Long Beach."""
    points = []
    for row in np.linspace(0, height, 4):
        for col in np.linspace(0, width, 5):
            u, v = col / width, row / height
            lon = -118.3 + 0.05 * u + 0.004 * v + 0.0005 * u * u
            lat = 33.8 - 0.05 * v + 0.003 * u + 0.0004 * v * u
            points.append(Gcp(float(col), float(row), lon, lat))
    return GcpGeoref(tuple(points), WGS84)


def make_scene(width: int = 640, height: int = 400, georef: Georeference | None = None, **changes: Any) -> Scene:
    scene = Scene(
        path=Path("/data/scene.tif"),
        name="scene",
        product="GeoTIFF",
        width=width,
        height=height,
        bands=(Band(index=1, name="VV", polarisation="VV", value_type=ValueType.AMPLITUDE),),
        dtype="float32",
        value_type=ValueType.AMPLITUDE,
        value_type_assumed=False,
        calibration="uncalibrated",
        nodata=None,
        georef=georef,
        spacing_m=(10.0, 10.0) if georef is not None else None,
        acquired=datetime(2020, 11, 7, 1, 52, 3, tzinfo=UTC),
        facts={},
        missing=(),
        simulated=False,
        fingerprint="f00d" * 8,
    )
    return replace(scene, **changes)


def write_scene(path: Path, pixels: NDArray[Any], pixel_m: float = 10.0) -> Scene:
    """Write `pixels` (h, w) as a GeoTIFF in UTM and open it."""
    georef = utm_georef(pixel_m=pixel_m)
    height, width = pixels.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": pixels.dtype.name}
    with rasterio.open(path, "w", crs=georef.crs, transform=georef.transform, **profile) as dataset:
        dataset.write(pixels, 1)
    return open_scene(path)


def make_answer(scene: Scene, places: Sequence[Place] = (), cell_px: float = 8.0, **query: Any) -> Answer:
    """An answer whose heat map is 0.5, NaN in the first cell, and high in the boxes of `places`."""
    rows, cols = int(np.ceil(scene.height / cell_px)), int(np.ceil(scene.width / cell_px))
    scores = np.full((rows, cols), 0.5, dtype=np.float32)
    candidates = []
    for rank, place in enumerate(places, start=1):
        col, row, width, height = place.bbox_px
        scores[
            int(row // cell_px) : int(np.ceil((row + height) / cell_px)),
            int(col // cell_px) : int(np.ceil((col + width) / cell_px)),
        ] = place.score
        x, y = col + width / 2, row + height / 2
        lon, lat = (None, None) if scene.georef is None else map(float, scene.georef.to_lonlat(x, y))
        candidates.append(Candidate(rank, place.score, x, y, lon, lat, place.bbox_px))
    scores[0, 0] = np.nan
    asked = TextQuery(**{"text": "ships in the harbour", "model_id": "toy@0123", "cell_px": cell_px, **query})
    return Answer(
        query=asked,
        scene=scene,
        band=1,
        heatmap=Heatmap(scores, cell_px, asked),
        candidates=tuple(candidates),
        stands_out=bool(candidates),
        seconds=Timing(0.0, 0.0, 0.0),
        cached=False,
        complete=True,
    )
