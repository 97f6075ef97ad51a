"""What a command leaves behind: one JSON object on standard output, and files whose places are tried first."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sarvlm_app.core.export.atomic import storage_error
from sarvlm_app.errors import StorageError


def print_json(values: Mapping[str, Any]) -> None:
    """One JSON object on standard output; what is no finite number becomes null.

    Characters that the output's encoding lacks, and file names that are no
    text, are written as escapes.
    """
    finite = _finite(values)
    text = json.dumps(finite, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(finite, allow_nan=False, indent=1)
    print(text)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def require_places(outputs: Sequence[Path], source: Path | None = None) -> None:
    """Find out before the work whether its results can be written; nothing is left behind.

    Parameters
    ----------
    outputs : sequence of Path
        Files that will be written.
    source : Path, optional
        The scene, which none of them may replace.

    Raises
    ------
    StorageError
        A folder is missing or not writable, two outputs are one file, or one is the scene.
    """
    places = [Path(os.path.realpath(path)) for path in outputs]
    for path, place in zip(outputs, places, strict=True):
        if source is not None and place == Path(os.path.realpath(source)):
            raise StorageError(f"{path} is the scene itself and is not overwritten; choose another file name.")
        if places.count(place) > 1:
            raise StorageError(f"{path} is named for two outputs; give each a file of its own.")
        _try_place(path, place)


def _try_place(path: Path, place: Path) -> None:
    trial = place.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if place.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.unlink(trial)
    except OSError as fault:
        raise storage_error(path, fault) from fault
