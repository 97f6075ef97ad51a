"""NumPy files: .npy and uncompressed .npz are read by windows, compressed .npz whole; pickles never."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from sarvlm_app.core.products.arrays.axes import (
    axes_of,
    named,
    planes_of,
    require_axes,
    require_numbers,
)
from sarvlm_app.core.products.arrays.scene import Found, array_scene
from sarvlm_app.core.products.arrays.sources import HeldSource, PlaneSource, require_small
from sarvlm_app.core.products.raw import RawPlane, require_inside
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import chosen_part, no_parts
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

MAGIC = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_MAX_HEADER = 10_000
_REMEDY = "save it with numpy.save, or with numpy.savez and not savez_compressed"
_READS = (ValueError, TypeError, KeyError, SyntaxError, EOFError, RecursionError, tokenize.TokenError, UnicodeError)
_ZIP_READS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, KeyError)

_Header = tuple[tuple[int, ...], bool, "np.dtype[np.generic]"]


class NumpyFamily:
    """Files that begin as NumPy's own do, and zip archives called .npz."""

    def recognises(self, path: Path) -> bool:
        if not path.is_file():
            return False
        try:
            with path.open("rb") as file:
                start = file.read(6)
        except OSError:
            return False
        return start == MAGIC or (start.startswith(_ZIP) and path.suffix.lower() == ".npz")

    def describe(self, path: Path, part: str | None = None) -> Scene:
        with path.open("rb") as file:
            if file.read(6) != MAGIC:
                return _archive_scene(path, part)
            no_parts(path, part)
            file.seek(0)
            header = _header(str(path), file)
            offset = file.tell()
        return array_scene(path, "NumPy array", _lying(path, None, header, offset), None, ())


def _header(where: str, file: IO[bytes]) -> _Header:
    """Shape, whether the first axis runs fastest, and type."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file, max_header_size=_MAX_HEADER)
    except _READS as error:
        raise SceneError(f"{where} is damaged: its NumPy header cannot be read; save or copy it again.") from error
    if any(not isinstance(edge, int) or edge < 0 for edge in shape):
        raise SceneError(f"{where} is damaged: its NumPy header states an impossible shape; save or copy it again.")
    return tuple(shape), bool(fortran), dtype


def _lying(path: Path, name: str | None, header: _Header, offset: int) -> Found:
    """An array that lies uncompressed from `offset` on."""
    shape, fortran, dtype = header
    where = named(path, name)
    require_numbers(where, dtype)
    axes = require_axes(where, shape)
    planes = planes_of(axes, offset, dtype.str, fortran)
    require_inside(path, tuple(plane for plane, _ in planes))
    return Found(axes, dtype, partial(_plane_source, path, planes))


def _plane_source(
    path: Path, planes: tuple[tuple[RawPlane, int], ...], band: int, value_type: ValueType
) -> PixelSource:
    return PlaneSource(path, *planes[band], value_type)


def _archive_scene(path: Path, part: str | None) -> Scene:
    """One of the arrays of a .npz, by default the largest."""
    try:
        with zipfile.ZipFile(path) as archive:
            headers = _headers(path, archive)
            names = _images(path, headers)
            name = chosen_part(path, names, part)
            found = _stored(path, archive, name, headers[name])
    except _ZIP_READS as error:
        raise SceneError(f"{path} is damaged or cut short and cannot be read; save or copy it again.") from error
    several = len(names) > 1
    return array_scene(path, "NumPy archive", found, name if several else None, names if several else ())


def _headers(path: Path, archive: zipfile.ZipFile) -> dict[str, _Header]:
    found = {}
    for entry in archive.infolist():
        if entry.filename.endswith(".npy"):
            name = entry.filename.removesuffix(".npy")
            with archive.open(entry) as file:
                found[name] = _header(named(path, name), file)
    return found


def _images(path: Path, headers: dict[str, _Header]) -> tuple[str, ...]:
    """Names of the arrays that are images, the largest first; the sentence of the first array where none is one."""
    fit = {
        name: int(np.prod(shape, dtype=object))
        for name, (shape, _, dtype) in headers.items()
        if axes_of(shape) is not None and dtype.kind in "uifc" and dtype.names is None
    }
    if fit:
        return tuple(sorted(fit, key=lambda name: -fit[name]))
    for name, (shape, _, dtype) in headers.items():
        require_numbers(named(path, name), dtype)
        require_axes(named(path, name), shape)
    raise SceneError(f"{path} holds no NumPy array; open a file made by numpy.savez.")


def _stored(path: Path, archive: zipfile.ZipFile, name: str, header: _Header) -> Found:
    entry = archive.getinfo(f"{name}.npy")
    shape, _, dtype = header
    if entry.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as file:
            file.seek(entry.header_offset + 26)
            lengths = file.read(4)
            start = entry.header_offset + 30 + sum(int.from_bytes(lengths[at : at + 2], "little") for at in (0, 2))
            file.seek(start)
            again = _header(named(path, name), file)
            return _lying(path, name, again, file.tell())
    where = named(path, name)
    require_small(where, int(np.prod(shape, dtype=object)) * dtype.itemsize, _REMEDY)
    axes = require_axes(where, shape)
    return Found(axes, dtype, lambda band, kind: HeldSource(path, name, load_entry, axes, band, kind))


def load_entry(path: Path, name: str) -> NDArray[np.generic]:
    """An array of a compressed .npz, whole.

    Raises
    ------
    SceneError
        It is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            return np.asarray(npy.read_array(file, allow_pickle=False, max_header_size=_MAX_HEADER))
    except (*_ZIP_READS, *_READS, MemoryError) as error:
        raise SceneError(f"{named(path, name)} is damaged and cannot be read; save or copy it again.") from error
