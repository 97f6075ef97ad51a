"""What is kept of scenes in the cache folder: see it, remove it, stay within the limit."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarvlm_app.core.detection_kept import FOLDER as BOXES
from sarvlm_app.core.detection_kept import Origin
from sarvlm_app.core.export.atomic import storage_error
from sarvlm_app.core.scene_index import FOLDER as INDICES

PYRAMIDS = "pyramids"
BOX_FILES = "boxes"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kept folder, or the file of kept boxes.

    Attributes
    ----------
    kind : str
        "index" (patch vectors), "overviews" (display levels) or "boxes" (of windows that a detector looked at).
    scene : str
        Path of the scene it was made from, where that is known.
    fingerprint : str
        Of the scene's content.
    bytes : int
    complete : bool
    used : float
        Last use, seconds since 1970 UTC.
    """

    kind: str
    scene: str
    fingerprint: str
    model: str
    path: Path
    bytes: int
    complete: bool
    used: float


def list_kept(cache: Path) -> tuple[Kept, ...]:
    """Everything kept under a cache folder, least recently used first."""
    found = [*_indices(cache / INDICES), *_overviews(cache / PYRAMIDS), *_boxes(cache / BOXES)]
    return tuple(sorted(found, key=lambda kept: kept.used))


def _indices(root: Path) -> Iterator[Kept]:
    for folder in _folders(root):
        meta_file = folder / "meta.json"
        try:
            meta = json.loads(meta_file.read_text(encoding="utf-8"))
            done = np.load(folder / "done.npy", mmap_mode="r")
            key = meta["key"]
            yield Kept(
                "index", str(meta["scene"]), str(key["fingerprint"]), str(meta["model"]), folder, _size(folder),
                bool(done.all()), meta_file.stat().st_mtime,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            yield Kept("index", "", "", "", folder, _size(folder), False, 0.0)


def _overviews(root: Path) -> Iterator[Kept]:
    for folder in _folders(root):
        fingerprint = folder.name.rpartition("-")[0]
        with suppress(FileNotFoundError):  # removed meanwhile by another process
            yield Kept("overviews", "", fingerprint, "", folder, _size(folder), True, folder.stat().st_mtime)


def _boxes(root: Path) -> Iterator[Kept]:
    for path in sorted(root.glob("*.npz")) if root.is_dir() else []:
        with suppress(FileNotFoundError):  # removed meanwhile by another process
            told, entry = Origin("", "", ""), path.stat()
            with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
                told = Origin.read(path)
            yield Kept(
                BOX_FILES, told.scene, told.fingerprint, told.model, path, entry.st_size, True, entry.st_mtime
            )  # fmt: skip


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def remove(kept: Sequence[Kept]) -> int:
    """Remove what is kept; gives the bytes freed.

    Raises
    ------
    StorageError
        When one cannot be removed.
    """
    freed = 0
    for entry in kept:
        try:
            entry.path.unlink() if entry.kind == BOX_FILES else shutil.rmtree(entry.path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise storage_error(entry.path, error) from error
        freed += entry.bytes
    return freed


def keep_within(cache: Path, limit_bytes: float, spare: frozenset[str] = frozenset()) -> int:
    """Remove the least recently used until the rest is within the limit; gives the bytes freed.

    `spare` names fingerprints of scenes that are open.
    """
    kept = list_kept(cache)
    excess = sum(entry.bytes for entry in kept) - limit_bytes
    leave: list[Kept] = []
    for entry in kept:
        if excess <= 0:
            break
        if entry.fingerprint not in spare:
            leave.append(entry)
            excess -= entry.bytes
    return remove(leave)
