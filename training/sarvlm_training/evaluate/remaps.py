"""The same chips as other displays show them: six remaps of the MSTAR raw chips, one folder and table each.

``python -m sarvlm_training.evaluate.remaps SET OUT``; SET holds `test.csv` (column `path`) and its pictures. The shared
chips are already cut at their 99.8th percentile, so a stretch to their maximum is that one.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sarvlm_app.core.pictures import read_picture
from sarvlm_models.types import Float32

DYNAMIC_RANGE_DB: Final = 50.0


def clipped(amplitude: Float32, percentile: float) -> Float32:
    """Cut at a percentile and stretched to 0..1."""
    top = max(float(np.percentile(amplitude, percentile)), 1e-6)
    return np.asarray(np.minimum(amplitude / top, 1.0), np.float32)


def decibels(amplitude: Float32) -> Float32:
    """The upper 50 dB of the amplitude as 0..1."""
    level = 20.0 * np.log10(np.maximum(amplitude, 1e-6) / max(float(amplitude.max()), 1e-6))
    return np.asarray(np.clip(1.0 + level / DYNAMIC_RANGE_DB, 0.0, 1.0), np.float32)


def equalised(amplitude: Float32) -> Float32:
    """Every grey value by the share of pixels that are not brighter."""
    places = np.searchsorted(np.sort(amplitude, axis=None), amplitude, side="right")
    return np.asarray(places / amplitude.size, np.float32)


REMAPS: Final[Mapping[str, Callable[[Float32], Float32]]] = {
    "percentile-99.8": lambda amplitude: clipped(amplitude, 100.0),
    "percentile-98": lambda amplitude: clipped(amplitude, 98.0),
    "percentile-95": lambda amplitude: clipped(amplitude, 95.0),
    "square-root": lambda amplitude: np.sqrt(clipped(amplitude, 100.0)),
    "decibels-50": decibels,
    "equalised": equalised,
}


def to_bytes(image: Float32) -> NDArray[np.uint8]:
    """0..1 as 8 bits."""
    return np.asarray(np.round(255.0 * np.clip(image, 0.0, 1.0)), np.uint8)


def write_remaps(source: Path, out: Path) -> None:
    """Write `out`/REMAP/test.csv and its pictures as PNG for every remap."""
    with (source / "test.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pictures = [read_picture(source / row["path"]) for row in rows]
    for name, remap in REMAPS.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "test.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            for number, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
                path = f"{number:04d}.png"
                Image.fromarray(to_bytes(remap(picture))).save(folder / path)
                table.writerow(row | {"path": path})


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the remaps of a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="SET")
    parser.add_argument("out", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    write_remaps(options.source, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
