"""Probes: votes counted by hand, the minimum of the logistic loss, and what cannot be learned."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.evaluate.chip_table import ChipTable
from sarvlm_training.evaluate.probe import (
    NEIGHBOURS,
    LinearProbe,
    nearest_classes,
    penalised_loss,
    probe,
    score_probes,
)
from tests.training.toy_encoder import ToyEncoder


def at(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.stack((np.cos(angles), np.sin(angles)), 1).astype(np.float32)


def test_near_neighbours_outvote_many_far_ones() -> None:
    # one neighbour of class 0 at the point itself: weight 1; five of class 1 at 60 degrees: 5 exp(-0.5 / 0.07) = 0.004
    train, labels = at(0, 60, 60, 60, 60, 60), np.array([0, 1, 1, 1, 1, 1])
    assert nearest_classes(train, labels, at(0), 2).tolist() == [0]
    # at 28 degrees: one at cosine 0.88295 weighs 0.188, five at cosine 0.84805 weigh 5 x 0.114
    assert nearest_classes(train, labels, at(28), 2).tolist() == [1]


def test_only_twenty_neighbours_vote() -> None:
    near, far = [0.0] * NEIGHBOURS, [1.0] * 100
    labels = np.array([0] * NEIGHBOURS + [1] * 100)
    assert nearest_classes(at(*near, *far), labels, at(-1), 2).tolist() == [0]


def test_the_gradient_of_the_loss_is_right() -> None:
    rng = np.random.default_rng(0)
    inputs = np.concatenate((rng.normal(size=(9, 3)), np.ones((9, 1))), 1)
    hot = np.eye(3)[rng.integers(0, 3, 9)]
    weights = rng.normal(size=12)
    _, gradient = penalised_loss(weights.reshape(4, 3), inputs, hot)
    numeric = approx_fprime(weights, lambda w: penalised_loss(w.reshape(4, 3), inputs, hot)[0], 1e-7)
    assert gradient == pytest.approx(numeric, abs=1e-5)


def test_the_linear_probe_stands_at_the_minimum() -> None:
    rng = np.random.default_rng(1)
    vectors, labels = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(0, 3, 60)
    fitted = LinearProbe.fit(vectors, labels, 3)
    inputs = np.concatenate(((vectors - fitted.centre) / fitted.spread, np.ones((60, 1))), 1)
    _, gradient = penalised_loss(fitted.weights, inputs, np.eye(3)[labels])
    assert np.abs(gradient).max() < 1e-4


def test_two_standardised_points_by_hand() -> None:
    # features -1 and 1; by symmetry logits are (-w x, w x), and the loss log(1 + e^-2w) + w^2 / 2 is least where
    # w = 2 / (1 + e^2w): w = 0.521
    fitted = LinearProbe.fit(np.array([[-5.0], [3.0]], np.float32), np.array([0, 1]), 2)
    (w,) = fitted.weights[0, 1:]
    assert w == pytest.approx(0.521, abs=1e-3) and fitted.weights[1] == pytest.approx(0, abs=1e-4)


def test_a_line_is_found_where_neighbours_fail() -> None:
    # classes differ in the second, small component only
    rng = np.random.default_rng(2)
    wide = rng.uniform(-1, 1, 400)
    labels = np.where(np.arange(400) % 2, "up", "down")
    small = np.where(labels == "up", 0.01, -0.01) + rng.normal(0, 0.002, 400)
    vectors = np.stack((np.cos(wide), np.sin(wide), small), 1)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = score_probes(vectors[:300], labels[:300].tolist(), vectors[300:], labels[300:].tolist())
    assert found.linear == 1.0 and found.linear_mean_per_class == 1.0 and found.knn < 1.0
    assert (found.n_train, found.n_test, found.classes, found.neighbours) == (300, 100, 2, 20)


def test_means_over_classes_count_small_classes_alike() -> None:
    train, labels = at(0, 0, 90, 90), ["a", "a", "b", "b"]
    found = score_probes(train, labels, at(0, 0, 0, 90, 0), ["a", "a", "a", "b", "b"])
    assert found.knn == pytest.approx(0.8) and found.knn_mean_per_class == pytest.approx((1 + 0.5) / 2)


def chips(levels: list[float], labels: list[str]) -> ChipTable:
    def read(number: int) -> np.ndarray:
        if levels[number] < 0:
            raise SceneError("broken; copy it again.")
        return np.full((8, 8), 10 * levels[number], np.float32)

    return ChipTable(tuple(map(str, levels)), tuple(labels), read)


def test_tables_are_probed_and_faults_are_told() -> None:
    train = chips([1, 1.2, -1, 5, 5.3], ["low", "low", "low", "high", "high"])
    test = chips([1.1, -1, 5.1], ["low", "high", "high"])
    found = probe(ToyEncoder(), train, test, None, JobContext())
    assert (found.figures.knn, found.figures.linear) == (1.0, 1.0)
    assert (found.figures.n_train, found.figures.n_test) == (4, 2)
    assert list(found.train_faults) == [2] and list(found.test_faults) == [1]


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (chips([1, 2], ["a", "a"]), chips([1], ["a"]), "single class"),
        (chips([1, 2], ["a", "b"]), chips([1, 2], ["a", "c"]), "no “c”"),
        (chips([1, -1], ["a", "b"]), chips([1], ["a"]), "single class"),
        (chips([1, 2, -1], ["a", "b", "c"]), chips([1, 2], ["a", "c"]), "no “c”"),
    ],
)
def test_what_cannot_be_learned_gets_a_sentence(train: ChipTable, test: ChipTable, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        probe(ToyEncoder(), train, test, None, JobContext())
