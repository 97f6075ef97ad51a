"""Crops of users' pictures and scenes with labelled places, read window by window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import to_amplitude
from sarvlm_app.core.scene import Scene, close_handles, default_band, open_scene, read_chip, scene_stats
from sarvlm_app.errors import SceneError
from sarvlm_models.preprocess import p98_ratio
from sarvlm_models.types import Window
from sarvlm_training.caption_words import nouns_of
from sarvlm_training.concepts import Vocabulary

from .augment import hide_spacing, vary_radiometry
from .chips import resize
from .labelled import Labelled, Mark, shrunk
from .samples import (
    CELL_PX,
    CROP_PX,
    IGNORE,
    NEGATIVE,
    POSITIVE,
    FloatImage,
    LabelMap,
    Mask,
    Sample,
    cell_mean,
    disc_share,
    inside,
    polygon_share,
    turn,
)
from .scenes import beyond, crop_at
from .user_sets import UserSet
from .user_words import GROUND_GROUP

AIMED: Final = 0.7
SCALES: Final = (0.5, 1.7)
POINT_PX, POINT_RIM_PX = 8.0, 24.0
"""Around a point this is of the object, and up to the second radius nobody knows."""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A scene, its amplitude levels, and its marks with their extents float64 (n, 4): col0, row0, col1, row1."""

    scene: Scene
    band: int
    median: float
    ratio: float
    spacing_m: float
    marks: tuple[Mark, ...]
    extents: NDArray[np.float64]


class UserPlaces:
    """Draws 256 px crops; most are aimed at a mark of a class drawn at random, so that rare ones are seen.

    A class of things is absent wherever none of it is marked, if the set is
    exhaustive; ground is known only where some is marked. What a class is a
    kind of is present with it and elsewhere unknown, unless `complete`.

    Raises
    ------
    SceneError
        A picture cannot be opened, or no picture has a mark.
    """

    def __init__(
        self, one: UserSet, pictures: Sequence[Labelled], keys: Mapping[str, str], vocabulary: Vocabulary
    ) -> None:
        self.set, self.keys, self.vocabulary = one, keys, vocabulary
        self.places = [_open(picture, one) for picture in pictures]
        self.by_class: dict[str, list[tuple[int, int]]] = {}
        for number, place in enumerate(self.places):
            for index, mark in enumerate(place.marks):
                self.by_class.setdefault(mark.label, []).append((number, index))
        if not self.by_class:
            raise SceneError(f"No picture of the set {one.name!r} ({one.path}) has a mark; label some first.")
        group = {key: vocabulary.concepts[vocabulary.index[key]].group for key in keys.values()}
        self.ground = {key for key in group if group[key] == GROUND_GROUP}
        self.things = set(group) - self.ground
        known = set(one.complete) | (self.things if one.exhaustive else set())
        self.complete = frozenset(known)
        self.nouns = nouns_of(vocabulary, self.complete)
        absent = [vocabulary.index[key] for key in known] + rows_of(vocabulary, one.absent)
        self.absent_rows = np.array(sorted(set(absent)), np.int64)

    def draw(self, rng: np.random.Generator) -> Sample:
        """One crop with its labels, augmented."""
        place, aim = self._aim(rng)
        factor = float(np.exp(rng.uniform(*np.log(SCALES)))) if self.set.rescale and rng.random() < AIMED else 1.0
        sizes = (place.scene.height * factor, place.scene.width * factor)
        row0, col0 = (self._start(at, size, factor, rng) for at, size in zip(aim[::-1], sizes, strict=True))
        sample = self.crop(place, (row0, col0), factor)
        sample = vary_radiometry(sample, rng, 0.8 if place.scene.dtype == "uint8" else 0.3)
        if self.set.turns != "none":
            quarters = int(rng.integers(4)) if self.set.turns == "all" else 0
            sample = turn(sample, quarters, bool(rng.random() < 0.5))
        return hide_spacing(sample, rng)

    def _aim(self, rng: np.random.Generator) -> tuple[_Place, tuple[float | None, float | None]]:
        if rng.random() >= AIMED:
            return self.places[int(rng.integers(len(self.places)))], (None, None)
        classes = sorted(self.by_class)
        marked = self.by_class[classes[int(rng.integers(len(classes)))]]
        number, index = marked[int(rng.integers(len(marked)))]
        (col0, row0, col1, row1) = self.places[number].extents[index]
        return self.places[number], (float(rng.uniform(col0, col1)), float(rng.uniform(row0, row1)))

    @staticmethod
    def _start(at: float | None, size: float, factor: float, rng: np.random.Generator) -> int:
        """Where the crop begins along one axis, in pixels of the rescaled picture."""
        if at is None:
            return int(rng.integers(max(1, int(size) - CROP_PX + 1)))
        return int(np.clip(at * factor - rng.uniform(0.2, 0.8) * CROP_PX, 0, max(0, int(size) - CROP_PX)))

    def crop(self, place: _Place, start: tuple[int, int], factor: float = 1.0) -> Sample:
        """The crop that begins at (row, col) `start` of the picture rescaled by `factor`, as it is."""
        scene, (row0, col0) = place.scene, start
        edge = math.ceil(CROP_PX / factor)
        window = Window(round(col0 / factor), round(row0 / factor), edge, edge)
        window = window.intersection(Window(0, 0, scene.width, scene.height)) or Window(0, 0, scene.width, scene.height)
        chip = read_chip(scene, window, place.band)
        amplitude = to_amplitude(chip.intensity) / np.float32(place.median)
        valid = chip.valid.astype(np.float32)
        if factor != 1.0:
            amplitude, valid = resize(amplitude, factor), resize(valid, factor)
        marks = self._local(place, (window.col, window.row), factor)
        labels = self._labels(marks)
        outside = beyond(amplitude.shape, 0, 0)
        labels.values[:, outside | (cell_mean(crop_at(valid, 0, 0)) < 0.5)] = IGNORE
        spacing = place.spacing_m / factor
        whole = min(amplitude.shape) >= CROP_PX
        objects = self._objects(marks) if whole else None
        sample = Sample(crop_at(amplitude, 0, 0), place.ratio, spacing, labels, objects=objects)
        sample.complete = self.complete
        return sample

    def _local(self, place: _Place, start: tuple[int, int], factor: float) -> list[Mark]:
        """The marks that reach into a crop, in its own pixels."""
        extents = (place.extents - np.array([*start, *start])) * factor
        rim = POINT_RIM_PX
        near = (extents[:, :2] < CROP_PX + rim).all(1) & (extents[:, 2:] > -rim).all(1)
        return [
            Mark(mark.label, (mark.outline - start) * factor, mark.unsure)
            for mark in (place.marks[i] for i in np.flatnonzero(near).tolist())
        ]

    def _labels(self, marks: Sequence[Mark]) -> LabelMap:
        labels = LabelMap.knowing(self.vocabulary)
        labels.values[self.absent_rows] = NEGATIVE
        shares: dict[str, FloatImage] = {}
        for mark in marks:
            key = self.keys[mark.label]
            if key in self.ground and not mark.unsure:
                shares[key] = np.maximum(shares.get(key, 0), _cover(mark, 1.0)[0])
        labelled = np.any([share > 0.6 for share in shares.values()], axis=0) if shares else None
        if labelled is not None:
            labels.set(sorted(self.ground), NEGATIVE, labelled)
        for key, share in shares.items():
            labels.paint(key, share, least=0.6)
        for mark in marks:
            if self.keys[mark.label] in self.things or mark.unsure:
                self._paint_thing(labels, mark)
        return labels

    def _paint_thing(self, labels: LabelMap, mark: Mark) -> None:
        key = self.keys[mark.label]
        core, touched = _cover(mark, self.set.core)
        kin = [other for other in self.keys.values() if self.vocabulary.index[key] in self.vocabulary.ancestors[other]]
        rows = [*self.vocabulary.ancestors[key], *(self.vocabulary.index[other] for other in kin)]
        rows += [self.vocabulary.index[other] for other in self.ground]  # what ground a thing stands on is not told
        for row in set(rows):
            layer = labels.values[row]
            layer[touched & (layer != POSITIVE)] = IGNORE
        if not mark.unsure:
            labels.paint(key, core)

    def _objects(self, marks: Sequence[Mark]) -> list[tuple[str, float, float]] | None:
        """What can be counted, None where it is not known."""
        if not self.set.exhaustive or any(mark.unsure for mark in marks):
            return None
        told = [(self.keys[mark.label], *mark.centre) for mark in marks]
        return inside([one for one in told if one[0] in self.things and self.nouns.nearest_counted(one[0])])


def _open(picture: Labelled, one: UserSet) -> _Place:
    scene = open_scene(picture.path)
    band = default_band(scene)
    stats = scene_stats(scene, band)
    close_handles(scene)  # data workers open their own
    if stats.median_amplitude <= 0:
        raise SceneError(f"{picture.path} holds no data, every pixel is no data, zero or NaN; take it out.")
    spacing = float(np.mean(scene.spacing_m)) if scene.spacing_m else picture.spacing_m or one.spacing_m
    extents = [(*mark.outline.min(0), *mark.outline.max(0)) for mark in picture.marks]
    boxes = np.array(extents, np.float64).reshape(-1, 4)
    return _Place(scene, band, stats.median_amplitude, p98_ratio(stats), spacing, picture.marks, boxes)


def rows_of(vocabulary: Vocabulary, named: Sequence[str]) -> list[int]:
    """Rows of concepts, and of the kinds of them, and of groups."""
    rows = {int(row) for row in vocabulary.group_rows(*named)}
    wanted = {vocabulary.index[name] for name in named if name in vocabulary.index}
    kinds = {vocabulary.index[key] for key, kin in vocabulary.ancestors.items() if wanted & set(kin)}
    return sorted(rows | kinds)


def _cover(mark: Mark, core: float) -> tuple[Mask, NDArray[np.bool_]]:
    """Share of each cell that a mark surely fills, at least one cell; and the cells that it may reach into."""
    col, row = mark.centre
    if len(mark.outline) < 3:
        return disc_share(row, col, POINT_PX).astype(np.float32), disc_share(row, col, POINT_RIM_PX)
    share = polygon_share([shrunk(mark.outline, core)])
    r, c = int(row // CELL_PX), int(col // CELL_PX)
    if share.max() < 0.3 and 0 <= r < share.shape[0] and 0 <= c < share.shape[1]:
        share = share.copy()
        share[r, c] = 1.0
    return share, (polygon_share([mark.outline]) > 0) | (share > 0)
