"""The annotation of one image: size, spacing, time, orbit, bursts and geolocation grid.

Names and units after ESA, Sentinel-1 Product Specification (S1-RS-MDA-52-7441).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from lxml import etree

from sarvlm_app.core.georef import GridPoint, GroundRange
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.xml import parse_xml, text_at
from sarvlm_app.errors import SceneError

SPEED_OF_LIGHT = 299_792_458.0
"""Metres a second."""


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst of a swath.

    Attributes
    ----------
    start : datetime
        Azimuth time of its first line, UTC.
    """

    start: datetime


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is used of an annotation file.

    Attributes
    ----------
    mission, mode, swath, product_type, polarisation : str
        As in "S1A", "IW", "IW2", "SLC", "VV".
    start, stop : datetime
        UTC.
    orbit : int
        Absolute orbit number.
    direction : str
        "ascending" or "descending".
    width, height : int
        Pixels.
    complex_values : bool
    range_spacing_m, azimuth_spacing_m : float
        Slant range of SLC, ground range of GRD.
    line_seconds : float
        Azimuth time between lines.
    incidence_mid_deg : float
    bursts : tuple of Burst
    lines_per_burst : int
        0 where there are no bursts.
    grid : tuple of GridPoint
    first_line : datetime
    noise_removed : bool
        Thermal noise was removed by the processor.
    ground_range : GroundRange or None
        How the columns of a GRD were made from slant range.
    """

    mission: str
    mode: str
    swath: str
    product_type: str
    polarisation: str
    start: datetime
    stop: datetime
    orbit: int
    direction: str
    width: int
    height: int
    complex_values: bool
    range_spacing_m: float
    azimuth_spacing_m: float
    line_seconds: float
    incidence_mid_deg: float
    bursts: tuple[Burst, ...]
    lines_per_burst: int
    grid: tuple[GridPoint, ...]
    first_line: datetime
    noise_removed: bool
    ground_range: GroundRange | None = None


def read_annotation(place: Place) -> Annotation:
    """An annotation file.

    Raises
    ------
    SceneError
        It is no XML, or lacks something without which the image cannot be placed.
    """
    root = parse_xml(place)
    try:
        return _read(root)
    except (ValueError, OverflowError) as error:
        raise SceneError(f"{place} is no annotation of Sentinel-1 ({error}); download the product again.") from error


def _read(root: etree._Element) -> Annotation:
    header, about, image = "adsHeader", "generalAnnotation/productInformation", "imageAnnotation/imageInformation"
    first_line = _time(_text(root, f"{image}/productFirstLineUtcTime"))
    width, height = int(_text(root, f"{image}/numberOfSamples")), int(_text(root, f"{image}/numberOfLines"))
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise ValueError(f"an image of {width} x {height} pixels")
    return Annotation(
        mission=_text(root, f"{header}/missionId"),
        mode=_text(root, f"{header}/mode"),
        swath=_text(root, f"{header}/swath"),
        product_type=_text(root, f"{header}/productType"),
        polarisation=_text(root, f"{header}/polarisation"),
        start=_time(_text(root, f"{header}/startTime")),
        stop=_time(_text(root, f"{header}/stopTime")),
        orbit=int(_text(root, f"{header}/absoluteOrbitNumber")),
        direction=_text(root, f"{about}/pass").lower(),
        width=width,
        height=height,
        complex_values=_text(root, f"{image}/pixelValue") == "Complex",
        range_spacing_m=_number(root, f"{image}/rangePixelSpacing"),
        azimuth_spacing_m=_number(root, f"{image}/azimuthPixelSpacing"),
        line_seconds=_number(root, f"{image}/azimuthTimeInterval"),
        incidence_mid_deg=_number(root, f"{image}/incidenceAngleMidSwath"),
        bursts=tuple(
            Burst(_time(_text(burst, "azimuthTime"))) for burst in root.iterfind("swathTiming/burstList/burst")
        ),
        lines_per_burst=int(text_at(root, "swathTiming/linesPerBurst") or 0),
        grid=_grid(root),
        first_line=first_line,
        noise_removed=text_at(root, "imageAnnotation/processingInformation/thermalNoiseCorrectionPerformed") == "true",
        ground_range=_ground_range(root, first_line),
    )


def _grid(root: etree._Element) -> tuple[GridPoint, ...]:
    points = []
    for point in root.iterfind("geolocationGrid/geolocationGridPointList/geolocationGridPoint"):
        points.append(
            GridPoint(
                line=_number(point, "line"),
                pixel=_number(point, "pixel"),
                lon=_number(point, "longitude"),
                lat=_number(point, "latitude"),
                height=_number(point, "height"),
                incidence=_number(point, "incidenceAngle"),
                slant_range=_number(point, "slantRangeTime") * SPEED_OF_LIGHT / 2,
            )
        )
    return tuple(points)


def _ground_range(root: etree._Element, first_line: datetime) -> GroundRange | None:
    """The polynomials from ground range to slant range; None in a product of slant range."""
    found = root.findall("coordinateConversion/coordinateConversionList/coordinateConversion")
    if not found or _text(root, "generalAnnotation/productInformation/projection") != "Ground Range":
        return None
    seconds = _number(root, "imageAnnotation/imageInformation/azimuthTimeInterval")
    return GroundRange(
        tuple((_time(_text(entry, "azimuthTime")) - first_line).total_seconds() / seconds for entry in found),
        tuple(_number(entry, "gr0") for entry in found),
        tuple(tuple(float(part) for part in _text(entry, "grsrCoefficients").split()) for entry in found),
        _number(root, "imageAnnotation/imageInformation/rangePixelSpacing"),
    )


def _text(root: etree._Element, path: str) -> str:
    found = text_at(root, path)
    if found is None:
        raise ValueError(f"{path.rpartition('/')[2]} is missing")
    return found


def _number(root: etree._Element, path: str) -> float:
    value = float(_text(root, path))
    if not np.isfinite(value):
        raise ValueError(f"{path.rpartition('/')[2]} is {value}")
    return value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
