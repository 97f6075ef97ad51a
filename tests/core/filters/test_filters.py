"""Speckle filters: what they compute, keep and leave alone."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.filters import FILTERS, Boxcar, Lee, LeeSigma, Multilook, RefinedLee, describe, make_filter
from sarvlm_app.core.filters import parameters as parameters_of
from sarvlm_app.core.filters.lee_sigma import sigma_range
from sarvlm_app.errors import QueryError
from tests.core.filters.plain import PLAIN, filtered_plainly

SAME_SIZE = sorted(PLAIN)
LINEAR = ("multilook", "boxcar")
NEEDS_LOOKS = ("lee", "refined-lee", "lee-sigma", "gamma-map")


def clutter(looks, shape=(600, 600), mean=1.0, seed=0):
    return (mean * np.random.default_rng(seed).gamma(looks, 1 / looks, shape)).astype(np.float32)


def everywhere(image):
    return np.ones(image.shape, dtype=bool)


def enl(image):
    values = np.asarray(image, np.float64)
    return values.mean() ** 2 / values.var()


def with_looks(name, looks, **more):
    return make_filter(name, **({"looks": looks} if name in NEEDS_LOOKS else {}), **more)


def textured(shape, seed):
    rng = np.random.default_rng(seed)
    image = rng.gamma(2.0, 0.5, shape) * np.where(np.arange(shape[1]) > shape[1] // 2, 8.0, 1.0)
    image[rng.random(shape) < 0.02] *= 50
    return image.astype(np.float32), rng.random(shape) > 0.15


@pytest.mark.parametrize("name", SAME_SIZE)
@pytest.mark.parametrize("seed", range(3))
def test_each_filter_computes_what_its_paper_says(name, seed):
    image, valid = textured((23, 31), seed)
    chosen = with_looks(name, 2.0)
    if isinstance(chosen, LeeSigma):
        chosen = chosen.fitted(6.0)
    result, known = chosen.apply(image, valid)
    assert np.array_equal(known, valid)
    np.testing.assert_allclose(result, filtered_plainly(image, valid, chosen), rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("looks", [1, 4.4])
@pytest.mark.parametrize("name", LINEAR)
def test_linear_filters_keep_the_mean_of_clutter(name, looks):
    image = clutter(looks, mean=0.05)
    result, valid = make_filter(name).apply(image, everywhere(image))
    assert result[valid].mean() == pytest.approx(image.mean(), rel=0.01)


def test_multilook_and_boxcar_multiply_the_looks_by_the_pixels_averaged():
    image = clutter(1, (1500, 1500))
    many, _ = Multilook(azimuth=3, range=4).apply(image, everywhere(image))
    moved, _ = Boxcar(size=5).apply(image, everywhere(image))
    assert many.shape == (500, 375)
    assert enl(many) == pytest.approx(12, rel=0.03)
    assert enl(moved[::5, ::5]) == pytest.approx(25, rel=0.03)


def test_pixels_that_are_not_independent_raise_the_looks_less():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(2, 1200, 1200))
    field = (noise + np.roll(noise, 1, axis=2)) / np.sqrt(2)  # neighbours share half of their power
    image = ((field**2).sum(axis=0) / 2).astype(np.float32)
    result, _ = Multilook(azimuth=1, range=4).apply(image, everywhere(image))
    correlated = 1 + 2 * (3 / 4) * 0.25  # intensity correlates with the square of 0.5
    assert enl(result) == pytest.approx(4 / correlated, rel=0.03)


@pytest.mark.parametrize("looks", [1, 4])
@pytest.mark.parametrize("name", ["lee", "refined-lee", "lee-sigma", "frost", "gamma-map"])
def test_adaptive_filters_raise_the_looks_of_clutter_but_less_than_a_mean_does(name, looks):
    image = clutter(looks)
    chosen = with_looks(name, looks)
    inner = np.s_[10:-10, 10:-10]
    before, after = enl(image[inner]), enl(chosen.apply(image, everywhere(image))[0][inner])
    mean = enl(Boxcar(size=chosen.size).apply(image, everywhere(image))[0][inner])
    assert 3 * before < after < mean


@pytest.mark.parametrize("name", ["lee", "refined-lee", "lee-sigma", "frost", "gamma-map"])
def test_the_bias_of_adaptive_filters_on_clutter_is_small(name):
    image = clutter(4)
    result, _ = with_looks(name, 4).apply(image, everywhere(image))
    assert result.mean() == pytest.approx(image.mean(), rel=0.05)


@pytest.mark.parametrize("name", ["lee", "refined-lee", "lee-sigma", "frost", "gamma-map"])
def test_a_point_target_survives_better_than_under_a_mean(name):
    image = clutter(4, (101, 101))
    image[49:52, 49:52] = 300.0
    kept = with_looks(name, 4).apply(image, everywhere(image))[0][50, 50]
    assert kept > 2 * Boxcar(size=7).apply(image, everywhere(image))[0][50, 50]


@pytest.mark.parametrize("name", ["lee", "refined-lee", "lee-sigma", "frost", "gamma-map"])
def test_an_edge_stays_steeper_than_under_a_mean(name):
    image = clutter(4, (400, 60))
    image[:, 30:] *= 20
    chosen = with_looks(name, 4, size=7)

    def blur(result):
        line = result.mean(axis=0)
        truth = np.where(np.arange(60) < 30, image[:, :20].mean(), image[:, 40:].mean())
        return np.abs(line - truth)[24:36].sum()

    assert blur(chosen.apply(image, everywhere(image))[0]) < 0.6 * blur(Boxcar(7).apply(image, everywhere(image))[0])


def test_the_refined_filter_keeps_to_its_side_of_an_edge_where_lee_mixes_both():
    image = clutter(4, (600, 60))
    image[:, 30:] *= 20
    beside = np.s_[10:-10, 28:30]
    errors = [
        np.mean((one.apply(image, everywhere(image))[0][beside] - 1) ** 2) for one in (Lee(7, 4), RefinedLee(7, 4))
    ]
    assert errors[1] < 0.25 * errors[0]


@pytest.mark.parametrize("name", SAME_SIZE)
@settings(max_examples=12, deadline=None)
@given(data=st.data(), height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_piece_with_its_margin_is_filtered_as_the_whole_is(name, data, height, width, seed):
    image, valid = textured((height, width), seed)
    chosen = with_looks(name, 2.0)
    chosen = chosen.fitted(6.0) if isinstance(chosen, LeeSigma) else chosen
    whole, known = chosen.apply(image, valid)
    assert whole.shape == image.shape and whole.dtype == np.float32 and np.array_equal(known, valid)
    assert np.isfinite(whole).all() and not whole[~valid].any()
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    row_end, col_end = data.draw(st.integers(row + 1, height)), data.draw(st.integers(col + 1, width))
    m = chosen.margin_px
    top, left = max(0, row - m), max(0, col - m)
    read = np.s_[top : row_end + m, left : col_end + m]
    piece, _ = chosen.apply(image[read], valid[read])
    cut = piece[row - top : row_end - top, col - left : col_end - left]
    np.testing.assert_array_equal(cut, whole[row:row_end, col:col_end])


@pytest.mark.parametrize("name", SAME_SIZE)
def test_what_is_not_valid_enters_no_mean_whatever_it_holds(name):
    image = clutter(4, (60, 60))
    valid = everywhere(image)
    valid[20:30, 20:30] = False
    chosen = with_looks(name, 4)
    chosen = chosen.fitted(3.0) if isinstance(chosen, LeeSigma) else chosen
    wanted, _ = chosen.apply(image, valid)
    for rubbish in (np.nan, np.inf, 1e30, -5.0):
        spoiled = np.where(valid, image, np.float32(rubbish))
        result, known = chosen.apply(spoiled, valid)
        np.testing.assert_array_equal(result, wanted)
        assert np.array_equal(known, valid) and not result[~valid].any()
    undeclared, known = chosen.apply(np.where(valid, image, np.float32(np.nan)), everywhere(image))
    np.testing.assert_array_equal(undeclared, wanted)
    assert np.array_equal(known, valid)


@pytest.mark.parametrize("name", SAME_SIZE)
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 3e-9, 1e12])
def test_a_plain_surface_stays_as_it_is(name, value):
    image = np.full((20, 20), value, np.float32)
    result, valid = with_looks(name, 1.0).apply(image, everywhere(image))
    np.testing.assert_allclose(result, image, rtol=1e-6)
    assert valid.all()


@pytest.mark.parametrize("name", SAME_SIZE)
def test_the_unit_of_the_intensity_changes_nothing_else(name):
    image = clutter(2, (80, 80))
    chosen = with_looks(name, 2)
    small, large = (chosen.apply(image * np.float32(k), everywhere(image))[0] / np.float32(k) for k in (1e-6, 1e9))
    np.testing.assert_allclose(small, large, rtol=1e-4)


def test_a_block_of_looks_is_valid_when_half_of_it_is():
    image = np.arange(16, dtype=np.float32).reshape(4, 4)
    valid = everywhere(image)
    valid[0, :2] = False
    valid[2:, 2:] = [[True, False], [False, False]]
    result, known = Multilook(2, 2).apply(image, valid)
    assert known.tolist() == [[True, True], [True, False]]
    assert result.tolist() == [[4.5, 4.5], [10.5, 0.0]]


def test_rows_and_columns_that_fill_no_block_are_left_out():
    image = clutter(1, (11, 8))
    assert Multilook(azimuth=3, range=5).apply(image, everywhere(image))[0].shape == (3, 1)
    with pytest.raises(QueryError, match="8 x 11 px cannot be multilooked by 9 x 1"):
        Multilook(azimuth=1, range=9).apply(image, everywhere(image))


@pytest.mark.parametrize(
    ("looks", "share", "low", "high", "std"),
    [(1, 0.5, 0.436, 1.920, 0.4057), (1, 0.9, 0.084, 3.941, 0.8191), (2, 0.9, 0.221, 2.744, 0.5699)],
)
def test_the_sigma_range_is_that_of_the_papers_tables(looks, share, low, high, std):
    assert sigma_range(looks, share) == pytest.approx((low, high, std), rel=5e-3)


@settings(max_examples=60, deadline=None)
@given(looks=st.floats(0.2, 1000), share=st.floats(0.5, 0.95))
def test_a_sigma_range_exists_for_every_number_of_looks(looks, share):
    low, high, std = sigma_range(looks, share)
    assert 0 <= low < 1 < high and 0 < std <= 1 / np.sqrt(looks)


@pytest.mark.parametrize("name", list(FILTERS))
def test_each_filter_explains_itself_and_its_parameters(name):
    chosen = FILTERS[name]
    assert chosen.name == name and chosen.title and chosen.about.endswith(".")
    for one in parameters_of(chosen):
        assert one.title and one.about.endswith(".") and one.low < one.high
        one.check(one.default)
    assert describe(chosen()).startswith(chosen.title)
    assert hash(chosen()) == hash(chosen())
    assert all(field.name in {one.name for one in parameters_of(chosen)} for field in dataclasses.fields(chosen))


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("lee", {"size": 6}, "“window (px)” cannot be 6; choose an odd number from 3 to 33."),
        ("lee", {"looks": 0}, "“looks” cannot be 0; choose a number from 0.2 to 1000."),
        ("lee", {"looks": float("nan")}, "cannot be nan"),
        ("frost", {"damping": -1.0}, "“damping” cannot be -1.0"),
        ("multilook", {"azimuth": 2.5}, "a whole number from 1 to 256."),
        ("boxcar", {"looks": 3}, "The filter boxcar has no parameter “looks”; it has size."),
        ("median", {}, "There is no filter “median”; choose one of multilook, boxcar"),
    ],
)
def test_parameters_out_of_range_are_refused_with_a_sentence(name, values, told):
    with pytest.raises(QueryError) as caught:
        make_filter(name, **values)
    assert told in str(caught.value)


def test_a_filter_made_by_hand_is_checked_too():
    with pytest.raises(QueryError, match="window"):
        Lee(size=4)
