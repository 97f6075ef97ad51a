"""An encoder without a network and small files for the tests of the archive."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.embed import ArchiveEncoder
from sarvlm_app.core.archive.ingest import AddReport, AddRequest, add
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveQuery, Searching
from sarvlm_app.core.jobs import JobContext
from sarvlm_models.types import Float32
from tests.core.fake_encoder import FakeEncoder
from tests.core.scene_files import speckle, write_tif

DIM = 16


@dataclass
class PictureEncoder(FakeEncoder):
    """Sees whether a picture is bright or dark, and where: the rest of its vector is its own."""

    spec: Any = field(default_factory=lambda: replace(FakeEncoder().spec, window_px=256, margin_px=32))
    pictures: int = 0
    delay_s: float = 0.0

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        self.pictures += len(amplitudes)
        if self.delay_s:
            threading.Event().wait(self.delay_s * len(amplitudes))
        return np.stack([_seen(amplitude) for amplitude in amplitudes])


def _seen(amplitude: Float32) -> Float32:
    vector = np.zeros(DIM, np.float32)
    median = max(float(np.median(amplitude)), 1e-6)
    vector[0] = 8.0 * float((amplitude > 6 * median).mean())
    vector[1] = 3.0 * float((amplitude < 0.05 * median).mean())
    rows = np.array_split(amplitude, 3)
    blocks = [block.mean() for row in rows for block in np.array_split(row, 3, axis=1)]
    vector[3:12] = 0.4 * np.tanh(np.asarray(blocks) / median - 1.2)
    vector[2] = 0.5
    return vector / np.linalg.norm(vector)


_PROVIDED: dict[float, PictureEncoder] = {}


@dataclass(frozen=True)
class Provide:
    """Gives one `PictureEncoder` a process; can be sent to another."""

    delay_s: float = 0.0

    def __call__(self) -> ArchiveEncoder:
        return _PROVIDED.setdefault(self.delay_s, PictureEncoder(delay_s=self.delay_s))


def chip(path: Path, seed: int, *, bright: bool = False, edge: int = 64) -> Path:
    """A small picture; `bright` ones hold a bright square."""
    pixels = speckle((edge, edge), 100.0, seed)
    if bright:
        pixels[20:40, 20:40] = 2000.0
    return write_tif(path, pixels)


def geo_scene(path: Path, seed: int = 0, west: float = 10.0, north: float = 50.0, **options: Any) -> Path:
    """A scene of 600 x 520 px, 0.001 degrees each, with a bright square at (400..440, 300..340)."""
    pixels = speckle((520, 600), 100.0, seed)
    pixels[300:340, 400:440] = 3000.0
    transform = Affine(1e-3, 0, west, 0, -1e-3, north)
    return write_tif(path, pixels, crs="EPSG:4326", transform=transform, **options)


def fill(archive: Path, *paths: Path, ctx: JobContext | None = None, **options: Any) -> AddReport:
    """Add to an archive with the made encoder."""
    return add(archive, AddRequest(tuple(paths), **options), Provide(), ctx or JobContext())


def ask(archive: Path, text: str = "", **options: Any) -> ArchiveAnswer:
    """Ask an archive."""
    with Archive(archive) as opened:
        return Searching(opened, Provide()()).search(ArchiveQuery(text, **options))


def touch_later(path: Path) -> None:
    """Give a file a time of change of its own."""
    later = time.time_ns() + 10**9
    os.utime(path, ns=(later, later))
