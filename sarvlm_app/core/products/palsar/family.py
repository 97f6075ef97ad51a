"""Recognises PALSAR products by the names of their files and turns them into scenes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.products.calibrators import FactorCalibrator, Table, usable
from sarvlm_app.core.products.companions import exists, files_in
from sarvlm_app.core.products.palsar.ceos import ImageRecords, Leader, image_records, leader
from sarvlm_app.core.products.palsar.geometry import angles_of, georef_of
from sarvlm_app.core.products.records import RecordSource
from sarvlm_app.core.products.stated import Around, Imagery, Incidence, Stated, chosen_part, incidence, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError

_ID = r"(?P<id>ALPSRP\d{9}-[A-Z0-9._]+|ALOS2\d{9}-\d{6}-[A-Z0-9._]+?)"
_IMAGE = re.compile(rf"IMG-(?P<pol>[HV]{{2}})-{_ID}(?:-(?P<beam>F\d))?", re.IGNORECASE)
_SIDE = re.compile(rf"(?:LED|VOL|TRL)-{_ID}", re.IGNORECASE)
_COMPLEX_DB = -32.0
_MISSIONS = (("ALOS2", "ALOS-2"), ("ALPSRP", "ALOS"))


class PalsarFamily:
    """CEOS products of ALOS and ALOS-2."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(files_in(path, _IMAGE))
        return bool(_IMAGE.fullmatch(path.name) or _SIDE.fullmatch(path.name))

    def describe(self, path: Path, part: str | None = None) -> Scene:
        folder = path if path.is_dir() else path.parent
        identity = _identity(path)
        files = [file for file in files_in(folder, _IMAGE) if identity in (None, _matched(file)["id"])]
        identities = sorted({_matched(file)["id"] for file in files})
        if not files:
            raise SceneError(f"{path} lacks its images (IMG-...); copy or download the whole product again.")
        if len(identities) > 1:
            raise SceneError(
                f"{folder} holds {len(identities)} products of PALSAR ({', '.join(identities[:4])}); "
                "open an image file of one of them."
            )
        images, missing = _images(files)
        parts = tuple(dict.fromkeys(image.beam for image in images))
        chosen = chosen_part(folder, parts, part) if len(parts) > 1 or part is not None else parts[0]
        mine = [image for image in images if image.beam == chosen]
        return _scene(folder, identities[0], mine, missing, (chosen, parts) if len(parts) > 1 else (None, ()))


def _matched(file: Path) -> re.Match[str]:
    match = _IMAGE.fullmatch(file.name)
    assert match is not None
    return match


def _identity(path: Path) -> str | None:
    """What the files of one product share in their names; None for a folder."""
    match = None if path.is_dir() else _IMAGE.fullmatch(path.name) or _SIDE.fullmatch(path.name)
    return match["id"] if match else None


@dataclass(frozen=True, slots=True)
class _Image:
    records: ImageRecords
    polarisation: str
    beam: str


def _images(files: Sequence[Path]) -> tuple[list[_Image], tuple[str, ...]]:
    """The images that can be read, co-polarised first, and those that cannot."""
    found, missing = [], []
    for file in files:
        match = _matched(file)
        try:
            records = image_records(file)
        except SceneError:
            if len(files) == 1:
                raise
            missing.append(f"{file.name} (damaged or cut short)")
            continue
        found.append(_Image(records, match["pol"].upper(), (match["beam"] or "image").upper()))
    if not found:
        raise SceneError(f"{files[0].parent} holds no whole image of PALSAR; copy or download the product again.")
    return found, tuple(missing)


def _scene(
    folder: Path,
    identity: str,
    images: Sequence[_Image],
    missing: tuple[str, ...],
    parts: tuple[str | None, tuple[str, ...]],
) -> Scene:
    first = images[0].records
    size = (first.plane.cols, first.plane.rows)
    other = tuple(image for image in images if (image.records.plane.cols, image.records.plane.rows) != size)
    missing += tuple(f"{image.records.path.name} (of another size)" for image in other)
    images = [image for image in images if image not in other]
    led = folder / f"LED-{identity}"
    said: Leader | None = None
    documents: tuple[Path, ...] = ()
    angle: Table | None = None
    try:
        said = leader(led)
        documents = (led,)
        angle = angles_of(first, said)
    except SceneError:
        missing += (led.name if not exists(led) else f"{led.name} (not readable)",)
    georef, words = georef_of(first)
    bands = tuple(_band(index, image, said, angle) for index, image in enumerate(images, start=1))
    dtype = "complex64" if first.is_complex and first.plane.dtype == ">f4" else "uint16"
    files = tuple(image.records.path for image in images)
    imagery = Imagery(bands, size, dtype, files, 0.0)
    stated = _stated(identity, said, _span(angle, said), words)
    return scene_of(folder / files[0].name, identity, stated, imagery, Around(georef, documents, missing, *parts))


def _band(index: int, image: _Image, said: Leader | None, angle: Table | None) -> Band:
    kind = ValueType.COMPLEX if image.records.is_complex else ValueType.DN
    source = RecordSource(image.records.path, image.records.plane, kind)
    calibrator = _calibrator(image.records.is_complex, said, angle)
    return Band(index, image.polarisation, image.polarisation, kind, source, calibrator)


def _calibrator(is_complex: bool, said: Leader | None, angle: Table | None) -> FactorCalibrator | None:
    """sigma0 dB = 10 log10(DN^2) + CF, for level 1.1 with I^2 + Q^2 and CF - 32."""
    if said is None or said.factor_db is None or abs(said.factor_db) > 200.0:
        return None
    decibels = said.factor_db + (_COMPLEX_DB if is_complex else 0.0)
    factor = usable(10.0 ** (decibels / 10.0))
    return None if factor is None else FactorCalibrator(Calibration.SIGMA0, factor, angle)


def _span(angle: Table | None, said: Leader | None) -> Incidence | None:
    if angle is not None:
        return incidence(float(angle.values.min()), float(angle.values.max()))
    return None if said is None else incidence(said.angle)


def _stated(identity: str, said: Leader | None, angles: Incidence | None, words: str) -> Stated:
    platform = next((name for start, name in _MISSIONS if identity.upper().startswith(start)), "ALOS")
    level = re.search(r"[13]\.[015]|2\.1", identity)
    direction = {"A": "ascending", "D": "descending"}.get(identity[-1:].upper())
    mode = identity.rsplit("-", 1)[-1]
    more = {"geometry": words, "time": "of the scene's centre"}
    if said is not None and said.off_nadir is not None:
        more["off nadir"] = f"{said.off_nadir:.1f} deg"
    return Stated(
        product=f"{platform} PALSAR{'-2' if platform == 'ALOS-2' else ''} level {level[0] if level else '?'}",
        acquired=None if said is None else said.centre_time,
        platform=platform,
        mode=mode.split(level[0], maxsplit=1)[0] if level else None,
        direction=direction,
        orbit=None if said is None else said.orbit,
        look=None if said is None else ("right" if said.right else "left"),
        angles=angles,
        more=more,
    )
