"""What ICEYE's three generations of metadata say, as one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from lxml import etree

from sarvlm_app.core.products.calibrators import Table
from sarvlm_app.core.products.hdf5 import number_of, numbers_of, opened, text_of, value_at
from sarvlm_app.core.products.image_files import ImageFile
from sarvlm_app.core.products.json_text import (
    JsonObject,
    item_at,
    number_in,
    numbers_in,
    parse_object,
    read_object,
    text_in,
)
from sarvlm_app.core.products.stated import Incidence, incidence, number, numbers, utc, whole
from sarvlm_app.core.products.xml import children, local_name, parse_xml, text_at
from sarvlm_app.errors import SceneError

_TAG = "ICEYE_PROPERTIES"
_NODES = 129


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of one image; what is not stated is None."""

    level: str | None = None
    acquired: datetime | None = None
    platform: str | None = None
    mode: str | None = None
    direction: str | None = None
    orbit: int | None = None
    look: str | None = None
    polarisation: str | None = None
    angles: Incidence | None = None
    factor: float | None = None
    size: tuple[int, int] | None = None
    mapping: tuple[float, float] | None = None
    """Exponent and scale of amplitudes that are stored as a power."""
    angle: Table | None = None
    has_phase: bool = False


def metadata_of_hdf5(path: Path) -> Metadata:
    """Of an SLC in HDF5.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    with opened(path) as root:

        def said(key: str) -> str | None:
            value = value_at(root, key)
            text = text_of(value)
            if text is None and (found := numbers_of(value)) is not None:
                text = " ".join(map(repr, found.ravel()[:32].tolist()))
            return text

        return _flat(said, number_of(value_at(root, "calibration_factor")))


def metadata_of_tif(image: ImageFile, sides: tuple[Path, ...]) -> tuple[Metadata, tuple[Path, ...], tuple[str, ...]]:
    """Of a GeoTIFF: from the file beside it, else from its own tags; with the side files and what is missing."""
    notes: list[str] = []
    for position, side in enumerate(sides):
        try:
            found = _of_json(read_object(side)) if side.suffix.lower() == ".json" else _of_xml(side)
        except SceneError:
            notes.append(f"{side.name} (not readable)")
            continue
        if _fits(found, image):
            return found, sides[position:], tuple(notes)
        notes.append(f"{side.name} (it belongs to another image)")
    found = _of_tags(image)
    if not notes and found == Metadata():
        notes = [f"{image.path.stem}.json or .xml"]
    return found, (), tuple(notes)


def _fits(found: Metadata, image: ImageFile) -> bool:
    return found.size is None or found.size in (image.size, image.size[::-1])


def _of_tags(image: ImageFile) -> Metadata:
    if _TAG in image.tags:
        try:
            return _of_properties(parse_object(image.tags[_TAG], image.path.name))
        except SceneError:
            return Metadata()
    tags = {key.lower(): value for key, value in image.tags.items()}
    return _flat(tags.get, number(tags.get("calibration_factor"))) if "satellite_name" in tags else Metadata()


def _of_json(said: JsonObject) -> Metadata:
    properties = item_at(said, "properties")
    return _of_properties(properties if isinstance(properties, Mapping) else said)


def _of_properties(said: JsonObject) -> Metadata:
    """STAC properties, with ICEYE's own under "iceye:"."""
    shape = numbers_in(said, "proj:shape", 2)
    mapping = item_at(said, "iceye:amplitude_mapping")
    bands = item_at(said, "raster:bands")
    near, far = number_in(said, "iceye:incidence_angle_near"), number_in(said, "iceye:incidence_angle_far")
    level = text_in(said, "sar:product_type")
    return Metadata(
        level=level.upper() if level else None,
        acquired=utc(text_in(said, "start_datetime")) or utc(text_in(said, "datetime")),
        platform=text_in(said, "platform"),
        mode=text_in(said, "sar:instrument_mode"),
        direction=text_in(said, "sat:orbit_state"),
        orbit=whole(str(item_at(said, "sat:absolute_orbit"))),
        look=text_in(said, "sar:observation_direction"),
        polarisation=text_in(said, "sar:polarizations/0"),
        angles=incidence(near, number_in(said, "view:incidence_angle"), far),
        factor=number_in(said, "iceye:calibration_factor"),
        size=None if shape is None else (int(shape[1]), int(shape[0])),
        mapping=_mapping(mapping),
        has_phase=isinstance(bands, list) and len(bands) == 2,
    )


def _mapping(said: object) -> tuple[float, float] | None:
    """Exponent and scale of "power" and "linear"; other functions are not known, and then nothing is undone."""
    function = text_in(said, "function")
    scale, exponent = number_in(said, "parameters/scale"), number_in(said, "parameters/exponent")
    exponent = 1.0 if function == "linear" else exponent if function == "power" else None
    scale = 1.0 if scale is None else scale
    return (exponent, scale) if exponent is not None and exponent > 0.0 and scale > 0.0 else None


def _of_xml(side: Path) -> Metadata:
    root = parse_xml(side)
    if local_name(root) != "Metadata":
        raise SceneError(f"{side} is no annotation of ICEYE; open the image itself.")
    found = _flat(lambda key: text_at(root, key), number(text_at(root, "calibration_factor")))
    return found if found.size is None else _with_angles(found, root)


def _with_angles(found: Metadata, root: etree._Element) -> Metadata:
    """The polynomial of the incidence angle over ground range, where columns count ground range."""
    table = next(children(root, "Incidence_Angle_Coefficients"), None)
    spacing = number(text_at(root, "range_spacing"))
    native = (text_at(root, "data_orientation") or "native").lower() == "native"
    if table is None or spacing is None or found.size is None or not native or found.level != "GRD":
        return found
    coefficients = [number(text_at(entry, "value")) for entry in children(table, "coefficient")]
    if not coefficients or None in coefficients:
        return found
    columns = np.linspace(0.0, found.size[0] - 1.0, min(_NODES, found.size[0]))
    angle = np.asarray(
        np.polynomial.polynomial.polyval(columns * spacing, [value or 0.0 for value in coefficients]), np.float64
    )
    if not ((angle > 0.0) & (angle < 90.0)).all():
        return found
    return replace(found, angle=Table.along_columns(columns, angle))


def _flat(said: Callable[[str], str | None], factor: float | None) -> Metadata:
    """The keys of the HDF5 file, which XML and TIFF tags share."""
    near, middle, far = (number(said(f"incidence_{where}")) for where in ("near", "center", "far"))
    angles = incidence(near, middle, far)
    if angles is None and (local := numbers(said("local_incidence_angle"))):
        angles = incidence(local[0], local[len(local) // 2], local[-1])
    columns, lines = whole(said("number_of_range_samples")), whole(said("number_of_azimuth_samples"))
    level = said("product_level")
    return Metadata(
        level=level.upper() if level else None,
        acquired=utc(said("acquisition_start_utc")),
        platform=said("satellite_name"),
        mode=said("acquisition_mode") or said("product_type"),
        direction=said("orbit_direction"),
        orbit=whole(said("orbit_absolute_number")),
        look=said("look_side"),
        polarisation=said("polarization"),
        angles=angles,
        factor=factor,
        size=(columns, lines) if columns and lines and columns > 0 and lines > 0 else None,
    )
