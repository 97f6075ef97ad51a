"""Retrieval by the diagonal: hand-counted recalls, ties told, and equality with a plain count over all orders."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import SceneError
from sarvlm_training.evaluate.caption_table import read_caption_table
from sarvlm_training.evaluate.retrieval import Pairs, Recalls, retrieve, score_pairs
from tests.training.toy_encoder import ToyEncoder, grey_picture


def diagonal(count: int) -> Pairs:
    return Pairs(np.arange(count), np.arange(count))


def test_recalls_of_three_pairs_by_hand() -> None:
    similarity = np.array(
        [
            [0.9, 0.1, 0.2],  # own caption first
            [0.5, 0.4, 0.1],  # own caption second
            [0.8, 0.6, 0.7],  # own caption second
        ],
        np.float32,
    )
    found = score_pairs(similarity, diagonal(3))
    # captions: the first's picture is first of (0.9, 0.5, 0.8), the second's second, the third's first
    assert found.recalls.i2t == pytest.approx((1 / 3, 1.0, 1.0))
    assert found.recalls.t2i == pytest.approx((2 / 3, 1.0, 1.0))
    assert found.recalls.mean == pytest.approx((1 / 3 + 2 / 3 + 4) / 6)
    assert found.strict == found.recalls and (found.ties, found.n) == (0, 3)


def test_twelve_pairs_reach_every_depth() -> None:
    similarity = np.zeros((12, 12), np.float32)
    for row in range(12):  # the picture of row r has r better captions than its own
        similarity[row] = np.linspace(0.0, 0.1, 12)
        similarity[row, :row] = 1.0 + np.arange(row)
        similarity[row, row] = 0.5
    assert score_pairs(similarity, diagonal(12)).recalls.i2t == pytest.approx((1 / 12, 5 / 12, 10 / 12))


def test_a_caption_that_two_rows_share_is_a_tie() -> None:
    # two pictures, each nearest to the one caption that both have: right for sure only in one of two orders
    similarity = np.array([[0.9, 0.1], [0.8, 0.2], [0.0, 0.7]], np.float32)
    found = score_pairs(similarity, Pairs(np.array([0, 1, 2]), np.array([0, 0, 1])))
    assert found.recalls.i2t[0] == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert found.strict.i2t[0] == 1.0
    assert (found.ties_i2t, found.ties_t2i, found.ties) == (2, 0, 2)
    # caption 0 asks twice: once picture 0 is right (first), once picture 1 (second)
    assert found.recalls.t2i[0] == pytest.approx(2 / 3)


def test_a_picture_with_several_captions_ties_with_itself() -> None:
    similarity = np.array([[0.9, 0.8], [0.1, 0.2]], np.float32)
    found = score_pairs(similarity, Pairs(np.array([0, 0, 1]), np.array([0, 1, 1])))
    assert (found.ties_i2t, found.ties_t2i, found.ties) == (2, 2, 3)


def counted(similarity: np.ndarray, pairs: Pairs) -> tuple[float, float]:
    """R@1 of pictures, over every order of the rows with a stable sort, and of captions."""
    full = similarity[np.ix_(pairs.pictures, pairs.captions)]
    count = len(full)
    hits = np.zeros(2)
    orders = list(itertools.permutations(range(count)))
    for order in orders:
        moved = full[np.ix_(order, order)]
        hits += (moved.argmax(1) == np.arange(count)).sum(), (moved.argmax(0) == np.arange(count)).sum()
    return tuple(hits / (count * len(orders)))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_recall_is_the_mean_over_all_orders_of_the_table(data: st.DataObject) -> None:
    levels = st.sampled_from([0.0, 0.25, 0.5])
    similarity = np.array(data.draw(st.lists(st.lists(levels, min_size=3, max_size=3), min_size=3, max_size=3)))
    index = st.lists(st.integers(0, 2), min_size=4, max_size=4)
    pairs = Pairs(np.array(data.draw(index)), np.array(data.draw(index)))
    found = score_pairs(similarity.astype(np.float32), pairs)
    assert (found.recalls.i2t[0], found.recalls.t2i[0]) == pytest.approx(counted(similarity, pairs))
    for strict, mean in zip(found.strict.i2t + found.strict.t2i, found.recalls.i2t + found.recalls.t2i, strict=True):
        assert strict >= mean - 1e-12


def test_names_of_the_figures() -> None:
    named = Recalls((0.1, 0.2, 0.3), (0.3, 0.4, 0.5)).by_name
    assert named["i2t_r1"] == 0.1 and named["t2i_r10"] == 0.5 and named["r5"] == pytest.approx(0.3)
    assert named["mean_recall"] == pytest.approx(0.3)


def test_a_table_is_encoded_once_for_each_picture_and_caption(tmp_path: Path) -> None:
    paths = [grey_picture(tmp_path / f"{level}.png", level) for level in (1, 4, 7)]
    table = [(paths[0], "level 1"), (paths[1], "level 4"), (paths[2], "level 7"), (paths[2], "level 4")]
    model = ToyEncoder()
    found = retrieve(model, table, 2.0, JobContext())
    assert model.batches == [3] and model.texts == ["level 1", "level 4", "level 7"] and model.spacings == [2.0]
    assert found.figures.strict.i2t[0] == 0.75  # the last pair is wrong
    assert (found.figures.n, found.figures.ties_i2t, found.faults) == (4, 2, {})


def test_pairs_of_a_broken_picture_do_not_count(tmp_path: Path) -> None:
    good, bad = grey_picture(tmp_path / "1.png", 1), tmp_path / "2.png"
    bad.write_bytes(b"no picture")
    found = retrieve(ToyEncoder(), [(bad, "level 2"), (good, "level 1")], None, JobContext())
    assert found.figures.n == 1 and found.figures.recalls.mean == 1.0 and list(found.faults) == [bad]
    with pytest.raises(SceneError, match="None of the 1 pictures"):
        retrieve(ToyEncoder(), [(bad, "level 2")], None, JobContext())


def test_captions_are_grouped_by_picture_in_order(tmp_path: Path) -> None:
    for level in (1, 2):
        grey_picture(tmp_path / f"{level}.png", level)
    (tmp_path / "t.csv").write_text("caption,imgpath\n b ,2.png\na,1.png\nc,2.png\n")
    assert read_caption_table(tmp_path / "t.csv", tmp_path) == {
        tmp_path / "2.png": ("b", "c"),
        tmp_path / "1.png": ("a",),
    }
