"""A piece of a FAISS store on disk: ids, vectors and payload as arrays, and an inverted file where it is large."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.archive.store import Filter, Found, fits
from sarvlm_app.core.mapping import give_back
from sarvlm_models.types import Float16, Float32

IVF_ROWS: Final = 200_000
"""A segment with more rows has an inverted file with 8-bit codes; a smaller one is searched through."""
LIST_FACTOR: Final = 1.0
PROBE: Final = 96
"""Lists looked into, of those nearest to the question."""
TRAIN_PER_LIST: Final = 48
EXTRA: Final = 2
"""Times the wanted number that 8-bit codes propose; the stored vectors decide."""
READ_ONE_BY_ONE: Final = 4096
"""So few stored vectors are read from their file, and not through its map."""
FEW: Final = 20_000
"""So few rows left by a filter are compared one by one."""
PAYLOAD: Final = np.dtype(
    [("id", "<i8"), ("scene", "<i8"), ("time", "<i8"), ("box", "<f4", (4,)), ("sensor", "<i4"), ("pol", "<i4")]
)


@dataclass(slots=True)
class Segment:
    """Rows sorted by id; `payload` and `vectors` may be mapped from files.

    Attributes
    ----------
    payload : structured (n,) of `PAYLOAD`
    vectors : float16 (n, d)
    index : faiss.Index or None
        Inverted file over row numbers; None: the vectors themselves are searched.
    path : Path or None
        Its folder; None in memory.
    """

    payload: NDArray[Any]
    vectors: Float16
    index: Any
    path: Path | None
    alive: NDArray[np.bool_]
    _exact: Any = None
    _columns: Any = None

    @classmethod
    def of(cls, payload: NDArray[Any], vectors: Float16) -> Segment:
        """In memory, rows put in the order of their ids."""
        order = np.argsort(payload["id"], kind="stable")
        return cls(payload[order], np.ascontiguousarray(vectors[order]), None, None, np.ones(len(order), np.bool_))

    @classmethod
    def open(cls, path: Path) -> Segment:
        """From its folder; raises OSError, ValueError or RuntimeError where it is damaged."""
        payload = np.load(path / "payload.npy", mmap_mode="r")
        vectors = np.load(path / "vectors.npy", mmap_mode="r")
        if payload.dtype != PAYLOAD or vectors.dtype != np.float16 or len(payload) != len(vectors):
            raise ValueError(f"{path}: rows and vectors do not fit")
        index = read_index(path / "ivf.faiss") if (path / "ivf.faiss").exists() else None
        if len(payload) > IVF_ROWS and index is None:
            raise ValueError(f"{path}: its inverted file is missing")
        if index is not None and index.ntotal != len(payload):
            raise ValueError(f"{path}: expected {len(payload)} vectors in ivf.faiss, got {index.ntotal}")
        return cls(payload, vectors, index, path, np.ones(len(payload), np.bool_))

    def __len__(self) -> int:
        return len(self.payload)

    def save(self, folder: Path) -> Segment:
        """Write it beside its place, move it there and open it from there."""
        path = folder / f"segment-{secrets.token_hex(6)}"
        part = path.with_suffix(".part")
        try:
            part.mkdir(parents=True)
            np.save(part / "payload.npy", self.payload)
            np.save(part / "vectors.npy", self.vectors)
            if len(self) > IVF_ROWS:
                write_index(build_ivf(self.vectors), part / "ivf.faiss")
            for file in part.iterdir():
                with file.open("r+b") as opened:
                    os.fsync(opened.fileno())
            os.rename(part, path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return Segment.open(path)

    def mask(self, wanted: Filter | None, sensors: set[int] | None, pols: set[int] | None) -> NDArray[np.bool_] | None:
        """Rows that may be found; None for all."""
        keep = None if self.alive.all() else self.alive
        if wanted is not None and wanted.asks:
            boxes, times, *codes = self._filtered()
            own = fits(boxes, times, wanted)
            for words, column in zip((sensors, pols), codes, strict=True):
                if words is not None:
                    own &= np.isin(column, list(words), kind="table") if words else False
            keep = own if keep is None else keep & own
        return keep

    def _filtered(self) -> tuple[Float32, NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """What filters look at, column by column, taken from the rows at the first filter."""
        if self._columns is None:
            boxes = np.ascontiguousarray(self.payload["box"].T).T
            self._columns = (boxes, *(np.ascontiguousarray(self.payload[name]) for name in ("time", "sensor", "pol")))
        return self._columns  # type: ignore[no-any-return]

    def search(self, questions: Float32, k: int, keep: NDArray[np.bool_] | None) -> list[Found]:
        """The nearest `k` rows of each question among those kept."""
        left = len(self) if keep is None else int(np.count_nonzero(keep))
        if not left:
            return [Found(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in questions]
        if left <= min(FEW, len(self) // 2):
            assert keep is not None
            rows = np.flatnonzero(keep)
            scores = questions @ self.vectors[rows].astype(np.float32).T
            return [self._best(rows, own, k) for own in scores]
        selector, bits = None, None
        if keep is not None:
            bits = np.packbits(keep, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        if self.index is None:
            parameters = None if selector is None else faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
            _, rows = self._searched().search(questions, min(k, left), params=parameters)
        else:
            probe = min(self.index.nlist, math.ceil(PROBE * min(4.0, math.sqrt(len(self) / left))))
            self.index.parallel_mode = int(len(questions) == 1)  # one question: the cores share its lists
            options = {"nprobe": probe} if selector is None else {"nprobe": probe, "sel": selector}
            wanted = min(EXTRA * k, left)
            _, rows = self.index.search(questions, wanted, params=faiss.SearchParametersIVF(**options))
        return [self._rescored(question, own[own >= 0], k) for question, own in zip(questions, rows, strict=True)]

    def let_go(self) -> None:
        """Give back the memory of the vectors and lists that a search has looked at.

        It stays with the system for as long as that has room, and is read again from the files after that. A search
        takes a third of an inverted file along, since the system maps up to 2 MiB about each page that is touched.
        """
        for mapped in (self.vectors, self.payload):
            give_back(mapped)
        _let_lists_go(self.index)

    def _stored(self, rows: NDArray[np.int64]) -> Float32:
        """The vectors of some rows. Few are read from the file: through the map each would bring up to 2 MiB along."""
        if len(rows) > READ_ONE_BY_ONE or not isinstance(self.vectors, np.memmap) or not hasattr(os, "preadv"):
            return self.vectors[rows].astype(np.float32)
        found = np.empty((len(rows), self.vectors.shape[1]), np.float16)
        size = found.shape[1] * found.itemsize
        with open(self.vectors.filename, "rb") as file:  # type: ignore[arg-type]
            for place, row in zip(found, rows.tolist(), strict=True):
                if os.preadv(file.fileno(), [place], self.vectors.offset + row * size) != size:
                    raise OSError(f"{self.vectors.filename} is cut short")
        return found.astype(np.float32)

    def _rescored(self, question: Float32, rows: NDArray[np.int64], k: int) -> Found:
        rows = np.sort(rows)  # near rows of the file are read together
        return self._best(rows, self._stored(rows) @ question, k)

    def _best(self, rows: NDArray[np.int64], scores: Float32, k: int) -> Found:
        order = np.lexsort((rows, -scores))[:k]
        return Found(np.asarray(self.payload["id"][rows[order]], np.int64), np.asarray(scores[order], np.float32))

    def _searched(self) -> Any:
        """The vectors themselves as an index over row numbers, made at the first search."""
        if self._exact is None:
            index = faiss.IndexScalarQuantizer(
                self.vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
            codes = np.ascontiguousarray(self.vectors).view(np.uint8).ravel()
            faiss.copy_array_to_vector(codes, index.codes)
            index.ntotal, index.is_trained = len(self), True
            self._exact = index
        return self._exact

    def rows_of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Positions in `ids` that are here, and their rows."""
        own = self.payload["id"]
        if not len(own):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        rows = np.minimum(np.searchsorted(own, ids), len(own) - 1)
        here = np.flatnonzero(own[rows] == ids)
        return here, rows[here]


def build_ivf(vectors: Float16) -> Any:
    """An inverted file with 8-bit codes over row numbers, trained on a spread sample."""
    n, dim = vectors.shape
    lists = int(LIST_FACTOR * math.sqrt(n))
    coarse = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        coarse, dim, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.spherical = 6, TRAIN_PER_LIST + 1, True
    step = max(1, n // (TRAIN_PER_LIST * lists))
    index.train(vectors[::step].astype(np.float32))
    for start in range(0, n, 65_536):
        index.add(vectors[start : start + 65_536].astype(np.float32))
    return index


def write_index(index: Any, path: Path) -> None:
    """By Python's own files: FAISS opens them by C's fopen, which fails on names beyond ASCII on Windows."""
    path.write_bytes(faiss.serialize_index(index).data)


def _let_lists_go(index: Any) -> None:
    """FAISS maps an inverted file without giving its map away: told to the system by address."""
    if index is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    lists = faiss.downcast_InvertedLists(index.invlists)
    if isinstance(lists, faiss.OnDiskInvertedLists) and lists.read_only and lists.totsize:
        advise = ctypes.CDLL(None).madvise
        advise(ctypes.c_void_p(int(lists.ptr)), ctypes.c_size_t(lists.totsize), mmap.MADV_DONTNEED)


def read_index(path: Path) -> Any:
    """An inverted file mapped into memory where the system can; else read."""
    if os.name == "posix":
        return faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    return faiss.deserialize_index(np.frombuffer(path.read_bytes(), np.uint8))
