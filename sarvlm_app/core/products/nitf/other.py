"""Any other NITF: read by GDAL, image by image; I and Q as one complex band whatever GDAL makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from sarvlm_app.core.georef import Georeference, RpcGeoref, RpcModel
from sarvlm_app.core.products import clues
from sarvlm_app.core.products.combined import IqSource
from sarvlm_app.core.products.dataset import borrowed
from sarvlm_app.core.products.nitf.header import ImageSegment, NitfHeader, looks_like, read_header
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.place import NitfImage, Place
from sarvlm_app.core.products.raster import describe_dataset
from sarvlm_app.core.products.stated import chosen_part, fingerprint_files, no_parts
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

_NO_IMAGE = ("LEG", "DED", "CLOUD", "MAP", "VD")
"""Categories (ICAT) of legends, elevations and the like."""


class NitfFamily:
    """NITF 2.1 and NSIF 1.0 files that are neither SICD nor SIDD."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and looks_like(path, "")

    def describe(self, path: Path, part: str | None = None) -> Scene:
        header = read_header(path)
        images = [image for image in header.images if image.category not in _NO_IMAGE] or list(header.images)
        if not images:
            raise SceneError(f"{path} holds no image; open the file of the product that holds its pixels.")
        if len(images) == 1:
            no_parts(path, part)
            place: Place = path if len(header.images) == 1 else NitfImage(path, images[0].number)
            return _describe(path, place, header, images[0])
        names = {f"image {image.number + 1}": image for image in images}
        name = chosen_part(path, tuple(names), part)
        scene = _describe(path, NitfImage(path, names[name].number), header, names[name])
        return replace(
            scene,
            name=f"{scene.name} {name}",
            part=name,
            parts=tuple(names),
            fingerprint=fingerprint_files([path], name),
        )


def _describe(path: Path, place: Place, header: NitfHeader, image: ImageSegment) -> Scene:
    with borrowed(place) as dataset:
        scene = describe_dataset(path, dataset, place)
        georef, geometry = _georef(dataset, scene)
        pair = dataset.count == 2 and image.purposes == ("I", "Q")
    facts = dict(scene.facts) | {"geometry": geometry}
    stated = {"title": header.title, "image": image.title or image.name, "platform": image.source}
    facts |= {key: text for key, text in stated.items() if text}
    scene = replace(scene, acquired=clues.time_in(image.taken) or scene.acquired, facts=facts, georef=georef)
    if georef is not None:
        spacing = georef.spacing_m(scene.width / 2, scene.height / 2)
        scene = replace(scene, spacing_m=spacing if all(np.isfinite(spacing)) and min(spacing) > 0 else None)
    return _complex(scene, place) if pair else scene


def _georef(dataset: DatasetReader, scene: Scene) -> tuple[Georeference | None, str]:
    """Rational polynomials before the corners of the header, which are given to a second of arc."""
    size = (dataset.width, dataset.height)
    if dataset.rpcs is not None:
        try:
            model = RpcModel.from_rasterio(dataset.rpcs)
            return RpcGeoref(model, size), f"rational polynomials, at {model.height_off:g} m above the ellipsoid"
        except ValueError as error:
            scene_geometry = f"the rational polynomials cannot be used ({error})"
            return scene.georef, scene_geometry + ("; the corners of the header instead" if scene.georef else "")
    if scene.georef is None:
        return None, scene.facts.get("geometry", "none")
    return scene.georef, "corner coordinates of the header (IGEOLO), good to tens of metres"


def _complex(scene: Scene, place: Place) -> Scene:
    real, imaginary = (RasterSource(place, (channel,), ValueType.AMPLITUDE) for channel in (1, 2))
    polarisation = clues.polarisation_in(scene.path.stem)
    source = IqSource(real, imaginary)
    band = Band(1, polarisation or "complex", polarisation, ValueType.COMPLEX, source)
    facts = {key: text for key, text in scene.facts.items() if key not in ("value type", "no data")}
    return replace(
        scene, bands=(band,), value_type=ValueType.COMPLEX, value_type_assumed=False, nodata=None, facts=facts
    )
