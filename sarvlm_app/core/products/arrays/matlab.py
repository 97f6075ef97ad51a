"""MATLAB files: version 7.3 (HDF5) and uncompressed variables are read by windows, compressed ones whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.arrays.axes import Axes, axes_of, named, planes_of
from sarvlm_app.core.products.arrays.mat5 import Part, Variable, is_mat5, load, variables
from sarvlm_app.core.products.arrays.matlab_hdf5 import MatlabHdf5Source, is_image, stored_type
from sarvlm_app.core.products.arrays.scene import Found, array_scene
from sarvlm_app.core.products.arrays.sources import HeldSource, PairSource, PlaneSource, require_small
from sarvlm_app.core.products.hdf5 import opened
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import chosen_part
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

LEAST_EDGE = 16
"""A variable of a file of several that is narrower is a list, no image."""

_REMEDY = "save it with -v7.3"


class MatlabFamily:
    """Files called .mat."""

    def recognises(self, path: Path) -> bool:
        return path.suffix.lower() == ".mat" and path.is_file()

    def describe(self, path: Path, part: str | None = None) -> Scene:
        if h5py.is_hdf5(path):
            form, images = "MATLAB 7.3 variable", _hdf5_images(path)
        elif is_mat5(path):
            form, images = "MATLAB variable", _mat5_images(path)
        else:
            raise SceneError(f"{path} is damaged or no MATLAB file of version 5 to 7.3; save it again, with -v7.3.")
        names = _largest_first(path, {name: axes for name, (axes, _) in images.items()})
        name = chosen_part(path, names, part)
        axes, what = images[name]
        found = _mat5_found(path, axes, what) if isinstance(what, Variable) else _hdf5_found(path, name, axes, what)
        several = len(names) > 1
        return array_scene(path, form, found, name if several else None, names if several else ())


def _largest_first(path: Path, sizes: dict[str, Axes]) -> tuple[str, ...]:
    wide = [name for name, axes in sizes.items() if min(axes.rows, axes.cols) >= LEAST_EDGE]
    names = wide or [name for name, axes in sizes.items() if min(axes.rows, axes.cols) > 1]
    if not names:
        raise SceneError(
            f"{path} holds no variable that is an image; save a numeric matrix of two dimensions, or three with the "
            "bands last."
        )
    return tuple(sorted(names, key=lambda name: -sizes[name].rows * sizes[name].cols))


def _mat5_images(path: Path) -> dict[str, tuple[Axes, Variable]]:
    found = {}
    for variable in variables(path):
        axes = axes_of(variable.shape)
        if axes is not None:
            found[variable.name] = (axes, variable)
    return found


def _mat5_found(path: Path, axes: Axes, variable: Variable) -> Found:
    dtype = np.dtype(variable.dtype)
    if variable.compressed:
        require_small(named(path, variable.name), variable.unpacked, _REMEDY)
        return Found(axes, dtype, lambda band, kind: HeldSource(path, variable.name, load_variable, axes, band, kind))
    if variable.imaginary is None:
        return Found(axes, dtype, partial(_plane, path, axes, variable, variable.real))
    imaginary = variable.imaginary

    def pair(band: int, kind: ValueType) -> PixelSource:
        parts = (variable.real, imaginary)
        return PairSource(*(_plane(path, axes, variable, part, band, ValueType.AMPLITUDE) for part in parts))

    return Found(axes, dtype, pair)


def _plane(path: Path, axes: Axes, variable: Variable, part: Part, band: int, value_type: ValueType) -> PlaneSource:
    planes = planes_of(axes, variable.element + part.offset, part.dtype, fortran=True)
    return PlaneSource(path, *planes[band], value_type)


def load_variable(path: Path, name: str) -> NDArray[np.generic]:
    """A compressed variable, whole.

    Raises
    ------
    SceneError
        It is damaged or no longer there.
    """
    variable = next((variable for variable in variables(path) if variable.name == name), None)
    if variable is None or not variable.compressed:
        raise SceneError(f"{path} has changed since it was opened; open it again.")
    return load(path, variable)


def _hdf5_images(path: Path) -> dict[str, tuple[Axes, Any]]:
    with opened(path) as root:
        found = {}
        for name in root:
            if is_image(root, name):
                axes = axes_of(root[name].shape[::-1])
                if axes is not None:
                    found[name] = (axes, stored_type(root[name].dtype))
        return found


def _hdf5_found(path: Path, name: str, axes: Axes, dtype: np.dtype[Any]) -> Found:
    return Found(axes, dtype, lambda band, kind: MatlabHdf5Source(path, name, axes, band, kind))
