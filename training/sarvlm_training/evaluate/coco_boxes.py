"""Images with boxes from a COCO file, and the words for its classes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.importing.json_files import finite_numbers, read_json
from sarvlm_app.errors import QueryError, SceneError

Polygon = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """One annotated object.

    Attributes
    ----------
    category : int
        Id of its class.
    bbox : (x, y, width, height)
        Upright box in pixels.
    polygons : tuple of float64 (k, 2)
        From `segmentation`; empty where there is none.
    crowd : bool
        Stands for many objects: a peak in it counts neither way.
    ignored : bool
        Need not be found, and a box on it is not wrong (`ignore` of the file).
    """

    category: int
    bbox: tuple[float, float, float, float]
    polygons: tuple[Polygon, ...] = ()
    crowd: bool = False
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class BoxedImage:
    """An image file and the objects in it."""

    id: str
    path: Path
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class BoxedImages:
    """A COCO file: its images, and its classes by id in the order of the file."""

    images: tuple[BoxedImage, ...]
    categories: Mapping[int, str]


def read_coco(path: Path, root: Path) -> BoxedImages:
    """Read a COCO file; what it holds beyond images, boxes and categories is not looked at.

    Raises
    ------
    QueryError
        It is no such file, or an entry in it cannot be used.
    SceneError
        An image it names is not under `root`.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise QueryError(f"{path} is no COCO file: it holds no JSON object; give one with images and annotations.")
    images, annotations, categories = (_entries(content, key, path) for key in ("images", "annotations", "categories"))
    names = {_required(c, "id", int, path, "category"): _required(c, "name", str, path, "category") for c in categories}
    if not names or not images:
        what = "images" if names else "categories"
        raise QueryError(f"{path} names no {what}, so there is nothing to measure; give a COCO file with {what}.")
    by_image: dict[str, list[Box]] = {}
    for annotation in annotations:
        box = _box(annotation, names, path)
        by_image.setdefault(_image_id(annotation, "image_id", path, "annotation"), []).append(box)
    found = [_image(entry, by_image, path, root) for entry in images]
    strange = by_image.keys() - {image.id for image in found}
    if strange:
        raise QueryError(f"{path} has boxes for image {min(strange)}, which it does not list; add the image.")
    return BoxedImages(tuple(found), names)


def read_names(path: Path | None, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Words for each of `keys`, by NAMES.json or, without it or for a key it lacks, the key itself.

    Raises
    ------
    QueryError
        The file is no object of strings or lists of strings.
    """
    given = {} if path is None else read_json(path)
    if not isinstance(given, dict):
        raise QueryError(f"{path} is no JSON object; give the words for each label as a string or a list of strings.")
    return {key: words_of(given.get(key, key), key, path) for key in keys}


def words_of(value: object, key: str, path: Path | None) -> tuple[str, ...]:
    """The words that a NAMES.json gives for a label.

    Raises
    ------
    QueryError
        They are no string nor a list of strings.
    """
    listed = [value] if isinstance(value, str) else value
    if not (isinstance(listed, list) and listed and all(isinstance(w, str) and w.strip() for w in listed)):
        raise QueryError(f"{path} has no words for “{key}”; give a string or a list of strings.")
    return tuple(word.strip() for word in listed)


def _entries(content: Mapping[str, object], key: str, path: Path) -> list[dict[str, object]]:
    entries = content.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise QueryError(f"{path} is no COCO file: it has no list “{key}”; give one with it.")
    return entries


def _required(entry: Mapping[str, object], key: str, kind: type[T], path: Path, what: str) -> T:
    value = entry.get(key)
    if not isinstance(value, kind):
        raise QueryError(f"{path} has a {what} without a usable “{key}” ({json.dumps(entry)[:80]}); correct the file.")
    return value


def _image_id(entry: Mapping[str, object], key: str, path: Path, what: str) -> str:
    """The id of an image, a number or a text, as text."""
    kind = str if isinstance(entry.get(key), str) else int
    return str(_required(entry, key, kind, path, what))


def _box(annotation: Mapping[str, object], names: Mapping[int, str], path: Path) -> Box:
    category = _required(annotation, "category_id", int, path, "annotation")
    if category not in names:
        raise QueryError(f"{path} has a box of category {category}, which it does not name; add it to “categories”.")
    numbers = finite_numbers(annotation.get("bbox"), 4)
    if numbers is None or min(numbers[2:]) < 0:
        raise QueryError(f"{path} has a box that is not [x, y, width, height] ({annotation.get('bbox')}); correct it.")
    x, y, width, height = numbers
    return Box(category, (x, y, width, height), _polygons(annotation), *_flags(annotation))


def _flags(annotation: Mapping[str, object]) -> tuple[bool, bool]:
    """Whether it is a crowd, and whether it is ignored."""
    return bool(annotation.get("iscrowd", 0)), bool(annotation.get("ignore", 0))


def _polygons(annotation: Mapping[str, object]) -> tuple[Polygon, ...]:
    """The outlines of an object; run-length masks and what has no area are left out."""
    given = annotation.get("segmentation")
    rings = [finite_numbers(ring) for ring in given] if isinstance(given, list) else []
    usable = [ring for ring in rings if ring is not None and len(ring) >= 6 and len(ring) % 2 == 0]
    return tuple(np.array(ring, np.float64).reshape(-1, 2) for ring in usable)


def _image(entry: Mapping[str, object], by_image: Mapping[str, Sequence[Box]], path: Path, root: Path) -> BoxedImage:
    key = _image_id(entry, "id", path, "image")
    file = root / _required(entry, "file_name", str, path, "image")
    if not file.is_file():
        raise SceneError(f"{file} is not there, but {path} names it; check --root or take the image out of the file.")
    return BoxedImage(key, file, tuple(by_image.get(key, ())))
