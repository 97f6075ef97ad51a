"""A scene and files of its ground, made by the tests."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyogrio
import shapely

from sarvlm_app.core.scene import Scene, open_scene
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

SIZE = (400, 300)
ACQUIRED = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
HEADINGS = (
    "MMSI",
    "BaseDateTime",
    "LAT",
    "LON",
    "SOG",
    "COG",
    "Heading",
    "VesselName",
    "VesselType",
    "Length",
    "Width",
)


def scene(folder: Path, name: str = "scene.tif", **options) -> Scene:
    """400 x 300 px of 10 m in UTM zone 33, taken at `ACQUIRED`."""
    tags = options.pop("tags", {"SARVLM_ACQUIRED": ACQUIRED.isoformat()})
    place = options.pop("place", {"crs": UTM33, "transform": TRANSFORM})
    return open_scene(write_tif(folder / name, np.ones(SIZE[::-1], np.float32), tags=tags, **place, **options))


def map_xy(cols, rows):
    """UTM metres of pixel positions of that scene."""
    return TRANSFORM.c + 10.0 * np.asarray(cols, float), TRANSFORM.f - 10.0 * np.asarray(rows, float)


def line(*pixels: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(np.stack(map_xy(*np.array(pixels).T), axis=1))


def write_shapes(path: Path, shapes, names=None, crs: str | None = UTM33, driver: str | None = None, **how) -> Path:
    fields = [] if names is None else ["name"]
    data = [] if names is None else [np.array(names, dtype=object)]
    kinds = {shape.geom_type for shape in shapes}
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array(shapes, dtype=object)), data, fields, crs=crs, driver=driver,
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown", **how,
    )  # fmt: skip
    return path


def report(mmsi: int, seconds: float, lon: float, lat: float, **more) -> dict[str, object]:
    moment = ACQUIRED + timedelta(seconds=seconds)
    plain = dict.fromkeys(HEADINGS, "")
    return plain | {"MMSI": mmsi, "BaseDateTime": f"{moment:%Y-%m-%dT%H:%M:%S}", "LAT": lat, "LON": lon} | more


def write_table(path: Path, rows, headings=HEADINGS, delimiter=",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(headings)
        writer.writerows([row[name] for name in HEADINGS] for row in rows)
    return path
