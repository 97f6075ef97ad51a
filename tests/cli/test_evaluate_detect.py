"""`sarvlm evaluate detect` with a detector of a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sarvlm_app.core.boxes import bbox_of, corners_from
from sarvlm_app.core.importing import read_detections
from sarvlm_app.core.scene import open_scene
from tests.core.blob_detector import BlobDetector, add_hull, sea

HULLS = {"a.png": [(60, 40, 40, 10, 0.5), (150, 90, 30, 8, 2.0)], "b.png": [(100, 60, 50, 12, 1.2)], "c.png": []}


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> BlobDetector:
    model = BlobDetector(window_px=512)
    monkeypatch.setattr("sarvlm_models.registry.load_detector", lambda *_: model)
    return model


def annotation(image: int, hull: tuple[float, ...], **members: Any) -> dict[str, Any]:
    corners = corners_from(*hull)
    return {
        "image_id": image,
        "category_id": 4,
        "bbox": bbox_of(corners)[0].tolist(),
        "segmentation": [corners[0].ravel().tolist()],
        **members,
    }


@pytest.fixture
def boxed(tmp_path: Path) -> Path:
    """Three pictures, all hulls of which are in the file."""
    for name, hulls in HULLS.items():
        pixels = sea(128, 200) * 6
        for hull in hulls:
            add_hull(pixels, *hull)
        pixels[pixels == 30.0] = 250
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name)
    coco = {
        "images": [{"id": 10 + i, "file_name": name} for i, name in enumerate(HULLS)],
        "categories": [{"id": 4, "name": "SHIP"}, {"id": 9, "name": "tank"}],
        "annotations": [annotation(10 + i, hull) for i, hulls in enumerate(HULLS.values()) for hull in hulls],
    }
    (tmp_path / "c.json").write_text(json.dumps(coco))
    return tmp_path


def words(folder: Path, *more: object) -> list[object]:
    return ["evaluate", "detect", "--coco", folder / "c.json", "--root", folder, *more]


def change(folder: Path, edit: Any) -> None:
    content = json.loads((folder / "c.json").read_text())
    edit(content)
    (folder / "c.json").write_text(json.dumps(content))


@pytest.mark.parametrize("how", [(), ("--rotated",)], ids=["upright", "rotated"])
def test_a_detector_that_finds_all_has_full_marks(sarvlm, detector, boxed, how):
    answer = sarvlm(*words(boxed, *how, "--json")).json
    assert (answer["map50"], answer["recall"], answer["n"], answer["boxes"]) == (1.0, 1.0, 3, 3)
    assert answer["voc07_map50"] == answer["allpoint_map50"] == 1.0 and 0.5 < answer["map"] <= 1.0
    assert answer["rotated"] is bool(how) and answer["unreadable"] == 0
    ship, tank = answer["per_class"]["SHIP"], answer["per_class"]["tank"]
    assert (ship["ap50"], ship["recall"], ship["n"]) == (1.0, 1.0, 3) and ship["ap"] == answer["map"]
    assert (tank["ap50"], tank["ap"], tank["recall"], tank["n"]) == (None, None, None, 0)
    assert "SHIP" in sarvlm(*words(boxed, *how)).out


def test_what_is_missed_and_what_is_wrong_costs(sarvlm, detector, boxed):
    change(boxed, lambda c: c["annotations"].append(annotation(12, (100, 60, 30, 10, 0.0))))
    missed = sarvlm(*words(boxed, "--json")).json
    assert missed["recall"] == 0.75 and missed["map50"] == pytest.approx(76 / 101, abs=1e-4)
    change(boxed, lambda c: c["annotations"].__delitem__(slice(0, 1)))
    wrong = sarvlm(*words(boxed, "--json")).json
    assert wrong["map50"] < missed["map50"] and wrong["recall"] == pytest.approx(2 / 3, abs=1e-4)


@pytest.mark.parametrize("how", [(), ("--rotated",)], ids=["upright", "rotated"])
@pytest.mark.parametrize("flag", ["iscrowd", "ignore"])
def test_crowds_and_ignored_boxes_count_neither_way(sarvlm, detector, boxed, flag, how):
    change(boxed, lambda c: c["annotations"][0].update({flag: 1}))
    answer = sarvlm(*words(boxed, *how, "--json")).json
    assert (answer["map50"], answer["recall"], answer["boxes"]) == (1.0, 1.0, 2)


def test_classes_are_asked_in_the_words_of_the_file_of_names_or_of_the_detector(sarvlm, detector, boxed):
    asked = []
    detector.class_vectors = lambda classes: asked.append(tuple(classes)) or np.eye(2, dtype=np.float32)
    answer = sarvlm(*words(boxed, "--json")).json
    assert [one.name for one in asked[0]] == ["SHIP", "tank"] and asked[0][0].words == ("ship",)
    assert answer["per_class"]["SHIP"]["words"] == ["ship"]
    (boxed / "n.json").write_text('{"SHIP": ["a ferry", "ferry"]}')
    answer = sarvlm(*words(boxed, "--names", boxed / "n.json", "--json")).json
    assert answer["per_class"]["SHIP"]["words"] == ["a ferry", "ferry"]
    assert answer["per_class"]["tank"]["words"] == ["tank"]
    (boxed / "n.json").write_text('{"SHIP": 3}')
    assert "has no words for “SHIP”" in sarvlm(*words(boxed, "--names", boxed / "n.json")).fault


def test_known_spacing_is_used(sarvlm, detector, boxed):
    answer = sarvlm(*words(boxed, "--spacing", "0.1", "--json")).json
    assert {shape for shape, _ in detector.seen} == {(64, 100)} and answer["map50"] == 1.0


def test_predictions_are_results_that_others_and_we_ourselves_read(sarvlm, detector, boxed):
    out = boxed / "p.json"
    answer = sarvlm(*words(boxed, "--predictions", out, "--json")).json
    rows = json.loads(out.read_text())
    assert [(row["image_id"], row["category_id"]) for row in rows] == [(10, 4), (10, 4), (11, 4)]
    assert all(len(row["bbox"]) == 4 and len(row["segmentation"][0]) == 8 for row in rows)
    back = read_detections(out, open_scene(boxed / "b.png"))
    assert back.labels() == ["SHIP"] and answer["map50"] == 1.0
    assert "its folder does not exist" in sarvlm(*words(boxed, "--predictions", boxed / "no" / "p.json")).fault
    assert "holds the true boxes" in sarvlm(*words(boxed, "--predictions", boxed / "c.json")).fault


def test_at_most_so_many_boxes_of_an_image_count(sarvlm, detector, boxed):
    answer = sarvlm(*words(boxed, "--max-detections", "1", "--json")).json
    assert answer["recall"] == pytest.approx(2 / 3, abs=1e-4) and answer["max_detections"] == 1


def test_rotated_boxes_need_outlines_and_upright_ones_do_not(sarvlm, detector, boxed):
    change(boxed, lambda c: c["annotations"][0].pop("segmentation"))
    assert "1 boxes without an outline" in sarvlm(*words(boxed, "--rotated")).fault and not detector.seen
    assert sarvlm(*words(boxed, "--json")).json["map50"] == 1.0


def test_pictures_that_cannot_be_read_are_told_and_files_without_boxes_refused(sarvlm, detector, boxed):
    (boxed / "c.png").write_bytes(b"broken")
    ran = sarvlm(*words(boxed, "--json"))
    assert (ran.json["n"], ran.json["unreadable"], ran.json["map50"]) == (2, 1, 1.0) and "c.png" in ran.err
    for name in HULLS:
        (boxed / name).write_bytes(b"broken")
    assert "None of the 3 images can be read" in sarvlm(*words(boxed)).fault
    change(boxed, lambda c: c["annotations"].clear())
    assert "no box to hold the detector against" in sarvlm(*words(boxed)).fault


def test_a_detector_that_finds_nothing_has_no_marks_and_no_fault(sarvlm, detector, boxed):
    for name in HULLS:
        Image.fromarray(np.full((128, 200), 9, np.uint8)).save(boxed / name)
    for how in ((), ("--rotated",)):
        answer = sarvlm(*words(boxed, *how, "--json")).json
        assert (answer["map50"], answer["map"], answer["recall"], answer["voc07_map50"]) == (0, 0, 0, 0)
