"""Looking after an archive: what it holds, whether every row is as the files say, and giving space back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.catalogue import SLOTS, Embedded, KnownScene, by_shard, rows_of_shard
from sarvlm_app.core.archive.describe import content_hash, size_and_time
from sarvlm_app.core.archive.embed import guarded
from sarvlm_app.core.archive.sizes import bytes_of
from sarvlm_app.core.archive.store import VectorStore
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import StorageError


@dataclass(frozen=True, slots=True)
class Info:
    """What an archive holds.

    Attributes
    ----------
    scenes, gone : int
        Files that are there, and such as were found to be gone.
    tiles, vectors, bytes : int
    index : str
        How vectors are searched.
    model : str
        Of the index that is searched; empty before the first scene.
    models : tuple of str
        Of all indices.
    roots : tuple of (str, Path)
    """

    scenes: int
    gone: int
    tiles: int
    vectors: int
    bytes: int
    index: str
    model: str
    models: tuple[str, ...]
    roots: tuple[tuple[str, Path], ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Verified:
    """What was looked at and what is wrong; nothing, where all is well."""

    scenes: int = 0
    tiles: int = 0
    vectors: int = 0
    problems: list[str] = field(default_factory=list)


def info(archive: Archive) -> Info:
    """What an archive holds."""
    roots = tuple((root.name, root.path) for root in archive.catalogue.roots.all())
    models = tuple(header.model_id for _, _, header, _ in archive.catalogue.indices())
    known = archive.catalogue.scenes()
    gone, active = sum(not scene.present for scene in known), archive.active()
    if active is None:
        return Info(0, gone, 0, 0, bytes_of(archive.folder), "none", "", models, roots, ())
    index, header = active
    scenes, tiles = archive.catalogue.counts(index)
    stats = [store.stats() for store in archive.stores(index, header).values()]
    kind = max(stats, key=lambda one: one.vectors).kind
    vectors = sum(one.vectors for one in stats)
    notes = tuple(dict.fromkeys(archive.notes))
    size = bytes_of(archive.folder)
    return Info(scenes, gone, tiles, vectors, size, kind, header.model_id, models, roots, notes)


def verify(archive: Archive, ctx: JobContext, *, fast: bool = False) -> Verified:
    """Hold every row against the files, every tile against its shard, and every vector against the index.

    Parameters
    ----------
    fast : bool
        Trust a file whose size and time are unchanged instead of reading it.
    """
    done = Verified()
    state = archive.catalogue.integrity()
    if state != "ok":
        done.problems.append(f"{archive.catalogue.path} is damaged ({state}); restore it from a backup.")
    scenes = [scene for scene in archive.catalogue.scenes() if scene.present]
    roots = {root.id: root.path for root in archive.catalogue.roots.all()}
    for number, scene in enumerate(scenes):
        ctx.step(number, len(scenes), "Checking files")
        fault = _file_fault(roots[scene.root] / scene.path, scene, fast)
        done.problems += [fault] if fault else []
    done.scenes = len(scenes)
    for index, _, header, active in archive.catalogue.indices():
        embedded = archive.catalogue.embedded(index)
        if active:
            done.problems += _not_embedded(scenes, embedded, roots)
        stores = archive.stores(index, header, ctx)
        done.problems += _shard_faults(archive, index, stores, embedded, done, ctx)
    done.problems += [note for note in dict.fromkeys(archive.notes) if note not in done.problems]
    done.problems += _strangers(archive)
    return done


def _file_fault(path: Path, scene: KnownScene, fast: bool) -> str | None:
    if not path.exists():
        return f"{path} is gone; bring it back, or add its folder again to have it taken out."
    state = guarded(str(path), lambda: size_and_time(path))
    if isinstance(state, str):
        return state
    changed = f"{path} has changed since it was added; add it again."
    if state[0] != scene.size:
        return changed
    if fast:
        return None if state[1] == scene.mtime_ns else changed
    sha = guarded(str(path), lambda: content_hash(path))
    if sha == scene.sha:
        return None
    return changed if len(sha) == len(scene.sha) and " " not in sha else sha


def _not_embedded(scenes: list[KnownScene], embedded: list[Embedded], roots: dict[int, Path]) -> Iterator[str]:
    have = {one.content for one in embedded}
    for scene in scenes:
        if scene.content not in have:
            yield f"{roots[scene.root] / scene.path} has no vectors in the index; add it again."


def _shard_faults(
    archive: Archive, index: int, stores: dict[str, VectorStore], embedded: list[Embedded], done: Verified,
    ctx: JobContext,
) -> Iterator[str]:  # fmt: skip
    """What is wrong between catalogue, shards and stores of an index."""
    names, held_by = archive.catalogue.shards(index), by_shard(embedded)
    for number, name in enumerate(names):
        ctx.step(number, len(names), "Checking vectors")
        try:
            shard = archive.read(name)
        except StorageError as error:
            yield str(error)
            continue
        held = {scene.sha: scene.tiles for scene in shard.scenes}
        own = held_by.get(name, [])
        for one in own:
            done.tiles += one.tiles
            if held.get(one.sha) != one.tiles:
                yield f"{archive.shard_path(name)} lacks tiles of content {one.sha[:12]}; add its scene again."
            if archive.catalogue.tile_count(one.content, one.first_tile, one.tiles) != one.tiles:
                yield f"{archive.catalogue.path} lacks tiles of content {one.sha[:12]}; add its scene again."
        for kind, rows in rows_of_shard(shard, own).items():
            done.vectors += len(rows)
            stored = stores[kind].vectors(rows.ids)
            wrong = np.abs(stored - rows.vectors.astype(np.float32)).max(axis=1) > 1e-3 if len(rows) else np.zeros(0)
            if wrong.any():
                tiles = len(set((rows.ids[wrong] // SLOTS).tolist()))
                yield (
                    f"The index has other vectors ({kind}) than {archive.shard_path(name)} for {tiles} tiles; "
                    "run sarvlm archive compact, which builds it again."
                )


def _strangers(archive: Archive) -> Iterator[str]:
    """Vectors that no row of the catalogue names are left by a process that was killed, and harmless."""
    named = {f"{name}.parquet" for name in archive.catalogue.shards()}
    for file in sorted((archive.folder / "shards").glob("*.parquet")):
        if file.name not in named:
            archive.notes.append(f"{file} is left from an unfinished step; the next add removes it.")
    return iter(())


def compact(archive: Archive, ctx: JobContext) -> int:
    """Give back the space of what is gone, merge the index's segments; gives the bytes freed.

    Contents that no present file shows lose their vectors: a file that comes
    back later is embedded again. An index that is damaged or does not fit the
    shards is built anew from them.

    Raises
    ------
    StorageError
        The disk is full, or a shard is damaged.
    """
    before = bytes_of(archive.folder)
    gone = archive.catalogue.gone()
    for index, _, header, _ in archive.catalogue.indices():
        embedded = archive.catalogue.embedded(index)
        stores = archive.stores(index, header, ctx)
        if not _agrees(archive, index, stores, embedded):
            for store in stores.values():
                store.clear()
            stores = archive.stores(index, header, ctx)
        kept = frozenset(one.content for one in embedded) - gone
        for name in archive.catalogue.shards(index):
            ctx.step(message="Compacting")
            own = [one for one in embedded if one.shard == name]
            stays = frozenset(one.sha for one in own if one.content in kept)
            if len(stays) < len(own) or not own:
                new = archive.rewrite_shard(name, stays) if stays else None
                with archive.catalogue.changes():
                    archive.catalogue.replace_shard(name, new, index, kept)
        for store in stores.values():
            store.compact(archive.catalogue.shards(index))
            store.close()
    with archive.catalogue.changes():
        archive.catalogue.forget_gone()
    archive.sweep()
    archive.catalogue.vacuum()
    return before - bytes_of(archive.folder)


def _agrees(archive: Archive, index: int, stores: dict[str, VectorStore], embedded: list[Embedded]) -> bool:
    """Whether the stores hold what the shards say."""
    held_by = by_shard(embedded)
    for name in archive.catalogue.shards(index):
        for kind, rows in rows_of_shard(archive.read(name), held_by.get(name, [])).items():
            stored = stores[kind].vectors(rows.ids)
            if len(rows) and np.abs(stored - rows.vectors.astype(np.float32)).max() > 1e-3:
                return False
    return True
