import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sarvlm_app.core.radiometry import (
    DB_FLOOR,
    IntensityMean,
    Stretch,
    ValueType,
    from_db,
    from_intensity,
    mean_intensity,
    to_amplitude,
    to_db,
    to_intensity,
    widened,
)

positive = arrays(np.float32, (5, 7), elements=st.floats(2.0**-20, 2.0**20, width=32))
sizes = st.integers(1, 40)


def test_complex_samples_become_their_squared_modulus():
    assert to_intensity(np.array([3 + 4j, -1j], np.complex64), ValueType.COMPLEX).tolist() == [25.0, 1.0]


@pytest.mark.parametrize("kind", [ValueType.AMPLITUDE, ValueType.DN])
def test_amplitude_and_digital_numbers_are_squared_without_overflow_of_their_integers(kind):
    result = to_intensity(np.array([[255, 65535]], np.uint16), kind)
    assert result.dtype == np.float32
    assert result[0] == pytest.approx([65025.0, 65535.0**2])


def test_reading_a_value_does_not_change_the_array_it_came_from():
    values = np.array([2.0, 3.0], np.float32)
    to_intensity(values, ValueType.AMPLITUDE)
    to_db(values)
    assert values.tolist() == [2.0, 3.0]


def test_minus_ten_db_is_a_tenth():
    assert to_intensity(np.array([-10.0, 0.0, 20.0]), ValueType.DB) == pytest.approx([0.1, 1.0, 100.0])


def test_nothing_and_less_than_nothing_have_the_floor_in_db_and_nan_stays():
    result = to_db(np.array([0.0, -1.0, np.nan]))
    assert result[:2].tolist() == [DB_FLOOR, DB_FLOOR]
    assert np.isnan(result[2])


def test_amplitude_of_negative_intensity_is_zero():
    assert to_amplitude(np.array([-0.5, 4.0])).tolist() == [0.0, 2.0]


@given(positive)
def test_db_there_and_back(intensity):
    assert np.allclose(from_db(to_db(intensity)), intensity, rtol=1e-5)


@given(positive, st.sampled_from([ValueType.INTENSITY, ValueType.AMPLITUDE, ValueType.DN, ValueType.DB]))
def test_intensity_survives_every_real_unit(intensity, kind):
    assert np.allclose(to_intensity(from_intensity(intensity, kind), kind), intensity, rtol=1e-4)


@given(positive, sizes, sizes)
def test_the_mean_of_all_boxes_keeps_the_energy_whatever_the_ratio(intensity, rows, cols):
    mean, valid = mean_intensity(intensity, np.ones(intensity.shape, np.bool_), (rows, cols))
    assert valid.all()
    assert mean.mean(dtype=np.float64) == pytest.approx(intensity.mean(dtype=np.float64), rel=1e-4)


def test_intensity_is_averaged_not_amplitude_nor_decibels():
    amplitude = np.array([[1.0, 3.0]], np.float32)
    mean, _ = mean_intensity(to_intensity(amplitude, ValueType.AMPLITUDE), np.ones((1, 2), np.bool_), (1, 1))
    assert mean.item() == 5.0


def test_a_split_pixel_counts_by_its_area():
    mean, _ = mean_intensity(np.array([[1.0, 2.0, 6.0]], np.float32), np.ones((1, 3), np.bool_), (1, 2))
    assert mean[0] == pytest.approx([(1 + 0.5 * 2) / 1.5, (0.5 * 2 + 6) / 1.5])


def test_a_finer_grid_repeats_pixels():
    mean, _ = mean_intensity(np.array([[1.0, 2.0]], np.float32), np.ones((1, 2), np.bool_), (2, 4))
    assert mean.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


def test_pixels_without_data_have_no_weight_and_mostly_empty_boxes_are_not_valid():
    intensity = np.array([[4.0, 99.0, 99.0, 99.0], [4.0, 4.0, 99.0, 8.0]], np.float32)
    valid = np.array([[1, 0, 0, 0], [1, 1, 0, 1]], np.bool_)
    mean, ok = mean_intensity(intensity, valid, (1, 2))
    assert ok.tolist() == [[True, False]]
    assert mean.tolist() == [[4.0, 0.0]]


@given(st.integers(1, 9), st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_gathering_strips_equals_averaging_at_once(step, rows, out_rows, seed):
    rng = np.random.default_rng(seed)
    intensity = rng.exponential(1.0, (rows, 6)).astype(np.float32)
    valid = rng.random((rows, 6)) > 0.2
    mean = IntensityMean((rows, 6), (out_rows, 4))
    for row in range(0, rows, step):
        mean.add(row, intensity[row : row + step], valid[row : row + step])
    whole, ok = mean_intensity(intensity, valid, (out_rows, 4))
    assert np.array_equal(mean.result()[1], ok)
    assert np.allclose(mean.result()[0], whole, rtol=1e-5)


def test_a_stretch_shows_its_limits_black_and_white_and_leaves_gaps_open():
    grey = Stretch(-20.0, 0.0).apply(np.array([0.01, 0.1, 1.0, 100.0, np.nan]))
    assert grey[:4] == pytest.approx([0.0, 0.5, 1.0, 1.0])
    assert np.isnan(grey[4])


def test_a_linear_stretch_works_on_amplitude():
    assert Stretch(0.0, 4.0, "linear").apply(np.array([4.0])).item() == 0.5


def test_a_stretch_without_range_is_refused():
    with pytest.raises(ValueError, match="low < high"):
        Stretch(1.0, 1.0)


@given(st.floats(-100, 100), st.floats(0, 10), st.floats(0.1, 5))
def test_a_widened_range_is_never_narrower_than_asked_and_keeps_its_middle(low, spread, least):
    new_low, new_high = widened(low, low + spread, least)
    assert new_high - new_low >= min(least, spread + least) - 1e-9
    assert (new_low + new_high) / 2 == pytest.approx(low + spread / 2, abs=1e-6)
