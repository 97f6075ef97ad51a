"""The interchange: a Parquet file of tiles and their vectors, from which any index can be built again.

One row is one vector. Columns: `content` (SHA-256 of the scene's file), `tile` (number of the tile in its scene),
`level`, `kind` (whole, ground, part), `slot`, `window` (col, row, width, height), `time` (seconds UTC),
`footprint` (WKB, lon/lat), `model`, `vector` (float16). The metadata entry `sarvlm` is JSON: scenes, faults, header.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sarvlm_app.errors import StorageError
from sarvlm_models.types import Float16

KEY: Final = b"sarvlm"
FORMAT: Final = 1
KINDS: Final = ("whole", "ground", "part")


@dataclass(frozen=True, slots=True)
class Header:
    """What the vectors of an index have in common; vectors of another header never mix with them.

    Attributes
    ----------
    model_id : str
        Name@first 12 digits of the weights' SHA-256.
    weights_sha256 : str
    dim : int
    preprocessing, normalisation : str
        How tiles are cut and what their vectors stand for; how long vectors are.
    """

    model_id: str
    weights_sha256: str
    dim: int
    preprocessing: str
    normalisation: str = "unit length, inner product"


@dataclass(frozen=True, slots=True)
class Described:
    """What the catalogue keeps of a scene's content.

    Attributes
    ----------
    sha : str
        SHA-256 of the file, or of all files of a product.
    path : str
        Where it was read.
    tiles : int
    acquired : str or None
        ISO 8601, UTC.
    footprint : str or None
        WKB of lon/lat in hexadecimal digits.
    bounds : (west, south, east, north) or None
        Degrees; east goes beyond 180 where the antimeridian lies between.
    """

    sha: str
    path: str
    bytes: int
    width: int
    height: int
    tiles: int
    product: str
    sensor: str
    polarisation: str
    band: int
    mode: str = ""
    orbit: str = ""
    incidence: float | None = None
    spacing_m: float | None = None
    acquired: str | None = None
    footprint: str | None = None
    bounds: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that could not be taken, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Shard:
    """Tiles and vectors of some scenes.

    Attributes
    ----------
    content : int64 (n,)
        Position of each row's scene in `scenes`.
    tile, level, kind, slot : int64 (n,)
        Number of the tile in its scene, its level; position in `KINDS`; number of the vector in its tile and kind.
    windows : int64 (n, 4)
        Full-resolution pixels.
    footprints : list of bytes or None
        WKB in lon/lat.
    vectors : float16 (n, d)
    """

    header: Header
    scenes: tuple[Described, ...]
    faults: tuple[Fault, ...]
    content: NDArray[np.int64]
    tile: NDArray[np.int64]
    level: NDArray[np.int64]
    kind: NDArray[np.int64]
    slot: NDArray[np.int64]
    windows: NDArray[np.int64]
    footprints: Sequence[bytes | None] = field(repr=False)
    vectors: Float16 = field(repr=False)

    def __len__(self) -> int:
        return len(self.tile)

    def only(self, shas: frozenset[str]) -> Shard:
        """The same without the scenes whose content is not among `shas`."""
        keep = [number for number, scene in enumerate(self.scenes) if scene.sha in shas]
        rows = np.isin(self.content, keep)
        place = np.full(len(self.scenes), -1, np.int64)
        place[keep] = np.arange(len(keep))
        kept = [wkb for wkb, stays in zip(self.footprints, rows.tolist(), strict=True) if stays]
        return Shard(
            self.header, tuple(self.scenes[number] for number in keep), (), place[self.content[rows]], self.tile[rows],
            self.level[rows], self.kind[rows], self.slot[rows], self.windows[rows], kept, self.vectors[rows],
        )  # fmt: skip


def to_parquet(shard: Shard) -> bytes:
    """A shard as the bytes of a Parquet file; the same shard gives the same bytes."""
    times = [_seconds(scene.acquired) for scene in shard.scenes]
    where = shard.content.tolist()
    dim = shard.header.dim
    flat = pa.array(np.ascontiguousarray(shard.vectors).ravel(), pa.float16())
    meta = {
        "format": FORMAT,
        "header": asdict(shard.header),
        "scenes": [asdict(scene) for scene in shard.scenes],
        "faults": [asdict(fault) for fault in shard.faults],
    }
    table = pa.table(
        {
            "content": pa.array([shard.scenes[number].sha for number in where], pa.string()),
            "tile": shard.tile,
            "level": shard.level,
            "kind": pa.array([KINDS[kind] for kind in shard.kind.tolist()], pa.string()),
            "slot": shard.slot,
            "window": pa.FixedSizeListArray.from_arrays(pa.array(shard.windows.ravel(), pa.int64()), 4),
            "time": pa.array([times[number] for number in where], pa.int64()),
            "footprint": pa.array(list(shard.footprints), pa.binary()),
            "model": pa.array([shard.header.model_id] * len(shard), pa.string()),
            "vector": pa.FixedSizeListArray.from_arrays(flat, dim),
        }
    ).replace_schema_metadata({KEY: json.dumps(meta, ensure_ascii=True, sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def read_shard(path: Path) -> Shard:
    """The shard of a file.

    Raises
    ------
    StorageError
        The file is gone, damaged, or no shard.
    """
    try:
        return from_parquet(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise StorageError(
            f"{path} is missing or damaged, so the vectors in it are lost; run sarvlm archive verify with --repair, "
            "then add its scenes again."
        ) from error


def from_parquet(data: bytes) -> Shard:
    """The shard of the bytes of a Parquet file."""
    table = pq.read_table(pa.BufferReader(data))
    meta: dict[str, Any] = json.loads((table.schema.metadata or {})[KEY])
    header = Header(**meta["header"])
    scenes = tuple(
        Described(**{**scene, "bounds": None if scene["bounds"] is None else tuple(scene["bounds"])})
        for scene in meta["scenes"]
    )
    place = {scene.sha: number for number, scene in enumerate(scenes)}

    def whole_numbers(name: str) -> NDArray[np.int64]:
        return np.asarray(table[name].to_numpy(), np.int64)

    windows = table["window"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return Shard(
        header, scenes, tuple(Fault(**fault) for fault in meta["faults"]),
        np.asarray([place[sha] for sha in table["content"].to_pylist()], np.int64),
        whole_numbers("tile"), whole_numbers("level"),
        np.asarray([KINDS.index(kind) for kind in table["kind"].to_pylist()], np.int64), whole_numbers("slot"),
        np.asarray(windows, np.int64).reshape(-1, 4), table["footprint"].to_pylist(),
        np.asarray(vectors, np.float16).reshape(-1, header.dim),
    )  # fmt: skip


def _seconds(acquired: str | None) -> int | None:
    from datetime import datetime

    return None if acquired is None else int(datetime.fromisoformat(acquired).timestamp())
