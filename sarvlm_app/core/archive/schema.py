"""The catalogue's tables, and how a database of an older version becomes one of this.

`PRAGMA user_version` counts the steps done; a step is never changed once released.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from sarvlm_app.errors import StorageError

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE root (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL, relative TEXT);
CREATE TABLE content (
    id INTEGER PRIMARY KEY, sha TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, width INTEGER, height INTEGER,
    product TEXT, sensor TEXT, polarisation TEXT, band INTEGER, mode TEXT, orbit TEXT, incidence REAL,
    spacing_m REAL, acquired TEXT, time INTEGER, footprint BLOB,
    west REAL, south REAL, east REAL, north REAL
);
CREATE TABLE scene (
    id INTEGER PRIMARY KEY, root INTEGER NOT NULL REFERENCES root(id), path TEXT NOT NULL,
    content INTEGER NOT NULL REFERENCES content(id), size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    present INTEGER NOT NULL DEFAULT 1, UNIQUE (root, path)
);
CREATE INDEX scene_content ON scene(content);
CREATE TABLE model_index (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, model_id TEXT NOT NULL, weights_sha256 TEXT NOT NULL,
    dim INTEGER NOT NULL, preprocessing TEXT NOT NULL, normalisation TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE shard (name TEXT PRIMARY KEY, model_index INTEGER NOT NULL REFERENCES model_index(id)) WITHOUT ROWID;
CREATE TABLE embedding (
    content INTEGER NOT NULL REFERENCES content(id), model_index INTEGER NOT NULL REFERENCES model_index(id),
    shard TEXT NOT NULL REFERENCES shard(name), first_tile INTEGER NOT NULL, tiles INTEGER NOT NULL,
    PRIMARY KEY (content, model_index)
) WITHOUT ROWID;
CREATE INDEX embedding_shard ON embedding(shard);
CREATE TABLE tile (
    id INTEGER PRIMARY KEY, content INTEGER NOT NULL, level INTEGER NOT NULL,
    col INTEGER NOT NULL, row INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, footprint BLOB
);
CREATE TABLE calibration (
    model_index INTEGER NOT NULL, kind TEXT NOT NULL, level REAL NOT NULL, PRIMARY KEY (model_index, kind)
) WITHOUT ROWID;
"""
_FOOTPRINTS = """
CREATE VIRTUAL TABLE footprint USING rtree(id, west, east, south, north);
INSERT INTO footprint SELECT id, west, east, south, north FROM content WHERE west IS NOT NULL;
"""
MIGRATIONS: Final = (_TABLES, _FOOTPRINTS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a database to this version, each step in a transaction of its own.

    Raises
    ------
    StorageError
        It is of a newer version of the program.
    """
    version = version_of(connection)
    require_known(version, path)
    for number in range(version, len(MIGRATIONS)):
        connection.executescript(f"BEGIN IMMEDIATE;{MIGRATIONS[number]}PRAGMA user_version={number + 1};COMMIT;")


def version_of(connection: sqlite3.Connection) -> int:
    """Steps that a database has behind it."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def require_known(version: int, path: Path) -> None:
    """Refuse a database of a newer program."""
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path} is of version {version}, made by a newer program (this one knows version {len(MIGRATIONS)}); "
            "update SARVLM Desktop to use this archive."
        )
