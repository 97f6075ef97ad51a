"""The choice of thresholds of counting, on images counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sarvlm_app.core.counting import COUNTABLES, logit_of
from sarvlm_training.evaluate import count_thresholds
from sarvlm_training.evaluate.count_thresholds import PROMINENCES, THRESHOLDS, Exact, Seen, best, exact, main, report
from tests.core.ground_models import GroundEncoder, harbour

SHIP = COUNTABLES[0]


def seen(truth: int, *scores: float, prominent: int | None = None) -> Seen:
    """An image whose peaks have these scores; from a prominence of 3 on only the first of them are peaks."""
    logits = tuple(logit_of(score) for score in scores)
    return Seen(truth, {p: logits[: prominent if p >= 3 else None] for p in PROMINENCES})


def test_shares_are_of_images_with_one_to_five_none_and_more():
    images = [seen(1, 0.9), seen(2, 0.9, 0.7), seen(0, 0.7), seen(0), seen(6, *[0.9] * 6), seen(7, *[0.9] * 6)]
    assert exact(images, 0.8, 1.0) == Exact(0.5, 1.0, 0.5)
    assert exact(images, 0.6, 1.0) == Exact(1.0, 0.5, 0.5)
    assert exact(images[:1], 0.8, 1.0) == Exact(1.0, None, None)


def test_the_best_threshold_parts_objects_from_clutter_and_the_best_prominence_joins_their_parts():
    images = [
        seen(1, 0.95, 0.95, 0.75, prominent=1),
        seen(2, 0.93, 0.91, 0.91, prominent=2),
        seen(0, 0.83, prominent=1),
    ]
    threshold, prominence = best(images)
    assert 0.83 < threshold < 0.91 and prominence >= 3.0
    assert exact(images, threshold, prominence) == Exact(1.0, 1.0, None)


def test_images_with_more_than_five_do_not_decide():
    images = [seen(1, 0.9, 0.55)] + [seen(7, *[0.55] * 7)] * 9
    assert best(images)[0] > 0.55


def test_the_report_holds_what_is_in_use_what_is_best_and_the_grid_of_each_part():
    parts = {"training": [seen(1, 0.95)], "kept back": [seen(2, 0.95)]}
    found = report(parts, SHIP)
    assert found["images"] == {"training": 1, "kept back": 1}
    assert found["in use"]["threshold"] == SHIP.threshold
    assert found["best"]["training"]["one_to_five"] == 1.0 and found["best"]["kept back"]["one_to_five"] == 0.0
    assert len(found["grid"]["kept back"]) == len(THRESHOLDS) and found["grid"]["training"]["0.98"]["1"] == 0.0
    assert found["grid"]["training"]["0.9"]["1"] == 1.0


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(count_thresholds, "load_encoder", lambda *_: GroundEncoder())
    ships = [[], [(40, 40)], [(40, 40), (160, 120)]]
    annotations = []
    for number, places in enumerate(ships):
        Image.fromarray(harbour((160, 208), places).astype(np.uint8)).save(tmp_path / f"{number}.png")
        annotations += [{"image_id": number, "category_id": 1, "bbox": [c - 8, r - 8, 16, 16]} for c, r in places]
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(3)]
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "ship"}]}
    (tmp_path / "c.json").write_text(json.dumps(coco))
    return tmp_path / "c.json"


def test_the_command_prints_shares_of_a_coco_file(boxes, capsys):
    assert main(["--coco", str(boxes)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "ground@000000000000" and found["images"] == {"all": 3}
    assert found["in use"]["all"] == {"one_to_five": 1.0, "none": 1.0, "more": None}


def test_images_without_the_kind_count_its_alarms(boxes, capsys):
    assert main(["--coco", str(boxes), "--absent"]) == 0
    assert json.loads(capsys.readouterr().out)["in use"]["all"]["none"] == pytest.approx(1 / 3, abs=1e-4)
    assert main(["--coco", str(boxes), "--absent", "--kind", "bridge"]) == 0
    assert json.loads(capsys.readouterr().out)["in use"]["all"]["none"] == 1.0


def test_boxes_that_cannot_be_read_are_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(count_thresholds, "load_encoder", lambda *_: GroundEncoder())
    assert main(["--coco", str(tmp_path / "no.json")]) == 1
    assert "no.json cannot be read" in capsys.readouterr().err


@pytest.mark.shared
def test_ssdd_is_parted_as_in_training(shared_data):
    parts = count_thresholds._ssdd(shared_data)
    assert len(parts["training"]) + len(parts["kept back"]) == 928
    assert 90 < len(parts["kept back"]) < 140
