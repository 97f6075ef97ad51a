"""From which score, and by which prominence, peaks of a heat map count as objects.

``python -m sarvlm_training.evaluate.count_thresholds [DATA] [--model FILE]``

Prints how often the number of peaks is the number of boxes, over thresholds
and prominences: on the SSDD images to train on, by which to choose, and on
those kept back. A caption states the number that is counted, so this is the
share of images whose caption is right. ``--kind vehicle --coco C.json --root
DIR`` does the same for another kind on other boxes, without a part kept back;
``--kind bridge --absent`` on images that hold none. What is chosen stands in
`sarvlm_app/core/counting.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sarvlm_app.core.counting import COUNTABLES, PROMINENCE, Countable, logit_of, object_logits
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import picture_patches
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.core.prominence import prominent_peaks
from sarvlm_app.core.query import TextVectors, class_prompts
from sarvlm_app.errors import SarvlmError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.registry import load_encoder
from sarvlm_training.validation import ssdd_training_ids

from .coco_boxes import BoxedImage, read_coco

THRESHOLDS: Final = (
    0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98,
)  # fmt: skip
PROMINENCES: Final = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
MOST: Final = 5
TELL_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """One image: its true number, and the logits of its peaks for each prominence."""

    truth: int
    peaks: Mapping[float, tuple[float, ...]]

    def counted(self, threshold: float, prominence: float) -> int:
        """How many peaks lie above a score."""
        least = logit_of(threshold)
        return sum(logit > least for logit in self.peaks[prominence])


@dataclass(frozen=True, slots=True)
class Exact:
    """Shares of images whose number is right: those with one to five objects, those without, those with more."""

    few: float | None
    none: float | None
    more: float | None

    @property
    def by_name(self) -> dict[str, float | None]:
        """As JSON has them."""
        return {"one_to_five": self.few, "none": self.none, "more": self.more}


def see(encoder: DenseEncoder, images: Sequence[BoxedImage], kind: Countable, ctx: JobContext) -> list[Seen]:
    """Peaks of a kind in images whose boxes are all of that kind."""
    prompts = class_prompts(TextVectors(encoder), kind.asked)
    least = logit_of(min(THRESHOLDS))
    found = []
    for done, image in enumerate(images):
        ctx.step(done, len(images), "Scoring images")
        logits = object_logits(picture_patches(encoder, read_picture(image.path)), prompts)
        peaks = {
            prominence: tuple(logit_of(peak.score) for peak in prominent_peaks(logits, 1.0, prominence, least))
            for prominence in PROMINENCES
        }
        found.append(Seen(len(image.boxes), peaks))
    return found


def exact(images: Sequence[Seen], threshold: float, prominence: float) -> Exact:
    """Shares of right numbers."""
    right = [(seen.truth, seen.counted(threshold, prominence) == seen.truth) for seen in images]
    groups = (
        [hit for truth, hit in right if 0 < truth <= MOST],
        [hit for truth, hit in right if truth == 0],
        [hit for truth, hit in right if truth > MOST],
    )
    return Exact(*(round(sum(hits) / len(hits), 4) if hits else None for hits in groups))


def best(images: Sequence[Seen]) -> tuple[float, float]:
    """Threshold and prominence by which most images of up to five objects are right.

    Of equal ones, that whose neighbours on the grid are best too, then the
    higher threshold.
    """
    pairs = [(threshold, prominence) for threshold in THRESHOLDS for prominence in PROMINENCES]
    scores = {pair: exact([seen for seen in images if seen.truth <= MOST], *pair) for pair in pairs}
    shares = {pair: _both(images, scores[pair]) for pair in pairs}

    def around(pair: tuple[float, float]) -> float:
        row, col = THRESHOLDS.index(pair[0]), PROMINENCES.index(pair[1])
        rows, cols = THRESHOLDS[max(0, row - 1) : row + 2], PROMINENCES[max(0, col - 1) : col + 2]
        return sum(shares[threshold, prominence] for threshold in rows for prominence in cols) / (len(rows) * len(cols))

    return max(pairs, key=lambda pair: (shares[pair] + around(pair), pair[0]))


def _both(images: Sequence[Seen], found: Exact) -> float:
    """Share of right numbers over all images with up to five objects, those without among them."""
    few = sum(0 < seen.truth <= MOST for seen in images)
    none = sum(seen.truth == 0 for seen in images)
    return ((found.few or 0.0) * few + (found.none or 0.0) * none) / max(few + none, 1)


def report(parts: Mapping[str, Sequence[Seen]], kind: Countable) -> dict[str, Any]:
    """Shares at the constants of the application and at what is best on the first part, and over the grid."""
    first, *_ = parts
    chosen = best(parts[first])
    rows = {"in use": (kind.threshold, min(PROMINENCES, key=lambda p: abs(p - PROMINENCE))), "best": chosen}
    return {
        "kind": kind.key,
        "images": {name: len(seen) for name, seen in parts.items()},
        **{
            row: {
                "threshold": threshold,
                "prominence": prominence,
                **{name: exact(seen, threshold, prominence).by_name for name, seen in parts.items()},
            }
            for row, (threshold, prominence) in rows.items()
        },
        "grid": {name: _grid(seen) for name, seen in parts.items()},
    }


def _grid(images: Sequence[Seen]) -> dict[str, dict[str, float]]:
    """Shares of right numbers by threshold and prominence."""
    return {
        f"{threshold:g}": {f"{p:g}": round(_both(images, exact(images, threshold, p)), 4) for p in PROMINENCES}
        for threshold in THRESHOLDS
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares as JSON."""
    options = _options(arguments)
    kind = next(kind for kind in COUNTABLES if kind.key == options.kind)
    try:
        encoder = load_encoder(options.model, "cpu")
        if options.coco is not None:
            images = {"all": read_coco(options.coco, options.root or options.coco.parent).images}
        else:
            images = _ssdd(options.data)
        if options.absent:
            images = {name: tuple(replace(image, boxes=()) for image in part) for name, part in images.items()}
        parts = {name: see(encoder, part[:: options.every], kind, _told()) for name, part in images.items()}
    except SarvlmError as fault:
        print(fault, file=sys.stderr)
        return 1
    result = {"model": encoder.spec.model_id, **report(parts, kind)}
    print(json.dumps(result, indent=1))
    return 0


def _told() -> JobContext:
    """Tells of the images on standard error now and then."""

    def tell(done: int, total: int, message: str) -> None:
        if done and done % TELL_EVERY == 0:
            print(f"{message}: {done} of {total}", file=sys.stderr)

    return JobContext(tell)


def _ssdd(data: Path) -> dict[str, tuple[BoxedImage, ...]]:
    """SSDD's images to train on and those kept back."""
    images = read_coco(data / "ssdd" / "train.json", data / "ssdd").images
    training = {str(key) for key in ssdd_training_ids(data)}
    return {
        "training": tuple(image for image in images if image.id in training),
        "kept back": tuple(image for image in images if image.id not in training),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"), help="folder with ssdd/")
    parser.add_argument("--model", help="weights (default: the shipped ones)")
    parser.add_argument("--kind", choices=[kind.key for kind in COUNTABLES], default="ship")
    parser.add_argument("--coco", type=Path, help="other boxes, all of the kind")
    parser.add_argument("--root", type=Path, help="of their images (default: the file's folder)")
    parser.add_argument("--absent", action="store_true", help="the images hold none of the kind, whatever their boxes")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth image")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
