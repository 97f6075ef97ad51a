"""What a score of 0.5 means: the presence at which a detector's boxes are best, by precision and recall together.

``python -m sarvlm_training.detector.calibrate WEIGHTS --coco C.json --root DIR --looks 1 1.25`` finds the threshold
with the best F1 on labelled pictures that training did not see, for one look and for the mean over several ones,
and writes both into the header of the weights: 0.5 is the background.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Score:
    """What is written into the header: see `CompactDetector`."""

    middle: float = 0.0
    looks: tuple[float, ...] = (1.0,)
    looks_middle: float = 0.0


def write_score(path: Path, score: Score) -> None:
    """Write what scores mean into the header of weights, moved into place."""
    with safe_open(str(path), "pt") as file:
        about: dict[str, str] = file.metadata() or {}
    told = {"gain": 1.0, "middle": round(score.middle, 4)}
    several = {"looks": score.looks, "looks_middle": round(score.looks_middle, 4)}
    about["score"] = json.dumps(told | (several if len(score.looks) > 1 else {}))
    content = save(load_file(str(path)), metadata=about)
    with replace_when_done(path) as part:
        part.write_bytes(content)


def calibrated(path: Path, data: BoxedImages, looks: tuple[float, ...]) -> tuple[Score, tuple[float, ...]]:
    """Find and write what scores of one look, and of several where there are, mean; gives it and the F1 of each."""
    from sarvlm_models.registry import load_detector

    def middle(score: Score) -> tuple[float, float]:
        write_score(path, score)
        threshold, f1 = best_threshold(*hits(load_detector(str(path), "cpu"), data))
        return math.log(threshold / (1 - threshold)), f1

    found, f1 = middle(Score())
    score = Score(found)
    best: tuple[float, ...] = (f1,)
    if len(looks) > 1:
        found, f1 = middle(replace(score, looks=looks))
        score, best = replace(score, looks=looks, looks_middle=found), (*best, f1)
    write_score(path, score)
    return score, best


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument(
        "--looks", type=float, nargs="+", default=[1.0], help="magnifications where no spacing is known"
    )
    options = parser.parse_args(arguments)
    try:
        score, f1 = calibrated(options.weights, read_coco(options.coco, options.root), tuple(options.looks))
    except SarvlmError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({**asdict(score), "f1": [round(one, 4) for one in f1]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
