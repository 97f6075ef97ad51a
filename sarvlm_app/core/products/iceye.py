"""ICEYE: SLC in HDF5 or GeoTIFF, GRD in GeoTIFF, with XML or JSON beside them.

After ICEYE's product documentation (github.com/iceye-ltd/product-documentation):
beta0 = CF |DN|^2 of an SLC and sigma0 = CF |DN|^2 of a GRD. Three generations
of metadata: keys in HDF5 and the same ones in XML and TIFF tags (to 2024), and
STAC properties in a JSON and in the tag ICEYE_PROPERTIES (since 2025). Cloud
optimised files hold amplitudes as a power (`iceye:amplitude_mapping`).
"""

from __future__ import annotations

import re
from pathlib import Path

from sarvlm_app.core.products.calibrators import FactorCalibrator, Table, angles_of, usable
from sarvlm_app.core.products.combined import RootSource
from sarvlm_app.core.products.companions import exists, files_in, the_one
from sarvlm_app.core.products.hdf5 import is_hdf5
from sarvlm_app.core.products.iceye_metadata import Metadata, metadata_of_hdf5, metadata_of_tif
from sarvlm_app.core.products.iceye_slc import slc_imagery
from sarvlm_app.core.products.image_files import ImageFile, look_at
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import Around, Imagery, Stated, no_parts, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType

_STEM = r"(?P<stem>ICEYE_[A-Z0-9]+_[A-Za-z0-9_-]+?)"
_IMAGE = re.compile(_STEM + r"\.(?:tiff?|h5)", re.IGNORECASE)
_SIDE = re.compile(_STEM + r"\.(?:xml|json)", re.IGNORECASE)
_OTHER = re.compile(r".*(?:QLK|QUICKLOOK|THM|VID|CSI)(?:[_.].*)?", re.IGNORECASE)


class IceyeFamily:
    """SLC and GRD of ICEYE."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(_images_in(path))
        if path.suffix.lower() == ".h5":
            return bool(_IMAGE.fullmatch(path.name)) and is_hdf5(path)
        return bool(_IMAGE.fullmatch(path.name) or _SIDE.fullmatch(path.name)) and not _OTHER.fullmatch(path.name)

    def describe(self, path: Path, part: str | None = None) -> Scene:
        no_parts(path, part)
        image = _image_of(path)
        return _from_hdf5(image) if image.suffix.lower() == ".h5" else _from_tif(image)


def _images_in(folder: Path) -> tuple[Path, ...]:
    return tuple(image for image in files_in(folder, _IMAGE) if not _OTHER.fullmatch(image.name))


def _image_of(path: Path) -> Path:
    if not path.is_dir() and _IMAGE.fullmatch(path.name):
        return path
    folder = path if path.is_dir() else path.parent
    images = _images_in(folder)
    if path.is_dir():
        return the_one(folder, images, "ICEYE")
    match = _SIDE.fullmatch(path.name)
    return the_one(folder, [image for image in images if match and image.stem == match["stem"]], path.name)


def _sides(image: Path) -> tuple[Path, ...]:
    return tuple(path for path in (image.with_suffix(".json"), image.with_suffix(".xml")) if exists(path))


def _from_hdf5(path: Path) -> Scene:
    metadata = metadata_of_hdf5(path)
    imagery, points, georef, geometry = slc_imagery(path, metadata)
    bands = tuple(
        Band(
            band.index, band.name, band.polarisation, band.value_type, band.source,
            _factor(metadata, Calibration.BETA0, angles_of(points)),
        )
        for band in imagery.bands
    )  # fmt: skip
    imagery = Imagery(bands, imagery.size, imagery.dtype, imagery.files, imagery.nodata)
    around = Around(georef, (path, *_sides(path)), ())
    return scene_of(path, path.stem, _stated(metadata, "SLC", geometry), imagery, around)


def _from_tif(path: Path) -> Scene:
    image = look_at(path)
    metadata, documents, missing = metadata_of_tif(image, _sides(path))
    level = metadata.level or ("SLC" if "_SLC" in path.stem.upper() else "GRD")
    imagery = _tif_imagery(image, metadata, level)
    stated = _stated(metadata, level, image.geometry)
    return scene_of(path, path.stem, stated, imagery, Around(image.georef, documents, missing))


def _tif_imagery(image: ImageFile, metadata: Metadata, level: str) -> Imagery:
    nodata = 0.0 if image.nodata is None else image.nodata
    source: PixelSource = RasterSource(image.path, (1,), image.value_type, nodata)
    kind = image.value_type
    if metadata.mapping is not None and not image.is_complex:
        source = RootSource(source, *metadata.mapping)
        kind = ValueType.AMPLITUDE
    given = Calibration.BETA0 if level.startswith("SLC") else Calibration.SIGMA0
    angle = metadata.angle if given is Calibration.SIGMA0 else None
    name = metadata.polarisation or "amplitude"
    calibrator = _factor(metadata, given, angle)
    band = Band(1, name, metadata.polarisation, kind, source, calibrator)
    return Imagery((band,), image.size, image.dtype, (image.path,), nodata)


def _factor(metadata: Metadata, given: Calibration, angle: Table | None) -> FactorCalibrator | None:
    factor = usable(metadata.factor)
    return None if factor is None else FactorCalibrator(given, factor, angle)


def _stated(metadata: Metadata, level: str, geometry: str) -> Stated:
    return Stated(
        product=f"ICEYE {level.removesuffix('-COG')}",
        acquired=metadata.acquired,
        platform=metadata.platform,
        mode=metadata.mode,
        direction=metadata.direction,
        orbit=metadata.orbit,
        look=metadata.look,
        angles=metadata.angles,
        more={"geometry": geometry} | ({"phase": "in a second band, which is not read"} if metadata.has_phase else {}),
    )
