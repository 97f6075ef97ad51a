"""`sarvlm caption`: its JSON, its lines, and what is said to wrong input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from sarvlm_app.core import patches
from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.errors import ModelError
from sarvlm_models import captioner as captioner_module
from sarvlm_models.registry import load_encoder
from tests.core.ground_models import GroundEncoder, ToldCaptioner, harbour, harbour_file
from tests.core.scene_files import TRANSFORM, UTM33, write_tif
from tests.models.caption_models import TINY_COCA, random_coca, write_decoder

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


def test_a_coca_checkpoint_describes_and_is_asked_for_no_counts(sarvlm, scene, tmp_path, monkeypatch):
    torch.save({"state_dict": random_coca().state_dict()}, tmp_path / "coca.pt")
    (tmp_path / "coca.json").write_text(json.dumps(TINY_COCA))
    words = ["caption", scene, "--model", tmp_path / "coca.pt", "--device", "cpu", "--json"]
    answer = sarvlm(*words, "--window", "32,64,128,128").json
    assert answer["model"].startswith("coca@") and answer["counts"] == {} and answer["logprob"] < 0
    assert answer["caption"] and answer["cover"]
    monkeypatch.setattr(patches, "ALONE_PX", 64)
    whole = sarvlm(*words).json
    assert whole["logprob"] is None and "Counted" not in whole["caption"] and whole["counts"] == {}


def test_the_compact_captioner_describes(sarvlm, scene, tmp_path, monkeypatch):
    encoder = load_encoder(None, "cpu")
    decoder = write_decoder(tmp_path / captioner_module.WEIGHTS_FILE, encoder.spec.weights_sha256)
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: encoder)
    monkeypatch.setattr(captioner_module, "weights_dir", lambda: decoder.parent)
    answer = sarvlm("caption", scene, "--window", "32,64,96,96", "--json").json
    assert answer["model"].startswith("sarcap-compact@") and answer["raw"] and answer["caption"].endswith(".")
    assert set(answer["counts"]) == {kind.key for kind in COUNTABLES}


@pytest.mark.parametrize("words", [[], ["a.tif", "--beams", "0"], ["a.tif", "--window", "1,2,3"], ["a.tif", "b.tif"]])
def test_wrong_usage(sarvlm, words):
    assert sarvlm("caption", *words).code == 2
