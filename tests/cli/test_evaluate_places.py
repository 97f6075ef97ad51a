"""`sarvlm evaluate heatmap`, `localize`, `selo-map`, and help and usage of all measures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.core.fake_encoder import FakeEncoder


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEncoder:
    model = FakeEncoder()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: model)
    return model


@pytest.fixture
def boxed(tmp_path: Path) -> Path:
    pixels = np.full((64, 96), 40, np.uint8)
    pixels[16:32, 40:56] = 250
    Image.fromarray(pixels).save(tmp_path / "1.png")
    coco = {
        "images": [{"id": 1, "file_name": "1.png"}],
        "categories": [{"id": 1, "name": "ship"}, {"id": 2, "name": "tank"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [36, 12, 24, 24]}],
    }
    (tmp_path / "c.json").write_text(json.dumps(coco))
    (tmp_path / "n.json").write_text('{"ship": ["bright things", "a bright thing"]}')
    return tmp_path


def test_heatmap(sarvlm, fake, boxed):
    words = ["evaluate", "heatmap", "--coco", boxed / "c.json", "--root", boxed, "--names", boxed / "n.json"]
    answer = sarvlm(*words, "--json").json
    assert (answer["pointing"], answer["ap"], answer["n"], answer["unreadable"]) == (1.0, 1.0, 1, 0)
    assert answer["per_class"]["ship"]["words"] == ["bright things", "a bright thing"]
    assert answer["per_class"]["tank"]["pointing"] is None
    assert "ship" in sarvlm(*words).out


def test_heatmap_of_broken_pictures_and_wrong_files(sarvlm, fake, boxed):
    words = ["evaluate", "heatmap", "--coco", boxed / "c.json", "--root", boxed]
    (boxed / "1.png").write_bytes(b"broken")
    assert "None of the 1 images can be read" in sarvlm(*words).fault
    assert "1.png is not there" in sarvlm(*words[:-1], boxed / "elsewhere").fault
    (boxed / "c.json").write_text("[")
    assert "holds no JSON" in sarvlm(*words).fault


def selo_set(folder: Path) -> Path:
    pixels = np.random.default_rng(0).integers(20, 40, (300, 320)).astype(np.uint8)
    pixels[40:260, 40:260] = 250
    Image.fromarray(pixels).save(folder / "a.png")
    items = [{"jpg_name": "a.png", "caption": "bright things", "points": [[[40, 40], [260, 40], [260, 260]]]}]
    (folder / "a.json").write_text(json.dumps(items))
    return folder / "a.json"


def test_localize(sarvlm, fake, tmp_path):
    words = ["evaluate", "localize", "--annotations", selo_set(tmp_path), "--images", tmp_path]
    answer = sarvlm(*words, "--json").json
    assert answer["n"] == 1 and answer["method"] == "dense" and answer["seconds_per_query"] > 0
    assert answer["rmi"] == pytest.approx(
        0.4 * answer["rsu"] + 0.35 * (1 - answer["ras"]) + 0.25 * answer["rda"], abs=1e-5
    )
    assert answer["items"][0]["caption"] == "bright things" and answer["items"][0]["rmi"] == pytest.approx(
        answer["rmi"]
    )
    assert sarvlm(*words).out.startswith("rsu ")
    assert sarvlm(*words, "--reference", "--json").json["method"] == "reference"
    assert "a.png is not there" in sarvlm(*words[:-1], tmp_path / "no").fault


def test_selo_map(sarvlm, tmp_path):
    rows, cols = np.indices((300, 300))
    hill = np.clip(255 * (1 - np.hypot(rows - 150, cols - 140) / 60), 0, 255).astype(np.uint8)
    Image.fromarray(hill).save(tmp_path / "m.png")
    (tmp_path / "r.json").write_text(json.dumps([[[100, 110], [180, 110], [180, 190], [100, 190]]]))
    words = ["evaluate", "selo-map", "--map", tmp_path / "m.png", "--regions", tmp_path / "r.json"]
    answer = sarvlm(*words, "--json").json
    assert answer["mask_area"] == 81 * 81 and answer["centers"] == [[142, 152]]
    assert answer["rda"] == 1.0 and answer["rsu"] > 0.9 and answer["rmi"] > 0.9
    assert "rmi" in sarvlm(*words).out
    (tmp_path / "r.json").write_text("[[[900, 900], [990, 900], [990, 990]]]")
    assert "lie outside" in sarvlm(*words).fault
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "m.png")
    assert "no 8-bit grey picture" in sarvlm(*words).fault


@pytest.mark.parametrize(
    "words",
    [
        [], ["nothing"], ["classify"], ["probe", "--train", "a"], ["retrieval", "--table", "t.csv"], ["heatmap"],
        ["classify", "--table", "t.csv", "--spacing", "0"], ["classify", "--table", "t.csv", "--spacing", "nan"],
        ["caption", "--table", "t.csv", "--root", ".", "--beams", "0"],
    ],
)  # fmt: skip
def test_wrong_usage_of_evaluate(sarvlm, words):
    ran = sarvlm("evaluate", *words)
    assert ran.code == 2 and "sarvlm evaluate" in ran.err and "Traceback" not in ran.err


KINDS = ("classify", "probe", "retrieval", "caption", "counts", "heatmap", "localize", "selo-map", "detect")


@pytest.mark.parametrize("kind", KINDS)
def test_every_measure_has_help(sarvlm, kind):
    ran = sarvlm("evaluate", kind, "--help")
    assert ran.code == 0 and ran.out.startswith(f"usage: sarvlm evaluate {kind}")


def test_the_manual_knows_every_option_of_evaluate(sarvlm, repo_root):
    manual = (repo_root / "docs" / "command-line.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f"evaluate {kind}" in manual
        for option in re.findall(r"--[a-z]+(?:-[a-z]+)*", sarvlm("evaluate", kind, "--help").out):
            assert option == "--help" or option in manual, (kind, option)
