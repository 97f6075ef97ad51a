"""One peak for each object, and the ground by its most likely name."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sarvlm_app.core import landcover
from sarvlm_app.core.counting import COUNTABLES, PROMINENCE, count_objects, logit_of
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.landcover import COVERS, cover_shares
from sarvlm_app.core.prominence import prominent_peaks
from sarvlm_app.core.query import TextVectors
from sarvlm_app.errors import JobCancelled
from tests.core.ground_models import GroundEncoder

SHIP, WATER, FOREST, _ = np.eye(4, dtype=np.float16)


@settings(deadline=None)
@given(
    arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-6, 6)),
    st.integers(-3000, 3000).map(lambda thousandths: thousandths / 1000),
    st.floats(0.25, 4),
)
def test_peaks_above_a_level_are_those_of_the_whole_map_that_reach_it(heights, least, prominence):
    """The order of equal ones, and which cell of a level top is given, are not fixed."""
    whole = [peak.score for peak in prominent_peaks(heights, 8.0, prominence) if logit_of(peak.score) > least + 1e-9]
    above = [peak.score for peak in prominent_peaks(heights, 8.0, prominence, least)]
    if (heights > least).all() and np.ptp(heights) == 0:
        assert len(above) == 1
    else:
        assert sorted(above) == pytest.approx(sorted(whole))


def test_a_ship_with_two_bright_ends_is_one_and_two_ships_with_a_gap_are_two():
    line = np.full((5, 12), -8.0, np.float32)
    line[2, 2:10] = [6, 5, 4.2, 3.5, 3.5, 4, 5, 6.5]
    assert len(prominent_peaks(line, 8.0, PROMINENCE + 0.5, 2.0)) == 1
    line[2, 5:7] = -2.0
    peaks = prominent_peaks(line, 8.0, PROMINENCE, 2.0)
    assert [(round(peak.x / 8 - 0.5), round(peak.y / 8 - 0.5)) for peak in peaks] == [(9, 2), (2, 2)]


def test_no_data_holds_no_peak_and_parts_none():
    heights = np.full((4, 9), np.nan, np.float32)
    assert prominent_peaks(heights, 8.0, 1.0, 0.0) == []
    heights[:, :4], heights[:, 5:] = 5.0, 5.0
    assert len(prominent_peaks(heights, 8.0, 1.0, 0.0)) == 2


def test_scores_and_logits_agree():
    assert logit_of(0.5) == 0.0 and 1 / (1 + math.exp(-logit_of(0.88))) == pytest.approx(0.88)


def test_every_kind_is_counted_and_places_are_in_pixels():
    vectors = np.tile(WATER, (20, 30, 1))
    vectors[4:6, 7:9] = vectors[12:14, 20:22] = SHIP
    found = count_objects(vectors, 16.0, TextVectors(GroundEncoder()))
    assert list(found) == [kind.key for kind in COUNTABLES]
    assert sorted((peak.x, peak.y) for peak in found["ship"]) == [
        (pytest.approx(8 * 16, abs=16), pytest.approx(5 * 16, abs=16)),
        (pytest.approx(21 * 16, abs=16), pytest.approx(13 * 16, abs=16)),
    ]
    assert not any(found[key] for key in found if key != "ship")


def test_counting_and_naming_can_be_cancelled():
    ctx = JobContext()
    ctx.cancel()
    vectors, texts = np.tile(WATER, (4, 4, 1)), TextVectors(GroundEncoder())
    for work in (lambda: count_objects(vectors, 8.0, texts, ctx), lambda: cover_shares(vectors, texts, ctx)):
        with pytest.raises(JobCancelled):
            work()


@given(st.just(0) | st.integers(6, 40), st.just(0) | st.integers(6, 40), st.integers(1, 12), st.booleans())
@settings(deadline=None, max_examples=30)
def test_shares_of_the_ground_are_those_of_its_cells(water, forest, cols, some_without_data):
    rows = max(1, water + forest)
    vectors = np.tile(FOREST, (rows, cols, 1))
    vectors[:water] = WATER
    known = rows if water + forest else 0
    vectors[known:] = 0
    if some_without_data:
        vectors = np.concatenate((vectors, np.zeros((9, cols, 4), np.float16)))
    shares = dict(cover_shares(vectors, TextVectors(GroundEncoder())))
    assert sum(shares.values()) == pytest.approx(1.0 if known else 0.0)
    if known:
        assert shares.get("water", 0.0) == pytest.approx(water / known, abs=1.0 / known)
        assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_bands_of_rows_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(2)
    vectors = np.eye(4, dtype=np.float16)[rng.integers(0, 4, (70, 20))]
    texts = TextVectors(GroundEncoder())
    whole = cover_shares(vectors, texts)
    monkeypatch.setattr(landcover, "ROWS_AT_ONCE", 7)
    assert cover_shares(vectors, texts) == whole


def test_a_lone_cell_of_another_kind_is_speckle():
    vectors = np.tile(WATER, (15, 15, 1))
    vectors[7, 7] = FOREST
    assert cover_shares(vectors, TextVectors(GroundEncoder())) == (("water", 1.0),)


def test_without_pixel_spacing_a_place_has_a_name_only_where_the_model_is_sure():
    encoder = GroundEncoder()
    encoder.logit_bias = -5.0
    unsure = (0.4 * WATER + 0.9 * SHIP).astype(np.float16)
    vectors = np.concatenate((np.tile(unsure, (16, 12, 1)), np.tile(FOREST, (16, 12, 1))))
    shares = dict(cover_shares(vectors, TextVectors(encoder), only_sure=True))
    assert set(shares) == {"forest"} and shares["forest"] == pytest.approx(0.5, abs=0.1)
    assert sum(dict(cover_shares(vectors, TextVectors(encoder))).values()) == pytest.approx(1.0)


def test_kinds_of_ground_have_names_of_their_own():
    assert len({cover.name for cover in COVERS}) == len(COVERS)
    assert len({text for cover in COVERS for text in cover.texts}) == sum(len(cover.texts) for cover in COVERS)
