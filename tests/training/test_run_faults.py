"""Whatever ends a run, what it kept is whole, a sentence says what happened, and `--resume` goes on from there."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import get_worker_info

from sarvlm_app.cli import main as sarvlm
from sarvlm_app.errors import ModelError, SarvlmError, SceneError, StorageError
from sarvlm_models.locations import weights_dir
from sarvlm_training import checkpoints
from sarvlm_training.data.samples import Sample
from sarvlm_training.data.simulated import SimulatedScenes
from sarvlm_training.faults import WorkerEndedError, in_words, require_finite
from sarvlm_training.finetune import Run, prepare, train
from sarvlm_training.interrupts import Interrupts
from sarvlm_training.objectives import Objectives
from sarvlm_training.parallel import Parallel
from sarvlm_training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("few_words", "torch_as_it_was")
Advance = Callable[..., dict[str, float]]


@pytest.fixture
def after_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Does something once the run has done so many steps."""

    def arrange(number: int, act: Callable[[], None]) -> None:
        real: Advance = Run.advance

        def advance(run: Run, *given: Any) -> dict[str, float]:
            losses = real(run, *given)
            if run.done == number:
                act()
            return losses

        monkeypatch.setattr(Run, "advance", advance)

    return arrange


def interrupt(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def steps_kept(out: Path) -> int:
    return int(torch.load(out / "state.pt", weights_only=True)["step"])


# ---- interrupts --------------------------------------------------------------------
def test_runs_that_were_stopped_twice_equal_one_that_was_not(recipe: Recipe, after_step: Any, tmp_path: Path) -> None:
    recipe = replace(recipe, workers=2, steps=3)
    whole = train(replace(recipe, out=tmp_path / "whole"))
    after_step(1, interrupt(signal.SIGINT))
    after_step(2, interrupt(signal.SIGTERM))
    for done in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            train(recipe, resume=True)
        assert steps_kept(recipe.out) == done
    stopped = train(recipe, resume=True)
    assert stopped.read_bytes() == whole.read_bytes()
    captioners = [folder / "captioner.safetensors" for folder in (recipe.out, tmp_path / "whole")]
    assert captioners[0].read_bytes() == captioners[1].read_bytes()


def test_the_command_line_ends_with_130_and_one_sentence(
    recipe: Recipe, after_step: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recipe_file(recipe, tmp_path)
    assert sarvlm(["finetune", str(file), "--set", f"out={tmp_path / 'whole'}"]) == 0
    capsys.readouterr()
    after_step(1, interrupt(signal.SIGINT))
    assert sarvlm(["finetune", str(file), "--json"]) == 130
    told = capsys.readouterr()
    assert told.out == "" and told.err.splitlines()[-1].startswith("Interrupted") and "--resume" in told.err
    assert steps_kept(recipe.out) == 1
    assert sarvlm(["finetune", str(file), "--resume"]) == 0
    weights = recipe.out / "weights.safetensors"
    assert f"Weights of 2 steps written to {weights}" in capsys.readouterr().out
    assert weights.read_bytes() == (tmp_path / "whole/weights.safetensors").read_bytes()


def recipe_file(recipe: Recipe, folder: Path) -> Path:
    file = folder / "r.toml"
    file.write_text(
        f"text = '{weights_dir()}'\nout = '{recipe.out}'\nsimulated = '{recipe.simulated}'\nstart = 'scratch'\n"
        "steps = 2\nbatch = 1\nworkers = 0\nabsent = 3\nwarm_up = 1\ncalibration = 2\n[shares]\nsimulated = 1.0\n"
    )
    return file


def test_interrupts_are_obeyed_at_once_before_the_first_step_and_at_the_second_time() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        interrupts.wait()
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)  # torchrun sends it after a Ctrl+C
        assert interrupts.asked
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        interrupts.wait()
        interrupts.end_at_once()
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        interrupts.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        interrupts.end_at_once()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


# ---- states that do not fit ----------------------------------------------------------
def test_a_state_of_another_recipe_or_network_is_refused(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(recipe, steps=1)
    train(recipe)
    state = recipe.out / "state.pt"
    kept = state.read_bytes()
    with pytest.raises(ModelError, match=r"state\.pt is the state of another recipe: its rate is 0\.001 and here"):
        train(replace(recipe, rate=0.5), resume=True)
    with pytest.raises(ModelError, match="its shares is .*; set it back"):
        train(replace(recipe, shares={"simulated": 0.5}), resume=True)
    with monkeypatch.context() as patch:
        patch.setattr("sarvlm_training.sources.PLACES", {"centre": ("zwischen",)})
        with pytest.raises(ModelError, match="other words of captions"):
            train(recipe, resume=True)
    values = torch.load(state, weights_only=True)
    del values["learner"]["prototypes"]
    torch.save(values, state)
    with pytest.raises(ModelError, match=r"state of another network \(.*prototypes.*\); choose another out"):
        train(recipe, resume=True)
    for wrong in (b"", kept[: len(kept) // 2], b"no state at all"):
        state.write_bytes(wrong)
        with pytest.raises(ModelError, match="is damaged"):
            train(recipe, resume=True)
    torch.save({"epoch": 3}, state)
    with pytest.raises(ModelError, match="no state of a run"):
        train(recipe, resume=True)
    state.write_bytes(kept)
    assert train(replace(recipe, steps=2, batch=2, keep_every=9), resume=True)  # what may change does


def test_a_state_from_before_recipes_were_kept_is_gone_on_from(recipe: Recipe) -> None:
    train(replace(recipe, steps=1))
    state = recipe.out / "state.pt"
    values = torch.load(state, weights_only=True)
    torch.save({key: values[key] for key in ("learner", "optimiser", "average", "step")}, state)
    train(recipe, resume=True)
    assert steps_kept(recipe.out) == 2


# ---- disk ----------------------------------------------------------------------------
def test_a_disk_that_fills_leaves_the_earlier_checkpoint(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the files of the second checkpoint it is that the disk has no room for."""
    real, room = os.fsync, 99

    def fsync(descriptor: int) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    run, objectives, _ = prepare(recipe, Parallel.start(recipe), resume=False)
    for spared in range(3):
        run.done, room = 1, 99
        run.keep(objectives.generator)
        before = {path.name: path.read_bytes() for path in recipe.out.iterdir()}
        assert sorted(before) == ["captioner.safetensors", "state.pt", "weights.safetensors"]
        run.done, room = 2, spared
        run.average = {key: value + 0.01 for key, value in run.average.items()}
        with pytest.raises(StorageError, match="cannot be written because the disk is full") as told:
            run.keep(objectives.generator)
        after = {path.name: path.read_bytes() for path in recipe.out.iterdir()}
        assert "\n" not in str(told.value) and after.keys() == before.keys()
        assert after["weights.safetensors"] == before["weights.safetensors"]
        assert after["captioner.safetensors"] == before["captioner.safetensors"]
        assert steps_kept(recipe.out) == (1 if spared == 0 else 2)


@pytest.mark.parametrize("head_steps", [0, 5])
def test_a_run_that_ended_before_its_heads_does_not_count_as_finished(recipe: Recipe, head_steps: int) -> None:
    recipe = replace(recipe, head_steps=head_steps)
    run, objectives, _ = prepare(recipe, Parallel.start(recipe), resume=False)
    run.done = recipe.steps
    run.keep(objectives.generator)
    assert checkpoints.is_finished(recipe.out / "weights.safetensors") is (head_steps == 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_real_limit_of_the_disk(tmp_path: Path) -> None:
    import resource

    checkpoints.save_state(tmp_path / "state.pt", step=1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError, match="larger than this disk allows"):
            checkpoints.save_state(tmp_path / "state.pt", step=2, large=torch.zeros(9999))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert torch.load(tmp_path / "state.pt", weights_only=True) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_place_for_the_run_that_is_a_file(recipe: Recipe) -> None:
    recipe.out.write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        train(recipe)


# ---- memory --------------------------------------------------------------------------
GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def test_a_run_out_of_memory_goes_on_with_a_smaller_batch(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(recipe, keep_every=1, steps=2, batch=2)
    real, calls = Objectives.__call__, 0

    def call(objectives: Objectives, step: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise GPU
        return real(objectives, step)

    monkeypatch.setattr(Objectives, "__call__", call)
    with pytest.raises(ModelError, match="On the GPU there is not enough memory"):
        train(recipe)
    assert steps_kept(recipe.out) == 1
    train(replace(recipe, batch=1), resume=True)
    assert steps_kept(recipe.out) == 2


@pytest.mark.parametrize(
    ("fault", "where"),
    [
        (GPU, "On the GPU there is"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"), "There is"),
        (MemoryError(), "There is"),
    ],
    ids=["gpu", "cpu", "python"],
)
def test_memory_that_does_not_suffice_is_told_with_what_to_lower(fault: Exception, where: str) -> None:
    with pytest.raises(ModelError, match=rf"^{where} not enough memory .*batch.* --resume\.$"), in_words():
        raise fault


def test_other_faults_of_the_program_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), in_words():
        raise RuntimeError("shapes do not fit")


def test_a_loss_that_is_no_number_ends_the_run_before_it_spoils_anything() -> None:
    require_finite(torch.tensor(1.0), 3)
    for value in (float("nan"), float("inf")):
        with pytest.raises(ModelError, match="loss of step 4 is no finite number"):
            require_finite(torch.tensor(value), 3)


# ---- data workers --------------------------------------------------------------------
def draws_before(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """In a data worker, something happens at the draw of that number."""
    real, calls = SimulatedScenes.draw, 0

    def draw(source: SimulatedScenes, rng: np.random.Generator) -> Sample:
        nonlocal calls
        calls += 1
        if calls == number and get_worker_info() is not None:
            act()
        return real(source, rng)

    monkeypatch.setattr(SimulatedScenes, "draw", draw)


def test_a_worker_that_is_killed_ends_the_run_with_its_last_step_kept(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(recipe, workers=1, steps=40, keep_every=40)
    # at most four steps are drawn ahead, one crop each; two steps went into the calibration
    draws_before(monkeypatch, 4 + 2 + 2 + 1, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(WorkerEndedError, match=r"process that prepares training data has ended.*--resume\."):
        train(recipe)
    kept = steps_kept(recipe.out)
    assert kept > 0
    train(replace(recipe, workers=0, steps=kept + 1), resume=True)
    assert steps_kept(recipe.out) == kept + 1


def test_a_fault_in_a_worker_is_told_in_one_line(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SceneError("x.tif is damaged: row 3; copy it again.")

    draws_before(monkeypatch, 1, fail)
    with pytest.raises(SarvlmError) as told:
        train(replace(recipe, workers=1))
    assert type(told.value) is SceneError and str(told.value) == "x.tif is damaged: row 3; copy it again."
