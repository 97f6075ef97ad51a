"""The door to HDF5: local files, read by windows, no file other than the one that was opened.

HDF5 can point out of itself: external links, external storage, virtual
datasets. None of these is followed: a product is one file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.dataset import broken
from sarvlm_app.core.products.place import head
from sarvlm_app.core.products.sources import DEFAULT_BLOCK, Layout
from sarvlm_app.core.products.stated import utc
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_SMALL = 4 * 2**20
"""Numbers of a table that is read whole."""

Hdf5Group = Any
Hdf5Dataset = Any


def is_hdf5(path: Path) -> bool:
    """Whether the file begins as HDF5 does; False where it cannot be read."""
    try:
        return path.is_file() and head(path, 8) == SIGNATURE
    except OSError:
        return False


@contextmanager
def opened(path: Path) -> Iterator[Hdf5Group]:
    """The file's root, for reading; faults of the library leave as a `SceneError`."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, MemoryError, UnicodeError) as error:
        if isinstance(error, SceneError):
            raise
        raise broken(path) from error


def within(root: Hdf5Group, path: str) -> Any:
    """The group or dataset at a path, or None where it is not there or lies outside this file."""
    found = root
    for name in path.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or not isinstance(found.get(name, getlink=True), h5py.HardLink):
            return None
        found = found[name]
    if isinstance(found, h5py.Dataset) and (found.is_virtual or found.external):
        return None
    return found


def image_at(root: Hdf5Group, path: str) -> Hdf5Dataset | None:
    """A dataset of two dimensions, or three where the last is I and Q; None for all else."""
    found = within(root, path)
    if not isinstance(found, h5py.Dataset) or not _readable(found.dtype):
        return None
    if found.ndim == 2 or (found.ndim == 3 and found.shape[2] == 2):
        return found if found.shape[0] > 0 and found.shape[1] > 0 else None
    return None


def is_real(image: Hdf5Dataset) -> bool:
    """Whether an image of `image_at` holds one real number a pixel."""
    return bool(image.ndim == 2 and image.dtype.kind in "iuf")


def _readable(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iufc" or (dtype.names == ("r", "i") and all(dtype[name].kind in "iuf" for name in ("r", "i")))


def value_at(root: Hdf5Group, path: str) -> Any:
    """A small dataset's value, or None."""
    found = within(root, path)
    return found[()] if isinstance(found, h5py.Dataset) and found.size is not None and found.size <= MAX_SMALL else None


def text_of(value: Any) -> str | None:
    """A text as HDF5 keeps it: bytes, str, or an array of one of them; None for all else."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size == 1 else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return (value.strip("\x00 ") or None) if isinstance(value, str) else None


def number_of(value: Any) -> float | None:
    """A finite number, or None."""
    found = numbers_of(value)
    return float(found.ravel()[0]) if found is not None and found.size == 1 else None


def numbers_of(value: Any) -> NDArray[np.float64] | None:
    """Finite numbers as float64, or None."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "iufb" or array.size == 0:
        return None
    numbers = array.astype(np.float64)
    return numbers if np.isfinite(numbers).all() else None


def time_of(value: Any) -> datetime | None:
    """A moment as UTC, or None."""
    return utc(text_of(value))


@dataclass(frozen=True, slots=True)
class Hdf5Source:
    """An image in an HDF5 file.

    Attributes
    ----------
    path : Path
    dataset : str
        Path within the file: of real or complex numbers (h, w), of I and Q
        (h, w, 2), or of pairs r, i.
    value_type : ValueType
    nodata : float or None
        Besides NaN, the number that stands for no data.
    """

    path: Path
    dataset: str
    value_type: ValueType
    nodata: float | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        with opened(self.path) as root:
            found = self._found(root)
            block = found.chunks[:2] if found.chunks else (min(DEFAULT_BLOCK[0], found.shape[0]), found.shape[1])
            return Layout(found.shape[0], found.shape[1], (int(block[0]), int(block[1])))

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("Hdf5Source: expected no overview, for it states none")
        with opened(self.path) as root:
            stored = self._found(root)[window.row : window.row_end, window.col : window.col_end]
        values = _joined(stored)
        valid = np.ones(values.shape, np.bool_)
        if values.dtype.kind in "fc":
            valid &= np.isfinite(values)
        if self.nodata is not None:
            valid &= values != values.dtype.type(self.nodata)
        return values, valid

    def _found(self, root: Hdf5Group) -> Hdf5Dataset:
        found = image_at(root, self.dataset)
        if found is None:
            raise SceneError(f"{self.path} has no image {self.dataset} any more; open it again.")
        return found


def _joined(stored: NDArray[Any]) -> NDArray[np.generic]:
    """Complex samples of their parts; others as they are, half floats as float32."""
    if stored.dtype.names is not None:
        parts = stored["r"], stored["i"]
    elif stored.ndim == 3:
        parts = stored[..., 0], stored[..., 1]
    else:
        return stored.astype(np.float32) if stored.dtype == np.float16 else stored
    values = np.empty(parts[0].shape, np.complex64)
    values.real, values.imag = parts
    return values
