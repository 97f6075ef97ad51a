"""Numbers read as an analyst writes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.ui.formats import dms_text, lonlat_text, number_text, pixel_text, places_text, seconds_text


def test_hemispheres_are_letters_not_signs():
    assert lonlat_text(-118.201, 33.742) == "33.7420 N  118.2010 W"
    assert lonlat_text(151.2, -33.9, 1) == "33.9 S  151.2 E"


def test_seconds_of_arc_never_read_sixty():
    assert dms_text(0.0, 10 - 1e-9) == "10°00′00.0″ N  0°00′00.0″ E"


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_dms_gives_the_same_place(lon, lat):
    values = []
    for degrees, minutes, seconds, side in re.findall(r"(\d+)°(\d+)′([\d.]+)″ (\w)", dms_text(lon, lat)):
        values.append((int(degrees) + int(minutes) / 60 + float(seconds) / 3600) * (-1 if side in "SW" else 1))
    assert values == pytest.approx([lat, lon], abs=0.051 / 3600)


def test_a_place_is_the_pixel_it_lies_in():
    assert pixel_text(1296.9, 4533.0) == "row 4533  col 1296"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.04 s"), (3.21, "3.2 s"), (42, "42 s"), (185, "3 min 05 s"), (7300, "2 h 01 min")]
)
def test_durations_are_short(seconds, text):
    assert seconds_text(seconds) == text


def test_minus_is_a_minus_and_counts_agree_with_their_noun():
    assert number_text(-24.04) == "−24.0"
    assert [places_text(n) for n in (0, 1, 7)] == ["Nothing stands out", "1 place stands out", "7 places stand out"]
