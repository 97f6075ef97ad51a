"""Uncompressed images of a NITF as planes of numbers, and complex bands made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from sarvlm_app.core.products.nitf.header import ImageSegment
from sarvlm_app.core.products.raw import RawPlane, read_stack
from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

_TYPES = {"INT": "u", "SI": "i", "R": "f", "C": "c"}
_TURN = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)
"""Phases of AMP8I_PHS8I: a byte is a 256th of a turn."""


def number_type(segment: ImageSegment) -> str | None:
    """NumPy's name of its samples, None for a kind that is not read here."""
    kind = _TYPES.get(segment.kind)
    if kind is None or (kind == "f" and segment.bits < 32) or (kind == "c" and segment.bits != 64):
        return None
    return f">{kind}{segment.bits // 8}"


def interleaved(path: Path, segments: tuple[ImageSegment, ...], items: int) -> tuple[RawPlane, ...]:
    """Planes, one below the other, whose pixels hold `items` numbers side by side.

    Raises
    ------
    SceneError
        The pixels are compressed, in blocks, of an unknown kind, or shorter than their size says.
    """
    return tuple(_plane(path, segment, items) for segment in segments)


def _plane(path: Path, segment: ImageSegment, items: int) -> RawPlane:
    dtype = number_type(segment)
    if not segment.plain or dtype is None or segment.bands != items or (items > 1 and segment.mode != "P"):
        raise SceneError(
            f"{path} stores {segment.name} in a way that is not read here (IC {segment.compression}, IMODE "
            f"{segment.mode}, {segment.blocks[0]} x {segment.blocks[1]} blocks); save it uncompressed in one block."
        )
    if segment.rows < 1 or segment.cols < 1:
        raise SceneError(f"{path} holds an image without pixels; open the file that holds them.")
    plane = RawPlane(segment.offset, segment.rows, segment.cols, dtype, items)
    if plane.end > segment.offset + segment.size:
        raise SceneError(
            f"{path} is damaged: {segment.rows} x {segment.cols} pixels do not fit into the {segment.size} bytes of "
            f"{segment.name}; copy or download it again."
        )
    return plane


@dataclass(frozen=True, slots=True)
class ComplexSource:
    """Complex samples of one image, in one segment or several below each other.

    Attributes
    ----------
    path : Path
    planes : tuple of RawPlane
        Of two numbers a pixel, or of one complex number.
    polar : bool
        The numbers are amplitude and phase in bytes, else real and imaginary parts.
    amplitudes : tuple of float
        What each amplitude byte stands for; empty where it stands for itself.
    outline : tuple of (float, float)
        Polygon (row, col) of pixels that hold data; empty where all do.
    """

    path: Path
    planes: tuple[RawPlane, ...]
    polar: bool = False
    amplitudes: tuple[float, ...] = ()
    outline: tuple[tuple[float, float], ...] = ()

    @property
    def value_type(self) -> ValueType:
        return ValueType.COMPLEX

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        return Layout(sum(plane.rows for plane in self.planes), self.planes[0].cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("ComplexSource: expected no overview, for it states none")
        samples = read_stack(self.path, self.planes, window)
        return self._values(samples), self._valid(window)

    def _values(self, samples: NDArray[np.generic]) -> NDArray[np.generic]:
        if samples.shape[2] == 1:
            return np.asarray(samples[..., 0].astype(np.complex64))
        if self.polar:
            table = np.array(self.amplitudes or range(256), dtype=np.float32)
            return np.asarray(table[samples[..., 0]] * _TURN[samples[..., 1]])
        values = np.empty(samples.shape[:2], dtype=np.complex64)
        values.real, values.imag = samples[..., 0], samples[..., 1]
        return values

    def _valid(self, window: Window) -> Bool:
        shape = (window.height, window.width)
        if not self.outline:
            return np.ones(shape, dtype=np.bool_)
        corners = np.array(self.outline) - np.array([window.row, window.col])
        return np.asarray(polygon2mask(shape, corners), dtype=np.bool_)
