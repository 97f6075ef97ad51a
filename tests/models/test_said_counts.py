"""Reading back what the decoder said of the numbers it was told."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_models.caption_words import WordList, split_words
from sarvlm_models.said_counts import agrees, other_numbers, said_counts
from sarvlm_training.captions import Seen, SeenObject, write_captions

KINDS = ("ship", "aircraft", "vehicle", "storage_tank", "bridge")
SPECIAL = {"t72": "vehicle", "zsu234": "vehicle", "s2s1": "vehicle", "b737": "aircraft", "a320": "aircraft"}


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*KINDS, *SPECIAL]), st.integers(1, 7), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_the_training_captions_with_numbers_agree_with_their_objects_and_with_nothing_else(numbers, seed):
    objects = tuple(SeenObject(key, (0.2, 0.2, 0.3, 0.3)) for key, number in numbers.items() for _ in range(number))
    truth = Counter(dict.fromkeys(KINDS, 0))
    for thing in objects:
        truth[SPECIAL.get(thing.key, thing.key)] += 1
    for sentence in write_captions(Seen(objects), np.random.default_rng(seed), ("counts",)):
        raw = " ".join(split_words(sentence))
        assert agrees(raw, truth), raw
        for kind in KINDS:
            assert not agrees(raw, {**truth, kind: truth[kind] + 1}), (raw, kind)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("a sar image of a harbour", {}),
        ("2 ships in the upper left and a vessel in the centre", {"ship": 3}),
        ("1 4 tanks and 3 oil tanks", {"vehicle": 14, "storage_tank": 3}),
        ("open sea without any ship , not a single vessel", {"ship": 0}),
        ("no ships and two bridges", {"ship": 0, "bridge": 2}),
        ("more than twenty ships", {"ship": None}),
        ("several boats and a boat", {"ship": None}),
        ("one boeing 737 airliner", {"aircraft": 1}),
        ("a howitzer of type 2s1", {"vehicle": 1}),
        ("some 4 0 percent farmland , the rest forest", {}),
        ("3 ships are to the left of the 2 ships", {"ship": 5}),
    ],
)
def test_phrases_of_the_decoder(raw, said):
    assert said_counts(raw) == said


@given(st.text())
def test_no_text_breaks_the_reading(text):
    assert all(number is None or number >= 0 for number in said_counts(text).values())


def test_more_than_twenty_may_be_told_vaguely_but_not_wrongly():
    assert agrees("over twenty ships", {"ship": 31}) and agrees("3 1 ships", {"ship": 31})
    assert not agrees("3 2 ships", {"ship": 31}) and not agrees("the sea", {"ship": 31})


def test_numbers_that_are_none_of_the_counts_are_known_in_digits_and_words():
    words = WordList.from_texts(["two ships , three ships , twenty ships"])
    others = {words.words[token] for token in other_numbers(words, {"ship": 3, "bridge": 0})}
    assert {"two", "2", "20", "twenty"} <= others and not {"3", "three", "0", "ships"} & others
    many = {words.words[token] for token in other_numbers(words, {"ship": 27})}
    assert "3" in many and not {"2", "7", "twenty"} & many


def test_a_kind_that_was_looked_for_and_not_found_must_not_be_told():
    assert agrees("three ships", {"ship": 3, "bridge": 0})
    assert not agrees("three ships and a bridge", {"ship": 3, "bridge": 0})
    assert agrees("three ships and a bridge", {"ship": 3})
