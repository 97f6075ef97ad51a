"""What a training run leaves behind: its state to go on from, and its weights.

Each file is written beside its place and moved into it, so that whatever ends
a run, a full disk too, what was kept before is still there.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sarvlm_app.core.export.atomic import replace_when_done, storage_error
from sarvlm_models.caption_decoder import CaptionDecoder, WordList
from sarvlm_models.captioner import TRAINED_FILE, decoder_metadata
from sarvlm_models.compact import CompactConfig, save_metadata

STATE_FILE: Final = "state.pt"
WEIGHTS_FILE: Final = "weights.safetensors"
CAPTIONER_FILE: Final = TRAINED_FILE
HEADS_TO_COME: Final = {"heads": "to come"}
"""Note of weights whose heads have not been fitted yet."""
_EXACT: Final = ("running", "centre", "spread")


def make_folder(path: Path) -> None:
    """The folder of a run.

    Raises
    ------
    StorageError
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise storage_error(path, fault) from fault


def small_weights(state: dict[str, Tensor], config: CompactConfig, notes: dict[str, str]) -> bytes:
    """Weights in float16 (statistics in float32) as a safetensors file."""
    small = {k: v if _is_exact(k, v) else v.half() for k, v in state.items()}
    return _ordered(save({k: v.cpu().contiguous() for k, v in small.items()}, metadata=save_metadata(config, notes)))


def _ordered(file: bytes) -> bytes:
    """A safetensors file with its metadata in order of name, so that equal runs give equal files."""
    start = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps({"__metadata__": header.pop("__metadata__"), **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + file[start:]


def _is_exact(key: str, value: Tensor) -> bool:
    return not value.is_floating_point() or any(word in key for word in _EXACT)


def save_run(out: Path, state: dict[str, Tensor], config: CompactConfig, caption: tuple[CaptionDecoder, WordList],
             notes: dict[str, str]) -> None:  # fmt: skip
    """The averaged weights of a `Learner` as the two files that the application loads; both are replaced or none.

    Raises
    ------
    StorageError
        They cannot be written.
    """
    tower = small_weights(split(state, "sarclip."), config, notes)
    decoder, words = caption
    said = {key: value.half().cpu().contiguous() for key, value in split(state, "decoder.").items()}
    about = decoder_metadata(decoder.config, words, hashlib.sha256(tower).hexdigest())
    with replace_when_done(out / WEIGHTS_FILE) as weights, replace_when_done(out / CAPTIONER_FILE) as captioner:
        _write(weights, tower)
        _write(captioner, _ordered(save(said, metadata=about)))


def _write(part: Path, content: bytes) -> None:
    """Write and wait for the disk: whatever it has to say is said before any of the files is moved into place."""
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def save_state(path: Path, **values: Any) -> None:
    """The state of a run.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    buffer = io.BytesIO()  # torch tells of a full disk in words of its own
    torch.save(values, buffer)
    with replace_when_done(path) as part:
        part.write_bytes(buffer.getbuffer())


def is_finished(weights: Path) -> bool:
    """Whether weights are there, and their run came to its end (where they tell)."""
    if not weights.is_file():
        return False
    try:
        with safe_open(str(weights), "pt") as file:
            notes = file.metadata() or {}
    except SafetensorError:  # who loads them says what is wrong with them
        return True
    if HEADS_TO_COME.items() <= notes.items():
        return False
    return notes.get("steps") == notes.get("of") or "of" not in notes


def split(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries of a state dict below `prefix`, without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
