"""Any image file that rasterio opens: GeoTIFF and COG, NITF, PNG, JPEG, JPEG 2000, BMP.

Rules for what the file does not say (each leaves a sentence in `Scene.facts`):

* Complex samples are `complex`. Otherwise tags (SARVLM_VALUE_TYPE, UNITS,
  PRODUCT ...) and band descriptions decide first.
* Float (or signed) values of which a tenth or more lie below -1 are `db`;
  other floats are `intensity` when their median is under 1, else `amplitude`.
* Integers are `dn`, treated as amplitude.
* Without a declared no-data value, 0 is no data when a corner of the scene is
  all zero and zeros come in solid runs: the frame around a swath.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.georef.of_dataset import georef_of
from sarvlm_app.core.products import clues
from sarvlm_app.core.products.dataset import borrowed, driver_of
from sarvlm_app.core.products.fingerprint import fingerprint_file
from sarvlm_app.core.products.pixels import RasterSource, read_native, require_whole
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.sampling import sample_windows
from sarvlm_app.errors import SceneError

PROBE_COUNT, PROBE_EDGE = 14, 64
DB_BELOW, DB_SHARE = -1.0, 0.1
FRAME_EDGES = 0.01
"""Changes between zero and not zero per pixel along rows: a frame has few, clipped speckle has many."""

_FORMATS = {"GTiff": "GeoTIFF", "JP2OpenJPEG": "JPEG 2000"}
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


class RasterFamily:
    """The family of last resort: one image file."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and driver_of(path) is not None

    def describe(self, path: Path, part: str | None = None) -> Scene:
        if part is not None:
            raise SceneError(f"{path} holds one image and has no part {part}; leave the part out.")
        with borrowed(path) as dataset:
            return describe_dataset(path, dataset)


@dataclass(frozen=True, slots=True)
class _Probe:
    values: NDArray[np.floating]
    zero_frame: bool


def describe_dataset(path: Path, dataset: DatasetReader, place: Place | None = None) -> Scene:
    """The scene of an open dataset.

    Parameters
    ----------
    place : Place, optional
        Where GDAL finds the image, when it is one of several within `path`.

    Raises
    ------
    SceneError
        It has no bands, or is cut short.
    """
    if dataset.count == 0 or dataset.width == 0 or dataset.height == 0:
        raise SceneError(f"{path} holds no image bands; open the file of the product that holds its pixels.")
    require_whole(place or path)
    tags = {key.upper(): value for key, value in dataset.tags().items()}
    facts = _plain_facts(path, dataset)
    channels = _channels(dataset, facts)
    probe = _probe(path, dataset, channels[0])
    nodata = dataset.nodatavals[channels[0][0] - 1]
    if nodata is None and probe.zero_frame:
        nodata = 0.0
        facts["no data"] = "0 (assumed: the scene has a frame of zeros)"
    bands, assumed = _bands(path, dataset, channels, probe, tags)
    bands = tuple(
        replace(b, source=RasterSource(place or path, parts, b.value_type, nodata))
        for b, parts in zip(bands, channels, strict=True)
    )
    if assumed:
        facts["value type"] = f"{bands[0].value_type} (assumed from the values)"
    georef = _georef(dataset, facts)
    return Scene(
        path=path,
        name=path.stem,
        product=clues.product_name(tags, path.stem, facts["format"]),
        width=dataset.width,
        height=dataset.height,
        bands=bands,
        dtype=str(dataset.dtypes[channels[0][0] - 1]),
        value_type=bands[0].value_type,
        value_type_assumed=assumed,
        calibration=clues.calibration(tags, " ".join(filter(None, dataset.descriptions))),
        nodata=nodata,
        georef=georef,
        spacing_m=_spacing(georef, dataset),
        acquired=clues.acquired(tags, path.stem),
        facts=facts,
        missing=(),
        simulated=clues.is_simulated(tags),
        fingerprint=fingerprint_file(path),
    )


def _plain_facts(path: Path, dataset: DatasetReader) -> dict[str, str]:
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    overviews = dataset.overviews(1)
    return {
        "format": _FORMATS.get(dataset.driver, dataset.driver),
        "file size": f"{path.stat().st_size / 1e6:.1f} MB",
        "compression": structure.get("COMPRESSION", "none"),
        "overviews": ", ".join(map(str, overviews)) if overviews else "none",
    }


def _channels(dataset: DatasetReader, facts: dict[str, str]) -> list[tuple[int, ...]]:
    """The file's bands that make up each band of the scene: alpha left out, a colour picture as one."""
    colours = dataset.colorinterp
    data = [channel for channel in dataset.indexes if colours[channel - 1] is not ColorInterp.alpha]
    if not data:
        data = [1]
    named = any(clues.polarisation_in(text or "") for text in dataset.descriptions)
    if len(data) == 3 and not named and tuple(colours[channel - 1] for channel in data) == _RGB:
        facts["picture"] = "colours are read as one band of luminance"
        return [tuple(data)]
    return [(channel,) for channel in data]


def _probe(path: Path, dataset: DatasetReader, channels: tuple[int, ...]) -> _Probe:
    """Values of a few spread windows, in the file's unit, and whether zeros frame the scene."""
    size = (dataset.width, dataset.height)
    block_height, block_width = dataset.block_shapes[channels[0] - 1]
    raw = RasterSource(path, channels, ValueType.DN)
    collected, edges, corner_zero = [], [], False
    edge = min(PROBE_EDGE, min(size) // 4)
    for window in sample_windows(size, (block_width, block_height), PROBE_COUNT, PROBE_EDGE):
        values, valid = read_native(dataset, raw, window)
        at_side = window.col == 0, window.col_end == size[0]
        at_end = window.row == 0, window.row_end == size[1]
        if any(at_side) and any(at_end) and edge >= PROBE_EDGE // 4:
            corner_zero |= _corner_is_zero(values, edge, at_side, at_end)
        if values.shape[1] > 1 and values.any():
            edges.append(float(np.mean(np.diff(values == 0, axis=1))))
        modulus = np.abs(values) if values.dtype.kind == "c" else values
        collected.append(modulus[valid & np.isfinite(modulus)].astype(np.float64))
    frame = corner_zero and (not edges or float(np.median(edges)) < FRAME_EDGES)
    return _Probe(np.concatenate(collected), frame)


def _corner_is_zero(
    values: NDArray[np.generic], edge: int, at_side: tuple[bool, bool], at_end: tuple[bool, bool]
) -> bool:
    rows = [slice(None, edge)] * at_end[0] + [slice(-edge, None)] * at_end[1]
    cols = [slice(None, edge)] * at_side[0] + [slice(-edge, None)] * at_side[1]
    return any(not values[row, col].any() for row in rows for col in cols)


def _bands(
    path: Path, dataset: DatasetReader, channels: list[tuple[int, ...]], probe: _Probe, tags: dict[str, str]
) -> tuple[tuple[Band, ...], bool]:
    """The scene's bands, and whether the first one's value type had to be guessed."""
    bands = []
    assumed = False
    for index, parts in enumerate(channels, start=1):
        text = dataset.descriptions[parts[0] - 1] or ""
        band_tags = {key.upper(): value for key, value in dataset.tags(parts[0]).items()}
        dtype = np.dtype(str(dataset.dtypes[parts[0] - 1]).replace("complex_int16", "complex64"))
        stated = _believable(clues.stated_value_type({**tags, **band_tags}, text), dtype)
        assumed |= index == 1 and stated is None
        spoken = " ".join(value for key, value in {**tags, **band_tags}.items() if key.startswith("POLARI"))
        pol = None
        if len(parts) == 1:
            pol = clues.polarisation_in(text) or clues.polarisation_in(spoken)
            if pol is None and len(channels) == 1:
                pol = clues.polarisation_in(path.stem)
        name = pol or text or ("luminance" if len(parts) == 3 else f"band {index}")
        bands.append(Band(index, name, pol, stated or guess_value_type(dtype, probe.values)))
    return tuple(bands), assumed


def _believable(stated: ValueType | None, dtype: np.dtype[np.generic]) -> ValueType | None:
    """What is stated, unless the stored type cannot hold it."""
    if dtype.kind == "c":
        return ValueType.COMPLEX
    if stated is ValueType.COMPLEX or (stated is ValueType.DB and dtype.kind == "u"):
        return None
    return stated


def guess_value_type(dtype: np.dtype[np.generic], values: NDArray[np.floating]) -> ValueType:
    """What numbers of that type are likely to be, by a sample of them; for files that do not say."""
    if dtype.kind == "u" or values.size == 0:
        return ValueType.INTENSITY if dtype.kind == "f" else ValueType.DN
    if float(np.mean(values < DB_BELOW)) >= DB_SHARE and float(values.min()) >= -100.0:
        return ValueType.DB
    if dtype.kind != "f":
        return ValueType.DN
    return ValueType.INTENSITY if float(np.median(values)) < 1.0 else ValueType.AMPLITUDE


def _georef(dataset: DatasetReader, facts: dict[str, str]) -> Georeference | None:
    """The geometry; what is to be told of it, or why there is none, stands among the facts."""
    georef, said = georef_of(dataset)
    if said is not None:
        facts["geometry"] = said
    return georef


def _spacing(georef: Georeference | None, dataset: DatasetReader) -> tuple[float, float] | None:
    if georef is None:
        return None
    spacing = georef.spacing_m(dataset.width / 2, dataset.height / 2)
    return spacing if all(np.isfinite(spacing)) and min(spacing) > 0 else None
