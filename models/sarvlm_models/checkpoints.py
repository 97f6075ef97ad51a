"""Reading weights from files that strangers wrote, without ever running what they hold.

`read_state_dict` gives tensors under open_clip's own names; `infer_architecture`
(in `architectures`, offered here too) says what they are.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sarvlm_app.errors import ModelError

from .architectures import Architecture, check_keys, infer_architecture

__all__ = ["Architecture", "CheckpointContents", "check_keys", "file_sha256", "infer_architecture", "read_state_dict"]

_WRAPPERS = ("state_dict", "model_state_dict", "model")
# what trainers and TorchScript leave among the weights; none of it is a weight
_EXTRAS = re.compile(r"^(input_resolution|context_length|vocab_size|(.*\.)?attn_mask|(.*\.)?position_ids)$")
_LOAD_FAULTS = (
    RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, OSError,
    zipfile.BadZipFile,
)  # fmt: skip
_SAVE_ANEW = "save its state_dict() as .safetensors with a program you trust and open that"


@dataclass(frozen=True, slots=True)
class CheckpointContents:
    """What a checkpoint file holds.

    Attributes
    ----------
    state : dict of str to Tensor
        Weights on the CPU under open_clip's names, in the file's own dtypes.
    wrapper : str
        Key they lay under ("state_dict", "model", ...), "" for a flat file.
    sha256 : str
        Of the whole file, 64 hexadecimal digits.
    format : str
        "safetensors", "torch-zip" or "torch-pickle".
    metadata : dict of str to str
        The header of a safetensors file; empty for others.
    """

    state: dict[str, Tensor]
    wrapper: str
    sha256: str
    format: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits; raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        raise ModelError(_cannot_read(path, fault)) from fault


def read_state_dict(path: Path | str) -> CheckpointContents:
    """Read the tensors of a checkpoint, whatever it is called.

    Takes safetensors and PyTorch files (zip and older pickle form), the latter
    with `weights_only` alone, so that nothing in the file is executed. The
    kind is told from the first bytes and not from the suffix.

    Parameters
    ----------
    path : Path or str
        The file.

    Returns
    -------
    CheckpointContents

    Raises
    ------
    ModelError
        The file is missing, empty, truncated, not a checkpoint, a TorchScript
        program, or a pickle that asks for anything but tensors.
    """
    path = Path(path)
    kind = _sniff(path)
    digest = file_sha256(path)
    metadata: dict[str, str] = {}
    if kind == "safetensors":
        loaded, metadata = _read_safetensors(path)
    else:
        loaded = _read_torch(path, mapped=kind == "torch-zip")
    wrapper, tensors = _unwrap(path, loaded)
    return CheckpointContents(_rename(path, tensors), wrapper, digest, kind, metadata)


def _cannot_read(path: Path, fault: OSError) -> str:
    return f"“{path}” cannot be read ({fault.strerror or fault}): check the path and its permissions."


def _sniff(path: Path) -> str:
    """The kind of file, from its first bytes."""
    if path.is_dir():
        raise ModelError(f"“{path}” is a folder: choose the checkpoint file in it (.safetensors, .pt, .pth, .bin).")
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
        size = path.stat().st_size
    except FileNotFoundError as fault:
        raise ModelError(f"“{path}” does not exist: check the path or choose another checkpoint file.") from fault
    except OSError as fault:
        raise ModelError(_cannot_read(path, fault)) from fault
    if size == 0:
        raise ModelError(f"“{path}” is empty: copy or download the checkpoint again.")
    if head[:4] == b"PK\x03\x04":
        _refuse_programs(path)
        return "torch-zip"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return "torch-pickle"
    raise ModelError(
        f"“{path}” is not a checkpoint: choose a .safetensors file or a PyTorch state dict (.pt, .pth, .bin)."
    )


def _refuse_programs(path: Path) -> None:
    """Raise for TorchScript archives; their table of contents tells, nothing of them is run."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except zipfile.BadZipFile as fault:
        raise ModelError(f"“{path}” is cut off or damaged: copy or download the checkpoint again.") from fault
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise ModelError(f"“{path}” is a TorchScript program, which is never run here: {_SAVE_ANEW}.")
    if "data.pkl" not in names:
        raise ModelError(
            f"“{path}” is a zip archive without a PyTorch checkpoint in it: choose the checkpoint file itself."
        )


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        with safe_open(str(path), framework="pt", device="cpu") as handle:
            metadata = dict(handle.metadata() or {})
            return {name: handle.get_tensor(name) for name in handle.keys()}, metadata  # noqa: SIM118 - not a dict
    except (SafetensorError, RuntimeError, ValueError, OSError) as fault:
        raise ModelError(f"“{path}” is cut off or damaged: copy or download the checkpoint again.") from fault


def _read_torch(path: Path, mapped: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about unusual pickle protocols; a bad one fails below
            return torch.load(str(path), map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as fault:
        asked = re.search(r"(?:GLOBAL|class|function)\s+([A-Za-z_][\w.]*\.\w+)", str(fault))
        if asked is None:
            raise ModelError(f"“{path}” is damaged or no checkpoint: copy or download it again.") from fault
        raise ModelError(
            f"“{path}” wants to run “{asked[1]}” when opened, and no code of a checkpoint is run here: {_SAVE_ANEW}."
        ) from fault
    except _LOAD_FAULTS as fault:
        raise ModelError(f"“{path}” is cut off or damaged: copy or download the checkpoint again.") from fault


def _unwrap(path: Path, loaded: Any) -> tuple[str, dict[str, Tensor]]:
    """The mapping of names to tensors, and the key it lay under."""
    wrapper = ""
    if isinstance(loaded, Mapping):
        wrapper = next((key for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), "")
        loaded = loaded[wrapper] if wrapper else loaded
    if not isinstance(loaded, Mapping):
        raise ModelError(
            f"“{path}” holds a {type(loaded).__name__} and no weights: save the model's state_dict() and open that."
        )
    tensors = {name: value for name, value in loaded.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise ModelError(f"“{path}” holds no tensors: save the model's state_dict() and open that.")
    return wrapper, tensors


def _rename(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under open_clip's names, what is no weight dropped."""
    rules = _prefix_rules(tensors)
    state: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        new = _open_clip_name(name, rules)
        if _EXTRAS.match(new):
            continue
        if new in state:
            raise ModelError(f"“{path}” holds two tensors for “{new}”: save the model's state_dict() anew.")
        state[new] = tensor
    return state


def _open_clip_name(name: str, rules: Mapping[str, str]) -> str:
    changed = True
    while changed:
        changed = False
        for old, new in rules.items():
            if name.startswith(old):
                name, changed = new + name.removeprefix(old), True
    return name


def _prefix_rules(names: Iterable[str]) -> dict[str, str]:
    """Rewrites of the starts of keys that fit this file."""
    bare = {re.sub(r"^(module\.|_orig_mod\.)+", "", name) for name in names}
    rules = {
        "module.": "",
        "_orig_mod.": "",
        "image_backbone.": "visual.",  # ITRA, RS5M
        "text_backbone.": "",
    }
    if any(name.startswith("vision_model.transformer.resblocks.") for name in bare):
        rules["vision_model."] = "visual."  # ports that kept open_clip's names inside
        rules["text_model."] = ""
    plain_text_tower = "text.token_embedding.weight" in bare and "text.cls_emb" not in bare
    if plain_text_tower and not any(name.startswith("text_decoder.") for name in bare):
        rules["text."] = ""  # open_clip's custom-text layout of the same tower
    return rules
