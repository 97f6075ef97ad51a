"""EVAL.toml: what it may say, and what is said to who wrote it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sarvlm_app.errors import QueryError
from sarvlm_training.sweep_plan import Classify, Heatmap, read_plan

GOOD = """
[[measure]]
kind = "classify"
table = "t.csv"
label_column = "target"
spacing = 1
weight = 2

[[measure]]
name = "ships"
kind = "heatmap"
coco = "t.csv"
root = "."
figure = "pointing"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("path,target\n")
    return tmp_path


def plan(folder: Path, text: str) -> Path:
    (folder / "EVAL.toml").write_text(text)
    return folder / "EVAL.toml"


def test_a_plan_names_its_measures_with_their_weights(folder: Path) -> None:
    first, second = read_plan(plan(folder, GOOD))
    assert first.part == Classify(Path("t.csv"), label_column="target", spacing=1.0)
    assert (first.name, first.weight) == ("classify 1", 2.0)
    assert second.part == Heatmap(Path("t.csv"), Path(), figure="pointing")
    assert (second.name, second.weight) == ("ships", 1.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"classify"', '"clasify"'), "measure 1 is of the kind “clasify”; use one of classify, heatmap"),
        (("label_column", "labels"), "no setting “labels”; known are name, weight, table"),
        (('"t.csv"\nlabel', '"u.csv"\nlabel'), "measure 1: table names u.csv, which is not there"),
        (('table = "t.csv"\n', ""), "measure 1 lacks “table”"),
        (("spacing = 1", 'spacing = "fine"'), "measure 1: spacing is 'fine'; give a number"),
        (("spacing = 1", "spacing = true"), "give a number"),
        (("weight = 2", "weight = 0"), "weight 0; give a number above 0"),
        (("weight = 2", "weight = nan"), "weight nan"),
        (('"pointing"', '"top1"'), "measure 2 asks for the figure “top1”; use one of ap, pointing"),
        (('"ships"', '"classify 1"'), "two measures named “classify 1”"),
        (("[[measure]]", "[[measures]]"), "names no measures"),
        (("[[measure]]", "[[measure]"), "is no TOML file"),
    ],
)
def test_a_wrong_plan_gets_one_sentence(folder: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(QueryError) as fault:
        read_plan(plan(folder, GOOD.replace(*change)))
    text = str(fault.value)
    assert words in text and "EVAL.toml" in text and text.endswith(".") and "\n" not in text


def test_a_plan_that_is_not_there_or_no_text_gets_a_sentence(folder: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        read_plan(folder / "none.toml")
    (folder / "EVAL.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(QueryError, match="no TOML file"):
        read_plan(folder / "EVAL.toml")


def test_the_shipped_plan_reads(repo_root: Path, shared_data: Path) -> None:
    from sarvlm_training.validation import write_ssdd

    text = (repo_root / "training/sarvlm_training/recipes/sweep.toml").read_text()
    coco = repo_root / "runs/validation/ssdd.json"
    made = Path("ssdd.json").absolute()
    assert write_ssdd(shared_data, made, {1, 2}) == 2
    text = text.replace("../shared/data", str(shared_data)).replace(str(coco.relative_to(repo_root)), str(made))
    measures = read_plan(plan(Path.cwd(), text.replace('"training/', f'"{repo_root}/training/')))
    assert [one.name for one in measures] == ["vehicles", "aircraft", "land cover", "ships"]
