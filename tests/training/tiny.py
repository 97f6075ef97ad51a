"""A run that takes a second or two: simulated scenes of 288 px, one wording a concept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.simulate import SimulationSpec, simulate_scene
from sarvlm_models.locations import weights_dir
from sarvlm_training import wordings
from sarvlm_training.concepts import Vocabulary
from sarvlm_training.data.simulated import write_scene
from sarvlm_training.recipe import Recipe


def make_small_scenes(folder: Path) -> Path:
    """A harbour and an open sea of 288 px in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, kind in enumerate(("harbour", "open_sea")):
        spec = SimulationSpec(288, 288, 5.0, kind, 3.0, -24.0, "right", number)
        write_scene(simulate_scene(spec), folder / f"{number}.npz")
    return folder


def use_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wording a concept: encoding all of them takes most of a minute."""

    def first_names(self: Vocabulary) -> tuple[list[str], np.ndarray]:
        return [concept.names[0] for concept in self.concepts], np.arange(len(self))

    monkeypatch.setattr(Vocabulary, "wordings", first_names)
    monkeypatch.setattr(wordings, "absent_phrases", lambda: ["a giraffe", "a cup of tea", "a violin"])


def tiny_recipe(scenes: Path, out: Path) -> Recipe:
    """Two steps of one crop."""
    return Recipe(
        data=out.parent / "no data", text=weights_dir(), out=out, start="scratch", steps=2, batch=1, absent=3,
        warm_up=1, workers=0, keep_every=2, calibration=2, simulated=scenes, shares={"simulated": 1.0},
    )  # fmt: skip
