"""Values and validity of a window of a file, as stored; the one place that reads pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window as RasterWindow

from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Bool, Float32, ValueType, to_intensity
from sarvlm_models.types import Window

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the pixels of a band lie and how to take them.

    Attributes
    ----------
    path : Path
    channels : tuple of int
        One band of the file (from 1), or red, green and blue.
    value_type : ValueType
    nodata : float or None
        No-data value where the file itself declares none.
    """

    path: Path
    channels: tuple[int, ...]
    value_type: ValueType
    nodata: float | None


def source_of(scene: Scene, band: Band) -> Source:
    """The source of a band of a scene."""
    return Source(band.file or scene.path, band.channels or (band.index,), band.value_type, scene.nodata)


def read_intensity(dataset: DatasetReader, source: Source, window: Window) -> tuple[Float32, Bool]:
    """Linear intensity float32 (h, w), 0 where not valid, and validity bool (h, w).

    `window` lies inside the dataset. NaN, infinity, the no-data value and
    masked pixels are not valid.
    """
    values, valid = read_native(dataset, source, window)
    intensity = to_intensity(values, source.value_type)
    if values.dtype.kind in "fc" or source.value_type is ValueType.DB:
        valid &= np.isfinite(intensity)
    if not valid.all():
        intensity[~valid] = 0.0
    return intensity, valid


def read_native(dataset: DatasetReader, source: Source, window: Window) -> tuple[NDArray[np.generic], Bool]:
    """Values (h, w) in the file's unit (scale and offset applied, pictures as luminance) and validity bool (h, w)."""
    place = RasterWindow(window.col, window.row, window.width, window.height)
    stored = dataset.read(list(source.channels), window=place)
    valid = np.ones(stored.shape[1:], dtype=np.bool_)
    for plane, channel in zip(stored, source.channels, strict=True):
        declared = dataset.nodatavals[channel - 1]
        _drop_nodata(valid, plane, source.nodata if declared is None else declared)
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
    return np.asarray(plane.astype(np.float64) * scale + offset)
