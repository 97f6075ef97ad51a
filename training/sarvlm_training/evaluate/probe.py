"""Probes on frozen features: nearest neighbours and a linear classifier.

Both see the unit vectors of whole pictures and nothing else. The neighbours
vote with weights exp(cosine / 0.07), as is usual for frozen features. The
linear probe is plain multinomial logistic regression with the customary
defaults (features standardised over the training pictures, penalty of half
the squared weights over the number of pictures), run to its one minimum. The
form of wise-ft (PAPER.md A.5) depends on a schedule of steps that is longer
than what a small set gives, and its start from text weights would mix words
into a measure of features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Float32

from .chip_table import ChipTable
from .features import Encoded, encode_pictures, picture_encoder

NEIGHBOURS: Final = 20
TEMPERATURE: Final = 0.07
MOST_STEPS: Final = 1000

Float64 = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probes:
    """Accuracies 0..1 on the test pictures.

    Attributes
    ----------
    knn, linear : float
    knn_mean_per_class, linear_mean_per_class : float
        Over the classes that the test has.
    n_train, n_test, classes, neighbours : int
    """

    knn: float
    linear: float
    knn_mean_per_class: float
    linear_mean_per_class: float
    n_train: int
    n_test: int
    classes: int
    neighbours: int


@dataclass(frozen=True, slots=True)
class Probed:
    """The figures, and what could not be read of both tables."""

    figures: Probes
    train_faults: dict[int, str]
    test_faults: dict[int, str]


def probe(encoder: DenseEncoder, train: ChipTable, test: ChipTable, spacing_m: float | None, ctx: JobContext) -> Probed:
    """Learn from one table, ask the other.

    Raises
    ------
    QueryError
        Under two classes to learn, or a class of the test is not among them.
    ModelError
        The encoder takes no whole pictures.
    SceneError
        Not a single picture of a table can be read.
    """
    require_classes(train.labels, test.labels)
    pictures = picture_encoder(encoder)
    learned = encode_pictures(pictures, train.read, len(train.labels), spacing_m, ctx)
    asked = encode_pictures(pictures, test.read, len(test.labels), spacing_m, ctx)
    labels, wanted = _labels(learned, train), _labels(asked, test)
    require_classes(labels, wanted)  # again: some pictures may not have been read
    ctx.step(0, 1, "Fitting the linear probe")
    figures = score_probes(learned.vectors, labels, asked.vectors, wanted)
    return Probed(figures, learned.faults, asked.faults)


def require_classes(train: Sequence[str], test: Sequence[str]) -> None:
    """Raise where there is nothing to learn, or something to be asked that is not learned."""
    if len(set(train)) < 2:
        raise QueryError("There is a single class to learn from; give a training table with two or more labels.")
    strange = sorted(set(test) - set(train))
    if strange:
        raise QueryError(
            f"The training pictures have no “{strange[0]}”, which the test asks for; add some, or take its rows out."
        )


def _labels(encoded: Encoded, table: ChipTable) -> list[str]:
    return [table.labels[number] for number in encoded.numbers]


def score_probes(train: Float32, train_labels: Sequence[str], test: Float32, test_labels: Sequence[str]) -> Probes:
    """Both probes on unit vectors (n, d) and (m, d)."""
    classes = sorted(set(train_labels))
    learned = np.array([classes.index(label) for label in train_labels], np.int64)
    wanted = np.array([classes.index(label) for label in test_labels], np.int64)
    near = nearest_classes(train, learned, test, len(classes))
    line = LinearProbe.fit(train, learned, len(classes)).classes(test)
    return Probes(
        knn=float((near == wanted).mean()),
        linear=float((line == wanted).mean()),
        knn_mean_per_class=_mean_per_class(near, wanted),
        linear_mean_per_class=_mean_per_class(line, wanted),
        n_train=len(learned),
        n_test=len(wanted),
        classes=len(classes),
        neighbours=min(NEIGHBOURS, len(learned)),
    )


def _mean_per_class(found: Indices, wanted: Indices) -> float:
    return float(np.mean([(found[wanted == label] == label).mean() for label in np.unique(wanted)]))


def nearest_classes(train: Float32, labels: Indices, test: Float32, classes: int) -> Indices:
    """The class of each test vector by the weighted vote of its `NEIGHBOURS` nearest training vectors."""
    count = min(NEIGHBOURS, len(train))
    found = np.empty(len(test), np.int64)
    for row, vector in enumerate(test):
        cosines = train @ vector
        nearest = np.argsort(-cosines, kind="stable")[:count]
        weights = np.exp((cosines[nearest].astype(np.float64) - 1.0) / TEMPERATURE)
        found[row] = np.bincount(labels[nearest], weights, classes).argmax()
    return found


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """Multinomial logistic regression on standardised features.

    Attributes
    ----------
    centre, spread : float64 (d)
        Of the training vectors.
    weights : float64 (d + 1, classes)
        The last row is the bias.
    """

    centre: Float64
    spread: Float64
    weights: Float64

    @classmethod
    def fit(cls, vectors: Float32, labels: Indices, classes: int) -> LinearProbe:
        """The minimum of the mean cross-entropy plus |w|^2 / 2n (the bias is not penalised)."""
        centre = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors.std(axis=0, dtype=np.float64)
        spread[spread < 1e-9] = 1.0
        inputs = _with_one((vectors - centre) / spread)
        hot = np.eye(classes)[labels]

        def loss(flat: Float64) -> tuple[float, Float64]:
            return penalised_loss(flat.reshape(inputs.shape[1], classes), inputs, hot)

        start = np.zeros(inputs.shape[1] * classes)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS, "gtol": 1e-6})
        return cls(centre, spread, found.x.reshape(-1, classes))

    def classes(self, vectors: Float32) -> Indices:
        """The most probable class of each vector."""
        logits = _with_one((vectors - self.centre) / self.spread) @ self.weights
        return np.asarray(logits.argmax(axis=1), np.int64)


def penalised_loss(weights: Float64, inputs: Float64, hot: Float64) -> tuple[float, Float64]:
    """Loss of the linear probe and its flattened gradient.

    Parameters
    ----------
    weights : float64 (d + 1, classes)
    inputs : float64 (n, d + 1)
        The last column is 1.
    hot : float64 (n, classes)
        1 at the right class.
    """
    count = len(inputs)
    logits = inputs @ weights
    logits -= logits.max(axis=1, keepdims=True)
    total = np.exp(logits).sum(axis=1, keepdims=True)
    penalty = weights.copy()
    penalty[-1] = 0.0
    value = (np.log(total).sum() - (logits * hot).sum() + 0.5 * (penalty**2).sum()) / count
    gradient = (inputs.T @ (np.exp(logits) / total - hot) + penalty) / count
    return float(value), gradient.ravel()


def _with_one(features: Float64) -> Float64:
    return np.concatenate((features, np.ones((len(features), 1))), axis=1)
