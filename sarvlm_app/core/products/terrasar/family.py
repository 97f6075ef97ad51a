"""Recognises TerraSAR-X products by their names and turns them into scenes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.calibrators import FactorCalibrator
from sarvlm_app.core.products.companions import exists, files_in, the_one
from sarvlm_app.core.products.image_files import look_at
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.records import RecordSource
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import Around, Imagery, chosen_part, scene_of
from sarvlm_app.core.products.terrasar.annotation import Annotation, Layer
from sarvlm_app.core.products.terrasar.cosar import bursts_of
from sarvlm_app.core.products.terrasar.geometry import Geometry, geometry_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError

_MAIN = re.compile(r"(?:TSX1|TDX1|PAZ1)_SAR__[A-Z0-9_]+\.xml", re.IGNORECASE)
_IMAGE = re.compile(r"IMAGE_[HV]{2}_[A-Za-z0-9_]+\.(?:tiff?|cos)", re.IGNORECASE)


class TerraSarFamily:
    """Level 1b products of TerraSAR-X, TanDEM-X and PAZ."""

    def recognises(self, path: Path) -> bool:
        return _main_of(path) is not None

    def describe(self, path: Path, part: str | None = None) -> Scene:
        mains = files_in(path, _MAIN) if path.is_dir() else ()
        main = the_one(path, mains, "TerraSAR-X") if len(mains) > 1 else _main_of(path)
        if main is None:
            raise SceneError(f"{path} is no product of TerraSAR-X; open the folder with its main annotation.")
        said = Annotation(main)
        images, missing = _images(said)
        parts = tuple(dict.fromkeys(image.part for image in images))
        if not parts:
            gone = ", ".join(missing) or "it names none"
            raise SceneError(f"{main} lacks its image ({gone}); copy or download the whole product again.")
        chosen = chosen_part(main, parts, part)
        mine = [image for image in images if image.part == chosen]
        return _scene(said, mine, missing, (chosen, parts) if len(parts) > 1 else (None, ()))


def _main_of(path: Path) -> Path | None:
    """The main annotation that a folder, the annotation itself, or an image leads to."""
    if path.is_dir():
        return next(iter(files_in(path, _MAIN)), None)
    if _MAIN.fullmatch(path.name):
        return path
    if _IMAGE.fullmatch(path.name):
        return next(iter(files_in(path.parent.parent, _MAIN)), None)
    return None


@dataclass(frozen=True, slots=True)
class _Image:
    layer: Layer
    path: Path
    source: PixelSource
    size: tuple[int, int]
    dtype: str
    mapped: Georeference | None
    part: str


def _images(said: Annotation) -> tuple[list[_Image], tuple[str, ...]]:
    """The images that are there, one an image or burst, and those that are not."""
    found: list[_Image] = []
    missing = []
    for layer in said.layers():
        if layer.path is None or not exists(layer.path):
            missing.append(layer.path.name if layer.path is not None else f"image of layer {layer.number}")
            continue
        try:
            new = _cosar(layer, layer.path) if layer.path.suffix.lower() == ".cos" else _tif(layer, layer.path)
        except SceneError:
            if len(said.layers()) == 1:
                raise
            missing.append(f"{layer.path.name} (damaged or cut short)")
            continue
        found.extend(new)
    polarisations = {image.layer.polarisation for image in found}
    one_part = len({image.size for image in found}) == 1 and len(found) == len(polarisations)
    if one_part and said.size is not None and found and found[0].size != said.size:
        raise SceneError(
            f"{said.path} tells of an image of {said.size[0]} x {said.size[1]} pixels and {found[0].path.name} has "
            f"{found[0].size[0]} x {found[0].size[1]}; put back the files that belong together."
        )
    if one_part:
        found = [_Image(i.layer, i.path, i.source, i.size, i.dtype, i.mapped, "image") for i in found]
    return found, tuple(missing)


def _tif(layer: Layer, path: Path) -> list[_Image]:
    image = look_at(path)
    nodata = 0.0 if image.nodata is None else image.nodata
    source = RasterSource(path, (1,), image.value_type, nodata)
    return [_Image(layer, path, source, image.size, image.dtype, image.georef, _beam(path))]


def _cosar(layer: Layer, path: Path) -> list[_Image]:
    planes = bursts_of(path)
    dtype = "complex_int16" if planes[0].dtype == ">i2" else "complex_float16"
    names = [_beam(path)] if len(planes) == 1 else [f"{_beam(path)} burst {n}" for n in range(1, len(planes) + 1)]
    return [
        _Image(
            layer, path, RecordSource(path, plane, ValueType.COMPLEX), (plane.cols, plane.rows), dtype, None, name
        )
        for name, plane in zip(names, planes, strict=True)
    ]  # fmt: skip


def _beam(path: Path) -> str:
    """The beam that an image's name ends with: "strip_016"."""
    words = path.stem.split("_")
    return "_".join(words[3:]) or path.stem


def _scene(
    said: Annotation, images: Sequence[_Image], missing: tuple[str, ...], parts: tuple[str | None, tuple[str, ...]]
) -> Scene:
    size = images[0].size
    missing += tuple(f"{image.path.name} (of another size)" for image in images if image.size != size)
    images = [image for image in images if image.size == size]
    # times and grid of the annotation are those of the whole image, not of a burst of it
    if parts[0] is None:
        geometry = geometry_of(said, size, images[0].mapped)
    else:
        geometry = Geometry(images[0].mapped, None, "none: bursts and beams are not placed yet")
    bands = tuple(_band(said, index, image, geometry, parts[0]) for index, image in enumerate(images, start=1))
    files = tuple(dict.fromkeys(image.path for image in images))
    imagery = Imagery(bands, size, images[0].dtype, files, 0.0)
    around = Around(geometry.georef, (said.path, *geometry.documents), missing + geometry.missing, *parts)
    return scene_of(said.path, said.path.stem, said.stated(geometry.words), imagery, around)


def _band(said: Annotation, index: int, image: _Image, geometry: Geometry, part: str | None) -> Band:
    polarisation = image.layer.polarisation or None
    factor = said.factor(image.layer)
    calibrator = None
    if factor is not None:
        noise = None if part is not None else said.noise(image.layer, image.size)
        calibrator = FactorCalibrator(Calibration.BETA0, factor, geometry.angle, noise)
    name = polarisation or f"band {index}"
    return Band(index, name, polarisation, image.source.value_type, image.source, calibrator)
