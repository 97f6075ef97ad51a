"""MATLAB files: version 7.3 (HDF5) is read by windows, earlier ones (scipy.io) a variable at a time, whole."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.arrays.axes import Axes, axes_of, named
from sarvlm_app.core.products.arrays.matlab_hdf5 import MatlabHdf5Source, is_image, stored_type
from sarvlm_app.core.products.arrays.scene import Found, array_scene
from sarvlm_app.core.products.arrays.sources import HeldSource, require_small
from sarvlm_app.core.products.hdf5 import opened
from sarvlm_app.core.products.stated import chosen_part
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

LEAST_EDGE = 16
"""A variable of a file of several that is narrower is a list, no image."""

_TYPES = {
    "double": "f8", "single": "f4", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4",
    "uint32": "u4", "int64": "i8", "uint64": "u8",
}  # fmt: skip
_REMEDY = "save it with -v7.3"
_FAULTS = (
    OSError, ValueError, TypeError, KeyError, IndexError, EOFError, NotImplementedError, RuntimeError, MemoryError,
    OverflowError, UnicodeError, zlib.error, struct.error, AttributeError, AssertionError,
)  # fmt: skip


class MatlabFamily:
    """Files called .mat."""

    def recognises(self, path: Path) -> bool:
        return path.suffix.lower() == ".mat" and path.is_file()

    def describe(self, path: Path, part: str | None = None) -> Scene:
        is_hdf5 = h5py.is_hdf5(path)
        sizes = _hdf5_sizes(path) if is_hdf5 else _sizes(path)
        names = _images(path, sizes)
        name = chosen_part(path, names, part)
        axes = sizes[name][0]
        if is_hdf5:
            dtype = _hdf5_type(path, name)
            found = Found(axes, dtype, partial(_hdf5_source, path, name, axes))
        else:
            found = _held(path, name, axes, sizes[name][1])
        several = len(names) > 1
        form = "MATLAB 7.3 variable" if is_hdf5 else "MATLAB variable"
        return array_scene(path, form, found, name if several else None, names if several else ())


def _sizes(path: Path) -> dict[str, tuple[Axes, str]]:
    """Variables that may be images: their axes, and their type."""
    import scipy.io  # takes a tenth of a second, and few files are of this kind

    try:
        variables = scipy.io.whosmat(path)
    except _FAULTS as error:
        raise SceneError(f"{path} is damaged or no MATLAB file; save or copy it again.") from error
    found = {}
    for name, shape, kind in variables:
        axes = axes_of(tuple(int(edge) for edge in shape))
        if axes is not None and kind in _TYPES:
            found[name] = (axes, _TYPES[kind])
    return found


def _hdf5_sizes(path: Path) -> dict[str, tuple[Axes, str]]:
    with opened(path) as root:
        found = {}
        for name in root:
            if is_image(root, name):
                axes = axes_of(root[name].shape[::-1])
                if axes is not None:
                    found[name] = (axes, "")
        return found


def _images(path: Path, sizes: dict[str, tuple[Axes, str]]) -> tuple[str, ...]:
    """Names of the variables that are images, the largest first."""
    wide = [name for name, (axes, _) in sizes.items() if min(axes.rows, axes.cols) >= LEAST_EDGE]
    names = wide or [name for name, (axes, _) in sizes.items() if min(axes.rows, axes.cols) > 1]
    if not names:
        raise SceneError(
            f"{path} holds no variable that is an image; save a numeric matrix of two dimensions, or three with the "
            "bands last."
        )
    return tuple(sorted(names, key=lambda name: -sizes[name][0].rows * sizes[name][0].cols))


def _hdf5_type(path: Path, name: str) -> np.dtype[Any]:
    with opened(path) as root:
        return stored_type(root[name].dtype)


def _hdf5_source(path: Path, name: str, axes: Axes, band: int, value_type: ValueType) -> MatlabHdf5Source:
    return MatlabHdf5Source(path, name, axes, band, value_type)


def _held(path: Path, name: str, axes: Axes, dtype: str) -> Found:
    # whether a variable is complex stands in its data, so room for both parts is counted
    size = axes.rows * axes.cols * axes.bands * np.dtype(dtype).itemsize * 2
    require_small(named(path, name), size, _REMEDY)
    # read now: only the data tell whether it is whole
    first = HeldSource(path, name, load_variable, axes, 0, ValueType.DN)
    stored = first.stored_type()
    return Found(axes, stored, lambda band, kind: HeldSource(path, name, load_variable, axes, band, kind))


def load_variable(path: Path, name: str) -> NDArray[np.generic]:
    """A variable of a file before version 7.3, whole.

    Raises
    ------
    SceneError
        It is damaged.
    """
    import scipy.io

    try:
        loaded: Any = scipy.io.loadmat(path, variable_names=[name])[name]
    except _FAULTS as error:
        raise SceneError(f"{named(path, name)} is damaged and cannot be read; save or copy it again.") from error
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "uifc":
        raise SceneError(f"{named(path, name)} holds no plain numbers; save a numeric matrix.")
    return loaded
