"""Pairs of boxes and greedy suppression, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import corners_from, merge_boxes, overlapping_pairs
from sarvlm_app.core.boxes import merging as merging_module


def plainly(corners: np.ndarray, scores: np.ndarray, groups: np.ndarray, threshold: float) -> list[int]:
    shapes = [shapely.Polygon(c) for c in corners]
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(groups[i] != groups[k] or iou(shapes[i], shapes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


def iou(a: shapely.Polygon, b: shapely.Polygon) -> float:
    shared = a.intersection(b).area
    return shared / (a.area + b.area - shared)


@st.composite
def crowds(draw):
    """Boxes on a few spots, many with equal scores."""
    seed, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 60))
    rng = np.random.default_rng(seed)
    spots = rng.uniform(0, 120, (draw(st.integers(1, 8)), 2))
    middle = spots[rng.integers(0, len(spots), count)] + rng.normal(0, 4, (count, 2))
    corners = corners_from(*middle.T, rng.uniform(8, 40, count), rng.uniform(4, 12, count), rng.uniform(0, 3.1, count))
    scores = rng.integers(0, draw(st.integers(1, 30)), count) / 30
    return corners, scores, rng.integers(0, draw(st.integers(1, 3)), count)


@settings(max_examples=60, deadline=None)
@given(crowds(), st.sampled_from([0.05, 0.3, 0.7]), st.sampled_from([1, 7, 256]))
def test_the_boxes_kept_are_those_of_a_plain_loop(crowd, threshold, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging_module, "_FIRST_BLOCK", block)
        assert merge_boxes(*crowd, threshold).tolist() == plainly(*crowd, threshold)


@settings(max_examples=20, deadline=None)
@given(crowds())
def test_few_pairs_at_a_time_give_the_same(crowd):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging_module, "_PAIRS_AT_A_TIME", 1)
        patch.setattr(merging_module, "_ROWS_AT_A_TIME", 3)
        assert merge_boxes(*crowd, 0.3).tolist() == plainly(*crowd, 0.3)


@settings(max_examples=50, deadline=None)
@given(crowds())
def test_pairs_are_all_whose_extents_meet(crowd):
    corners, _, groups = crowd
    pairs = overlapping_pairs(corners, groups)
    low, high = corners.min(axis=1), corners.max(axis=1)
    meet = (np.minimum(high[:, None], high) >= np.maximum(low[:, None], low)).all(axis=2)
    wanted = np.argwhere(np.triu(meet & (groups[:, None] == groups), 1))
    assert np.array_equal(pairs, wanted)
    assert len(overlapping_pairs(corners)) >= len(pairs)


def test_of_equal_scores_the_first_is_kept_and_the_best_comes_first():
    corners = corners_from([10, 10, 90, 10], 10.0, 20, 6, 0.3)
    assert merge_boxes(corners, np.array([0.5, 0.5, 0.9, 0.5]), np.zeros(4, int), 0.5).tolist() == [2, 0]
    assert merge_boxes(corners, np.array([0.5, 0.5, 0.9, 0.6]), np.array([0, 1, 0, 0]), 0.5).tolist() == [2, 3, 1]


def test_a_suppressed_box_suppresses_nothing():
    row = corners_from([0.0, 4, 8, 12], 0.0, 10, 5, 0.0)  # each overlaps the next by 6 / 14, and none the one after
    assert merge_boxes(row, np.array([4.0, 3, 2, 1]), np.zeros(4, int), 0.3).tolist() == [0, 2]
    long = corners_from(np.arange(3000) * 4.0, 0.0, 10, 5, 0.0)
    kept = merge_boxes(long, -np.arange(3000.0), np.zeros(3000, int), 0.3)
    assert np.array_equal(kept, np.arange(0, 3000, 2))


def test_moored_side_by_side_stay_two_where_upright_boxes_would_merge():
    pair = corners_from([100, 100 + 9 * np.sin(0.8)], [100, 100 - 9 * np.cos(0.8)], 60, 9, 0.8)
    assert len(merge_boxes(pair, np.array([0.9, 0.8]), np.zeros(2, int), 0.1)) == 2


@pytest.mark.parametrize("scores", [[0.9, 0.8], [0.6, 0.8]], ids=["whole better", "part better"])
def test_a_part_of_a_cut_object_goes_when_the_whole_is_there(scores):
    whole_and_part = corners_from([50, 40], 20.0, [40, 18], [10, 9.6], 0.0)
    none = np.zeros(2, int)
    assert len(merge_boxes(whole_and_part, np.array(scores), none, 0.5)) == 2
    assert merge_boxes(whole_and_part, np.array(scores), none, 0.5, cover=0.8).tolist() == [0]


def test_a_part_stays_without_a_whole_worth_the_name():
    boxes = corners_from([50, 40, 200, 190], 20.0, [40, 18, 40, 18], [10, 9.6, 10, 9.6], 0.0)
    scores = np.array([0.2, 0.8, 0.9, 0.8])  # the first whole is far worse than its part; the second of another class
    assert sorted(merge_boxes(boxes, scores, np.array([0, 0, 0, 1]), 0.5, cover=0.8)) == [0, 1, 2, 3]


def test_none_and_what_has_no_area():
    nothing = np.zeros((0, 4, 2), np.float32)
    assert merge_boxes(nothing, nothing[:, 0, 0], np.zeros(0, np.int32), 0.5, cover=0.8).tolist() == []
    flat = np.concatenate([np.full((2, 4, 2), 5.0), corners_from(5, 5, 9, 9, 0)])
    assert merge_boxes(flat, np.array([0.1, 0.2, 0.3]), np.zeros(3, int), 0.5, cover=0.8).tolist() == [2, 1, 0]
    assert overlapping_pairs(nothing).shape == (0, 2)


def test_boxes_with_coordinates_that_are_no_numbers_are_kept_and_disturb_nothing():
    boxes = corners_from(np.repeat(np.arange(40.0) * 30, 2), 10.0, 20, 8, 0.3)
    boxes[::10, 1, 0] = [np.nan, np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan, np.nan]
    kept = merge_boxes(boxes, -np.arange(80.0), np.arange(80) // 2 % 3, 0.5, cover=0.8)
    broken = np.isnan(boxes).any(axis=(1, 2)) | np.isinf(boxes).any(axis=(1, 2))
    wanted = [i for i in range(80) if broken[i] or i % 2 == 0 or broken[i - 1]]
    assert kept.tolist() == wanted
    assert (overlapping_pairs(boxes) % 10 != 0).all()
