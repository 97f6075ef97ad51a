"""Average precision of upright boxes by pycocotools, as everybody counts it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .detection_ap import ClassAp

_IGNORED_AREA = -1.0
"""pycocotools knows only crowds as ignored; another true box is, by an area outside all ranges."""


@dataclass(frozen=True, slots=True)
class UprightImage:
    """Upright boxes of one image: those found with class and score, and the true ones.

    Attributes
    ----------
    found : float64 (d, 4)
        col, row, width, height.
    scores : float64 (d,)
    classes : int (d,)
    true : float64 (g, 4)
    true_classes : int (g,)
    crowd, ignored : bool (g,)
    """

    found: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int_]
    true: NDArray[np.float64]
    true_classes: NDArray[np.int_]
    crowd: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


def upright_ap(images: Sequence[UprightImage], classes: int, most: int) -> list[ClassAp]:
    """What pycocotools measures of classes 0 to `classes` - 1; see `coco_ap`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    true: list[Mapping[str, object]] = []
    found: list[Mapping[str, object]] = []
    for number, image in enumerate(images, 1):
        true += _true(image, number, len(true))
        found += _found(image, number, len(found))
    head = {"images": [{"id": i + 1} for i in range(len(images))], "categories": [{"id": i} for i in range(classes)]}
    with contextlib.redirect_stdout(io.StringIO()):
        sets = []
        for annotations in (true, found):
            coco = COCO()
            coco.dataset = {**head, "annotations": annotations}
            coco.createIndex()
            sets.append(coco)
        run = COCOeval(*sets, iouType="bbox")
        run.params.maxDets = [most]
        run.params.areaRng, run.params.areaRngLbl = run.params.areaRng[:1], run.params.areaRngLbl[:1]
        run.evaluate()
        run.accumulate()
    precision, recall = run.eval["precision"][..., 0, 0], run.eval["recall"][..., 0, 0]
    counts = [sum(int(((image.true_classes == k) & ~image.ignored).sum()) for image in images) for k in range(classes)]
    nothing = np.full(len(run.params.iouThrs), np.nan)
    return [
        ClassAp(precision[:, :, k].mean(axis=1), recall[:, k], n) if n else ClassAp(nothing, nothing, 0)
        for k, n in enumerate(counts)
    ]


def _true(image: UprightImage, number: int, before: int) -> list[Mapping[str, object]]:
    rows = zip(
        image.true.tolist(), image.true_classes.tolist(), image.crowd.tolist(), image.ignored.tolist(), strict=True
    )
    return [
        {
            "id": before + place,
            "image_id": number,
            "category_id": category,
            "bbox": box,
            "area": _IGNORED_AREA if ignored and not crowd else box[2] * box[3],
            "iscrowd": int(crowd),
        }
        for place, (box, category, crowd, ignored) in enumerate(rows, 1)
    ]


def _found(image: UprightImage, number: int, before: int) -> list[Mapping[str, object]]:
    rows = zip(image.found.tolist(), image.classes.tolist(), image.scores.tolist(), strict=True)
    return [
        {
            "id": before + place,
            "image_id": number,
            "category_id": category,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": 0,
            "score": score,
        }
        for place, (box, category, score) in enumerate(rows, 1)
    ]
