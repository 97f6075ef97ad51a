"""An archive on disk: its folder, its lock, its catalogue and the stores of its vectors.

The folder holds `archive.sqlite`, the Parquet files of `shards/` (each named by
the hash of its bytes) and `index/`. What the catalogue names is the archive;
the index can be built from it again at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from filelock import FileLock, Timeout

from sarvlm_app.core.archive.catalogue import FILE, Catalogue, by_shard, no_archive, rows_of_shard
from sarvlm_app.core.archive.faiss_store import DamagedStoreError, FaissStore
from sarvlm_app.core.archive.shard import KINDS, Header, Shard, read_shard, to_parquet
from sarvlm_app.core.archive.store import Rows, VectorStore
from sarvlm_app.core.export.atomic import replace_when_done, storage_error
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import StorageError

if TYPE_CHECKING:
    from types import TracebackType

SHARDS: Final = "shards"
INDEX: Final = "index"
LOCK: Final = "lock"
LOOK_S: Final = 0.2
SHARDS_AT_ONCE: Final = 64


def key_of(header: Header) -> str:
    """Name of an index: follows everything that its vectors are made by."""
    return hashlib.sha256(json.dumps(asdict(header), sort_keys=True).encode()).hexdigest()[:16]


class Archive:
    """An open archive.

    Parameters
    ----------
    folder : Path
    writable : bool
        Whoever changes it holds `locked` as well.

    Raises
    ------
    StorageError
        It is none, damaged or of a newer version.
    """

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        self.folder = Path(os.path.abspath(folder.expanduser()))
        self.writable = writable
        if not (self.folder / FILE).exists() and not writable:
            raise no_archive(self.folder)
        self.catalogue = Catalogue(self.folder, writable=writable)
        self.notes: list[str] = []
        self._client: object = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalogue."""
        self.catalogue.close()

    def active(self) -> tuple[int, Header] | None:
        """The index that is searched; None before the first scene."""
        return next(((number, header) for number, _, header, active in self.catalogue.indices() if active), None)

    def index_for(self, header: Header) -> int | None:
        """The index made by a header."""
        return self.catalogue.index_of(key_of(header))

    def index_folder(self, header: Header) -> Path:
        return self.folder / INDEX / key_of(header)

    # -- shards

    def shard_path(self, name: str) -> Path:
        return self.folder / SHARDS / f"{name}.parquet"

    def keep_shard(self, data: bytes) -> str:
        """Write the bytes of a shard under the name of their hash; gives the name."""
        name = hashlib.sha256(data).hexdigest()[:24]
        path = self.shard_path(name)
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise storage_error(path, error) from error
        with replace_when_done(path) as part:
            part.write_bytes(data)
        return name

    def read(self, name: str) -> Shard:
        """The shard of a name; raises StorageError where it is damaged."""
        return read_shard(self.shard_path(name))

    def rewrite_shard(self, name: str, shas: frozenset[str]) -> str | None:
        """The same shard with only some contents, under its new name; None where nothing is left."""
        shard = self.read(name).only(shas)
        return self.keep_shard(to_parquet(shard)) if len(shard) else None

    def sweep(self) -> int:
        """Remove files that no finished step names; gives their bytes."""
        freed = 0
        named = {f"{name}.parquet" for name in self.catalogue.shards()}
        keys = {key for _, key, _, _ in self.catalogue.indices()}
        for file in (self.folder / SHARDS).glob("*"):
            if file.name not in named:
                freed += file.stat().st_size
                file.unlink()
        for folder in (self.folder / INDEX).glob("*"):
            if folder.name not in keys:
                shutil.rmtree(folder, ignore_errors=True)
        return freed

    # -- stores

    def stores(self, index: int, header: Header, ctx: JobContext | None = None) -> dict[str, VectorStore]:
        """The stores of an index by kind of vector, holding all that the catalogue names.

        What a killed process did not store is taken from the shards; a damaged
        store is built anew (in memory, where nothing may be written).
        """
        stores = {kind: self._store(header, kind) for kind in KINDS}
        names = set(self.catalogue.shards(index))
        for store in stores.values():
            if store.shards - names and self.writable:
                store.clear()
        missing = sorted(names - frozenset.intersection(*(store.shards for store in stores.values())))
        if missing:
            self.fill(stores, index, missing, ctx or JobContext())
        gone = self.catalogue.gone()
        for store in stores.values():
            store.hide(gone)
        return stores

    def fill(self, stores: dict[str, VectorStore], index: int, names: list[str], ctx: JobContext) -> None:
        """Have stores take shards."""
        embedded = by_shard(self.catalogue.embedded(index))
        for start in range(0, len(names), SHARDS_AT_ONCE):
            parts: dict[str, list[tuple[str, Rows]]] = {kind: [] for kind in KINDS}
            for name in names[start : start + SHARDS_AT_ONCE]:
                ctx.step(start, len(names), "Indexing")
                try:
                    shard = self.read(name)
                except StorageError as error:
                    self._lost(name, index, error)
                    continue
                for kind, rows in rows_of_shard(shard, embedded.get(name, [])).items():
                    parts[kind].append((name, rows))
            for kind, store in stores.items():
                store.upsert(parts[kind])

    def _lost(self, name: str, index: int, error: StorageError) -> None:
        """A shard that cannot be read: its scenes are made again when they are added again."""
        self.notes.append(str(error))
        if self.writable:
            with self.catalogue.changes():
                self.catalogue.replace_shard(name, None, index, frozenset())

    def _store(self, header: Header, kind: str) -> VectorStore:
        folder = self.index_folder(header)
        url = self.catalogue.meta("qdrant")
        if url:
            from sarvlm_app.core.archive.qdrant_store import QdrantStore, connect

            client = self._client = self._client or connect(url)
            name = f"sarvlm-{self.catalogue.meta('id')}-{key_of(header)}-{kind}"
            return QdrantStore(client, url, name, header.dim, folder / f"qdrant-{kind}.json")  # type: ignore[arg-type]
        try:
            return FaissStore(folder / kind, header.dim, writable=self.writable)
        except DamagedStoreError as error:
            if not self.writable:
                self.notes.append(str(error))
                return FaissStore(folder / f"{kind}-in-memory", header.dim, writable=False)
            shutil.rmtree(folder / kind, ignore_errors=True)
            return FaissStore(folder / kind, header.dim, writable=True)


@contextmanager
def changing(folder: Path, ctx: JobContext, *, create: bool) -> Iterator[Archive]:
    """An archive to change, held alone: whoever comes second waits.

    Parameters
    ----------
    folder : Path
    ctx : JobContext
        Told of the waiting; a cancel ends it.
    create : bool
        Make it where there is none.

    Raises
    ------
    StorageError
        It cannot be written to, or a folder of that name holds something else.
    """
    folder = Path(os.path.abspath(folder.expanduser()))
    _require_archive(folder, create)
    try:
        lock = FileLock(folder / LOCK)
        while True:
            try:
                lock.acquire(timeout=LOOK_S)
                break
            except Timeout:
                ctx.step(message="Waiting for another process that changes the archive")
        try:
            with Archive(folder, writable=True) as archive:
                if archive.catalogue.meta("id") is None:
                    with archive.catalogue.changes():
                        archive.catalogue.set_meta("id", secrets.token_hex(6))
                yield archive
        finally:
            lock.release()
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise storage_error(folder, error) from error


def _require_archive(folder: Path, create: bool) -> None:
    if (folder / FILE).exists():
        return
    if not create:
        raise no_archive(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [entry.name for entry in folder.iterdir() if entry.name not in (LOCK, SHARDS, INDEX)]
    except OSError as error:
        raise storage_error(folder, error) from error
    if any(not name.startswith(FILE) for name in others):
        raise StorageError(
            f"{folder} is a folder that holds other things and no archive; name a new folder for the archive."
        )
