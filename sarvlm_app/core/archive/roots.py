"""Declared folders that the paths of an archive are relative to, so that it can move between machines."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from sarvlm_app.errors import StorageError


@dataclass(frozen=True, slots=True)
class Root:
    """A declared folder: its name in the archive, and where it lies on this machine."""

    id: int
    name: str
    path: Path


def innermost(roots: Iterable[Root], path: Path) -> tuple[Root, str] | None:
    """The innermost root that holds a path, and the path within it with forward slashes."""
    holding = [root for root in roots if path.is_relative_to(root.path) and path != root.path]
    if not holding:
        return None
    root = max(holding, key=lambda root: len(root.path.parts))
    return root, path.relative_to(root.path).as_posix()


class Roots:
    """The declared folders of a catalogue.

    Parameters
    ----------
    connection : sqlite3.Connection
    archive : Path
        The archive's folder, beside which moved data is looked for.
    """

    def __init__(self, connection: sqlite3.Connection, archive: Path) -> None:
        self._connection, self._archive = connection, archive

    def all(self) -> tuple[Root, ...]:
        """Every root; one that is not where it was is looked for at the same place beside the archive."""
        rows = self._connection.execute("SELECT id, name, path, relative FROM root ORDER BY id").fetchall()
        return tuple(Root(number, name, self._place(path, relative)) for number, name, path, relative in rows)

    def _place(self, path: str, relative: str | None) -> Path:
        given = Path(path)
        if relative is not None and not given.is_dir():
            beside = Path(os.path.normpath(self._archive / relative))
            if beside.is_dir():
                return beside
        return given

    def declare(self, folder: Path) -> None:
        """Make sure that what lies in a folder has a root."""
        known = self.all()
        if innermost(known, folder / "x") is not None:
            return
        names = {root.name for root in known}
        base = folder.name or "root"
        name = next(name for name in (base, *(f"{base}-{n}" for n in range(2, len(names) + 3))) if name not in names)
        self._connection.execute(
            "INSERT INTO root (name, path, relative) VALUES (?, ?, ?)", (name, str(folder), self._relative(folder))
        )

    def _relative(self, folder: Path) -> str | None:
        try:
            return PurePath(os.path.relpath(folder, self._archive)).as_posix()
        except ValueError:  # on another drive of Windows
            return None

    def move(self, name: str, folder: Path) -> None:
        """Say where a root lies now.

        Raises
        ------
        StorageError
            There is no root of that name, or no such folder.
        """
        names = [root.name for root in self.all()]
        if name not in names:
            raise StorageError(f"The archive has no root “{name}”; its roots are {', '.join(names) or 'none'}.")
        if not folder.is_dir():
            raise StorageError(f"{folder} is not a folder; give the folder that holds what “{name}” held.")
        values = (str(folder), self._relative(folder), name)
        self._connection.execute("UPDATE root SET path = ?, relative = ? WHERE name = ?", values)
