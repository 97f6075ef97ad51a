"""Batches of whole chips, prepared as `sarvlm_models.pictures` prepares them in use.

One batch comes from one set, so that its chips have one size. What is finer
than the radar resolves is averaged down before the network sees it; what is
texture is never resampled (quarter turns, mirrors and whole-pixel crops only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.pictures import reduced, reduction
from sarvlm_training.concepts import Vocabulary

from .augment import hide_part, remap, scintillate
from .chips import ACD_KEYS, TSX_UNSURE, LandCoverChips, mstar_key, read_grey, rows_of
from .samples import IGNORE, NEGATIVE, POSITIVE, FloatImage, amplitude_levels

GROUND_KEYS = ("grassland", "field", "forest", "scrub", "road", "desert", "park", "building", "airport", "industrial")
MSTAR_EDGES = (60, 64, 72, 80, 85)
MSTAR_FACTOR = 2.0 / 3.0


@dataclass(frozen=True, slots=True)
class ChipBatch:
    """Chips of one size.

    Attributes
    ----------
    relative : float32 (n, 1, h, w)
        Amplitude in each chip's median.
    ratio : float32 (n, 1, 1, 1)
        98th percentile over median.
    labels : int8 (n, concepts)
        1 shown, 0 not shown, -1 unknown.
    keys : list of str
        The concept of each chip.
    """

    relative: FloatImage
    ratio: FloatImage
    labels: NDArray[np.int8]
    keys: list[str]


class ChipSource(Protocol):
    """Draws batches of chips."""

    def draw(self, rng: np.random.Generator, count: int) -> ChipBatch: ...


def chip_labels(vocabulary: Vocabulary, key: str, unsure: tuple[str, ...]) -> NDArray[np.int8]:
    """Labels int8 (concepts,): the concept and what it is a kind of are shown, `unsure` unknown, the rest absent."""
    values = np.full(len(vocabulary), NEGATIVE, np.int8)
    values[[vocabulary.index[other] for other in unsure]] = IGNORE
    values[list(vocabulary.ancestors[key])] = POSITIVE
    return values


def make_batch(
    vocabulary: Vocabulary, chips: list[tuple[FloatImage, str]], unsure: Mapping[str, list[str]]
) -> ChipBatch:
    """A batch of equally large chips (amplitude, concept)."""
    relative, ratios, labels = [], [], []
    for chip, key in chips:
        median, ratio = amplitude_levels(chip)
        relative.append(np.ascontiguousarray(chip, np.float32) / max(median, 1e-6))
        ratios.append(ratio)
        labels.append(chip_labels(vocabulary, key, tuple(unsure.get(key, GROUND_KEYS))))
    ratio_array = np.array(ratios, np.float32).reshape(-1, 1, 1, 1)
    return ChipBatch(np.stack(relative)[:, None], ratio_array, np.stack(labels), [key for _, key in chips])


class MstarChips:
    """MSTAR vehicles at 17 degrees: remapped as displays do, low-passed, brought to 0.3 m.

    Of `scintillation` of the chips (0 to 1) the scatterers are brighter and darker by parts.
    """

    def __init__(self, root: Path, vocabulary: Vocabulary, scintillation: float = 0.0) -> None:
        self.vocabulary, self.scintillation = vocabulary, scintillation
        table = rows_of(root / "mstar/train.csv")
        self.chips = [read_grey(root / "mstar" / row["path"]) for row in table]
        self.keys = [mstar_key(row["target"]) for row in table]

    def draw(self, rng: np.random.Generator, count: int) -> ChipBatch:
        """Vehicles of all classes on a common crop."""
        edge = int(rng.choice(MSTAR_EDGES))
        picks = rng.integers(len(self.chips), size=count)
        chips = [(self._chip(self.chips[i], edge, rng), self.keys[i]) for i in picks.tolist()]
        return make_batch(self.vocabulary, chips, {})

    def _chip(self, chip: FloatImage, edge: int, rng: np.random.Generator) -> FloatImage:
        if self.scintillation and rng.random() < self.scintillation:
            chip = scintillate(chip, rng, 0.25)
        image = remap(chip, rng)
        factor = MSTAR_FACTOR * float(rng.uniform(0.92, 1.08))
        image = reduced(image, factor, float(rng.uniform(0.7, 1.5)))
        if rng.random() < 0.3:
            image = squeezed(image, float(rng.uniform(0.74, 1.0)))
        image = crop_centre(image, edge, rng, 6)
        if rng.random() < 0.35:  # shadows that a steeper look or a higher noise floor fills
            image = np.maximum(image, np.median(image) * float(rng.uniform(0.2, 1.0)))
        return image[:, ::-1] if rng.random() < 0.5 else image


class AircraftBatches:
    """SAR-ACD aircraft, mostly at the scale of use, sometimes at native scale; mirrored left to right only.

    The set has some 480 distinct looks: of `scintillation` of the chips (0 to 1)
    the scatterers are brighter and darker by parts, of `hidden` of them a part is covered.
    """

    def __init__(self, root: Path, vocabulary: Vocabulary, scintillation: float = 0.0, hidden: float = 0.0) -> None:
        self.vocabulary, self.scintillation, self.hidden = vocabulary, scintillation, hidden
        table = rows_of(root / "sar_acd/train.csv")
        self.chips = [read_grey(root / "sar_acd" / row["path"]) for row in table]
        self.keys = [ACD_KEYS[row["aircraft"]] for row in table]
        self.factors = [reduction(chip, None) for chip in self.chips]
        sizes = np.array([np.array(c.shape) * f for c, f in zip(self.chips, self.factors, strict=True)])
        self.sizes = sizes

    def draw(self, rng: np.random.Generator, count: int) -> ChipBatch:
        """Aircraft of like size, padded or cut by whole pixels to one."""
        anchor = self.sizes[int(rng.integers(len(self.chips)))]
        distance = np.abs(self.sizes - anchor).sum(1) + rng.uniform(0, 12, len(self.sizes))
        picks = rng.permutation(np.argsort(distance)[: 3 * count])[:count].tolist()
        native = rng.random() < 0.25
        chips = []
        for i in picks:
            image = remap(self._seen_anew(self.chips[i], rng), rng, 0.6)
            factor = 1.0 if native else self.factors[i]
            image = reduced(image, factor, float(rng.uniform(0.7, 1.3)))
            chips.append((image[:, ::-1] if rng.random() < 0.5 else image, self.keys[i]))
        height, width = (int(np.median([c.shape[axis] for c, _ in chips])) for axis in (0, 1))
        fitted = [(crop_to(chip, max(height, 32), max(width, 32), rng, 4), key) for chip, key in chips]
        return make_batch(self.vocabulary, fitted, {})

    def _seen_anew(self, chip: FloatImage, rng: np.random.Generator) -> FloatImage:
        if self.scintillation and rng.random() < self.scintillation:
            chip = scintillate(chip, rng, float(rng.uniform(0.15, 0.45)))
        return hide_part(chip, rng) if self.hidden and rng.random() < self.hidden else chip


class LandCoverBatches:
    """TerraSAR-X land cover: classes alike, quarter turns and mirrors, nothing resampled."""

    def __init__(self, root: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        source = LandCoverChips(root, vocabulary)
        self.chips, self.by_class = source.chips, source.by_class

    def draw(self, rng: np.random.Generator, count: int) -> ChipBatch:
        """Chips of classes drawn alike, cut by up to 8 pixels."""
        edge = int(rng.choice([64, 64, 60, 56]))
        classes = list(self.by_class)
        chips = []
        for key in rng.choice(classes, count).tolist():
            chip = remap(self.chips[int(rng.choice(self.by_class[key]))], rng, 0.25)
            r, c = rng.integers(0, 64 - edge + 1, 2)
            chip = np.rot90(chip[r : r + edge, c : c + edge], int(rng.integers(4)))
            chips.append((chip[:, ::-1] if rng.random() < 0.5 else chip, key))
        return make_batch(self.vocabulary, chips, TSX_UNSURE)


def squeezed(image: FloatImage, share: float) -> FloatImage:
    """The range axis (rows) shortened to `share`, as a steeper look does to the ground; rows are averaged."""
    rows = image.shape[0]
    places = (np.arange(round(rows * share)) + 0.5) / share - 0.5
    low = np.clip(np.floor(places).astype(int), 0, rows - 2)
    weight = np.clip(places - low, 0.0, 1.0)[:, None].astype(np.float32)
    return np.asarray(image[low] * (1 - weight) + image[low + 1] * weight, np.float32)


def crop_centre(image: FloatImage, edge: int, rng: np.random.Generator, jitter: int) -> FloatImage:
    """The middle (edge, edge) of a chip, moved by up to `jitter` whole pixels, mirrored out where needed."""
    return crop_to(image, edge, edge, rng, jitter)


def crop_to(image: FloatImage, height: int, width: int, rng: np.random.Generator, jitter: int) -> FloatImage:
    """Cut or mirror out to (height, width) around the middle, moved by up to `jitter` whole pixels."""
    pads, starts = [], []
    for size, wanted in zip(image.shape, (height, width), strict=True):
        short = max(0, wanted - size)
        before = int(rng.integers(0, short + 1))
        pads.append((before, short - before))
        spare = max(0, size - wanted)
        starts.append(int(np.clip(spare // 2 + rng.integers(-jitter, jitter + 1), 0, spare)))
    padded = np.pad(image, pads, mode="symmetric")
    return padded[starts[0] : starts[0] + height, starts[1] : starts[1] + width]
