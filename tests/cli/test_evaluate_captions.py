"""`sarvlm evaluate caption` and `counts`: their JSON, their tables, and what is said to wrong input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.core.ground_models import GroundEncoder, ToldCaptioner, harbour

SIZE = (208, 240)
PLACES = ((80, 80), (160, 160), (160, 40))
SHIPS = {name: PLACES[:number] for number, name in enumerate(("none.png", "one.png", "two.png", "three.png"))}


@pytest.fixture
def captioner(monkeypatch):
    tower, model = GroundEncoder(), ToldCaptioner()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: tower)
    monkeypatch.setattr("sarvlm_models.captioner.captioner_of", lambda *_: model)
    return model


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures with ships, a broken one, a table of captions and boxes."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, ships in SHIPS.items():
        Image.fromarray(harbour(SIZE, ships, forest_cols=40).astype(np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "one.png").read_bytes()[:60])
    rows = [
        ("imgpath", "caption"),
        ("one.png", "a view of 1 ships ."),
        ("two.png", "two boats ."),
        ("two.png", "2 ships ."),
    ]
    write_table(tmp_path / "t.csv", rows)
    annotations = [
        {"id": 10 * number + i, "image_id": number, "category_id": 4, "bbox": [col - 8, row - 8, 16, 16]}
        for number, ships in enumerate(SHIPS.values())
        for i, (col, row) in enumerate(ships)
    ]
    annotations.append({"id": 99, "image_id": 1, "category_id": 4, "bbox": [150, 150, 16, 16]})  # nobody can see it
    coco = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(SHIPS)],
        "categories": [{"id": 4, "name": "ship"}],
        "annotations": annotations,
    }
    (tmp_path / "c.json").write_text(json.dumps(coco))
    return tmp_path


def write_table(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def change(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def asked(folder: Path, *more: object) -> list[object]:
    return ["evaluate", "caption", "--table", folder / "t.csv", "--root", folder / "pictures", *more]


def counted(folder: Path, *more: object) -> list[object]:
    return ["evaluate", "counts", "--coco", folder / "c.json", "--root", folder / "pictures", *more]


def test_caption_gives_all_measures_in_both_ways_of_splitting(sarvlm, captioner, pictures):
    answer = sarvlm(*asked(pictures, "--json")).json
    assert (answer["model"], answer["n"], answer["unreadable"], answer["empty_captions"]) == (
        captioner.model_id,
        2,
        0,
        0,
    )
    names = {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "cider_plain"}
    assert names <= set(answer["raw"]) and names <= set(answer["ptb"])
    assert "spice" in answer["left_out"] and ("meteor" in answer["left_out"]) == ("meteor" not in answer["raw"])
    # said: "a view of 1 ships ." and "a view of 2 ships .": the first is right word for word, of the second half is
    assert answer["raw"]["bleu_1"] == pytest.approx(9 / 12) and answer["ptb"]["bleu_1"] == pytest.approx(7 / 10)


def test_caption_without_json_is_for_reading(sarvlm, captioner, pictures):
    ran = sarvlm(*asked(pictures))
    assert ran.code == 0 and "bleu_4" in ran.out and "spice: left out" in ran.out


def test_predictions_hold_a_row_for_each_picture_in_the_order_of_the_table(sarvlm, captioner, pictures):
    with (pictures / "t.csv").open("a") as file:
        file.write("broken.png,a ship\n")
    ran = sarvlm(*asked(pictures, "--predictions", pictures / "out.csv", "--beams", "2", "--json"))
    assert ran.json["unreadable"] == 1 and ran.json["n"] == 2 and "1 of 3 picture" in ran.err
    assert ran.json["faults"][0]["path"].endswith("broken.png")
    with (pictures / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["imgpath"] for row in rows] == ["one.png", "two.png", "broken.png"]
    assert (rows[1]["caption"], rows[1]["raw"], rows[1]["logprob"]) == (
        "A view of 2 ships.",
        "a view of 2 ships .",
        "-2.500000",
    )
    assert rows[2]["caption"] == "" and "broken.png" in rows[2]["fault"]
    assert {call["beams"] for call in captioner.calls} == {2}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("file", "caption"), ("one.png", "a ship")], "imgpath"),
        ([("imgpath", "caption")], "no rows"),
        ([("imgpath", "caption"), ("one.png", " ")], "empty caption in line 2"),
        ([("imgpath", "caption"), ("no.png", "a ship")], "no.png is not there"),
        ([("imgpath", "caption"), ("broken.png", "a ship")], "None of the 1 pictures can be read"),
    ],
)
def test_tables_at_fault_are_one_sentence(sarvlm, captioner, pictures, rows, reason):
    write_table(pictures / "t.csv", rows)
    assert reason in sarvlm(*asked(pictures, "--json")).fault


def test_predictions_that_cannot_be_written_are_told_first(sarvlm, captioner, pictures):
    assert "does not exist" in sarvlm(*asked(pictures, "--predictions", pictures / "no" / "out.csv")).fault
    assert captioner.calls == []


def test_counts_are_held_against_boxes(sarvlm, captioner, pictures):
    answer = sarvlm(*counted(pictures, "--json")).json
    assert (answer["exact"], answer["n"]) == (pytest.approx(2 / 3, abs=1e-6), 3)  # the hidden ship is not counted
    assert answer["empty"] == {"exact": 1.0, "n": 1} and answer["more"] == {"exact": None, "n": 0}
    assert answer["by_count"]["2"] == {"exact": 0.5, "n": 2} and answer["per_class"]["ship"]["n"] == 3
    assert (answer["images"], answer["crowded"], answer["unreadable"], answer["model"]) == (4, 0, 0, captioner.model_id)
    ran = sarvlm(*counted(pictures))
    assert ran.code == 0 and "0.6667  n 3" in ran.out and "0.6667 of     3  ship" in ran.out


def test_words_of_the_user_name_what_is_counted(sarvlm, captioner, pictures):
    change(pictures / "c.json", categories=[{"id": 4, "name": "hull"}])
    (pictures / "names.json").write_text(json.dumps({"hull": ["ship"]}))
    assert sarvlm(*counted(pictures, "--json")).json["exact"] == 0.0
    answer = sarvlm(*counted(pictures, "--names", pictures / "names.json", "--json")).json
    assert answer["exact"] == pytest.approx(2 / 3, abs=1e-6) and list(answer["per_class"]) == ["hull"]


def test_words_that_do_not_state_the_counts_do_not_count(sarvlm, captioner, pictures):
    captioner.agrees = False
    assert sarvlm(*counted(pictures, "--json")).json["exact"] == pytest.approx(2 / 3, abs=1e-6)


def test_broken_images_are_told_and_crowds_left_out(sarvlm, captioner, pictures):
    images = [{"id": number, "file_name": name} for number, name in enumerate([*SHIPS, "broken.png"])]
    crowd = {"id": 5, "image_id": 3, "category_id": 4, "bbox": [0, 0, 9, 9], "iscrowd": 1}
    boxes = json.loads((pictures / "c.json").read_text())["annotations"]
    change(pictures / "c.json", images=images, annotations=[*boxes, crowd])
    ran = sarvlm(*counted(pictures, "--json"))
    assert (ran.json["unreadable"], ran.json["crowded"], ran.json["n"]) == (1, 1, 2)
    assert "broken.png" in ran.err


def test_boxes_at_fault_are_one_sentence(sarvlm, captioner, pictures):
    crowd = [{"id": n, "image_id": n, "category_id": 4, "bbox": [0, 0, 9, 9], "iscrowd": 1} for n in range(4)]
    change(pictures / "c.json", annotations=crowd)
    assert "iscrowd" in sarvlm(*counted(pictures)).fault
    (pictures / "c.json").write_text("{")
    assert "no JSON" in sarvlm(*counted(pictures)).fault
