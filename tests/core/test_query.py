"""From vectors to scores with a fixed meaning, and from scores to places."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sarvlm_app.core.export.candidates import write_candidates
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import (
    BACKGROUND_PROMPTS,
    MOST_CANDIDATES,
    Candidate,
    Prompts,
    Ridges,
    TextVectors,
    check_text,
    masked,
    peaks,
    relative_scores,
    same_meaning,
    score_vectors,
    smooth,
    subject_of,
)
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import JobCancelled, QueryError
from sarvlm_models.types import EncoderSpec, Heatmap, TextQuery, Window
from tests.core.export_answers import gcp_georef, make_answer, make_scene, utm_georef

CELL = 8.0
cosines = arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(4)), elements=st.floats(-1, 1, width=32))


def prompts(scale: float = 15.0, bias: float | None = None, rivals: int = 3) -> Prompts:
    return Prompts(np.zeros(4, np.float32), np.zeros((rivals, 4), np.float32), scale, bias)


def heat(scores: Any) -> Heatmap:
    return Heatmap(np.array(scores, np.float32), CELL, TextQuery("ships"))


def scene_of(heatmap: Heatmap, **changes: Any) -> Scene:
    rows, cols = heatmap.scores.shape
    return make_scene(int(cols * CELL), int(rows * CELL), utm_georef(), **changes)


def find(scores: Any, threshold: float = 0.6, top: int = MOST_CANDIDATES) -> tuple[Candidate, ...]:
    heatmap = heat(scores)
    return peaks(heatmap, scene_of(heatmap), threshold, top)


def bumps(shape: tuple[int, int], places: Sequence[tuple[int, int, float]], sigma: float = 1.2) -> np.ndarray:
    rows, cols = np.indices(shape)
    scores = np.full(shape, 0.4)
    for row, col, height in places:
        bump = np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * sigma**2))
        scores = np.maximum(scores, 0.4 + (height - 0.4) * bump)
    return scores.astype(np.float32)


# ---- scores --------------------------------------------------------------
@given(values=cosines, bias=st.none() | st.floats(-10, 10), scale=st.floats(1, 100))
def test_scores_lie_in_0_to_1(values: np.ndarray, bias: float | None, scale: float) -> None:
    scores = relative_scores(values[:, 0], values[:, 1:], prompts(scale, bias))
    assert scores.dtype == np.float32 and ((scores >= 0) & (scores <= 1)).all()


@given(cosine=st.floats(-1, 1, width=32), others=st.lists(st.floats(-1, 1, width=32), max_size=4))
def test_a_place_as_much_like_a_rival_as_like_the_query_scores_one_half(cosine: float, others: list[float]) -> None:
    rivals = np.array([cosine, *(min(other, cosine) for other in others)], np.float32)
    assert relative_scores(np.array(cosine, np.float32), rivals, prompts()) == 0.5


def test_a_place_at_the_point_of_absence_scores_one_half_without_any_rival() -> None:
    at = np.array([0.4], np.float32)
    assert relative_scores(at, np.zeros((1, 0), np.float32), prompts(15.0, -6.0)) == pytest.approx(0.5)


def test_without_anything_to_compare_with_nothing_stands_out() -> None:
    assert relative_scores(np.array([0.9], np.float32), np.zeros((1, 0), np.float32), prompts()) == 0.5


def test_a_place_below_the_point_of_absence_is_no_hit_though_it_beats_its_rivals() -> None:
    scores = relative_scores(np.array([0.1], np.float32), np.array([[-0.9]], np.float32), prompts(15.0, -6.0))
    assert scores < 0.5


@given(values=cosines, more=st.floats(0, 1, width=32), bias=st.none() | st.floats(-10, 10))
def test_more_like_the_query_never_scores_less(values: np.ndarray, more: float, bias: float | None) -> None:
    before = relative_scores(values[:, 0], values[:, 1:], prompts(bias=bias))
    after = relative_scores(values[:, 0] + np.float32(more), values[:, 1:], prompts(bias=bias))
    assert (after >= before).all()


@given(values=cosines)
def test_a_further_negative_never_raises_a_score(values: np.ndarray) -> None:
    assert (
        relative_scores(values[:, 0], values[:, 1:], prompts())
        <= relative_scores(values[:, 0], values[:, 1:-1], prompts())
    ).all()


def test_cells_without_a_vector_are_nan_and_the_bands_of_rows_join() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(150, 3, 4))
    vectors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float16)
    vectors[70, 1] = 0
    asked = Prompts(np.array([1, 0, 0, 0], np.float32), np.eye(4, dtype=np.float32)[1:], 15.0, None)
    scores = score_vectors(vectors, asked)
    assert np.argwhere(np.isnan(scores)).tolist() == [[70, 1]]
    flat = vectors.astype(np.float32)
    expected = relative_scores(flat[..., 0], flat[..., 1:], asked)
    known = np.isfinite(scores)
    np.testing.assert_allclose(scores[known], expected[known], rtol=1e-5)


def test_scoring_stops_when_it_is_cancelled() -> None:
    ctx = JobContext()
    ctx.cancel()
    with pytest.raises(JobCancelled):
        score_vectors(np.ones((4, 4, 4), np.float16), prompts(), ctx)


# ---- rivals --------------------------------------------------------------
@dataclass
class Words:
    """A text tower whose vectors are given; unknown texts get one of their own."""

    known: dict[str, np.ndarray]
    dim: int = 64
    logit_scale: float = 15.0
    asked: list[str] = field(default_factory=list)
    spec: EncoderSpec = EncoderSpec("words@0", 64, 8)

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        vectors = [self.known.get(text, np.eye(self.dim)[-1 - len(text) % 8]) for text in texts]
        return np.stack([vector / np.linalg.norm(vector) for vector in vectors]).astype(np.float32)


def test_rivals_of_the_same_meaning_are_left_out_and_negatives_never() -> None:
    axes = np.eye(64)
    ship = axes[0] * 0.8 + axes[1] * 0.6
    words = Words({"vessels": axes[0], "a ship": ship, "boats": axes[0]})
    found = TextVectors(words).prompts(TextQuery("vessels", ("boats",)))
    assert found.rivals.shape == (1 + len(BACKGROUND_PROMPTS) - 1, 64)
    assert (found.rivals @ found.query).tolist()[0] == 1.0
    assert not (np.abs(found.rivals - ship.astype(np.float32)).max(axis=1) < 1e-6).any()
    assert found.scale == 15.0 and found.bias is None


def test_a_model_whose_texts_are_all_alike_still_has_rivals() -> None:
    """CLIP's texts lie in a narrow cone: without rivals every place of every scene would stand out."""
    rng = np.random.default_rng(1)
    cone = {text: np.eye(64)[0] * 2 + 0.1 * rng.normal(size=64) for text in (*BACKGROUND_PROMPTS, "ships")}
    cone["a ship"] = cone["ships"] + 0.01
    found = TextVectors(Words(cone)).prompts(TextQuery("ships"))
    assert len(BACKGROUND_PROMPTS) / 2 <= len(found.rivals) < len(BACKGROUND_PROMPTS)
    assert (found.rivals @ found.query).max() < 0.99


@given(arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1, 0.96875, width=32)))
def test_there_are_rivals_whatever_the_cosines(values: np.ndarray) -> None:
    assert (values < same_meaning(values)).sum() * 2 >= len(values)


def test_a_text_is_encoded_once() -> None:
    words = Words({})
    texts = TextVectors(words)
    first = texts.vectors(["a", "b", "a"])
    assert words.asked == ["a", "b"] and first.shape == (3, 64)
    texts.vectors(["b", "c"])
    assert words.asked == ["a", "b", "c"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000, "корабли в гавани", "Schiffe im Hafen"])
def test_what_cannot_be_asked_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(QueryError) as info:
        check_text(text)
    assert str(info.value).endswith(".") and "\n" not in str(info.value) and len(str(info.value)) < 250


def test_negatives_are_held_to_the_same_rules() -> None:
    check_text("ships in the harbour", ("open sea",))
    with pytest.raises(QueryError, match="negative is empty"):
        check_text("ships in the harbour", (" ",))
    with pytest.raises(QueryError, match="English"):
        check_text("ships in the harbour", ("открытое море",))


# ---- smoothing and masks ---------------------------------------------------
@given(
    arrays.arrays(
        np.float32,
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.floats(0, 1, width=32) | st.just(float("nan")),
    )
)
def test_smoothing_keeps_no_data_and_the_range(scores: np.ndarray) -> None:
    out = smooth(scores)
    assert (np.isnan(out) == np.isnan(scores)).all()
    if np.isfinite(scores).any():
        assert np.nanmin(out) >= np.nanmin(scores) - 1e-5 and np.nanmax(out) <= np.nanmax(scores) + 1e-5


def test_a_mask_keeps_the_cells_whose_centre_lies_inside() -> None:
    scores = np.ones((4, 5), np.float32)
    inside = np.isfinite(masked(scores, CELL, Window(5, 8, 16, 16)))
    expected = np.zeros((4, 5), bool)
    expected[1:3, 1:3] = True  # the centre of the first column is pixel 4, of the third pixel 20
    assert (inside == expected).all()
    assert masked(scores, CELL, None) is scores
    assert np.isnan(masked(scores, CELL, Window(0, 0, 3, 3))).all()


# ---- places ----------------------------------------------------------------
@pytest.mark.parametrize(
    "scores", [np.full((9, 9), 0.5), np.full((9, 9), np.nan), np.zeros((1, 1)), np.full((3, 7), 0.6)]
)
@pytest.mark.parametrize("threshold", [0.6, 0.9, 1.0])
def test_nothing_stands_out_of_what_is_flat_or_empty(scores: np.ndarray, threshold: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find(smooth(scores.astype(np.float32)), threshold) == ()


def test_a_place_is_found_where_it_is() -> None:
    (place,) = find(bumps((40, 30), [(12, 20, 0.95)]))
    assert place.rank == 1 and place.score == pytest.approx(0.95)
    assert (place.col, place.row) == (pytest.approx(20.5 * CELL), pytest.approx(12.5 * CELL))
    col, row, width, height = place.bbox_px
    assert (col + width / 2, row + height / 2) == (20.5 * CELL, 12.5 * CELL)


@given(
    first=st.tuples(st.integers(8, 16), st.integers(8, 16)),
    second=st.tuples(st.integers(8, 16), st.integers(30, 40)),
    moved=st.tuples(st.integers(0, 25), st.integers(0, 25)),
)
def test_moving_the_scores_moves_the_places(
    first: tuple[int, int], second: tuple[int, int], moved: tuple[int, int]
) -> None:
    scores = bumps((30, 50), [(*first, 0.9), (*second, 0.8)], 1.7)
    wide = np.full((60, 80), 0.4, np.float32)
    wide[moved[0] : moved[0] + 30, moved[1] : moved[1] + 50] = scores
    before, after = find(scores), find(wide)
    assert len(before) == len(after) == 2
    for one, other in zip(before, after, strict=True):
        assert (other.col, other.row) == pytest.approx((one.col + moved[1] * CELL, one.row + moved[0] * CELL))
        assert other.score == one.score and other.bbox_px[2:] == one.bbox_px[2:]


maps = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    elements=st.sampled_from([float("nan"), 0.0, 0.2, 0.45, 0.5, 0.55, 0.61, 0.7, 0.7000001, 0.8, 0.9, 1.0]),
)


@settings(max_examples=150)
@given(
    scores=maps,
    threshold=st.sampled_from([0.0, 0.3, 0.5, 0.6, 0.69, 0.8]),
    top=st.integers(0, 9),
    cut=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    kind=st.sampled_from(["utm", "gcp", "none"]),
)
def test_every_map_gives_places_in_order_inside_the_scene(
    scores: np.ndarray, threshold: float, top: int, cut: tuple[int, int], kind: str
) -> None:
    heatmap = heat(scores)
    width, height = (int(n * CELL) - c for n, c in zip(scores.shape[::-1], cut, strict=True))
    georef = {"utm": utm_georef(), "gcp": gcp_georef(width, height), "none": None}[kind]
    scene = make_scene(width, height, georef)
    found = peaks(heatmap, scene, threshold, top)
    assert len(found) <= top
    assert bool(found) == bool(top and (np.nan_to_num(scores, nan=-1) > np.float32(threshold)).any())
    assert [place.rank for place in found] == list(range(1, len(found) + 1))
    assert [place.score for place in found] == sorted((place.score for place in found), reverse=True)
    for place in found:
        col, row, box_width, box_height = place.bbox_px
        assert place.score > np.float32(threshold)
        assert 0 <= col <= place.col <= col + box_width <= width and box_width > 0
        assert 0 <= row <= place.row <= row + box_height <= height and box_height > 0
        if georef is None:
            assert place.lon is None and place.lat is None
        else:
            lon, lat = georef.to_lonlat(place.col, place.row)
            assert (place.lon, place.lat) == (pytest.approx(float(lon)), pytest.approx(float(lat)))
    if top and found:
        assert found[0].score == np.nanmax(scores)


@settings(max_examples=60)
@given(scores=maps, threshold=st.sampled_from([0.5, 0.6, 0.69]), top=st.integers(1, 30))
def test_places_are_those_of_the_plain_rule(scores: np.ndarray, threshold: float, top: int) -> None:
    """Written out without the map of what is ruled out: best first, out of reach of and not joined to those before."""
    from scipy.ndimage import label, maximum_filter

    filled = np.nan_to_num(scores, nan=0.0)
    above = filled > threshold
    assume(above.any())
    regions, _ = label(above, np.ones((3, 3)))
    reach = np.clip(np.sqrt(np.bincount(regions.ravel()))[regions] / 3, 2, 12)
    places = np.argwhere(above & (filled == maximum_filter(filled, 3, mode="constant")))
    expected: list[tuple[int, int]] = []
    for row, col in sorted(places.tolist(), key=lambda place: -filled[tuple(place)]):
        far = all(np.hypot(row - r, col - c) >= max(reach[r, c], reach[row, col]) for r, c in expected)
        better = [place for place in expected if regions[place] == regions[row, col]]
        if len(expected) < top and far and not Ridges(filled, 0.5).join((row, col), better):
            expected.append((row, col))
    found = find(scores, threshold, top)
    assert [place.score for place in found] == [filled[place] for place in expected]
    for place, (row, col) in zip(found, expected, strict=True):
        assert abs(place.row / CELL - row - 0.5) <= 1 and abs(place.col / CELL - col - 0.5) <= 1


@pytest.mark.parametrize("kind", ["noise", "flat", "islands"])
def test_a_large_map_that_stands_out_everywhere_gives_the_best_places(kind: str) -> None:
    """Four million cells with up to as many maxima: comparing each with each would take hours."""
    rng = np.random.default_rng(3)
    scores = {
        "noise": lambda: rng.uniform(0.65, 0.95, (2000, 2000)),
        "flat": lambda: np.full((2000, 2000), 0.8),
        "islands": lambda: np.where(rng.random((2000, 2000)) < 0.2, 0.9, 0.1),
    }[kind]()
    found = find(scores)
    assert len(found) == MOST_CANDIDATES
    places = np.array([(place.row, place.col) for place in found])
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.eye(len(places)) * 1e9
    assert gaps.min() > 0
    assert found[0].score == pytest.approx(scores.max())


def test_a_candidate_is_plain_numbers_that_json_knows(tmp_path: Any) -> None:
    heatmap = heat(np.pad([[0.9]], 3, constant_values=0.1))
    found = peaks(heatmap, scene_of(heatmap), 0.6)
    assert all(type(value) in (int, float) for value in (found[0].score, found[0].col, found[0].row, found[0].lon))
    assert all(type(value) is int for value in found[0].bbox_px)
    answer = make_answer(scene_of(heatmap))
    write_candidates(type(answer)(**{**{k: getattr(answer, k) for k in answer.__slots__}, "candidates": found}),
                     tmp_path / "c.geojson")  # fmt: skip
    assert (tmp_path / "c.geojson").stat().st_size > 0


def ridge_map(dip: float) -> np.ndarray:
    """Two equal maxima of 0.9, twelve cells apart, on a ridge that sinks to `dip` between them."""
    scores = np.full((9, 21), 0.4, np.float32)
    scores[4, 3:18] = np.interp(np.arange(3, 18), [3, 4, 10, 16, 17], [0.7, 0.9, dip, 0.9, 0.7]).astype(np.float32)
    return scores


@pytest.mark.parametrize(("dip", "places"), [(0.88, 1), (0.84, 1), (0.75, 2), (0.62, 2), (0.45, 2)])
def test_one_long_object_is_one_place_and_two_with_a_gap_are_two(dip: float, places: int) -> None:
    assert len(find(ridge_map(dip), 0.6, 10)) == places


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("ships in the harbour", "ships"),
        ("ships moored at a pier", "ships moored"),
        ("a column of tanks in the desert", "a column of tanks"),
        ("storage tanks", "storage tanks"),
        ("Planes Next To a hangar", "Planes"),
        ("in the harbour", "in the harbour"),
        ("inland water", "inland water"),
        ("offshore platforms", "offshore platforms"),
    ],
)
def test_a_sentence_is_about_what_stands_before_its_place(text: str, subject: str) -> None:
    assert subject_of(text) == subject
