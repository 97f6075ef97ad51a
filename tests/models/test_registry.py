"""The list of models: what is remembered, what is noticed, what is never lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sarvlm_app.errors import ModelError, SarvlmError, StorageError
from sarvlm_models import registry
from sarvlm_models.architectures import open_clip_offline
from sarvlm_models.lineages import lineage_of
from sarvlm_models.locations import weights_dir
from sarvlm_models.registry import add_checkpoint, list_models, load_encoder, model_info

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


def make_checkpoint(path: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    torch.save({"state_dict": open_clip_offline().CLIP(**SMALL).state_dict()}, path)
    path.with_suffix(".json").write_text(json.dumps(SMALL))
    return path


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    return make_checkpoint(tmp_path / "my model.pt")


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data" / "registry"


def users(folder: Path):
    return [model for model in list_models(folder) if not model.shipped]


def test_an_added_checkpoint_is_remembered_with_all_that_is_known(checkpoint, folder):
    entry = add_checkpoint(checkpoint, registry_dir=folder)
    info = model_info("my-model", folder)
    assert info.entry == entry and info.state == "ready" and not info.shipped
    assert (entry.path, entry.architecture, entry.activation, entry.profile) == (
        str(checkpoint),
        "my model",
        "gelu",
        "clip-rgb",
    )
    assert len(entry.sha256) == 64 and "unknown" in entry.licence.lower() and entry.overlap and entry.added
    assert os.listdir(folder) == ["models.json"]


def test_a_model_loads_by_name_and_by_path_alike(checkpoint, folder):
    entry = add_checkpoint(checkpoint, activation="quick_gelu", registry_dir=folder)
    by_name = load_encoder(entry.name, "cpu", folder)
    by_path = load_encoder(str(checkpoint), "cpu")
    assert by_name.spec.model_id == f"my-model-quickgelu@{entry.sha256[:12]}"
    assert by_path.spec.model_id == f"my model@{entry.sha256[:12]}"
    assert not np.array_equal(by_name.encode_text(["ship"]), by_path.encode_text(["ship"]))


def test_the_same_path_is_one_entry_and_the_same_stem_two(checkpoint, folder, tmp_path):
    add_checkpoint(checkpoint, registry_dir=folder)
    again = add_checkpoint(checkpoint, activation="quick_gelu", registry_dir=folder)
    (tmp_path / "b").mkdir()
    other = add_checkpoint(make_checkpoint(tmp_path / "b" / "my model.pt", 1), registry_dir=folder)
    assert [model.entry for model in users(folder)] == [again, other]
    assert (again.name, other.name) == ("my-model", "my-model-2")


def test_a_file_called_like_the_shipped_model_does_not_take_its_name(tmp_path, folder):
    entry = add_checkpoint(make_checkpoint(tmp_path / "sarclip-compact.pt"), registry_dir=folder)
    assert entry.name == "sarclip-compact-2"


def test_missing_and_changed_files_are_noticed(checkpoint, folder):
    name = add_checkpoint(checkpoint, registry_dir=folder).name
    os.utime(checkpoint, (1, 1))
    assert model_info(name, folder).state == "ready"  # touched, the same bytes
    make_checkpoint(checkpoint, seed=9)
    assert model_info(name, folder).state == "changed since added"
    with pytest.raises(ModelError, match="changed since it was added"):
        load_encoder(name, "cpu", folder)
    checkpoint.unlink()
    assert model_info(name, folder).state == "file is missing"
    with pytest.raises(ModelError, match="does not exist"):
        load_encoder(name, "cpu", folder)


def test_a_checkpoint_that_does_not_fit_is_not_remembered(tmp_path, folder):
    path = make_checkpoint(tmp_path / "x.pt")
    state = torch.load(path, weights_only=True)["state_dict"]
    del state["visual.proj"], state["ln_final.weight"]
    torch.save(state, path)
    with pytest.raises(ModelError, match="2 missing keys \\(ln_final.weight, visual.proj\\)|visual.proj"):
        add_checkpoint(path, registry_dir=folder)
    assert users(folder) == []


@pytest.mark.parametrize(("option", "value"), [("activation", "relu"), ("profile", "sepia")])
def test_unknown_options_are_refused(checkpoint, folder, option, value):
    with pytest.raises(ModelError, match=value):
        add_checkpoint(checkpoint, **{option: value}, registry_dir=folder)
    assert not folder.exists()


DAMAGE = [
    "{",
    "[]",
    '{"format": 1}',
    '{"format": 1, "models": [{"name": "x"}]}',
    "null",
    '{"format": "a", "models": []}',
]


@pytest.mark.parametrize("content", [*DAMAGE, b"\xff\xfe\x00"])
def test_a_damaged_registry_is_kept_and_told(checkpoint, folder, content):
    folder.mkdir(parents=True)
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "models.json").write_bytes(data)
    with pytest.raises(ModelError, match="models.json.bad"):
        list_models(folder)
    assert (folder / "models.json.bad").read_bytes() == data
    assert users(folder) == []
    add_checkpoint(checkpoint, registry_dir=folder)
    assert len(users(folder)) == 1


def test_a_registry_of_a_newer_version_is_left_alone(folder):
    folder.mkdir(parents=True)
    (folder / "models.json").write_text('{"format": 99, "models": []}')
    with pytest.raises(ModelError, match="newer version"):
        list_models(folder)
    assert (folder / "models.json").exists()


def test_a_folder_that_cannot_be_written_gets_a_sentence(checkpoint, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be"):
        add_checkpoint(checkpoint, registry_dir=tmp_path / "file")


def test_a_failed_write_leaves_the_old_registry_and_no_part(checkpoint, folder, monkeypatch, tmp_path):
    add_checkpoint(checkpoint, registry_dir=folder)
    before = (folder / "models.json").read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry.os, "replace", full)
    with pytest.raises(StorageError, match="No space left"):
        add_checkpoint(make_checkpoint(tmp_path / "second.pt"), registry_dir=folder)
    assert (folder / "models.json").read_bytes() == before
    assert os.listdir(folder) == ["models.json"]


def test_an_unknown_name_lists_the_known_ones(checkpoint, folder):
    add_checkpoint(checkpoint, registry_dir=folder)
    for ask in (lambda: load_encoder("sarclip-xxl", "cpu", folder), lambda: model_info("sarclip-xxl", folder)):
        with pytest.raises(ModelError, match="sarclip-compact, (sardet-compact, )?my-model"):
            ask()


def test_the_shipped_model_leads_the_list():
    first = list_models(None)[0]
    assert first.shipped and first.entry.name == "sarclip-compact"
    assert Path(first.entry.path).parent == weights_dir()
    assert model_info("sarclip-compact").entry == first.entry


def test_an_installation_without_the_shipped_model_gets_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "weights_dir", lambda: tmp_path)
    assert list_models(None)[0].state == "file is missing"
    with pytest.raises(ModelError, match="install SARVLM Desktop again"):
        load_encoder(None, "cpu")


def test_a_damaged_compact_checkpoint_gets_a_sentence(tmp_path, folder):
    from safetensors.torch import save_file

    path = tmp_path / "tuned.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"sarvlm_arch": "sarclip-compact", "config": "{}"})
    with pytest.raises(ModelError, match="missing keys"):
        load_encoder(str(path), "cpu")
    save_file({"a": torch.zeros(1)}, path, metadata={"sarvlm_arch": "sarclip-compact", "config": '{"x": 1}'})
    with pytest.raises(ModelError, match="damaged"):
        add_checkpoint(path, registry_dir=folder)
    save_file({"a": torch.zeros(1)}, path, metadata={"sarvlm_arch": "sarclip-giant"})
    with pytest.raises(ModelError, match="sarclip-giant"):
        add_checkpoint(path, registry_dir=folder)


def test_weights_are_found_in_a_frozen_bundle(monkeypatch, tmp_path):
    place = tmp_path / "sarvlm_app" / "_resources" / "weights"
    place.mkdir(parents=True)
    monkeypatch.setattr("sys._MEIPASS", str(tmp_path), raising=False)
    assert weights_dir() == place


@pytest.mark.parametrize(
    ("file", "architecture", "family", "activation", "profile"),
    [
        ("SARCLIP-RemoteCLIP-ViT-L-14.pt", "ViT-L-14", "SARCLIP (SARVLM)", "gelu", "clip-rgb"),
        ("SARCLIP-GeoRS_ViT-B-32.pt", "ViT-B-32", "SARCLIP (SARVLM)", "gelu", "clip-rgb"),
        ("SARCoCa_ViT-L-14.pt", "coca_ViT-L-14", "SARCoCa", "gelu", "clip-rgb"),
        ("RemoteCLIP-ViT-B-32.pt", "ViT-B-32", "RemoteCLIP", "gelu", "clip-rgb"),
        ("remote-clip-ViT-14.pt", "ViT-L-14", "RemoteCLIP", "gelu", "clip-rgb"),
        ("SkyCLIP_ViT_L14_top30pct.pt", "ViT-L-14", "SkyCLIP", "quick_gelu", "clip-rgb"),
        ("SkyCLIP_ViT_B32_top50pct.pt", "ViT-B-32", "SkyCLIP", "gelu", "clip-rgb"),
        ("RS5M_ViT-B-32_RET-2.pt", "ViT-B-32", "GeoRSCLIP", "quick_gelu", "clip-rgb"),
        ("RS5M_ViT-H-14.pt", "ViT-H-14", "GeoRSCLIP", "gelu", "clip-rgb"),
        ("vit_b_32_model.safetensors", "ViT-B-32", "SARCLIP-isprs", "gelu", "sarclip-isprs"),
        ("rn50_model.safetensors", "RN50", "SARCLIP-isprs", "quick_gelu", "sarclip-isprs"),
        ("AlignEarth-SAR-ViT-B-16.pt", "ViT-B-16", "AlignEarth", "gelu", "clip-rgb"),
        ("epoch_20.pt", "ViT-L-14", "unknown", "gelu", "clip-rgb"),
    ],
)
def test_families_bring_their_activation_and_preprocessing(file, architecture, family, activation, profile):
    lineage = lineage_of(file, architecture)
    assert (lineage.family, lineage.activation, lineage.profile) == (family, activation, profile)
    assert lineage.licence.endswith(".") and lineage.overlap.endswith(".")


def test_every_fault_belongs_to_the_applications_family():
    with pytest.raises(SarvlmError):
        load_encoder("/nowhere/x.pt", "cpu")
