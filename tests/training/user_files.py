"""Small sets of a user's own data, written for the tests."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import from_origin

Box = tuple[float, float, float, float]


def picture_with(boxes: Sequence[Box], size: tuple[int, int] = (320, 288), seed: int = 0) -> np.ndarray:
    """An 8-bit picture (h, w) of dark clutter, bright in boxes (col, row, width, height)."""
    width, height = size
    image = np.random.default_rng(seed).integers(18, 23, (height, width)).astype(np.uint8)
    for col, row, w, h in boxes:
        image[round(row) : round(row + h), round(col) : round(col + w)] = 230
    return image


def save_png(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def write_coco(folder: Path, pictures: Sequence[Sequence[tuple[str, Box]]]) -> Path:
    """`coco.json` with a picture for each list of (class, box)."""
    classes = sorted({label for marks in pictures for label, _ in marks}) or ["nothing"]
    images, notes = [], []
    for number, marks in enumerate(pictures, 1):
        name = f"{number:02}.png"
        image = picture_with([box for _, box in marks], seed=number)
        save_png(folder / name, image)
        images.append({"id": number, "file_name": name, "width": image.shape[1], "height": image.shape[0]})
        notes += [
            {"id": 100 * number + i, "image_id": number, "category_id": classes.index(label) + 1, "bbox": list(box)}
            for i, (label, box) in enumerate(marks)
        ]
    content = {
        "images": images, "annotations": notes, "categories": [{"id": i, "name": c} for i, c in enumerate(classes, 1)]
    }  # fmt: skip
    path = folder / "coco.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def write_chips(folder: Path, classes: Sequence[str], count: int = 4, size: int = 40) -> Path:
    """A folder of chips for each class; class i is bright in the columns of block i, at a row of its own."""
    for number, label in enumerate(classes):
        for i in range(count):
            image = picture_with([(8 * number, 6 * i, 7, 12)], (size, size + 2), 100 * number + i)
            save_png(folder / label / f"{i}.png", image)
    return folder


def write_captions(
    folder: Path, rows: Sequence[tuple[str, str]], columns: Sequence[str] = ("imgpath", "caption")
) -> Path:
    """`captions.csv` beside the pictures that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(sorted({name for name, _ in rows})):
        if name:
            save_png(folder / name, picture_with([(40.0 * number, 30, 30, 30)], (200, 160), number))
    path = folder / "captions.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


TRANSFORM = from_origin(391_000.0, 3_737_000.0, 5.0, 5.0)
UTM = "EPSG:32611"


def write_scene(path: Path, image: np.ndarray, crs: str | None = UTM) -> Path:
    """A GeoTIFF (h, w) of 5 m pixels in UTM zone 11 N, or without a reference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile: dict[str, Any] = {
        "driver": "GTiff", "width": image.shape[1], "height": image.shape[0], "count": 1, "dtype": image.dtype.name
    }  # fmt: skip
    if crs:
        profile |= {"crs": crs, "transform": TRANSFORM}
    with rasterio.open(path, "w", **profile) as target:
        target.write(image, 1)
    return path


def write_geojson(path: Path, features: Sequence[tuple[dict[str, Any], Any]], crs: str | None = None) -> Path:
    """A FeatureCollection of (properties, geometry)."""
    content: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": p, "geometry": g} for p, g in features],
    }
    if crs:
        content["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
