"""Capella: GeoTIFF (SLC, GEO, GEC ...) with an extended JSON beside it, which the TIFF also carries.

After Capella Space SAR Products Format Specification 1.8. What is stored,
times `collect.image.scale_factor`, is the square root of what
`collect.image.radiometry` names.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import numpy as np

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.products.calibrators import FactorCalibrator, angles_of, usable
from sarvlm_app.core.products.clues import time_in
from sarvlm_app.core.products.companions import exists, files_in, the_one
from sarvlm_app.core.products.image_files import ImageFile, look_at
from sarvlm_app.core.products.json_text import (
    JsonObject,
    item_at,
    number_in,
    numbers_in,
    parse_object,
    read_object,
    text_in,
)
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.range_doppler import Orbit, ZeroDoppler, geolocated, height_of, seconds_since
from sarvlm_app.core.products.stated import Around, Imagery, Stated, incidence, no_parts, scene_of, utc
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.errors import SceneError

_STEM = r"(?P<stem>CAPELLA_C\d+_(?P<mode>[A-Z0-9]+)_(?P<kind>[A-Z]+)_(?P<pol>[HV]{2})_(?P<start>\d{14})_\d{14})"
_IMAGE = re.compile(_STEM + r"\.tiff?", re.IGNORECASE)
_SIDE = re.compile(_STEM + r"(?:_extended|\.stac)?\.json", re.IGNORECASE)
_KINDS = {
    "beta_nought": Calibration.BETA0,
    "sigma_nought": Calibration.SIGMA0,
    "gamma_nought": Calibration.GAMMA0,
}
_TAG = "TIFFTAG_IMAGEDESCRIPTION"


class CapellaFamily:
    """GeoTIFF products of Capella."""

    def recognises(self, path: Path) -> bool:
        if path.is_dir():
            return bool(files_in(path, _IMAGE))
        return bool(_IMAGE.fullmatch(path.name) or _SIDE.fullmatch(path.name))

    def describe(self, path: Path, part: str | None = None) -> Scene:
        no_parts(path, part)
        image = look_at(_image_of(path))
        said, documents, missing = _said_of(image)
        points, refused = _slant_grid(image, said)
        georef: Georeference | None = image.georef
        geometry = image.geometry
        if georef is None and points:
            georef = GridGeoref(points, image.size)
            geometry = f"zero-Doppler geometry at {points[0].height:.0f} m above the ellipsoid"
        elif georef is None and refused:
            geometry = f"none: {refused}"
        stated = _stated(image, said, geometry)
        imagery = _imagery(image, said, points if georef is not image.georef else ())
        return scene_of(image.path, image.path.stem, stated, imagery, Around(georef, documents, missing))


def _image_of(path: Path) -> Path:
    if not path.is_dir() and _IMAGE.fullmatch(path.name):
        return path
    if path.is_dir():
        return the_one(path, files_in(path, _IMAGE), "Capella")
    match = _SIDE.fullmatch(path.name)
    images = [image for image in files_in(path.parent, _IMAGE) if match and image.stem == match["stem"]]
    return the_one(path.parent, images, path.name)


def _said_of(image: ImageFile) -> tuple[JsonObject, tuple[Path, ...], tuple[str, ...]]:
    """The extended metadata, the files they lie in, and what is missing; the TIFF's own copy stands in for the file."""
    side = image.path.with_name(f"{image.path.stem}_extended.json")
    documents = tuple(path for path in (side, image.path.with_suffix(".json")) if exists(path))
    note = side.name
    if exists(side):
        try:
            said = read_object(side)
            if _is_of(said, image):
                return said, documents, ()
            note = f"{side.name} (it belongs to another image)"
        except SceneError:
            note = f"{side.name} (not readable)"
        documents = tuple(path for path in documents if path != side)
    try:
        said = parse_object(image.tags.get(_TAG, ""), image.path.name)
    except SceneError:
        return {}, documents, (note,)
    return (said, documents, (note,)) if _is_of(said, image) else ({}, documents, (note,))


def _is_of(said: JsonObject, image: ImageFile) -> bool:
    """Whether the metadata tell of this image: the same size and, where it is stated, the same start."""
    columns, rows = number_in(said, "collect/image/columns"), number_in(said, "collect/image/rows")
    if columns != image.size[0] or rows != image.size[1]:
        return False
    told, named = utc(text_in(said, "collect/start_timestamp")), _named_start(image.path)
    return told is None or named is None or abs((told - named).total_seconds()) < 300.0


def _named_start(path: Path) -> datetime | None:
    match = _IMAGE.fullmatch(path.name)
    return time_in(match["start"]) if match else None


def _polarisation(said: JsonObject, path: Path) -> str | None:
    sent, received = (
        text_in(said, "collect/radar/transmit_polarization"),
        text_in(said, "collect/radar/receive_polarization"),
    )
    if sent in ("H", "V") and received in ("H", "V"):
        return sent + received
    match = _IMAGE.fullmatch(path.name)
    return match["pol"].upper() if match else None


def _stated(image: ImageFile, said: JsonObject, geometry: str) -> Stated:
    match = _IMAGE.fullmatch(image.path.name)
    kind = (text_in(said, "product_type") or (match["kind"] if match else "")).upper()
    return Stated(
        product=f"Capella {kind}".strip(),
        acquired=utc(text_in(said, "collect/start_timestamp")) or _named_start(image.path),
        platform=text_in(said, "collect/platform"),
        mode=text_in(said, "collect/mode"),
        direction=text_in(said, "collect/state/direction"),
        look=text_in(said, "collect/radar/pointing"),
        angles=incidence(number_in(said, "collect/image/center_pixel/incidence_angle")),
        more={"geometry": geometry},
    )


def _imagery(image: ImageFile, said: JsonObject, points: tuple[GridPoint, ...]) -> Imagery:
    polarisation = _polarisation(said, image.path)
    nodata = 0.0 if image.nodata is None else image.nodata
    source = RasterSource(image.path, (1,), image.value_type, nodata)
    band = Band(
        1, polarisation or "band 1", polarisation, image.value_type, source, _calibrator(said, points)
    )  # fmt: skip
    return Imagery((band,), image.size, image.dtype, (image.path,), nodata)


def _calibrator(said: JsonObject, points: tuple[GridPoint, ...]) -> FactorCalibrator | None:
    """The factor, where the radiometry is named; the angle varies over the image only where its geometry is known."""
    given = _KINDS.get((text_in(said, "collect/image/radiometry") or "").lower())
    scale = number_in(said, "collect/image/scale_factor")
    factor = None if scale is None or scale <= 0.0 else usable(scale * scale)
    return None if given is None or factor is None else FactorCalibrator(given, factor, angles_of(points))


def _slant_grid(image: ImageFile, said: JsonObject) -> tuple[tuple[GridPoint, ...], str]:
    """Places of a slant-plane image from its orbit, or why there are none."""
    plane = item_at(said, "collect/image/image_geometry")
    if image.georef is not None or text_in(plane, "type") != "slant_plane":
        return (), ""
    start = utc(text_in(plane, "first_line_time"))
    steps = [number_in(plane, key) for key in ("delta_line_time", "range_to_first_sample", "delta_range_sample")]
    if start is None or None in steps:
        return (), "the slant plane is not described whole"
    line_step, first_range, range_step = (float(step or 0.0) for step in steps)
    right = (text_in(said, "collect/radar/pointing") or "right").lower() != "left"
    try:
        orbit = _orbit(said, start)
        described = ZeroDoppler(0.0, line_step, first_range, range_step, image.size, right, _centre_height(said))
        points = geolocated(orbit, described)
        GridGeoref(points, image.size)  # refuses what lies crosswise
        return points, ""
    except (ValueError, np.linalg.LinAlgError) as error:
        return (), str(error)


def _centre_height(said: JsonObject) -> float:
    """Height of the scene's centre above the ellipsoid, of its place in the Earth's frame."""
    place = numbers_in(said, "collect/image/center_pixel/target_position", 3)
    if place is None:
        return 0.0
    height = height_of(np.array([place]))[0]
    return float(height) if abs(height) < 20_000.0 else 0.0


def _orbit(said: JsonObject, start: datetime) -> Orbit:
    vectors = item_at(said, "collect/state/state_vectors")
    times, positions, velocities = [], [], []
    for vector in vectors if isinstance(vectors, list) else ():
        moment = utc(text_in(vector, "time"))
        position, velocity = numbers_in(vector, "position", 3), numbers_in(vector, "velocity", 3)
        if moment is not None and position is not None and velocity is not None:
            times.append(moment)
            positions.append(position)
            velocities.append(velocity)
    return Orbit(seconds_since(start, times), np.array(positions), np.array(velocities))
