"""Built levels on disk, in our cache folder, filled from the top row down and resumable."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import Float32
from sarvlm_app.errors import StorageError

VERSION = 1
_STATE = "state.json"
Float16 = NDArray[np.float16]


class LevelStore:
    """Levels of one scene and band as float16 dB, one .npy file each.

    Files get their full size first and are written row by row; `state.json`
    says how many rows of the *scene* are done, and is replaced in one piece
    after their pixels are written. What does not fit together is built anew.

    Parameters
    ----------
    folder : Path
        Of this scene and band alone.
    shapes : mapping of int to (int, int)
        Rows and columns of the levels to keep.
    scene_rows : int
        Rows of the scene at full resolution.
    """

    def __init__(self, folder: Path, shapes: Mapping[int, tuple[int, int]], scene_rows: int) -> None:
        self._folder = folder
        self._shapes = dict(shapes)
        self._scene_rows = scene_rows
        self._offsets: dict[int, int] = {}
        self._rows_done = self._resume()

    @property
    def rows_done(self) -> int:
        """Rows of the scene, from the top, whose reduced pixels are there."""
        return self._rows_done

    @property
    def complete(self) -> bool:
        return self._rows_done >= self._scene_rows

    def prepare(self) -> None:
        """Create the files where they are not there yet.

        Raises
        ------
        StorageError
            When the folder cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for level, shape in self._shapes.items():
                header = _header(shape)
                size = len(header) + 2 * shape[0] * shape[1]
                self._offsets[level] = len(header)
                path = self._file(level)
                with path.open("r+b" if path.exists() else "w+b") as file:
                    file.write(header)
                    file.truncate(size)
        except OSError as error:
            raise self._failure(error) from error

    def write(self, blocks: Mapping[int, Float16], first_rows: Mapping[int, int], rows_done: int) -> None:
        """Write whole rows of every level, then mark the scene as done down to `rows_done`.

        Raises
        ------
        StorageError
            When the disk is full or the folder has become unwritable.
        """
        part = self._folder / f"{_STATE}.{os.getpid()}.part"
        try:
            for level, block in blocks.items():
                with self._file(level).open("r+b") as file:
                    file.seek(self._offsets[level] + 2 * self._shapes[level][1] * first_rows[level])
                    file.write(np.ascontiguousarray(block, dtype=np.float16).data)
            part.write_text(json.dumps(self._state(rows_done)), encoding="utf-8")
            os.replace(part, self._folder / _STATE)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise self._failure(error) from error
        self._rows_done = rows_done

    def read(self, level: int, rows: slice, cols: slice) -> Float32:
        """Decibels float32 of finished rows of a level."""
        # Mapped for this one read: pages that are looked at do not stay in the process.
        mapped = np.load(self._file(level), mmap_mode="r")
        return np.asarray(mapped[rows, cols], dtype=np.float32)

    def _resume(self) -> int:
        try:
            state = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
            rows = int(state["rows_done"])
            whole = state == self._state(rows) and 0 <= rows <= self._scene_rows
            sizes_ok = all(
                self._file(level).stat().st_size == len(_header(shape)) + 2 * shape[0] * shape[1]
                for level, shape in self._shapes.items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        return rows if whole and sizes_ok else 0

    def _state(self, rows_done: int) -> dict[str, object]:
        shapes = {str(level): list(shape) for level, shape in self._shapes.items()}
        return {"version": VERSION, "scene_rows": self._scene_rows, "levels": shapes, "rows_done": rows_done}

    def _file(self, level: int) -> Path:
        return self._folder / f"level-{level}.npy"

    def _failure(self, error: OSError) -> StorageError:
        reason = error.strerror or str(error)
        return StorageError(
            f"{self._folder}: the overviews of the scene cannot be written ({reason}); "
            "free some space there or set SARVLM_CACHE_DIR to another folder."
        )


def _header(shape: tuple[int, int]) -> bytes:
    """The .npy header (version 1.0) of a float16 array in C order."""
    text = f"{{'descr': '<f2', 'fortran_order': False, 'shape': ({shape[0]}, {shape[1]}), }}"
    pad = -(10 + len(text) + 1) % 64
    body = text.encode("ascii") + b" " * pad + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body
