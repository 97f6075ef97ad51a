"""Statistics of windows and polygons."""

import tracemalloc

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sarvlm_app.core.instruments import region_statistics
from sarvlm_app.core.instruments.region import PERCENTILES
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import JobCancelled, QueryError
from sarvlm_models.types import Window
from tests.core.instruments.made import Endless, scene_of

IMAGE = np.random.default_rng(0).gamma(4, 0.05 / 4, (200, 300)).astype(np.float32)


def test_a_window_is_measured_as_numpy_does():
    found = region_statistics(scene_of(IMAGE), 1, Window(20, 30, 100, 80))
    values = IMAGE[30:110, 20:120].astype(np.float64)
    assert (found.pixels, found.count, found.valid_share) == (8000, 8000, 1.0)
    assert found.mean == pytest.approx(values.mean()) and found.std == pytest.approx(values.std())
    assert found.mean_db == pytest.approx(10 * np.log10(values.mean()))
    assert (found.minimum, found.maximum) == (values.min(), values.max())
    assert list(found.percentiles.values()) == pytest.approx(np.percentile(values, PERCENTILES), rel=1e-6)
    assert found.median == pytest.approx(np.median(values))
    assert found.enl == pytest.approx(4, rel=0.06) and found.variation == pytest.approx(0.5, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 350), st.floats(-50, 250)), min_size=3, max_size=7))
def test_a_polygon_holds_the_pixels_whose_centre_it_holds(points):
    hull = shapely.MultiPoint(points).convex_hull
    assume(hull.area > 50)
    ring = np.array(hull.exterior.coords)
    x, y = np.meshgrid(np.arange(300) + 0.5, np.arange(200) + 0.5)
    inside = shapely.contains_xy(hull, x, y)
    close = shapely.intersects_xy(hull.exterior.buffer(1e-6), x, y)
    assume(inside.sum() > 20)
    found = region_statistics(scene_of(IMAGE), 1, ring)
    assert abs(found.pixels - inside.sum()) <= close.sum()
    if not close.any():
        assert found.mean == pytest.approx(IMAGE[inside].mean(dtype=float))


def test_pixels_without_data_are_counted_and_left_out():
    image = IMAGE.copy()
    image[:, :60] = np.nan
    found = region_statistics(scene_of(image), 1, Window(0, 0, 120, 50))
    assert (found.valid_share, found.count) == (0.5, 3000)
    assert found.mean == pytest.approx(image[:50, 60:120].mean(dtype=float))
    nothing = region_statistics(scene_of(image), 1, Window(0, 0, 40, 50))
    assert nothing.count == 0 and np.isnan(nothing.mean_db) and np.isnan(nothing.median) and np.isnan(nothing.enl)


def test_what_lies_outside_the_scene_does_not_count():
    found = region_statistics(scene_of(IMAGE), 1, Window(-10, -10, 20, 20))
    assert found.pixels == 100 and found.mean == pytest.approx(IMAGE[:10, :10].mean(dtype=float))


def test_negative_intensities_of_removed_noise_are_ordered_rightly(monkeypatch):
    monkeypatch.setattr("sarvlm_app.core.instruments.region._EXACT", 1000)
    image = (IMAGE - np.float32(0.04)).astype(np.float32)
    found = region_statistics(scene_of(image), 1, Window(0, 0, 300, 200))
    wanted = np.percentile(image.astype(np.float64), PERCENTILES)
    assert list(found.percentiles.values()) == pytest.approx(wanted, rel=5e-3, abs=2e-5)
    assert found.minimum == image.min() < 0


def test_a_plain_region_has_no_number_of_looks():
    found = region_statistics(scene_of(np.full((50, 50), 2, np.float32)), 1, Window(0, 0, 50, 50))
    assert found.std == 0 and np.isnan(found.enl) and found.variation == 0
    assert set(found.percentiles.values()) == {2.0}


def test_the_windows_it_is_read_in_change_nothing(monkeypatch):
    ring = [(10.2, 5.1), (280.7, 30.0), (150.0, 190.0)]
    at_once = region_statistics(scene_of(IMAGE), 1, ring)
    monkeypatch.setattr("sarvlm_app.core.instruments.region._COLS", 37)
    monkeypatch.setattr("sarvlm_app.core.instruments.region._PIXELS", 1000)
    parts = region_statistics(scene_of(IMAGE), 1, ring)
    assert (parts.pixels, parts.count, parts.percentiles) == (at_once.pixels, at_once.count, at_once.percentiles)
    assert parts.mean == pytest.approx(at_once.mean, rel=1e-12) and parts.std == pytest.approx(at_once.std, rel=1e-12)


def test_a_large_region_costs_little_memory():
    scene = scene_of(Endless((5000, 6000)))
    tracemalloc.start()
    try:
        found = region_statistics(scene, 1, Window(0, 0, 6000, 5000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.count == 30_000_000 and found.mean == pytest.approx(500.5, rel=1e-3)
    assert peak < 90e6, "the image itself would be 120 MB"


def test_progress_is_told_and_a_cancel_heard():
    told = []
    context = JobContext(lambda done, total, message: told.append((done, total, message)))
    region_statistics(scene_of(IMAGE), 1, Window(0, 0, 300, 200), context)
    assert told == [(0, 1, "Measuring made")]
    context.cancel()
    with pytest.raises(JobCancelled):
        region_statistics(scene_of(IMAGE), 1, Window(0, 0, 300, 200), context)


@pytest.mark.parametrize(
    ("region", "told"),
    [
        (Window(300, 0, 5, 5), "does not touch made.tif of 300 x 200 px"),
        ([(1e9, 1e9), (2e9, 1e9), (1e9, 2e9)], "does not touch"),
        ([(5.1, 5.1), (5.2, 5.1), (5.1, 5.2)], "holds no pixel's centre"),
        ([(0, 0), (10, 10), (10, 0), (0, 10)], "cross"),
    ],
)
def test_a_region_that_cannot_be_measured_is_refused_with_a_sentence(region, told):
    with pytest.raises(QueryError, match=told):
        region_statistics(scene_of(IMAGE), 1, region)


def test_percentiles_of_many_pixels_come_from_a_histogram_that_is_fine_enough(monkeypatch):
    monkeypatch.setattr("sarvlm_app.core.instruments.region._EXACT", 1000)
    image = np.random.default_rng(1).gamma(4, 0.05 / 4, (1000, 1000)).astype(np.float32)
    found = region_statistics(scene_of(image), 1, Window(0, 0, 1000, 1000))
    assert list(found.percentiles.values()) == pytest.approx(np.percentile(image, PERCENTILES), rel=5e-4)


@pytest.mark.parametrize("shape", [(200, 300), (1200, 1300)])
def test_the_histogram_of_levels_holds_every_value_above_zero(shape):
    image = np.random.default_rng(1).gamma(4, 0.05 / 4, shape).astype(np.float32)
    image[0, :50] = 0
    made = region_statistics(scene_of(image), 1, Window(0, 0, shape[1], shape[0])).histogram
    db = 10 * np.log10(image[image > 0].astype(float))
    assert made.counts.sum() + made.outside == db.size and made.outside < 0.004 * db.size
    wanted = np.histogram(db, made.edges_db)[0]
    np.testing.assert_allclose(made.counts, wanted, atol=0.002 * db.size)
    assert (made.edges_db[0], made.edges_db[-1]) == pytest.approx(np.percentile(db, (0.1, 99.9)), abs=0.05)


def test_levels_that_are_all_the_same_or_none_have_a_histogram_or_none():
    made = region_statistics(scene_of(np.full((20, 20), 0.1, np.float32)), 1, Window(0, 0, 20, 20)).histogram
    assert made.counts.sum() == 400 and made.outside == 0 and made.edges_db[0] < -10 < made.edges_db[-1]
    assert region_statistics(scene_of(np.zeros((20, 20), np.float32)), 1, Window(0, 0, 20, 20)).histogram is None
