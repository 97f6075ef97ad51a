"""Which pictures of the training data are kept back to choose by.

``python -m sarvlm_training.validation DATA OUT`` writes those of SSDD as COCO files: all of them, those with land or
piers in view, and the part that is trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

INSHORE = frozenset(
    {25, 85, 173, 177, 215, 267, 275, 284, 285, 579, 584, 599, 600, 603, 812, 817, 844, 849, 854, 873, 916}
)
"""Kept-back SSDD images with land or piers in view, marked by eye."""


def picture_groups(paths: list[Path]) -> list[int]:
    """Group number of each picture; near-identical pictures share one.

    Pictures are compared by 16 x 16 thumbnails standardised to zero mean and
    unit spread; a correlation above 0.9 joins two.
    """
    thumbs = []
    for path in paths:
        with Image.open(path) as picture:
            small = np.asarray(picture.convert("L").resize((16, 16), Image.Resampling.BOX), dtype=np.float32).ravel()
        thumbs.append((small - small.mean()) / (small.std() + 1e-6))
    matrix = np.stack(thumbs) @ np.stack(thumbs).T / 256
    group = list(range(len(paths)))
    for i, j in zip(*np.nonzero(np.triu(matrix > 0.9, 1)), strict=True):
        a, b = group[i], group[j]
        if a != b:
            group = [a if g == b else g for g in group]
    return group


def ssdd_validation_ids(root: Path, share: float = 0.12) -> set[int]:
    """SSDD image ids kept back for validation, whole groups of look-alikes at a time."""
    coco = json.loads((root / "ssdd/train.json").read_text(encoding="utf-8"))
    images = coco["images"]
    groups = picture_groups([root / "ssdd" / image["file_name"] for image in images])
    names = sorted(set(groups))
    chosen: set[int] = set()
    held: set[int] = set()
    for name in np.random.default_rng(7).permutation(names):
        if len(held) >= share * len(images):
            break
        members = {images[i]["id"] for i, g in enumerate(groups) if g == name}
        if len(members) <= 0.05 * len(images):
            chosen.add(int(name))
            held |= members
    return held


def ssdd_training_ids(root: Path) -> set[int]:
    """SSDD image ids to train on."""
    coco = json.loads((root / "ssdd/train.json").read_text(encoding="utf-8"))
    return {image["id"] for image in coco["images"]} - ssdd_validation_ids(root)


def write_ssdd(root: Path, out: Path, ids: set[int]) -> int:
    """Write a part of SSDD as a COCO file (paths relative to `root`/ssdd); gives its number of images."""
    coco = json.loads((root / "ssdd/train.json").read_text(encoding="utf-8"))
    coco["images"] = [image for image in coco["images"] if image["id"] in ids]
    coco["annotations"] = [note for note in coco["annotations"] if note["image_id"] in ids]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(coco), encoding="utf-8")
    return len(coco["images"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the parts as files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    held = ssdd_validation_ids(options.data)
    write_ssdd(options.data, options.out / "ssdd.json", held)
    write_ssdd(options.data, options.out / "ssdd-inshore.json", held & INSHORE)
    write_ssdd(options.data, options.out / "ssdd-train.json", ssdd_training_ids(options.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
