"""Uncompressed detected images of a NITF: grey levels, look-up tables, colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.pixels import LUMINANCE
from sarvlm_app.core.products.raw import RawPlane, read_stack
from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class DetectedSource:
    """Grey levels of one image, in one segment or several below each other.

    Attributes
    ----------
    path : Path
    planes : tuple of RawPlane
        Of one number a pixel, or of red, green and blue, which are read as luminance.
    tables : tuple of bytes
        What a byte stands for: none (itself), one table (a byte), two (the high and the low byte), or three (red,
        green and blue, read as luminance).
    """

    path: Path
    planes: tuple[RawPlane, ...]
    tables: tuple[bytes, ...] = ()

    @property
    def value_type(self) -> ValueType:
        return ValueType.DN

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        return Layout(sum(plane.rows for plane in self.planes), self.planes[0].cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("DetectedSource: expected no overview, for it states none")
        samples = read_stack(self.path, self.planes, window)
        values = samples.astype(np.float32) @ LUMINANCE if samples.shape[2] == 3 else samples[..., 0]
        if self.tables:
            values = self._levels()[values]
        return np.asarray(values), np.ones(values.shape, dtype=np.bool_)

    def _levels(self) -> NDArray[np.generic]:
        tables = np.stack([np.frombuffer(table, np.uint8) for table in self.tables])
        if len(tables) == 1:
            return np.asarray(tables[0])
        if len(tables) == 2:
            return np.asarray(tables[0].astype(np.uint16) * 256 + tables[1])
        return np.asarray(np.tensordot(LUMINANCE, tables.astype(np.float32), axes=1))
