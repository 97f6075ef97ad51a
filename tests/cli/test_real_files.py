"""The shipped model and the real samples: that all goes through, not how good the answers are."""

import numpy as np
import pytest

from tests.core.scene_files import speckle, write_tif

SAMPLES = {
    "Spain_7370579_S1Hand.tif": "db",
    "quadpol_harbour_slc_complex.tif": "complex",
    "s1_port_la_vv_db_float64_utm.tif": "db",
}


def check(answer, width, height):
    assert answer["stands_out"] == bool(answer["candidates"])
    for place in answer["candidates"]:
        assert place["score"] > answer["threshold"]
        assert 0 <= place["col"] < width and 0 <= place["row"] < height


@pytest.mark.parametrize(
    "pixels",
    [speckle((7, 5)), speckle((80, 100)), np.full((90, 70), 7, np.float32), np.eye(120, dtype=np.float32) * 1e20],
    ids=["5 x 7", "100 x 80", "constant", "extreme"],
)
def test_the_shipped_model_takes_small_and_odd_scenes(sarvlm, tmp_path, pixels):
    path = write_tif(tmp_path / "a.tif", pixels)
    answer = sarvlm("query", path, "ships in the harbour", "--png", tmp_path / "p.png", "--json").json
    check(answer, pixels.shape[1], pixels.shape[0])


def test_the_shipped_model_takes_odd_words(sarvlm, tmp_path):
    path = write_tif(tmp_path / "a.tif", speckle((64, 64)))
    check(sarvlm("query", path, "SHIPS!?? 123 🚢", "--threshold", "0", "--json").json, 64, 64)


@pytest.mark.shared
@pytest.mark.parametrize("name", SAMPLES)
def test_a_real_sample_is_told_of_and_asked(sarvlm, encoder, shared_data, name):
    path = shared_data / "format_samples" / name
    if not path.is_file():
        pytest.skip(f"{name} is not among the samples")
    facts = sarvlm("info", path, "--json").json
    assert facts["value_type"] == SAMPLES[name]
    width, height = facts["size"]
    window = f"0,0,{min(width, 300)},{min(height, 300)}"
    answer = sarvlm("query", path, "ships", "--window", window, "--threshold", "0", "--json").json
    check(answer, width, height)
    assert all((place["lon"] is None) == (facts["crs"] is None) for place in answer["candidates"])


@pytest.mark.shared
def test_the_real_scene_has_its_coordinates(sarvlm, encoder, shared_data):
    path = shared_data / "s1_scenes" / "S1A_20201107_los_angeles_vh.tif"
    if not path.is_file():
        pytest.skip("the Los Angeles scene is not here")
    facts = sarvlm("info", path, "--json").json
    lons, lats = zip(*facts["footprint"], strict=True)
    answer = sarvlm("query", path, "ships", "--window", "1200,4700,200,200", "--threshold", "0", "--json").json
    assert answer["candidates"]
    for place in answer["candidates"]:
        assert min(lons) <= place["lon"] <= max(lons) and min(lats) <= place["lat"] <= max(lats)
