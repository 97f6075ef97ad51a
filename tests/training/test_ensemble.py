"""Averages of weights: the parents at the ends, counters of the first, and the sweep that chooses between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from sarvlm_training.ensemble import alpha_shares, average, first_difference, interpolate, stored
from sarvlm_training.sweep import ALPHAS, Measure, sweep


def small_network(seed: int) -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 2))
        network.train()(torch.randn(4, 1, 6, 6))
    return {key: value.clone() for key, value in network.state_dict().items()}


numbers = st.floats(-1e4, 1e4, width=32)
lists = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8)


@given(pairs=lists, alpha=st.floats(0, 1))
def test_interpolation_is_the_formula_over_every_number(pairs: list[tuple[float, float]], alpha: float) -> None:
    one, other = (torch.tensor(column, dtype=torch.float32) for column in zip(*pairs, strict=True))
    found = interpolate({"w": one}, {"w": other}, alpha)["w"]
    expected = (1 - alpha) * one.double().numpy() + alpha * other.double().numpy()
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)
    low, high = torch.minimum(one, other), torch.maximum(one, other)
    assert (found >= low - 1e-2).all() and (found <= high + 1e-2).all()


@given(seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_the_ends_are_the_parents_to_the_bit(seeds: tuple[int, int]) -> None:
    first, second = (small_network(seed) for seed in seeds)
    for alpha, parent in ((0.0, first), (1.0, second)):
        for key, value in interpolate(first, second, alpha).items():
            assert torch.equal(value, parent[key]) or not value.is_floating_point()


def test_counters_come_from_the_first_and_statistics_are_averaged() -> None:
    first, second = small_network(0), small_network(1)
    first["1.num_batches_tracked"] += 6
    middle = interpolate(first, second, 0.5)
    assert middle["1.num_batches_tracked"].item() == 7 and middle["1.num_batches_tracked"].dtype == torch.int64
    torch.testing.assert_close(middle["1.running_var"], (first["1.running_var"] + second["1.running_var"]) / 2)


def test_a_mean_of_several_counts_their_weights_by_ratio() -> None:
    states = [{"w": torch.tensor([value])} for value in (1.0, 2.0, 6.0)]
    assert average(states)["w"].item() == pytest.approx(3.0)
    assert average(states, [2, 2, 4])["w"].item() == pytest.approx(3.75)
    assert average(states, [0, 5, 0])["w"].item() == 2.0
    assert alpha_shares(0.6, 3) == pytest.approx([0.4, 0.3, 0.3])


def test_half_precision_parents_are_averaged_in_full_precision() -> None:
    halves = [{"w": torch.tensor([60000.0], dtype=torch.float16)}] * 3
    mixed = average(halves)["w"]
    assert mixed.dtype == torch.float32 and mixed.item() == pytest.approx(float(halves[0]["w"]))


@pytest.mark.parametrize("alpha", [-0.01, 1.01, float("nan")])
def test_an_alpha_outside_its_range_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        interpolate({"w": torch.zeros(1)}, {"w": torch.ones(1)}, alpha)


@pytest.mark.parametrize("weights", [[], [1.0], [0.0, 0.0], [1.0, -0.5], [float("nan"), 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        average([{"w": torch.zeros(1)}] * 2, weights)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"a": torch.zeros(2)}, "“b”"),
        ({"a": torch.zeros(2), "b": torch.zeros(1), "c": torch.zeros(1)}, "“c”"),
        ({"a": torch.zeros(3), "b": torch.zeros(9)}, "“a” is \\(2,\\) in one and \\(3,\\)"),
        ({"a": torch.zeros(2), "b": torch.zeros(1, dtype=torch.int64)}, "“b” is torch.float32"),
    ],
)
def test_states_that_differ_are_refused_by_the_first_key(other: dict[str, Tensor], words: str) -> None:
    first = {"a": torch.zeros(2), "b": torch.zeros(1)}
    assert first_difference(first, first) == "" == first_difference(first, {k: v.half() for k, v in first.items()})
    with pytest.raises(ValueError, match=words):
        average([first, first, other])


def test_what_is_stored_is_half_precision_but_for_statistics_counters_and_what_overflows() -> None:
    state = small_network(2) | {"loud": torch.tensor([1e6])}
    kept = {key: value.dtype for key, value in stored(state, state).items()}
    assert kept["0.weight"] == kept["1.bias"] == torch.float16
    assert kept["1.running_mean"] == kept["1.running_var"] == kept["loud"] == torch.float32
    assert kept["1.num_batches_tracked"] == torch.int64
    parent = {"w": torch.zeros(1, dtype=torch.float16), "centre": torch.zeros(1)}
    like = stored({"w": torch.ones(1), "centre": torch.ones(1)}, parent)
    assert {key: value.dtype for key, value in like.items()} == {"w": torch.float16, "centre": torch.float32}


# ---- the sweep -----------------------------------------------------------------
def at(state: dict[str, Tensor]) -> Any:
    """A stand-in for an encoder: the number that its weights hold."""
    return state["w"].item()


ENDS = ({"w": torch.tensor(0.0)}, {"w": torch.tensor(1.0)})


@pytest.mark.parametrize("planted", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_a_planted_optimum_is_found(planted: float) -> None:
    measures = [
        Measure("near", lambda w: 1 - abs(w - planted)),  # type: ignore[operator,arg-type]
        Measure("nearer", lambda w: 1 - (w - planted) ** 2, 3.0),  # type: ignore[operator,arg-type]
    ]
    table = sweep(*ENDS, ALPHAS, measures, at)
    assert [row.alpha for row in table.rows] == list(ALPHAS) and len(ALPHAS) == 11
    assert table.best.alpha == planted and table.best.mean == pytest.approx(1.0, abs=1e-6)
    ends = [0.25 * (1 - abs(w - planted)) + 0.75 * (1 - (w - planted) ** 2) for w in (0.0, 1.0)]
    assert table.gain == pytest.approx(1.0 - max(ends), abs=1e-6)


def test_weights_decide_between_sensors_that_want_opposite_things() -> None:
    def best(weight: float) -> float:
        one = Measure("first", lambda w: 1 - w**2)  # type: ignore[operator,arg-type]
        other = Measure("second", lambda w: 1 - (1 - w) ** 2, weight)  # type: ignore[operator,arg-type]
        return sweep(*ENDS, ALPHAS, [one, other], at).best.alpha

    assert (best(1.0), best(9.0), best(0.0)) == (0.5, 0.9, 0.0)


def test_an_ensemble_that_does_not_help_says_so() -> None:
    apart = Measure("apart", lambda w: abs(w - 0.5))  # type: ignore[operator,arg-type]
    table = sweep(*ENDS, ALPHAS, [apart], at)
    assert table.best.alpha in (0.0, 1.0) and table.gain == 0.0
    flat = Measure("flat", lambda _w: 0.7)
    assert sweep(*ENDS, ALPHAS, [flat], at).best.alpha == 0.5
    assert sweep(*ENDS, [0.5], [flat], at).gain is None


def test_every_alpha_is_encoded_once_and_progress_is_told() -> None:
    made, heard = [], []
    measures = [Measure("a", lambda w: w), Measure("b", lambda w: w)]  # type: ignore[arg-type,return-value]

    def encoder_of(state: dict[str, Tensor]) -> Any:
        made.append(round(at(state), 6))
        return at(state)

    sweep(*ENDS, (0.0, 0.5, 1.0), measures, encoder_of, lambda *told: heard.append(told))
    assert made == [0.0, 0.5, 1.0]
    assert [done for done, _, _ in heard] == list(range(6)) and {total for _, total, _ in heard} == {6}
    assert heard[3][2] == "alpha 0.5: b"


def test_a_measure_without_a_number_stops_the_sweep_by_name() -> None:
    with pytest.raises(ValueError, match="“ships” gave nan at alpha 0"):
        sweep(*ENDS, ALPHAS, [Measure("ships", lambda _w: float("nan"))], at)
    with pytest.raises(ValueError, match="different names"):
        sweep(*ENDS, ALPHAS, [Measure("a", lambda _w: 1.0)] * 2, at)
