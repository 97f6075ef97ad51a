"""From files to vectors: `embed_shard` is a pure function that one process, a pool and a cluster call alike."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

import numpy as np

from sarvlm_app.core.archive.describe import content_hash, described, size_and_time, tile_footprints
from sarvlm_app.core.archive.shard import KINDS, Described, Fault, Header, Shard, to_parquet
from sarvlm_app.core.archive.tiles import CHIP_PX, PlannedTile, plan_tiles, tile_vectors
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.radiometry import to_amplitude
from sarvlm_app.core.scene import Scene, close_handles, default_band, open_scene, read_chip
from sarvlm_app.core.scene_index import Layout, encode_chip, layout_of
from sarvlm_app.errors import JobCancelled, ModelError, SceneError
from sarvlm_models.api import DenseEncoder, PictureEncoder
from sarvlm_models.types import Chip, EncoderSpec, Float16, Float32, Window

PREPROCESSING: Final = "tiles 1: whole pictures to 256 px, else mean and parts of patches, amplitude over the scene's"
PICTURES_AT_ONCE: Final = 32
AHEAD: Final = 2
"""Windows or files read while the model is busy with another."""

Item = TypeVar("Item")
Value = TypeVar("Value")


@runtime_checkable
class ArchiveEncoder(DenseEncoder, PictureEncoder, Protocol):
    """Encodes scenes densely and small pictures as a whole."""


EncoderProvider = Callable[[], ArchiveEncoder]
_ONE_AT_A_TIME = threading.Lock()
"""An encoder takes one caller at a time; a cluster's worker may have several threads."""


@dataclass(frozen=True, slots=True)
class ManifestItem:
    """A file to embed; `hints` are what a STAC item says of it."""

    path: str
    hints: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that decides a shard, beside the files' content and the model."""

    header: Header
    items: tuple[ManifestItem, ...]


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """How far a shard is: files that are done, the share of the one at work, tiles made; goes out by `ctx.partial`."""

    files: int = 0
    share: float = 0.0
    tiles: int = 0


def header_of(spec: EncoderSpec) -> Header:
    """What vectors of this encoder are made by."""
    return Header(spec.model_id, spec.weights_sha256, spec.dim, PREPROCESSING)


def embed_shard(manifest: Manifest, provide: EncoderProvider, ctx: JobContext | None = None) -> bytes:
    """Tiles and vectors of the files of a manifest, as the bytes of a Parquet file.

    Parameters
    ----------
    manifest : Manifest
    provide : callable
        Gives the encoder; loads it once a process.
    ctx : JobContext, optional
        Asked to go on at every window, and told of a `ShardProgress` (not part of the result).

    Raises
    ------
    ModelError
        The encoder is not the one that the manifest names. A file that cannot be read is a `Fault` of the shard.
    """
    with _ONE_AT_A_TIME:
        encoder = provide()
        if header_of(encoder.spec) != manifest.header:
            raise ModelError(
                f"The worker has the model {encoder.spec.model_id}, but the archive is made with "
                f"{manifest.header.model_id}; give all workers the same --model and version of the program."
            )
        embedding = _Embedding(manifest, encoder, ctx or JobContext())
        return to_parquet(embedding.run())


@dataclass(slots=True)
class _Read:
    """A file as it was read: its scene, and the picture where it is small enough to be seen whole."""

    scene: Scene
    band: int
    about: Described
    picture: Float32 | None


@dataclass(slots=True)
class _Tiles:
    """What was made of one file."""

    about: Described
    scene: Scene
    windows: list[tuple[int, Window]] = field(default_factory=list)
    vectors: list[list[tuple[int, int, Float32]]] = field(default_factory=list)


class _Embedding:
    """One run of `embed_shard`."""

    def __init__(self, manifest: Manifest, encoder: ArchiveEncoder, ctx: JobContext) -> None:
        self._manifest, self._encoder, self._ctx = manifest, encoder, ctx
        self._faults: dict[str, Fault] = {}
        self._made: dict[int, _Tiles] = {}
        self._waiting: list[tuple[int, _Read]] = []

    def run(self) -> Shard:
        items = self._manifest.items
        for number, (item, read) in enumerate(zip(items, look_ahead(items, self._read), strict=True)):
            self._ctx.step()
            if isinstance(read, str):
                self._faults[item.path] = Fault(item.path, read)
            elif read.picture is not None:
                self._waiting.append((number, read))
                if len(self._waiting) >= PICTURES_AT_ONCE:
                    self._pictures()
            else:
                self._dense(number, item, read)
                self._tell()
        self._pictures()
        return self._shard()

    def _tell(self) -> None:
        tiles = sum(len(made.windows) for made in self._made.values())
        self._ctx.partial(ShardProgress(len(self._made) + len(self._faults), 0.0, tiles))

    def _read(self, item: ManifestItem) -> _Read | str:
        """Open a file and read it where it is small; the sentence of its fault where it is bad."""
        return guarded(item.path, lambda: _read_item(item))

    def _pictures(self) -> None:
        """Encode the small pictures that wait, those of one spacing together."""
        waiting, self._waiting = self._waiting, []
        for spacing in dict.fromkeys(read.about.spacing_m for _, read in waiting):
            group = [(number, read) for number, read in waiting if read.about.spacing_m == spacing]
            pictures = [read.picture for _, read in group if read.picture is not None]
            vectors = self._encoder.encode_pictures(pictures, spacing)
            for (number, read), vector in zip(group, vectors, strict=True):
                window = Window(0, 0, read.scene.width, read.scene.height)
                whole = KINDS.index("whole")
                self._made[number] = _Tiles(read.about, read.scene, [(0, window)], [[(whole, 0, vector)]])
        if waiting:
            self._tell()

    def _dense(self, number: int, item: ManifestItem, read: _Read) -> None:
        fault = guarded(item.path, lambda: self._tile(number, read))
        if fault is not None:
            self._faults[item.path] = Fault(item.path, fault)

    def _tile(self, number: int, read: _Read) -> None:
        scene, layout = read.scene, layout_of(read.scene, read.band, self._encoder.spec)
        tiles = _Tiles(read.about, scene)
        try:
            for plan, patches in tiles_of(scene, layout, self._encoder, self._ctx):
                vectors = tile_vectors(patches)
                if vectors is None:
                    continue
                ground, part = KINDS.index("ground"), KINDS.index("part")
                tiles.windows.append((plan.level, plan.window(layout.cell_px, scene.width, scene.height)))
                tiles.vectors.append(
                    [(ground, 0, vectors[0]), *((part, slot, vector) for slot, vector in enumerate(vectors[1:]))]
                )
        finally:
            close_handles(scene)
        if not tiles.windows:
            raise no_data(str(scene.path))
        self._made[number] = tiles

    def _shard(self) -> Shard:
        """The rows in the order of the manifest, whatever the order they were made in."""
        header = self._manifest.header
        scenes: list[Described] = []
        rows: list[tuple[int, int, int, int, int]] = []
        windows: list[tuple[int, int, int, int]] = []
        outlines: list[bytes | None] = []
        vectors: list[Float32] = []
        for _, made in sorted(self._made.items()):
            if any(scene.sha == made.about.sha for scene in scenes):
                continue  # a copy of a file that is in this shard already
            place = len(scenes)
            scenes.append(replace(made.about, tiles=len(made.windows)))
            wkbs = tile_footprints(made.scene, [window for _, window in made.windows])
            for tile, ((level, window), own, wkb) in enumerate(zip(made.windows, made.vectors, wkbs, strict=True)):
                for kind, slot, vector in own:
                    rows.append((place, tile, level, kind, slot))
                    windows.append((window.col, window.row, window.width, window.height))
                    outlines.append(wkb)
                    vectors.append(vector)
        columns = np.asarray(rows, np.int64).reshape(-1, 5).T
        stacked = np.asarray(vectors, np.float16).reshape(-1, header.dim)
        content, number, level_, kind_, slot_ = columns
        faults = tuple(fault for _, fault in sorted(self._faults.items()))
        return Shard(
            header, tuple(scenes), faults, content, number, level_, kind_, slot_,
            np.asarray(windows, np.int64).reshape(-1, 4), outlines, stacked,
        )  # fmt: skip


def _read_item(item: ManifestItem) -> _Read:
    path = Path(item.path)
    scene = open_scene(path)
    band = default_band(scene)
    about = described(scene, band, content_hash(path), size_and_time(path)[0], item.hints)
    picture = None
    if max(scene.width, scene.height) <= CHIP_PX:
        picture = read_whole(scene, band)
    return _Read(scene, band, about, picture)


def read_whole(scene: Scene, band: int) -> Float32:
    """A small picture as linear amplitude float32 (h, w).

    Raises
    ------
    SceneError
        It cannot be read or holds no data.
    """
    try:
        chip = read_chip(scene, Window(0, 0, scene.width, scene.height), band)
    finally:
        close_handles(scene)
    if not chip.valid.any():
        raise no_data(str(scene.path))
    return to_amplitude(chip.intensity)


def no_data(path: str) -> SceneError:
    """The sentence for a file in which no pixel holds data."""
    return SceneError(f"{path} holds no data, every pixel is no data, zero or NaN; copy it again or take it out.")


def guarded(path: str, work: Callable[[], Value]) -> Value | str:
    """What the work on one file gives, or the sentence of the fault; a bad file never ends the others' work."""
    try:
        return work()
    except (JobCancelled, ModelError):
        raise
    except SceneError as fault:
        return str(fault)
    except (OSError, ValueError, ArithmeticError, RuntimeError, MemoryError, LookupError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        return f"{path} cannot be read ({reason}); copy it again or take it out."


def tiles_of(
    scene: Scene, layout: Layout, encoder: DenseEncoder, ctx: JobContext
) -> Iterator[tuple[PlannedTile, Float16]]:
    """The tiles of a scene with their patch vectors, each window encoded once for tiles of all sizes.

    Only the rows of cells that unfinished tiles need are held in memory.
    """
    spacing, cell = layout.key.spacing_m, layout.cell
    waiting = plan_tiles(spacing, layout.rows, layout.cols, cell)
    first, held = 0, np.zeros((0, layout.cols, layout.dim), np.float16)
    for strip in _strips(scene, layout, encoder, ctx):
        held = np.concatenate((held, strip))
        ready = [tile for tile in waiting if tile.bottom <= first + len(held)]
        for tile in ready:
            yield tile, held[tile.top - first : tile.bottom - first, tile.left : tile.right]
        waiting = waiting[len(ready) :]
        needed = min((tile.top for tile in waiting), default=first + len(held))
        held, first = held[needed - first :], needed


def _strips(scene: Scene, layout: Layout, encoder: DenseEncoder, ctx: JobContext) -> Iterator[Float16]:
    """Patch vectors of a scene from top to bottom: float16 (some rows, all columns, d) at a time."""
    cell, factor = layout.cell, layout.key.factor
    tiles = layout.tiles()
    strip, end = np.zeros((0, layout.cols, layout.dim), np.float16), 0

    def read(number: int) -> Chip:
        window = tiles[number].read
        height, width = math.ceil(window.height / cell) * cell, math.ceil(window.width / cell) * cell
        place = Window(window.col * factor, window.row * factor, width * factor, height * factor)
        return read_chip(scene, place, layout.key.band, (height, width) if factor > 1 else None)

    for done, (tile, chip) in enumerate(zip(tiles, look_ahead(range(len(tiles)), read), strict=True)):
        ctx.step(done, len(tiles))
        keep, seen = tile.keep, tile.read
        top, bottom = keep.row // cell, min(math.ceil(keep.row_end / cell), layout.rows)
        left, right = keep.col // cell, min(math.ceil(keep.col_end / cell), layout.cols)
        if bottom != end:
            if end:
                yield strip
            strip, end = np.zeros((bottom - top, layout.cols, layout.dim), np.float16), bottom
        patches = encode_chip(scene, encoder, layout, chip)
        if patches is not None:
            row, col = top - seen.row // cell, left - seen.col // cell
            strip[:, left:right] = patches[row : row + bottom - top, col : col + right - left]
    yield strip


def look_ahead(items: Iterable[Item], read: Callable[[Item], Value]) -> Iterator[Value]:
    """What `read` gives for each item, in order; while one is used, the next are being read."""
    todo = iter(items)
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="archive-read") as pool:
        waiting = [pool.submit(read, item) for _, item in zip(range(AHEAD), todo, strict=False)]
        try:
            while waiting:
                value = waiting.pop(0).result()
                waiting += [pool.submit(read, item) for _, item in zip(range(1), todo, strict=False)]
                yield value
        finally:
            for future in waiting:
                future.cancel()
