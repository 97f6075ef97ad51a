"""`sarvlm finetune` on a user's own data, from the files to the weights; and the sentences where a file is wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sarvlm_app.cli import main as sarvlm
from sarvlm_models.locations import weights_dir
from sarvlm_models.registry import load_captioner
from sarvlm_training.data.held import main as held
from sarvlm_training.evaluate.coco_boxes import read_coco, read_names
from tests.training.user_files import Box, picture_with, write_captions, write_chips, write_coco

HEAD = "start = 'scratch'\nsteps = 1\nbatch = 1\nchips = 4\ncaptioned = 2\nworkers = 0\nabsent = 3\ncalibration = 2\n"
MARKS: list[list[tuple[str, Box]]] = [
    [("ferry", (40.0 + 30 * n, 60.0 + 20 * n, 24.0, 12.0)), ("crane", (200.0, 40.0 * n, 10.0, 10.0))]
    for n in range(1, 5)
]


def write_recipe(folder: Path, *tables: str, head: str = HEAD) -> Path:
    file = folder / "mine.toml"
    sets = "\n".join(f"[[set]]\n{table}" for table in tables)
    file.write_text(f"text = '{weights_dir()}'\nout = '{folder}/out'\n{head}{sets}\n")
    return file


def write_all(folder: Path) -> Path:
    """A recipe of marks, chips and captions, each with a part that is kept back."""
    write_coco(folder / "boxes", MARKS)
    write_chips(folder / "chips", ["ferry", "crane"])
    write_captions(
        folder / "told", [(f"{n}.png", f"{word} beside a pier") for n, word in enumerate(("ferry", "crane"))]
    )
    return write_recipe(
        folder,
        f"kind = 'coco'\npath = '{folder}/boxes/coco.json'\nheld = 0.25\n[set.is_a]\nferry = 'ship'\n"
        "[set.words]\nferry = ['car ferry', 'ferry']",
        f"kind = 'folders'\npath = '{folder}/chips'\nheld = 0.25\n[set.is_a]\nferry = 'ship'",
        f"kind = 'captions'\npath = '{folder}/told/captions.csv'\nname = 'told'",
    )


@pytest.mark.usefixtures("few_words", "torch_as_it_was")
def test_a_users_boxes_chips_and_captions_are_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_all(tmp_path)
    assert sarvlm(["finetune", str(file), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"place", "chips", "pictures", "captions"} <= events[0].keys()
    captioner = load_captioner(str(tmp_path / "out/weights.safetensors"), "cpu")  # the decoder beside the tower
    assert captioner.caption_picture(picture_with([]).astype("float32")).text
    assert sarvlm(["finetune", str(file), "--resume"]) == 0
    assert "Weights of 1 steps written to" in capsys.readouterr().out
    file.write_text(file.read_text().replace("'car ferry', ", ""))
    assert sarvlm(["finetune", str(file), "--resume"]) == 1
    assert "is the state of another recipe: its sets is" in capsys.readouterr().err


def test_what_is_kept_back_is_written_for_evaluation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = write_all(tmp_path), tmp_path / "held"
    assert held([str(file), str(out)]) == 0
    told = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert told == ["coco-1.coco.json", "coco-1.names.json", "folders-2.csv", "folders-2.names.json"]
    boxes = read_coco(out / "coco-1.coco.json", tmp_path)
    (image,) = boxes.images
    number = int(image.path.stem)
    assert [list(box.bbox) for box in image.boxes] == [list(box) for _, box in MARKS[number - 1]]
    names = read_names(out / "coco-1.names.json", sorted(boxes.categories.values()))
    assert names["ferry"] == ("car ferry", "ferry")
    with (out / "folders-2.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 2 and all(Path(row["path"]).parent.name == row["label"] for row in rows)
    file.write_text(file.read_text().replace("held = 0.25", "held = 7"))
    assert held([str(file), str(out)]) == 1 and "does not lie in" in capsys.readouterr().err


def break_csv(folder: Path, rows: list[tuple[str, str]], columns: tuple[str, str] = ("imgpath", "caption")) -> str:
    return f"kind = 'captions'\npath = '{write_captions(folder, rows, columns)}'"


def missing_picture(folder: Path) -> str:
    table = break_csv(folder, [("a.png", "a ship"), ("b.png", "a pier")])
    (folder / "b.png").unlink()
    return table


def broken_picture(folder: Path) -> str:
    table = break_csv(folder, [("a.png", "a ship"), ("b.png", "a pier")])
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[: len(whole) // 2])
    return table


def broken_chip(folder: Path) -> str:
    write_chips(folder, ["ferry", "tug"])
    (folder / "tug/1.png").write_bytes(b"no picture")
    return f"kind = 'folders'\npath = '{folder}'"


def broken_scene(folder: Path) -> str:
    path = write_coco(folder, MARKS)
    (folder / "02.png").write_bytes((folder / "02.png").read_bytes()[:200])
    return f"kind = 'coco'\npath = '{path}'"


FAULTS = {
    "missing file": (missing_picture, "b.png is not there (1 of the 2 pictures of"),
    "empty caption": (lambda f: break_csv(f, [("a.png", "")]), "captions.csv has an empty caption in line 2"),
    "only stops": (lambda f: break_csv(f, [("a.png", " . ")]), "No caption of the 1 pictures holds a word"),
    "wrong columns": (
        lambda f: break_csv(f, [("a.png", "x")], ("file", "text")),
        "captions.csv needs the columns imgpath and caption, but has file, text",
    ),
    "no table": (lambda f: f"kind = 'captions'\npath = '{f}/no.csv'", "no.csv cannot be read (No such file"),
    "broken picture": (broken_picture, "b.png"),
    "broken chip": (broken_chip, "tug/1.png is not an image"),
    "broken scene": (broken_scene, "02.png"),
    "no folder": (lambda f: f"kind = 'folders'\npath = '{f}/none'", "holds no folders"),
    "no coco": (lambda f: f"kind = 'coco'\npath = '{f}/none.json'", "none.json cannot be read"),
    "wrong type": (lambda f: "kind = 'coco'\npath = 7", "path = 7 is not a text"),
    "wrong class": (
        lambda f: f"kind = 'coco'\npath = '{write_coco(f, MARKS)}'\nground = ['lake']",
        "has no class 'lake', which ground names; its classes are crane, ferry",
    ),
}


@pytest.mark.usefixtures("few_words", "torch_as_it_was")
@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    make, told = FAULTS[name]
    folder = tmp_path / "set"
    folder.mkdir()
    file = write_recipe(tmp_path, make(folder))
    assert sarvlm(["finetune", str(file)]) == 1
    said = capsys.readouterr()
    sentence = said.err.rstrip().splitlines()[-1]
    assert said.out == "" and told in sentence and sentence.endswith(".") and "Traceback" not in said.err
    assert any(mark in sentence for mark in (";", ":", ", "))


@pytest.mark.usefixtures("few_words", "torch_as_it_was")
def test_a_start_that_is_not_installed_says_what_to_install_or_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("sarvlm_training.start.import_module", absent)
    file = write_recipe(tmp_path, head="start = 'imagenet'\n[shares]\nsimulated = 1\n")
    assert sarvlm(["finetune", str(file)]) == 1
    sentence = capsys.readouterr().err.rstrip().splitlines()[-1]
    assert sentence.startswith("The ImageNet start is not installed") and 'start = "scratch"' in sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps = 'many'\n[shares]\nsimulated = 1", "steps = 'many' is not a whole number"),
        ("[shares]\nsimulatd = 1", "no source of training data named 'simulatd'"),
        ("simulated = 'nowhere'\n[shares]\nsimulated = 1", "nowhere holds no simulated scenes"),
        ("start = 'nowhere.safetensors'\n[shares]\nsimulated = 1", "nowhere.safetensors is not there"),
        ("data = 'nowhere'\n[shares]\nssdd = 1", "nowhere/ssdd/train.json"),
        ("device = 'cuda'\n[shares]\nsimulated = 1", "there is no usable GPU here"),
    ],
)
@pytest.mark.usefixtures("few_words", "torch_as_it_was")
def test_a_recipe_that_cannot_run_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    head = "" if "start" in text else "start = 'scratch'\n"
    file = write_recipe(tmp_path, head=f"{head}{text}\n")
    assert sarvlm(["finetune", str(file)]) == 1
    sentence = capsys.readouterr().err.rstrip().splitlines()[-1]
    assert told in sentence and sentence.endswith(".") and "standard output" not in sentence, sentence
    assert sarvlm(["finetune", str(tmp_path / "none.toml")]) == 1
    assert "is not a file; name a recipe" in capsys.readouterr().err
