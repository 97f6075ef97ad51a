"""Pixels of arrays: read where they lie in the file, or kept in memory where the file can only be read whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.arrays.axes import Axes
from sarvlm_app.core.products.raw import RawPlane, read_plane
from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

MAX_HELD_BYTES = 512 * 2**20
"""Arrays that must be read whole may not be larger."""

Loader = Callable[[Path, str], NDArray[np.generic]]
_HELD = threading.Lock()


def plain(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The same numbers in this machine's byte order, floats as float32 and complex numbers as complex64."""
    if values.dtype.kind not in "fc":
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond float32 becomes infinite, and that is no data
        return values.astype(np.complex64 if values.dtype.kind == "c" else np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class PlaneSource:
    """One band of an array that lies uncompressed in a file; `item` is its number among those of a pixel."""

    path: Path
    plane: RawPlane
    item: int
    value_type: ValueType

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        return Layout(self.plane.rows, self.plane.cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("PlaneSource: expected no overview, for it states none")
        values = plain(read_plane(self.path, self.plane, window)[..., self.item])
        return values, np.ones(values.shape, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class PairSource:
    """Complex numbers whose real and imaginary parts lie apart in a file."""

    real: PlaneSource
    imaginary: PlaneSource

    @property
    def value_type(self) -> ValueType:
        return ValueType.COMPLEX

    @property
    def files(self) -> tuple[Path, ...]:
        return self.real.files

    def layout(self) -> Layout:
        return self.real.layout()

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        real, valid = self.real.native(window, overview)
        values = np.empty(real.shape, dtype=np.complex64)
        values.real, values.imag = real, self.imaginary.native(window)[0]
        return values, valid


@dataclass(frozen=True, slots=True)
class HeldSource:
    """One band of an array that is compressed as a whole: it is read once and kept in memory.

    Attributes
    ----------
    path : Path
    name : str
        Of the array in its file.
    load : callable
        Reads it; a function of a module.
    axes : Axes
    band : int
        From 0.
    value_type : ValueType
    """

    path: Path
    name: str
    load: Loader
    axes: Axes
    band: int
    value_type: ValueType

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        return Layout(self.axes.rows, self.axes.cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("HeldSource: expected no overview, for it states none")
        array = self._array()
        if self.axes.band_axis is not None:
            array = array[self.band] if self.axes.band_axis == 0 else array[..., self.band]
        values = plain(array[window.row : window.row_end, window.col : window.col_end])
        return values, np.ones(values.shape, dtype=np.bool_)

    def _array(self) -> NDArray[np.generic]:
        try:
            status = self.path.stat()
        except OSError as error:
            reason = error.strerror or str(error)
            raise SceneError(f"{self.path} cannot be read ({reason}); check that its disk is still there.") from error
        with _HELD:  # so that two threads do not read the same array twice
            array = _held(self.path, self.name, self.load, (status.st_mtime_ns, status.st_size))
        if array.shape != self.axes.shape:
            raise SceneError(f"{self.path} has changed since it was opened; open it again.")
        return array


@lru_cache(maxsize=2)
def _held(path: Path, name: str, load: Loader, version: tuple[int, int]) -> NDArray[np.generic]:
    array = load(path, name)
    array.flags.writeable = False
    return array


def require_small(where: str, size: int, remedy: str) -> None:
    """Refuse an array that would have to be read whole and is too large for that.

    Raises
    ------
    SceneError
    """
    if size > MAX_HELD_BYTES:
        raise SceneError(
            f"{where} is compressed and would take {size / 2**20:.0f} MB of memory, more than "
            f"{MAX_HELD_BYTES // 2**20}; {remedy}."
        )
