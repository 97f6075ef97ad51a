"""Boxes of windows that were looked at, on disk: a run that was cancelled goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Detections, StoredClass

FOLDER: Final = "detections"
VERSION: Final = 4
"""Of what is made of a detector's boxes before they are kept; a change there makes kept ones worthless."""
_PARTS = ("corners_px", "bbox_px", "scores", "class_ids")


@dataclass(frozen=True, slots=True)
class RunKey:
    """All that decides the boxes of a window."""

    fingerprint: str
    band: int
    model_id: str
    named_by: str
    window_px: int
    margin_px: int
    passes: tuple[tuple[int, tuple[StoredClass, ...]], ...]
    min_score: float
    looks: tuple[float, ...]
    version: int = VERSION

    def file_name(self) -> str:
        """Name of the file: 24 hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.npz"


@dataclass(frozen=True, slots=True)
class Origin:
    """What kept boxes were made from: path and fingerprint of the scene, id of the detector."""

    scene: str
    fingerprint: str
    model: str

    @classmethod
    def read(cls, path: Path) -> Origin:
        """Of a file of kept boxes.

        Raises
        ------
        OSError, ValueError, KeyError, zipfile.BadZipFile
            The file cannot be read, or does not tell.
        """
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            scene, fingerprint, model = arrays["origin"].tolist()
        return cls(scene, fingerprint, model)


class KeptWindows:
    """Windows of one run over the scene at `scene`; a file that cannot be read is made anew."""

    def __init__(self, cache: Path, key: RunKey, scene: Path) -> None:
        self._origin = (str(scene), key.fingerprint, key.model_id)
        self._path = cache / FOLDER / key.file_name()
        self._model_id = key.model_id
        self._names = {factor: tuple(one.name for one in classes) for factor, classes in key.passes}
        self._windows: dict[tuple[int, int], Detections] = {}
        self._changed = False
        self._read()

    def get(self, factor: int, number: int) -> Detections | None:
        """Boxes of a window of a pass, None where it was not looked at."""
        return self._windows.get((factor, number))

    def put(self, factor: int, number: int, boxes: Detections) -> None:
        """Remember a window."""
        self._windows[(factor, number)] = boxes
        self._changed = True

    def save(self) -> None:
        """Write what is new; a full disk only costs the resumption."""
        if not self._changed:
            return
        keys = list(self._windows)
        arrays = {name: [getattr(self._windows[key], name) for key in keys] for name in _PARTS}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replace_when_done(self._path) as part, part.open("wb") as file:
                np.savez_compressed(
                    file,
                    allow_pickle=False,
                    origin=np.array(self._origin),
                    windows=np.array(keys, np.int64).reshape(-1, 2),
                    counts=np.array([len(self._windows[key]) for key in keys], np.int64),
                    **{name: np.concatenate(values) for name, values in arrays.items()},
                )
            self._changed = False
        except (OSError, StorageError):
            return

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                ends = np.cumsum(arrays["counts"])[:-1]
                parts = zip(*(np.split(arrays[name], ends) for name in _PARTS), strict=True)
                for (factor, number), values in zip(arrays["windows"].tolist(), parts, strict=True):
                    names = self._names[factor]
                    corners, boxes, scores, ids = values
                    self._windows[(factor, number)] = Detections(corners, boxes, scores, ids, names, self._model_id)
            os.utime(self._path)  # what is used last goes last
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            self._windows.clear()
