"""`sarvlm where`: from a pixel to its coordinates and back, in every notation."""

import pytest

from tests.cli.spots import spotted
from tests.core.rpc_files import write_rpc
from tests.core.scene_files import write_tif

KEYS = {"scene", "col", "row", "inside", "lon", "lat", "degrees", "dms", "mgrs", "utm", "map", "height_m",
        "height_matters", "error_m", "error_reason"}  # fmt: skip


def test_a_pixel_has_a_name_in_every_notation(sarvlm, scene):
    told = sarvlm("where", scene, "--pixel", "100,50", "--json").json
    assert set(told) == KEYS and told["inside"] is True
    assert told["map"] == {"crs": "EPSG:32633", "x": 501000.0, "y": 5299500.0}
    assert told["utm"] == "33T 501000 5299500" and told["mgrs"] == "33T WN 01000 99500"
    assert told["lon"] == pytest.approx(15.0133, abs=1e-3) and told["dms"].endswith("E")
    assert told["error_m"] is None and told["height_matters"] is False


@pytest.mark.parametrize("notation", ["degrees", "dms", "mgrs", "utm"])
def test_each_notation_leads_back_to_the_pixel(sarvlm, scene, notation):
    told = sarvlm("where", scene, "--pixel", "100,50", "--json").json
    back = sarvlm("where", scene, "--at", told[notation], "--json").json
    assert (back["col"], back["row"]) == pytest.approx((100, 50), abs=0.3)


@pytest.mark.parametrize(
    "text", ["501000 5299500", "x 501000 y 5299500", "501000.0 E  5299500.0 N  EPSG:32633", "col 100 row 50"]
)
def test_metres_of_the_map_and_pixels_are_understood(sarvlm, scene, text):
    back = sarvlm("where", scene, "--at", text, "--json").json
    assert (back["col"], back["row"]) == pytest.approx((100, 50), abs=1e-6)


def test_people_get_one_notation_a_line(sarvlm, scene):
    out = sarvlm("where", scene, "--pixel", "-3,2.5").out
    assert "col -3 row 2.5 (outside the scene)" in out and "MGRS" in out and "{" not in out and "None" not in out


def test_heights_move_places_and_errors_are_told(sarvlm, tmp_path):
    path = write_rpc(tmp_path / "rpc.tif")
    own = sarvlm("where", path, "--pixel", "100,50", "--json").json
    high = sarvlm("where", path, "--pixel", "100,50", "--height", "1500", "--json").json
    assert own["height_m"] == 300.0 and high["height_m"] == 1500.0 and own["height_matters"]
    assert own["error_m"] == pytest.approx(5.0) and own["lon"] != high["lon"]
    assert own["map"] is None
    back = sarvlm("where", path, "--at", f"{high['lat']},{high['lon']}", "--height", "1500", "--json").json
    assert (back["col"], back["row"]) == pytest.approx((100, 50), abs=0.05)
    assert "about 5 m" in sarvlm("where", path, "--pixel", "100,50").out


def test_a_coordinate_outside_says_how_far_and_which_way(sarvlm, scene):
    fault = sarvlm("where", scene, "--at", "-33.45,-70.66").fault
    assert "km" in fault and "south-west of harbour" in fault
    assert "exchanged" in sarvlm("where", scene, "--at", "15.0133, 47.848").fault
    assert "240 columns" in sarvlm("where", scene, "--at", "col 900 row 3").fault


@pytest.mark.parametrize("text", ["", "harbour", "91, 200", "33°74'N 11°E", "33T ZZ 1 1", "33T WN 123 12", "\udcff"])
def test_a_coordinate_that_cannot_be_read_is_refused(sarvlm, scene, text):
    assert sarvlm("where", scene, "--at", text).fault


def test_a_scene_without_georeference_has_pixels_only(sarvlm, tmp_path):
    path = write_tif(tmp_path / "plain.tif", spotted())
    assert "no georeference" in sarvlm("where", path, "--pixel", "3,4").fault
    assert "no georeference" in sarvlm("where", path, "--at", "47.8, 15.0").fault
    assert sarvlm("where", path, "--at", "col 3 row 4", "--json").json["lon"] is None


@pytest.mark.parametrize(
    "words",
    [[], ["--pixel", "3"], ["--pixel", "a,b"], ["--pixel", "3,4", "--at", "col 1 row 2"], ["--pixel", "1,nan"],
     ["--pixel", "3,4", "--height", "high"], ["--pixel", "3,4", "--height", "1e9"]],
)  # fmt: skip
def test_wrong_usage_says_what_is_wanted(sarvlm, scene, words):
    ran = sarvlm("where", scene, *words)
    assert ran.code == 2 and ran.out == "" and "usage: sarvlm where" in ran.err
