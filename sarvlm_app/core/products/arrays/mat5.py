"""MATLAB files of versions 5 to 7: where the numbers of each variable lie ("MAT-File Format", MathWorks).

scipy.io reads these files too, but trusts the types that they state and ends
the program where one is damaged; it writes the files of the tests.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.errors import SceneError

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX, _LOGICAL = 0x0800, 0x0200
_HEADER = 128
_START = 4096
"""Bytes that hold what precedes the numbers: names have at most 63 letters."""

MAX_VARIABLES = 10_000
_MAX_DIMENSIONS = 32
_FAULTS = (struct.error, zlib.error, ValueError, KeyError, OverflowError)


Read = Callable[[int, int], bytes]
"""Bytes of an element, by offset and number."""


@dataclass(frozen=True, slots=True)
class Part:
    """Real or imaginary numbers: offset in the element, type with byte order, bytes."""

    offset: int
    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A numeric variable.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        NumPy's name of its class in MATLAB, of both parts together where complex.
    order : str
        Byte order of the file, "<" or ">".
    compressed : bool
        Then parts count within the unpacked element.
    element, element_bytes : int
        Where the element lies in the file.
    real : Part
    imaginary : Part or None
        Of a compressed variable it is found when the numbers are unpacked.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    order: str
    compressed: bool
    element: int
    element_bytes: int
    real: Part
    imaginary: Part | None = None

    @property
    def is_complex(self) -> bool:
        return np.dtype(self.dtype).kind == "c"

    @property
    def unpacked(self) -> int:
        """Bytes of the element once it is unpacked, at most."""
        return self.real.offset + (self.real.size + 16) * (2 if self.is_complex else 1)


def is_mat5(path: Path) -> bool:
    """Whether the file's header is that of versions 5 to 7."""
    with path.open("rb") as file:
        return _order(file.read(_HEADER)) is not None


def variables(path: Path) -> tuple[Variable, ...]:
    """The numeric variables of a file; others (text, cells, structures, truth values) are passed over.

    Raises
    ------
    SceneError
        The file is damaged or cut short.
    """
    found: list[Variable] = []
    size = path.stat().st_size
    with path.open("rb") as file:
        order = _order(file.read(_HEADER)) or "<"
        at = _HEADER
        try:
            while at + 8 <= size and len(found) < MAX_VARIABLES:
                kind, length = _words(_of_file(file, at)(0, 8), order)
                if at + 8 + length > size:
                    raise ValueError("an element is longer than the file")
                variable = _element(file, order, at, kind, length)
                if variable is not None:
                    found.append(variable)
                at += 8 + length
        except _FAULTS as error:
            raise broken(path) from error
    return tuple(found)


def load(path: Path, variable: Variable) -> NDArray[np.generic]:
    """The numbers of a compressed variable, whole.

    Raises
    ------
    SceneError
        It is damaged.
    """
    try:
        with path.open("rb") as file:
            packed = _of_file(file, variable.element)(0, variable.element_bytes)
        content = zlib.decompressobj().decompress(packed, variable.unpacked)
        real = _numbers(content, variable, variable.real)
        if not variable.is_complex:
            return real
        imaginary = _part(_of_bytes(content), _next(variable.real), variable.order, math.prod(variable.shape))
        values = np.empty(variable.shape, dtype=variable.dtype, order="F")
        values.real, values.imag = real, _numbers(content, variable, imaginary)
    except (*_FAULTS, OSError, MemoryError) as error:
        raise broken(path) from error
    return values


def broken(path: Path) -> SceneError:
    """The sentence for a file that is not as it should be."""
    return SceneError(f"{path} is damaged or cut short and cannot be read; save or copy it again.")


def _order(header: bytes) -> str | None:
    if len(header) < _HEADER or header[:4].count(0):
        return None
    return {b"IM": "<", b"MI": ">"}.get(header[126:128])


def _words(content: bytes, order: str) -> tuple[int, int]:
    first, second = struct.unpack(f"{order}2I", content)
    return int(first), int(second)


def _of_file(file: BinaryIO, element: int) -> Read:
    def read(offset: int, count: int) -> bytes:
        file.seek(element + offset)
        return file.read(count)

    return read


def _of_bytes(content: bytes) -> Read:
    return lambda offset, count: content[offset : offset + count]


def _element(file: BinaryIO, order: str, at: int, kind: int, length: int) -> Variable | None:
    if kind == _MATRIX:
        variable = _variable(_of_file(file, at), order, (at, length + 8), compressed=False)
        if variable is None or not variable.is_complex:
            return variable
        second = _part(_of_file(file, at), _next(variable.real), order, math.prod(variable.shape))
        return replace(variable, imaginary=second)
    if kind == _COMPRESSED:
        packed = _of_file(file, at + 8)(0, min(length, _START))
        start = zlib.decompressobj().decompress(packed, _START)
        if _words(start[:8], order)[0] != _MATRIX:
            return None
        return _variable(_of_bytes(start), order, (at + 8, length), compressed=True)
    return None


def _variable(read: Read, order: str, element: tuple[int, int], *, compressed: bool) -> Variable | None:
    """What precedes the numbers: flags, dimensions, name; None for what is not numeric."""
    _, flags_size, at, following = _tag(read, 8, order)
    if flags_size < 8:
        raise ValueError("flags are too short")
    flags = _words(read(at, 8), order)[0]
    numeric = _CLASSES.get(flags & 0xFF)
    kind, size, at, following = _tag(read, following, order)
    if numeric is None or flags & _LOGICAL:
        return None
    if _NUMBERS.get(kind) != "i4" or size % 4 or not 8 <= size <= 4 * _MAX_DIMENSIONS:
        raise ValueError("dimensions are no numbers")
    shape = struct.unpack(f"{order}{size // 4}i", read(at, size))
    _, size, at, following = _tag(read, following, order)
    if min(shape) < 0 or size > _START:
        raise ValueError("the size or the name is impossible")
    name = read(at, size).decode("latin-1")
    real = _part(read, following, order, math.prod(shape))
    if flags & _COMPLEX:
        numeric = "c16" if numeric == "f8" else "c8"
    return Variable(name, shape, numeric, order, compressed, *element, real)


def _tag(read: Read, at: int, order: str) -> tuple[int, int, int, int]:
    """Kind and bytes of an element, where its data begin, and where the next one does."""
    first, second = _words(read(at, 8), order)
    if first >> 16:  # up to four bytes lie within the tag
        return first & 0xFFFF, first >> 16, at + 4, at + 8
    return first, second, at + 8, at + 8 + -(-second // 8) * 8


def _part(read: Read, at: int, order: str, count: int) -> Part:
    kind, size, first, _ = _tag(read, at, order)
    dtype = order + _NUMBERS[kind]
    if size != count * np.dtype(dtype).itemsize:
        raise ValueError("the numbers do not fill the size")
    return Part(first, dtype, size)


def _next(part: Part) -> int:
    """Where the element after it begins: parts of up to four bytes lie within their tag."""
    return part.offset + (4 if part.size <= 4 else -(-part.size // 8) * 8)


def _numbers(content: bytes, variable: Variable, part: Part) -> NDArray[np.generic]:
    count = math.prod(variable.shape)
    return np.frombuffer(content, part.dtype, count, part.offset).reshape(variable.shape, order="F")
