"""Vectors with an id and a payload, searched by inner product: what FAISS and Qdrant both do for an archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Float16, Float32

NO_TIME: Final = np.iinfo(np.int64).min
"""Stands for an unknown time; such a vector passes no filter of dates."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a vector's tile must be; None asks nothing.

    Attributes
    ----------
    bbox : (west, south, east, north), optional
        Degrees; the tile must meet it. west > east crosses the antimeridian.
    after, before : int, optional
        Seconds UTC, both included.
    sensors, polarisations : frozenset of str, optional
        One of these, as the payload has them.
    """

    bbox: tuple[float, float, float, float] | None = None
    after: int | None = None
    before: int | None = None
    sensors: frozenset[str] | None = None
    polarisations: frozenset[str] | None = None

    @property
    def asks(self) -> bool:
        """Whether anything is asked."""
        return any(getattr(self, name) is not None for name in self.__slots__)

    def spans(self) -> tuple[tuple[float, float], ...]:
        """The area's longitudes as (west, east) for tiles whose east may lie beyond 180."""
        if self.bbox is None:
            return ()
        west, east = self.bbox[0], self.bbox[2]
        east = east + 360.0 if east < west else east
        return tuple((west + turn, east + turn) for turn in (-360.0, 0.0, 360.0))


@dataclass(frozen=True, slots=True)
class Rows:
    """Vectors and their payload; struct of arrays.

    Attributes
    ----------
    ids : int64 (n,)
        Unique; what a search gives back.
    vectors : float16 (n, d)
        Unit length.
    scenes : int64 (n,)
        Content each belongs to: what is hidden and shown together.
    boxes : float32 (n, 4)
        West, south, east, north in degrees, east may lie beyond 180; NaN where not known.
    times : int64 (n,)
        Seconds UTC, `NO_TIME` where not known.
    sensors, polarisations : sequence of str (n,)
    """

    ids: NDArray[np.int64]
    vectors: Float16
    scenes: NDArray[np.int64]
    boxes: Float32
    times: NDArray[np.int64]
    sensors: Sequence[str]
    polarisations: Sequence[str]

    def __post_init__(self) -> None:
        n = len(self.ids)
        for name in ("vectors", "scenes", "boxes", "times", "sensors", "polarisations"):
            if len(getattr(self, name)) != n:
                raise ValueError(f"Rows.{name}: expected {n} entries, got {len(getattr(self, name))}")

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Found:
    """Nearest vectors of one question: ids int64 (k,) and cosines float32 (k,), best first; fewer where there are."""

    ids: NDArray[np.int64]
    scores: Float32


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Vectors that can be found, hidden ones, bytes on disk (0 where not known), and how they are searched."""

    vectors: int
    hidden: int
    bytes: int
    kind: str


class VectorStore(Protocol):
    """Vectors of one kind of one index.

    A store remembers which shards it has taken, so that what the catalogue
    knows and a killed process did not store can be added again; doing so twice
    changes nothing.
    """

    @property
    def shards(self) -> frozenset[str]:
        """Names of the shards taken."""
        ...

    @property
    def hidden(self) -> frozenset[int]:
        """Scenes whose vectors are not found."""
        ...

    def upsert(self, parts: Sequence[tuple[str, Rows]]) -> None:
        """Take the rows of shards, each with its name; rows of an id that is there replace it."""
        ...

    def hide(self, scenes: Iterable[int]) -> None:
        """Make exactly these scenes' vectors not be found (tombstones); all others are found."""
        ...

    def search(self, vectors: Float32, k: int, wanted: Filter | None = None) -> list[Found]:
        """The `k` nearest of each of the unit vectors float32 (q, d)."""
        ...

    def vectors(self, ids: NDArray[np.int64]) -> Float32:
        """Stored vectors float32 (n, d) of ids; zeros for one that is not there."""
        ...

    def sample(self, count: int) -> Float32:
        """Up to `count` vectors spread over all, the same at every call: float32 (n, d)."""
        ...

    def compact(self, shards: Sequence[str] | None = None) -> None:
        """Remove hidden vectors for good and merge segments; `shards` are those that hold what is left."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...

    def stats(self) -> StoreStats: ...

    def close(self) -> None: ...


def fits(boxes: Float32, times: NDArray[np.int64], wanted: Filter) -> NDArray[np.bool_]:
    """Which rows meet the area and dates of a filter: bool (n,); fastest where the columns of boxes are contiguous."""
    keep = np.ones(len(times), np.bool_)
    if wanted.bbox is not None:
        west, south, east, north = boxes.T
        keep = (south <= wanted.bbox[3]) & (north >= wanted.bbox[1])
        across = np.zeros(len(times), np.bool_)
        most, least = np.fmax.reduce(east, initial=-np.inf), np.fmin.reduce(west, initial=np.inf)
        for first, last in wanted.spans():
            if first <= most and last >= least:
                across |= (west <= last) & (east >= first)
        keep &= across
    if wanted.after is not None:
        keep &= times >= wanted.after
    if wanted.before is not None:
        keep &= (times <= wanted.before) & (times != NO_TIME)
    return keep


def merged(parts: Sequence[Found], k: int) -> Found:
    """The best `k` of several answers to one question; ties by id, so that the order is always the same."""
    ids, scores = np.concatenate([part.ids for part in parts]), np.concatenate([part.scores for part in parts])
    order = np.lexsort((ids, -scores))[:k]
    return Found(ids[order], scores[order])
