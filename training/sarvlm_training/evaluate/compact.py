"""The numbers of the compact model's card, on pictures that it was not trained on.

``python -m sarvlm_training.evaluate.compact [--weights FILE] [--data DIR] [--json]``
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sarvlm_app.core.query import TextVectors, score_vectors, smooth
from sarvlm_models.compact import CompactEncoder, load_compact_file
from sarvlm_models.device import choose_device
from sarvlm_models.types import SceneStats, TextQuery
from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.data.chips import ACD_KEYS, MSTAR_SPACING_M, TSX_KEYS, mstar_key, read_grey, resize, rows_of
from sarvlm_training.data.samples import amplitude_levels
from sarvlm_training.data.scenes import REGION_KEYS, SentinelPairs
from sarvlm_training.validation import ssdd_validation_ids

TEMPLATES = ("{}", "a SAR image of {}", "a radar image of {}")
MSTAR_NAMES = {
    "s2s1": ["2S1 self-propelled howitzer"], "bmp2": ["BMP-2 infantry fighting vehicle"], "brdm2": ["BRDM-2 scout car"],
    "btr60": ["BTR-60 armoured personnel carrier"], "btr70": ["BTR-70 armoured personnel carrier"],
    "d7": ["D7 bulldozer"], "t62": ["T-62 main battle tank"], "t72": ["T-72 main battle tank"],
    "zil131": ["ZIL-131 truck"], "zsu234": ["ZSU-23-4 self-propelled anti-aircraft gun"],
}  # fmt: skip
ACD_NAMES = {
    "a220": ["Airbus A220"], "a320": ["Airbus A320 or A321"], "a330": ["Airbus A330"], "arj21": ["ARJ21"],
    "b737": ["Boeing 737"], "b787": ["Boeing 787"],
}  # fmt: skip
TSX_NAMES = {
    "field": ["farm fields", "agriculture"], "container_terminal": ["stacked containers", "container terminal"],
    "forest": ["forest"], "industrial": ["industrial buildings"], "suburb": ["residential area"],
    "skyscraper": ["skyscrapers"], "storage_tank": ["storage tanks"], "water": ["water"],
}  # fmt: skip
TSX_UNSEEN = {
    "field": ["acres under the plough"], "container_terminal": ["boxes awaiting shipment by sea"],
    "forest": ["a stand of pines"], "industrial": ["production plant with big sheds"],
    "suburb": ["family homes with gardens"], "skyscraper": ["very high office blocks"],
    "storage_tank": ["drums that hold petrol"], "water": ["the surface of a bay"],
}  # fmt: skip


def stats_of(amplitude: NDArray[np.float32]) -> SceneStats:
    """Statistics of a picture as the application would take them of a scene."""
    median, ratio = amplitude_levels(amplitude)
    return SceneStats(median, median * ratio)


def class_vectors(encoder: CompactEncoder, names: dict[str, list[str]]) -> NDArray[np.float32]:
    """One unit vector a class: the mean over its names in all templates (classes, d)."""
    rows = []
    for words in names.values():
        vectors = encoder.encode_text([t.format(word) for word in words for t in TEMPLATES]).mean(0)
        rows.append(vectors / np.linalg.norm(vectors))
    return np.stack(rows)


Chip = tuple[NDArray[np.float32], str]


def classify(
    encoder: CompactEncoder, chips: Sequence[Chip], names: dict[str, list[str]], spacing: float | None
) -> dict[str, float]:
    """Zero-shot accuracy of chips (amplitude, class key) by text: overall and mean of classes."""
    keys = list(names)
    texts = class_vectors(encoder, names)
    hits: dict[str, list[bool]] = {key: [] for key in keys}
    for amplitude, key in chips:
        vector = encoder.encode_chips([amplitude**2], stats_of(amplitude), spacing)[0]
        hits[key].append(keys[int((texts @ vector).argmax())] == key)
    flat = [hit for row in hits.values() for hit in row]
    return {
        "top1": round(float(np.mean(flat)), 4),
        "mean_per_class": round(float(np.mean([np.mean(row) for row in hits.values() if row])), 4),
        "n": len(flat),
    }


def mstar_chips(root: Path) -> list[Chip]:
    """Raw 15-degree chips, low-passed and brought to 0.3 m as a known spacing asks for."""
    rows = rows_of(root / "mstar_raw15/test.csv")
    images = [gaussian_filter(read_grey(root / "mstar_raw15" / row["path"]), 1.2) for row in rows]
    return [(resize(i, 0.2 / MSTAR_SPACING_M), mstar_key(row["target"])) for i, row in zip(images, rows, strict=True)]


def aircraft_chips(root: Path) -> list[Chip]:
    """SAR-ACD test chips at native scale."""
    rows = rows_of(root / "sar_acd/test.csv")
    return [(read_grey(root / "sar_acd" / row["path"]), ACD_KEYS[row["aircraft"]]) for row in rows]


def landcover_chips(root: Path) -> list[Chip]:
    """TerraSAR-X test chips."""
    with np.load(root / "tsx_landcover/test.npz") as arrays:
        iq = arrays["iq"].astype(np.float32) * arrays["scale"].astype(np.float32).reshape(-1, 1, 1, 1)
    chips = np.sqrt((iq**2).sum(axis=1 if iq.shape[1] == 2 else 3))
    return [(chips[int(row["row"])], TSX_KEYS[row["class"]]) for row in rows_of(root / "tsx_landcover/test.csv")]


def score_picture(encoder: CompactEncoder, amplitude: NDArray[np.float32], text: str) -> NDArray[np.float32]:
    """The application's scores of a picture for a text, at stride 8."""
    cell = encoder.spec.cell_px
    padded = np.pad(amplitude, ((0, -amplitude.shape[0] % cell), (0, -amplitude.shape[1] % cell)), mode="symmetric")
    patches = encoder.encode_patches(padded**2, stats_of(amplitude), None)
    prompts = TextVectors(encoder).prompts(TextQuery(text))
    return smooth(score_vectors(patches, prompts))


def ship_pointing(encoder: CompactEncoder, root: Path, text: str) -> dict[str, float]:
    """Share of kept-back SSDD pictures with ships whose best cell lies in a ship; brightest pixel beside it."""
    coco = json.loads((root / "ssdd/train.json").read_text())
    held = ssdd_validation_ids(root)
    boxes: dict[int, list[NDArray[np.float64]]] = {}
    for annotation in coco["annotations"]:
        boxes.setdefault(annotation["image_id"], []).append(np.array(annotation["segmentation"][0]).reshape(-1, 2))
    hits, bright, above = [], [], []
    for image in coco["images"]:
        if image["id"] not in held or image["id"] not in boxes:
            continue
        amplitude = read_grey(root / "ssdd" / image["file_name"])
        scores = score_picture(encoder, amplitude, text)
        row, col = np.unravel_index(int(np.nanargmax(scores)), scores.shape)
        hits.append(_inside((col + 0.5) * 8, (row + 0.5) * 8, boxes[image["id"]], 4.0))
        above.append(float(np.nanmax(scores)) > 0.6)
        row, col = np.unravel_index(int(gaussian_filter(amplitude, 2.0).argmax()), amplitude.shape)
        bright.append(_inside(col + 0.5, row + 0.5, boxes[image["id"]], 0.0))
    return {
        "pointing": round(float(np.mean(hits)), 4),
        "stands_out": round(float(np.mean(above)), 4),
        "brightest_pixel": round(float(np.mean(bright)), 4),
        "n": len(hits),
    }


def _inside(x: float, y: float, polygons: Sequence[NDArray[np.float64]], slack: float) -> bool:
    from shapely.geometry import Point, Polygon

    return any(Polygon(p).buffer(slack).contains(Point(x, y)) for p in polygons)


REGION_NAMES = {
    "sea": ["open sea"], "suburb": ["residential streets"], "industrial": ["industrial area"], "field": ["farm fields"],
    "scrub": ["hills with low bushes"], "mountain": ["mountains"], "airport": ["airport"], "park": ["golf course"],
}  # fmt: skip


def region_accuracy(encoder: CompactEncoder, root: Path) -> dict[str, float]:
    """Places of kept-back Sentinel-1 tiles named among eight kinds of ground, against regions drawn by hand."""
    source = SentinelPairs(root, load_vocabulary(), validation=True)
    texts = class_vectors(encoder, REGION_NAMES)
    hits: dict[str, list[NDArray[np.bool_]]] = {key: [] for key in REGION_NAMES}
    for pair in source.pairs:
        patches = encoder.encode_patches(pair.image**2, stats_of(pair.image), 8.3).astype(np.float32)
        best = (patches @ texts.T).argmax(-1)
        for label, rectangles in pair.regions.items():
            key = REGION_KEYS.get(label, "")
            for c0, r0, c1, r1 in rectangles if key in hits else ():
                inside = best[r0 * 8 : r1 * 8, c0 * 8 : c1 * 8]
                hits[key].append((inside == list(REGION_NAMES).index(key)).ravel())
    shares = [float(np.concatenate(rows).mean()) for rows in hits.values() if rows]
    return {
        "mean_per_class": round(float(np.mean(shares)), 4),
        "classes": len(shares),
        "n": int(sum(len(np.concatenate(rows)) for rows in hits.values() if rows)),
    }


def absent_alarms(encoder: CompactEncoder, root: Path, texts: Sequence[str]) -> dict[str, float]:
    """Share of (kept-back picture, absent text) pairs where something stands out above 0.6."""
    coco = json.loads((root / "ssdd/train.json").read_text())
    held = ssdd_validation_ids(root)
    pictures = [read_grey(root / "ssdd" / i["file_name"]) for i in coco["images"] if i["id"] in held][:40]
    alarms = [bool(np.nanmax(score_picture(encoder, picture, text)) > 0.6) for picture in pictures for text in texts]
    return {"false_alarms": round(float(np.mean(alarms)), 4), "n": len(alarms)}


def measure(encoder: CompactEncoder, root: Path) -> dict[str, Any]:
    """All measures of the card."""
    landcover = landcover_chips(root)
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "mstar_raw15_ten_way": lambda: classify(encoder, mstar_chips(root), MSTAR_NAMES, MSTAR_SPACING_M),
        "sar_acd_test": lambda: classify(encoder, aircraft_chips(root), ACD_NAMES, 1.0),
        "tsx_landcover_test": lambda: classify(encoder, landcover, TSX_NAMES, None),
        "tsx_landcover_unseen_words": lambda: classify(encoder, landcover, TSX_UNSEEN, None),
        "s1_validation_regions": lambda: region_accuracy(encoder, root),
        "ssdd_validation_ship": lambda: ship_pointing(encoder, root, "ship"),
        "ssdd_validation_unseen_words": lambda: ship_pointing(encoder, root, "a coaster steaming along"),
        "ssdd_validation_absent": lambda: absent_alarms(
            encoder, root, ("a column of tanks in the desert", "an elephant", "parked airliners", "a football stadium")
        ),
    }
    return {name: part() for name, part in parts.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path("resources/weights/sarclip-compact.safetensors"))
    parser.add_argument("--text", type=Path, default=Path("resources/weights"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    encoder = load_compact_file(options.weights, options.text, choose_device("cpu"))
    torch.set_num_threads(options.threads)
    print(json.dumps({"weights": encoder.spec.weights_sha256, **measure(encoder, options.data)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
