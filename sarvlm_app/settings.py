"""What the program remembers from one start to the next: a small JSON file.

A damaged file never stops the start: it is moved aside, the defaults are
used, and one sentence says so.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

from .errors import StorageError
from .paths import config_dir

RECENT_SCENES = 10
_FILE_NAME = "settings.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """The remembered choices; frozen, so a change is `dataclasses.replace`.

    Attributes
    ----------
    theme : str
        "dark" or "light".
    threshold : float
        Score from which a place stands out, 0..1 (0.5 is the background).
    top : int
        Most places that the result list holds.
    heatmap_opacity : float
        0..1.
    cache_limit_gb : float
        Size in GB (10^9 bytes) above which the oldest scene indices are dropped.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    recent_scenes : tuple of str
        Paths, the latest first.
    last_folder : str
        Folder that the file dialogs start in; empty for the home folder.
    recent_archives : tuple of str
        Folders of archives, the latest first.
    coordinates : str
        Notation of the status line: "degrees", "dms", "mgrs" or "map".
    folded : tuple of str
        Titles of the parts of the left column that are folded away.
    window_geometry, window_state : str
        Qt's bytes in base64; empty for the default arrangement.
    """

    theme: str = "dark"
    threshold: float = 0.6
    top: int = 50
    heatmap_opacity: float = 0.85
    cache_limit_gb: float = 20.0
    device: str = "auto"
    recent_scenes: tuple[str, ...] = ()
    last_folder: str = ""
    coordinates: str = "degrees"
    recent_archives: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    window_geometry: str = ""
    window_state: str = ""

    def with_recent(self, scene: Path) -> Settings:
        """A copy that remembers `scene` as the latest one opened, and its folder."""
        path = str(scene.absolute())
        others = (other for other in self.recent_scenes if other != path)
        return replace(self, recent_scenes=(path, *others)[:RECENT_SCENES], last_folder=str(scene.absolute().parent))

    def with_window(self, geometry: bytes, state: bytes) -> Settings:
        """A copy that remembers Qt's window geometry and dock arrangement."""
        return replace(
            self,
            window_geometry=b64encode(geometry).decode("ascii"),
            window_state=b64encode(state).decode("ascii"),
        )

    def window_bytes(self) -> tuple[bytes, bytes]:
        """Geometry and dock arrangement as Qt wants them; empty bytes for the default."""
        return b64decode(self.window_geometry), b64decode(self.window_state)


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and one sentence for the user where the file was not as it should be."""

    settings: Settings
    message: str | None = None


def load_settings(path: Path | None = None) -> LoadedSettings:
    """Read the settings; never fails.

    Parameters
    ----------
    path : Path, optional
        The file; default: settings.json in the settings folder.

    Returns
    -------
    LoadedSettings
        The defaults, with a message, where the file (or a value in it) is
        damaged or cannot be read. A file that is no settings file at all is
        moved to ``settings.json.bad``.
    """
    try:
        path = config_dir() / _FILE_NAME if path is None else path
    except StorageError as error:
        return LoadedSettings(Settings(), str(error))
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return LoadedSettings(Settings())
    except OSError as error:
        return LoadedSettings(
            Settings(), f"{path}: the settings cannot be read ({error.strerror}); the defaults are used."
        )
    except (ValueError, RecursionError):
        return LoadedSettings(Settings(), _move_aside(path))
    if not isinstance(values, dict):
        return LoadedSettings(Settings(), _move_aside(path))
    return _from_values(path, values)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings beside their place, then move them into it.

    Raises
    ------
    StorageError
        When the file cannot be written; the old one is then as it was.
    """
    path = config_dir() / _FILE_NAME if path is None else path
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        with suppress(OSError):
            part.unlink()
        raise StorageError(f"{path}: {reason}; the settings were not saved, free or unlock the folder.") from error


def _move_aside(path: Path) -> str:
    bad = path.with_name(path.name + ".bad")
    try:
        os.replace(path, bad)
    except OSError:
        return f"{path}: the settings are damaged; the defaults are used, remove the file."
    return f"{path}: the settings were damaged; the defaults are used and the old file is kept as {bad.name}."


def _from_values(path: Path, values: Mapping[str, Any]) -> LoadedSettings:
    good: dict[str, Any] = {}
    refused: list[str] = []
    for field in fields(Settings):
        if field.name not in values:
            continue
        try:
            good[field.name] = _READERS[field.name](values[field.name])
        except (TypeError, ValueError, OverflowError):
            refused.append(field.name)
    message = None
    if refused:
        names = ", ".join(refused)
        message = f"{path}: the values of {names} are not usable; the defaults are used for them."
    return LoadedSettings(Settings(**good), message)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text wanted")
    return value


def _choice(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError("not one of the choices")
        return _text(value)

    return read


def _device(value: Any) -> str:
    kind, colon, number = _text(value).partition(":")
    if kind not in ("auto", "cpu", "cuda") or (colon and (kind != "cuda" or not number.isdecimal())):
        raise ValueError("not a device")
    return str(value)


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise TypeError("number wanted")
        if not low <= value <= high:
            raise ValueError("out of range")
        return float(value)

    return read


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100_000:
        raise ValueError("a count from 1 wanted")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("list wanted")
    return tuple(_text(item) for item in value)[:RECENT_SCENES]


def _base64(value: Any) -> str:
    b64decode(_text(value).encode("ascii"), validate=True)
    return str(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "theme": _choice("dark", "light"),
    "threshold": _number(0.0, 1.0),
    "top": _count,
    "heatmap_opacity": _number(0.0, 1.0),
    "cache_limit_gb": _number(0.0, 1e6),
    "device": _device,
    "recent_scenes": _texts,
    "last_folder": _text,
    "recent_archives": _texts,
    "folded": _texts,
    "coordinates": _choice("degrees", "dms", "mgrs", "map"),
    "window_geometry": _base64,
    "window_state": _base64,
}
