"""Fine-tunes read, averaged and written: files that load, tell their parents, and refuse what is no fine-tune."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from sarvlm_app.errors import ModelError, StorageError
from sarvlm_models.architectures import open_clip_offline
from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import CompactConfig, CompactSarclip, save_metadata
from sarvlm_models.registry import load_encoder
from sarvlm_models.types import SceneStats
from sarvlm_training.ensemble import interpolate
from sarvlm_training.ensemble_files import read_parents, write_ensemble

TINY = CompactConfig(dim=8, neck=8, hidden=8)
CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def compact(path: Path, seed: int, config: CompactConfig = TINY) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        state = CompactSarclip(config).state_dict()
    state["image.fuse.0.1.running_mean"] += seed + 0.123456
    small = {k: v.half() if v.is_floating_point() and "running" not in k else v for k, v in state.items()}
    save_file({k: v.contiguous() for k, v in small.items()}, str(path), metadata=save_metadata(config, {"steps": "3"}))
    return path


def clip(path: Path, seed: int, config: dict = CLIP) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = open_clip_offline().CLIP(**config)
    torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, path)
    path.with_suffix(".json").write_text(json.dumps(config))
    return path


def joined(out: Path, paths: list[Path], alpha: float) -> Path:
    parents = read_parents(paths)
    state = interpolate(parents[0].state, parents[1].state, alpha)
    write_ensemble(out, state, parents, [1 - alpha, alpha], alpha)
    return out


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_ends_are_the_parents_as_stored(tmp_path: Path, alpha: float) -> None:
    paths = [compact(tmp_path / "a.safetensors", 0), compact(tmp_path / "b.safetensors", 1)]
    found = read_parents([joined(tmp_path / "o.safetensors", paths, alpha)])[0].state
    expected = read_parents(paths)[int(alpha)].state
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in expected.items())


def test_the_written_file_loads_and_tells_what_it_is(tmp_path: Path) -> None:
    paths = [compact(tmp_path / "a.safetensors", 0), compact(tmp_path / "b.safetensors", 1)]
    out = joined(tmp_path / "o.safetensors", paths, 0.25)
    with safe_open(str(out), "pt") as file:
        header = file.metadata()
    assert header["sarvlm_arch"] == "sarclip-compact" and json.loads(header["config"])["dim"] == 8
    parents = json.loads(header["parents"])
    assert float(header["alpha"]) == 0.25 and [parent["share"] for parent in parents] == [0.75, 0.25]
    assert [parent["sha256"] for parent in parents] == [file_sha256(path) for path in paths]
    encoder = load_encoder(str(out), "cpu")
    assert encoder.spec.dim == 8 and encoder.encode_text(["ship"]).shape == (1, 8)


def test_open_clip_checkpoints_are_averaged_too_and_take_their_configuration_along(tmp_path: Path) -> None:
    paths = [clip(tmp_path / "a.pt", 0), clip(tmp_path / "b.pt", 1)]
    out = joined(tmp_path / "o.safetensors", paths, 0.5)
    patches = load_encoder(str(out), "cpu").encode_patches(np.ones((32, 48), np.float32), SceneStats(1.0, 2.0), None)
    assert patches.shape == (2, 3, 16) and np.isfinite(patches).all()
    states = [parent.state["visual.proj"] for parent in read_parents([*paths, out])]
    torch.testing.assert_close(states[2].float(), (states[0] + states[1]) / 2, atol=1e-3, rtol=1e-3)
    one, end = (load_encoder(str(path), "cpu") for path in (paths[0], joined(tmp_path / "e.safetensors", paths, 0.0)))
    np.testing.assert_allclose(end.encode_text(["a ship"]), one.encode_text(["a ship"]), atol=2e-3)


def test_another_network_is_refused_by_the_first_key(tmp_path: Path) -> None:
    first = compact(tmp_path / "a.safetensors", 0)
    wide = compact(tmp_path / "wide.safetensors", 0, CompactConfig(dim=16, neck=8, hidden=8))
    with pytest.raises(ModelError, match=r"wide.*because “image\.to_patch\.bias” is \(8,\) in one and \(16,\)"):
        read_parents([first, wide])
    with pytest.raises(ModelError, match="cannot be averaged because only one of them has “bias”"):
        read_parents([first, clip(tmp_path / "c.pt", 0)])


def test_equal_shapes_of_different_configurations_are_refused(tmp_path: Path) -> None:
    other = {**CLIP, "vision_cfg": {**CLIP["vision_cfg"], "head_width": 8}}
    with pytest.raises(ModelError, match="their configurations differ"):
        read_parents([clip(tmp_path / "a.pt", 0), clip(tmp_path / "b.pt", 1, other)])


def test_a_fine_tune_that_diverged_is_refused_by_name(tmp_path: Path) -> None:
    path = compact(tmp_path / "a.safetensors", 0)
    contents = read_parents([path])[0]
    contents.state["project.weight"][0, 0] = float("nan")
    save_file(contents.state, str(path), metadata=dict(contents.metadata))
    with pytest.raises(ModelError, match=r"a\.safetensors.*not finite in “project\.weight”"):
        read_parents([path])


def test_pickles_are_refused_unread(tmp_path: Path) -> None:
    class Program:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "it ran"),)

    torch.save({"state_dict": Program()}, tmp_path / "bad.pt")
    with pytest.raises(ModelError, match="no code of a checkpoint is run here"):
        read_parents([tmp_path / "bad.pt"])
    assert not (tmp_path / "it ran").exists()


def test_a_parent_is_never_overwritten(tmp_path: Path) -> None:
    paths = [compact(tmp_path / "a.safetensors", 0), compact(tmp_path / "b.safetensors", 1)]
    (tmp_path / "link.safetensors").symlink_to(paths[1])
    before = paths[1].read_bytes()
    for out in (paths[0], paths[1], tmp_path / "link.safetensors"):
        with pytest.raises(StorageError, match="is one of the models"):
            joined(out, paths, 0.5)
    assert paths[1].read_bytes() == before


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [compact(tmp_path / "a.safetensors", 0), compact(tmp_path / "b.safetensors", 1)]
    out = tmp_path / "out" / "o.safetensors"
    out.parent.mkdir()
    out.write_text("an older one")

    def full(_path: Path, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        joined(out, paths, 0.5)
    assert [file.name for file in out.parent.iterdir()] == ["o.safetensors"] and out.read_text() == "an older one"
