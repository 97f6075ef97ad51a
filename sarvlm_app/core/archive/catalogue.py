"""The catalogue of an archive: which files there are, what they show, and which shard holds their vectors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from sarvlm_app.core.archive.describe import bounds_of_wkb
from sarvlm_app.core.archive.roots import Roots
from sarvlm_app.core.archive.schema import migrate, require_known, version_of
from sarvlm_app.core.archive.shard import KINDS, Described, Header, Shard
from sarvlm_app.core.archive.store import NO_TIME, Rows
from sarvlm_app.errors import StorageError

FILE: Final = "archive.sqlite"
SLOTS: Final = 8
"""Vectors that a tile may have of one kind: the id of a vector is that of its tile times this, plus its slot."""
_DESCRIBED: Final = (
    "sha", "bytes", "width", "height", "product", "sensor", "polarisation", "band", "mode", "orbit", "incidence",
    "spacing_m", "acquired",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KnownScene:
    """A file that the catalogue knows."""

    id: int
    root: int
    path: str
    content: int
    sha: str
    size: int
    mtime_ns: int
    present: int


@dataclass(frozen=True, slots=True)
class TileFacts:
    """A tile and the scene it belongs to, as a hit shows them."""

    id: int
    content: int
    window: tuple[int, int, int, int]
    footprint: bytes | None
    sensor: str
    polarisation: str
    acquired: str | None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where the vectors of a content lie in an index."""

    content: int
    sha: str
    shard: str
    first_tile: int
    tiles: int


class Catalogue:
    """The SQLite database of an archive; belongs to one thread.

    Parameters
    ----------
    folder : Path
        The archive's.
    writable : bool
        Else it is opened for reading only, which works in a folder that nobody may write to.

    Raises
    ------
    StorageError
        It is no archive, damaged, or of a newer version.
    """

    def __init__(self, folder: Path, *, writable: bool) -> None:
        self.path = folder / FILE
        with database_faults(self.path):
            self._connection = _connect(self.path, writable)
        self.roots = Roots(self._connection, folder)

    @contextmanager
    def changes(self) -> Iterator[None]:
        """One transaction: all of its changes or none."""
        with database_faults(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()

    def close(self) -> None:
        """Write the log back into the database and let go of it."""
        with database_faults(self.path):
            if not self._connection.execute("PRAGMA query_only").fetchone()[0]:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()

    def _all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with database_faults(self.path):
            return self._connection.execute(query, values).fetchall()

    def meta(self, key: str) -> str | None:
        """A remembered word."""
        rows = self._all("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # -- indices of models

    def index_of(self, key: str) -> int | None:
        """Number of the index of a header's key."""
        rows = self._all("SELECT id FROM model_index WHERE key = ?", (key,))
        return int(rows[0][0]) if rows else None

    def add_index(self, key: str, header: Header) -> int:
        """A new index; the first one of an archive is the one that is searched."""
        active = int(not self._all("SELECT 1 FROM model_index WHERE active = 1"))
        values = (key, header.model_id, header.weights_sha256, header.dim, header.preprocessing, header.normalisation)
        cursor = self._connection.execute(
            "INSERT INTO model_index (key, model_id, weights_sha256, dim, preprocessing, normalisation, active)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*values, active),
        )
        return int(cursor.lastrowid or 0)

    def indices(self) -> list[tuple[int, str, Header, bool]]:
        """Number, key, header of every index, and whether it is the one that is searched."""
        rows = self._all(
            "SELECT id, key, model_id, weights_sha256, dim, preprocessing, normalisation, active FROM model_index"
        )
        return [(row[0], row[1], Header(*row[2:7]), bool(row[7])) for row in rows]

    def activate(self, index: int) -> None:
        """Make an index the one that is searched."""
        self._connection.execute("UPDATE model_index SET active = (id = ?)", (index,))

    def calibrations(self, index: int) -> dict[str, float]:
        """Level of the background by kind of vector; see `scoring`."""
        return dict(self._all("SELECT kind, level FROM calibration WHERE model_index = ?", (index,)))

    def set_calibrations(self, index: int, levels: dict[str, float]) -> None:
        rows = [(index, kind, level) for kind, level in levels.items()]
        self._connection.executemany("INSERT OR REPLACE INTO calibration VALUES (?, ?, ?)", rows)

    # -- files

    def scenes(self) -> list[KnownScene]:
        """Every file known, present or not."""
        rows = self._all(
            "SELECT s.id, s.root, s.path, s.content, c.sha, s.size, s.mtime_ns, s.present"
            " FROM scene s JOIN content c ON c.id = s.content"
        )
        return [KnownScene(*row) for row in rows]

    def place_scene(self, root: int, path: str, content: int, state: tuple[int, int]) -> None:
        """Remember that a file (size, time of change) shows a content."""
        self._connection.execute(
            "INSERT INTO scene (root, path, content, size, mtime_ns, present) VALUES (?, ?, ?, ?, ?, 1)"
            " ON CONFLICT (root, path) DO UPDATE SET content = excluded.content, size = excluded.size,"
            " mtime_ns = excluded.mtime_ns, present = 1",
            (root, path, content, *state),
        )

    def set_present(self, scenes: Iterable[int], present: bool) -> None:
        rows = [(int(present), scene) for scene in scenes]
        self._connection.executemany("UPDATE scene SET present = ? WHERE id = ?", rows)

    def content_of(self, sha: str) -> int | None:
        """Number of the content of a hash."""
        rows = self._all("SELECT id FROM content WHERE sha = ?", (sha,))
        return int(rows[0][0]) if rows else None

    def content_sizes(self) -> set[int]:
        """Bytes of all contents: what a moved file is told by before its hash is taken."""
        return {int(row[0]) for row in self._all("SELECT DISTINCT bytes FROM content")}

    def gone(self) -> frozenset[int]:
        """Contents that no present file shows."""
        rows = self._all("SELECT id FROM content WHERE id NOT IN (SELECT content FROM scene WHERE present = 1)")
        return frozenset(int(row[0]) for row in rows)

    def words(self, column: str) -> list[str]:
        """All that the catalogue holds of `sensor` or `polarisation`."""
        assert column in ("sensor", "polarisation")
        return [str(row[0]) for row in self._all(f"SELECT DISTINCT {column} FROM content")]

    def span(self) -> tuple[int, int] | None:
        """First and last time of acquisition that is known, in seconds UTC."""
        first, last = self._all("SELECT MIN(time), MAX(time) FROM content")[0]
        return None if first is None else (int(first), int(last))

    def version(self) -> int:
        """Another number after every change that somebody else made."""
        return int(self._all("PRAGMA data_version")[0][0])

    def in_area(self, bbox: tuple[float, float, float, float]) -> list[int]:
        """Contents whose footprint's bounds meet (west, south, east, north); west > east crosses the antimeridian."""
        west, south, east, north = bbox
        east = east + 360.0 if east < west else east
        found: set[int] = set()
        for turn in (-360.0, 0.0, 360.0):
            limits = (east + turn, west + turn, north, south)
            found |= {
                int(row[0])
                for row in self._all(
                    "SELECT id FROM footprint WHERE west <= ? AND east >= ? AND south <= ? AND north >= ?", limits
                )
            }
        return sorted(found)

    def bounds(self) -> list[tuple[int, float, float, float, float]]:
        """Content, west, south, east, north of every present scene that has a place."""
        return self._all(
            "SELECT id, west, south, east, north FROM content WHERE west IS NOT NULL"
            " AND EXISTS (SELECT 1 FROM scene WHERE content = content.id AND present = 1)"
        )

    def footprints(self, contents: Sequence[int]) -> list[bytes]:
        """Outlines (WKB) of contents; those without one are left out."""
        found: list[bytes] = []
        for start in range(0, len(contents), 500):
            part = list(contents[start : start + 500])
            marks = ",".join("?" * len(part))
            query = f"SELECT footprint FROM content WHERE id IN ({marks}) AND footprint IS NOT NULL ORDER BY id"
            found += [bytes(row[0]) for row in self._all(query, part)]
        return found

    # -- shards

    def embedded(self, index: int) -> list[Embedded]:
        """Every content of an index and the shard that holds its vectors."""
        rows = self._all(
            "SELECT e.content, c.sha, e.shard, e.first_tile, e.tiles FROM embedding e"
            " JOIN content c ON c.id = e.content WHERE e.model_index = ? ORDER BY e.first_tile",
            (index,),
        )
        return [Embedded(*row) for row in rows]

    def shards(self, index: int | None = None) -> list[str]:
        """Names of the shards of an index, or of all."""
        if index is None:
            return [str(row[0]) for row in self._all("SELECT name FROM shard ORDER BY name")]
        rows = self._all("SELECT name FROM shard WHERE model_index = ? ORDER BY name", (index,))
        return [str(row[0]) for row in rows]

    def add_shard(self, name: str, index: int, shard: Shard) -> set[str]:
        """Take the contents and tiles of a shard, but what another of the index has already; hashes of what is new."""
        self._connection.execute("INSERT OR IGNORE INTO shard VALUES (?, ?)", (name, index))
        first_rows, new = _first_rows(shard), set()
        for number, scene in enumerate(shard.scenes):
            content = self._add_content(scene)
            known = "SELECT 1 FROM embedding WHERE content = ? AND model_index = ?"
            if not self._all(known, (content, index)):
                first = int(self._all("SELECT COALESCE(MAX(id), 0) + 1 FROM tile")[0][0])
                self._connection.execute(
                    "INSERT INTO embedding VALUES (?, ?, ?, ?, ?)", (content, index, name, first, scene.tiles)
                )
                self._add_tiles(content, first, shard, first_rows[number])
                new.add(scene.sha)
        return new

    def _add_content(self, scene: Described) -> int:
        known = self._all("SELECT id FROM content WHERE sha = ?", (scene.sha,))
        if known:
            return int(known[0][0])
        time = None if scene.acquired is None else int(datetime.fromisoformat(scene.acquired).timestamp())
        outline = None if scene.footprint is None else bytes.fromhex(scene.footprint)
        bounds = scene.bounds or (None, None, None, None)
        columns = (*_DESCRIBED, "time", "footprint", "west", "south", "east", "north")
        values = [*(getattr(scene, name) for name in _DESCRIBED), time, outline, *bounds]
        marks = ", ".join("?" * len(columns))
        cursor = self._connection.execute(f"INSERT INTO content ({', '.join(columns)}) VALUES ({marks})", values)
        content = int(cursor.lastrowid or 0)
        if scene.bounds is not None:
            west, south, east, north = scene.bounds
            self._connection.execute(
                "INSERT INTO footprint VALUES (?, ?, ?, ?, ?)", (content, west, east, south, north)
            )
        return content

    def _add_tiles(self, content: int, first: int, shard: Shard, rows: dict[int, int]) -> None:
        values = [
            (first + tile, content, int(shard.level[row]), *shard.windows[row].tolist(), shard.footprints[row])
            for tile, row in sorted(rows.items())
        ]
        self._connection.executemany("INSERT INTO tile VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def replace_shard(self, old: str, new: str | None, index: int, kept: frozenset[int]) -> None:
        """Point the kept contents of a shard at the shard that was written from it, and forget the others' vectors."""
        for content, first, tiles in self._all(
            "SELECT content, first_tile, tiles FROM embedding WHERE shard = ?", (old,)
        ):
            if content not in kept:
                self._connection.execute("DELETE FROM tile WHERE id >= ? AND id < ?", (first, first + tiles))
                self._connection.execute(
                    "DELETE FROM embedding WHERE content = ? AND model_index = ?", (content, index)
                )
        if new is not None and new != old:
            self._connection.execute("INSERT OR IGNORE INTO shard VALUES (?, ?)", (new, index))
            self._connection.execute("UPDATE embedding SET shard = ? WHERE shard = ?", (new, old))
        if new != old:
            self._connection.execute("DELETE FROM shard WHERE name = ?", (old,))

    def forget_gone(self) -> None:
        """Remove files that are gone and contents that neither a file shows nor a shard holds."""
        self._connection.execute("DELETE FROM scene WHERE present = 0")
        unused = "NOT IN (SELECT content FROM scene UNION SELECT content FROM embedding)"
        self._connection.execute(f"DELETE FROM footprint WHERE id {unused}")
        self._connection.execute(f"DELETE FROM content WHERE id {unused}")

    def vacuum(self) -> None:
        """Give unused pages of the database back."""
        with database_faults(self.path):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # -- what a search shows

    def tiles(self, ids: Sequence[int]) -> dict[int, TileFacts]:
        """Tiles by their numbers."""
        found: dict[int, TileFacts] = {}
        for start in range(0, len(ids), 500):
            part = list(ids[start : start + 500])
            marks = ",".join("?" * len(part))
            rows = self._all(
                "SELECT t.id, t.content, t.col, t.row, t.width, t.height, t.footprint, c.sensor, c.polarisation,"
                f" c.acquired FROM tile t JOIN content c ON c.id = t.content WHERE t.id IN ({marks})",
                part,
            )
            for row in rows:
                found[row[0]] = TileFacts(row[0], row[1], tuple(row[2:6]), *row[6:])
        return found

    def files_of(self, contents: Iterable[int]) -> dict[int, list[Path]]:
        """Present files of contents."""
        roots = {root.id: root.path for root in self.roots.all()}
        files: dict[int, list[Path]] = {}
        for content in contents:
            rows = self._all("SELECT root, path FROM scene WHERE content = ? AND present = 1 ORDER BY id", (content,))
            files[content] = [roots[root] / path for root, path in rows]
        return files

    def counts(self, index: int) -> tuple[int, int]:
        """Present files, and tiles that can be found in an index."""
        scenes = self._all("SELECT COUNT(*) FROM scene WHERE present = 1")[0][0]
        tiles = self._all(
            "SELECT COALESCE(SUM(tiles), 0) FROM embedding WHERE model_index = ?"
            " AND content IN (SELECT content FROM scene WHERE present = 1)",
            (index,),
        )[0][0]
        return int(scenes), int(tiles)

    def integrity(self) -> str:
        """The word ok, or what SQLite finds wrong with the file."""
        return str(self._all("PRAGMA integrity_check")[0][0])

    def tile_count(self, content: int, first: int, tiles: int) -> int:
        """Rows of tiles of a content between two numbers."""
        query = "SELECT COUNT(*) FROM tile WHERE content = ? AND id >= ? AND id < ?"
        return int(self._all(query, (content, first, first + tiles))[0][0])


def by_shard(embedded: Iterable[Embedded]) -> dict[str, list[Embedded]]:
    """What each shard holds."""
    found: dict[str, list[Embedded]] = {}
    for one in embedded:
        found.setdefault(one.shard, []).append(one)
    return found


def rows_of_shard(shard: Shard, held_here: Sequence[Embedded]) -> dict[str, Rows]:
    """What the stores of each kind take of a shard: the rows of those contents whose vectors it holds."""
    first = {one.sha: one.first_tile for one in held_here}
    content = {one.sha: one.content for one in held_here}
    held = np.asarray([first.get(scene.sha, -1) for scene in shard.scenes], np.int64)
    numbers = np.asarray([content.get(scene.sha, -1) for scene in shard.scenes], np.int64)
    times = np.asarray(
        [NO_TIME if s.acquired is None else int(datetime.fromisoformat(s.acquired).timestamp()) for s in shard.scenes],
        np.int64,
    )
    # a tile whose place is not known lies somewhere in its scene, of which a STAC item may have told the bounds
    bounds = [
        bounds_of_wkb(outline) or shard.scenes[scene].bounds
        for outline, scene in zip(shard.footprints, shard.content.tolist(), strict=True)
    ]
    boxes = np.asarray([(np.nan,) * 4 if box is None else box for box in bounds], np.float32).reshape(-1, 4)
    ids = (held[shard.content] + shard.tile) * SLOTS + shard.slot if len(shard) else np.zeros(0, np.int64)
    result = {}
    for kind, word in enumerate(KINDS):
        rows = (
            np.flatnonzero((shard.kind == kind) & (held[shard.content] >= 0)) if len(shard) else np.zeros(0, np.int64)
        )
        where = shard.content[rows]
        result[word] = Rows(
            ids[rows], shard.vectors[rows], numbers[where], boxes[rows], times[where],
            [shard.scenes[scene].sensor for scene in where.tolist()],
            [shard.scenes[scene].polarisation for scene in where.tolist()],
        )  # fmt: skip
    return result


def _first_rows(shard: Shard) -> list[dict[int, int]]:
    """For each scene of a shard, the first row of each of its tiles."""
    found: list[dict[int, int]] = [{} for _ in shard.scenes]
    for row, (scene, tile) in enumerate(zip(shard.content.tolist(), shard.tile.tolist(), strict=True)):
        found[scene].setdefault(tile, row)
    return found


def _connect(path: Path, writable: bool) -> sqlite3.Connection:
    if writable:
        connection = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            migrate(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection
    if not path.exists():
        raise no_archive(path.parent)
    address = path.absolute().as_uri()
    try:
        return _reading(f"{address}?mode=ro", path)
    except sqlite3.OperationalError:  # a log needs a side file, which a folder without the right to write does not get
        return _reading(f"{address}?mode=ro&immutable=1", path)


def _reading(address: str, path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)
    try:
        require_known(version_of(connection), path)
        connection.execute("PRAGMA query_only=1")
    except BaseException:
        connection.close()
        raise
    return connection


def no_archive(folder: Path) -> StorageError:
    """The sentence for a folder that is no archive."""
    return StorageError(f"{folder} is not an archive; create one with sarvlm archive add {folder} PATH.")


@contextmanager
def database_faults(path: Path) -> Iterator[None]:
    """Put what SQLite says of a file into a sentence."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        remedy = "check its permissions and the disk"
        if "full" in text:
            remedy = "free some space on its disk, then run the same again: nothing is lost"
        elif "locked" in text:
            remedy = "another program keeps it busy, end that and try again"
        elif "readonly" in text:
            remedy = "the archive may only be read: searching works, adding does not"
        raise StorageError(f"{path} cannot be used ({text}); {remedy}.") from error
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"{path} is damaged ({error}); restore the archive's folder from a backup, or create it anew."
        ) from error
