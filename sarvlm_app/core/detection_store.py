"""Boxes on disk: a file of arrays for each scene in the user's data folder, so that no correction is lost.

A scene is known by its fingerprint: moved or renamed, it finds its boxes
again. Two programs may keep boxes of one scene: what the other has put in the
file by hand stays in it.
"""

from __future__ import annotations

import json
import os
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.core.box_table import LAYOUT, Boxes, Int64
from sarvlm_app.core.export.atomic import replace_when_done, storage_error
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError
from sarvlm_app.paths import data_dir

FOLDER = "detections"
VERSION = 1


@dataclass(frozen=True, slots=True)
class KeptBoxes:
    """Boxes of a scene with what their columns count in; `message` where their file was not as it should be."""

    boxes: Boxes
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    message: str | None = None


class DetectionStore:
    """Reads and writes the boxes of scenes; may be called from any thread.

    Parameters
    ----------
    folder : Path, optional
        Made when something is first written; default: `detections` in the user's data folder.
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
        return (self._folder or data_dir() / FOLDER) / f"{fingerprint}.npz"

    def load(self, fingerprint: str) -> KeptBoxes:
        """The boxes kept of a scene; none where there is no file.

        A file that cannot be understood is moved aside and told of.

        Raises
        ------
        StorageError
            When the file cannot be read.
        """
        path = self.path_of(fingerprint)
        with self._lock:
            return _read(path)

    def save(self, scene: Scene, kept: KeptBoxes, seen: Int64, turn: int) -> None:
        """Keep the boxes of a scene; without any, its file goes.

        Parameters
        ----------
        scene : Scene
        kept : KeptBoxes
        seen : int64
            Ids that the caller knows or knew; of others in the file, those worked on by hand stay there.
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
            _write(path, scene, _with_foreign(kept, _read(path), seen))
            self._turns[scene.fingerprint] = turn


def _with_foreign(kept: KeptBoxes, there: KeptBoxes, seen: Int64) -> KeptBoxes:
    """What is to be kept, and what another program has put into the file by hand meanwhile."""
    foreign = there.boxes.take(there.boxes.touched & ~np.isin(there.boxes.ids, seen))
    if not len(foreign):
        return kept
    names = (*kept.names, *(name for name in there.names if name not in kept.names))
    origins = (*kept.origins, *(name for name in there.origins if name not in kept.origins))
    classes = np.array([names.index(name) for name in there.names], np.int32)[foreign.classes]
    sources = np.array([origins.index(name) for name in there.origins], np.int32)[foreign.origins]
    return KeptBoxes(kept.boxes.joined(foreign.changed(classes=classes, origins=sources)), names, origins)


def _write(path: Path, scene: Scene, kept: KeptBoxes) -> None:
    try:
        if not len(kept.boxes):
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise storage_error(path, fault) from fault
    told = {
        "version": VERSION,
        "fingerprint": scene.fingerprint,
        "scene": str(scene.path),
        "names": kept.names,
        "origins": kept.origins,
    }
    about = np.frombuffer(json.dumps(told).encode("ascii"), np.uint8)
    with replace_when_done(path) as part, part.open("wb") as file:
        np.savez(file, about=about, **{name: getattr(kept.boxes, name) for name in LAYOUT})


def _read(path: Path) -> KeptBoxes:
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            about = json.loads(bytes(file["about"]))
            boxes = Boxes(**{name: file[name] for name in LAYOUT})
        if about["version"] != VERSION:
            raise ValueError("another version")
        kept = KeptBoxes(boxes, _texts(about["names"]), _texts(about["origins"]))
        _require_sound(kept)
    except FileNotFoundError:
        return KeptBoxes(Boxes.empty())
    except (zipfile.BadZipFile, EOFError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return KeptBoxes(Boxes.empty(), message=_move_aside(path))
    except OSError as fault:
        raise StorageError(
            f"{path} cannot be read ({fault.strerror or fault}), so boxes of this scene are neither shown from it "
            "nor saved to it; make it a file that you may read and write."
        ) from fault
    return kept


def _require_sound(kept: KeptBoxes) -> None:
    boxes = kept.boxes
    finite = all(np.isfinite(array).all() for array in (boxes.corners_px, boxes.bbox_px, boxes.scores))
    known = all(
        not len(ids) or (ids.min() >= 0 and ids.max() < len(names))
        for ids, names in ((boxes.classes, kept.names), (boxes.origins, kept.origins))
    )
    if not finite or not known or np.unique(boxes.ids).size != len(boxes):
        raise ValueError("values that no box has")


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("a list of texts wanted")
    return tuple(values)


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
    return f"{path}: the boxes kept of this scene are damaged or of another version; the file is now {bad.name}."
