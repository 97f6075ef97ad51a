"""Zero-shot classification by text (PAPER.md B.3): the class whose words are nearest to the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.jobs import JobContext
from sarvlm_models.api import ContrastedEncoder, DenseEncoder
from sarvlm_models.types import Float32

from .chip_table import ChipTable
from .features import encode_pictures, picture_encoder
from .prompts import class_vectors


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often the right class is among the first.

    Attributes
    ----------
    top1, top3, top5 : float or None
        Shares 0..1 of all pictures; None where fewer classes compete.
    mean_per_class : float
        Mean of `per_class`.
    per_class : dict of label to float
        top1 of the pictures of each class that has any.
    support : dict of label to int
        Pictures of every class that competes.
    ties : int
        Pictures whose right class has the same score as another.
    n : int
    """

    top1: float
    top3: float | None
    top5: float | None
    mean_per_class: float
    per_class: dict[str, float]
    support: dict[str, int]
    ties: int
    n: int


@dataclass(frozen=True, slots=True)
class Classified:
    """Answers of a model.

    Attributes
    ----------
    classes : tuple of str
    numbers : tuple of int
        Rows of the table that could be read.
    truth : int64 (m)
        Index of the right class of each.
    scores : float32 (m, classes)
        Cosines, of vectors set off against those of training where the encoder knows them.
    faults : dict of int to str
        The other rows of the table and what is wrong with their pictures.
    """

    classes: tuple[str, ...]
    numbers: tuple[int, ...]
    truth: NDArray[np.int64]
    scores: Float32
    faults: dict[int, str]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the best class of each picture (of equal ones the first)."""
        return np.asarray(self.scores.argmax(axis=1), np.int64)

    @property
    def ranks(self) -> NDArray[np.int64]:
        """Rank of the right class of each picture, from 1; of equal scores the first class stands first."""
        own = np.take_along_axis(self.scores, self.truth[:, None], axis=1)
        earlier = np.arange(len(self.classes)) < self.truth[:, None]
        return np.asarray(1 + ((self.scores > own) | ((self.scores == own) & earlier)).sum(axis=1), np.int64)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts (classes, classes): rows are the truth, columns the answers."""
        counts = np.zeros((len(self.classes), len(self.classes)), np.int64)
        np.add.at(counts, (self.truth, self.predicted), 1)
        return counts

    def accuracy(self) -> Accuracy:
        """The figures."""
        ranks, confusion = self.ranks, self.confusion
        own = np.take_along_axis(self.scores, self.truth[:, None], axis=1)
        counts = confusion.sum(axis=1)
        shares = {label: float(confusion[i, i] / counts[i]) for i, label in enumerate(self.classes) if counts[i]}

        def top(count: int) -> float | None:
            return float(np.mean(ranks <= count)) if len(self.classes) >= count else None

        return Accuracy(
            top1=float(np.mean(ranks == 1)),
            top3=top(3),
            top5=top(5),
            mean_per_class=float(np.mean(list(shares.values()))),
            per_class=shares,
            support=dict(zip(self.classes, counts.tolist(), strict=True)),
            ties=int(((self.scores == own).sum(axis=1) > 1).sum()),
            n=len(ranks),
        )


@dataclass(frozen=True, slots=True)
class Zeroshot:
    """What competes: words by label, templates, and the spacing of the pictures in metres (None where unknown)."""

    words: Mapping[str, Sequence[str]]
    templates: Sequence[str]
    spacing_m: float | None = None


def classify(encoder: DenseEncoder, table: ChipTable, asked: Zeroshot, ctx: JobContext) -> Classified:
    """Name every picture of a table, whose labels are all among `asked.words`.

    Raises
    ------
    ModelError
        The encoder takes no whole pictures.
    SceneError
        Not a single picture can be read.
    """
    texts = class_vectors(encoder, asked.words, asked.templates)
    found = encode_pictures(picture_encoder(encoder), table.read, len(table.labels), asked.spacing_m, ctx)
    classes = tuple(asked.words)
    places = {label: place for place, label in enumerate(classes)}
    truth = np.array([places[table.labels[number]] for number in found.numbers], np.int64)
    vectors = encoder.standing_out(found.vectors) if isinstance(encoder, ContrastedEncoder) else found.vectors
    return Classified(classes, found.numbers, truth, vectors @ texts.T, found.faults)
