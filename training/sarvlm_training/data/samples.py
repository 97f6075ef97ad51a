"""A labelled crop, and how masks become labels of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sarvlm_training.concepts import Vocabulary

CROP_PX = 256
CELL_PX = 8
CELLS = CROP_PX // CELL_PX
POSITIVE, NEGATIVE, IGNORE = 1, 0, -1

FloatImage = NDArray[np.float32]
Mask = NDArray[np.float32]


@dataclass(slots=True)
class LabelMap:
    """Labels int8 (concepts, cells, cells): 1 there, 0 known to be absent, -1 unknown."""

    vocabulary: Vocabulary
    values: NDArray[np.int8]

    @classmethod
    def knowing(cls, vocabulary: Vocabulary, *absent_groups: str) -> LabelMap:
        """A map on which the concepts of `absent_groups` are absent everywhere and the rest unknown."""
        values = np.full((len(vocabulary), CELLS, CELLS), IGNORE, dtype=np.int8)
        values[vocabulary.group_rows(*absent_groups)] = NEGATIVE
        return cls(vocabulary, values)

    def set(self, keys: Sequence[str], value: int, where: NDArray[np.bool_] | None = None) -> None:
        """Write `value` for concepts `keys` at `where` (bool cells; everywhere if None)."""
        rows = [self.vocabulary.index[key] for key in keys]
        if where is None:
            self.values[rows] = value
        else:
            for row in rows:
                self.values[row][where] = value

    def paint(self, key: str, share: Mask, *, least: float = 0.3) -> None:
        """Mark concept `key` and its ancestors present where a mask covers enough of a cell.

        Parameters
        ----------
        share : float32 (cells, cells)
            Covered share of each cell; partly covered cells become unknown
            for these concepts, unless already present.
        """
        touched = share > 0
        if not touched.any():
            return
        present = share >= min(least, float(share.max()))
        for row in self.vocabulary.ancestors[key]:
            layer = self.values[row]
            layer[touched & ~present & (layer != POSITIVE)] = IGNORE
            layer[present] = POSITIVE


@dataclass(slots=True)
class Sample:
    """One training crop.

    Attributes
    ----------
    relative : float32 (256, 256)
        Amplitude in scene medians.
    ratio : float
        98th percentile over median of the scene's amplitude.
    spacing_m : float
        Ground metres per pixel, 0 where unknown.
    labels : LabelMap
    blocks : list of (row0, row1, col0, col1)
        Cell rectangles that stand for whole chips.
    objects : list of (key, col, row)
        Concepts and centres (crop pixels) of all countable objects; None where they are not known.
    optical : float32 (256, 256) or None
        Grey optical picture of the same ground, in its own medians.
    complete : frozenset of str or None
        Concepts all of whose objects are in `objects`, where not all are.
    """

    relative: FloatImage
    ratio: float
    spacing_m: float
    labels: LabelMap
    blocks: list[tuple[int, int, int, int]] = field(default_factory=lambda: [(0, CELLS, 0, CELLS)])
    objects: list[tuple[str, float, float]] | None = None
    optical: FloatImage | None = None
    complete: frozenset[str] | None = None


def polygon_share(polygons: Sequence[NDArray[np.floating]]) -> Mask:
    """Share of each cell covered by polygons given in crop pixels: float32 (cells, cells)."""
    canvas = Image.new("L", (CROP_PX, CROP_PX))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        draw.polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in polygon], fill=1)
    return cell_mean(np.asarray(canvas, dtype=np.float32))


def cell_mean(image: FloatImage) -> Mask:
    """Mean of each cell of a (256, 256) image: float32 (cells, cells)."""
    return np.asarray(image.reshape(CELLS, CELL_PX, CELLS, CELL_PX).mean(axis=(1, 3)), dtype=np.float32)


def disc_share(row: float, col: float, radius_px: float) -> NDArray[np.bool_]:
    """Cells whose centre lies within `radius_px` of a place in crop pixels."""
    centres = (np.arange(CELLS) + 0.5) * CELL_PX
    return np.asarray((centres[:, None] - row) ** 2 + (centres[None] - col) ** 2 <= radius_px**2)


def amplitude_levels(amplitude: FloatImage) -> tuple[float, float]:
    """Median amplitude and ratio of the 98th percentile to it, over non-zero pixels."""
    valid = amplitude[amplitude > 0]
    if valid.size == 0:
        return 1.0, 1.2
    median, high = np.percentile(valid, (50, 98))
    return float(median), float(max(high / median, 1.2))


def turn(sample: Sample, quarter_turns: int, mirror: bool) -> Sample:
    """Turn a sample by quarter turns and mirror it left to right, labels and blocks alike."""

    def move(array: NDArray[Any]) -> NDArray[Any]:
        array = np.rot90(array, quarter_turns, axes=(-2, -1))
        return np.ascontiguousarray(array[..., ::-1] if mirror else array)

    blocks = []
    for row0, row1, col0, col1 in sample.blocks:
        for _ in range(quarter_turns % 4):
            row0, row1, col0, col1 = CELLS - col1, CELLS - col0, row0, row1
        if mirror:
            col0, col1 = CELLS - col1, CELLS - col0
        blocks.append((row0, row1, col0, col1))
    labels = LabelMap(sample.labels.vocabulary, move(sample.labels.values))
    objects = None if sample.objects is None else [
        (key, *_moved(col, row, quarter_turns, mirror)) for key, col, row in sample.objects
    ]  # fmt: skip
    optical = None if sample.optical is None else move(sample.optical)
    relative = move(sample.relative)
    return Sample(relative, sample.ratio, sample.spacing_m, labels, blocks, objects, optical, sample.complete)


def _moved(col: float, row: float, quarter_turns: int, mirror: bool) -> tuple[float, float]:
    """Where a place of the crop lies after `turn`."""
    for _ in range(quarter_turns % 4):
        col, row = row, CROP_PX - col
    return (CROP_PX - col if mirror else col), row


def inside(objects: Sequence[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """The objects (key, col, row) whose centre lies in the crop."""
    return [o for o in objects if 0 <= o[1] < CROP_PX and 0 <= o[2] < CROP_PX]
