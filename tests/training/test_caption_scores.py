"""BLEU, ROUGE-L, CIDEr and METEOR against published examples, hand calculation and COCO's own code."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_training.evaluate.bleu import bleu, clipped_matches, closest_length
from sarvlm_training.evaluate.caption_tokens import Words, authors_words, treebank_words
from sarvlm_training.evaluate.captions import NO_SPICE, Written, score_captions
from sarvlm_training.evaluate.cider import Cider
from sarvlm_training.evaluate.meteor import NO_JAVA
from sarvlm_training.evaluate.rouge import rouge_l
from tests.training.caption_corpus import COCO_PTB, COCO_RAW, COCO_TOLERANCE, CORPUS

WORDS = st.lists(st.sampled_from(["a", "ship", "two", "ships", "sea"]), min_size=1, max_size=12).map(tuple)
# Papineni et al. 2002, section 2.1, examples 1 and 2
PARTY = tuple(
    treebank_words(sentence)
    for sentence in (
        "It is a guide to action that ensures that the military will forever heed Party commands.",
        "It is the guiding principle which guarantees the military forces always being under the command of the Party.",
        "It is the practical guide for the army always to heed the directions of the party.",
    )
)
GUIDE = treebank_words(
    "It is a guide to action which ensures that the military always obeys the commands of the party."
)
INSURE = treebank_words("It is to insure the troops forever hearing the activity guidebook that party direct.")
CAT = (treebank_words("The cat is on the mat."), treebank_words("There is a cat on the mat."))


@pytest.mark.parametrize(
    ("candidate", "references", "length", "matches", "runs"),
    [
        (GUIDE, PARTY, 1, 17, 18),
        (INSURE, PARTY, 1, 8, 14),
        (GUIDE, PARTY, 2, 10, 17),
        (INSURE, PARTY, 2, 1, 13),
        (("the",) * 7, CAT, 1, 2, 7),
        (("the",) * 7, CAT, 2, 0, 6),
    ],
)
def test_clipped_precisions_are_those_of_papineni_and_others(
    candidate: Words, references: tuple[Words, ...], length: int, matches: int, runs: int
) -> None:
    assert clipped_matches(candidate, references, length) == matches
    assert len(candidate) - length + 1 == runs


def test_bleu_of_papinenis_first_candidate_is_the_mean_of_its_precisions_without_penalty() -> None:
    expected = [17 / 18, math.sqrt(17 / 18 * 10 / 17)]
    assert bleu([GUIDE], [PARTY])[:2] == pytest.approx(expected)


def test_a_candidate_between_two_references_is_held_against_the_shorter() -> None:
    assert closest_length(("a",) * 5, [("a",) * 6, ("a",) * 4]) == 4


def test_a_short_candidate_pays_the_brevity_penalty_of_the_corpus() -> None:
    assert bleu([("a", "b"), ("c", "d")], [[("a", "b", "x", "y")], [("c", "d")]])[0] == pytest.approx(math.exp(-0.5))


def test_empty_captions_score_nothing() -> None:
    assert bleu([()], [[("a",)]]) == (0.0,) * 4
    assert rouge_l((), [("a",)]) == 0.0
    assert Cider([[("a",)], [("b",)]]).d([(), ()]) == 0.0


@pytest.mark.parametrize(
    ("candidate", "score"),
    [("police kill the gunman", 0.75), ("the gunman kill police", 0.5), ("the gunman police killed", 0.5)],
)
def test_rouge_l_with_equal_weights_is_that_of_lins_examples(candidate: str, score: float) -> None:
    reference = authors_words("police killed the gunman")
    assert rouge_l(authors_words(candidate), [reference], beta=1.0) == pytest.approx(score)


def test_rouge_l_weighs_recall_by_beta_and_takes_the_best_reference() -> None:
    candidate, long, far = ("a", "b"), ("a", "b", "c", "d"), ("x",)
    assert rouge_l(candidate, [far, long]) == pytest.approx((1 + 1.44) * 0.5 / (0.5 + 1.44))


REFERENCES = [[("a", "ship")], [("a", "bridge")]]


def test_cider_of_two_pictures_is_as_counted_by_hand() -> None:
    """ "a" is in both pictures and weighs nothing; "ship" and "a ship" match: half of the four cosines are 1."""
    cider = Cider(REFERENCES)
    assert cider.plain([("a", "ship"), ("a", "ship")]) == pytest.approx(10 * (2 / 4 + 0) / 2)
    assert cider.d([("a", "ship"), ("a", "ship")]) == pytest.approx(10 * (2 / 4 + 0) / 2)


def test_cider_d_clips_what_is_repeated_and_compares_lengths() -> None:
    """ "a ship ship" against "a ship": cosines 1 (clipped 1/2) and 1/sqrt 2, one pair too many."""
    candidates = [("a", "ship", "ship"), ("a", "bridge")]
    root, penalty = 1 / math.sqrt(2), math.exp(-1 / 72)
    assert Cider(REFERENCES).plain(candidates) == pytest.approx(10 * ((1 + root) / 4 + 0.5) / 2)
    assert Cider(REFERENCES).d(candidates) == pytest.approx(10 * (penalty * (0.5 + root) / 4 + 0.5) / 2)


def test_one_picture_alone_has_a_cider_of_zero() -> None:
    assert Cider([[("a", "ship")]]).d([("a", "ship")]) == 0.0


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=2, max_size=5))
def test_measures_keep_to_their_range_and_a_copied_reference_is_perfect(references: list[list[Words]]) -> None:
    copied = [own[0] for own in references]
    assert bleu(copied, references)[0] == pytest.approx(1.0)
    assert [rouge_l(*pair) for pair in zip(copied, references, strict=True)] == pytest.approx([1.0] * len(copied))
    assert -1e-9 <= Cider(references).d(copied) <= 10.0 + 1e-9
    assert Cider(references).d(copied) <= Cider(references).plain(copied) + 1e-9


@pytest.mark.parametrize(("way", "golden"), [("raw", COCO_RAW), ("ptb", COCO_PTB)])
def test_a_small_corpus_scores_as_cocos_code_scores_it(way: str, golden: dict[str, float]) -> None:
    scores = asdict(score_captions(CORPUS, NO_JAVA))[way]
    without_java = {name: value for name, value in golden.items() if name != "meteor"}
    assert {name: scores[name] for name in without_java} == pytest.approx(without_java, abs=COCO_TOLERANCE)
    assert scores["cider_plain"] >= scores["cider"]


def test_raw_scores_see_spaced_digits_and_stops_and_tokenised_ones_do_not() -> None:
    told = Written("1 4 ships .", "14 ships.", ("14 ships.",))
    other = Written("open sea", "Open sea.", ("open sea",))
    scores = score_captions([told, other], NO_JAVA)
    assert scores.ptb["bleu_1"] == pytest.approx(1.0)
    assert scores.raw["bleu_1"] == pytest.approx(2 / 6), "only “open sea” is alike word by word"


def test_what_is_left_out_is_said_with_its_reason() -> None:
    scores = score_captions(CORPUS, NO_JAVA)
    assert scores.left_out == {"spice": NO_SPICE, "meteor": NO_JAVA}
    assert "meteor" not in scores.raw
