"""Backscatter along a line."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import AffineGeoref
from sarvlm_app.core.instruments import measure_line, profile
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import JobCancelled, QueryError
from tests.core.instruments.made import Endless, scene_of

UTM = AffineGeoref(Affine(10, 0, 500000, 0, -10, 5300000), "EPSG:32633", (300, 200))
IMAGE = np.random.default_rng(0).gamma(1, 1, (200, 300)).astype(np.float32)


def test_along_a_row_the_values_are_those_of_its_pixels():
    found = profile(scene_of(IMAGE, georef=UTM), 1, [(10.5, 20.5), (60.5, 20.5)])
    np.testing.assert_allclose(found.intensity, IMAGE[20, 10:61])
    np.testing.assert_allclose(found.db, 10 * np.log10(IMAGE[20, 10:61]), rtol=1e-4, atol=1e-4)
    assert found.distance_px.tolist() == list(range(51))
    assert found.distance_m[-1] == pytest.approx(500, rel=1e-3) and found.distance_m[0] == 0


def test_across_a_width_intensity_is_averaged_and_not_decibels():
    found = profile(scene_of(IMAGE), 1, [(10.5, 20.5), (60.5, 20.5)], width_px=5)
    wanted = IMAGE[18:23, 10:61].astype(float).mean(axis=0)
    np.testing.assert_allclose(found.db, 10 * np.log10(wanted), rtol=1e-4, atol=1e-4)


def test_a_longer_step_averages_along_the_line_too():
    found = profile(scene_of(IMAGE), 1, [(12.5, 20.5), (52.5, 20.5)], step_px=5, width_px=3)
    wanted = IMAGE[19:22, 10:55].astype(float).reshape(3, 9, 5).mean(axis=(0, 2))
    np.testing.assert_allclose(found.intensity, wanted)


def test_a_step_edge_lies_where_it_is_on_a_slanting_line():
    image = np.where(np.arange(300) < 150, 0.01, 1.0) * np.ones((200, 1))
    found = profile(scene_of(image.astype(np.float32)), 1, [(100, 50), (200, 150)], width_px=9)
    crossing = found.points_px[np.argmax(found.db > -10), 0]
    assert crossing == pytest.approx(150, abs=4)
    assert found.db[[0, -1]] == pytest.approx([-20, 0], abs=1e-4)


def test_outside_the_scene_and_without_data_there_is_no_value():
    image = IMAGE.copy()
    image[100, 5] = np.nan
    found = profile(scene_of(image), 1, [(-4.5, 100.5), (8.5, 100.5)])
    assert np.isnan(found.intensity).tolist() == [True] * 5 + [False] * 5 + [True] + [False] * 3
    assert np.isnan(profile(scene_of(image), 1, [(-40, -40), (-2, -3)]).db).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 350), st.floats(-50, 250)), min_size=2, max_size=5), st.floats(0.3, 40))
def test_samples_lie_on_the_line_at_equal_steps(points, step):
    total = measure_line(scene_of(IMAGE), points).total_px
    if total < step:
        return
    found = profile(scene_of(IMAGE), 1, points, step_px=step)
    assert len(found.distance_px) == int(total / step + 1e-9) + 1
    np.testing.assert_allclose(found.points_px[0], points[0], atol=1e-9)
    gaps = np.hypot(*np.diff(found.points_px, axis=0).T)
    assert (gaps <= step * (1 + 1e-6)).all(), "corners only shorten the straight way between samples"


def test_a_line_over_a_large_scene_is_read_piece_by_piece(monkeypatch):
    scene = scene_of(Endless((30_000, 40_000)))
    sizes = []
    real = Endless.native
    monkeypatch.setattr(Endless, "native", lambda self, w, o=None: sizes.append(w.width * w.height) or real(self, w, o))
    found = profile(scene, 1, [(0, 0), (39_999, 29_999)], step_px=3)
    assert max(sizes) < 2 * 10**6 and len(sizes) > 20 and not np.isnan(found.intensity).any()


@pytest.mark.parametrize(
    ("points", "more", "told"),
    [
        ([(1, 1), (1, 1)], {}, "has no length"),
        ([(1, 1), (9, 1)], {"step_px": 0.0}, "cannot be 0 px; choose 0.1 to 1000"),
        ([(1, 1), (9e6, 1)], {}, "choose 45 to 1000"),
        ([(1, 1), (9e9, 1)], {}, "px long, far longer than any scene"),
        ([(1, 1), (9, 1)], {"step_px": 5000.0}, "choose 0.1 to 1000"),
        ([(1, 1), (9, 1)], {"width_px": 0.5}, "choose 1 to 1000"),
        ([(1, 1), (9, 1)], {"step_px": np.nan}, "cannot be nan px"),
    ],
)
def test_what_is_no_profile_is_refused_with_a_sentence(points, more, told):
    with pytest.raises(QueryError, match=told):
        profile(scene_of(IMAGE), 1, points, **more)


def test_a_long_profile_tells_how_far_it_is_and_stops_when_asked():
    told = []
    context = JobContext(lambda done, total, _message: told.append((done, total)))
    profile(scene_of(Endless((5000, 5000))), 1, [(10, 10), (4000, 10)], context=context)
    assert told[0][0] == 0 and len(told) > 2 and {total for _, total in told} == {3991}
    context.cancel()
    with pytest.raises(JobCancelled):
        profile(scene_of(Endless((5000, 5000))), 1, [(10, 10), (4000, 10)], context=context)
