"""Umbra: GeoTIFF (GEC) with a JSON beside it, either METADATA.json or a STAC item.

After Umbra's product guide (help.umbra.space) and the items of its open data
catalogue. Pixels are amplitudes in 8 or 16 bits without a stated factor, so
they stay uncalibrated. SICD and SIDD files of Umbra are NITF and read as such.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

from sarvlm_app.core.products.clues import time_in
from sarvlm_app.core.products.companions import files_in, the_one
from sarvlm_app.core.products.image_files import ImageFile, look_at
from sarvlm_app.core.products.json_text import JsonObject, number_in, read_object, text_in
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.stated import Around, Imagery, Stated, incidence, no_parts, scene_of, utc
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

_STEM = r"(?P<stem>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d_UMBRA-\d+)"
_IMAGE = re.compile(_STEM + r"(?:_(?P<kind>[A-Za-z0-9_-]+))?\.tiff?", re.IGNORECASE)
_SIDE = re.compile(_STEM + r"(?:[._][A-Za-z0-9_.-]+)?\.json", re.IGNORECASE)
_ANY = re.compile(_STEM + r".*", re.IGNORECASE | re.DOTALL)
_SAME_PASS = timedelta(minutes=5)


class UmbraFamily:
    """Amplitude images of Umbra."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(files_in(path, _IMAGE))
        return bool(_IMAGE.fullmatch(path.name) or _SIDE.fullmatch(path.name))

    def describe(self, path: Path, part: str | None = None) -> Scene:
        no_parts(path, part)
        image = look_at(_image_of(path))
        side, said, missing = _side_of(image.path)
        documents = () if side is None else (side,)
        stated = _stated(image, said)
        around = Around(image.georef, documents, missing)
        return scene_of(image.path, image.path.stem, stated, _imagery(image, said), around)


def _image_of(path: Path) -> Path:
    """The image that a path leads to: of several of one pass the GEC."""
    if not path.is_dir() and _IMAGE.fullmatch(path.name):
        return path
    folder = path if path.is_dir() else path.parent
    images = files_in(folder, _IMAGE)
    if not path.is_dir():
        images = tuple(image for image in images if _stem(image) == _stem(path))
    geocoded = tuple(image for image in images if image.stem.upper().endswith("_GEC"))
    return the_one(folder, geocoded or images, "Umbra" if path.is_dir() else path.name)


def _stem(path: Path) -> str:
    match = _ANY.fullmatch(path.name)
    return match["stem"].upper() if match else path.stem.upper()


def _side_of(image: Path) -> tuple[Path | None, JsonObject, tuple[str, ...]]:
    """The side file, what it says, and what is missing."""
    sides = [side for side in files_in(image.parent, _SIDE) if _stem(side) == _stem(image)]
    sides.sort(key=lambda side: "METADATA" not in side.name.upper())
    notes = []
    for side in sides:
        try:
            said = read_object(side)
        except SceneError:
            notes.append(f"{side.name} (not readable)")
            continue
        if _is_of(said, image):
            return side, said, tuple(notes)
        notes.append(f"{side.name} (it belongs to another acquisition)")
    return None, {}, tuple(notes) or (f"{_stem(image)}_METADATA.json",)


def _is_of(said: JsonObject, image: Path) -> bool:
    """Whether a side file tells of the image's pass: their times agree where both are stated."""
    named, told = time_in(image.stem.replace("_", "-")[:10] + "T" + image.stem[11:19].replace("-", ":")), _start(said)
    return named is None or told is None or abs(named - told) <= _SAME_PASS


def _start(said: JsonObject) -> datetime | None:
    texts = ("collects/0/startAtUTC", "properties/start_datetime", "properties/datetime")
    return next((moment for moment in (utc(text_in(said, path)) for path in texts) if moment), None)


def _first(said: JsonObject, *paths: str) -> str | None:
    return next((text for text in (text_in(said, path) for path in paths) if text), None)


def _stated(image: ImageFile, said: JsonObject) -> Stated:
    match = _IMAGE.fullmatch(image.path.name)
    kind = ((match and match["kind"]) or "GEC").upper()
    angle = number_in(said, "collects/0/angleIncidenceDegrees") or number_in(said, "properties/view:incidence_angle")
    named = time_in(image.path.stem[:10] + "T" + image.path.stem[11:19].replace("-", ":"))
    return Stated(
        product=f"Umbra {kind}",
        acquired=_start(said) or named,
        platform=_first(said, "umbraSatelliteName", "properties/platform"),
        mode=_first(said, "imagingMode", "properties/sar:instrument_mode"),
        direction=_first(said, "collects/0/satelliteTrack", "properties/sat:orbit_state"),
        look=_first(said, "collects/0/observationDirection", "properties/sar:observation_direction"),
        angles=incidence(angle),
        more={"geometry": image.geometry, "calibration": "none stated: relative amplitudes"},
    )


def _imagery(image: ImageFile, said: JsonObject) -> Imagery:
    polarisation = _first(said, "collects/0/polarizations/0", "properties/sar:polarizations/0")
    colours = image.count >= 3 and image.dtype == "uint8"
    nodata = 0.0 if image.nodata is None else image.nodata
    kind = ValueType.COMPLEX if image.is_complex else ValueType.DN
    source = RasterSource(image.path, (1, 2, 3) if colours else (1,), kind, nodata)
    band = Band(1, polarisation or "amplitude", polarisation, kind, source)
    return Imagery((band,), image.size, image.dtype, (image.path,), nodata)
