"""What a training run leaves behind: its state to go on from, and its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from sarvlm_models.caption_decoder import CaptionDecoder, WordList
from sarvlm_models.captioner import decoder_metadata
from sarvlm_models.compact import CompactConfig, save_metadata

STATE_FILE: Final = "state.pt"
WEIGHTS_FILE: Final = "weights.safetensors"
CAPTIONER_FILE: Final = "captioner.safetensors"
_EXACT: Final = ("running", "centre", "spread")


def save_weights(path: Path, state: dict[str, Tensor], config: CompactConfig, notes: dict[str, str]) -> str:
    """Weights in float16 (statistics in float32) as safetensors, moved into place; gives their SHA-256."""
    part = path.with_name(path.name + ".part")
    small = {k: v if _is_exact(k, v) else v.half() for k, v in state.items()}
    save_file({k: v.contiguous() for k, v in small.items()}, str(part), metadata=save_metadata(config, notes))
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    part.replace(path)
    return digest


def _is_exact(key: str, value: Tensor) -> bool:
    return not value.is_floating_point() or any(word in key for word in _EXACT)


def save_run(out: Path, state: dict[str, Tensor], config: CompactConfig, caption: tuple[CaptionDecoder, WordList],
             notes: dict[str, str]) -> None:  # fmt: skip
    """The averaged weights of a `Learner` as the two files that the application loads."""
    digest = save_weights(out / WEIGHTS_FILE, split(state, "sarclip."), config, notes)
    decoder, words = caption
    part = out / f"{CAPTIONER_FILE}.part"
    said = {key: value.half().contiguous() for key, value in split(state, "decoder.").items()}
    save_file(said, str(part), metadata=decoder_metadata(decoder.config, words, digest))
    part.replace(out / CAPTIONER_FILE)


def save_state(path: Path, **values: Any) -> None:
    """The state of a run, moved into place."""
    part = path.with_suffix(".part")
    torch.save(values, part)
    part.replace(path)


def split(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries of a state dict below `prefix`, without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
