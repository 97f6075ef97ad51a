"""NISAR: RSLC, GSLC and GCOV in HDF5; the frequencies of one file are its parts, polarisations their bands.

After JPL's product specifications D-102268 (RSLC), D-102269 (GSLC) and
D-102274 (GCOV). RSLC and GSLC are radar brightness (beta0) as amplitudes,
GCOV is terrain-corrected gamma0 as power. The calibration tables of an RSLC
are all 1 in the products made so far and are not read; the incidence angle
comes from its geolocation grid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarvlm_app.core.products.calibrators import FactorCalibrator, Table, angles_of
from sarvlm_app.core.products.companions import files_in, the_one
from sarvlm_app.core.products.hdf5 import (
    Hdf5Source,
    image_at,
    is_hdf5,
    is_real,
    number_of,
    opened,
    text_of,
    time_of,
    value_at,
    within,
)
from sarvlm_app.core.products.nisar_geometry import Placed, map_of, swath_of
from sarvlm_app.core.products.stated import Around, Imagery, Stated, chosen_part, incidence, scene_of, whole
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError

_FILE = re.compile(r"NISAR_L[12]_[A-Z0-9]+_(?:RSLC|GSLC|GCOV)_.*\.h5", re.IGNORECASE)
_RADARS, _FREQUENCIES = ("LSAR", "SSAR"), ("frequencyA", "frequencyB")
_LAYOUTS = {"RSLC": ("RSLC", "swaths"), "SLC": ("SLC", "swaths"), "GSLC": ("GSLC", "grids"), "GCOV": ("GCOV", "grids")}
_POLARISATIONS = ("HH", "HV", "VV", "VH", "RH", "RV", "LH", "LV")


class NisarFamily:
    """Complex and covariance products of NISAR."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(files_in(path, _FILE))
        return bool(_FILE.fullmatch(path.name)) and is_hdf5(path)

    def describe(self, path: Path, part: str | None = None) -> Scene:
        file = the_one(path, files_in(path, _FILE), "NISAR") if path.is_dir() else path
        with opened(file) as root:
            images = _images(root)
            if not images:
                raise SceneError(f"{file} lacks its image; copy or download it again.")
            parts = tuple(image.name for image in images)
            chosen = images[parts.index(chosen_part(file, parts, part))]
            return _scene(file, root, chosen, parts if len(parts) > 1 else ())


@dataclass(frozen=True, slots=True)
class _Image:
    """The images of one frequency: where they lie and their polarisations."""

    name: str
    radar: str
    kind: str
    group: str
    layers: tuple[tuple[str, str], ...]


def _images(root: Any) -> list[_Image]:
    found = []
    for radar in _RADARS:
        for kind, (folder, above) in _LAYOUTS.items():
            for frequency in _FREQUENCIES:
                group = f"science/{radar}/{folder}/{above}/{frequency}"
                names = [(pol, pol * 2 if kind == "GCOV" else pol) for pol in _POLARISATIONS]
                layers = tuple(
                    (pol, name) for pol, name in names if _is_image(root, f"{group}/{name}", kind == "GCOV")
                )  # fmt: skip
                if layers:
                    found.append(_Image(frequency, radar, kind, group, layers))
    if len({image.radar for image in found}) > 1:
        found = [_Image(f"{i.radar} {i.name}", i.radar, i.kind, i.group, i.layers) for i in found]
    return found


def _is_image(root: Any, path: str, real: bool) -> bool:
    """Whether an image lies there; powers are real numbers and nothing else."""
    found = image_at(root, path)
    return found is not None and (not real or is_real(found))


def _scene(file: Path, root: Any, image: _Image, parts: tuple[str, ...]) -> Scene:
    shapes = {name: image_at(root, f"{image.group}/{name}").shape[:2] for _, name in image.layers}  # type: ignore[union-attr]
    shape = shapes[image.layers[0][1]]
    missing = tuple(f"{name} (of another size)" for name in shapes if shapes[name] != shape)
    layers = [layer for layer in image.layers if shapes[layer[1]] == shape]
    size = (int(shape[1]), int(shape[0]))
    placed = (
        swath_of(root, image.group, size) if image.kind in ("RSLC", "SLC") else map_of(root, image.group, size)
    )  # fmt: skip
    power = image.kind == "GCOV"
    bands = tuple(
        _band(file, image, index, layer, None if power else _calibrator(placed))
        for index, layer in enumerate(layers, start=1)
    )
    stored = image_at(root, f"{image.group}/{layers[0][1]}")
    dtype = "complex of float16" if stored is not None and stored.dtype.names else str(getattr(stored, "dtype", ""))
    calibration = Calibration.GAMMA0 if power else Calibration.UNCALIBRATED
    imagery = Imagery(bands, size, dtype, (file,), 0.0, calibration)
    around = Around(placed.georef, (file,), missing, image.name if parts else None, parts)
    return scene_of(file, file.stem, _stated(root, image, placed), imagery, around)


def _band(file: Path, image: _Image, index: int, layer: tuple[str, str], calibrator: FactorCalibrator | None) -> Band:
    polarisation, name = layer
    kind = ValueType.INTENSITY if image.kind == "GCOV" else ValueType.COMPLEX
    source = Hdf5Source(file, f"{image.group}/{name}", kind, 0.0)
    return Band(index, polarisation, polarisation, kind, source, calibrator)


def _calibrator(placed: Placed) -> FactorCalibrator:
    angle: Table | None = angles_of(placed.points)
    return FactorCalibrator(Calibration.BETA0, 1.0, angle)


def _stated(root: Any, image: _Image, placed: Placed) -> Stated:
    about = f"science/{image.radar}/identification"

    def said(name: str) -> Any:
        return value_at(root, f"{about}/{name}")

    angles = [point.incidence for point in placed.inside]
    orbit = number_of(said("absoluteOrbitNumber"))
    track, frame = (number_of(said(name)) for name in ("trackNumber", "frameNumber"))
    more = {"geometry": placed.words}
    if track is not None and frame is not None:
        more["track and frame"] = f"{track:.0f}, {frame:.0f}"
    known = [angle for angle in angles if angle is not None]
    return Stated(
        product=f"NISAR {image.radar[0]}-band {'RSLC' if image.kind == 'SLC' else image.kind}",
        acquired=time_of(said("zeroDopplerStartTime")),
        platform=text_of(said("missionId")) or "NISAR",
        mode=_mode(root, image),
        direction=text_of(said("orbitPassDirection")),
        orbit=None if orbit is None else whole(str(orbit)),
        look=text_of(said("lookDirection")),
        angles=incidence(min(known), max(known)) if known else None,
        more=more,
    )


def _mode(root: Any, image: _Image) -> str | None:
    """Bandwidth of the range, by which NISAR's modes are told apart."""
    for name in ("processedRangeBandwidth", "rangeBandwidth"):
        found = within(root, f"{image.group}/{name}")
        hertz = None if found is None else number_of(value_at(root, f"{image.group}/{name}"))
        if hertz is not None and hertz > 0.0:
            return f"{hertz / 1e6:.0f} MHz"
    return None
