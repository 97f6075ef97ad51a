"""Names and files of detectors to detectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from sarvlm_app.errors import ModelError
from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import WEIGHTS_FILE as COMPACT_FILE
from sarvlm_models.compact import load_compact
from sarvlm_models.device import choose_device
from sarvlm_models.locations import weights_dir

from .detector import ARCHITECTURE, WEIGHTS_FILE, load_compact_detector, load_network
from .naming import PictureNamer

if TYPE_CHECKING:
    from sarvlm_models.api import Detector


def load_detector(name_or_path: str | None = None, device: str = "auto", names: Sequence[str] = ()) -> Detector:
    """The shipped detector, or that of a weight file.

    Parameters
    ----------
    name_or_path : str or None
        None or "sardet-compact" is the shipped detector; else the path of a
        safetensors file that `sarvlm finetune` wrote by a recipe of a detector.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    names : sequence of str
        What else can be asked for by name, to be told where the name is unknown.

    Raises
    ------
    ModelError
        The name is unknown, or the file is missing, damaged or of another architecture.
    """
    choice = choose_device(device)
    if name_or_path in (None, "", ARCHITECTURE):
        path = weights_dir() / WEIGHTS_FILE
        if not path.is_file():
            raise ModelError(
                f"The shipped detector is missing from “{weights_dir()}”: install SARVLM Desktop again, "
                "or name a weight file with --detector."
            )
    else:
        path = Path(str(name_or_path))
        if not path.exists():
            known = ", ".join([ARCHITECTURE, *names])
            raise ModelError(
                f"There is no detector “{name_or_path}”: use {known}, or the path of a detector's weight file."
            )
    _require_detector(path)
    try:
        sarclip = weights_dir() / COMPACT_FILE
        namer = PictureNamer(lambda: load_compact(weights_dir(), choice), file_sha256(sarclip))
        return load_compact_detector(path, weights_dir(), choice, namer)
    except OSError as fault:
        raise ModelError(f"“{fault.filename or path}” cannot be read: install SARVLM Desktop again.") from fault
    except _DAMAGED as fault:
        raise _damaged(path) from fault


def require_fit(path: Path) -> None:
    """Hold every key and shape of a detector's weights against its network.

    Raises
    ------
    ModelError
    """
    _require_detector(path)
    try:
        load_network(path)
    except _DAMAGED as fault:
        raise _damaged(path) from fault


_DAMAGED = (RuntimeError, ValueError, TypeError, KeyError, SafetensorError)


def _damaged(path: Path) -> ModelError:
    return ModelError(f"“{path}” is damaged or of another version: choose another detector.")


def _require_detector(path: Path) -> None:
    """Refuse what is no weight file of this architecture, by its header."""
    how = f"choose a file that “sarvlm finetune” wrote by a recipe of a detector, or {ARCHITECTURE}"
    try:
        with safe_open(str(path), "pt") as file:
            about = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as fault:
        raise ModelError(f"“{path}” is no safetensors file of a detector: {how}.") from fault
    found = about.get("sarvlm_arch")
    if found != ARCHITECTURE:
        what = f"of the architecture “{found}”" if found else "of an architecture that it does not name"
        raise ModelError(f"“{path}” is {what} and no detector: {how}.")
    try:
        json.loads(about.get("config", "{}"))
    except ValueError as fault:
        raise ModelError(f"“{path}” has a damaged header: {how}.") from fault
