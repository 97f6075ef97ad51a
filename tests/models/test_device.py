"""Devices by name, and a sentence for those that are not there."""

from __future__ import annotations

import pytest
import torch

from sarvlm_app.errors import ModelError
from sarvlm_models import device as module
from sarvlm_models.device import choose_device, core_count


def test_the_cpu_is_always_there():
    choice = choose_device("cpu")
    assert choice.device.type == "cpu" and choice.dtype in (torch.float32, torch.bfloat16)
    assert choice.reason.startswith("CPU · ") and "core" in choice.reason
    assert core_count() >= 1


@pytest.mark.parametrize(
    ("features", "dtype", "short"),
    [
        ({"avx2"}, torch.float32, "fp32"),
        ({"amx_bf16"}, torch.bfloat16, "bf16"),
        ({"avx512_bf16"}, torch.bfloat16, "bf16"),
    ],
)
def test_bf16_is_used_where_the_processor_has_it(monkeypatch, features, dtype, short):
    monkeypatch.setattr(module, "_cpu_features", lambda: frozenset(features))
    choice = choose_device("cpu")
    assert choice.dtype == dtype and f"· {short} ·" in choice.reason


def test_features_are_read_from_the_system_where_torch_cannot_tell(monkeypatch, tmp_path):
    listing = tmp_path / "cpuinfo"
    listing.write_text("processor : 0\nflags\t\t: fpu amx_bf16 avx2\n")
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module, "_CPU_INFO", listing)
    assert module._cpu_features() == {"fpu", "amx_bf16", "avx2"}
    monkeypatch.setattr(module, "_CPU_INFO", tmp_path / "absent")
    assert module._cpu_features() == frozenset()


def test_auto_takes_the_cpu_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device().device.type == "cpu"
    with pytest.raises(ModelError, match="no CUDA device"):
        choose_device("cuda")


def test_gpus_are_counted_and_their_precision_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Some GPU")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (8, 0) if index else (7, 5))
    assert choose_device("auto").reason == "CUDA · fp16 · Some GPU"
    assert choose_device("cuda:1").dtype == torch.bfloat16
    with pytest.raises(ModelError, match="2 CUDA device"):
        choose_device("cuda:2")


@pytest.mark.parametrize("word", ["gpu", "cuda:x", "", "mps"])
def test_an_unknown_word_gets_a_sentence(word):
    with pytest.raises(ModelError, match="auto, cpu, cuda or cuda:N"):
        choose_device(word)
