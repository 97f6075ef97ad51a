"""Files of strangers: what is read, what is refused, and that nothing in them is run."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from sarvlm_app.errors import ModelError
from sarvlm_models.architectures import open_clip_offline
from sarvlm_models.checkpoints import check_keys, infer_architecture, read_state_dict

STATE = {"visual.proj": torch.arange(6.0).reshape(2, 3), "logit_scale": torch.tensor(2.5)}


def meta_state(name: str, image_size: int | None = None) -> dict[str, torch.Tensor]:
    """Keys and shapes of an open_clip network, without memory."""
    library = open_clip_offline()
    config = library.get_model_config(name)
    config.pop("custom_text", None)
    if image_size:
        config["vision_cfg"]["image_size"] = image_size
    kind = library.CoCa if "multimodal_cfg" in config else library.CLIP
    with torch.device("meta"):
        return kind(**config).state_dict()


def one_sentence(fault: pytest.ExceptionInfo[ModelError], path: Path) -> str:
    text = str(fault.value)
    assert str(path) in text and text.endswith(".") and "\n" not in text
    return text


class Attack:
    """A pickle of it creates a file when it is opened by an unguarded reader."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (os.system, (f"touch {self.target}",))


@pytest.mark.parametrize("wrapper", ["", "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_give_the_same_weights_whatever_wraps_them(tmp_path, wrapper, prefix, zipped):
    path = tmp_path / "epoch_20.pt"
    state = {prefix + name: value for name, value in STATE.items()}
    content = {"epoch": 20, "name": "run", wrapper: state, "optimizer": {"state": {}}} if wrapper else state
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    contents = read_state_dict(path)
    assert contents.wrapper == wrapper
    assert contents.format == ("torch-zip" if zipped else "torch-pickle")
    assert set(contents.state) == set(STATE)
    assert all(torch.equal(contents.state[name], STATE[name]) for name in STATE)


def test_safetensors_are_read_with_their_header(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file(STATE, path, metadata={"sarvlm_arch": "sarclip-compact"})
    contents = read_state_dict(path)
    assert contents.format == "safetensors" and contents.metadata == {"sarvlm_arch": "sarclip-compact"}
    assert len(contents.sha256) == 64
    assert infer_architecture(contents.state, contents.metadata, path).kind == "compact"


@given(st.lists(st.sampled_from(["module", "visual", "a", "text_backbone", "b0"]), min_size=1, max_size=5))
def test_prefixes_are_taken_from_the_start_of_a_key_only(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("keys") / "x.pt"
    name = "visual.blocks." + ".".join(parts) + ".weight"
    torch.save({"module." + name: torch.zeros(1)}, path)
    assert list(read_state_dict(path).state) == [name]


def test_peers_prefixes_become_open_clips(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"module.image_backbone.proj": torch.zeros(1), "text_backbone.ln_final.bias": torch.zeros(1)}, path)
    assert set(read_state_dict(path).state) == {"visual.proj", "ln_final.bias"}
    torch.save({"vision_model.transformer.resblocks.0.ln_1.bias": torch.zeros(1), "logit_scale": torch.zeros(())}, path)
    assert set(read_state_dict(path).state) == {"visual.transformer.resblocks.0.ln_1.bias", "logit_scale"}
    torch.save({"text.token_embedding.weight": torch.zeros(1), "text.ln_final.bias": torch.zeros(1)}, path)
    assert set(read_state_dict(path).state) == {"token_embedding.weight", "ln_final.bias"}


def test_what_is_no_weight_is_dropped(tmp_path):
    path = tmp_path / "x.pt"
    extras = {"input_resolution": torch.tensor(224), "context_length": torch.tensor(77), "vocab_size": torch.tensor(1)}
    torch.save(STATE | extras | {"text.attn_mask": torch.zeros(2, 2)}, path)
    assert set(read_state_dict(path).state) == set(STATE)


def test_two_tensors_of_one_name_are_refused(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"module.a": torch.zeros(1), "a": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="two tensors") as fault:
        read_state_dict(path)
    one_sentence(fault, path)


@pytest.mark.parametrize("form", ["zip", "old", "plain"])
def test_a_pickle_that_wants_to_run_code_is_refused_and_runs_nothing(tmp_path, form):
    path, target = tmp_path / "evil.pt", tmp_path / "created"
    content = {"state_dict": STATE, "extra": Attack(target)}
    if form == "plain":
        path.write_bytes(pickle.dumps(Attack(target), protocol=4))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(ModelError) as fault:
        read_state_dict(path)
    text = one_sentence(fault, path)
    assert not target.exists()
    if form != "plain":
        assert "system" in text and "no code" in text


def test_a_torchscript_program_is_refused_unrun(tmp_path):
    path = tmp_path / "ViT-B-32.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "code/__torch__/clip/model.py", "constants.pkl", "version"):
            archive.writestr(f"ViT-B-32/{name}", "x")
    with pytest.raises(ModelError, match="TorchScript") as fault:
        read_state_dict(path)
    one_sentence(fault, path)


def _truncated_zip(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def _truncated_pickle(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:2000])


def _truncated_safetensors(path: Path) -> None:
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


BAD_FILES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("a state dict, honestly" * 10),
    "page": lambda path: path.write_text("<!DOCTYPE html><html>404</html>"),
    "short": lambda path: path.write_bytes(b"\x80"),
    "folder": lambda path: path.mkdir(),
    "missing": lambda path: None,
    "truncated zip": _truncated_zip,
    "truncated pickle": _truncated_pickle,
    "truncated safetensors": _truncated_safetensors,
    "other zip": _other_zip,
    "list": lambda path: torch.save([1, 2], path),
    "no tensors": lambda path: torch.save({"state_dict": {"a": 1}}, path),
    "bare tensor": lambda path: torch.save(torch.zeros(2), path),
    "giant header": lambda path: path.write_bytes((1 << 31).to_bytes(8, "little") + b'{"a": 1}'),
}


@pytest.mark.parametrize("make", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_serve_gets_a_sentence(tmp_path, make):
    path = tmp_path / "x.pt"
    make(path)
    with pytest.raises(ModelError) as fault:
        read_state_dict(path)
    one_sentence(fault, path)


@pytest.mark.parametrize(
    ("name", "size", "kind", "patch"),
    [
        ("ViT-B-32", 224, "vit", 32),
        ("ViT-B-16", 224, "vit", 16),
        ("ViT-L-14", 224, "vit", 14),
        ("ViT-L-14-336", 336, "vit", 14),
        ("ViT-H-14", 224, "vit", 14),
        ("RN50", 224, "resnet", None),
        ("RN101", 224, "resnet", None),
        ("coca_ViT-B-32", 224, "coca", 32),
        ("coca_ViT-L-14", 224, "coca", 14),
    ],
)
def test_the_architecture_is_told_from_shapes(name, size, kind, patch):
    found = infer_architecture(meta_state(name))
    assert (found.name, found.image_size, found.kind, found.patch_px) == (name, size, kind, patch)


def test_an_unusual_image_size_is_kept():
    found = infer_architecture(meta_state("ViT-B-32", image_size=288))
    assert (found.name, found.image_size, found.config["vision_cfg"]["image_size"]) == ("ViT-B-32", 288, 288)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["blocks.0.norm1.weight", "patch_embed.proj.weight"], "not a vision-language model"),
        (["vision_model.embeddings.class_embedding", "text_model.final_layer_norm.bias"], "transformers"),
        (["visual.trunk.stem.0.weight", "text.token_embedding.weight"], "timm"),
        (["visual.proj", "token_embedding.weight"], "visual.conv1.weight"),
    ],
)
def test_other_networks_are_told_by_name(keys, words):
    with pytest.raises(ModelError, match=words):
        infer_architecture({key: torch.zeros(2) for key in keys}, None, Path("x.pth"))


def test_a_width_that_nobody_knows_asks_for_a_configuration():
    with pytest.raises(ModelError, match="width 96 with 8 px patches.*\\.json"):
        infer_architecture({"visual.conv1.weight": torch.zeros(96, 3, 8, 8), "token_embedding.weight": torch.zeros(2)})


def test_an_image_tower_without_positions_is_called_incomplete():
    state = meta_state("ViT-B-32")
    del state["visual.positional_embedding"]
    with pytest.raises(ModelError, match="visual.positional_embedding"):
        infer_architecture(state)


def test_differences_are_named_and_counted():
    expected = {f"visual.{n}": (2,) for n in range(7)} | {"proj": (3, 4)}
    actual = {"proj": torch.zeros(4, 4), "extra.weight": torch.zeros(1)}
    with pytest.raises(ModelError) as fault:
        check_keys(expected, actual, "x.pt", "ViT-B-32")
    text = str(fault.value)
    assert "7 missing keys (visual.0, visual.1, visual.2, visual.3 and 3 more)" in text
    assert "1 unexpected keys (extra.weight)" in text
    assert "proj is 4×4 instead of 3×4" in text
    assert "x.pt" in text and "ViT-B-32" in text


def test_a_full_set_of_keys_passes():
    check_keys({"a": (2, 3)}, {"a": torch.zeros(2, 3)}, "x.pt", "ViT-B-32")
