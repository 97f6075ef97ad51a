"""`sarvlm models`, and checkpoints at fault given to `--model`."""

import json
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from sarvlm_models.architectures import open_clip_offline

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(0)
    return open_clip_offline().CLIP(**SMALL).state_dict()


def save(path, weights):
    torch.save({"state_dict": weights}, path)
    path.with_suffix(".json").write_text(json.dumps(SMALL))
    return path


class Evil:
    """A pickle that makes a file when it is run."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def test_list_and_info_tell_of_the_shipped_model(sarvlm):
    models = sarvlm("models", "list", "--json").json["models"]
    assert [model["name"] for model in models] == ["sarclip-compact", "sardet-compact"]
    assert all(model["shipped"] is True and model["state"] == "ready" for model in models)
    assert sarvlm("models", "info", "sarclip-compact", "--json").json == models[0]
    assert "sarclip-compact" in sarvlm("models", "list").out
    assert models[0]["sha256"] in sarvlm("models", "info", "sarclip-compact").out


def test_an_added_checkpoint_is_listed_and_answers_by_its_name(sarvlm, scene, tmp_path, weights):
    added = sarvlm("models", "add", save(tmp_path / "own.pt", weights), "--activation", "quick_gelu", "--json").json
    assert added["name"] == "own" and added["activation"] == "quick_gelu" and added["state"] == "ready"
    listed = sarvlm("models", "list", "--json").json["models"]
    assert [model["name"] for model in listed] == ["sarclip-compact", "sardet-compact", "own"] and listed[2] == added
    answer = sarvlm("query", scene, "ships", "--model", "own", "--json").json
    assert added["sha256"][:12] in answer["model"]


def test_a_name_that_is_not_known(sarvlm, scene):
    assert "sarclip-compact" in sarvlm("models", "info", "nothing").fault
    assert "sarclip-compact" in sarvlm("query", scene, "ships", "--model", "nothing").fault


def other_architecture(path, weights):
    save(path, weights)
    path.with_suffix(".json").write_text(json.dumps({**SMALL, "embed_dim": 24}))


def missing_keys(path, weights):
    save(path, {name: value for name, value in weights.items() if "resblocks.1.attn" not in name})


def code_to_run(path, _weights):
    path.write_bytes(pickle.dumps({"state_dict": Evil(path.with_name("ran"))}, protocol=2))


def code_in_a_torch_file(path, _weights):
    torch.save({"state_dict": Evil(path.with_name("ran"))}, path)


def cut_short(path, weights):
    save(path, weights)
    os.truncate(path, path.stat().st_size // 2)


def cut_safetensors(path, weights):
    save_file({name: value.contiguous() for name, value in weights.items()}, path)
    os.truncate(path, path.stat().st_size // 2)


FAULTY = {
    "another architecture": other_architecture,
    "missing keys": missing_keys,
    "a pickle that runs code": code_to_run,
    "a torch file that runs code": code_in_a_torch_file,
    "cut short": cut_short,
    "safetensors cut short": cut_safetensors,
    "no checkpoint": lambda path, _: path.write_text("hello"),
    "empty": lambda path, _: path.touch(),
    "missing": lambda path, _: None,
    "a folder": lambda path, _: path.mkdir(),
    "no tensors": lambda path, _: torch.save({"epoch": 3}, path),
    "nothing like a model": lambda path, _: torch.save({"weight": torch.zeros(3)}, path),
}


@pytest.mark.parametrize("kind", FAULTY)
def test_a_checkpoint_at_fault(sarvlm, scene, tmp_path, weights, kind, own_folders):
    path = tmp_path / "bad.pt"
    FAULTY[kind](path, weights)
    assert "bad.pt" in sarvlm("query", scene, "ships", "--model", path, "--json").fault
    assert "bad.pt" in sarvlm("models", "add", path, "--json").fault
    assert not (tmp_path / "ran").exists()
    assert not list(own_folders.rglob("*.npy")) and not list(own_folders.rglob("models.json"))


@pytest.mark.parametrize("device", ["tpu", "cuda:99", ""])
def test_a_device_that_is_not_there(sarvlm, scene, device):
    assert "device" in sarvlm("query", scene, "ships", f"--device={device}").fault.lower()


def test_a_damaged_registry_is_kept_aside(sarvlm, own_folders):
    (own_folders / "data").mkdir()
    (own_folders / "data" / "models.json").write_text("{")
    assert "models.json.bad" in sarvlm("models", "list", "--json").fault
    assert len(sarvlm("models", "list", "--json").json["models"]) == 2
