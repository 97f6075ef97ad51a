"""How often something stands out that is not there.

``python -m sarvlm_training.evaluate.absent COCO ROOT [--model M]`` asks pictures of ships for four things that none of
them shows and prints, as JSON, the share of (picture, sentence) pairs in which a place reaches the threshold.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.patches import picture_patches
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.core.query import TextVectors, score_vectors, smooth
from sarvlm_app.errors import SarvlmError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.registry import load_encoder
from sarvlm_models.types import TextQuery

from .coco_boxes import read_coco

ABSENT: Final = ("a column of tanks in the desert", "an elephant", "parked airliners", "a football stadium")


def false_alarms(encoder: DenseEncoder, pictures: Sequence[Path]) -> tuple[float, int]:
    """Share of pairs with an alarm, and the number of pairs."""
    texts = TextVectors(encoder)
    questions = [TextQuery(text) for text in ABSENT]
    prompts = [texts.prompts(question) for question in questions]
    alarms: list[bool] = []
    for path in pictures:
        patches = picture_patches(encoder, read_picture(path))
        best = [float(np.nanmax(smooth(score_vectors(patches, asked)))) for asked in prompts]
        alarms += [score > question.threshold for score, question in zip(best, questions, strict=True)]
    return float(np.mean(alarms)), len(alarms)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("coco", type=Path, metavar="COCO")
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("--model")
    options = parser.parse_args(arguments)
    try:
        images = read_coco(options.coco, options.root).images
        share, pairs = false_alarms(load_encoder(options.model), [image.path for image in images])
    except SarvlmError as fault:
        print(fault, file=sys.stderr)
        return 1
    print(json.dumps({"false_alarms": round(share, 4), "n": pairs}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
