"""Vectors in a folder of this machine, by FAISS: immutable segments, a small one that grows, tombstones.

`store.json` names the segments and is replaced in one step, so a process that
is killed leaves the store as it was before. Opened without the right to write,
new rows are kept in memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.archive.faiss_segment import IVF_ROWS, PAYLOAD, Segment
from sarvlm_app.core.archive.sizes import bytes_of
from sarvlm_app.core.archive.store import Filter, Found, Rows, StoreStats, merged
from sarvlm_app.core.export.atomic import replace_when_done, storage_error
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Float16, Float32

FORMAT: Final = 1
SMALL_ROWS: Final = 50_000
"""The last segment is written anew with what is added until it has this many rows."""
_DAMAGE = (OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError)


class DamagedStoreError(StorageError):
    """A store whose files cannot be used; it can be built again."""


class FaissStore:
    """`VectorStore` in a folder.

    Parameters
    ----------
    folder : Path
        Made where it is not there and `writable`.
    dim : int
        Length of a vector.
    writable : bool
        Whether changes are kept on disk.

    Raises
    ------
    DamagedStoreError
        Its files cannot be read.
    """

    def __init__(self, folder: Path, dim: int, *, writable: bool) -> None:
        self._folder, self._dim, self._writable = folder, dim, writable
        self._segments: list[Segment] = []
        self._shards: frozenset[str] = frozenset()
        self._hidden: frozenset[int] = frozenset()
        self._words: dict[str, list[str]] = {"sensor": [], "pol": []}
        if (folder / "store.json").exists():
            self._open()

    def _open(self) -> None:
        try:
            state = json.loads((self._folder / "store.json").read_text(encoding="utf-8"))
            if state["format"] != FORMAT or state["dim"] != self._dim:
                raise ValueError("of another format")
            self._segments = [Segment.open(self._folder / name) for name in state["segments"]]
            self._shards = frozenset(state["shards"])
            self._words = {key: list(state["words"][key]) for key in ("sensor", "pol")}
            self._set_hidden(frozenset(state["hidden"]))
        except _DAMAGE as error:
            raise DamagedStoreError(
                f"{self._folder} is a damaged index of vectors; run sarvlm archive compact, which builds it again."
            ) from error

    @property
    def shards(self) -> frozenset[str]:
        return self._shards

    @property
    def hidden(self) -> frozenset[int]:
        return self._hidden

    def _set_hidden(self, scenes: frozenset[int]) -> None:
        self._hidden = scenes
        gone = np.asarray(sorted(scenes), np.int64)
        for segment in self._segments:
            segment.alive = ~np.isin(segment.payload["scene"], gone) if len(gone) else np.ones(len(segment), np.bool_)

    def upsert(self, parts: Sequence[tuple[str, Rows]]) -> None:
        """Take rows; see `VectorStore`."""
        parts = [(name, rows) for name, rows in parts if name not in self._shards]
        if not parts:
            return
        payloads = [self._payload(rows) for _, rows in parts]
        vectors = [rows.vectors for _, rows in parts]
        kept = list(self._segments)
        if kept and kept[-1].index is None and len(kept[-1]) < SMALL_ROWS:
            last = kept.pop()
            payloads.insert(0, last.payload)
            vectors.insert(0, last.vectors)
        payload, stacked = latest(np.concatenate(payloads), np.concatenate(vectors))
        self._replace([*kept, Segment.of(payload, stacked)], self._shards | {name for name, _ in parts})
        exact = [segment for segment in self._segments if segment.index is None]
        if self._writable and sum(map(len, exact)) > IVF_ROWS:
            self._merge(exact, drop=False)

    def _payload(self, rows: Rows) -> NDArray[Any]:
        payload = np.zeros(len(rows), PAYLOAD)
        payload["id"], payload["scene"], payload["time"], payload["box"] = rows.ids, rows.scenes, rows.times, rows.boxes
        payload["sensor"] = self._codes("sensor", rows.sensors)
        payload["pol"] = self._codes("pol", rows.polarisations)
        return payload

    def _codes(self, name: str, words: Sequence[str]) -> NDArray[np.int32]:
        known = self._words[name]
        known += [word for word in dict.fromkeys(words) if word not in known]
        place = {word: number for number, word in enumerate(known)}
        return np.asarray([place[word] for word in words], np.int32)

    def hide(self, scenes: Iterable[int]) -> None:
        """Hide exactly these; see `VectorStore`."""
        wanted = frozenset(scenes)
        if wanted != self._hidden:
            self._set_hidden(wanted)
            self._write_state()

    def search(self, vectors: Float32, k: int, wanted: Filter | None = None) -> list[Found]:
        """The nearest; see `VectorStore`."""
        questions = np.ascontiguousarray(np.atleast_2d(vectors), np.float32)
        nothing = Found(np.zeros(0, np.int64), np.zeros(0, np.float32))
        named = (None, None) if wanted is None else (wanted.sensors, wanted.polarisations)
        sensors, pols = self._wanted("sensor", named[0]), self._wanted("pol", named[1])
        answers = []
        for segment in self._segments:
            answers.append(segment.search(questions, k, segment.mask(wanted, sensors, pols)))
            segment.let_go()
        return [merged([nothing, *(own[number] for own in answers)], k) for number in range(len(questions))]

    def _wanted(self, name: str, words: frozenset[str] | None) -> set[int] | None:
        if words is None:
            return None
        return {number for number, word in enumerate(self._words[name]) if word in words}

    def vectors(self, ids: NDArray[np.int64]) -> Float32:
        """Stored vectors; see `VectorStore`."""
        found = np.zeros((len(ids), self._dim), np.float32)
        for segment in self._segments:
            here, rows = segment.rows_of(ids)
            found[here] = segment.vectors[rows]
        return found

    def sample(self, count: int) -> Float32:
        """A spread sample; see `VectorStore`."""
        total = sum(map(len, self._segments))
        if not total:
            return np.zeros((0, self._dim), np.float32)
        step = max(1, total // count)
        parts = [segment.vectors[::step][segment.alive[::step]] for segment in self._segments]
        return np.concatenate(parts)[:count].astype(np.float32)

    def compact(self, shards: Sequence[str] | None = None) -> None:
        """Drop hidden rows and merge; see `VectorStore`."""
        if self._segments and (len(self._segments) > 1 or self._hidden):
            self._merge(self._segments, drop=True)
        self._hidden = frozenset()
        self._set_hidden(self._hidden)
        if shards is not None:
            self._shards = frozenset(shards)
        self._write_state()
        self._sweep()

    def clear(self) -> None:
        """Forget everything."""
        self._hidden = frozenset()
        self._replace([], frozenset())
        self._sweep()

    def stats(self) -> StoreStats:
        """Counts and size."""
        alive = sum(int(np.count_nonzero(segment.alive)) for segment in self._segments)
        total = sum(map(len, self._segments))
        inverted = any(segment.index is not None for segment in self._segments)
        kind = "FAISS, inverted file with 8-bit codes" if inverted else "FAISS, exact (float16)"
        return StoreStats(alive, total - alive, bytes_of(self._folder), kind)

    def close(self) -> None:
        """Let go of the mapped files."""
        self._segments = []

    def _merge(self, segments: Sequence[Segment], *, drop: bool) -> None:
        """Make one of several segments; `drop` leaves out what is hidden, for good."""
        others = [segment for segment in self._segments if not any(segment is one for one in segments)]
        payload = np.concatenate([one.payload[one.alive] if drop else one.payload for one in segments])
        vectors = np.concatenate([one.vectors[one.alive] if drop else one.vectors for one in segments])
        self._replace([*others, Segment.of(*latest(payload, vectors))], self._shards)

    def _replace(self, segments: list[Segment], shards: frozenset[str]) -> None:
        """Make these the store's segments: those in memory are written first, then `store.json`."""
        before = [segment.path for segment in self._segments]
        if self._writable:
            try:
                segments = [one if one.path else one.save(self._folder) for one in segments if len(one)]
            except OSError as error:
                raise storage_error(self._folder, error) from error
        self._segments, self._shards = segments, shards
        self._set_hidden(self._hidden)
        self._write_state()
        kept = {segment.path for segment in segments}
        for path in before:
            if self._writable and path is not None and path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def _write_state(self) -> None:
        if not self._writable:
            return
        state = {
            "format": FORMAT, "dim": self._dim, "shards": sorted(self._shards), "hidden": sorted(self._hidden),
            "segments": [segment.path.name for segment in self._segments if segment.path], "words": self._words,
        }  # fmt: skip
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(self._folder, error) from error
        with replace_when_done(self._folder / "store.json") as part:
            part.write_text(json.dumps(state), encoding="utf-8")

    def _sweep(self) -> None:
        """Remove folders that no process finished or that are named no more."""
        named = {segment.path for segment in self._segments}
        for path in self._folder.glob("segment-*"):
            if self._writable and path not in named:
                shutil.rmtree(path, ignore_errors=True)


def latest(payload: NDArray[Any], vectors: Float16) -> tuple[NDArray[Any], Float16]:
    """Of rows with one id the last."""
    ids = payload["id"][::-1]
    _, first = np.unique(ids, return_index=True)
    if len(first) == len(ids):
        return payload, vectors
    rows = np.sort(len(ids) - 1 - first)
    return payload[rows], vectors[rows]
