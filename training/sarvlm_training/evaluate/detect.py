"""A detector held against the boxes of a COCO file: average precision, upright or by polygons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.boxes import upright_corners
from sarvlm_app.core.detection_picture import detect_picture
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.importing.json_files import read_json
from sarvlm_app.core.importing.outlines import rectangle_around
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.api import Detector
from sarvlm_models.types import Detections, StoredClass

from .coco_api import UprightImage, upright_ap
from .coco_boxes import Box, BoxedImage, BoxedImages, words_of
from .detection_ap import MAX_DETECTIONS, ClassAp, Matches, coco_ap, rotated_ious, upright_ious, voc_ap

LEAST_SCORE: Final = 0.01
"""Boxes below are not asked for: they stand at the far end of every curve."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a detector is measured.

    Attributes
    ----------
    classes : tuple of StoredClass
        Those of the file, in its order.
    rotated : bool
        By the smallest rectangles around `segmentation`; else upright, by `bbox`.
    spacing_m : float or None
        Ground metres per pixel of all images, where known.
    most : int
        Boxes of a class that count in one image, the best ones.
    """

    classes: tuple[StoredClass, ...]
    rotated: bool = False
    spacing_m: float | None = None
    most: int = MAX_DETECTIONS


@dataclass(frozen=True, slots=True)
class Figures:
    """Average precision and the like, of a class or as means over the classes that have boxes.

    Attributes
    ----------
    ap50, ap : float or None
        By the rules of COCO over 101 points, at an overlap of 0.5 and as the
        mean over 0.5, 0.55 ... 0.95; None where there is no box.
    recall : float or None
        Share of the boxes found at an overlap of 0.5.
    voc07_ap50, allpoint_ap50 : float or None
        By the rules of Pascal VOC at an overlap of 0.5, over 11 points and under the whole curve.
    n : int
        Boxes.
    """

    ap50: float | None
    ap: float | None
    recall: float | None
    voc07_ap50: float | None
    allpoint_ap50: float | None
    n: int


@dataclass(frozen=True, slots=True)
class DetectionScores:
    """What `evaluate_detector` measured.

    Attributes
    ----------
    everything : Figures
        Means over the classes that have boxes; `n` is the number of their boxes.
    per_class : dict of class name to Figures
    found : tuple of (BoxedImage, Detections)
        The boxes that counted, image by image.
    faults : dict of Path to str
        Images that could not be read, which do not count.
    """

    everything: Figures
    per_class: dict[str, Figures]
    found: tuple[tuple[BoxedImage, Detections], ...]
    faults: dict[Path, str]


def asked_classes(
    categories: Sequence[str], names: Path | None, stored: Sequence[StoredClass]
) -> tuple[StoredClass, ...]:
    """What to ask a detector for each category of a file.

    The words of NAMES.json; of a category that it does not give, the
    detector's own class of that name (in any case of letters), else the name.

    Raises
    ------
    QueryError
        NAMES.json is no object of strings or lists of strings.
    """
    given = {} if names is None else read_json(names)
    if not isinstance(given, dict):
        raise QueryError(f"{names} is no JSON object; give the words for each label as a string or a list of strings.")
    known = {one.name.casefold(): one for one in stored}
    classes = []
    for name in categories:
        own = known.get(name.strip().casefold())
        if name not in given and own is not None:
            classes.append(replace(own, name=name))
        else:
            classes.append(StoredClass(name, words_of(given.get(name, name), name, names)))
    return tuple(classes)


def require_outlines(data: BoxedImages, path: Path) -> None:
    """Make sure that rotated boxes can be told from a file.

    Raises
    ------
    QueryError
        A box has no outline of at least four points.
    """
    without = [box for image in data.images for box in image.boxes if not box.crowd and _points(box) < 4]
    if without:
        raise QueryError(
            f"{path} has {len(without)} boxes without an outline of four points or more in “segmentation”, which "
            "--rotated is held against; add the outlines, or leave --rotated out to measure upright boxes."
        )


def _points(box: Box) -> int:
    return sum(len(polygon) for polygon in box.polygons)


def evaluate_detector(detector: Detector, data: BoxedImages, asked: Asked, ctx: JobContext) -> DetectionScores:
    """Measure a detector over all images of a file.

    Parameters
    ----------
    detector : Detector
    data : BoxedImages
    asked : Asked
    ctx : JobContext
        Told of each image; the place to cancel.

    Raises
    ------
    QueryError
        There is no box to hold the detector against.
    SceneError
        Not a single image can be read.
    """
    if not any(not (box.crowd or box.ignored) for image in data.images for box in image.boxes):
        raise QueryError("There is no box to hold the detector against; give a COCO file with annotations.")
    vectors = detector.class_vectors(asked.classes)
    found: list[tuple[BoxedImage, Detections]] = []
    faults: dict[Path, str] = {}
    for done, image in enumerate(data.images):
        ctx.step(done, len(data.images), "Looking at images")
        try:
            amplitude = read_picture(image.path)
        except SceneError as fault:
            faults[image.path] = str(fault)
            continue
        boxes = detect_picture(amplitude, detector, asked.classes, LEAST_SCORE, asked.spacing_m, vectors)
        found.append((image, _best_of_each_class(boxes, asked.most)))
    if not found:
        raise SceneError(f"None of the {len(faults)} images can be read; the first: {next(iter(faults.values()))}")
    ctx.step(len(data.images), len(data.images), "Holding the boxes against the true ones")
    everything, each = measure(found, data.categories, asked)
    return DetectionScores(everything, each, tuple(found), faults)


def _best_of_each_class(boxes: Detections, most: int) -> Detections:
    """At most `most` boxes of each class, best first."""
    order = np.lexsort((-boxes.scores, boxes.class_ids))
    ids = boxes.class_ids[order]
    rank = np.arange(len(ids)) - np.searchsorted(ids, ids, side="left")
    kept = order[rank < most]
    return boxes.take(kept[np.argsort(-boxes.scores[kept], kind="stable")])


def measure(
    found: Sequence[tuple[BoxedImage, Detections]], categories: Mapping[int, str], asked: Asked
) -> tuple[Figures, dict[str, Figures]]:
    """Hold found boxes (class ids in the order of `categories`) against the true ones: means, and class by class."""
    place = {key: i for i, key in enumerate(categories)}
    images = [_upright(image, boxes, place) for image, boxes in found]
    matches = [_matches(image, boxes, upright, asked) for (image, boxes), upright in zip(found, images, strict=True)]
    of_class = [[image[k] for image in matches] for k in range(len(categories))]
    if asked.rotated:
        coco = [coco_ap(each, asked.most) for each in of_class]
    else:
        coco = upright_ap(images, len(categories), asked.most)
    figures = [_figures(ap, *voc_ap(each)) for ap, each in zip(coco, of_class, strict=True)]
    return _means(figures), dict(zip(categories.values(), figures, strict=True))


def _upright(image: BoxedImage, boxes: Detections, place: Mapping[int, int]) -> UprightImage:
    return UprightImage(
        boxes.bbox_px.astype(np.float64),
        boxes.scores.astype(np.float64),
        boxes.class_ids.astype(np.int_),
        np.array([box.bbox for box in image.boxes], np.float64).reshape(-1, 4),
        np.array([place[box.category] for box in image.boxes], np.int_),
        np.array([box.crowd for box in image.boxes], np.bool_),
        np.array([box.crowd or box.ignored for box in image.boxes], np.bool_),
    )


def _matches(image: BoxedImage, boxes: Detections, upright: UprightImage, asked: Asked) -> list[Matches]:
    """Found against true boxes, class by class."""
    corners = _true_corners(image, upright.true) if asked.rotated else None
    result = []
    for k in range(len(asked.classes)):
        own, true = upright.classes == k, upright.true_classes == k
        crowd, ignored = upright.crowd[true], upright.ignored[true]
        if corners is None:
            ious = upright_ious(upright.found[own], upright.true[true], crowd)
        else:
            ious = rotated_ious(boxes.corners_px[own], corners[true], crowd)
        result.append(Matches(upright.scores[own], ious, crowd, ignored))
    return result


def _true_corners(image: BoxedImage, bbox: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rectangles (g, 4, 2) around outlines; of a crowd without one its upright box."""
    corners = upright_corners(bbox).astype(np.float64)
    for place, box in enumerate(image.boxes):
        if box.polygons:
            corners[place] = rectangle_around(np.concatenate(box.polygons))
    return corners


def _figures(coco: ClassAp, voc07: float, allpoint: float) -> Figures:
    if not coco.n:
        return Figures(None, None, None, None, None, 0)
    return Figures(float(coco.ap[0]), float(coco.ap.mean()), float(coco.recall[0]), voc07, allpoint, coco.n)


def _means(figures: Sequence[Figures]) -> Figures:
    present = [each for each in figures if each.n]

    def mean(name: str) -> float:
        return float(np.mean([getattr(each, name) for each in present]))

    boxes = sum(each.n for each in present)
    return Figures(mean("ap50"), mean("ap"), mean("recall"), mean("voc07_ap50"), mean("allpoint_ap50"), boxes)


def write_predictions(
    path: Path, found: Sequence[tuple[BoxedImage, Detections]], categories: Mapping[int, str]
) -> None:
    """Write the boxes that counted as a list of COCO results, with the names of images and classes beside the ids.

    Raises
    ------
    StorageError
        The place cannot be written to.
    """
    ids = list(categories)
    lines = [
        json.dumps(_prediction(image, boxes, i, ids), ensure_ascii=False, allow_nan=False)
        for image, boxes in found
        for i in range(len(boxes))
    ]
    with replace_when_done(path) as part:
        part.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _prediction(image: BoxedImage, boxes: Detections, i: int, ids: Sequence[int]) -> dict[str, Any]:
    number = int(boxes.class_ids[i])
    return {
        "image_id": int(image.id) if image.id.isdecimal() else image.id,
        "file_name": image.path.name,
        "category_id": ids[number],
        "category_name": boxes.names[number],
        "bbox": [round(float(v), 3) for v in boxes.bbox_px[i]],
        "segmentation": [[round(float(v), 3) for v in boxes.corners_px[i].ravel()]],
        "score": round(float(boxes.scores[i]), 6),
    }
