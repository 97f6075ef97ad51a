"""COSMO-SkyMed and its second generation in HDF5: SCS (complex), DGM, GEC and GTC (detected).

After ASI, COSMO-SkyMed SAR Products Handbook and COSMO-SkyMed Seconda
Generazione: System and Products Description. An image lies in S01/SBI (first
generation), S01/IMG (second) or MBI (mosaic of beams); all else is attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.core.products.calibrators import FactorCalibrator, angles_of, usable
from sarvlm_app.core.products.companions import files_in, the_one
from sarvlm_app.core.products.cosmo_geometry import Attributes, Placed, placed
from sarvlm_app.core.products.hdf5 import Hdf5Source, image_at, is_hdf5, opened
from sarvlm_app.core.products.stated import Around, Imagery, Stated, chosen_part, incidence, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError

_FILE = re.compile(r"(?:CSKS\d|CSG_SSAR\d)_[A-Z0-9_-]+\.h5", re.IGNORECASE)
_SWATHS = tuple(f"S{number:02d}" for number in range(1, 33))


class CosmoFamily:
    """Products of COSMO-SkyMed, first and second generation."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(files_in(path, _FILE))
        return bool(_FILE.fullmatch(path.name)) and is_hdf5(path)

    def describe(self, path: Path, part: str | None = None) -> Scene:
        file = the_one(path, files_in(path, _FILE), "COSMO-SkyMed") if path.is_dir() else path
        with opened(file) as root:
            images = _images(root)
            if not images:
                raise SceneError(f"{file} lacks its image (S01/SBI or S01/IMG); copy or download it again.")
            same = len({image.size for image in images}) == 1
            one = same and len(images) == len({image.polarisation for image in images})
            parts = () if one else tuple(image.name for image in images)
            chosen = chosen_part(file, parts or ("image",), part)
            mine = images if one else [image for image in images if image.name == chosen]
            return _scene(file, mine, None if one else chosen, parts)


@dataclass(frozen=True, slots=True)
class _Image:
    """One image: where it lies, its polarisation, its attributes and those around it."""

    name: str
    dataset: str
    size: tuple[int, int]
    dtype: str
    is_complex: bool
    polarisation: str | None
    said: Attributes


def _images(root: Any) -> list[_Image]:
    found: list[_Image] = []
    places = [(swath, f"{swath}/{name}") for swath in _SWATHS for name in ("SBI", "IMG")]
    for name, place in [*places, ("MBI", "MBI"), ("IMG", "IMG")]:
        dataset = image_at(root, place)
        if dataset is None or (name == "MBI" and found):
            continue
        said = Attributes.of(root, place)
        polarisation = (said.text("Polarisation") or said.text("Polarization") or "").replace("/", "").upper()
        size = (int(dataset.shape[1]), int(dataset.shape[0]))
        stated = polarisation if re.fullmatch(r"[HV]{2}", polarisation) else None
        is_complex = dataset.ndim == 3 or dataset.dtype.kind == "c" or dataset.dtype.names is not None
        found.append(_Image(name, place, size, str(dataset.dtype), is_complex, stated, said))
    return found


def _scene(file: Path, images: list[_Image], part: str | None, parts: tuple[str, ...]) -> Scene:
    first = images[0]
    where = placed(first.said, first.size)
    bands = tuple(_band(file, index, image, where) for index, image in enumerate(images, start=1))
    dtype = f"complex of {first.dtype}" if first.is_complex else first.dtype
    imagery = Imagery(bands, first.size, dtype, (file,), 0.0)
    around = Around(where.georef, (file,), (), part, parts)
    return scene_of(file, file.stem, _stated(first.said, where, bands[0].calibrator is None), imagery, around)


def _band(file: Path, index: int, image: _Image, where: Placed) -> Band:
    kind = ValueType.COMPLEX if image.is_complex else ValueType.DN
    source = Hdf5Source(file, image.dataset, kind, 0.0)
    name = image.polarisation or f"band {index}"
    return Band(index, name, image.polarisation, kind, source, _calibrator(image.said, where))


def _calibrator(said: Attributes, where: Placed) -> FactorCalibrator | None:
    """The factor of the first generation's handbook; that of the second is not public.

    Where the incidence angle was compensated, sin(reference angle) gives
    sigma0; where it was not, the same without it is beta0.
    """
    scale, constant = said.number("Rescaling Factor"), said.number("Calibration Constant")
    distance, exponent = said.number("Reference Slant Range"), said.number("Reference Slant Range Exponent")
    spreading = (said.text("Range Spreading Loss Compensation Geometry") or "NONE").upper()
    if said.text("Mission ID") != "CSK" or spreading == "NONE" or not scale or not distance or exponent is None:
        return None
    if min(scale, distance) <= 0.0 or abs(exponent) > 10.0:
        return None
    decades = 2.0 * exponent * np.log10(distance) - 2.0 * np.log10(scale)
    if said.number("Calibration Constant Compensation Flag") == 0.0:
        if constant is None or constant <= 0.0:
            return None
        decades -= np.log10(constant)
    given, gain = Calibration.BETA0, 1.0
    if (said.text("Incidence Angle Compensation Geometry") or "NONE").upper() != "NONE":
        reference = said.number("Reference Incidence Angle")
        if reference is None or not 0.0 < reference < 90.0:
            return None
        given, gain = Calibration.SIGMA0, float(np.sin(np.deg2rad(reference)))
    factor = usable(gain * 10.0 ** float(np.clip(decades, -100.0, 100.0)))
    return None if factor is None else FactorCalibrator(given, factor, angles_of(where.points))


def _stated(said: Attributes, where: Placed, uncalibrated: bool) -> Stated:
    second = said.text("Mission ID") == "CSG"
    kind = said.text("Product Type") or ""
    orbit = said.number("Orbit Number")
    more = {"geometry": where.words}
    if uncalibrated:
        more["calibration"] = (
            "none: the second generation's factor is not public" if second else "none: not stated whole"
        )
    return Stated(
        product=f"COSMO-SkyMed{' Second Generation' if second else ''} {kind}".strip(),
        acquired=said.time("Scene Sensing Start UTC"),
        platform=said.text("Satellite ID"),
        mode=said.text("Acquisition Mode"),
        direction=said.text("Orbit Direction"),
        orbit=None if orbit is None else int(orbit),
        look=said.text("Look Side"),
        angles=incidence(said.number("Near Incidence Angle"), said.number("Far Incidence Angle")) or where.angles,
        more=more,
    )
