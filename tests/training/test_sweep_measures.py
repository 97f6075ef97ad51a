"""Measures of a plan: what they read once, the figure that they give, and what stops a sweep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.sweep_measures import planned_measures
from sarvlm_training.sweep_plan import Classify, Heatmap, Planned
from tests.core.fake_encoder import FakeEncoder
from tests.training.toy_encoder import ToyEncoder, grey_picture


@pytest.fixture
def chips(tmp_path: Path) -> Path:
    """Three pictures, of which the last is not what its label says."""
    for level in (1, 4, 7):
        grey_picture(tmp_path / f"{level}.png", level)
    (tmp_path / "t.csv").write_text("path,label\n1.png,one\n4.png,four\n7.png,one\n")
    (tmp_path / "n.json").write_text(json.dumps({"one": "level 1", "four": "level 4"}))
    return tmp_path


def figure(part: Classify | Heatmap, encoder: object) -> float:
    (measure,) = planned_measures([Planned("mine", 2.0, part)])
    assert (measure.name, measure.weight) == ("mine", 2.0)
    return measure.figure(encoder)  # type: ignore[arg-type]


def test_classification_as_a_measure(chips: Path) -> None:
    part = Classify(chips / "t.csv", chips, names=chips / "n.json", templates="simple", spacing=3.0)
    model = ToyEncoder()
    assert figure(part, model) == pytest.approx((0.5 + 1) / 2) and model.spacings == [3.0]
    assert "a photo of level 4." in model.texts
    assert figure(Classify(chips / "t.csv", chips, names=chips / "n.json", figure="top1"), model) == pytest.approx(
        2 / 3
    )


def test_a_figure_that_does_not_exist_and_a_broken_picture_stop_a_sweep(chips: Path) -> None:
    with pytest.raises(QueryError, match="“mine” asks for top3, but 2 classes compete"):
        figure(Classify(chips / "t.csv", chips, names=chips / "n.json", figure="top3"), ToyEncoder())
    (chips / "4.png").write_bytes(b"no picture")
    with pytest.raises(SceneError, match="“mine” needs all its pictures; the first of 1 faults: .*4.png"):
        figure(Classify(chips / "t.csv", chips, names=chips / "n.json"), ToyEncoder())


def test_tables_are_read_before_the_first_encoder(chips: Path) -> None:
    (chips / "n.json").write_text('{"one": "level 1"}')
    with pytest.raises(QueryError, match="no words for “four”"):
        planned_measures([Planned("mine", 1.0, Classify(chips / "t.csv", chips, names=chips / "n.json"))])


def test_heat_maps_as_a_measure(tmp_path: Path) -> None:
    pixels = np.full((64, 64), 40, np.uint8)
    pixels[16:32, 24:40] = 250
    Image.fromarray(pixels).save(tmp_path / "1.png")
    coco = {
        "images": [{"id": 1, "file_name": "1.png"}],
        "categories": [{"id": 1, "name": "bright thing"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [20, 10, 30, 30]}],
    }
    (tmp_path / "c.json").write_text(json.dumps(coco))
    for name in ("ap", "pointing"):
        assert figure(Heatmap(tmp_path / "c.json", tmp_path, figure=name), FakeEncoder()) == 1.0
    coco["annotations"][0]["iscrowd"] = 1
    (tmp_path / "c.json").write_text(json.dumps(coco))
    with pytest.raises(QueryError, match="no box"):
        figure(Heatmap(tmp_path / "c.json", tmp_path), FakeEncoder())
