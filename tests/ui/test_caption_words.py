"""How sizes, counts and land cover of captions read."""

import pytest

from sarvlm_app.core.caption_list import Where, ground_of
from sarvlm_app.ui.caption_words import (
    centre_text,
    counts_text,
    cover_text,
    found_text,
    metres_text,
    size_texts,
    tip_text,
)
from sarvlm_models.types import Window
from tests.core.export_answers import make_scene, utm_georef
from tests.core.made_captions import make_caption


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((640.0, 480.4), "640 × 480 m"), ((6400.0, 480.0), "6.4 × 0.5 km"), ((250_000.0, 160_000.0), "250 × 160 km"),
        ((8.04, 4.0), "8.0 × 4.0 m"), ((12.0, 4.4), "12 × 4 m"),
    ],
)  # fmt: skip
def test_lengths_on_the_ground(size, text):
    assert metres_text(size) == text


def test_what_was_counted_is_told_and_what_was_not_found_is_left_out():
    counts = (("ship", 3), ("bridge", 0), ("storage_tank", 1), ("wind_turbine", 2))
    assert counts_text(counts) == "3 ships, 1 storage tank, 2 wind turbine"
    assert counts_text(()) == ""


def test_the_largest_shares_of_land_cover_are_told():
    cover = (("water", 0.62), ("built-up", 0.2), ("forest", 0.1), ("fields", 0.05), ("bare", 0.03))
    assert cover_text(cover).replace("\u00a0", " ") == "water 62 %, built-up 20 %, forest 10 %"
    assert cover_text((("water", 0.995), ("forest", 0.005))) == "water\u00a0100\u00a0%"
    assert found_text(make_caption(counts=(), cover=())) == ""


def test_size_and_place_are_on_the_ground_where_that_is_known():
    window = Window(80, 96, 64, 32)
    ground = ground_of(make_scene(georef=utm_georef()), window)
    assert size_texts(window, ground) == ("64 × 32 px · 640 × 320 m", "640 × 320 m")
    assert centre_text(window, ground).endswith("W")
    bare = ground_of(make_scene(), window)
    assert size_texts(window, bare) == ("64 × 32 px",)
    assert centre_text(window, bare) == "row 112  col 112"


def test_the_tip_tells_all_that_is_known():
    tip = tip_text(make_scene(), make_caption(text="Mine.", where=Where.VIEW))
    for part in ("Column 80, row 96", "fake@0123456789ab", "Log-probability −1.50", "The model said: Caption 1."):
        assert part in tip
    assert "Log" not in tip_text(make_scene(), make_caption(logprob=None))
