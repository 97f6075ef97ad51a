"""Pixels that lie in a file as plain numbers, row after row: read by windows, without mapping the file.

A file that is mapped and then cut short ends the whole program when it is
touched; a read that comes back short is an error like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.dataset import broken
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class RawPlane:
    """A rectangle of numbers in a file.

    Attributes
    ----------
    offset : int
        Byte of the first sample.
    rows, cols : int
    dtype : str
        NumPy's name with the byte order: ">f4".
    items : int
        Numbers of a pixel that lie side by side (I and Q; the bands of a band-last array).
    row_bytes : int
        From one row to the next; 0 where the rows touch.
    transposed : bool
        It is stored column after column, as MATLAB and Fortran do.
    """

    offset: int
    rows: int
    cols: int
    dtype: str
    items: int = 1
    row_bytes: int = 0
    transposed: bool = False

    @property
    def pixel_bytes(self) -> int:
        return np.dtype(self.dtype).itemsize * self.items

    @property
    def end(self) -> int:
        """The byte after its last."""
        count, length = (self.cols, self.rows) if self.transposed else (self.rows, self.cols)
        touching = length * self.pixel_bytes
        return self.offset + (count - 1) * (self.row_bytes or touching) + touching


def require_inside(path: Path, planes: tuple[RawPlane, ...]) -> None:
    """Refuse a file that ends before its pixels do.

    Raises
    ------
    SceneError
    """
    size = path.stat().st_size
    end = max(plane.end for plane in planes)
    if end > size:
        raise SceneError(
            f"{path} is cut short: its pixels would take {end} bytes and it has {size}; copy or download it again."
        )


def read_plane(path: Path, plane: RawPlane, window: Window) -> NDArray[np.generic]:
    """The samples of a window that lies inside, (h, w, items), in the stored type and byte order.

    Raises
    ------
    SceneError
        The file is gone or ends too early.
    """
    if plane.transposed:
        window = Window(window.row, window.col, window.height, window.width)
    stored = np.empty((window.height, window.width * plane.pixel_bytes), dtype=np.uint8)
    length = plane.rows if plane.transposed else plane.cols
    stride = plane.row_bytes or length * plane.pixel_bytes
    first = plane.offset + window.row * stride + window.col * plane.pixel_bytes
    try:
        with path.open("rb", buffering=0) as file:
            if stride == stored.shape[1]:
                _fill(path, file, first, stored.reshape(-1))
            else:
                for number, line in enumerate(stored):
                    _fill(path, file, first + number * stride, line)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SceneError(f"{path} cannot be read ({reason}); check that its disk is still there.") from error
    samples = stored.view(plane.dtype).reshape(window.height, window.width, plane.items)
    return samples.transpose(1, 0, 2) if plane.transposed else samples


def read_stack(path: Path, planes: tuple[RawPlane, ...], window: Window) -> NDArray[np.generic]:
    """The same of planes that lie one below the other in the scene, as the segments of a large NITF do."""
    parts = [read_plane(path, plane, share) for plane, share in _shares(planes, window)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _shares(planes: tuple[RawPlane, ...], window: Window) -> Iterator[tuple[RawPlane, Window]]:
    start = 0
    for plane in planes:
        first, last = max(window.row, start), min(window.row_end, start + plane.rows)
        if first < last:
            yield plane, Window(window.col, first - start, window.width, last - first)
        start += plane.rows


def _fill(path: Path, file: BinaryIO, offset: int, buffer: NDArray[np.uint8]) -> None:
    file.seek(offset)
    view = buffer.data
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]
        if not count:
            raise broken(path)
        done += count
