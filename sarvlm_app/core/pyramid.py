"""The display pyramid of a scene: any level, any window, in decibels, without waiting for the whole.

Level 0 is the file; each further level halves it by the mean of intensity,
until the longer edge is at most 512. A level comes, in this order,

* from the file: full resolution, the level above it, and what the file's own
  overviews serve (not those of complex data, whose average cancels);
* from our cache folder, built once by `ScenePyramid.build` in one walk over
  the file, usable from the top row down while it grows, resumed when cut off;
* until then, from a coarse picture made of a sparse grid of blocks, which is
  there within some tenths of a second.

Reading is safe from any thread and bounded in memory.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.overviews.coarse import coarse_picture
from sarvlm_app.core.overviews.plan import Level, plan_levels
from sarvlm_app.core.overviews.reduce import Weighted, as_db, halve, weighted
from sarvlm_app.core.overviews.store import Float16, LevelStore
from sarvlm_app.core.overviews.tiles import TileCache
from sarvlm_app.core.products.sources import Overview, read_intensity
from sarvlm_app.core.radiometry import Float32, ValueType
from sarvlm_app.core.scene import Scene, source_of
from sarvlm_app.paths import cache_dir as default_cache_dir
from sarvlm_models.types import Window

TILE = 512
CACHE_BYTES = 192 * 2**20
STRIP_ROWS = 512
CHUNK_COLS = 4096
FALLBACK_FACTOR = 4
"""Up to this reduction a level that is not built yet is averaged from the file rather than shown coarse."""


class Steps(Protocol):
    """Where a long job reports and may be stopped; `core.jobs.JobContext` is one."""

    def step(self, done: int, total: int, message: str) -> object:
        """Say how far it is; raises to cancel."""
        ...


class ScenePyramid:
    """All levels of one band of a scene, as decibels of mean intensity (NaN: no data).

    Parameters
    ----------
    scene : Scene
    band : int
        From 1.
    cache_dir : Path, optional
        Folder under which built levels are kept, in `<fingerprint>-<band>`;
        the user's cache folder by default. Nothing is written but by `build`.
    memory_bytes : int, optional
        Most that tiles in memory may take.
    """

    unit = "dB"

    def __init__(self, scene: Scene, band: int, cache_dir: Path | None = None, memory_bytes: int = CACHE_BYTES) -> None:
        self.scene = scene
        self.band = band
        self._source = source_of(scene, band)
        self._plan = plan_levels(scene.height, scene.width, self._file_overviews())
        self._tiles = TileCache(memory_bytes)
        self._coarse: Float32 | None = None
        self._coarse_lock = threading.Lock()
        built = {level.number: level.shape for level in self._plan if not level.direct}
        root = cache_dir if cache_dir is not None else default_cache_dir() / "pyramids"
        folder = root / f"{scene.fingerprint}-{band}"
        self._store = LevelStore(folder, built, scene.height) if built else None

    @property
    def levels(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each level, finest first."""
        return tuple(level.shape for level in self._plan)

    @property
    def complete(self) -> bool:
        """True when no level is coarse any more."""
        return self._store is None or self._store.complete

    @property
    def rows_done(self) -> int:
        """Rows of the scene, from the top, for which all levels are there."""
        return self.scene.height if self._store is None else self._store.rows_done

    def level_arrays(self) -> list[LevelArray]:
        """One array-like for each level, finest first: what napari takes as a multiscale image."""
        return [LevelArray(partial(self.read, level.number), level.shape) for level in self._plan]

    def read(self, level: int, row0: int, row1: int, col0: int, col1: int) -> Float32:
        """Decibels float32 (row1 - row0, col1 - col0) of a window of a level; clipped to the level.

        Raises
        ------
        SceneError
            When the file is damaged or gone.
        """
        the_level = self._plan[level]
        height, width = the_level.shape
        rows = slice(max(0, row0), max(0, row0, min(row1, height)))
        cols = slice(max(0, col0), max(0, col0, min(col1, width)))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return np.zeros((rows.stop - rows.start, cols.stop - cols.start), dtype=np.float32)
        if the_level.direct or self._store is None:
            return self._from_file(the_level, rows, cols)
        done = self._done_rows(the_level, self._store)
        ready = slice(rows.start, min(rows.stop, done))
        rest = slice(max(rows.start, done), rows.stop)
        parts = []
        if ready.start < ready.stop:
            parts.append(self._store.read(level, ready, cols))
        if rest.start < rest.stop:
            near = the_level.factor <= FALLBACK_FACTOR
            parts.append(self._from_file(the_level, rest, cols) if near else self._from_coarse(level, rest, cols))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def peek(self, col: int, row: int) -> float | None:
        """The full-resolution value in dB of a pixel if it is in memory (NaN: no data), else None; never reads."""
        if not (0 <= row < self.scene.height and 0 <= col < self.scene.width):
            return None
        tile = self._tiles.get((0, row // TILE, col // TILE))
        return None if tile is None else float(tile[row % TILE, col % TILE])

    def build(self, ctx: Steps, on_progress: Callable[[int], None] | None = None) -> None:
        """Make the levels that the file does not serve; goes on where an earlier build stopped.

        Parameters
        ----------
        ctx : Steps
            `ctx.step(done, total, message)` counts rows of the scene before
            each strip and may raise to cancel; finished rows are kept.
        on_progress : callable, optional
            Called with the number of finished rows after each strip, in this thread.

        Raises
        ------
        SceneError, StorageError
            When the file cannot be read or the cache folder cannot be written.
        """
        store = self._store
        if store is None or store.complete:
            return
        store.prepare()
        coarsest = 2 ** self._plan[-1].number
        strip = max(STRIP_ROWS, coarsest)
        height = self.scene.height
        for top in range(store.rows_done // strip * strip, height, strip):
            ctx.step(top, height, "Building overviews")
            rows = min(strip, height - top)
            blocks = self._reduced_strip(top, rows, max(CHUNK_COLS, coarsest))
            store.write(blocks, {number: top >> number for number in blocks}, top + rows)
            if on_progress is not None:
                on_progress(top + rows)
        ctx.step(height, height, "Building overviews")

    def release(self) -> None:
        """Let go of the tiles in memory."""
        self._tiles.clear()

    def _reduced_strip(self, top: int, rows: int, chunk: int) -> dict[int, Float16]:
        """The built levels' rows for a strip of the scene."""
        built = [level for level in self._plan if not level.direct]
        blocks = {
            level.number: np.empty((-(-rows // level.factor), level.shape[1]), dtype=np.float16) for level in built
        }
        for left in range(0, self.scene.width, chunk):
            window = Window(left, top, min(chunk, self.scene.width - left), rows)
            image: Weighted = weighted(*read_intensity(self._source, window))
            for number in range(1, len(self._plan)):
                image = halve(image)
                if number in blocks:
                    col = left >> number
                    blocks[number][:, col : col + image[0].shape[1]] = as_db(image)
        return blocks

    def _file_overviews(self) -> tuple[Overview, ...]:
        if self._source.value_type is ValueType.COMPLEX:
            return ()
        return self._source.layout().overviews

    def _done_rows(self, level: Level, store: LevelStore) -> int:
        return level.shape[0] if store.complete else store.rows_done // level.factor

    def _from_file(self, level: Level, rows: slice, cols: slice) -> Float32:
        out = np.empty((rows.stop - rows.start, cols.stop - cols.start), dtype=np.float32)
        for tile_row in range(rows.start // TILE, (rows.stop - 1) // TILE + 1):
            for tile_col in range(cols.start // TILE, (cols.stop - 1) // TILE + 1):
                tile = self._tile(level, tile_row, tile_col)
                top, left = tile_row * TILE, tile_col * TILE
                r0, r1 = max(rows.start, top), min(rows.stop, top + tile.shape[0])
                c0, c1 = max(cols.start, left), min(cols.stop, left + tile.shape[1])
                out[r0 - rows.start : r1 - rows.start, c0 - cols.start : c1 - cols.start] = tile[
                    r0 - top : r1 - top, c0 - left : c1 - left
                ]
        return out

    def _tile(self, level: Level, tile_row: int, tile_col: int) -> Float32:
        key = (level.number, tile_row, tile_col)
        tile = self._tiles.get(key)
        if tile is None:
            edge = TILE * level.factor
            row, col = tile_row * edge, tile_col * edge
            window = Window(col, row, min(edge, level.source[1] - col), min(edge, level.source[0] - row))
            image: Weighted = weighted(*read_intensity(self._source, window, level.overview))
            for _ in range(level.factor.bit_length() - 1):
                image = halve(image)
            tile = as_db(image)
            self._tiles.put(key, tile)
        return tile

    def _from_coarse(self, level: int, rows: slice, cols: slice) -> Float32:
        """The coarse picture, enlarged to a finer level."""
        coarse = self._coarse_levels()
        shift = len(self._plan) - 1 - level
        near_rows = np.arange(rows.start, rows.stop) >> shift
        near_cols = np.arange(cols.start, cols.stop) >> shift
        return np.asarray(coarse[np.ix_(near_rows, near_cols)])

    def _coarse_levels(self) -> Float32:
        with self._coarse_lock:
            if self._coarse is None:
                last = self._plan[-1]
                self._coarse = coarse_picture(self._source, last.shape, last.factor)
            return self._coarse


class LevelArray:
    """A level as an array-like: shape, dtype, ndim, size and basic slicing, each of which reads."""

    ndim = 2
    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __init__(self, read: Callable[[int, int, int, int], NDArray[Any]], shape: tuple[int, int]) -> None:
        self._read = read
        self.shape: tuple[int, ...] = shape

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> NDArray[Any]:
        """Pixels for integers, slices with any step, and `...`."""
        row, col = self._two(key)
        rows, cols = self._range(row, 0), self._range(col, 1)
        r0, r1 = (min(rows[0], rows[-1]), max(rows[0], rows[-1]) + 1) if rows else (0, 0)
        c0, c1 = (min(cols[0], cols[-1]), max(cols[0], cols[-1]) + 1) if cols else (0, 0)
        values = self._read(r0, r1, c0, c1)[:: rows.step, :: cols.step]
        picked = values[0] if isinstance(row, (int, np.integer)) else values
        return np.asarray(picked[..., 0] if isinstance(col, (int, np.integer)) else picked)

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> NDArray[np.generic]:
        if copy is False:
            raise ValueError("LevelArray: pixels are read from disk, so there is always a copy")
        return np.asarray(self[:, :], dtype=dtype)

    def _two(self, key: object) -> tuple[object, object]:
        parts = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            parts[at : at + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
        parts += [slice(None)] * (self.ndim - len(parts))
        if len(parts) != self.ndim:
            raise IndexError(f"LevelArray: expected at most {self.ndim} indices, got {key!r}")
        return parts[0], parts[1]

    def _range(self, part: object, axis: int) -> range:
        length = self.shape[axis]
        if isinstance(part, slice):
            return range(*part.indices(length))
        if not isinstance(part, (int, np.integer)):
            raise IndexError(f"LevelArray: expected integers and slices, got {part!r}")
        index = int(part)
        if not -length <= index < length:
            raise IndexError(f"LevelArray: index {index} is outside 0..{length - 1}")
        return range(index % length, index % length + 1)
