"""Words of captions, as the authors split them and as COCO's tokeniser does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_training.evaluate.caption_tokens import authors_words, treebank_words

# What Stanford CoreNLP 3.4.1 gives with -preserveLines -lowerCase (run with Java 17), less COCO's punctuation.
STANFORD = {
    "A T-72 tank's turret isn't visible.": "a t-72 tank 's turret is n't visible",
    "This is a SAR view that includes 14 tanks, 3 bridges & 1,000 ships.": (
        "this is a sar view that includes 14 tanks 3 bridges & 1,000 ships"
    ),
    "harbour, colour; armoured vehicles (grey) - \"quoted\" 'single' text...": (
        "harbour colour armoured vehicles -lrb- grey -rrb- quoted single text"
    ),
    "about 3.5 m/s at 10% e.g. the U.S. coast. Next sentence": (
        "about 3.5 m/s at 10 % e.g. the u.s. coast next sentence"
    ),
    "we can't, cannot, they'll, I've 2S1 ZSU-23-4 3x3 C/X-band 12:30 1st": (
        "we ca n't can not they 'll i 've 2s1 zsu-23-4 3x3 c/x-band 12:30 1st"
    ),
    "it's the ships' wake -- dash": "it 's the ships wake dash",
    "ok!!! what?! hello??": "ok !!! what ?! hello ??",
    "a/b and/or re-encoding 20m 20 m. 35 km": "a/b and/or re-encoding 20m 20 m. 35 km",
    "spacing 0.2 m.": "spacing 0.2 m.",
    "half-empty ; full ": "half-empty full",
    "": "",
}


@pytest.mark.parametrize(("caption", "words"), STANFORD.items())
def test_treebank_words_are_those_of_stanfords_tokeniser_without_punctuation(caption: str, words: str) -> None:
    assert " ".join(treebank_words(caption)) == words


def test_the_authors_way_keeps_punctuation_at_the_words_and_lowers_case() -> None:
    assert authors_words("A SAR image  of 14 ships.") == ("a", "sar", "image", "of", "14", "ships.")


@given(st.text())
def test_no_text_breaks_either_way_of_splitting_and_no_word_is_empty(text: str) -> None:
    for words in (authors_words(text), treebank_words(text)):
        assert all(word and not word.isspace() for word in words)


@given(st.lists(st.sampled_from(["ship", "t-72", "14", "harbour", "zsu-23-4", "two"]), max_size=9))
def test_treebank_words_stay_as_they_are_when_split_again(words: list[str]) -> None:
    assert treebank_words(" ".join(words)) == tuple(words)
