"""Numbers of things, read from captions: what was written is read back, and traps are seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_training.captions import Seen, SeenObject, write_captions
from sarvlm_training.evaluate.count_nouns import Lexicon
from sarvlm_training.evaluate.count_words import number_of
from sarvlm_training.evaluate.counts import read_counts

THINGS = Lexicon({key: (key,) for key in ("ship", "bridge", "aircraft", "storage_tank", "vehicle")})
TANKS = Lexicon({"tank": ("tank",), "t72": ("T72",), "storage tank": ("storage tank",)})

NOUNS = {
    "ship": [("ship", "ships"), ("vessel", "vessels"), ("boat", "boats"), ("watercraft", "watercraft")],
    "bridge": [("bridge", "bridges"), ("viaduct", "viaducts")],
    "aircraft": [("aircraft", "aircraft"), ("plane", "planes"), ("jet", "jets"), ("airliner", "airliners")],
    "storage_tank": [("storage tank", "storage tanks"), ("oil tank", "oil tanks")],
    "vehicle": [("vehicle", "vehicles"), ("main battle tank", "main battle tanks"), ("truck", "trucks")],
}
WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
SPECIAL = {
    0: ("no",),
    1: ("a single", "one lone"),
    2: ("a pair of", "a couple of"),
    3: ("a trio of",),
    12: ("a dozen",),
}
ADJECTIVES = ("", "large ", "small bright ", "moored ", "dark ", "rusty old ", "20 m long ")
PLACES = ("", " in the top left", " at the bottom right", " near the centre", " on the left", " moored side by side")
FORMS = (
    "{}", "a SAR image of {}.", "There are {} in the image.", "This radar image shows {}", "Mostly open sea with {}.",
    "This is a SAR view that includes {}.", "In the harbour one finds {}.", "We count {}.", "forest; {} in view",
    "{} can be seen.", "The scene contains {} and a road.", "{} are visible, and nothing else.",
)  # fmt: skip


@st.composite
def told(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """A sentence, and the numbers that it was written from."""
    numbers = draw(st.dictionaries(st.sampled_from(sorted(NOUNS)), st.integers(0, 20), min_size=1, max_size=4))
    return draw(st.sampled_from(FORMS)).format(_listed([draw(phrases(*item)) for item in numbers.items()])), numbers


@st.composite
def phrases(draw: st.DrawFn, key: str, number: int) -> str:
    one, many = draw(st.sampled_from(NOUNS[key]))
    article = "an" if one[0] in "aeiou" else "a"
    adjective = draw(st.sampled_from(ADJECTIVES if number else ADJECTIVES[:3]))
    ways = [str(number), WORDS[number], *SPECIAL.get(number, ()), *([article] if number == 1 else [])]
    return f"{draw(st.sampled_from(ways))} {adjective}{one if number == 1 else many}{draw(st.sampled_from(PLACES))}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


@given(told())
def test_numbers_that_were_written_are_read_back(sentence: tuple[str, dict[str, int]]) -> None:
    text, numbers = sentence
    assert read_counts(text, THINGS) == numbers


@given(told())
def test_capitals_do_not_matter(sentence: tuple[str, dict[str, int]]) -> None:
    assert read_counts(sentence[0].upper(), THINGS) == sentence[1]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["ship", "bridge", "storage_tank"]), st.integers(1, 6), min_size=1), st.data())
def test_the_training_captions_with_numbers_are_read_as_their_boxes(
    numbers: dict[str, int], data: st.DataObject
) -> None:
    boxes = [(key, i) for key, number in numbers.items() for i in range(number)]
    objects = tuple(SeenObject(key, (i / 10, i / 10, i / 10 + 0.05, i / 10 + 0.05)) for key, i in boxes)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    for sentence in write_captions(Seen(objects, ()), rng, kinds=("counts",)):
        assert read_counts(sentence, THINGS) == numbers, sentence


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert all(number is None or number >= 0 for number in read_counts(text, THINGS).values())


@given(st.integers(0, 99))
def test_number_words_and_digits_say_the_same(number: int) -> None:
    tens = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    ten, one = divmod(number, 10)
    word = WORDS[number] if number < 20 else tens[ten - 2] + (f"-{WORDS[one]}" if one else "")
    assert number_of(word) == number_of(str(number)) == number


@pytest.mark.parametrize(
    ("caption", "numbers"),
    [
        ("a ship yard with two boats", {"ship": 2}),
        ("two ship yards", {}),
        ("a shipyard and a boathouse", {}),
        ("two aircraft hangars beside an aircraft", {"aircraft": 1}),
        ("harbour with ship traffic", {}),
        ("the ship's wake and two ships' wakes", {}),
        ("a bridge crane", {}),
        ("a tank farm", {}),
        ("two tank trucks", {"vehicle": 2}),
        ("two storage tanks and three tanks", {"storage_tank": 2, "vehicle": 3}),
        ("three T-72s and a BMP-2", {"vehicle": 4}),
        ("two Boeing 737s and a 737 jet", {"aircraft": 3}),
        ("two oil tankers beside an oil tank", {"ship": 2, "storage_tank": 1}),
    ],
)
def test_words_made_of_two_are_not_the_thing_itself(caption: str, numbers: dict[str, int]) -> None:
    assert read_counts(caption, THINGS) == numbers


@pytest.mark.parametrize(
    ("caption", "number"),
    [
        ("open sea without any vessel", 0),
        ("the sea, not a single ship", 0),
        ("no sign of a ship", 0),
        ("the water is free of boats", 0),
        ("Ships are absent.", 0),
        ("no boats to be seen", 0),
        ("nothing but open sea, no ship anywhere", 0),
        ("no bridges, ships or aircraft", 0),
        ("neither bridges nor ships", 0),
    ],
)
def test_denied_things_count_as_none(caption: str, number: int) -> None:
    assert read_counts(caption, THINGS)["ship"] == number


@pytest.mark.parametrize(
    "caption",
    [
        "several ships", "a few small boats", "a group of vessels", "ships at sea", "many boats and one ship",
        "at least two ships", "two or three ships", "between two and four ships", "more than ten ships",
        "over twenty ships", "one to two ships", "1-2 ships", "dozens of ships", "ships in two rows", "pier 4 ships",
    ],
)  # fmt: skip
def test_a_vague_number_is_none_at_all(caption: str) -> None:
    assert read_counts(caption, THINGS)["ship"] is None


@pytest.mark.parametrize(
    ("caption", "number"),
    [
        ("2 ships in the top left and 1 ship in the center", 3),
        ("1 ship is to the left of the 2 ships", 3),
        ("one ship above the ship in the lower left", 2),
        ("There is one ship. Another ship is moored.", 2),
        ("three ships. The ships are moored at a pier.", 3),
        ("Two ships. Both ships lie at a pier.", 2),
        ("three ships lie in the harbour, two of the ships at the pier", 3),
        ("four ships, including one tanker", 4),
        ("three vessels, two of which are tankers", 3),
        ("three ships: two boats at the pier and one tanker", 3),
    ],
)
def test_groups_are_added_and_what_was_counted_is_not_counted_again(caption: str, number: int) -> None:
    assert read_counts(caption, THINGS)["ship"] == number


@pytest.mark.parametrize(
    ("caption", "number"),
    [
        ("a group of four ships", 4),
        ("two pairs of ships", 4),
        ("half a dozen boats", 6),
        ("two dozen ships", 24),
        ("1,200 ships", 1200),
        ("about ten ships", 10),
        ("all three ships", 3),
        ("two more ships", 2),
        ("next to three ships", 3),
        ("a 35 m long ship", 1),
        ("two 120 m ships", 2),
        ("one ship leaves the harbour", 1),
        ("a ship visible in the middle", 1),
        ("the number of ships is four", 4),
        ("ships: 3", 3),
        ("an image of the Bulk Carrier ship", 1),
        ("5 ship", 5),
    ],
)
def test_ways_to_say_a_number(caption: str, number: int) -> None:
    assert read_counts(caption, THINGS)["ship"] == number


def test_a_kind_counts_for_its_own_class_and_else_for_the_more_general_one() -> None:
    assert read_counts("two tanks, three T-72 tanks and one BMP-2", TANKS) == {"tank": 2, "t72": 3}
    assert read_counts("two storage tanks", TANKS) == {"storage tank": 2}
    general = Lexicon({"vehicle": ("vehicle",), "tank": ("tank",)})
    assert read_counts("two T-72s, a truck and a vehicle", general) == {"tank": 2, "vehicle": 2}


def test_a_general_word_is_no_count_of_a_special_class() -> None:
    assert read_counts("five vehicles", TANKS) == {}


def test_words_of_the_user_are_counted_in_singular_and_plural() -> None:
    own = Lexicon({"7": ("lighthouses", "signal box"), "8": ("ferry",)})
    caption = "a lighthouse, two signal boxes and three ferries"
    assert read_counts(caption, own) == {"7": 3, "8": 3}
