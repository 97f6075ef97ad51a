"""What an analyst types as a question to an archive, and what becomes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.archive_question import (
    ArchiveQuestion,
    ExampleKind,
    ExampleOf,
    Filters,
    area_of,
    area_text,
    day_of,
)
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window
from tests.core.archive.made import chip

LONGITUDES = st.floats(-180, 180)
LATITUDES = st.floats(-90, 90)


@given(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES)
def test_an_area_reads_as_it_was_written(west: float, one: float, east: float, other: float) -> None:
    south, north = sorted((one, other))
    found = area_of(area_text((west, south, east, north)))
    assert found == pytest.approx((west, south, east, north), abs=6e-5)


def test_an_area_beyond_the_antimeridian_is_brought_back() -> None:
    assert area_of(area_text((179.0, -18.0, 181.5, -16.0))) == pytest.approx((179.0, -18.0, -178.5, -16.0))


@pytest.mark.parametrize("text", ["-118.5,33.5,-118,34", " -118.5 33.5; -118  34 ", "\u2212118.5, 33.5, \u2212118, 34"])
def test_an_area_may_be_separated_as_one_likes(text: str) -> None:
    assert area_of(text) == (-118.5, 33.5, -118.0, 34.0)


@pytest.mark.parametrize("text", ["somewhere", "1,2,3", "1,2,3,4,5", "0,50,10,40", "0,0,999,1", "nan,0,1,1"])
def test_what_is_no_area_is_a_sentence(text: str) -> None:
    with pytest.raises(QueryError, match="area"):
        area_of(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2020", date(2020, 1, 1), date(2020, 12, 31)),
        ("2020-2", date(2020, 2, 1), date(2020, 2, 29)),
        (" 2020-11-07 ", date(2020, 11, 7), date(2020, 11, 7)),
        ("", None, None),
    ],
)
def test_a_day_may_be_a_month_or_a_year(text: str, first: date | None, last: date | None) -> None:
    assert (day_of(text), day_of(text, end=True)) == (first, last)


@pytest.mark.parametrize("text", ["yesterday", "2020-13", "2020-02-30", "20201107", "0000", "2020-00"])
def test_what_is_no_day_is_a_sentence(text: str) -> None:
    for end in (False, True):
        with pytest.raises(QueryError, match="no date"):
            day_of(text, end=end)


def test_filters_become_what_the_search_takes() -> None:
    where = Filters("1,2,3,4", "2020", "2021-06", " sentinel ", "VV").where()
    assert (where.bbox, where.sensor, where.polarisation) == ((1.0, 2.0, 3.0, 4.0), "sentinel", "VV")
    assert (where.after, where.before) == (date(2020, 1, 1), date(2021, 6, 30))
    assert Filters(area=" ", sensor="x").count == 1
    with pytest.raises(QueryError, match="swap"):
        Filters(after="2022", before="2021").where()


def test_a_question_needs_words_or_an_example_that_is_wanted() -> None:
    example = ExampleOf(ExampleKind.FILE, Path("x.tif"))
    with pytest.raises(QueryError, match="nothing to look for"):
        ArchiveQuestion().check()
    with pytest.raises(QueryError, match="nothing to look for"):
        ArchiveQuestion(examples=(ExampleOf(ExampleKind.FILE, Path("x.tif"), likes=False),)).check()
    ArchiveQuestion(examples=(example,)).check()
    with pytest.raises(QueryError, match="English"):
        ArchiveQuestion("ein großes Schiff im Hafen").check()


def test_weights_count_only_where_words_and_an_example_are_mixed(tmp_path: Path) -> None:
    path = chip(tmp_path / "x.tif", 1)
    example = ExampleOf(ExampleKind.FILE, path, Window(0, 0, 32, 32))
    off = ExampleOf(ExampleKind.HIT, path, likes=False)
    alone = ArchiveQuestion(examples=(example, off), weight=0.8).query(20)
    assert [one.weight for one in alone.examples] == [1.0, -1.0] and alone.examples[0].window == Window(0, 0, 32, 32)
    mixed = ArchiveQuestion("ships", examples=(example,), weight=0.8).query(20)
    assert (mixed.text_weight, mixed.examples[0].weight) == (pytest.approx(0.2), 0.8)
    words = ArchiveQuestion("ships", examples=(off,), weight=0.8).query(20)
    assert words.text_weight == 1.0


def test_a_new_example_takes_the_place_of_words_and_leaves_the_filters() -> None:
    one, two = (ExampleOf(ExampleKind.FILE, Path(name)) for name in "ab")
    question = ArchiveQuestion("ships", ("sea",), (one,), filters=Filters(after="2020")).only_like(two)
    assert (question.text, question.negatives, question.examples) == ("", (), (two,))
    assert question.filters.after == "2020" and question.without(two).examples == ()
