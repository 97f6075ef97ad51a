"""Captions in display form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_models.caption_text import display_text
from sarvlm_models.caption_words import split_words


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        # PAPER.md B.4, as CLIP's tokenizer gives it back
        (
            "this is a sar view that includes 1 ship , 1 4 tanks and 3 bridges . ",
            "This is a SAR view that includes 1 ship, 14 tanks and 3 bridges.",
        ),
        ("a t - 7 2 ( main battle tank ) and a zsu-23-4 .", "A T-72 (main battle tank) and a ZSU-23-4."),
        ("mostly forest ; 5 0 % water", "Mostly forest; 50% water."),
        ("a harbour . two ships . .", "A harbour. Two ships."),
        ("the ship ' s wake in a 3x3 grid , the 2nd one", "The ship's wake in a 3x3 grid, the 2nd one."),
        ("12 3 ships", "12 3 ships."),
        ("a radar view of a boeing 7 8 7 and an airbus a320", "A radar view of a Boeing 787 and an Airbus A320."),
        ("is it a ship ?", "Is it a ship?"),
        (", , sea , , land ,", "Sea, land."),
        ("", ""),
        (" . , ", ""),
    ],
)
def test_captions_read_like_sentences(raw, shown):
    assert display_text(raw) == shown


WORD = st.sampled_from(["a", "ship", "t-72", "2", "7", "14", "sar", ",", ".", "wing-shaped", "(", ")", ";", "0.5", "%"])


@given(st.lists(WORD, max_size=25).map(" ".join))
def test_the_form_is_closed_up_and_ends_once(raw):
    shown = display_text(raw)
    assert not re.search(r"\s[,.;:)%]|\(\s|\s\s|\.\.$|^\s|\s$", shown)
    assert shown == "" or (shown[-1] == "." and not shown[:-1].endswith((" ", ".", ",")))
    assert shown[:1] == shown[:1].upper()


@given(st.lists(WORD, max_size=25).map(" ".join))
def test_no_word_is_lost_or_changed_but_for_its_case(raw):
    letters = re.sub(r"[^a-z0-9%]", "", raw)
    assert re.sub(r"[^a-z0-9%]", "", display_text(raw).lower()) == letters or not re.search(r"[a-z0-9]", raw)


@given(st.integers(0, 10**9))
def test_numbers_said_digit_by_digit_are_joined(number):
    raw = " ".join(["there", "are", *split_words(str(number)), "ships", "."])
    assert display_text(raw) == f"There are {number} ships."


@given(st.text(max_size=60))
def test_any_text_is_taken(raw):
    assert isinstance(display_text(raw), str)
