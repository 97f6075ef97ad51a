"""Images that lie in a file as records of one length, each a header and then big-endian samples: CEOS and COSAR."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.raw import RawPlane, read_plane
from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_models.types import Window

_BLOCK_PIXELS = 2**18


@dataclass(frozen=True, slots=True)
class RecordSource:
    """One image of such a file.

    Attributes
    ----------
    path : Path
    plane : RawPlane
        Where the samples lie; two items a pixel are I and Q.
    value_type : ValueType
    """

    path: Path
    plane: RawPlane
    value_type: ValueType

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        rows = max(1, min(_BLOCK_PIXELS // max(self.plane.cols, 1), self.plane.rows))
        return Layout(self.plane.rows, self.plane.cols, (rows, self.plane.cols))

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("RecordSource: expected no overview, for it states none")
        stored = read_plane(self.path, self.plane, window)
        if self.plane.items == 1:
            values = stored[..., 0].astype(stored.dtype.newbyteorder("="))
            return values, values != 0
        joined = np.empty(stored.shape[:2], np.complex64)
        joined.real, joined.imag = stored[..., 0], stored[..., 1]
        return joined, (joined != 0) & np.isfinite(joined)
