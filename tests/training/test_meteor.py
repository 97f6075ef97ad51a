"""METEOR's Java program: found, asked and missed."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from sarvlm_app.errors import ModelError
from sarvlm_training.evaluate import meteor
from sarvlm_training.evaluate.captions import score_captions
from sarvlm_training.evaluate.meteor import NO_JAR, NO_JAVA, Meteor, find_meteor
from tests.training.caption_corpus import COCO_PTB, COCO_RAW, COCO_TOLERANCE, CORPUS

FOUND = find_meteor()
# speaks as METEOR -stdio does: a line of statistics for each caption, then a score for each and one for all
PROGRAM = """
import sys
for line in sys.stdin:
    kind, *parts = line.rstrip("\\n").split(" ||| ")
    if kind == "SCORE":
        print(len(parts) - 1, len(parts[-1].split()), flush=True)
    else:
        for part in parts:
            print(part.split()[0], flush=True)
        print(sum(int(part.split()[1]) for part in parts), flush=True)
"""


def speaking(folder: Path, program: str) -> Meteor:
    java = folder / "java"
    java.write_text(f"#!{sys.executable}\n{program}", encoding="utf-8")
    java.chmod(0o755)
    return Meteor(str(java), folder / "meteor-1.5.jar")


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for Java")
def test_every_caption_is_told_with_its_references_and_the_last_answer_counts(tmp_path: Path) -> None:
    asked = speaking(tmp_path, PROGRAM).score([("two", "ships"), ("a", "b", "c")], [[("x",), ("y",)], [("z",)]])
    assert asked == 5.0, "the words of both captions"


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for Java")
@pytest.mark.parametrize("program", ["pass", "import os; os.close(0); os.close(1)"])
def test_a_program_that_falls_silent_is_told_by_name(tmp_path: Path, program: str) -> None:
    with pytest.raises(ModelError, match=r"meteor-1\.5\.jar does not answer as METEOR 1\.5 does"):
        speaking(tmp_path, program).score([("a",)], [[("a",)]])


def test_without_java_or_the_jar_the_reason_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(meteor.shutil, "which", lambda _: "/usr/bin/java")
    monkeypatch.setattr(meteor, "find_spec", lambda _: None)
    assert find_meteor() == NO_JAR
    package = ModuleSpec("pycocoevalcap", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(meteor, "find_spec", lambda _: package)
    assert find_meteor() == NO_JAR
    jar = tmp_path / "meteor" / "meteor-1.5.jar"
    jar.parent.mkdir()
    jar.touch()
    assert find_meteor() == Meteor("/usr/bin/java", jar)
    monkeypatch.setattr(meteor.shutil, "which", lambda _: None)
    assert find_meteor() == NO_JAVA


@pytest.mark.slow
@pytest.mark.skipif(isinstance(FOUND, str), reason=f"METEOR: {FOUND}")
def test_meteor_is_what_cocos_code_gives() -> None:
    scores = score_captions(CORPUS, FOUND)
    assert scores.raw["meteor"] == pytest.approx(COCO_RAW["meteor"], abs=COCO_TOLERANCE)
    assert scores.ptb["meteor"] == pytest.approx(COCO_PTB["meteor"], abs=COCO_TOLERANCE)
    assert "meteor" not in scores.left_out
