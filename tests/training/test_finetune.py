"""A training run from simulated scenes alone: it runs, resumes, and its weights load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from sarvlm_app.core.simulate import SimulationSpec, simulate_scene
from sarvlm_models.compact import CompactSarclip, load_compact_file
from sarvlm_models.device import DeviceChoice
from sarvlm_models.locations import weights_dir
from sarvlm_models.types import SceneStats
from sarvlm_training import finetune
from sarvlm_training.concepts import Vocabulary, load_vocabulary
from sarvlm_training.data.samples import CELLS, CROP_PX
from sarvlm_training.data.simulated import SimulatedScenes, make_scenes, write_scene
from sarvlm_training.finetune import Recipe, Wordings, learning_rate, losses, main, make_sources, read_recipe, train


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    for number, kind in enumerate(("harbour", "open_sea")):
        spec = SimulationSpec(288, 288, 5.0, kind, 3.0, -24.0, "right", number)
        write_scene(simulate_scene(spec), folder / f"{number}.npz")
    return folder


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wording a concept: encoding all four thousand takes most of a minute."""

    def first_names(self: Vocabulary) -> tuple[list[str], np.ndarray]:
        return [concept.names[0] for concept in self.concepts], np.arange(len(self))

    monkeypatch.setattr(Vocabulary, "wordings", first_names)
    monkeypatch.setattr(finetune, "absent_phrases", lambda: ["a giraffe", "a cup of tea", "a violin"])


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads of one small step wait for each other where the machine is busy
    with torch.random.fork_rng():
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def recipe(scenes: Path, tmp_path: Path) -> Recipe:
    return Recipe(
        data=tmp_path / "no data", text=weights_dir(), out=tmp_path / "run", imagenet=False, steps=2, batch=2, absent=3,
        warm_up=1, workers=0, keep_every=1, simulated=scenes, shares={"simulated": 1.0},
    )  # fmt: skip


@pytest.mark.usefixtures("few_words")
def test_a_run_writes_weights_that_load_and_goes_on_where_it_stopped(recipe: Recipe, tmp_path: Path) -> None:
    weights = train(recipe)
    first = weights.read_bytes()
    assert steps_of(weights) == "2"
    assert sorted(path.name for path in recipe.out.iterdir()) == ["state.pt", "weights.safetensors"]
    assert train(recipe, resume=True) == weights and weights.read_bytes() == first  # nothing left to do
    assert train(replace(recipe, steps=3), resume=True) == weights
    assert steps_of(weights) == "3" and weights.read_bytes() != first
    encoder = load_compact_file(weights, weights_dir(), DeviceChoice(torch.device("cpu"), torch.float32, "CPU"))
    patches = encoder.encode_patches(np.ones((32, 40), np.float32), SceneStats(1.0, 2.0), 5.0)
    assert patches.shape == (4, 5, encoder.spec.dim) and np.isfinite(patches).all()
    state = torch.load(recipe.out / "state.pt", weights_only=True)
    assert state["step"] == 3 and set(state["model"]) == set(CompactSarclip().state_dict())


def steps_of(weights: Path) -> str:
    with safe_open(str(weights), "pt") as file:
        return str(file.metadata()["steps"])


@pytest.mark.usefixtures("few_words")
def test_the_command_line_runs_a_recipe_with_overrides(
    recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.toml"
    file.write_text(
        f"text = {str(recipe.text)!r}\nout = {str(recipe.out)!r}\nsimulated = {str(recipe.simulated)!r}\n"
        "imagenet = false\nsteps = 99\nbatch = 2\nworkers = 0\nabsent = 3\n[shares]\nsimulated = 1.0\n"
    )
    assert main([str(file), "--set", "steps=1", "--set", "seed=7"]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert Path(json.loads(last)["weights"]).stat().st_size > 1e6


@pytest.mark.usefixtures("few_words")
def test_the_first_steps_learn(recipe: Recipe) -> None:
    """A few steps on one batch lower its loss."""
    torch.manual_seed(0)
    vocabulary = load_vocabulary()
    source = make_sources(recipe, vocabulary)["simulated"]
    rng = np.random.default_rng(0)
    batch = finetune.Mixture({"s": source}, {"s": 1.0}, 1, int(rng.integers(9)))
    one = next(iter(batch))
    model = CompactSarclip().train()
    sentences = Wordings(vocabulary, recipe.text).draw(torch.Generator().manual_seed(0), 3, 0.0)
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
    seen = []
    for _ in range(4):
        total = torch.stack(list(losses(model, one, sentences, recipe).values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        seen.append(total.item())
    assert np.isfinite(seen).all() and seen[-1] < seen[0]


@pytest.mark.usefixtures("few_words")
def test_wordings_are_unit_vectors_one_a_concept(recipe: Recipe) -> None:
    vocabulary = load_vocabulary()
    wordings = Wordings(vocabulary, recipe.text)
    drawn = wordings.draw(torch.Generator().manual_seed(1), 2, 0.02)
    assert drawn.shape == (len(vocabulary) + 2, 384)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(len(drawn)))
    again = wordings.draw(torch.Generator().manual_seed(1), 2, 0.02)
    assert torch.equal(drawn, again)


def test_presence_of_a_chip_and_of_a_whole_crop() -> None:
    labels = torch.tensor([[1, -1], [0, 0], [0, -1], [-1, -1]], dtype=torch.int8)
    chip = labels.reshape(4, 1, 2)
    assert finetune._presence(chip).tolist() == [1, 0, 0, -1]
    whole = labels.repeat_interleave(CELLS // 2, dim=1)[:, None]
    assert finetune._presence(whole).tolist() == [1, 0, -1, -1]


def test_the_rate_warms_up_and_falls_to_a_hundredth(recipe: Recipe) -> None:
    long = replace(recipe, steps=1000, warm_up=100)
    rates = [learning_rate(step, long) for step in range(1001)]
    assert rates[0] == pytest.approx(0.01) and max(rates) == pytest.approx(1.0) == rates[100]
    assert rates[-1] == pytest.approx(0.01) and rates[100:] == sorted(rates[100:], reverse=True)


def test_a_recipe_with_an_unknown_setting_names_it(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("steps = 5\n")
    assert read_recipe(file, ["batch=3", 'out="x/y"']) == Recipe(steps=5, batch=3, out=Path("x/y"))
    with pytest.raises(ValueError, match="no setting named 'stepz'"):
        read_recipe(file, ["stepz=3"])


def test_the_shipped_recipe_reads(repo_root: Path) -> None:
    recipe = read_recipe(repo_root / "training/sarvlm_training/recipes/compact.toml", [])
    assert sum(recipe.shares.values()) == pytest.approx(1.0) and recipe.imagenet


# ---- simulated scenes as samples ---------------------------------------------------
def test_crops_of_simulated_scenes_hold_labels_of_what_is_there(scenes: Path) -> None:
    vocabulary = load_vocabulary()
    source = SimulatedScenes(scenes, vocabulary)
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


def test_equal_draws_are_equal(scenes: Path) -> None:
    source = SimulatedScenes(scenes, load_vocabulary())
    one, other = (source.draw(np.random.default_rng(4)) for _ in range(2))
    assert (one.relative == other.relative).all() and (one.labels.values == other.labels.values).all()


def test_a_folder_without_scenes_tells_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run python -m"):
        SimulatedScenes(tmp_path, load_vocabulary())


def test_scenes_that_are_there_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_training.data.simulated.SIZE_PX", 64)
    make_scenes(tmp_path, 1)
    before = (tmp_path / "0000.npz").stat().st_mtime_ns
    make_scenes(tmp_path, 2)
    assert (tmp_path / "0000.npz").stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.npz", "0001.npz"]
