"""Adding to an archive: what is new or changed is embedded shard by shard, and each shard is kept in one step.

A shard is first a file, then rows of the catalogue in one transaction, then
rows of the index. Wherever a process ends, the next one finds a file that
nobody names (and removes it) or rows that the index lacks (and adds them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sarvlm_app.core.archive import runners
from sarvlm_app.core.archive.archive import Archive, changing, key_of
from sarvlm_app.core.archive.catalogue import KnownScene
from sarvlm_app.core.archive.describe import content_hash, size_and_time
from sarvlm_app.core.archive.embed import EncoderProvider, Manifest, ManifestItem, ShardProgress, guarded, header_of
from sarvlm_app.core.archive.roots import innermost
from sarvlm_app.core.archive.scoring import calibrate
from sarvlm_app.core.archive.shard import Fault, Header, from_parquet
from sarvlm_app.core.archive.sources import Collected, Source, collect
from sarvlm_app.core.archive.stac import collect_stac
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import TextVectors

FILES_A_SHARD: Final = 64
BYTES_A_SHARD: Final = 16 * 2**20
"""Bytes of files that one shard covers at most: what is lost when a process is killed, and the step of the progress."""
SHARDS_AN_UPSERT: Final = 32
LARGE: Final = 50e6
"""Bytes to do from which the progress counts in megabytes."""


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What to add, and where to work.

    Attributes
    ----------
    paths : tuple of Path
        Folders and files.
    stac : Path, optional
        A local STAC catalogue.
    workers : int
        Processes of this machine; 1 is this one.
    dask : str, optional
        Address of a Dask scheduler; goes before `workers`.
    qdrant : str, optional
        Address of a Qdrant server that shall hold the vectors from now on.
    """

    paths: tuple[Path, ...] = ()
    recursive: bool = False
    stac: Path | None = None
    workers: int = 1
    dask: str | None = None
    qdrant: str | None = None


@dataclass(slots=True)
class AddReport:
    """What was done; `moved` and `gone` are files that were found elsewhere or no more."""

    added: int = 0
    skipped: int = 0
    moved: int = 0
    gone: int = 0
    tiles: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AddProgress:
    """How far an `add` is; goes out by `ctx.partial`.

    Attributes
    ----------
    files, total : int
        Files to embed that are done, and all of them.
    skipped, tiles, kept : int
        Files that were as they are, tiles made by now, and those of them that are part of the archive already.
    faults : tuple of Fault
        Files of finished shards that could not be taken.
    """

    files: int
    total: int
    skipped: int
    tiles: int
    kept: int = 0
    faults: tuple[Fault, ...] = ()


def add(folder: Path, request: AddRequest, provide: EncoderProvider, ctx: JobContext) -> AddReport:
    """Bring an archive up to date with files, folders or a STAC catalogue; makes it where there is none.

    Parameters
    ----------
    folder : Path
        Of the archive.
    provide : callable
        Gives the encoder; a process or a cluster's worker calls it too, so it can be pickled.

    Raises
    ------
    SceneError
        A path does not exist, or the STAC cannot be read.
    StorageError, ModelError
    JobCancelled
        What was finished is kept, and the next call goes on from there.
    """
    began = time.perf_counter()
    ctx.step(message="Looking for files")
    found = collect(request.paths, recursive=request.recursive)
    if request.stac is not None:
        found = _joined(found, collect_stac(request.stac))
    encoder = provide()
    header = header_of(encoder.spec)
    with changing(folder, ctx, create=True) as archive:
        adding = _Adding(archive, header, ctx)
        adding.report.faults += found.faults
        adding.prepare(request)
        manifests = adding.plan(found)
        for data in _results(manifests, provide, ctx, request, adding.tell):
            adding.keep(data)
        adding.finish(TextVectors(encoder))
        adding.report.notes = list(dict.fromkeys(archive.notes))
    adding.report.seconds = time.perf_counter() - began
    return adding.report


def _joined(one: Collected, other: Collected) -> Collected:
    sources = {source.path: source for source in [*one.sources, *other.sources]}
    return Collected(list(sources.values()), one.scopes + other.scopes, one.faults + other.faults)


def _results(
    manifests: Sequence[Manifest],
    provide: EncoderProvider,
    ctx: JobContext,
    request: AddRequest,
    told: Callable[[ShardProgress], None],
) -> Iterator[bytes]:
    if not manifests:
        return iter(())
    if request.dask is not None:
        return runners.over_dask(manifests, provide, ctx, request.dask)
    if request.workers > 1:
        return runners.in_processes(manifests, provide, ctx, request.workers)
    return runners.here(manifests, provide, ctx, told)


class _Adding:
    """One run of `add` on an archive that is held alone."""

    def __init__(self, archive: Archive, header: Header, ctx: JobContext) -> None:
        self._archive, self._header, self._ctx = archive, header, ctx
        self._catalogue = archive.catalogue
        self.report = AddReport()
        self._index = 0
        self._waiting: list[str] = []
        self._places: dict[str, tuple[int, str, tuple[int, int]]] = {}
        self._sizes: dict[str, int] = {}
        self._queue: list[Manifest] = []
        self._done_bytes = self._total_bytes = 0
        self._done_files = self._files = 0

    def prepare(self, request: AddRequest) -> None:
        """Take up what an earlier process left, and declare where the paths lie."""
        with self._catalogue.changes():
            known = self._catalogue.index_of(key_of(self._header))
            self._index = known or self._catalogue.add_index(key_of(self._header), self._header)
            if request.qdrant is not None:
                self._catalogue.set_meta("qdrant", request.qdrant)
        self._archive.sweep()
        for name in self._catalogue.shards(self._index):
            if not self._archive.shard_path(name).exists():
                with self._catalogue.changes():
                    self._catalogue.replace_shard(name, None, self._index, frozenset())

    def plan(self, found: Collected) -> list[Manifest]:
        """Sort what was found into unchanged, moved and to be done; mark what is gone; cut the rest into shards."""
        with self._catalogue.changes():
            for folder in dict.fromkeys(folder for folder, _ in found.scopes):
                self._catalogue.roots.declare(folder)
            for folder in dict.fromkeys(source.path.parent for source in found.sources):
                self._catalogue.roots.declare(folder)
        declared = self._catalogue.roots.all()
        roots = {root.id: root.path for root in declared}
        known = {(scene.root, scene.path): scene for scene in self._catalogue.scenes()}
        embedded = {one.sha: one.content for one in self._catalogue.embedded(self._index)}
        sizes = self._catalogue.content_sizes()
        todo, seen = [], set()
        for number, source in enumerate(found.sources):
            self._ctx.step(number, len(found.sources), "Comparing files")
            place = innermost(declared, source.path)
            assert place is not None
            key = (place[0].id, place[1])
            seen.add(key)
            if self._take_known(source, key, known.get(key), embedded, sizes):
                todo.append(source)
        gone = [
            scene.id for key, scene in known.items()
            if scene.present and key not in seen and found.covers(roots[scene.root] / scene.path)
        ]  # fmt: skip
        with self._catalogue.changes():
            self._catalogue.set_present(gone, present=False)
        self.report.gone = len(gone)
        return self._manifests(todo)

    def _take_known(
        self, source: Source, key: tuple[int, str], scene: KnownScene | None, embedded: dict[str, int], sizes: set[int]
    ) -> bool:
        """Pass over a file that is as it was, or elsewhere known by its content; whether it is to be done."""
        path = source.path
        if any("\ud800" <= character <= "\udfff" for character in str(path)):
            name = str(path).encode("utf-8", "backslashreplace").decode()
            reason = f"{name} has a name that is no text in this system's encoding; rename the file."
            self.report.faults.append(Fault(name, reason))
            return False
        state = guarded(str(path), lambda: size_and_time(path))
        if isinstance(state, str):
            self.report.faults.append(Fault(str(path), state))
            return False
        self._places[str(path)] = (*key, state)
        self._sizes[str(path)] = state[0]
        if scene is not None and (scene.size, scene.mtime_ns) == state and scene.sha in embedded:
            if not scene.present:
                with self._catalogue.changes():
                    self._catalogue.set_present([scene.id], present=True)
            self.report.skipped += 1
            return False
        if state[0] not in sizes:
            return True
        sha = guarded(str(path), lambda: content_hash(path))
        if sha not in embedded:
            return True
        with self._catalogue.changes():
            self._catalogue.place_scene(*key, embedded[sha], state)
        self.report.skipped += 1
        self.report.moved += scene is None
        return False

    def _manifests(self, todo: Sequence[Source]) -> list[Manifest]:
        manifests: list[Manifest] = []
        items: list[ManifestItem] = []
        held = 0
        for source in todo:
            size = self._sizes[str(source.path)]
            if items and (len(items) >= FILES_A_SHARD or held + size > BYTES_A_SHARD):
                manifests.append(Manifest(self._header, tuple(items)))
                items, held = [], 0
            items.append(ManifestItem(str(source.path), source.hints))
            held += size
        if items:
            manifests.append(Manifest(self._header, tuple(items)))
        self._total_bytes = sum(self._sizes[item.path] for manifest in manifests for item in manifest.items)
        self._queue = list(manifests)
        self._files = sum(len(manifest.items) for manifest in manifests)
        self.tell(ShardProgress())
        return manifests

    def tell(self, shard: ShardProgress) -> None:
        """Report how far the work is, with what is done of the present shard."""
        if not self._total_bytes:
            return
        items = self._queue[0].items if self._queue else ()
        share = min(1.0, (shard.files + shard.share) / len(items)) if items else 0.0
        within = share * sum(self._sizes[item.path] for item in items)
        unit, name = (1e6, "MB") if self._total_bytes >= LARGE else (1e3, "kB")
        done, total = (round(value / unit) for value in (self._done_bytes + within, self._total_bytes))
        self._ctx.partial(
            AddProgress(
                self._done_files + shard.files, self._files, self.report.skipped, self.report.tiles + shard.tiles,
                self.report.tiles, tuple(self.report.faults),
            )
        )  # fmt: skip
        if total:
            self._ctx.step(done, total, f"Embedding ({name})")

    def keep(self, data: bytes) -> None:
        """Make a finished shard part of the archive: its file, then the catalogue, now and then the index."""
        shard = from_parquet(data)
        self.report.faults += shard.faults
        manifest = self._queue.pop(0)
        if len(shard):
            name = self._archive.keep_shard(data)
            with self._catalogue.changes():
                new = self._catalogue.add_shard(name, self._index, shard)
                for scene in shard.scenes:
                    self._place(scene.path, scene.sha)
                    self.report.tiles += scene.tiles if scene.sha in new else 0
            self._waiting.append(name)
        self._copies(manifest, {scene.path for scene in shard.scenes} | {fault.path for fault in shard.faults})
        self._done_bytes += sum(self._sizes[item.path] for item in manifest.items)
        self._done_files += len(manifest.items)
        if len(self._waiting) >= SHARDS_AN_UPSERT:
            self._index_waiting()
        self.tell(ShardProgress())

    def _copies(self, manifest: Manifest, told: set[str]) -> None:
        """Place files of a shard whose content another file of it has as well."""
        for item in manifest.items:
            if item.path not in told:
                with self._catalogue.changes():
                    self._place(item.path, content_hash(Path(item.path)))

    def _place(self, path: str, sha: str) -> None:
        """Point a file at its content."""
        content = self._catalogue.content_of(sha)
        if content is not None:
            root, within, state = self._places[path]
            self._catalogue.place_scene(root, within, content, state)
            self.report.added += 1

    def _index_waiting(self) -> None:
        self._archive.stores(self._index, self._header, self._ctx)
        self._waiting = []

    def finish(self, texts: TextVectors) -> None:
        """Bring the index up to date, measure the background, and have a complete index be the one that is searched."""
        self._ctx.step(message="Indexing")
        stores = self._archive.stores(self._index, self._header, self._ctx)
        if self.report.added or self.report.gone or not self._catalogue.calibrations(self._index):
            levels = calibrate(stores, texts, self._ctx)
            with self._catalogue.changes():
                self._catalogue.set_calibrations(self._index, levels)
        self._activate()
        for store in stores.values():
            store.close()

    def _activate(self) -> None:
        active = self._archive.active()
        if active is None or active[0] == self._index:
            return
        own = {one.content for one in self._catalogue.embedded(self._index)}
        if {scene.content for scene in self._catalogue.scenes() if scene.present} <= own:
            with self._catalogue.changes():
                self._catalogue.activate(self._index)
        else:
            self._archive.notes.append(
                f"The archive is still searched with {active[1].model_id}: not all of its scenes are embedded with "
                f"{self._header.model_id} yet; add the others to have it take over."
            )
