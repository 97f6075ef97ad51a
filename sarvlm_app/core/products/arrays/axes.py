"""Which axes of an array are rows, columns and bands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarvlm_app.core.products.raw import RawPlane
from sarvlm_app.errors import SceneError

MAX_BANDS = 16
"""An axis that is longer is no axis of bands."""


@dataclass(frozen=True, slots=True)
class Axes:
    """An array as an image.

    Attributes
    ----------
    rows, cols, bands : int
    band_axis : int or None
        0 or 2 in an array of three dimensions.
    """

    rows: int
    cols: int
    bands: int = 1
    band_axis: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        if self.band_axis is None:
            return self.rows, self.cols
        return (self.bands, self.rows, self.cols) if self.band_axis == 0 else (self.rows, self.cols, self.bands)

    @property
    def words(self) -> str:
        if self.band_axis is None:
            return f"{self.rows} x {self.cols}"
        where = "first" if self.band_axis == 0 else "last"
        return f"{self.bands} bands of {self.rows} x {self.cols}, bands on the {where} axis (assumed from the sizes)"


def axes_of(shape: tuple[int, ...]) -> Axes | None:
    """The axes of an array of that shape; None where it is no image.

    Of three axes the first or the last counts bands: the shorter one, if it
    is not longer than `MAX_BANDS`, and the last of two alike.
    """
    if min(shape, default=0) < 1 or len(shape) not in (2, 3):
        return None
    if len(shape) == 2:
        return Axes(*shape)
    if shape[2] <= min(shape[0], MAX_BANDS):
        return Axes(shape[0], shape[1], shape[2], 2)
    return Axes(shape[1], shape[2], shape[0], 0) if shape[0] <= MAX_BANDS else None


def require_axes(where: str, shape: tuple[int, ...]) -> Axes:
    """The axes, or the sentence why there are none; `where` names the array.

    Raises
    ------
    SceneError
    """
    axes = axes_of(shape)
    if axes is None:
        size = " x ".join(map(str, shape)) or "no size"
        raise SceneError(
            f"{where} is an array of {len(shape)} dimensions ({size}), which is no image; save two dimensions, or "
            f"three with at most {MAX_BANDS} bands first or last."
        )
    return axes


def require_numbers(where: str, dtype: np.dtype[np.generic]) -> None:
    """Refuse what is no whole, real or complex number.

    Raises
    ------
    SceneError
    """
    if dtype.hasobject:
        raise SceneError(
            f"{where} holds Python objects, which are never opened because they can run programs; save it anew as "
            "plain numbers."
        )
    if dtype.kind not in "uifc" or dtype.names is not None:
        raise SceneError(f"{where} holds {dtype} and no plain numbers; save it as integers, floats or complex numbers.")


def planes_of(axes: Axes, offset: int, dtype: str, fortran: bool) -> tuple[tuple[RawPlane, int], ...]:
    """Where each band lies in the file: a plane, and which of the numbers of its pixels."""
    size = axes.rows * axes.cols * np.dtype(dtype).itemsize
    # bands side by side in a pixel, or one band after the other
    beside = axes.bands > 1 and (axes.band_axis == 0) == fortran
    return tuple(
        (RawPlane(offset, axes.rows, axes.cols, dtype, axes.bands, 0, fortran), band)
        if beside
        else (RawPlane(offset + band * size, axes.rows, axes.cols, dtype, 1, 0, fortran), 0)
        for band in range(axes.bands)
    )


def named(path: Path, name: str | None) -> str:
    """The array in a sentence."""
    return str(path) if name is None else f"{path}, array {name},"
