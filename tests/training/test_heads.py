"""The heads at the end of a training: fitted on features, with the rest of the network left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sarvlm_app.errors import ModelError
from sarvlm_models.compact import CompactConfig, CompactSarclip
from sarvlm_training.checkpoints import HEADS_TO_COME, is_finished
from sarvlm_training.data.samples import CELLS
from sarvlm_training.data.steps import Step
from sarvlm_training.heads import Features, Heads, read_features, refine
from sarvlm_training.recipe import Recipe, read_recipe

CONCEPTS = 3


class Words:
    """Three concepts whose sentences are almost the same."""

    apart = torch.zeros(CONCEPTS, CONCEPTS, dtype=torch.bool)

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        base = torch.randn(384, generator=generator)
        near = base + 0.1 * torch.randn(CONCEPTS + 24, 384, generator=generator)
        self.vectors = torch.nn.functional.normalize(near, dim=1)

    def draw(self, _generator: torch.Generator, absent: int, _noise: float) -> torch.Tensor:
        return self.vectors[: CONCEPTS + absent]


@pytest.fixture(scope="module")
def heads() -> Heads:
    torch.manual_seed(0)
    sarclip = CompactSarclip(CompactConfig(whole="pyramid"))
    own = torch.arange(60) % CONCEPTS
    inputs = torch.randn(60, len(sarclip.image.head.centre)) * 0.1
    inputs[torch.arange(60), own] += 3.0
    labels = torch.nn.functional.one_hot(own, CONCEPTS).to(torch.int8)
    fused = torch.randn(2, sarclip.config.hidden, CELLS, CELLS).half()
    places = torch.zeros(2, CONCEPTS, CELLS, CELLS, dtype=torch.int8)
    features = Features(inputs, labels, own, fused, places)
    prototypes = torch.nn.Parameter(torch.randn(CONCEPTS, sarclip.config.dim))
    return Heads(sarclip, prototypes, Words(), features, Recipe(), torch.Generator().manual_seed(1))  # type: ignore[arg-type]


def answers(heads: Heads) -> torch.Tensor:
    head = heads.sarclip.image.head.eval()
    with torch.no_grad():
        text = heads.sarclip.text(heads.wordings.draw(heads.generator, 0, 0.0))
        return (head.vectors(heads.features.inputs) @ text.T).argmax(1)


def test_like_sentences_are_told_apart_and_the_backbone_stays(heads: Heads) -> None:
    before = {key: value.clone() for key, value in heads.sarclip.image.backbone.state_dict().items()}
    wrong = int((answers(heads) != heads.features.own).sum())
    events = []
    refine(heads, 100, events.append)
    assert wrong > 0
    assert bool((answers(heads) == heads.features.own).all())
    assert [event["head_step"] for event in events] == [100]
    after = heads.sarclip.image.backbone.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_pictures_are_set_off_against_those_that_the_heads_were_fitted_on(heads: Heads) -> None:
    heads.set_off()
    with torch.no_grad():
        vectors = heads.sarclip.image.head.vectors(heads.features.inputs)
        set_off = heads.sarclip.standing_out(vectors)
    assert float(vectors.mean(0).norm()) > 3 * float(set_off.mean(0).norm())


def test_steps_without_chips_get_a_sentence(heads: Heads) -> None:
    with pytest.raises(ModelError, match="head_steps"):
        read_features(heads.sarclip, iter([Step()]), 1)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("steps = 0\ncalibration = 0\nstart = 'shipped'", "nothing to do"),
        ("steps = 0\nhead_steps = 5\ncalibration = 0", "calibration = 0 is too low for this start"),
        ("steps = 0\nhead_steps = 5\ncalibration = 1\nstart = 'shipped'", "calibration = 1 is too low"),
    ],
)
def test_a_recipe_of_heads_alone_needs_something_to_do_and_a_start_with_statistics(
    tmp_path: Path, lines: str, words: str
) -> None:
    path = tmp_path / "heads.toml"
    path.write_text(f"{lines}\n[shares]\nssdd = 1.0\n")
    with pytest.raises(ModelError, match=words):
        read_recipe(path, [])


def test_the_shipped_recipe_of_heads_starts_from_the_shipped_model_and_takes_no_step(repo_root: Path) -> None:
    recipe = read_recipe(repo_root / "training/sarvlm_training/recipes/compact-heads.toml", [])
    assert (recipe.start, recipe.steps, recipe.calibration) == ("shipped", 0, 0) and recipe.head_steps > 0


@pytest.mark.parametrize(
    ("notes", "finished"),
    [
        ({"steps": "3", "of": "3"}, True),
        ({"steps": "2", "of": "3"}, False),
        ({"steps": "3", "of": "3", **HEADS_TO_COME}, False),
        ({"steps": "3", "head_steps": "9"}, True),
        ({}, True),
    ],
)
def test_weights_tell_whether_their_run_came_to_its_end(tmp_path: Path, notes: dict[str, str], finished: bool) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"a": torch.zeros(1)}, str(path), metadata=notes)
    assert is_finished(path) is finished
