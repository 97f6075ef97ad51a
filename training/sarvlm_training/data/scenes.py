"""Whole pictures with boxes or regions: SSDD, Sentinel-1 pairs, aircraft scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from sarvlm_training.concepts import Vocabulary

from .augment import hide_spacing, vary_radiometry
from .chips import read_grey, resize
from .samples import (
    CELLS,
    CROP_PX,
    IGNORE,
    NEGATIVE,
    FloatImage,
    LabelMap,
    Sample,
    amplitude_levels,
    cell_mean,
    inside,
    polygon_share,
    turn,
)

REGION_KEYS = {
    "sea": "sea", "lake or reservoir": "lake", "river or channel": "river", "beach": "beach", "harbour": "harbour",
    "dense city": "urban", "suburb": "suburb", "industrial area": "industrial", "storage tanks": "storage_tank",
    "airport": "airport", "runway": "runway", "motorway": "road", "farm fields": "field", "orchard": "orchard",
    "forest": "forest", "scrubland hills": "scrub", "mountains": "mountain", "bare desert": "desert",
    "dry lake bed": "dry_lake", "golf course or park": "park", "solar farm": "solar_farm", "quarry or mine": "quarry",
    "bridge": "bridge", "dam": "dam", "pier": "pier", "breakwater": "breakwater",
}  # fmt: skip
REGION_UNSURE = {
    "mountain": ["scrub", "forest", "desert", "grassland"],
    "scrub": ["mountain", "forest", "grassland", "desert", "park", "quarry"],
    "forest": ["scrub", "mountain", "park"],
    "suburb": ["building", "road", "park", "skyscraper"],
    "urban": ["building", "road", "suburb", "skyscraper", "industrial"],
    "industrial": ["building", "road", "storage_tank", "container_terminal", "skyscraper"],
    "airport": ["runway", "grassland", "road", "aircraft", "building"],
    "harbour": ["ship", "ship_moored", "pier", "sea", "water", "container_terminal", "ship_at_sea", "breakwater"],
    "field": ["grassland", "orchard", "desert", "road"],
    "park": ["grassland", "forest"],
    "sea": ["beach"],
}


def crop_at(image: FloatImage, row0: int, col0: int) -> FloatImage:
    """A (256, 256) crop; what lies beyond the lower or right border is mirrored."""
    part = image[max(row0, 0) : row0 + CROP_PX, max(col0, 0) : col0 + CROP_PX]
    while part.shape[0] < CROP_PX or part.shape[1] < CROP_PX:
        part = np.pad(
            part,
            ((0, min(CROP_PX - part.shape[0], part.shape[0])), (0, min(CROP_PX - part.shape[1], part.shape[1]))),
            mode="symmetric",
        )
    return part


def beyond(shape: tuple[int, int], row0: int, col0: int) -> NDArray[np.bool_]:
    """Cells of a crop that lie beyond the picture (mirrored content)."""
    edge = (np.arange(CELLS) + 1) * 8
    return np.asarray((edge[:, None] + row0 > shape[0]) | (edge[None] + col0 > shape[1]))


class Ssdd:
    """Ships with rotated boxes on pictures of several sensors (1 to 15 m)."""

    def __init__(self, root: Path, vocabulary: Vocabulary, keep: set[int] | None = None) -> None:
        self.vocabulary = vocabulary
        coco = json.loads((root / "ssdd/train.json").read_text())
        by_image: dict[int, list[FloatImage]] = {}
        for annotation in coco["annotations"]:
            corners = np.array(annotation["segmentation"][0], np.float32).reshape(-1, 2)
            by_image.setdefault(annotation["image_id"], []).append(corners)
        self.pictures = [
            (read_grey(root / "ssdd" / image["file_name"]), by_image.get(image["id"], []))
            for image in coco["images"]
            if keep is None or image["id"] in keep
        ]

    def draw(self, rng: np.random.Generator) -> Sample:
        """A crop at a random scale, seven in ten aimed at a ship."""
        image, boxes = self.pictures[int(rng.integers(len(self.pictures)))]
        median, ratio = amplitude_levels(image)
        factor = float(np.exp(rng.uniform(np.log(0.5), np.log(1.7)))) if rng.random() < 0.7 else 1.0
        scaled = resize(image, factor) if factor != 1.0 else image
        boxes = [box * factor for box in boxes]
        aim = boxes[int(rng.integers(len(boxes)))].mean(0) if boxes and rng.random() < 0.7 else None
        if aim is None:
            row0 = int(rng.integers(max(1, scaled.shape[0] - CROP_PX + 1)))
            col0 = int(rng.integers(max(1, scaled.shape[1] - CROP_PX + 1)))
        else:
            row0, col0 = (
                int(np.clip(place - rng.uniform(0.2, 0.8) * CROP_PX, 0, max(0, size - CROP_PX)))
                for place, size in ((aim[1], scaled.shape[0]), (aim[0], scaled.shape[1]))
            )
        labels = LabelMap.knowing(self.vocabulary, "vehicle", "aircraft", "ship")
        share = polygon_share([box - (col0, row0) for box in boxes])
        labels.paint("ship", share)
        labels.set(["ship_at_sea", "ship_moored"], IGNORE, share > 0)
        labels.set(["forest", "field", "desert", "storage_tank", "runway"], NEGATIVE, share >= 0.3)
        labels.values[:, beyond(scaled.shape, row0, col0)] = IGNORE
        sample = Sample(crop_at(scaled, row0, col0) / median, ratio, 0.0, labels)
        if min(scaled.shape[0] - row0, scaled.shape[1] - col0) >= CROP_PX:
            middles = [box.mean(0) - (col0, row0) for box in boxes]
            sample.objects = inside([("ship", float(x), float(y)) for x, y in middles])
        sample = vary_radiometry(sample, rng)
        return turn(sample, int(rng.integers(4)), bool(rng.random() < 0.5))


def _corners(col0: float, row0: float, col1: float, row1: float) -> FloatImage:
    """Corners (4, 2) of an upright rectangle."""
    return np.array([(col0, row0), (col1, row0), (col1, row1), (col0, row1)], np.float32)


@dataclass(frozen=True, slots=True)
class Pair:
    """One Sentinel-1 tile, the Sentinel-2 picture of the same ground in grey, and the hand-drawn regions."""

    image: FloatImage
    optical: FloatImage
    regions: dict[str, list[list[int]]]
    boxes: dict[str, list[list[float]]]
    lines: dict[str, list[dict[str, object]]]


class SentinelPairs:
    """Sentinel-1 VH tiles with land cover drawn by hand from the optical twin.

    Each crop brings the optical picture of its ground along; with `optical`
    that picture stands in the place of the radar image (stage 1).
    """

    def __init__(self, root: Path, vocabulary: Vocabulary, *, validation: bool = False, optical: bool = False) -> None:
        self.vocabulary = vocabulary
        self.optical = optical
        table = json.loads(resources.files(__package__).joinpath("s1_regions.json").read_text(encoding="utf-8"))
        held = set(table["validation"])
        self.cell_px = int(table["cell_px"])
        self.pairs = [
            Pair(
                read_grey(root / f"s1s2_pairs/sar/{name}.jpg"),
                read_grey(root / f"s1s2_pairs/opt/{name}.jpg"),
                entry["regions"],
                entry.get("boxes", {}),
                entry.get("lines", {}),
            )
            for name, entry in table["pairs"].items()
            if (name in held) == validation
        ]
        found = [{REGION_KEYS[label] for label in pair.regions if label in REGION_KEYS} for pair in self.pairs]
        self.by_key = {key: [i for i, keys in enumerate(found) if key in keys] for key in set().union(*found)}

    def draw(self, rng: np.random.Generator) -> Sample:
        """A crop aimed at a region of a class drawn at random, so that rare ones are seen."""
        keys = sorted(self.by_key)
        key = keys[int(rng.integers(len(keys)))]
        pair = self.pairs[int(rng.choice(self.by_key[key]))]
        rectangles = [r for label, rs in pair.regions.items() if REGION_KEYS.get(label) == key for r in rs]
        c0, r0, c1, r1 = rectangles[int(rng.integers(len(rectangles)))]
        aim_col = rng.uniform(c0, c1) * self.cell_px
        aim_row = rng.uniform(r0, r1) * self.cell_px
        col0 = int(np.clip(aim_col - rng.uniform(0.2, 0.8) * CROP_PX, 0, pair.image.shape[1] - CROP_PX))
        row0 = int(np.clip(aim_row - rng.uniform(0.2, 0.8) * CROP_PX, 0, pair.image.shape[0] - CROP_PX))
        return self.crop(pair, row0, col0, rng)

    def crop(self, pair: Pair, row0: int, col0: int, rng: np.random.Generator) -> Sample:
        """The crop at a place with its labels, augmented."""
        amplitude = crop_at(pair.image, row0, col0)
        labels = LabelMap.knowing(self.vocabulary, "vehicle", "aircraft")
        labels.set(["aircraft"], NEGATIVE)
        self._label_regions(labels, pair, row0, col0)
        self._label_ships(labels, pair, row0, col0, amplitude)
        median, ratio = amplitude_levels(pair.image)
        level, optical_ratio = amplitude_levels(pair.optical)
        seen = crop_at(pair.optical, row0, col0) / level
        if self.optical:
            labels.values[self.vocabulary.group_rows("ship")] = IGNORE
            sample = Sample(seen, optical_ratio, 8.3, labels, [])
        else:
            sample = Sample(amplitude / median, ratio, 8.3, labels, [], optical=seen)
        sample = vary_radiometry(sample, rng, 0.7)
        return hide_spacing(turn(sample, int(rng.integers(4)), bool(rng.random() < 0.5)), rng)

    def _label_regions(self, labels: LabelMap, pair: Pair, row0: int, col0: int) -> None:
        cover = self.vocabulary.group_rows("cover", "structure")
        shares: dict[str, NDArray[np.float32]] = {}
        for label, rectangles in pair.regions.items():
            if label not in REGION_KEYS:
                continue
            corners = [_corners(*rectangle) * self.cell_px for rectangle in rectangles]
            shares[REGION_KEYS[label]] = polygon_share([box - (col0, row0) for box in corners])
        for label, boxes in pair.boxes.items():
            if label in REGION_KEYS:
                outlines = [_corners(*box) - (col0, row0) for box in boxes]
                key = REGION_KEYS[label]
                shares[key] = np.maximum(shares.get(key, 0), polygon_share(outlines))
        labelled = np.zeros((CELLS, CELLS), bool)
        for share in shares.values():
            labelled |= share > 0.6
        block = labels.values[cover]
        block[:, labelled] = NEGATIVE
        labels.values[cover] = block
        for key, share in shares.items():
            labels.set(REGION_UNSURE.get(key, []), IGNORE, share > 0)
        for key, share in shares.items():
            labels.paint(key, share, least=0.6)
        for label, lines in pair.lines.items():
            if label in REGION_KEYS:
                polygons = [_thicken(line) - (col0, row0) for line in lines]
                labels.paint(REGION_KEYS[label], polygon_share(polygons), least=0.25)

    def _label_ships(self, labels: LabelMap, pair: Pair, row0: int, col0: int, amplitude: FloatImage) -> None:
        sea = labels.values[self.vocabulary.index["sea"]] == 1
        bright = cell_mean((amplitude > 4 * np.median(amplitude) + 20).astype(np.float32)) > 0
        land = labels.values[self.vocabulary.index["sea"]] == NEGATIVE
        labels.set(["ship", "ship_at_sea", "ship_moored"], NEGATIVE, (sea & ~bright) | land)
        harbour = labels.values[self.vocabulary.index["harbour"]] != NEGATIVE
        labels.set(["ship", "ship_moored", "ship_at_sea"], IGNORE, harbour & ~sea)
        boxes = [np.array([(a, b), (c, b), (c, d), (a, d)], np.float32) for a, b, c, d in pair.boxes.get("ship", [])]
        share = polygon_share([box - (col0, row0) for box in boxes])
        labels.paint("ship_at_sea", share)
        labels.set(["sea", "water"], IGNORE, share > 0)


def _thicken(line: dict[str, object]) -> FloatImage:
    """Outline polygon of a polyline {"width": px, "points": [[x, y], ...]}."""
    points = np.array(line["points"], np.float32)
    half = float(line["width"]) / 2 + 2.0  # type: ignore[arg-type]
    along = np.gradient(points, axis=0)
    normal = np.stack((-along[:, 1], along[:, 0]), axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    return np.concatenate((points + half * normal, (points - half * normal)[::-1])).astype(np.float32)


class AircraftScenes:
    """Nine SAR-AIRcraft pictures of airports with upright boxes."""

    def __init__(self, root: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        folder = root / "sar_aircraft_sample"
        present = {path.name: path for path in sorted(folder.glob("*.jpg"))}
        self.pictures = []
        for entry in ElementTree.parse(folder / "annotations.xml").getroot():
            name = entry.findtext("filename", "")
            if name in present:
                boxes = [
                    [float(box.findtext(side, "0")) for side in ("xmin", "ymin", "xmax", "ymax")]
                    for box in entry.iter("bndbox")
                ]
                self.pictures.append((read_grey(present[name]), np.array(boxes, np.float32)))

    def draw(self, rng: np.random.Generator) -> Sample:
        """A crop aimed at an aircraft."""
        image, boxes = self.pictures[int(rng.integers(len(self.pictures)))]
        x0, y0, x1, y1 = boxes[int(rng.integers(len(boxes)))]
        row0 = int(np.clip((y0 + y1) / 2 - rng.uniform(0.2, 0.8) * CROP_PX, 0, max(0, image.shape[0] - CROP_PX)))
        col0 = int(np.clip((x0 + x1) / 2 - rng.uniform(0.2, 0.8) * CROP_PX, 0, max(0, image.shape[1] - CROP_PX)))
        labels = LabelMap.knowing(self.vocabulary, "ship", "vehicle", "aircraft")
        labels.set(["vehicle", "wheeled", "zil131"], IGNORE)
        labels.set(["sea", "forest", "harbour"], NEGATIVE)
        centres, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        ring = polygon_share([_box(c, s * 1.15) - (col0, row0) for c, s in zip(centres, sizes, strict=True)]) > 0
        core = polygon_share([_box(c, s * 0.55) - (col0, row0) for c, s in zip(centres, sizes, strict=True)])
        rows = self.vocabulary.group_rows("aircraft")
        layer = labels.values[rows]
        layer[:, ring] = IGNORE
        labels.values[rows] = layer
        labels.paint("aircraft", core, least=0.5)
        median, ratio = amplitude_levels(image)
        middles = [("aircraft", float(x) - col0, float(y) - row0) for x, y in centres]
        sample = Sample(crop_at(image, row0, col0) / median, ratio, 1.0, labels, objects=inside(middles))
        sample = vary_radiometry(sample, rng)
        return hide_spacing(turn(sample, 0, bool(rng.random() < 0.5)), rng)


def _box(centre: NDArray[np.float32], size: NDArray[np.float32]) -> FloatImage:
    half = size / 2
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float32)
    return np.asarray(centre + signs * half, dtype=np.float32)
