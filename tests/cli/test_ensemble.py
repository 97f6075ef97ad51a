"""`sarvlm ensemble`: alpha given, all alike, or chosen by a sweep; and what is said to who asks for the impossible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import CompactConfig, CompactSarclip, save_metadata
from sarvlm_training.sweep import Measure

TINY = CompactConfig(dim=8, neck=8, hidden=8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three compact models alike but for their scale and bias."""
    folder = tmp_path_factory.mktemp("models")
    state = CompactSarclip(TINY).state_dict()
    paths = []
    for number in range(3):
        state["bias"] = torch.tensor(-1.0 - number)
        paths.append(folder / f"{number}.safetensors")
        save_file({k: v.contiguous() for k, v in state.items()}, str(paths[-1]), metadata=save_metadata(TINY, {}))
    return paths


def bias(path: Path) -> float:
    return load_file(str(path))["bias"].item()


def test_alpha_is_the_share_of_the_others(sarvlm, models, tmp_path):
    out = tmp_path / "o.safetensors"
    answer = sarvlm("ensemble", out, models[0], models[1], "--alpha", "0.25", "--json").json
    assert bias(out) == pytest.approx(-1.25)
    assert (answer["out"], answer["alpha"], answer["sha256"]) == (str(out), 0.25, file_sha256(out))
    assert [parent["share"] for parent in answer["parents"]] == [0.75, 0.25] and answer["seconds"] > 0
    assert [parent["sha256"] for parent in answer["parents"]] == [file_sha256(path) for path in models[:2]]
    sarvlm("ensemble", out, *models, "--alpha", "1")
    assert bias(out) == pytest.approx(-2.5)


def test_without_alpha_all_count_alike(sarvlm, models, tmp_path):
    ran = sarvlm("ensemble", tmp_path / "o.safetensors", *models)
    assert ran.code == 0 and "0.333 of" in ran.out and bias(tmp_path / "o.safetensors") == pytest.approx(-2.0)


def test_a_sweep_finds_the_planted_alpha_and_gives_its_table(sarvlm, models, tmp_path, monkeypatch):
    wanted = Measure("near", lambda encoder: 1 - abs(encoder.logit_bias + 1.3))
    monkeypatch.setattr("sarvlm_app.cli.ensemble._measures", lambda _plan: [wanted])
    out = tmp_path / "o.safetensors"
    answer = sarvlm("ensemble", out, *models[:2], "--sweep", tmp_path / "EVAL.toml", "--json").json
    assert answer["alpha"] == pytest.approx(0.3) and bias(out) == pytest.approx(-1.3, abs=2e-3)
    assert [row["alpha"] for row in answer["sweep"]] == [step / 10 for step in range(11)]
    assert answer["gain"] == pytest.approx(0.3, abs=5e-3) and answer["mean"] == max(r["mean"] for r in answer["sweep"])
    assert set(answer["sweep"][0]["measures"]) == {"near"}
    with safe_open(str(out), "pt") as file:
        header = file.metadata()
    assert float(header["alpha"]) == pytest.approx(0.3) and len(json.loads(header["parents"])) == 2


def test_a_sweep_without_gain_says_so(sarvlm, models, tmp_path, monkeypatch):
    lower = Measure("low", lambda encoder: 1 / -encoder.logit_bias)
    monkeypatch.setattr("sarvlm_app.cli.ensemble._measures", lambda _plan: [lower])
    ran = sarvlm("ensemble", tmp_path / "o.safetensors", *models[:2], "--sweep", "EVAL.toml")
    assert ran.code == 0 and "the ensemble does not help" in ran.out and bias(tmp_path / "o.safetensors") == -1.0


def test_what_cannot_be_averaged_gets_a_sentence(sarvlm, models, tmp_path):
    out = tmp_path / "o.safetensors"
    assert "is one of the models" in sarvlm("ensemble", models[1], *models[:2]).fault
    assert "does not exist" in sarvlm("ensemble", out, models[0], tmp_path / "none.pt").fault
    assert "folder does not exist" in sarvlm("ensemble", tmp_path / "no" / "o.safetensors", *models[:2]).fault
    assert "cannot be read" in sarvlm("ensemble", out, *models[:2], "--sweep", tmp_path / "none.toml").fault
    (tmp_path / "text.pt").write_text("no weights")
    assert "is not a checkpoint" in sarvlm("ensemble", out, models[0], tmp_path / "text.pt").fault
    assert not out.exists()


@pytest.mark.parametrize("given", [["--alpha", "1.5"], ["--alpha", "x"], ["--alpha", "0.5", "--sweep", "E.toml"]])
def test_wrong_usage_is_told_before_anything_is_read(sarvlm, given):
    assert sarvlm("ensemble", "o.safetensors", "a", "b", *given).code == 2
    assert sarvlm("ensemble", "o.safetensors", "a").code == 2


def test_running_out_of_memory_gets_a_sentence(sarvlm, models, tmp_path, monkeypatch):
    def scarce(*_given):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("sarvlm_training.ensemble.average", scarce)
    assert "not enough memory" in sarvlm("ensemble", tmp_path / "o.safetensors", *models[:2]).fault
    assert list(tmp_path.iterdir()) == []
