"""COCO files and lists of COCO results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError

from .json_files import finite_numbers, numbers
from .outlines import Notes, Outline

_SHOWN_IDS: Final = 3


def coco_outlines(content: object, scene: Scene, path: Path, notes: Notes) -> list[Outline]:
    """The objects of the scene's image.

    Raises
    ------
    QueryError
        It is no such content, the image is not among its images or has
        another size, or an annotation cannot be used.
    """
    if isinstance(content, list):
        annotations, images, names = _entries(content, "results", path), [], {}
    elif isinstance(content, dict) and isinstance(content.get("annotations"), list):
        annotations = _entries(content["annotations"], "annotations", path)
        images = _entries(content.get("images") or [], "images", path)
        names = _names(content.get("categories"))
    else:
        raise QueryError(f"{path} is neither COCO nor GeoJSON: it has no annotations and no features; check the file.")
    if images:
        wanted = _image_ids(images, scene, path, notes)
        own = [entry for entry in annotations if str(entry.get("image_id")) in wanted]
    else:
        own = _of_scene(annotations, scene, path, notes)
    crowds = [entry for entry in own if entry.get("iscrowd")]
    notes.count(len(crowds), "that stand for a crowd left out")
    return [_outline(entry, names, path, notes) for entry in own if not entry.get("iscrowd")]


def _image_of(entry: Mapping[str, Any]) -> str:
    """The id of an annotation's image; of results that name its file, that name."""
    return image_name(entry) or str(entry.get("image_id"))


def _entries(value: object, what: str, path: Path) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise QueryError(f"{path} has {what} that are no list of objects; give a COCO file.")
    return value


def _names(categories: object) -> dict[str, str]:
    """Names of the classes by id; what has none is left out."""
    listed = categories if isinstance(categories, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    return {str(entry["id"]): str(entry["name"]).strip() for entry in entries if "id" in entry and entry.get("name")}


def image_name(entry: Mapping[str, Any]) -> str:
    """The bare file name of an image, in whatever system its path was written."""
    return PurePosixPath(str(entry.get("file_name", "")).replace("\\", "/")).name


def _image_ids(images: Sequence[Mapping[str, Any]], scene: Scene, path: Path, notes: Notes) -> set[str]:
    """Ids of the entries that mean the scene."""
    own = [entry for entry in images if is_scene(image_name(entry), scene)]
    if not own and len(images) == 1 and _size(images[0]) == (scene.width, scene.height):
        notes.add(f"Boxes of “{image_name(images[0])}”, the only image of the file, which has the scene's size.")
        own = list(images)
    if not own:
        first, more = image_name(images[0]), f" and {len(images) - 1} more" if len(images) > 1 else ""
        raise QueryError(
            f"{path} has boxes of “{first}”{more} and none of {scene.path.name}; "
            "give the results of this scene, or name the image in the file as the scene."
        )
    for entry in own:
        size = _size(entry)
        if size is not None and size != (scene.width, scene.height):
            raise QueryError(
                f"{path} was made on an image of {size[0]} x {size[1]} px, but {scene.path} has "
                f"{scene.width} x {scene.height} px; give results of this very image."
            )
    return {str(entry.get("id")) for entry in own}


def is_scene(name: str, scene: Scene) -> bool:
    """Whether a file name, or one without its ending, means the scene."""
    known = {scene.path.name.casefold(), scene.path.stem.casefold(), scene.name.casefold()}
    return name.casefold() in known or PurePosixPath(name).stem.casefold() in known


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    size = finite_numbers([entry.get("width"), entry.get("height")])
    return None if size is None or min(size) <= 0 else (int(size[0]), int(size[1]))


def _of_scene(entries: list[dict[str, Any]], scene: Scene, path: Path, notes: Notes) -> list[dict[str, Any]]:
    """Of results without a list of images: those of the scene, or all where they are of one image."""
    images = [_image_of(entry) for entry in entries]
    ids = list(dict.fromkeys(images))
    known = {each for each in ids if is_scene(each, scene)}
    if known:
        return [entry for entry, image in zip(entries, images, strict=True) if image in known]
    if len(ids) > 1:
        shown = ", ".join(ids[:_SHOWN_IDS])
        raise QueryError(
            f"{path} has boxes of {len(ids)} images ({shown} ...) and does not tell which is "
            f"{scene.path.name}; give a COCO file with its “images”, or the results of this scene alone."
        )
    if ids:
        notes.add("The file does not name the scene, so that all its boxes are taken for this scene's.")
    return entries


def _outline(entry: Mapping[str, Any], names: Mapping[str, str], path: Path, notes: Notes) -> Outline:
    label = _label(entry, names, notes)
    score = entry.get("score")
    told = numbers([score]) if score is not None else None
    if score is not None and told is None:
        raise QueryError(f"{path} has a score that is no number ({str(score)[:40]}); correct the file.")
    polygon = _polygon(entry.get("segmentation"), notes)
    bbox = numbers(entry.get("bbox"), 4)
    if bbox is None and (polygon is None or entry.get("bbox") is not None):
        raise QueryError(f"{path} has a box that is not [x, y, width, height] ({entry.get('bbox')}); correct it.")
    extent = None if bbox is None else (bbox[0], bbox[1], bbox[2], bbox[3])
    if polygon is None and extent is not None:
        polygon = _upright(extent)
    elif extent is not None and min(extent[2:]) <= 0:
        extent = None
    corners = np.zeros((0, 2)) if polygon is None else polygon
    return Outline(label, told[0] if told else None, corners, extent)


def _label(entry: Mapping[str, Any], names: Mapping[str, str], notes: Notes) -> str:
    number = str(entry.get("category_id"))
    if number in names:
        return names[number]
    given = entry.get("category_name") or entry.get("category")
    if isinstance(given, str) and given.strip():
        return given.strip()
    notes.add(f"The file does not name class {number}; its boxes are labelled “class {number}”.")
    return f"class {number}"


def _polygon(segmentation: object, notes: Notes) -> NDArray[np.float64] | None:
    """Corners of all parts of an object; None where there is no outline."""
    if isinstance(segmentation, dict):
        notes.add("Objects with a mask instead of an outline are taken by their upright boxes.")
        return None
    rings = segmentation if isinstance(segmentation, list) else []
    flat = rings if rings and not isinstance(rings[0], list) else None
    parts = [numbers(ring) for ring in ([flat] if flat is not None else rings)]
    usable = [part for part in parts if part is not None and len(part) >= 6 and len(part) % 2 == 0]
    if not usable:
        return None
    corners = np.concatenate([np.array(part, np.float64).reshape(-1, 2) for part in usable])
    closed = len(usable) == 1 and len(corners) > 3 and bool((corners[0] == corners[-1]).all())
    return corners[:-1] if closed else corners


def _upright(bbox: tuple[float, float, float, float]) -> NDArray[np.float64]:
    col, row, width, height = bbox
    if width < 0 or height < 0:
        return np.full((4, 2), (col, row), np.float64)
    return np.array([(col, row), (col + width, row), (col + width, row + height), (col, row + height)], np.float64)
