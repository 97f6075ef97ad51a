"""`sarvlm query` as INTERFACE.md describes it."""

import json

import numpy as np
import pytest
import rasterio
from PIL import Image

from sarvlm_app.core.scene import open_scene
from tests.cli.spots import SPOTS, spotted
from tests.core.scene_files import write_tif

KEYS = {"model", "band", "threshold", "stands_out", "cells", "cell_px", "seconds", "cached", "candidates"}


def places(answer):
    return sorted((place["col"], place["row"]) for place in answer["candidates"])


def near_spots(answer):
    return np.allclose(places(answer), sorted(SPOTS), atol=8)


def test_the_answer_has_what_the_contract_names(sarvlm, scene, encoder):
    answer = sarvlm("query", scene, "ships", "--json").json
    assert set(answer) >= KEYS
    assert answer["model"] == encoder.spec.model_id and answer["threshold"] == 0.6
    assert answer["stands_out"] is True and answer["cached"] is False
    assert answer["cells"] == [25, 30] and answer["cell_px"] == 8
    assert set(answer["seconds"]) == {"encode", "score", "total"}
    assert near_spots(answer)
    for rank, place in enumerate(answer["candidates"], 1):
        assert set(place) == {"rank", "score", "col", "row", "lon", "lat", "bbox_px"}
        assert place["rank"] == rank and 0.6 < place["score"] <= 1
        col, row, width, height = place["bbox_px"]
        assert col <= place["col"] <= col + width and row <= place["row"] <= row + height
        expected = open_scene(scene).georef.to_lonlat(place["col"], place["row"])
        assert np.allclose((place["lon"], place["lat"]), expected, atol=1e-6, rtol=0)


def test_the_second_question_finds_the_scene_encoded(sarvlm, scene, encoder):
    sarvlm("query", scene, "ships", "--json")
    windows = encoder.windows
    answer = sarvlm("query", scene, "a ship", "--json").json
    assert answer["cached"] is True and answer["seconds"]["encode"] == 0 and encoder.windows == windows


def test_nothing_stands_out_for_what_is_not_there(sarvlm, scene, encoder, tmp_path):
    files = tmp_path / "h.tif", tmp_path / "c.geojson", tmp_path / "p.png"
    ran = sarvlm("query", scene, "tanks", "--heatmap", files[0], "--candidates", files[1], "--png", files[2], "--json")
    assert ran.json["candidates"] == [] and ran.json["stands_out"] is False
    collection = json.loads(files[1].read_text())
    assert collection["features"] == [] and collection["stands_out"] is False
    assert all(path.stat().st_size for path in files)
    assert sarvlm("query", scene, "tanks").out.startswith("Nothing stands out")


def test_negatives_compete(sarvlm, scene, encoder):
    answer = sarvlm("query", scene, "ships", "--negative", "a ship", "--negative", "sea", "--json").json
    assert answer["candidates"] == [] and answer["negatives"] == ["a ship", "sea"]


def test_top_keeps_the_best(sarvlm, scene, encoder):
    assert len(sarvlm("query", scene, "ships", "--top", "2", "--json").json["candidates"]) == 2


def test_a_window_asks_a_part_and_encodes_no_more(sarvlm, scene, encoder):
    answer = sarvlm("query", scene, "ships", "--window", "150,30,60,60", "--json").json
    assert places(answer) == [pytest.approx(SPOTS[1], abs=8)]
    part = encoder.windows
    sarvlm("query", scene, "ships", "--json")
    assert 0 < part < encoder.windows


def test_a_window_that_reaches_beyond_the_scene_is_cut(sarvlm, scene, encoder):
    huge = "9" * 400
    assert near_spots(sarvlm("query", scene, "ships", f"--window=-{huge},-5,{huge}{huge},{huge}", "--json").json)


def test_the_threshold_does_not_follow_the_sliders_of_the_window(sarvlm, scene, encoder):
    from dataclasses import replace

    from sarvlm_app.settings import Settings, save_settings

    save_settings(replace(Settings(), threshold=0.95))
    assert sarvlm("query", scene, "ships", "--json").json["threshold"] == 0.6


def test_damaged_settings_are_a_remark(sarvlm, scene, encoder, own_folders):
    (own_folders / "config").mkdir()
    (own_folders / "config" / "settings.json").write_text("{")
    ran = sarvlm("query", scene, "ships", "--json")
    assert near_spots(ran.json) and "settings.json" in ran.err


def test_the_heat_map_lines_up_with_the_scene_and_says_what_it_is(sarvlm, scene, encoder, tmp_path):
    sarvlm("query", scene, "ships", "--heatmap", tmp_path / "h.tif", "--png", tmp_path / "p.png")
    with rasterio.open(tmp_path / "h.tif") as heat, rasterio.open(scene) as source:
        assert heat.crs == source.crs and heat.dtypes == ("float32",) and heat.shape == (25, 30)
        assert heat.transform.almost_equals(source.transform @ source.transform.scale(8))
        tags = heat.tags()
        assert (tags["QUERY"], tags["MODEL"], tags["WEIGHTS_SHA256"]) == ("ships", encoder.spec.model_id, "5" * 64)
        assert heat.read(1)[140 // 8, 100 // 8] > 0.9
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width >= 240


def test_existing_results_are_replaced(sarvlm, scene, encoder, tmp_path):
    (tmp_path / "c.geojson").write_text("old")
    sarvlm("query", scene, "ships", "--candidates", tmp_path / "c.geojson")
    assert len(json.loads((tmp_path / "c.geojson").read_text())["features"]) == 3


def test_the_band_is_chosen_by_polarisation_name_or_number(sarvlm, encoder, tmp_path):
    empty = np.full(spotted().shape, 20, np.float32)
    path = write_tif(tmp_path / "a.tif", np.stack((empty, spotted())), descriptions=("VH", "VV"))
    assert sarvlm("query", path, "ships", "--json").json["band"] == "VV"
    for name, found in (("VV", 3), ("vv", 3), ("2", 3), ("VH", 0), ("1", 0)):
        answer = sarvlm("query", path, "ships", "--band", name, "--json").json
        assert len(answer["candidates"]) == found and answer["band"] == ("VV" if found else "VH")


def test_people_get_lines(sarvlm, scene, encoder):
    ran = sarvlm("query", scene, "ships")
    assert ran.code == 0 and len(ran.out.splitlines()) == 3 and ran.err == ""


def test_the_reference_method_answers_in_the_same_words(sarvlm, encoder, tmp_path):
    path = write_tif(tmp_path / "a.tif", spotted((300, 300)))
    ran = sarvlm("query", path, "ships", "--reference", "--json")
    assert set(ran.json) >= KEYS and ran.json["cached"] is False and ran.json["candidates"] == []
    assert "left out" in ran.err.splitlines()[-1]


@pytest.mark.parametrize("threshold", ["0", "0.3", "0.5", "1"])
def test_any_threshold_gives_places_of_finite_coordinates(sarvlm, scene, encoder, threshold):
    answer = sarvlm("query", scene, "ships", "--threshold", threshold, "--json").json
    assert all(place["score"] > float(threshold) for place in answer["candidates"])
    assert all(0 <= place["col"] < 240 and 0 <= place["row"] < 200 for place in answer["candidates"])
    assert answer["stands_out"] == (threshold != "1")
