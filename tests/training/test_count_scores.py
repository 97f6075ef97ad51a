"""Shares of captions with right numbers, and what is told apart."""

from __future__ import annotations

import pytest

from sarvlm_training.evaluate.count_scores import ClassCounts, CountedPicture, Share, score_counts


def of(ships: int, stated: int | None | str) -> CountedPicture:
    return CountedPicture({"ship": ships}, {} if isinstance(stated, str) else {"ship": stated})


def test_images_with_one_to_five_objects_make_the_headline_and_the_others_stand_beside_it() -> None:
    pictures = [of(1, 1), of(5, 4), of(2, 2), of(3, None), of(0, 0), of(0, 2), of(6, 6), of(7, 6)]
    scores = score_counts(pictures, ["ship"])
    assert (scores.exact, scores.n) == (0.5, 4)
    assert scores.empty == Share(0.5, 2)
    assert scores.more == Share(0.5, 2)
    assert scores.by_count[6] == Share(1.0, 1)
    assert scores.by_count[0] == Share(0.5, 2)


def test_a_class_that_is_not_named_counts_as_none_and_a_vague_number_is_wrong_without_an_error_of_its_own() -> None:
    scores = score_counts([of(2, "not named"), of(4, None), of(3, 4), of(0, "not named")], ["ship"])
    assert scores.per_class["ship"] == ClassCounts(exact=0.0, mae=pytest.approx(1.5), n=3, unnamed=1, vague=1)
    assert scores.mae == pytest.approx(1.5)
    assert scores.empty.exact == 1.0


def test_every_class_must_be_right_and_none_may_be_invented() -> None:
    both = CountedPicture({"ship": 2, "bridge": 1}, {"ship": 2, "bridge": 1})
    half = CountedPicture({"ship": 2, "bridge": 1}, {"ship": 2})
    invented = CountedPicture({"ship": 2, "bridge": 0}, {"ship": 2, "bridge": 1})
    many = CountedPicture({"ship": 2, "bridge": 6}, {"ship": 2, "bridge": 6})
    scores = score_counts([both, half, invented, many], ["ship", "bridge"])
    assert (scores.exact, scores.n) == (pytest.approx(1 / 3), 3)
    assert scores.more == Share(1.0, 1)
    assert scores.per_class["ship"].exact == 1.0
    assert scores.per_class["bridge"].exact == 0.5


def test_nothing_to_count_gives_no_share() -> None:
    scores = score_counts([of(0, "not named")], ["ship"])
    assert (scores.exact, scores.n, scores.mae) == (None, 0, None)
    assert scores.per_class["ship"] == ClassCounts(None, None, 0, 0, 0)
