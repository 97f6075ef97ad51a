"""Patch vectors of a scene on disk: made once, window by window, asked for ever after.

A folder of the cache holds `vectors.npy` (float16, rows x cols x d, memory
mapped), `done.npy` (one byte a window, written after the window's vectors) and
`meta.json` (what it was made from). A cancelled or killed build resumes where
it stopped. A vector of zeros means no data, or not encoded yet.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from sarvlm_app.core.export.atomic import storage_error
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import Scene, read_chip, scene_stats
from sarvlm_app.core.tiling import Tile, plan_windows
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Chip, EncoderSpec, Float16, Float32, SceneStats, Window

LAYOUT_VERSION: Final = 1
FOLDER: Final = "indices"
LEAST_VALID: Final = 0.5
"""Share of a cell that must hold data for the cell to have a vector."""
MOST_RIVALS: Final = 4
"""Times that making an index gives way to another process that makes the same."""


@dataclass(frozen=True, slots=True)
class IndexKey:
    """All that decides the vectors of an index."""

    fingerprint: str
    band: int
    model_id: str
    factor: int
    window_px: int
    margin_px: int
    median_amplitude: float
    p98_amplitude: float
    spacing_m: float | None
    layout: int = LAYOUT_VERSION

    def folder_name(self) -> str:
        """Name of the index's folder: 24 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the cells of an index lie on its scene."""

    key: IndexKey
    width: int
    height: int
    cell: int
    dim: int

    @property
    def cell_px(self) -> int:
        """Edge of a cell in full-resolution pixels."""
        return self.cell * self.key.factor

    @property
    def rows(self) -> int:
        return math.ceil(self.height / self.cell_px)

    @property
    def cols(self) -> int:
        return math.ceil(self.width / self.cell_px)

    @property
    def reduced(self) -> tuple[int, int]:
        """Width and height of the scene in the model's pixels."""
        return math.ceil(self.width / self.key.factor), math.ceil(self.height / self.key.factor)

    def touches(self, tile: Tile, area: Window) -> bool:
        """Whether the kept part of a tile shows some of `area` (full-resolution pixels)."""
        f, keep = self.key.factor, tile.keep
        return Window(keep.col * f, keep.row * f, keep.width * f, keep.height * f).intersection(area) is not None

    def tiles(self, first: Window | None = None) -> list[Tile]:
        """The windows to encode, in the model's pixels; what `first` shows comes first."""
        width, height = self.reduced
        view = None
        if first is not None:
            f = self.key.factor
            view = Window(first.col // f, first.row // f, max(1, first.width // f), max(1, first.height // f))
        return plan_windows(width, height, self.key.window_px, self.key.margin_px, view)


def layout_of(scene: Scene, band: int, spec: EncoderSpec) -> Layout:
    """The index layout of a scene's band for an encoder; reads only the scene's statistics."""
    stats = scene_stats(scene, band)
    spacing = None if scene.spacing_m is None else math.sqrt(scene.spacing_m[0] * scene.spacing_m[1])
    factor = 1
    if spacing is not None and spec.finest_spacing_m is not None:
        factor = max(1, round(spec.finest_spacing_m / spacing))
    key = IndexKey(
        fingerprint=scene.fingerprint, band=band, model_id=spec.model_id, factor=factor, window_px=spec.window_px,
        margin_px=spec.margin_px, median_amplitude=stats.median_amplitude, p98_amplitude=stats.p98_amplitude,
        spacing_m=None if spacing is None else spacing * factor,
    )  # fmt: skip
    return Layout(key, scene.width, scene.height, spec.cell_px, spec.dim)


class SceneIndex:
    """The patch vectors of one band of one scene for one model.

    Parameters
    ----------
    layout : Layout
    folder : Path
        Of this index, existing and complete in its files.
    """

    def __init__(self, layout: Layout, folder: Path) -> None:
        self.layout = layout
        self.folder = folder
        self._done: NDArray[np.uint8] = _mapped(folder / "done.npy", (len(layout.tiles()),), np.uint8)
        self.vectors: Float16 = _mapped(folder / "vectors.npy", (layout.rows, layout.cols, layout.dim), np.float16)

    @property
    def complete(self) -> bool:
        """Whether every window is encoded."""
        return bool(self._done.all())

    def covers(self, area: Window | None) -> bool:
        """Whether every window that shows a part of `area` is encoded (all of them, without an area)."""
        if area is None:
            return self.complete
        tiles = self.layout.tiles()
        return all(self._done[i] for i, tile in enumerate(tiles) if self.layout.touches(tile, area))

    @property
    def share(self) -> float:
        """Share of the windows that are encoded, 0..1."""
        return float(self._done.mean())

    def encode(
        self,
        scene: Scene,
        encoder: DenseEncoder,
        ctx: JobContext,
        first: Window | None = None,
        on_window: Callable[[], None] | None = None,
        only: Window | None = None,
    ) -> None:
        """Encode the windows that are missing, those of `first` first, and only those of `only`.

        Raises
        ------
        JobCancelled
            At the next window after a cancel; what was encoded is kept.
        SceneError
            When the scene cannot be read.
        """
        order = {tile.keep: number for number, tile in enumerate(self.layout.tiles())}
        wanted = [tile for tile in self.layout.tiles(first or only) if only is None or self.layout.touches(tile, only)]
        waiting = [tile for tile in wanted if not self._done[order[tile.keep]]]
        total = len(wanted)
        for count, tile in enumerate(waiting):
            ctx.step(total - len(waiting) + count, total, f"Encoding {scene.name}")
            self._encode_tile(scene, encoder, tile)
            self._done[order[tile.keep]] = 1
            if on_window is not None:
                on_window()
        self.vectors.flush()  # type: ignore[attr-defined]
        self._done.flush()  # type: ignore[attr-defined]
        ctx.step(total, total, f"Encoding {scene.name}")

    def _encode_tile(self, scene: Scene, encoder: DenseEncoder, tile: Tile) -> None:
        layout, cell, keep = self.layout, self.layout.cell, tile.keep
        patches = encode_window(scene, encoder, layout, tile.read)
        if patches is None:
            return
        r0, c0 = keep.row // cell, keep.col // cell
        r1, c1 = min(math.ceil(keep.row_end / cell), layout.rows), min(math.ceil(keep.col_end / cell), layout.cols)
        top, left = r0 - tile.read.row // cell, c0 - tile.read.col // cell
        self.vectors[r0:r1, c0:c1] = patches[top : top + r1 - r0, left : left + c1 - c0]

    def touch(self) -> None:
        """Remember that the index was used now, so that it is dropped last."""
        with suppress(OSError):
            os.utime(self.folder / "meta.json")


def encode_window(scene: Scene, encoder: DenseEncoder, layout: Layout, read: Window) -> Float16 | None:
    """Patch vectors of one window of a scene, in one pass of the model.

    Parameters
    ----------
    layout : Layout
        Of the scene for this encoder.
    read : Window
        In the model's pixels, beginning at a cell's corner; a last cell that
        reaches beyond it is taken whole.

    Returns
    -------
    float16 (rows, cols, d), zeros where there is no data; None where there is none at all
    """
    cell, f, band = layout.cell, layout.key.factor, layout.key.band
    width, height = -(-read.width // cell) * cell, -(-read.height // cell) * cell
    window = Window(read.col * f, read.row * f, width * f, height * f)
    return encode_chip(scene, encoder, layout, read_chip(scene, window, band, (height, width) if f > 1 else None))


def encode_chip(scene: Scene, encoder: DenseEncoder, layout: Layout, chip: Chip) -> Float16 | None:
    """Patch vectors of a window that was read already; as `encode_window`."""
    if not chip.valid.any():
        return None
    cell, stats = layout.cell, scene_stats(scene, layout.key.band)
    patches = encoder.encode_patches(filled(chip, stats), stats, layout.key.spacing_m)
    valid = _cell_share(chip.valid, cell) >= LEAST_VALID
    return np.where(valid[..., None], patches, np.float16(0))


def filled(chip: Chip, stats: SceneStats) -> Float32:
    """Intensity float32 (h, w) with the scene's median where there is no data."""
    return np.where(chip.valid, chip.intensity, np.float32(stats.median_amplitude**2)).astype(np.float32)


def _mapped(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """An array file to read and write; first for reading only, since NumPy fills up a file cut short to write to it."""
    for mode in ("r", "r+"):
        array = open_memmap(str(path), mode=mode)
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(f"{path}: expected {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}")
    return array


def _cell_share(valid: NDArray[np.bool_], cell: int) -> Float32:
    rows, cols = valid.shape[0] // cell, valid.shape[1] // cell
    return np.asarray(valid.reshape(rows, cell, cols, cell).mean(axis=(1, 3)), dtype=np.float32)


def find_index(layout: Layout, cache: Path) -> SceneIndex | None:
    """The index of a layout if it exists and can be read, complete or not."""
    folder = cache / FOLDER / layout.key.folder_name()
    try:
        if json.loads((folder / "meta.json").read_text(encoding="utf-8"))["key"] != asdict(layout.key):
            return None
        return SceneIndex(layout, folder)
    # what JSON and NumPy say of files that are missing, cut short or overwritten
    except (OSError, ValueError, EOFError, OverflowError, KeyError, TypeError):
        return None


def open_or_create(scene: Scene, layout: Layout, cache: Path) -> SceneIndex:
    """The index of a layout, made empty where there is none; a damaged one is made anew.

    It is made beside its place and moved into it whole, so a process that asks
    the same scene at the same time finds all of it or nothing, and never has
    its files cut short under it; the one that comes second uses the first's.

    Raises
    ------
    StorageError
        When the cache folder is full or cannot be written.
    """
    found = find_index(layout, cache)
    if found is not None:
        found.touch()
        return found
    folder = cache / FOLDER / layout.key.folder_name()
    part = _sibling(folder)
    try:
        part.mkdir(parents=True)
        _allocate(part / "vectors.npy", (layout.rows, layout.cols, layout.dim), np.dtype(np.float16))
        _allocate(part / "done.npy", (len(layout.tiles()),), np.dtype(np.uint8))
        meta = {
            "scene": str(scene.path), "name": scene.name, "band": layout.key.band, "model": layout.key.model_id,
            "cell_px": layout.cell_px, "rows": layout.rows, "cols": layout.cols, "created": time.time(),
            "key": asdict(layout.key),
        }  # fmt: skip
        (part / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
        return _move_into_place(part, folder, layout)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sibling(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.part")


def _move_into_place(part: Path, folder: Path, layout: Layout) -> SceneIndex:
    """Move a new index to its place unless a sound one came there first; a damaged one is moved away."""
    for _ in range(MOST_RIVALS):
        try:
            os.rename(part, folder)  # fails where the folder is there and not empty
            break
        except OSError:
            quicker = find_index(layout, folder.parent.parent)
            if quicker is not None:
                return quicker
            if not folder.is_dir():
                raise
        away = _sibling(folder)
        with suppress(FileNotFoundError):  # another process does the same
            os.rename(folder, away)
        shutil.rmtree(away, ignore_errors=True)
    return SceneIndex(layout, folder)


def _allocate(path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    """Make an array file of zeros whose disk space is really there (a full disk is told now, not later)."""
    array = open_memmap(str(path), mode="w+", dtype=dtype, shape=shape)
    size = array.offset + array.nbytes
    del array
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, size) if hasattr(os, "posix_fallocate") else file.truncate(size)
