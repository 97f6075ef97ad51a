"""Where PALSAR images lie: each line's record tells first, middle and last pixel's place."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.products.calibrators import Table
from sarvlm_app.core.products.palsar.ceos import ImageRecords, Leader
from sarvlm_app.core.products.range_doppler import SPEED_OF_LIGHT

_LINES = 21
_PLACES = struct.Struct(">6i")
_PLACES_AT = {True: 192, False: 132}
"""Byte of the latitudes and longitudes (millionths of a degree) in the record of level 1.1 and 1.5."""
_RANGES = struct.Struct(">3I")
_RANGES_AT, _FIRST_RANGE_AT = 64, 116
_NODES = 65


def georef_of(image: ImageRecords) -> tuple[Georeference | None, str]:
    """The geometry of an image and what to tell of it."""
    columns, lines = image.plane.cols, image.plane.rows
    points = []
    for line in np.unique(np.linspace(0, lines - 1, min(_LINES, lines)).round().astype(int)):
        record = image.line(int(line))
        numbers = _PLACES.unpack_from(record, _PLACES_AT[image.is_complex])
        latitudes, longitudes = np.array(numbers[:3]) / 1e6, np.array(numbers[3:]) / 1e6
        if not numbers or not any(numbers) or np.abs(latitudes).max() > 90.0 or np.abs(longitudes).max() > 360.0:
            return None, "none: the lines do not tell where they lie"
        for pixel, lat, lon in zip((0.0, (columns - 1) / 2.0, columns - 1.0), latitudes, longitudes, strict=True):
            points.append(GridPoint(float(line), pixel, float(lon), float(lat)))
    try:
        return GridGeoref(tuple(points), (columns, lines)), "first, middle and last pixel of the lines"
    except ValueError as error:
        return None, f"none: {error}"


def angles_of(image: ImageRecords, said: Leader) -> Table | None:
    """Incidence of the columns, of the leader's polynomial over slant range."""
    record = image.line(image.plane.rows // 2)
    columns = np.linspace(0.0, image.plane.cols - 1.0, min(_NODES, image.plane.cols))
    if image.is_complex:
        if not said.sampling_mhz or said.sampling_mhz < 1e-3:
            return None
        first = float(struct.unpack_from(">I", record, _FIRST_RANGE_AT)[0])
        ranges: NDArray[np.float64] = first + columns * SPEED_OF_LIGHT / (2e6 * said.sampling_mhz)
    else:
        stated = np.array(_RANGES.unpack_from(record, _RANGES_AT), np.float64)
        ends = (0.0, (image.plane.cols - 1) / 2.0, image.plane.cols - 1.0)
        if image.plane.cols < 3 or not (stated > 1e5).all():
            return None
        # ground range runs evenly along a line, slant range does not: a parabola through the three
        curve = np.polynomial.polynomial.polyfit(ends, stated, 2)
        ranges = np.asarray(np.polynomial.polynomial.polyval(columns, curve), np.float64)
    if not ((ranges > 1e5) & (ranges < 1e7)).all():
        return None
    angle = said.angle_at(ranges)
    return None if angle is None else Table.along_columns(columns, angle)
