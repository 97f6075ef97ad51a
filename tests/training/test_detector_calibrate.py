"""What a score of 0.5 means: found on labelled pictures, written into the header of the weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sarvlm_training.detector.calibrate import Score, best_threshold, write_score


def test_the_best_threshold_weighs_what_is_missed_against_what_is_wrong() -> None:
    scores, right = np.array([0.9, 0.8, 0.7, 0.3]), np.array([True, False, True, False])
    threshold, f1 = best_threshold(scores, right, 2)
    assert threshold == 0.7 and f1 == pytest.approx(2 * 2 / (3 + 2))


@pytest.mark.parametrize("score", [Score(-0.25), Score(-0.25, (1.0, 1.25), -1.5)])
def test_the_header_tells_it_and_the_weights_stay(tmp_path: Path, score: Score) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"x": torch.arange(3.0)}, str(path), metadata={"classes": "[]"})
    write_score(path, Score(3.0, (1.0, 2.0), 4.0))
    write_score(path, score)
    with safe_open(str(path), "pt") as file:
        about, kept = file.metadata(), file.get_tensor("x")
    told = json.loads(about["score"])
    assert about["classes"] == "[]" and kept.tolist() == [0.0, 1.0, 2.0]
    assert told["middle"] == -0.25 and told.get("looks", [1.0]) == list(score.looks)
    assert told.get("looks_middle", 0.0) == score.looks_middle
    assert os_names(tmp_path) == ["weights.safetensors"]


def os_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
