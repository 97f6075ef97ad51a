"""`sarvlm caption`: its JSON, its lines, and what is said to wrong input."""

from __future__ import annotations

import numpy as np
import pytest

from sarvlm_app.core import patches
from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.errors import ModelError
from tests.core.ground_models import GroundEncoder, ToldCaptioner, harbour, harbour_file
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

SHIPS = ((200, 48), (240, 200), (96, 200))
SIZE = (256, 320)
KEYS = {"scene", "window", "band", "caption", "raw", "logprob", "model", "counts", "cover"}


@pytest.fixture
def encoder(monkeypatch):
    model = GroundEncoder()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: model)
    return model


@pytest.fixture
def captioner(monkeypatch, encoder):
    model = ToldCaptioner()

    def of(given, *_):
        assert given is encoder, "the tower is loaded once"
        return model

    monkeypatch.setattr("sarvlm_models.captioner.captioner_of", of)
    return model


@pytest.fixture
def scene(tmp_path):
    return harbour_file(tmp_path / "harbour.tif", harbour(SIZE, SHIPS, forest_cols=64), crs=UTM33, transform=TRANSFORM)


def test_the_caption_has_what_the_contract_names(sarvlm, scene, captioner):
    answer = sarvlm("caption", scene, "--json").json
    assert set(answer) == KEYS
    assert (answer["caption"], answer["raw"]) == ("A view of 3 ships.", "a view of 3 ships .")
    assert (answer["logprob"], answer["model"]) == (-2.5, captioner.model_id)
    assert answer["window"] == [0, 0, 320, 256] and answer["scene"] == str(scene)
    assert answer["counts"] == {kind.key: 3 if kind.key == "ship" else 0 for kind in COUNTABLES}
    assert [entry["name"] for entry in answer["cover"]][:2] == ["water", "forest"]
    assert sum(entry["share"] for entry in answer["cover"]) == pytest.approx(1.0, abs=0.001)


def test_people_get_the_sentence_and_what_it_was_made_from(sarvlm, scene, captioner):
    ran = sarvlm("caption", scene)
    assert ran.code == 0 and ran.err == ""
    lines = ran.out.splitlines()
    assert lines[:2] == ["A view of 3 ships.", "counted: 3 ships"] and lines[2].startswith("ground: water 80 %")


def test_window_band_and_beams_reach_the_model(sarvlm, tmp_path, captioner):
    pixels = np.stack((harbour(SIZE, []) + np.eye(*SIZE, dtype=np.float32), harbour(SIZE, SHIPS))).astype(np.uint8)
    path = write_tif(tmp_path / "two.tif", pixels, descriptions=("VH", "VV"))
    answer = sarvlm("caption", path, "--window", "160,0,1000,1000", "--beams", "7", "--json").json
    assert answer["band"] == "VV" and answer["window"] == [160, 0, 160, 256] and answer["counts"]["ship"] == 2
    assert captioner.calls[0]["beams"] == 7 and captioner.calls[0]["shape"] == (256, 160)
    other = sarvlm("caption", path, "--band", "VH", "--json").json
    assert other["band"] == "VH" and other["counts"]["ship"] == 0


def test_a_large_scene_is_summed_up_and_encoded_once(sarvlm, scene, captioner, encoder, monkeypatch):
    monkeypatch.setattr(patches, "ALONE_PX", 64)
    answer = sarvlm("caption", scene, "--json").json
    assert answer["logprob"] is None and answer["caption"].startswith("The scene is mostly water (")
    assert "Counted: 3 ships" in answer["caption"] and captioner.calls == []
    windows = len(encoder.windows)
    assert sarvlm("caption", scene, "--json").json == answer and len(encoder.windows) == windows


def test_wrong_input_is_one_sentence_before_anything_is_loaded(sarvlm, scene, tmp_path, monkeypatch):
    def no_model(*_):
        raise AssertionError("the model must not be loaded")

    monkeypatch.setattr("sarvlm_models.registry.load_encoder", no_model)
    assert "does not exist" in sarvlm("caption", tmp_path / "no.tif").fault
    assert "320 x 256 px" in sarvlm("caption", scene, "--window", "320,0,10,10").fault
    assert "no band HH" in sarvlm("caption", scene, "--band", "HH").fault
    (tmp_path / "words.tif").write_text("no image")
    assert "words.tif" in sarvlm("caption", tmp_path / "words.tif").fault


def test_a_scene_of_nothing_is_one_sentence(sarvlm, tmp_path, captioner):
    flat = write_tif(tmp_path / "flat.tif", np.full(SIZE, 9, np.uint8))
    assert "flat.tif has one value" in sarvlm("caption", flat, "--json").fault
    empty = write_tif(tmp_path / "empty.tif", np.zeros(SIZE, np.uint8), nodata=0)
    assert "empty.tif holds too little data" in sarvlm("caption", empty, "--json").fault


def test_a_captioner_that_is_not_installed_is_one_sentence(sarvlm, scene, encoder, monkeypatch):
    def none(*_):
        raise ModelError("The compact captioner is not installed, “x” is missing: install it.")

    monkeypatch.setattr("sarvlm_models.captioner.captioner_of", none)
    assert "not installed" in sarvlm("caption", scene, "--json").fault and encoder.windows == []


@pytest.mark.parametrize("words", [[], ["a.tif", "--beams", "0"], ["a.tif", "--window", "1,2,3"], ["a.tif", "b.tif"]])
def test_wrong_usage(sarvlm, words):
    assert sarvlm("caption", *words).code == 2
