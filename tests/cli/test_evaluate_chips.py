"""`sarvlm evaluate classify`, `probe` and `retrieval`: their JSON, their tables, and what is said to wrong input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.training.toy_encoder import ToyEncoder, grey_picture


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ToyEncoder:
    toy = ToyEncoder()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: toy)
    return toy


@pytest.fixture
def chips(tmp_path: Path) -> Path:
    """A folder with pictures, a table of them, and the words for four labels, one of which no picture has."""
    levels = [(1, "one"), (1.2, "one"), (4, "four"), (6.6, "four"), (9, "nine")]
    rows = ["file,kind"]
    for number, (level, label) in enumerate(levels):
        grey_picture(tmp_path / "chips" / f"{number}.png", level)
        rows.append(f"{number}.png,{label}")
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    words = {"one": "level 1", "four": ["level 4", "level 3.5"], "seven": "level 7", "nine": "level 9"}
    (tmp_path / "names.json").write_text(json.dumps(words))
    return tmp_path


def asked(folder: Path, *more: object) -> list[object]:
    return ["evaluate", "classify", "--table", folder / "t.csv", "--root", folder / "chips", "--path-column", "file",
            "--label-column", "kind", "--names", folder / "names.json", *more]  # fmt: skip


def test_classify_answers_as_the_contract_has_it(sarvlm, model, chips):
    answer = sarvlm(*asked(chips, "--templates", "simple", "--json")).json
    assert (answer["model"], answer["n"], answer["unreadable"], answer["ties"]) == ("toy@0", 5, 0, 0)
    assert answer["top1"] == 0.8 and answer["top3"] == 1.0 and answer["top5"] is None
    assert answer["per_class"] == {"one": 1.0, "four": 0.5, "nine": 1.0}
    assert answer["mean_per_class"] == pytest.approx(2.5 / 3, abs=1e-6)
    assert answer["support"] == {"one": 2, "four": 2, "seven": 0, "nine": 1}
    assert answer["classes"] == ["one", "four", "seven", "nine"]
    assert answer["confusion_matrix"] == [[2, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    assert model.texts[:1] == ["a photo of level 1."] and model.spacings == [None]


def test_classify_without_json_is_for_reading(sarvlm, model, chips):
    ran = sarvlm(*asked(chips))
    assert ran.code == 0 and "top1           0.8000" in ran.out and "0.5000 of     2  four" in ran.out
    assert "top5" not in ran.out


def test_spacing_reaches_the_model(sarvlm, model, chips):
    assert sarvlm(*asked(chips, "--spacing", "0.3", "--json")).json["spacing"] == 0.3
    assert model.spacings == [0.3]


def test_without_names_the_labels_are_the_words(sarvlm, model, chips):
    words = [word for word in asked(chips, "--templates", "simple", "--json") if word not in ("--names",)]
    words.remove(chips / "names.json")
    answer = sarvlm(*words).json
    assert answer["classes"] == ["four", "nine", "one"]
    assert "a photo of four." in model.texts


def test_predictions_have_a_row_for_each_picture(sarvlm, model, chips):
    (chips / "chips" / "1.png").write_bytes(b"no picture")
    out = chips / "out.csv"
    answer = sarvlm(*asked(chips, "--templates", "simple", "--json", "--predictions", out)).json
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["picture"] for row in rows] == [f"{number}.png" for number in range(5)]
    assert [row["predicted"] for row in rows] == ["one", "", "four", "seven", "nine"]
    assert (rows[3]["label"], rows[3]["rank"]) == ("four", "3")  # level 6.6: seven, nine, then four
    assert float(rows[0]["score one"]) > 0.99
    assert (answer["n"], answer["unreadable"], answer["top1"]) == (4, 1, 0.75)


def test_a_broken_picture_is_told_and_not_counted(sarvlm, model, chips):
    (chips / "chips" / "2.png").write_bytes(b"no picture")
    ran = sarvlm(*asked(chips, "--json"))
    (fault,) = ran.json["faults"]
    assert fault["path"] == "2.png" and "is not an image" in fault["reason"]
    assert "1 of 5 pictures cannot be read and is not counted" in ran.err and ran.json["support"]["four"] == 1


def test_arrays_by_row(sarvlm, model, chips):
    iq = np.zeros((3, 2, 8, 8), np.int16)
    iq[0, 0], iq[1, 1], iq[2] = 100, 400, 64
    np.savez(chips / "iq.npz", iq=iq, scale=np.array([0.1, 0.1, 0.1], np.float32))
    (chips / "rows.csv").write_text("at,kind\n1,four\n0,one\n2,nine\n")
    words = ["evaluate", "classify", "--table", chips / "rows.csv", "--npz", chips / "iq.npz", "--row-column", "at",
             "--label-column", "kind", "--names", chips / "names.json", "--json"]  # fmt: skip
    answer = sarvlm(*words).json  # the third is 6.4 sqrt 2 = 9.05 grey: level 0.9
    assert answer["n"] == 3 and answer["top1"] == pytest.approx(2 / 3, abs=1e-6)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda at: (at / "t.csv").write_text("path,kind\na,b\n"), "needs the columns file and kind"),
        (lambda at: (at / "t.csv").write_text("file,kind\n"), "has no rows"),
        (lambda at: (at / "t.csv").unlink(), "t.csv cannot be read"),
        (lambda at: (at / "chips" / "3.png").unlink(), "3.png is not there (1 of the 5 pictures"),
        (lambda at: (at / "names.json").write_text('{"one": "1", "four": "4"}'), "no words for “nine”"),
        (lambda at: (at / "names.json").write_text("{"), "names.json holds no JSON"),
        (lambda at: (at / "names.json").unlink(), "names.json cannot be read"),
        (lambda at: [p.write_bytes(b"x") for p in (at / "chips").iterdir()], "None of the 5 pictures can be read"),
    ],
)
def test_wrong_input_of_classify_gets_one_sentence(sarvlm, model, chips, spoil, words):
    spoil(chips)
    assert words in sarvlm(*asked(chips, "--json")).fault


def test_arrays_without_iq_and_places_that_cannot_be_written(sarvlm, model, chips):
    np.savez(chips / "iq.npz", data=np.zeros(3))
    (chips / "rows.csv").write_text("row,label\n0,one\n")
    words = ["evaluate", "classify", "--table", chips / "rows.csv", "--npz", chips / "iq.npz"]
    assert "no array “iq”" in sarvlm(*words).fault
    assert "folder does not exist" in sarvlm(*asked(chips, "--predictions", chips / "no" / "o.csv")).fault
    assert "not overwritten" in sarvlm(*asked(chips, "--predictions", chips / "t.csv")).fault
    assert "no templates “radar”" in sarvlm(*asked(chips, "--templates", "radar")).fault


def test_probe(sarvlm, model, chips):
    (chips / "test.csv").write_text("file,kind\n1.png,one\n3.png,four\n")
    words = ["evaluate", "probe", "--train", chips / "t.csv", "--test", chips / "test.csv", "--root", chips / "chips",
             "--path-column", "file", "--label-column", "kind", "--json"]  # fmt: skip
    answer = sarvlm(*words).json
    assert (answer["knn"], answer["linear"], answer["n_train"], answer["n_test"]) == (1.0, 1.0, 5, 2)
    assert answer["classes"] == 3 and answer["unreadable"] == 0
    assert "linear_mean_per_class" in sarvlm(*words[:-1]).out
    (chips / "test.csv").write_text("file,kind\n1.png,seven\n")
    assert "no “seven”" in sarvlm(*words).fault


def test_probe_of_two_files_of_arrays(sarvlm, model, tmp_path):
    for name, levels in (("train", (1, 1, 5, 5)), ("test", (5, 1))):
        iq = np.stack([np.full((8, 8), 10.0 * level + 0j, np.complex64) for level in levels])
        np.savez(tmp_path / f"{name}.npz", iq=iq)
        rows = [f"{row},{level}" for row, level in enumerate(levels)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["row,label", *rows]))
    words = ["evaluate", "probe", "--train", tmp_path / "train.csv", "--test", tmp_path / "test.csv"]
    both = ["--train-npz", tmp_path / "train.npz", "--test-npz", tmp_path / "test.npz", "--json"]
    answer = sarvlm(*words, *both).json
    assert (answer["knn"], answer["linear"], answer["n_test"]) == (1.0, 1.0, 2)
    one = ["--npz", tmp_path / "train.npz", "--json"]  # rows 0 and 1 of it are both of level 1
    assert sarvlm(*words, *one).json["knn"] == 0.5


def test_each_table_of_a_probe_may_have_its_own_folder(sarvlm, model, tmp_path):
    for name, levels in (("a", (1, 5)), ("b", (5, 1))):
        for number, level in enumerate(levels):
            grey_picture(tmp_path / name / f"{number}.png", level)
        rows = [f"{number}.png,{level}" for number, level in enumerate(levels)]
        (tmp_path / name / "t.csv").write_text("\n".join(["path,label", *rows]))
    words = ["evaluate", "probe", "--train", tmp_path / "a/t.csv", "--test", tmp_path / "b/t.csv", "--json"]
    assert sarvlm(*words).json["knn"] == 1.0
    assert sarvlm(*words, "--root", tmp_path / "a", "--test-root", tmp_path / "b").json["knn"] == 1.0
    assert sarvlm(*words, "--root", tmp_path / "a").json["knn"] == 0.0


def test_retrieval(sarvlm, model, chips):
    (chips / "c.csv").write_text("imgpath,caption\n0.png,level 1\n2.png,level 4\n4.png,level 9\n1.png,level 1\n")
    words = ["evaluate", "retrieval", "--table", chips / "c.csv", "--root", chips / "chips", "--json"]
    answer = sarvlm(*words).json
    # both pictures of level 1 see their caption twice; the caption of the second finds the first picture better
    assert answer["i2t_r1"] == 0.75 and answer["strict"]["i2t_r1"] == 1.0 and answer["t2i_r1"] == 0.75
    assert answer["i2t_r5"] == answer["t2i_r10"] == 1.0
    assert (answer["ties"], answer["ties_i2t"], answer["ties_t2i"], answer["n"]) == (2, 2, 0, 4)
    assert answer["mean_recall"] == pytest.approx((0.75 + 0.75 + 4) / 6, abs=1e-6)
    text = sarvlm(*words[:-1]).out
    assert "mean_recall" in text and "ties" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,caption\na,b\n", "needs the columns imgpath and caption"),
        ("imgpath,caption\n", "has no rows"),
        ("imgpath,caption\n0.png,\n", "empty caption in line 2"),
        ("imgpath,caption\n0.png,a\n7.png,b\n", "7.png is not there (1 of the 2"),
    ],
)
def test_wrong_tables_of_captions_get_one_sentence(sarvlm, model, chips, text, words):
    (chips / "c.csv").write_text(text)
    fault = sarvlm("evaluate", "retrieval", "--table", chips / "c.csv", "--root", chips / "chips").fault
    assert words in fault


def test_the_shipped_model_names_land_cover(sarvlm, shared_data, repo_root, tmp_path):
    """The whole way: shipped weights, real complex chips, names of the recipes; far above the chance of 0.125."""
    folder, names = shared_data / "tsx_landcover", repo_root / "training/sarvlm_training/recipes/names"
    lines = (folder / "test.csv").read_text().splitlines()
    (tmp_path / "t.csv").write_text("\n".join([lines[0], *lines[1::20]]))
    words = ["evaluate", "classify", "--table", tmp_path / "t.csv", "--npz", folder / "test.npz", "--label-column",
             "class", "--names", names / "tsx_landcover.json", "--json", "--device", "cpu"]  # fmt: skip
    answer = sarvlm(*words).json
    assert answer["n"] == 31 and answer["top1"] > 0.25 and len(answer["classes"]) == 8
