"""Where pixels come from: one small interface for files of every kind and for what is computed from them.

A source is a frozen value: it can be compared, hashed and used from any
thread, and holds no open file. Families (`RasterSource` and its siblings) read
files; derived scenes (`core.derived`) wrap a source in another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import Bool, Float32, ValueType, to_intensity
from sarvlm_models.types import Window

DEFAULT_BLOCK = (512, 512)


@dataclass(frozen=True, slots=True)
class Overview:
    """A reduced image that the file itself holds.

    Attributes
    ----------
    number : int
        From 0, as the source counts.
    factor : int
        Full-resolution pixels for one of its pixels, each way.
    shape : (int, int)
        Height and width.
    """

    number: int
    factor: int
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the pixels of a source lie.

    Attributes
    ----------
    height, width : int
    block : (int, int)
        Rows and columns that are best read together.
    overviews : tuple of Overview
    """

    height: int
    width: int
    block: tuple[int, int] = DEFAULT_BLOCK
    overviews: tuple[Overview, ...] = ()


@runtime_checkable
class PixelSource(Protocol):
    """The pixels of one band."""

    @property
    def value_type(self) -> ValueType:
        """What the numbers of `native` are."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that reading opens."""
        ...

    def layout(self) -> Layout:
        """Size, blocks and overviews; may look into the file, once."""
        ...

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        """Values (h, w) in the unit of `value_type` (real or complex) and validity bool (h, w).

        `window` lies inside the source, or inside the overview of that number.

        Raises
        ------
        SceneError
            The file is damaged or gone.
        """
        ...


def read_intensity(source: PixelSource, window: Window, overview: int | None = None) -> tuple[Float32, Bool]:
    """Linear intensity float32 (h, w), 0 where not valid, and validity bool (h, w).

    NaN, infinity, no-data values and masked pixels are not valid.
    """
    with np.errstate(all="ignore"):  # pixels may be anything: what is no number is not valid
        values, valid = source.native(window, overview)
        intensity = to_intensity(values, source.value_type)
    if values.dtype.kind in "fc" or source.value_type is ValueType.DB:
        valid = valid & np.isfinite(intensity)
    if not valid.all():
        if np.may_share_memory(intensity, values):
            intensity = intensity.copy()
        intensity[~valid] = 0.0
    return intensity, valid
