"""Pixels of image files that GDAL reads, as stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterWindow

from sarvlm_app.core.products.dataset import borrowed, broken
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.sources import Layout, Overview
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_models.types import Window

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class RasterSource:
    """Bands of an image file that GDAL reads.

    Attributes
    ----------
    path : Path or Member
        The file, or an entry of a zip archive.
    channels : tuple of int
        One band of the file (from 1), or red, green and blue.
    value_type : ValueType
    nodata : float or None
        No-data value where the file itself declares none.
    void : float or None
        A value that is never data, whatever the file declares.
    """

    path: Place
    channels: tuple[int, ...]
    value_type: ValueType
    nodata: float | None = None
    void: float | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path if isinstance(self.path, Path) else self.path.archive,)

    def layout(self) -> Layout:
        return _layout(self.path, self.channels[0])

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        with borrowed(self.path, overview) as dataset:
            return read_native(dataset, self, window)


@lru_cache(maxsize=256)
def _layout(path: Place, channel: int) -> Layout:
    with borrowed(path) as dataset:
        size, block = (dataset.height, dataset.width), dataset.block_shapes[channel - 1]
        factors = dataset.overviews(channel)
    found = []
    for number, factor in enumerate(factors):
        with borrowed(path, number) as dataset:
            found.append(Overview(number, factor, (dataset.height, dataset.width)))
    return Layout(*size, block, tuple(found))


def forget_layouts() -> None:
    """Look at the files anew: one of them was closed and may have changed."""
    _layout.cache_clear()


def read_native(dataset: DatasetReader, source: RasterSource, window: Window) -> tuple[NDArray[np.generic], Bool]:
    """Values (h, w) in the file's unit (scale and offset applied, pictures as luminance) and validity bool (h, w)."""
    place = RasterWindow(window.col, window.row, window.width, window.height)
    stored = dataset.read(list(source.channels), window=place)
    valid = np.ones(stored.shape[1:], dtype=np.bool_)
    for plane, channel in zip(stored, source.channels, strict=True):
        declared = dataset.nodatavals[channel - 1]
        _drop_nodata(valid, plane, source.nodata if declared is None else declared)
        _drop_nodata(valid, plane, source.void)
        if MaskFlags.per_dataset in dataset.mask_flag_enums[channel - 1]:
            valid &= dataset.read_masks(channel, window=place) > 0
    planes = [_decoded(dataset, plane, channel) for plane, channel in zip(stored, source.channels, strict=True)]
    if len(planes) == 1:
        return planes[0], valid
    return np.tensordot(LUMINANCE, np.stack(planes).astype(np.float32), axes=1), valid


def _drop_nodata(valid: Bool, plane: NDArray[np.generic], nodata: float | None) -> None:
    if nodata is None or np.isnan(nodata):
        return
    if plane.dtype.kind in "iu":
        info = np.iinfo(plane.dtype.str)
        if nodata != int(nodata) or not info.min <= nodata <= info.max:
            return
    valid &= plane != plane.dtype.type(nodata)


def _decoded(dataset: DatasetReader, plane: NDArray[np.generic], channel: int) -> NDArray[np.generic]:
    if dataset.colorinterp[channel - 1] is ColorInterp.palette and plane.dtype == np.uint8:
        colours = dataset.colormap(channel)
        table = np.array([colours.get(value, (0, 0, 0, 0))[:3] for value in range(256)], dtype=np.float32)
        return np.asarray((table @ LUMINANCE)[plane])
    scale, offset = dataset.scales[channel - 1], dataset.offsets[channel - 1]
    if (scale, offset) == (1.0, 0.0):
        return plane
    exact = np.float32 if plane.dtype.kind in "iu" and plane.dtype.itemsize <= 2 else np.float64
    wide: NDArray[Any] = plane.astype(np.complex128 if plane.dtype.kind == "c" else exact)
    return np.asarray(wide * wide.dtype.type(scale) + wide.dtype.type(offset))


def require_whole(path: Place) -> None:
    """Refuse a TIFF whose blocks point beyond the end of the file (entries of archives are not looked at).

    Raises
    ------
    SceneError
    """
    if not isinstance(path, Path):
        return
    with borrowed(path) as dataset:
        if dataset.driver != "GTiff":
            return
        height, width = dataset.block_shapes[0]
        across, down = -(-dataset.width // width), -(-dataset.height // height)
        size = path.stat().st_size
        for number in np.unique(np.linspace(0, across * down - 1, 64).astype(np.int64)):
            at = f"{number % across}_{number // across}"
            offset = dataset.get_tag_item(f"BLOCK_OFFSET_{at}", "TIFF", bidx=1)
            length = dataset.get_tag_item(f"BLOCK_SIZE_{at}", "TIFF", bidx=1)
            if offset is not None and length is not None and int(offset) + int(length) > size:
                raise broken(path)
