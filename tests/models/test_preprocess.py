"""What the compact model sees: relative to the scene, never to the window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_models.preprocess import (
    LOCAL_PX,
    LOG_RANGE,
    box_mean,
    input_planes,
    p98_ratio,
    relative_amplitude,
    spacing_code,
)
from sarvlm_models.types import SceneStats


def planes_of(intensity: np.ndarray, stats: SceneStats) -> torch.Tensor:
    relative = torch.from_numpy(relative_amplitude(intensity.astype(np.float32), stats))[None, None]
    return input_planes(relative, torch.full((1, 1, 1, 1), p98_ratio(stats)))


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    box=st.sampled_from([1, 3, 9, LOCAL_PX]),
    seed=st.integers(0, 99),
)
def test_the_box_mean_is_the_average_over_the_neighbours_that_are_there(
    height: int, width: int, box: int, seed: int
) -> None:
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 1, height, width)).astype(np.float32))
    expected = F.avg_pool2d(values, box, 1, box // 2, count_include_pad=False)
    torch.testing.assert_close(box_mean(box_mean(values, box, -2), box, -1), expected, atol=2e-5, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(gain_db=st.floats(-60, 60), seed=st.integers(0, 99))
def test_the_gain_of_a_scene_changes_nothing(gain_db: float, seed: int) -> None:
    intensity = np.random.default_rng(seed).exponential(1.0, (24, 40))
    stats, gain = SceneStats(0.83, 1.98), 10 ** (gain_db / 10)
    louder = SceneStats(0.83 * gain**0.5, 1.98 * gain**0.5)
    torch.testing.assert_close(planes_of(intensity * gain, louder), planes_of(intensity, stats), atol=1e-4, rtol=1e-4)


def test_the_planes_are_the_log_the_linear_and_the_local_contrast() -> None:
    intensity = np.full((8, 16), 4.0)  # amplitude 2 in a scene of median 2 and 98th percentile 5
    planes = planes_of(intensity, SceneStats(2.0, 5.0))
    assert planes.shape == (1, 3, 8, 16) and planes.dtype == torch.float32
    expected = (np.log(1.1) / 1.2, 2 * (1.0 / 2.5) - 0.7, 0.0)
    for plane, value in zip(planes[0], expected, strict=True):
        torch.testing.assert_close(plane, torch.full((8, 16), value, dtype=torch.float32), atol=1e-5, rtol=0)


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30, -1.0])
def test_extreme_pixels_stay_within_the_range_of_the_inputs(value: float) -> None:
    planes = planes_of(np.full((9, 9), value), SceneStats(1.0, 2.0))
    assert torch.isfinite(planes).all()
    assert planes[:, 0].min() >= LOG_RANGE[0] / 1.2 - 1e-6 and planes[:, 0].max() <= LOG_RANGE[1] / 1.2 + 1e-6
    assert planes[:, 1].min() >= -0.7 - 1e-6 and planes[:, 1].max() <= 3.3 + 1e-6


def test_a_scene_without_statistics_is_no_fault() -> None:
    stats = SceneStats(0.0, 0.0)
    assert p98_ratio(stats) == pytest.approx(1.2)
    assert torch.isfinite(planes_of(np.ones((8, 8)), stats)).all()


def test_the_ratio_has_a_least_value() -> None:
    assert p98_ratio(SceneStats(1.0, 1.0)) == pytest.approx(1.2)
    assert p98_ratio(SceneStats(2.0, 9.0)) == pytest.approx(4.5)


def test_the_spacing_code_is_an_octave_scale_around_3_m() -> None:
    code = spacing_code(torch.tensor([3.0, 12.0, 0.75, 0.0, 1e6, 1e-6]))
    expected = torch.tensor([[0.0, 1], [1.0, 1], [-1.0, 1], [0, 0], [2.5, 1], [-2.5, 1]])
    torch.testing.assert_close(code, expected)
