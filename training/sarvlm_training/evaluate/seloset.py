"""Sets for semantic localization in the AIR-SLT form: an image, a sentence, and the regions that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.importing.json_files import finite_numbers, read_json
from sarvlm_app.errors import QueryError, SceneError

from .selo import Polygon

FARTHEST_PX: Final = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One question of a set."""

    image: Path
    caption: str
    regions: tuple[Polygon, ...]


def read_annotations(path: Path, images: Path) -> list[Item]:
    """The items of a file: a list of objects with `jpg_name`, `caption` and `points`.

    Raises
    ------
    QueryError
        It is no such file, or an item in it cannot be used.
    SceneError
        An image it names is not in `images`.
    """
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise QueryError(f"{path} holds no list of items; give one in the form of AIR-SLT (jpg_name, caption, points).")
    return [_item(entry, f"item {number} of {path}", images) for number, entry in enumerate(content, 1)]


def read_regions(path: Path) -> tuple[Polygon, ...]:
    """The polygons of a file that holds `[[[x, y], ...], ...]`.

    Raises
    ------
    QueryError
        It is no such file.
    """
    return parse_regions(read_json(path), str(path))


def parse_regions(value: object, where: str) -> tuple[Polygon, ...]:
    """Polygons float64 (k, 2) from lists of [x, y].

    Raises
    ------
    QueryError
        There is none, or a corner is no pair of numbers within a million pixels.
    """
    if not isinstance(value, list) or not value:
        raise QueryError(f"{where} has no regions; give a list of polygons, [[[x, y], ...], ...].")
    polygons = []
    for number, ring in enumerate(value, 1):
        corners = [finite_numbers(corner, 2) for corner in ring] if isinstance(ring, list) else []
        usable = [corner for corner in corners if corner is not None and max(map(abs, corner)) <= FARTHEST_PX]
        if not corners or len(usable) < len(corners):
            raise QueryError(f"Region {number} of {where} is no list of corners [x, y] in pixels; correct it.")
        polygons.append(np.array(usable, np.float64))
    return tuple(polygons)


def _item(entry: object, where: str, images: Path) -> Item:
    fields: Mapping[str, object] = entry if isinstance(entry, dict) else {}
    name, caption = fields.get("jpg_name"), fields.get("caption")
    if not isinstance(name, str) or not name or not isinstance(caption, str) or not caption.strip():
        raise QueryError(f"{where[0].upper()}{where[1:]} has no jpg_name or no caption; add what is missing.")
    image = images / name
    if not image.is_file():
        raise SceneError(f"{image} is not there, but {where} names it; check --images.")
    return Item(image, caption.strip(), parse_regions(fields.get("points"), where))
