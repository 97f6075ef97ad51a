"""Arrays that are mapped from files, and the memory that looking at them takes."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def give_back(array: NDArray[Any], start: int = 0, stop: int | None = None) -> None:
    """Give the memory of rows `start` to `stop` back to the system, where the array is mapped from a file.

    Nothing is lost: the pages stay in the system's cache for as long as that has room, what was written goes to the
    file, and rows that are looked at again are mapped again. Does nothing to other arrays, and on systems without it.

    Parameters
    ----------
    array : (n, ...)
        Rows of an array that was mapped, one after the other.
    """
    mapped = getattr(array, "_mmap", None) if isinstance(array, np.memmap) else None
    own = getattr(array, "mode", "c") == "c"  # copied on writing: what was written would be lost
    if mapped is None or own or not hasattr(mmap, "MADV_DONTNEED") or not array.size or not array.flags.c_contiguous:
        return
    begin = array.ctypes.data - np.frombuffer(mapped, np.uint8, 1).ctypes.data
    row = array.nbytes // len(array)
    first = (begin + start * row) // mmap.PAGESIZE * mmap.PAGESIZE
    last = begin + (len(array) if stop is None else min(stop, len(array))) * row
    if last > first:
        mapped.madvise(mmap.MADV_DONTNEED, first, last - first)
