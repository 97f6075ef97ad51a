"""Where the networks run, and in which precision."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

from sarvlm_app.errors import ModelError

_CPU_INFO = Path("/proc/cpuinfo")
_FAST_BF16 = frozenset({"amx_bf16", "avx512_bf16", "bf16"})  # x86 twice, then Arm


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device and how to use it.

    Attributes
    ----------
    device : torch.device
        Where tensors go.
    dtype : torch.dtype
        Of the image tower when it encodes scenes.
    reason : str
        For a status badge, such as "CPU · bf16 · 2 cores".
    """

    device: torch.device
    dtype: torch.dtype
    reason: str


def choose_device(wanted: str = "auto") -> DeviceChoice:
    """Turn "auto", "cpu", "cuda" or "cuda:N" into a device that is there.

    Raises
    ------
    ModelError
        The word is unknown, or the GPU it names is not there.
    """
    word = wanted.strip().lower()
    match = re.fullmatch(r"auto|cpu|cuda(?::(\d{1,3}))?", word)
    if match is None:
        raise ModelError(f"There is no device “{wanted}”: use auto, cpu, cuda or cuda:N.")
    if word == "cpu" or (word == "auto" and not torch.cuda.is_available()):
        return _cpu()
    index = int(match[1] or 0)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        found = f"{count} CUDA device(s) were found" if count else "no CUDA device was found"
        raise ModelError(f"“{wanted}” cannot be used, {found}: use auto or cpu, or check the driver with nvidia-smi.")
    return _cuda(index)


def _cuda(index: int) -> DeviceChoice:
    major, _minor = torch.cuda.get_device_capability(index)
    dtype, short = (torch.bfloat16, "bf16") if major >= 8 else (torch.float16, "fp16")
    return DeviceChoice(torch.device("cuda", index), dtype, f"CUDA · {short} · {torch.cuda.get_device_name(index)}")


def _cpu() -> DeviceChoice:
    fast = bool(_FAST_BF16 & _cpu_features())
    cores = core_count()
    label = f"CPU · {'bf16' if fast else 'fp32'} · {cores} core{'s' if cores != 1 else ''}"
    return DeviceChoice(torch.device("cpu"), torch.bfloat16 if fast else torch.float32, label)


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_features() -> frozenset[str]:
    """Names of the processor's abilities; empty where they cannot be told."""
    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is not None:
        found = ask() or {}
        return frozenset(str(name) for name, there in found.items() if there is True)
    if platform.system() != "Linux":
        return frozenset()
    try:
        text = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    line = next((row for row in text.splitlines() if row.lower().startswith(("flags", "features"))), "")
    return frozenset(line.partition(":")[2].split())
