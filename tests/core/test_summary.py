"""Sentences about what was found: true to their numbers, whatever these are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.core.landcover import COVERS
from sarvlm_app.core.summary import (
    CELLS,
    cell_of,
    count_sentences,
    counted_words,
    cover_words,
    percent,
    picture_of,
    summary,
)
from sarvlm_training.evaluate.count_nouns import Lexicon
from sarvlm_training.evaluate.counts import read_counts

KINDS = {kind.key: kind for kind in COUNTABLES}
LEXICON = Lexicon({key: (key,) for key in KINDS})
PLACES = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=30)


@st.composite
def covers(draw: st.DrawFn) -> list[tuple[str, float]]:
    """Shares that sum to at most one, the largest first."""
    names = draw(st.lists(st.sampled_from([cover.name for cover in COVERS]), min_size=1, unique=True))
    cells = draw(st.lists(st.integers(1, 10**6), min_size=len(names), max_size=len(names)))
    total = sum(cells) + draw(st.just(0) | st.integers(0, 10**6))
    return sorted(((name, n / total) for name, n in zip(names, cells, strict=True)), key=lambda pair: -pair[1])


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), PLACES, min_size=1))
def test_the_numbers_told_are_those_that_were_counted(found):
    for text in (summary("The scene", [("water", 1.0)], found), picture_of(found)):
        said = read_counts(text, LEXICON)
        assert {key: said.get(key, 0) for key in found} == {key: len(places) for key, places in found.items()}, text


@given(st.sampled_from(COUNTABLES), PLACES.filter(bool))
def test_a_place_is_named_only_where_objects_lie_and_with_their_number(kind, places):
    words = counted_words(kind, places)
    own = [cell_of(*place) for place in places]
    # the longest names first, so that "centre left" is not taken for "centre"
    named = set(re.findall("|".join(sorted(CELLS, key=len, reverse=True)), words))
    assert named <= set(own)
    of_them = re.search(r"(\d+) of them", words)
    if of_them is not None:
        assert [own.count(cell) for cell in named] == [int(of_them[1])] and 2 * int(of_them[1]) > len(own)
    if " all in the " in words or len(places) == 1:
        assert set(own) == named


@given(covers())
def test_shares_are_told_as_they_are_and_the_largest_first(cover):
    words = cover_words(cover)
    shares = dict(cover)
    told = re.findall(r"([a-z][a-z -]*) \((under 1|\d+) %\)", words)
    assert ("unclear" in words) == (sum(shares.values()) < 0.9)
    names = [next(name for name in shares if text.endswith(name)) for text, _ in told]
    assert names == [name for name, _ in cover[: len(names)]]
    for name, (_, number) in zip(names, told, strict=True):
        assert number == "under 1" or abs(int(number) - 100 * shares[name]) <= 1.0
    assert ("mostly" in words or "almost all" in words) <= (cover[0][1] >= 0.6)


@pytest.mark.parametrize(
    ("cover", "words"),
    [
        ([("water", 1.0)], "almost all water (100 %)"),
        ([("water", 0.97), ("forest", 0.03)], "almost all water (97 %)"),
        ([("water", 0.72), ("forest", 0.2), ("beach", 0.06), ("farmland", 0.02)],
         "mostly water (72 %), with forest (20 %) and beach (6 %)"),
        ([("built-up area", 0.4), ("farmland", 0.35), ("forest", 0.25)],
         "built-up area (40 %), farmland (35 %) and forest (25 %)"),
        ([("forest", 0.5), ("water", 0.2), ("beach", 0.12), ("farmland", 0.1), ("harbour", 0.08)],
         "forest (50 %), water (20 %), beach (12 %) and farmland (10 %)"),
        ([("water", 0.2), ("forest", 0.02)], "partly water (20 %); the rest is unclear"),
        ([("water", 0.45), ("forest", 0.3)], "water (45 %) and forest (30 %); the rest is unclear"),
    ],
)  # fmt: skip
def test_ways_to_tell_the_ground(cover, words):
    assert cover_words(cover) == words


@pytest.mark.parametrize(("share", "text"), [(1.0, "100 %"), (0.9999, "99 %"), (0.005, "under 1 %"), (0.014, "1 %")])
def test_what_is_not_all_is_not_called_all(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([(0.5, 0.5)], "1 ship in the centre"),
        ([(0.1, 0.9), (0.2, 0.8)], "2 ships, all in the lower left"),
        ([(0.1, 0.9), (0.2, 0.8), (0.9, 0.1)], "3 ships, 2 of them in the lower left"),
        ([(0.1, 0.9), (0.9, 0.1)], "2 ships in the upper right and lower left"),
        ([(0.1, 0.1), (0.5, 0.1), (0.9, 0.1), (0.1, 0.5)], "4 ships, scattered"),
    ],
)
def test_ways_to_tell_where_things_are(places, words):
    assert counted_words(KINDS["ship"], places) == words


def test_ground_without_a_name_is_unclear():
    assert summary("The scene", [], {}) == "What covers the ground is unclear."
    assert summary("The scene", [], {"ship": []}, counted=False) == "What covers the ground is unclear."


def test_a_caption_of_counts_alone_says_what_was_counted():
    assert picture_of({"ship": [(0.5, 0.5)], "bridge": []}) == "A SAR image with 1 ship in the centre."
    assert picture_of({"ship": [], "bridge": []}) == "A SAR image without ships or bridges."


def test_kinds_that_do_not_stand_out_are_named_only_where_none_does():
    assert count_sentences({"ship": [], "bridge": []}) == ["No ships or bridges stand out."]
    assert count_sentences({"ship": []}) == ["No ships stand out."]
    assert count_sentences({"ship": [(0.5, 0.5)], "bridge": []}) == ["Counted: 1 ship in the centre."]
    assert count_sentences({}) == []
