"""Batches of a user's chips, each of one class, prepared as `sarvlm_models.pictures` prepares them in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.pictures import read_picture
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import SceneError
from sarvlm_models.pictures import reduced, reduction
from sarvlm_training.concepts import Vocabulary

from .augment import remap
from .chip_batches import ChipBatch, crop_to
from .samples import IGNORE, NEGATIVE, POSITIVE, FloatImage, amplitude_levels
from .user_places import rows_of
from .user_sets import UserSet

HELD_BYTES: Final = 2**30
"""Pictures of a set that are held in memory; the rest is read when it is drawn."""


class UserChips:
    """Draws chips of like size, rare classes as often as frequent ones.

    Of the classes of the set a chip shows its own and no other; what the set
    does not speak of is unknown.

    Raises
    ------
    SceneError
        A chip cannot be read, or there is only one class.
    """

    def __init__(
        self, one: UserSet, chips: Sequence[tuple[Path, str]], keys: Mapping[str, str], vocabulary: Vocabulary
    ) -> None:
        if len({keys[label] for _, label in chips}) < 2:
            raise SceneError(f"The set {one.name!r} ({one.path}) has chips of one class only; give two or more.")
        self.set, self.vocabulary = one, vocabulary
        self.paths = [path for path, _ in chips]
        self.keys = [keys[label] for _, label in chips]
        self.labels = {key: _labels(key, set(self.keys), one.absent, vocabulary) for key in set(self.keys)}
        often = Counter(self.keys)
        self.weights = np.array([1.0 / often[key] for key in self.keys])
        self.held: dict[int, FloatImage] = {}
        self.strength = [0.6 if open_scene(path).dtype == "uint8" else 0.25 for path in self.paths]
        sizes, self.factors, room = [], [], HELD_BYTES
        for number, path in enumerate(self.paths):
            chip = read_picture(path)
            room -= chip.nbytes
            if room > 0:
                self.held[number] = chip
            self.factors.append(reduction(chip, one.spacing_m or None))
            sizes.append(np.array(chip.shape) * self.factors[-1])
        self.sizes = np.array(sizes)

    def draw(self, rng: np.random.Generator, count: int) -> ChipBatch:
        """Chips of like size, padded or cut by whole pixels to one."""
        anchor = int(rng.choice(len(self.keys), p=self.weights / self.weights.sum()))
        distance = np.abs(self.sizes - self.sizes[anchor]).sum(1) + rng.uniform(0, 12, len(self.sizes))
        near = np.argsort(distance)[: max(3 * count, len(self.sizes) // 4)]
        weights = self.weights[near] / self.weights[near].sum()
        picks = rng.choice(near, min(count, len(near)), replace=False, p=weights).tolist()
        native = rng.random() < 0.25
        chips = [self._chip(number, native, rng) for number in picks]
        height, width = (max(32, int(np.median([chip.shape[axis] for chip in chips]))) for axis in (0, 1))
        fitted = [crop_to(chip, height, width, rng, 4) for chip in chips]
        levels = [amplitude_levels(chip) for chip in fitted]
        relative = [chip / max(median, 1e-6) for chip, (median, _) in zip(fitted, levels, strict=True)]
        keys = [self.keys[number] for number in picks]
        return ChipBatch(
            np.stack(relative).astype(np.float32)[:, None],
            np.array([ratio for _, ratio in levels], np.float32).reshape(-1, 1, 1, 1),
            np.stack([self.labels[key] for key in keys]),
            keys,
        )

    def _chip(self, number: int, native: bool, rng: np.random.Generator) -> FloatImage:
        chip = self.held[number] if number in self.held else read_picture(self.paths[number])
        image = remap(chip, rng, self.strength[number])
        image = reduced(image, 1.0 if native else self.factors[number], float(rng.uniform(0.7, 1.3)))
        if self.set.turns == "all":
            image = np.rot90(image, int(rng.integers(4)))
        mirrored = self.set.turns != "none" and rng.random() < 0.5
        return np.ascontiguousarray(image[:, ::-1] if mirrored else image)


def _labels(key: str, classes: set[str], absent: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.int8]:
    """Labels int8 (concepts,) of a chip of a class."""
    values = np.full(len(vocabulary), IGNORE, np.int8)
    values[rows_of(vocabulary, absent)] = NEGATIVE
    values[[vocabulary.index[other] for other in classes]] = NEGATIVE
    own = vocabulary.index[key]
    values[[vocabulary.index[other] for other in classes if own in vocabulary.ancestors[other]]] = IGNORE
    values[list(vocabulary.ancestors[key])] = POSITIVE
    return values
