"""Variables of MATLAB 7.3 files, which are HDF5 datasets with their axes in reverse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.arrays.axes import Axes
from sarvlm_app.core.products.arrays.sources import plain
from sarvlm_app.core.products.hdf5 import opened, within
from sarvlm_app.core.products.sources import DEFAULT_BLOCK, Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

_PARTS = ("real", "imag")
_NUMBERS = ("double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def is_image(root: Any, name: str) -> bool:
    """Whether a variable is a numeric array that lies in this file itself."""
    found = within(root, name)
    if not isinstance(found, h5py.Dataset) or "MATLAB_empty" in found.attrs:
        return False
    kind = found.attrs.get("MATLAB_class", b"double")
    text = kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)
    return text in _NUMBERS and stored_type(found.dtype).kind in "uifc"


def stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of its numbers; complex ones are kept as pairs."""
    if dtype.names == _PARTS:
        return np.dtype(np.complex128 if dtype["real"].itemsize > 4 else np.complex64)
    return dtype


@dataclass(frozen=True, slots=True)
class MatlabHdf5Source:
    """One band (from 0) of a variable."""

    path: Path
    name: str
    axes: Axes
    band: int
    value_type: ValueType

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        with opened(self.path) as root:
            chunks = self._found(root).chunks
        block = DEFAULT_BLOCK
        if chunks is not None:
            across, down = chunks[1:] if self.axes.band_axis == 2 else chunks[:2]
            block = (int(down), int(across))
        return Layout(self.axes.rows, self.axes.cols, block)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("MatlabHdf5Source: expected no overview, for it states none")
        across, down = slice(window.col, window.col_end), slice(window.row, window.row_end)
        with opened(self.path) as root:
            found = self._found(root)
            if self.axes.band_axis is None:
                stored = found[across, down]
            else:
                stored = found[self.band, across, down] if self.axes.band_axis == 2 else found[across, down, self.band]
        if stored.dtype.names == _PARTS:
            values = np.empty(stored.shape, stored_type(stored.dtype))
            values.real, values.imag = stored["real"], stored["imag"]
            stored = values
        turned = np.ascontiguousarray(plain(stored).T)
        return turned, np.ones(turned.shape, dtype=np.bool_)

    def _found(self, root: Any) -> Any:
        if not is_image(root, self.name) or root[self.name].shape[::-1] != self.axes.shape:
            raise SceneError(f"{self.path} has changed since it was opened; open it again.")
        return root[self.name]
