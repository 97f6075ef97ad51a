"""`sarvlm evaluate detect`: boxes of a detector against those of a COCO file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sarvlm_app.cli.evaluating import note_faults, rounded, show
from sarvlm_app.cli.output import require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.errors import StorageError
from sarvlm_app.paths import data_dir

if TYPE_CHECKING:
    from sarvlm_training.evaluate.detect import Figures


def detect(options: argparse.Namespace) -> int:
    """Average precision of a detector; see INTERFACE.md."""
    from sarvlm_models.registry import load_detector
    from sarvlm_training.evaluate.coco_boxes import read_coco
    from sarvlm_training.evaluate.detect import (
        Asked,
        asked_classes,
        evaluate_detector,
        require_outlines,
        write_predictions,
    )

    path = Path(options.coco)
    data = read_coco(path, Path(options.root))
    names = list(data.categories.values())
    asked_classes(names, options.names, ())  # its faults are told before anything heavy is loaded
    if options.rotated:
        require_outlines(data, path)
    if options.predictions:
        if options.predictions.resolve() == path.resolve():
            raise StorageError(f"{path} holds the true boxes and is not overwritten; choose another file name.")
        require_places([options.predictions])
    with Progress("Loading the detector") as progress:
        detector = load_detector(options.detector, options.device, data_dir())
        classes = asked_classes(names, options.names, detector.spec.classes)
        asked = Asked(classes, options.rotated, options.spacing, options.max_detections)
        scores = evaluate_detector(detector, data, asked, progress)
    if options.predictions:
        write_predictions(options.predictions, scores.found, data.categories)
    everything = scores.everything
    result = {
        "model": detector.spec.model_id,
        "rotated": options.rotated,
        "map50": everything.ap50,
        "map": everything.ap,
        "recall": everything.recall,
        "voc07_map50": everything.voc07_ap50,
        "allpoint_map50": everything.allpoint_ap50,
        "n": len(scores.found),
        "boxes": everything.n,
        "max_detections": options.max_detections,
        "per_class": {one.name: {"words": list(one.words), **asdict(scores.per_class[one.name])} for one in classes},
        "unreadable": len(scores.faults),
        "faults": [{"path": str(place), "reason": reason} for place, reason in scores.faults.items()],
    }
    show(options, rounded(result), _lines(everything, scores.per_class))
    note_faults(scores.faults, len(data.images))
    return 0


def _lines(everything: Figures, classes: Mapping[str, Figures]) -> list[str]:
    lines = ["  AP50      AP  recall  VOC07 AP50  all-point AP50  boxes  class"]
    for name, row in [("all (means)", everything), *classes.items()]:
        shown = ["-" if v is None else f"{v:.4f}" for v in (row.ap50, row.ap, row.recall)]
        voc = ["-" if v is None else f"{v:.4f}" for v in (row.voc07_ap50, row.allpoint_ap50)]
        lines.append(f"{shown[0]:>6}  {shown[1]:>6}  {shown[2]:>6}  {voc[0]:>10}  {voc[1]:>14}  {row.n:5d}  {name}")
    return lines
