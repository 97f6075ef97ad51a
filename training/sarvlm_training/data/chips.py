"""Chip sets as mosaics: MSTAR vehicles, SAR-ACD aircraft, TerraSAR-X land cover."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from sarvlm_app.errors import SceneError
from sarvlm_training.concepts import Vocabulary

from .augment import hide_spacing, vary_radiometry
from .samples import (
    CELL_PX,
    CELLS,
    CROP_PX,
    IGNORE,
    NEGATIVE,
    FloatImage,
    LabelMap,
    Sample,
    amplitude_levels,
    disc_share,
    inside,
    turn,
)

MSTAR_SPACING_M = 0.3
MSTAR_KEYS = {"2S1": "s2s1", "D7": "d7", "ZSU234": "zsu234", "ZIL131": "zil131"}
ACD_KEYS = {
    "A220": "a220", "A320-A321": "a320", "A330": "a330", "ARJ21": "arj21", "Boeing737": "b737", "Boeing787": "b787",
}  # fmt: skip
TSX_KEYS = {
    "agriculture": "field",
    "container": "container_terminal",
    "forest": "forest",
    "industrialbuilding": "industrial",
    "residential": "suburb",
    "skyscraper": "skyscraper",
    "storagetank": "storage_tank",
    "water": "water",
}
TSX_UNSURE = {
    "field": ["grassland", "orchard", "road", "desert", "scrub"],
    "container_terminal": ["harbour", "industrial", "urban", "pier", "building"],
    "forest": ["park", "scrub", "mountain", "orchard"],
    "industrial": ["building", "container_terminal", "road", "harbour"],
    "suburb": ["building", "road", "park"],
    "skyscraper": ["building", "road", "industrial"],
    "storage_tank": ["industrial", "harbour", "urban", "building"],
    "water": ["sea", "lake", "river", "harbour"],
}


def read_grey(path: Path) -> FloatImage:
    """A picture as float32 amplitude (h, w), at its full depth.

    Raises
    ------
    FileNotFoundError
    SceneError
        It is no picture, or damaged.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode in ("RGB", "RGBA", "P", "LA"):
                picture = picture.convert("L")  # type: ignore[assignment]
            return np.asarray(picture, dtype=np.float32)
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError) as fault:
        raise SceneError(f"{path} is no picture that can be read ({fault}); copy it again or take it out.") from fault


def resize(image: FloatImage, factor: float) -> FloatImage:
    """Resample by `factor` (bilinear, averaging where it shrinks)."""
    height, width = image.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR), dtype=np.float32)


def rows_of(path: Path) -> list[dict[str, str]]:
    """All rows of a CSV table."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def mstar_key(target: str) -> str:
    """Concept key of an MSTAR target name."""
    return MSTAR_KEYS.get(target, target.lower())


class MstarFields:
    """MSTAR training chips pasted into real MSTAR clutter at one spacing.

    The clutter is that of `mstar_scenes`; chips that others pasted there are
    covered by training chips, so that no test chip is ever seen.
    """

    def __init__(self, root: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        table = rows_of(root / "mstar/train.csv")
        self.chips = [read_grey(root / "mstar" / row["path"]) for row in table]
        self.keys = [mstar_key(row["target"]) for row in table]
        coco = json.loads((root / "mstar_scenes/train.json").read_text())
        boxes: dict[int, list[list[float]]] = {}
        for annotation in coco["annotations"]:
            boxes.setdefault(annotation["image_id"], []).append(annotation["bbox"])
        self.scenes = [
            (read_grey(root / "mstar_scenes" / image["file_name"]), boxes.get(image["id"], []))
            for image in coco["images"]
        ]

    def chip(self, rng: np.random.Generator) -> tuple[FloatImage, str]:
        """A low-passed chip at 0.3 m (about 85 px) and its concept."""
        i = int(rng.integers(len(self.chips)))
        image = gaussian_filter(self.chips[i], float(rng.uniform(0.8, 1.7)))
        image = resize(image, 0.2 / MSTAR_SPACING_M * float(rng.uniform(0.92, 1.08)))
        return (image[:, ::-1] if rng.random() < 0.5 else image), self.keys[i]

    def draw(self, rng: np.random.Generator) -> Sample:
        """A crop of clutter with vehicles, or a tight mosaic of chips."""
        labels = LabelMap.knowing(self.vocabulary, "vehicle", "aircraft", "ship", "structure", "cover")
        labels.set(["grassland", "field", "forest", "scrub", "road", "desert", "park", "building"], IGNORE)
        canvas, places = self._mosaic(rng) if rng.random() < 0.5 else self._clutter(rng)
        rows = self.vocabulary.group_rows("vehicle")
        blocks = []
        for row, col, key in places:
            ring, core = disc_share(row, col, 26.0), disc_share(row, col, 8.5)
            layer = labels.values[rows]
            layer[:, ring & ~core] = np.where(layer[:, ring & ~core] == 1, 1, IGNORE)
            labels.values[rows] = layer
            labels.paint(key, core.astype(np.float32))
            r, c, half = round(row / CELL_PX), round(col / CELL_PX), 5
            if half <= r <= CELLS - half and half <= c <= CELLS - half:
                blocks.append((r - half, r + half, c - half, c + half))
        median, ratio = amplitude_levels(canvas)
        objects = inside([(key, col, row) for row, col, key in places])
        sample = Sample(canvas / median, ratio, MSTAR_SPACING_M, labels, [], objects)
        return hide_spacing(vary_radiometry(sample, rng), rng)

    def _mosaic(self, rng: np.random.Generator) -> tuple[FloatImage, list[tuple[float, float, str]]]:
        canvas = np.zeros((CROP_PX, CROP_PX), np.float32)
        places = []
        edge = 85
        for row in range(3):
            for col in range(3):
                chip, key = self.chip(rng)
                chip = _centre(chip, edge, rng, 6)
                canvas[row * edge : (row + 1) * edge, col * edge : (col + 1) * edge] = chip
                places.append(((row + 0.5) * edge, (col + 0.5) * edge, key))
        return _fill_zero(canvas), places

    def _clutter(self, rng: np.random.Generator) -> tuple[FloatImage, list[tuple[float, float, str]]]:
        scene, boxes = self.scenes[int(rng.integers(len(self.scenes)))]
        scene = gaussian_filter(scene, float(rng.uniform(0.4, 0.9)))
        level = float(np.median(scene)) or 1.0
        places = []
        for col, row, width, height in boxes:
            chip, key = self.chip(rng)
            chip = chip * (level / max(float(np.median(chip)), 1.0))
            centre = (row + height / 2, col + width / 2)
            _paste(scene, chip, centre, 47)
            places.append((*centre, key))
        row0, col0 = (int(rng.integers(max(1, size - CROP_PX + 1))) for size in scene.shape)
        if places and rng.random() < 0.75:
            aim = places[int(rng.integers(len(places)))]
            row0, col0 = (
                int(np.clip(place - rng.uniform(0.15, 0.85) * CROP_PX, 0, max(0, size - CROP_PX)))
                for place, size in zip(aim[:2], scene.shape, strict=True)
            )
        crop = _fit(scene[row0 : row0 + CROP_PX, col0 : col0 + CROP_PX])
        return crop, [(r - row0, c - col0, key) for r, c, key in places]


class AircraftChips:
    """SAR-ACD chips at native scale, four to a mosaic."""

    def __init__(self, root: Path, vocabulary: Vocabulary, table: str = "train.csv") -> None:
        self.vocabulary = vocabulary
        rows = rows_of(root / "sar_acd" / table)
        self.chips = [read_grey(root / "sar_acd" / row["path"]) for row in rows]
        self.keys = [ACD_KEYS[row["aircraft"]] for row in rows]

    def draw(self, rng: np.random.Generator) -> Sample:
        """Four aircraft on a canvas of their own clutter level."""
        labels = LabelMap.knowing(self.vocabulary, "aircraft", "ship", "cover")
        labels.set(["airport", "grassland", "industrial", "urban"], IGNORE)
        canvas = np.zeros((CROP_PX, CROP_PX), np.float32)
        rows = self.vocabulary.group_rows("aircraft")
        blocks = []
        for quarter in range(4):
            i = int(rng.integers(len(self.chips)))
            chip = self.chips[i]
            if rng.random() < 0.5:
                chip = chip[:, ::-1]
            r0, c0 = 128 * (quarter // 2), 128 * (quarter % 2)
            canvas[r0 : r0 + 128, c0 : c0 + 128] = _on_clutter(chip, 128, rng, 8)
            reach = min(64.0, 0.5 * max(chip.shape))
            centre = (r0 + 64.0, c0 + 64.0)
            core, ring = disc_share(*centre, 0.45 * reach + 5), disc_share(*centre, reach + 12)
            layer = labels.values[rows]
            layer[:, ring & ~core] = IGNORE
            labels.values[rows] = layer
            labels.paint(self.keys[i], core.astype(np.float32))
            blocks.append((r0 // 8, r0 // 8 + 16, c0 // 8, c0 // 8 + 16))
        canvas = _fill_zero(canvas)
        median, ratio = amplitude_levels(canvas)
        sample = Sample(canvas / median, ratio, 1.0, labels, blocks)
        return hide_spacing(vary_radiometry(sample, rng), rng)


class LandCoverChips:
    """TerraSAR-X 64 px chips, sixteen to a mosaic; nothing is resampled."""

    def __init__(self, root: Path, vocabulary: Vocabulary, table: str = "train") -> None:
        self.vocabulary = vocabulary
        with np.load(root / f"tsx_landcover/{table}.npz") as arrays:
            iq = arrays["iq"].astype(np.float32) * arrays["scale"].astype(np.float32).reshape(-1, 1, 1, 1)
        axis = 1 if iq.shape[1] == 2 else 3
        self.chips = np.sqrt((iq**2).sum(axis=axis))
        rows = rows_of(root / f"tsx_landcover/{table}.csv")
        self.keys = [TSX_KEYS[row["class"]] for row in rows]
        self.rows = [int(row["row"]) for row in rows]
        classes = sorted(set(self.keys))
        self.by_class = {key: [r for r, k in zip(self.rows, self.keys, strict=True) if k == key] for key in classes}

    def draw(self, rng: np.random.Generator) -> Sample:
        """Sixteen chips; half of the mosaics keep the chips' levels, half level each by its median."""
        labels = LabelMap.knowing(self.vocabulary, "cover", "aircraft", "vehicle")
        labels.set(["storage_tank", "container_terminal", "pier", "bridge"], NEGATIVE)
        canvas = np.zeros((CROP_PX, CROP_PX), np.float32)
        levelled = rng.random() < 0.5
        blocks = []
        classes = list(self.by_class)
        for tile in range(16):
            key = classes[int(rng.integers(len(classes)))]
            chip = self.chips[int(rng.choice(self.by_class[key]))]
            chip = np.rot90(chip, int(rng.integers(4)))
            chip = chip / (np.median(chip) + 1e-6) if levelled else chip
            r, c = 8 * (tile // 4), 8 * (tile % 4)
            canvas[r * 8 : r * 8 + 64, c * 8 : c * 8 + 64] = chip
            where = np.zeros((CELLS, CELLS), bool)
            where[r : r + 8, c : c + 8] = True
            labels.set(TSX_UNSURE[key], IGNORE, where)
            inner = np.zeros((CELLS, CELLS), np.float32)
            inner[r + 1 : r + 7, c + 1 : c + 7] = 1.0
            inner[where & (inner == 0)] = 0.1
            labels.paint(key, inner)
            blocks.append((r, r + 8, c, c + 8))
        median, ratio = amplitude_levels(canvas)
        sample = Sample(canvas / median, ratio, 1.2, labels, blocks)
        sample = vary_radiometry(sample, rng, 0.3)
        return hide_spacing(turn(sample, int(rng.integers(4)), bool(rng.random() < 0.5)), rng, 0.7)


def _centre(chip: FloatImage, edge: int, rng: np.random.Generator, jitter: int) -> FloatImage:
    """Centre crop or pad (mirrored) to `edge`, moved by up to `jitter` whole pixels."""
    dr, dc = rng.integers(-jitter, jitter + 1, 2)
    pad_r, pad_c = max(0, edge - chip.shape[0] + 2 * jitter), max(0, edge - chip.shape[1] + 2 * jitter)
    padded = np.pad(chip, ((pad_r // 2 + 1, pad_r // 2 + 1), (pad_c // 2 + 1, pad_c // 2 + 1)), mode="symmetric")
    r0 = int(np.clip((padded.shape[0] - edge) // 2 + dr, 0, padded.shape[0] - edge))
    c0 = int(np.clip((padded.shape[1] - edge) // 2 + dc, 0, padded.shape[1] - edge))
    return padded[r0 : r0 + edge, c0 : c0 + edge]


def _on_clutter(chip: FloatImage, edge: int, rng: np.random.Generator, jitter: int) -> FloatImage:
    """Centre a chip on clutter drawn from its own darker half, moved by up to `jitter` whole pixels."""
    chip = chip[:edge, :edge]
    dark = chip[chip <= np.median(chip)]
    canvas = rng.choice(dark, (edge, edge)).astype(np.float32)
    dr, dc = rng.integers(-jitter, jitter + 1, 2)
    r0 = int(np.clip((edge - chip.shape[0]) // 2 + dr, 0, edge - chip.shape[0]))
    c0 = int(np.clip((edge - chip.shape[1]) // 2 + dc, 0, edge - chip.shape[1]))
    canvas[r0 : r0 + chip.shape[0], c0 : c0 + chip.shape[1]] = chip
    return canvas


def _fit(image: FloatImage) -> FloatImage:
    """Pad (mirrored) to the crop size at the lower right."""
    rows, cols = image.shape
    return np.pad(image, ((0, CROP_PX - rows), (0, CROP_PX - cols)), mode="symmetric")


def _fill_zero(canvas: FloatImage) -> FloatImage:
    """Replace the empty rim of a mosaic by its median."""
    filled = canvas.copy()
    filled[filled == 0] = np.median(canvas[canvas > 0])
    return filled


def _paste(scene: FloatImage, chip: FloatImage, centre: tuple[float, float], half: int) -> None:
    """Blend a chip into a scene around `centre`, with a soft rim."""
    edge = 2 * half
    chip = np.pad(chip, ((half, half), (half, half)), mode="symmetric")
    r, c = chip.shape[0] // 2, chip.shape[1] // 2
    patch = chip[r - half : r + half, c - half : c + half]
    ramp = np.clip(np.minimum(np.arange(edge), np.arange(edge)[::-1]) / 6.0, 0, 1)
    alpha = np.minimum(ramp[:, None], ramp[None]).astype(np.float32)
    row0, col0 = round(centre[0]) - half, round(centre[1]) - half
    r0, c0, r1, c1 = max(row0, 0), max(col0, 0), min(row0 + edge, scene.shape[0]), min(col0 + edge, scene.shape[1])
    if r0 >= r1 or c0 >= c1:
        return
    part = (slice(r0 - row0, r1 - row0), slice(c0 - col0, c1 - col0))
    scene[r0:r1, c0:c1] = alpha[part] * patch[part] + (1 - alpha[part]) * scene[r0:r1, c0:c1]
