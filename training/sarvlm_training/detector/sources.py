"""Pictures with boxes for the detector, and how crops are drawn from each set."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sarvlm_training.data.augment import vary_radiometry
from sarvlm_training.data.chips import mstar_key, read_grey, resize, rows_of
from sarvlm_training.data.samples import FloatImage, LabelMap, Sample, amplitude_levels
from sarvlm_training.data.scenes import REGION_KEYS
from sarvlm_training.validation import ssdd_training_ids

from .crops import CROP_PX, Crop, Picture, View, crop_of


@dataclass(frozen=True, slots=True)
class Drawing:
    """How crops are drawn from a set.

    Attributes
    ----------
    scales : (float, float)
        Least and largest scale (drawn evenly in the logarithm).
    native : float
        Share of the crops at the picture's own scale.
    turned : float
        Share of the crops turned by any angle; the others by quarters where `quarters`.
    quarters : bool
        Whether shadows and layover leave the picture free to be turned.
    aimed : float
        Share of the crops aimed at an object.
    remap : float
        Strength of `vary_radiometry`.
    """

    scales: tuple[float, float]
    native: float = 0.3
    turned: float = 0.0
    quarters: bool = True
    aimed: float = 0.75
    remap: float = 1.0


class Source:
    """Pictures of a set and the way crops are drawn from them."""

    def __init__(
        self, name: str, pictures: list[Picture], drawing: Drawing, weights: NDArray[np.float64] | None = None
    ) -> None:
        self.name = name
        self.pictures = pictures
        self.drawing = drawing
        even = np.ones(len(pictures)) if weights is None else weights
        self.chances = even / even.sum()

    def draw(self, rng: np.random.Generator) -> Crop:
        """A crop, its radiometry varied."""
        picture = self.pick(rng)
        crop = crop_of(picture, self._view(picture, rng), self.name)
        sample = Sample(crop.relative, crop.ratio, 0.0, _NO_LABELS)
        varied = vary_radiometry(_grained(sample, rng), rng, self.drawing.remap)
        crop.relative, crop.ratio = varied.relative, varied.ratio
        return crop

    def pick(self, rng: np.random.Generator) -> Picture:
        """A picture, by its weight."""
        return self.pictures[int(rng.choice(len(self.pictures), p=self.chances))]

    def _view(self, picture: Picture, rng: np.random.Generator) -> View:
        drawing = self.drawing
        low, high = (math.log(s) for s in drawing.scales)
        scale = 1.0 if rng.random() < drawing.native else math.exp(rng.uniform(low, high))
        angle = float(rng.integers(4)) * math.pi / 2 if drawing.quarters else 0.0
        if rng.random() < drawing.turned:
            angle = float(rng.uniform(-math.pi, math.pi))
        if picture.keys and rng.random() < drawing.aimed:
            aim = picture.corners[int(rng.integers(len(picture.keys)))].mean(0)
            at = rng.uniform(0.15, 0.85, 2) * CROP_PX
        else:
            aim, at = _known_place(picture, rng), np.full(2, CROP_PX / 2)
        view = View(
            (float(aim[0]), float(aim[1])), (float(at[0]), float(at[1])), scale, angle, bool(rng.random() < 0.5)
        )
        return _shifted_inside(view, picture.amplitude.shape) if view.is_right else view


def _known_place(picture: Picture, rng: np.random.Generator) -> NDArray[np.float64]:
    """A place (col, row) drawn from the ground of which something is known."""
    place = np.zeros(2)
    for _ in range(8):
        place = np.array([rng.uniform(0, edge) for edge in picture.amplitude.shape[::-1]])
        if picture.ignore is None or not picture.ignore[int(place[1]), int(place[0])]:
            break
    return place


def _shifted_inside(view: View, shape: tuple[int, ...]) -> View:
    """The view moved so that it shows as little as possible of what lies beyond the picture."""
    matrix = view.matrix()
    ends = np.array([(0.0, 0.0), (shape[1], shape[0])]) @ matrix[:, :2].T + matrix[:, 2]
    low, high = ends.min(0), ends.max(0)
    spare = CROP_PX - (high - low)
    moved = np.clip(low, np.minimum(spare, 0.0), np.maximum(spare, 0.0))
    at = np.array(view.at) + moved - low
    return replace(view, at=(float(at[0]), float(at[1])))


def _grained(sample: Sample, rng: np.random.Generator) -> Sample:
    """Speckle of many looks drawn anew on a share of the crops: sensors differ in it."""
    if rng.random() < 0.25:
        looks = float(np.exp(rng.uniform(np.log(4.0), np.log(40.0))))
        grain = np.sqrt(rng.gamma(looks, 1.0 / looks, sample.relative.shape))
        sample.relative = np.asarray(sample.relative * grain, np.float32)
    return sample


_NO_LABELS = LabelMap.__new__(LabelMap)


def _picture(
    amplitude: NDArray[np.float32], keys: list[str], corners: Any, upright: Any, rotated: bool, ignore: Any = None
) -> Picture:
    level, ratio = amplitude_levels(amplitude)
    return Picture(
        amplitude, level, ratio, keys, np.asarray(corners, np.float64).reshape(-1, 4, 2),
        np.asarray(upright, np.float64).reshape(-1, 4), np.full(len(keys), rotated), ignore,
    )  # fmt: skip


def box_corners(upright: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (n, 4, 2) of upright boxes left, top, right, bottom (n, 4)."""
    return upright[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)


def coco_pictures(path: Path, root: Path, key: Callable[[str], str], keep: set[int] | None = None) -> list[Picture]:
    """Pictures of a COCO file; rotated boxes where `segmentation` has four corners."""
    coco = json.loads(path.read_text(encoding="utf-8"))
    names = {c["id"]: key(c["name"]) for c in coco["categories"]}
    notes: dict[int, list[dict[str, Any]]] = {}
    for note in coco["annotations"]:
        notes.setdefault(note["image_id"], []).append(note)
    found = []
    for image in coco["images"]:
        if keep is not None and image["id"] not in keep:
            continue
        mine = notes.get(image["id"], [])
        boxes = np.array([n["bbox"] for n in mine], np.float64).reshape(-1, 4)
        upright = np.concatenate((boxes[:, :2], boxes[:, :2] + boxes[:, 2:]), axis=1)
        rotated = bool(mine) and all(len(n.get("segmentation") or [[]]) and len(n["segmentation"][0]) == 8
                                     if n.get("segmentation") else False for n in mine)  # fmt: skip
        corners = [n["segmentation"][0] for n in mine] if rotated else box_corners(upright)
        found.append(_picture(read_grey(root / image["file_name"]), [names[n["category_id"]] for n in mine], corners,
                              upright, rotated))  # fmt: skip
    return found


def ssdd(data: Path) -> Source:
    """SSDD's training part; pictures with land and with many ships come more often."""
    pictures = coco_pictures(data / "ssdd/train.json", data / "ssdd", lambda _name: "ship", ssdd_training_ids(data))
    weights = np.array([1.0 + 2.0 * _land(p) + 0.15 * min(len(p.keys), 10) for p in pictures])
    return Source("ssdd", pictures, Drawing((0.45, 1.9), turned=0.35), weights)


def _land(picture: Picture) -> float:
    """Share of bright ground outside the ships, 0..1 in steps that matter (0.1 and more counts as land in view)."""
    from scipy.ndimage import uniform_filter

    smooth = uniform_filter(picture.amplitude, 25)
    mask = np.ones(smooth.shape, bool)
    for x0, y0, x1, y1 in picture.upright:
        mask[max(0, int(y0) - 12) : int(y1) + 12, max(0, int(x0) - 12) : int(x1) + 12] = False
    outside = smooth[mask]
    if outside.size == 0:
        return 0.0
    share = float((outside > 2.2 * np.percentile(smooth, 10) + 8).mean())
    return min(1.0, share / 0.1)


class MstarScenes(Source):
    """MSTAR chips in clutter, and more training chips pasted into it as the makers of the scenes did.

    Boxes are upright squares around vehicle and shadow; shadows point one way, so nothing is turned.
    """

    PASTED = 0.65
    """Share of the crops in whose picture chips are pasted."""

    def __init__(self, pictures: list[Picture], chips: list[FloatImage], keys: list[str]) -> None:
        super().__init__(
            "mstar", pictures, Drawing((0.45, 1.1), native=0.5, quarters=False, aimed=0.9, remap=0.6)
        )  # fmt: skip
        self._chips = chips
        self._by_key = {key: [i for i, k in enumerate(keys) if k == key] for key in sorted(set(keys))}

    def pick(self, rng: np.random.Generator) -> Picture:
        """A picture, with up to five more vehicles of kinds drawn evenly."""
        picture = super().pick(rng)
        if rng.random() >= self.PASTED:
            return picture
        amplitude, boxes, keys = picture.amplitude.copy(), picture.upright.tolist(), list(picture.keys)
        for _ in range(int(rng.integers(2, 6))):
            key = str(rng.choice(list(self._by_key)))
            chip = self._chip(int(rng.choice(self._by_key[key])), rng)
            box = _pasted(amplitude, chip, boxes, rng)
            if box is not None:
                boxes.append(box)
                keys.append(key)
        upright = np.array(boxes, np.float64).reshape(-1, 4)
        return _picture(amplitude, keys, box_corners(upright), upright, False)

    def _chip(self, number: int, rng: np.random.Generator) -> FloatImage:
        """A training chip, a little blurred, scaled and mirrored."""
        chip = gaussian_filter(self._chips[number], float(rng.uniform(0.0, 1.0)))
        chip = resize(chip, float(rng.uniform(0.8, 1.1))) * float(rng.uniform(0.7, 1.3))
        return np.asarray(chip[:, ::-1] if rng.random() < 0.5 else chip, np.float32)


def _pasted(
    amplitude: FloatImage, chip: FloatImage, boxes: list[list[float]], rng: np.random.Generator
) -> list[float] | None:
    """Paste a chip where it hides no other object; gives its box, None where no place was found."""
    height, width = chip.shape
    for _ in range(6):
        row = int(rng.integers(0, max(1, amplitude.shape[0] - height)))
        col = int(rng.integers(0, max(1, amplitude.shape[1] - width)))
        free = all(col + width <= b[0] or col >= b[2] or row + height <= b[1] or row >= b[3] for b in boxes)
        if free:
            amplitude[row : row + height, col : col + width] = chip
            half = np.array([width, height]) * rng.uniform(0.37, 0.48)
            middle = np.array([col + width / 2, row + height / 2]) + rng.normal(0.0, 3.0, 2)
            return [*(middle - half).tolist(), *(middle + half).tolist()]
    return None


def mstar_scenes(data: Path) -> Source:
    """MSTAR scenes and the training chips of 17 degrees."""
    folder = data / "mstar_scenes"
    table = rows_of(data / "mstar/train.csv")
    chips = [read_grey(data / "mstar" / row["path"]) for row in table]
    pictures = coco_pictures(folder / "train.json", folder, mstar_key)
    return MstarScenes(pictures, chips, [mstar_key(row["target"]) for row in table])


def airports(data: Path) -> Source:
    """The nine SAR-AIRcraft pictures."""
    folder = data / "sar_aircraft_sample"
    present = {path.name: path for path in sorted(folder.glob("*.jpg"))}
    pictures = []
    for entry in ElementTree.parse(folder / "annotations.xml").getroot():
        path = present.get(entry.findtext("filename", ""))
        if path is not None:
            sides = ("xmin", "ymin", "xmax", "ymax")
            boxes = np.array([[float(b.findtext(s, "0")) for s in sides] for b in entry.iter("bndbox")])
            pictures.append(_picture(read_grey(path), ["aircraft"] * len(boxes), box_corners(boxes), boxes, False))
    return Source("airports", pictures, Drawing((0.35, 1.3), native=0.3, quarters=True, aimed=0.8))


SIMULATED_KEYS = {"ship at sea": "ship", "moored ship": "ship", "aircraft": "aircraft", "vehicle": "vehicle"}
SEEN_BELOW_M = {"vehicle": 0.6, "aircraft": 5.0, "ship": 20.0}


def simulated(folder: Path) -> Source:
    """Simulated scenes: exact rotated boxes of ships at sea and at piers, vehicles and aircraft."""
    from sarvlm_training.data.simulated import OBJECT_KEYS

    found = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            scene = {name: arrays[name] for name in arrays.files}
        keys, corners = [], []
        ignore = np.zeros(scene["amplitude"].shape, bool)
        ends = np.cumsum(scene["lengths"]).tolist()
        for label, (a, b) in zip(scene["labels"], zip([0, *ends], ends, strict=False), strict=True):
            concept = OBJECT_KEYS.get(str(label), "")
            key = "ship" if concept.startswith("ship") else concept
            if key not in SEEN_BELOW_M:
                continue
            outline = np.asarray(scene["corners"][a:b], np.float64)
            box = _least_rectangle(outline)
            if float(scene["spacing_m"]) > SEEN_BELOW_M[key] or _short_side(box) < 2.0:
                _cover(ignore, outline)
            else:
                keys.append(key)
                corners.append(box)
        outlines = np.array(corners, np.float64).reshape(-1, 4, 2)
        upright = np.concatenate((outlines.min(1), outlines.max(1)), axis=1) if keys else np.zeros((0, 4))
        found.append(_picture(scene["amplitude"].astype(np.float32), keys, outlines, upright, True, ignore))
    weights = np.array([0.3 + min(len(p.keys), 8) for p in found])
    return Source("simulated", found, Drawing((0.5, 1.6), turned=0.25, remap=0.8, aimed=0.8), weights)


def _least_rectangle(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    rectangle = shapely.minimum_rotated_rectangle(shapely.Polygon(outline))
    return np.asarray(rectangle.exterior.coords)[:4]


def _short_side(box: NDArray[np.float64]) -> float:
    return float(min(np.hypot(*(box[1] - box[0])), np.hypot(*(box[2] - box[1]))))


def _cover(ignore: NDArray[np.bool_], outline: NDArray[np.float64]) -> None:
    low, high = np.floor(outline.min(0)).astype(int) - 2, np.ceil(outline.max(0)).astype(int) + 3
    ignore[max(0, low[1]) : max(0, high[1]), max(0, low[0]) : max(0, high[0])] = True


def sentinel(data: Path) -> Source:
    """Sentinel-1 ground drawn as land, and sea without bright spots: no ships there; all other ground is unknown."""
    text = resources.files("sarvlm_training.data").joinpath("s1_regions.json").read_text(encoding="utf-8")
    table = json.loads(text)
    held, cell = set(table["validation"]), int(table["cell_px"])
    pictures = []
    for name, entry in table["pairs"].items():
        if name in held:
            continue
        image = read_grey(data / f"s1s2_pairs/sar/{name}.jpg")
        ignore = np.ones(image.shape, bool)
        for label, rectangles in entry["regions"].items():
            if REGION_KEYS.get(label) not in (None, "harbour", "water", "sea", "beach", "pier", "breakwater"):
                for c0, r0, c1, r1 in rectangles:
                    ignore[r0 * cell : r1 * cell, c0 * cell : c1 * cell] = False
            elif REGION_KEYS.get(label) == "sea":
                dark = image < 4 * np.median(image) + 20
                for c0, r0, c1, r1 in rectangles:
                    part = np.s_[r0 * cell : r1 * cell, c0 * cell : c1 * cell]
                    ignore[part] &= ~dark[part]
        boxes = np.array(entry.get("boxes", {}).get("ship", []), np.float64).reshape(-1, 4)
        for x0, y0, x1, y1 in boxes:
            ignore[max(0, int(y0) - 3) : int(y1) + 4, max(0, int(x0) - 3) : int(x1) + 4] = True
        pictures.append(_picture(image, [], np.zeros((0, 4, 2)), np.zeros((0, 4)), True, ignore))
    return Source("sentinel", pictures, Drawing((0.6, 2.2), native=0.4, remap=0.8))


class Drawn(Iterator[Crop]):
    """Crops without end, from each source by its share.

    Attributes
    ----------
    state : str
        Of the random numbers, to go on from.
    """

    def __init__(self, sources: list[tuple[Source, float]], seed: int) -> None:
        self._sources = [source for source, _ in sources]
        shares = np.array([share for _, share in sources])
        self._shares = shares / shares.sum()
        self._rng = np.random.default_rng(seed)

    def __next__(self) -> Crop:
        return self._sources[int(self._rng.choice(len(self._sources), p=self._shares))].draw(self._rng)

    @property
    def state(self) -> str:
        return json.dumps(self._rng.bit_generator.state)

    @state.setter
    def state(self, state: str) -> None:
        self._rng.bit_generator.state = json.loads(state)
