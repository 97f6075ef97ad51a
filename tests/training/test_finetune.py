"""A training run from simulated scenes alone: it runs by the command line, and equal seeds give equal weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from sarvlm_app.cli import main as sarvlm
from sarvlm_app.errors import ModelError
from sarvlm_models.caption_decoder import WordList
from sarvlm_models.captioner import CompactCaptioner, load_decoder
from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import CompactEncoder, load_compact_file
from sarvlm_models.device import DeviceChoice
from sarvlm_models.locations import weights_dir
from sarvlm_models.types import SceneStats
from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.data.samples import CELLS, CROP_PX
from sarvlm_training.data.simulated import SimulatedScenes, make_scenes
from sarvlm_training.data.steps import Steps
from sarvlm_training.finetune import calibrate, learning_rate, main, make_learner, make_optimiser, train
from sarvlm_training.objectives import Objectives, presence
from sarvlm_training.recipe import Recipe, read_recipe
from sarvlm_training.sources import scene_sources, word_list
from sarvlm_training.wordings import SentenceEncoder, Wordings

pytestmark = pytest.mark.usefixtures("torch_as_it_was")


@pytest.mark.slow
def test_the_tiny_recipe_runs_from_the_command_line_and_its_model_encodes_and_captions(
    repo_root: Path, small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """End to end with all wordings: `sarvlm finetune tiny.toml`, then the encoder and the captioner that came of it."""
    tiny = repo_root / "training/sarvlm_training/recipes/tiny.toml"
    places = {"out": tmp_path / "out", "simulated": small_scenes, "text": weights_dir()}
    given = [word for key, value in places.items() for word in ("--set", f"{key}={value}")]
    assert sarvlm(["finetune", str(tiny), *given, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"weights": str(tmp_path / "out/weights.safetensors")}
    assert events[-2]["step"] == events[-2]["steps"] == 6 and events[-2]["place"] > 0
    encoder, captioner = encoder_and_captioner(tmp_path / "out")
    image = np.random.default_rng(0).rayleigh(1.0, (64, 96)).astype(np.float32)
    assert encoder.encode_patches(image * image, SceneStats(1.2, 2.8), 5.0).shape == (8, 12, encoder.spec.dim)
    assert captioner.caption_picture(image).text


def encoder_and_captioner(out: Path) -> tuple[CompactEncoder, CompactCaptioner]:
    weights = out / "weights.safetensors"
    encoder = load_compact_file(weights, weights_dir(), DeviceChoice(torch.device("cpu"), torch.float32, "CPU"))
    decoder, words = load_decoder(out / "captioner.safetensors", file_sha256(weights))
    return encoder, CompactCaptioner(encoder, decoder, words, file_sha256(out / "captioner.safetensors"))


@pytest.mark.usefixtures("few_words")
def test_equal_seeds_give_equal_weights_and_other_seeds_others(recipe: Recipe, tmp_path: Path) -> None:
    first = train(recipe).read_bytes()
    assert sorted(p.name for p in recipe.out.iterdir()) == ["captioner.safetensors", "state.pt", "weights.safetensors"]
    assert train(replace(recipe, out=tmp_path / "again")).read_bytes() == first
    assert train(replace(recipe, out=tmp_path / "other", seed=1)).read_bytes() != first
    encoder_and_captioner(recipe.out)


@pytest.mark.usefixtures("few_words")
def test_a_run_that_is_done_stays_so_and_more_steps_go_on_from_it(recipe: Recipe) -> None:
    weights = train(recipe)
    first = weights.read_bytes()
    assert train(recipe, resume=True) == weights and weights.read_bytes() == first
    events: list[dict[str, object]] = []
    train(replace(recipe, steps=3), resume=True, report=events.append)
    assert events[0] == {"resumed": 2, "steps": 3} and [e["step"] for e in events[1:]] == [3]
    with safe_open(str(weights), "pt") as file:
        assert file.metadata()["steps"] == file.metadata()["of"] == "3"


@pytest.mark.usefixtures("few_words")
def test_the_first_recipe_is_run_to_its_end_before_the_second(
    recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = (
        f"text = '{recipe.text}'\nsimulated = '{recipe.simulated}'\nsteps = 1\nbatch = 2\nworkers = 0\nabsent = 3\n"
    )
    common += "calibration = 2\n"
    start = tmp_path / "first/weights.safetensors"
    (tmp_path / "first.toml").write_text(
        f"out = '{tmp_path}/first'\nstart = 'scratch'\n{common}[shares]\nsimulated = 1.0\n"
    )
    second = tmp_path / "second.toml"
    second.write_text(
        f"before = 'first.toml'\nstart = '{start}'\nout = '{tmp_path}/second'\n{common}[shares]\nsimulated = 1.0\n"
    )
    assert main([str(second), "--set", "threads=1"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [next(iter(e)) for e in events] == ["recipe", "step", "step", "weights"]  # one step each
    assert main([str(second), "--set", "seed=3"]) == 0
    assert "recipe" not in json.loads(capsys.readouterr().out.splitlines()[0])
    with safe_open(str(start), "pt") as file:
        assert file.metadata()["steps"] == "1"


def test_a_run_starts_from_the_shipped_model_with_its_words(recipe: Recipe, tmp_path: Path) -> None:
    vocabulary = load_vocabulary()
    words = WordList([*word_list(vocabulary, None).words, "zeppelin"])
    learner, teacher = make_learner(replace(recipe, start="shipped"), words, len(vocabulary))
    shipped = weights_dir() / "sarclip-compact.safetensors"
    encoder = load_compact_file(shipped, weights_dir(), DeviceChoice(torch.device("cpu"), torch.float32, "CPU"))
    decoder, known = load_decoder(weights_dir() / "sarcap-compact.safetensors", file_sha256(shipped))
    assert teacher is not None and torch.equal(learner.sarclip.project.weight, encoder._model.project.weight)
    for word in ("ship", "harbour"):
        row = learner.decoder.embed.weight[words.words.index(word)]
        assert torch.equal(row, decoder.embed.weight[known.words.index(word)])
    broken = tmp_path / "w.safetensors"
    broken.write_bytes(shipped.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"w\.safetensors does not fit the compact tower \(.*\); start from"):
        make_learner(replace(recipe, start=str(broken)), words, len(vocabulary))


@pytest.mark.usefixtures("few_words")
def test_the_first_steps_learn(recipe: Recipe) -> None:
    """A few steps on one batch lower its loss."""
    torch.manual_seed(0)
    vocabulary = load_vocabulary()
    words = word_list(vocabulary, None)
    learner, teacher = make_learner(recipe, words, len(vocabulary))
    assert teacher is None
    wordings = Wordings(vocabulary, SentenceEncoder(recipe.text))
    objectives = Objectives(learner, wordings, recipe, torch.Generator().manual_seed(0), torch.zeros(0, 384))
    steps = Steps(vocabulary, words, 0, scene_sources(recipe, vocabulary), recipe.shares, batch=2)
    one = steps.draw(np.random.default_rng(0))
    calibrate(objectives, iter([one]), 1)
    learner.train()
    learner.freeze_statistics()
    optimiser = make_optimiser(learner, recipe)
    for group in optimiser.param_groups:
        group["lr"] = 2e-3
    seen = []
    for _ in range(5):
        losses = objectives(one)
        assert {"place", "contrast", "captions", "repulsion"} <= losses.keys()
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        seen.append(total.item())
    assert np.isfinite(seen).all() and seen[-1] < seen[0]


@pytest.mark.usefixtures("few_words")
def test_wordings_are_unit_vectors_one_a_concept(recipe: Recipe) -> None:
    vocabulary = load_vocabulary()
    wordings = Wordings(vocabulary, SentenceEncoder(recipe.text))
    drawn = wordings.draw(torch.Generator().manual_seed(1), 2, 0.02)
    assert drawn.shape == (len(vocabulary) + 2, 384)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(len(drawn)))
    again = wordings.draw(torch.Generator().manual_seed(1), 2, 0.02)
    assert torch.equal(drawn, again)


def test_presence_in_a_whole_crop() -> None:
    labels = torch.tensor([[1, -1], [0, 0], [0, -1], [-1, -1]], dtype=torch.int8)
    whole = labels.repeat_interleave(CELLS // 2, dim=1)[:, None]
    assert presence(whole).tolist() == [1, 0, -1, -1]


def test_the_rate_warms_up_and_falls_to_a_hundredth(recipe: Recipe) -> None:
    long = replace(recipe, steps=1000, warm_up=100)
    rates = [learning_rate(step, long) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01) and max(rates) == pytest.approx(1.0) == rates[100]
    assert rates[-1] == pytest.approx(0.01) and rates[100:] == sorted(rates[100:], reverse=True)


@pytest.mark.parametrize("name", ["compact", "compact-sar", "compact-optical", "tiny"])
def test_the_recipes_of_the_repository_read(repo_root: Path, name: str) -> None:
    recipe = read_recipe(repo_root / f"training/sarvlm_training/recipes/{name}.toml", [])
    assert recipe.steps > 0 and sum((*recipe.shares.values(), recipe.captioned)) > 0
    assert not recipe.before or (repo_root / "training/sarvlm_training/recipes" / recipe.before).is_file()


# ---- simulated scenes as samples ---------------------------------------------------
def test_crops_of_simulated_scenes_hold_labels_of_what_is_there(small_scenes: Path) -> None:
    vocabulary = load_vocabulary()
    source = SimulatedScenes(small_scenes, vocabulary)
    rng = np.random.default_rng(2)
    present = np.zeros(len(vocabulary), bool)
    for _ in range(12):
        sample = source.draw(rng)
        assert sample.relative.shape == (CROP_PX, CROP_PX) and np.isfinite(sample.relative).all()
        assert sample.labels.values.shape == (len(vocabulary), CELLS, CELLS)
        assert set(np.unique(sample.labels.values)) <= {-1, 0, 1}
        present |= (sample.labels.values == 1).any(axis=(1, 2))
    keys = {concept.key for concept, there in zip(vocabulary.concepts, present, strict=True) if there}
    assert {"sea", "ship", "harbour"} <= keys and "giraffe" not in keys


def test_equal_draws_are_equal(small_scenes: Path) -> None:
    source = SimulatedScenes(small_scenes, load_vocabulary())
    one, other = (source.draw(np.random.default_rng(4)) for _ in range(2))
    assert (one.relative == other.relative).all() and (one.labels.values == other.labels.values).all()


def test_a_folder_without_scenes_tells_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run python -m"):
        SimulatedScenes(tmp_path, load_vocabulary())


def test_scenes_that_are_there_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_training.data.simulated.SIZE_PX", 64)
    make_scenes(tmp_path, 1)
    before = (tmp_path / "0000.npz").stat().st_mtime_ns
    make_scenes(tmp_path, 2)
    assert (tmp_path / "0000.npz").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.npz", "0001.npz"]
