"""What a score of 0.5 means: the presence at which a detector's boxes are best, by precision and recall together.

``python -m sarvlm_training.detector.calibrate WEIGHTS --coco C.json --root DIR`` finds the threshold with the best F1
on labelled pictures that training did not see, and writes it into the header of the weights: 0.5 is the background.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save

from sarvlm_app.core.boxes import polygon_iou, upright_corners
from sarvlm_app.core.detection_picture import detect_picture
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import SarvlmError
from sarvlm_models.api import Detector
from sarvlm_training.evaluate.coco_boxes import BoxedImages, read_coco
from sarvlm_training.evaluate.detect import asked_classes

LEAST_SCORE = 0.02
OVERLAP = 0.5


def hits(detector: Detector, data: BoxedImages) -> tuple[NDArray[np.float64], NDArray[np.bool_], int]:
    """Scores of all boxes, whether each is the first on a true one of its class (upright), and the number of these."""
    classes = asked_classes(list(data.categories.values()), None, detector.spec.classes)
    place = {key: i for i, key in enumerate(data.categories)}
    vectors = detector.class_vectors(classes)
    scores: list[float] = []
    right: list[bool] = []
    total = 0
    for image in data.images:
        found = detect_picture(read_picture(image.path), detector, classes, LEAST_SCORE, None, vectors)
        true = [box for box in image.boxes if not (box.crowd or box.ignored)]
        total += len(true)
        outlines = upright_corners(np.array([box.bbox for box in true], np.float64).reshape(-1, 4))
        ids = np.array([place[box.category] for box in true], np.int64)
        taken = np.zeros(len(true), bool)
        for box, score, own in zip(upright_corners(found.bbox_px), found.scores, found.class_ids, strict=True):
            overlap = polygon_iou(np.repeat(box[None], len(true), axis=0), outlines) if true else np.zeros(0)
            overlap = np.where(taken | (ids != own), 0.0, overlap)
            hit = bool(true) and float(overlap.max()) >= OVERLAP
            if hit:
                taken[int(overlap.argmax())] = True
            scores.append(float(score))
            right.append(hit)
    return np.array(scores), np.array(right, bool), total


def best_threshold(scores: NDArray[np.float64], right: NDArray[np.bool_], total: int) -> tuple[float, float]:
    """The score with the best F1, and that F1."""
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(right[order])
    f1 = 2 * found / (np.arange(1, len(order) + 1) + total)
    best = int(np.argmax(f1))
    return float(scores[order][best]), float(f1[best])


def write_middle(path: Path, middle: float) -> None:
    """Write the logit of presence that scores 0.5 into the header of weights, moved into place."""
    with safe_open(str(path), "pt") as file:
        about: dict[str, str] = file.metadata() or {}
    about["score"] = json.dumps({"gain": 1.0, "middle": round(middle, 4)})
    content = save(load_file(str(path)), metadata=about)
    with replace_when_done(path) as part:
        part.write_bytes(content)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args(arguments)
    from sarvlm_models.registry import load_detector

    try:
        write_middle(options.weights, 0.0)
        data = read_coco(options.coco, options.root)
        threshold, f1 = best_threshold(*hits(load_detector(str(options.weights), "cpu"), data))
        middle = math.log(threshold / (1 - threshold))
        write_middle(options.weights, middle)
    except SarvlmError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({"threshold": round(threshold, 4), "middle": round(middle, 4), "f1": round(f1, 4)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
