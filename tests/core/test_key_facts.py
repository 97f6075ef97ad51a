"""The facts card: what an analyst asks first, in words."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from sarvlm_app.core.key_facts import acquired_text, incidence_text, key_facts, missing_text
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import open_scene
from tests.core.scene_files import TRANSFORM, UTM33, write_tif


@pytest.fixture
def scene(tmp_path):
    pixels = np.stack([np.ones((300, 200), np.float32), np.full((300, 200), 2, np.float32)])
    tags = {"SARVLM_VALUE_TYPE": "intensity"}
    path = write_tif(tmp_path / "a.tif", pixels, descriptions=("VV", "VH"), crs=UTM33, transform=TRANSFORM, tags=tags)
    return open_scene(path)


def test_the_card_of_a_product_has_what_it_states(scene):
    facts = {"platform": "Sentinel-1B", "mode": "IW", "orbit": "30148 descending", "look": "right", "header X": "1"}
    stated = replace(
        scene, facts=facts, acquired=datetime(2021, 12, 23, 5, 11, 22, tzinfo=UTC), calibration=Calibration.SIGMA0,
        incidence_deg=(30.31, 38.92, 46.1), origin="sigma0",
    )  # fmt: skip
    card = dict(key_facts(stated))
    assert card["Sensor"] == "Sentinel-1B"
    assert card["Polarisation"] == "VV, VH"
    assert card["Acquired"] == "2021-12-23 05:11:22 UTC"
    assert card["Incidence"] == "30.3–46.1°, 38.9° mid swath"
    assert (card["Orbit"], card["Look"], card["Mode"]) == ("30148 descending", "right", "IW")
    assert card["Size"] == "200 × 300 px, 2 × 3 km"
    assert card["Spacing"].startswith("10 × 10 m")
    assert card["Values"] == "σ⁰, linear intensity, float32"
    assert card["Done to it"] == "sigma0"
    assert "1" not in card.values()


def test_what_is_not_known_has_no_row(tmp_path):
    scene = open_scene(write_tif(tmp_path / "plain.tif", np.ones((30, 20), np.uint8)))
    card = dict(key_facts(scene))
    assert card["CRS"] == "no georeference"
    assert card["Size"] == "20 × 30 px"
    assert card["Values"].startswith("uncalibrated, digital numbers (assumed)")
    assert {"Sensor", "Mode", "Acquired", "Incidence", "Orbit", "Spacing", "Centre"}.isdisjoint(card)


def test_a_date_without_a_time_stays_a_date_and_one_angle_is_no_span(scene):
    dated = replace(scene, acquired=datetime(2020, 5, 1, tzinfo=UTC), incidence_deg=(75.0, 75.0, 75.0))
    assert acquired_text(dated) == "2020-05-01"
    assert incidence_text(dated) == "75.0°"


def test_missing_parts_are_counted_and_the_first_named(scene):
    assert missing_text(scene) == ""
    assert missing_text(replace(scene, missing=("annotation/noise.xml",))) == "Missing part: noise.xml"
    told = replace(scene, missing=("annotation/noise.xml (has a value of 1/2)",))
    assert missing_text(told) == "Missing part: noise.xml (has a value of 1/2)"
    many = replace(scene, missing=tuple(f"measurement/{n}.tiff" for n in range(5)))
    assert missing_text(many) == "Missing 5 parts: 0.tiff, 1.tiff, 2.tiff and 2 more"
