"""Lengths and headings of ships held against AIS, on the Sentinel-1 chips of OpenSARShip.

``python -m sarvlm_training.evaluate.ship_sizes ../shared/data/opensarship [--detector FILE]`` prints one JSON object.
A chip shows one ship of known length and heading; the box that lies nearest to its middle is held against it. The chips
have no georeference: pixels are 10 m, and north is told for each product by the heading of its ships in the picture.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from sarvlm_app.core.boxes import sides_px
from sarvlm_app.core.detection_picture import detect_picture
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import QueryError, SarvlmError
from sarvlm_models.api import BoxFitter, Detector
from sarvlm_models.types import Detections, StoredClass

PIXEL_M = 10.0
LEAST_SCORE = 0.05
SURE_HEADING_DEG = 10.0
"""Ships whose picture lies this much off their AIS heading are measured apart: they were turning, or AIS was late."""


@dataclass(frozen=True, slots=True)
class Ship:
    """A row of `ships.csv`: degrees clockwise from the top of the picture, or from north."""

    path: Path
    product: str
    length_m: float
    heading_deg: float
    in_picture_deg: float
    north_deg: float


def read_ships(folder: Path) -> list[Ship]:
    """The ships of the table.

    Raises
    ------
    QueryError
        The table is not there or lacks a column.
    """
    table = folder / "ships.csv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            return [
                Ship(folder / row["path"], row["product"], float(row["ais_length_m"]), float(row["ais_heading_deg"]),
                     float(row["chip_direction_deg"]), float(row["north_direction_deg"]))
                for row in csv.DictReader(file)
            ]  # fmt: skip
    except OSError as fault:
        raise QueryError(f"{table} cannot be read ({fault.strerror}); name the folder of OpenSARShip.") from fault
    except (KeyError, ValueError) as fault:
        raise QueryError(f"{table} is not the table of OpenSARShip ({fault}); name its folder.") from fault


def norths(ships: Sequence[Ship]) -> dict[str, float]:
    """For each product the heading of what points up in its pictures, which are mirrored: degrees."""
    by_product: dict[str, list[float]] = {}
    for ship in ships:
        by_product.setdefault(ship.product, []).append((ship.north_deg + ship.in_picture_deg) % 360.0)
    return {product: median(values) for product, values in by_product.items()}


def axis_error(a: float, b: float) -> float:
    """Degrees between two axes, 0..90."""
    return abs((a - b + 90.0) % 180.0 - 90.0)


def measured(ships: Sequence[Ship], detector: Detector) -> dict[str, float | int | None]:
    """Median errors over the ships found."""
    ship = next((one for one in detector.spec.classes if one.name == "ship"), StoredClass("ship", ("ship", "vessel")))
    vectors, up = detector.class_vectors([ship]), norths(ships)
    lengths, ratios, headings, sure = [], [], [], []
    hits = 0
    for one in ships:
        amplitude = np.sqrt(np.maximum(read_picture(one.path), 0.0)).astype(np.float32)  # sigma0 is an intensity
        found = detect_picture(amplitude, detector, [ship], LEAST_SCORE, None, vectors)
        if isinstance(detector, BoxFitter) and len(found):
            found = detector.fitted(found, [ship])
        best = _middle_one(found, amplitude.shape)
        if best is None:
            continue
        hits += 1
        length, _, angle = (values[0] for values in sides_px(found.corners_px[best : best + 1]))
        if one.length_m > 0:  # AIS does not tell it of all
            ratios.append(float(length) * PIXEL_M / one.length_m)
            lengths.append(abs(ratios[-1] - 1.0))
        if not 0 <= one.heading_deg < 360:
            continue
        # from the columns' direction to the top of the picture, and the picture is mirrored
        heading = up[one.product] - (float(np.degrees(angle)) + 90.0)
        headings.append(axis_error(heading, one.heading_deg))
        if axis_error(one.north_deg, one.heading_deg) <= SURE_HEADING_DEG:
            sure.append(headings[-1])
    return {
        "n": len(ships), "found": hits, "length_error": _median(lengths), "length_ratio": _median(ratios),
        "heading_error_deg": _median(headings), "sure": len(sure), "heading_error_sure_deg": _median(sure),
    }  # fmt: skip


def _middle_one(found: Detections, shape: tuple[int, int]) -> int | None:
    """The box whose middle lies nearest to that of the chip, weighed by its score."""
    if not len(found):
        return None
    off = found.corners_px.mean(axis=1) - np.array([shape[1] / 2, shape[0] / 2])
    distance = np.hypot(off[:, 0], off[:, 1]) / max(shape)
    return int(np.argmax(found.scores - 2.0 * distance))


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 4) if values else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detector", help="name or weight file (default: the compact SARDet)")
    options = parser.parse_args(arguments)
    from sarvlm_models.registry import load_detector

    try:
        figures = measured(read_ships(options.folder), load_detector(options.detector, "cpu"))
    except SarvlmError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
