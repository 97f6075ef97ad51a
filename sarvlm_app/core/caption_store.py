"""Captions on disk: a JSON file for each scene in the user's data folder, so that none is lost when the window closes.

A scene is known by its fingerprint: moved or renamed, it finds its captions
again. Two programs may keep captions of one scene: what the other has put in
the file stays in it.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sarvlm_app.core.caption_list import SceneCaption, Where
from sarvlm_app.core.export.atomic import replace_when_done, storage_error
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError
from sarvlm_app.paths import data_dir
from sarvlm_models.types import Window

FOLDER = "captions"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Loaded:
    """Captions of a scene, and one sentence where their file was not as it should be."""

    captions: tuple[SceneCaption, ...]
    message: str | None = None


class CaptionStore:
    """Reads and writes the captions of scenes; may be called from any thread.

    Parameters
    ----------
    folder : Path, optional
        Made when something is first written; default: `captions` in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._turns: dict[str, int] = {}

    def path_of(self, fingerprint: str) -> Path:
        """The file of a scene.

        Raises
        ------
        StorageError
            When the data folder cannot be used.
        """
        return (self._folder or data_dir() / FOLDER) / f"{fingerprint}.json"

    def load(self, fingerprint: str) -> Loaded:
        """The captions kept of a scene, the oldest first; none where there is no file.

        A file that cannot be understood is moved aside and told of.

        Raises
        ------
        StorageError
            When the file cannot be read.
        """
        path = self.path_of(fingerprint)
        with self._lock:
            return _read(path)

    def save(self, scene: Scene, captions: tuple[SceneCaption, ...], seen: Set[str], turn: int) -> None:
        """Keep the captions of a scene; without any, its file goes.

        Parameters
        ----------
        scene : Scene
        captions : tuple of SceneCaption
        seen : set of str
            Ids of the captions that the caller knows or knew; others in the file stay there.
        turn : int
            A save with a lower turn than the last of this scene does nothing: it comes too late.

        Raises
        ------
        StorageError
            When they cannot be written; the file is then as it was.
        """
        path = self.path_of(scene.fingerprint)
        with self._lock:
            if turn < self._turns.get(scene.fingerprint, 0):
                return
            others = tuple(caption for caption in _read(path).captions if caption.id not in seen)
            _write(path, scene, others + captions)
            self._turns[scene.fingerprint] = turn


def _write(path: Path, scene: Scene, captions: tuple[SceneCaption, ...]) -> None:
    if not captions:
        try:
            path.unlink(missing_ok=True)
        except OSError as fault:
            raise storage_error(path, fault) from fault
        return
    content = {
        "version": VERSION,
        "fingerprint": scene.fingerprint,
        "scene": str(scene.path),
        "captions": [_as_json(caption) for caption in captions],
    }
    text = json.dumps(content, allow_nan=False, indent=1)  # in ASCII: a path may hold what is no Unicode
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    with replace_when_done(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def _read(path: Path) -> Loaded:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError("another version")
        return Loaded(tuple(_from_json(entry) for entry in content["captions"]))
    except FileNotFoundError:
        return Loaded(())
    except OSError as fault:
        raise StorageError(
            f"{path} cannot be read ({fault.strerror or fault}), so captions of this scene are neither shown from it "
            "nor saved to it; make it a file that you may read and write."
        ) from fault
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return Loaded((), _move_aside(path))


def _move_aside(path: Path) -> str:
    """Keep a file that is not understood under another name; gives the sentence that says so."""
    bad, number = path.with_name(path.name + ".bad"), 1
    while bad.exists():
        number += 1
        bad = path.with_name(f"{path.name}.bad{number}")
    try:
        os.replace(path, bad)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    return f"{path}: the captions kept of this scene are damaged or of another version; the file is now {bad.name}."


def _as_json(caption: SceneCaption) -> dict[str, Any]:
    window = caption.window
    return {
        "id": caption.id,
        "where": caption.where.value,
        "window": [window.col, window.row, window.width, window.height],
        "band": caption.band,
        "text": caption.text,
        "said": caption.said,
        "raw": caption.raw,
        "logprob": caption.logprob,
        "counts": [[name, number] for name, number in caption.counts],
        "cover": [[name, share] for name, share in caption.cover],
        "model": caption.model_id,
        "made": caption.made.isoformat(),
    }


def _from_json(entry: dict[str, Any]) -> SceneCaption:
    made = datetime.fromisoformat(_text(entry["made"]))
    return SceneCaption(
        id=_text(entry["id"]),
        where=Where(entry["where"]),
        window=Window(*(_whole(value) for value in entry["window"])),
        band=_whole(entry["band"]),
        text=_text(entry["text"]),
        said=_text(entry["said"]),
        raw=_text(entry["raw"]),
        logprob=None if entry["logprob"] is None else _number(entry["logprob"]),
        counts=tuple((_text(name), _whole(number)) for name, number in entry["counts"]),
        cover=tuple((_text(name), _number(share)) for name, share in entry["cover"]),
        model_id=_text(entry["model"]),
        made=made if made.tzinfo is not None else made.replace(tzinfo=UTC),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text wanted")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("whole number wanted")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("number wanted")
    return float(value)
