"""Peaks of heat maps and their measures against boxes: counted by hand, and over pictures with a toy model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import picture_patches
from sarvlm_app.core.prominence import PROMINENCE, Peak, prominent_peaks, to_logit
from sarvlm_app.core.query import BACKGROUND_PROMPTS, TextVectors, class_prompts
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.types import EncoderSpec
from sarvlm_training.evaluate.coco_boxes import Box, BoxedImage, BoxedImages
from sarvlm_training.evaluate.places import (
    average_precision,
    brightest_pixel,
    evaluate_heatmaps,
    in_outline,
    match_peaks,
    within,
)
from tests.core.fake_encoder import FakeEncoder


def box(x: float, y: float, width: float, height: float, crowd: bool = False) -> Box:
    return Box(1, (x, y, width, height), (), crowd)


def at(x: float, y: float, score: float) -> Peak:
    return Peak(score, x, y)


def test_a_hill_that_does_not_stand_out_is_no_peak_of_its_own() -> None:
    ridge = np.full((5, 9), -4.0, np.float32)
    ridge[2, 1:8] = (3, 2.5, 2.2, 2.0, 2.3, 2.6, 2.8)  # two ends of one ship: the pass lies 0.8 below the lower end
    (peak,) = prominent_peaks(ridge, 8)
    assert (round(peak.x / 8 - 0.5), round(peak.y / 8 - 0.5)) == (1, 2)
    ridge[2, 4] = 2.8 - PROMINENCE - 0.1  # now the way between them falls by more than a logit
    assert [round(peak.x / 8 - 0.5) for peak in prominent_peaks(ridge, 8)] == [1, 7]


def test_a_peak_lies_at_the_top_of_the_parabola() -> None:
    line = np.array([[0.0, 2.0, 3.0, 2.6, 0.0]], np.float32)  # top at 2 + (2 - 2.6) / (2 (2 - 6 + 2.6)) = 2.214
    (peak,) = prominent_peaks(line, 10)
    assert peak.x == pytest.approx(10 * (2.5 + 0.3 / 1.4)) and peak.y == pytest.approx(5)
    assert peak.score == pytest.approx(1 / (1 + np.exp(-3)))


def test_no_data_has_no_peaks_and_a_flat_map_has_one() -> None:
    assert prominent_peaks(np.full((3, 3), np.nan, np.float32), 8) == []
    assert prominent_peaks(np.full((3, 4), 1.5, np.float32), 8) == [Peak(pytest.approx(0.8175745), 4.0, 4.0)]
    half = np.full((3, 4), np.nan, np.float32)
    half[1, 2] = 0.0
    assert prominent_peaks(half, 8) == [Peak(0.5, 20.0, 12.0)]


logits = arrays.arrays(np.float32, (6, 7), elements=st.sampled_from([-3.0, -1.5, 0.0, 0.4, 2.0, 3.5, float("nan")]))


@settings(max_examples=50, deadline=None)
@given(logits)
def test_the_best_cell_is_always_the_first_peak_and_peaks_fall(map_of_logits: np.ndarray) -> None:
    found = prominent_peaks(map_of_logits, 8)
    if not np.isfinite(map_of_logits).any():
        assert found == []
        return
    assert found[0].score == pytest.approx(1 / (1 + np.exp(-np.nanmax(map_of_logits))))
    assert all(a.score >= b.score for a, b in zip(found, found[1:], strict=False))
    for peak in found:
        assert np.isfinite(map_of_logits[int(peak.y // 8), int(peak.x // 8)])


@settings(deadline=None, max_examples=40)
@given(st.floats(0.001, 0.999))
def test_logits_are_the_inverse_of_scores(score: float) -> None:
    (logit,) = to_logit(np.array([score], np.float32))
    assert 1 / (1 + np.exp(-float(logit))) == pytest.approx(score, abs=1e-5)


def test_each_box_is_hit_once_by_the_best_peak() -> None:
    boxes = [box(0, 0, 10, 10), box(8, 0, 10, 10)]
    peaks = [at(9, 5, 0.6), at(4, 5, 0.9), at(3, 3, 0.8), at(50, 50, 0.7)]
    # 0.9 hits the first, 0.8 finds it taken, 0.7 lies nowhere, 0.6 lies in both and hits the second
    assert match_peaks(peaks, boxes) == [(0.9, True), (0.8, False), (0.7, False), (0.6, True)]


def test_of_two_boxes_the_nearer_centre_is_hit() -> None:
    boxes = [box(0, 0, 20, 20), box(8, 8, 8, 8)]
    assert match_peaks([at(12, 12, 0.9), at(2, 2, 0.5)], boxes) == [(0.9, True), (0.5, True)]


def test_a_peak_in_a_crowd_counts_neither_way() -> None:
    assert match_peaks([at(5, 5, 0.9), at(90, 90, 0.2)], [box(0, 0, 10, 10, crowd=True)]) == [(0.2, False)]


def test_average_precision_by_hand() -> None:
    ranked = [(0.9, True), (0.8, False), (0.7, True), (0.6, False), (0.5, True)]
    # precisions at the hits 1, 2/3, 3/5; four boxes
    ap, recall = average_precision(ranked, 4)
    assert ap == pytest.approx((1 + 2 / 3 + 3 / 5) / 4) and recall == pytest.approx(3 / 4)


def test_precision_is_the_best_at_that_or_a_higher_recall() -> None:
    ranked = [(0.9, False), (0.8, True), (0.7, True)]
    assert average_precision(ranked, 2)[0] == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_of_equal_scores_the_misses_rank_first() -> None:
    assert average_precision([(0.5, True), (0.5, False)], 1) == (0.5, 1.0)
    assert average_precision([], 3) == (0.0, 0.0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(0, 5))
def test_average_precision_lies_between_nothing_and_the_recall(ranked: list[tuple[float, bool]], more: int) -> None:
    positives = sum(hit for _, hit in ranked) + more
    if positives:
        ap, recall = average_precision(ranked, positives)
        assert 0 <= ap <= recall + 1e-12 <= 1 + 1e-11


def test_outlines_and_boxes() -> None:
    diamond = Box(1, (0, 0, 10, 10), (np.array([[5, 0], [10, 5], [5, 10], [0, 5]], np.float64),))
    assert in_outline(at(5, 5, 1), diamond) and not in_outline(at(1, 1, 1), diamond)
    assert in_outline(at(10, 10, 1), box(0, 0, 10, 10)) and not in_outline(at(10.1, 10, 1), box(0, 0, 10, 10))


def test_places_stay_inside_the_picture() -> None:
    assert within(at(44, 30, 0.5), (20, 40)) == at(39.5, 19.5, 0.5)
    picture = np.ones((20, 40), np.float32)
    picture[5:8, 30:33] = 9
    assert brightest_pixel(picture) == at(31.5, 6.5, 1.0)


def test_a_class_of_several_words_asks_for_their_mean() -> None:
    texts = TextVectors(FakeEncoder())
    asked = class_prompts(texts, ["a bright thing", "a dark thing"])
    assert np.allclose(asked.query[:3], [0.5**0.5, 0.5**0.5, 0])
    assert len(asked.rivals) == len(BACKGROUND_PROMPTS)  # all of them mean something else


def test_windows_of_a_picture_join_without_seams() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(1, 9, (70, 101)).astype(np.float32)
    small = FakeEncoder()
    large = replace(FakeEncoder(), spec=EncoderSpec("fake@0", 16, 8, window_px=512, margin_px=8))
    one, many = picture_patches(large, picture), picture_patches(small, picture)
    assert one.shape == (9, 13, 16) and len(large.windows) == 1 < len(small.windows)
    assert np.array_equal(one, many)


def spotted(path: Path, spots: list[tuple[int, int]]) -> Path:
    pixels = np.full((64, 96), 40, np.uint8)
    for col, row in spots:
        pixels[row : row + 16, col : col + 16] = 250
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def boxed(tmp_path: Path) -> BoxedImages:
    """Two spots of which one has a box, a spot whose box lies elsewhere, and a picture without any."""
    one = BoxedImage("1", spotted(tmp_path / "1.png", [(16, 16), (64, 32)]), (Box(1, (10, 10, 30, 30)),))
    two = BoxedImage("2", spotted(tmp_path / "2.png", [(40, 16)]), (Box(1, (0, 48, 10, 10)),))
    three = BoxedImage("3", spotted(tmp_path / "3.png", [(8, 8)]), ())
    return BoxedImages((one, two, three), {1: "ship", 2: "tank"})


def test_pictures_are_measured_by_their_peaks(boxed: BoxedImages) -> None:
    words = {"ship": ("a bright thing",), "tank": ("a dark thing",)}
    found = evaluate_heatmaps(FakeEncoder(), boxed, words, JobContext())
    ship = found.per_class["ship"]
    assert (ship.n, ship.boxes, ship.recall) == (2, 2, 0.5)
    assert ship.pointing in (0.0, 0.5)  # the two spots of the first picture are alike
    # one of the four bright peaks hits; equal scores rank it last
    assert ship.ap == pytest.approx(1 / 4 / 2)
    assert found.per_class["tank"].pointing is None and found.per_class["tank"].ap is None
    assert found.everything.ap == ship.ap and found.faults == {}


def test_a_broken_picture_does_not_count(boxed: BoxedImages) -> None:
    words = {"ship": ("a bright thing",), "tank": ("a dark thing",)}
    boxed.images[1].path.write_bytes(b"broken")
    found = evaluate_heatmaps(FakeEncoder(), boxed, words, JobContext())
    assert list(found.faults) == [boxed.images[1].path] and found.everything.boxes == 1
    for image in boxed.images:
        image.path.write_bytes(b"broken")
    with pytest.raises(SceneError, match="None of the 3 images"):
        evaluate_heatmaps(FakeEncoder(), boxed, words, JobContext())


def test_without_boxes_there_is_nothing_to_measure(boxed: BoxedImages) -> None:
    bare = BoxedImages(tuple(replace(image, boxes=()) for image in boxed.images), boxed.categories)
    with pytest.raises(QueryError, match="no box"):
        evaluate_heatmaps(FakeEncoder(), bare, {"ship": ("ship",), "tank": ("tank",)}, JobContext())
