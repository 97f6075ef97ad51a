"""Where NISAR's images lie: an RSLC by its cube of places, GSLC and GCOV by the axes of their map."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from sarvlm_app.core.georef import AffineGeoref, Georeference, GridGeoref, GridPoint
from sarvlm_app.core.georef.systems import to_wgs84
from sarvlm_app.core.products.hdf5 import number_of, numbers_of, text_of, value_at, within
from sarvlm_app.core.products.stated import utc

_MOST = 41
"""Lines and columns of the cube that are kept; it is smooth."""
_SINCE = re.compile(r"seconds since (.*)", re.IGNORECASE)
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """A geometry, the points it goes through, those that lie within the image, and words for the facts."""

    georef: Georeference | None
    words: str
    points: tuple[GridPoint, ...] = ()
    inside: tuple[GridPoint, ...] = ()


def map_of(root: Any, group: str, size: tuple[int, int]) -> Placed:
    """The map of a geocoded image, of the coordinates of its pixels' centres."""
    x, y = (numbers_of(value_at(root, f"{group}/{axis}Coordinates")) for axis in "xy")
    code = number_of(value_at(root, f"{group}/projection"))
    if x is None or y is None or code is None or x.size != size[0] or y.size != size[1] or min(size) < 2:
        return Placed(None, "none: the map of the image is not stated whole")
    across, down = (float((axis[-1] - axis[0]) / (axis.size - 1)) for axis in (x, y))
    transform = Affine(across, 0.0, float(x[0]) - across / 2.0, 0.0, down, float(y[0]) - down / 2.0)
    try:
        return Placed(AffineGeoref(transform, f"EPSG:{code:.0f}", size), "map")
    except ValueError as error:
        return Placed(None, f"none: {error}")


def swath_of(root: Any, group: str, size: tuple[int, int]) -> Placed:
    """The cube of places of an RSLC, at the level nearest to the ground."""
    try:
        points = _points(root, group, size)
        georef = GridGeoref(points, size)
    except (ValueError, pyproj.exceptions.ProjError) as error:
        return Placed(None, f"none: {error}")
    inside = tuple(
        point for point in points if 0 <= point.pixel <= size[0] - 1 and 0 <= point.line <= size[1] - 1
    )  # fmt: skip
    words = f"the product's geolocation grid at {points[0].height:.0f} m above the ellipsoid"
    return Placed(georef, words, points, inside or points)


def _points(root: Any, group: str, size: tuple[int, int]) -> tuple[GridPoint, ...]:
    swaths, product = group.rsplit("/", 1)[0], group.split("/swaths/", maxsplit=1)[0]
    cube = f"{product}/metadata/geolocationGrid"
    lines = _axis(root, f"{swaths}/zeroDopplerTime", f"{cube}/zeroDopplerTime", size[1])
    columns = _axis(root, f"{group}/slantRange", f"{cube}/slantRange", size[0])
    levels = numbers_of(value_at(root, f"{cube}/heightAboveEllipsoid"))
    code = number_of(value_at(root, f"{cube}/epsg"))
    if levels is None or code is None:
        raise ValueError("the geolocation grid is not whole")
    level = int(np.abs(levels.ravel() - _ground(root, product)).argmin())
    rows, cols = (_thinned(axis, side) for axis, side in ((lines, size[1]), (columns, size[0])))
    shape = (levels.size, lines.size, columns.size)
    x, y, angle = (
        _layer(root, f"{cube}/{name}", level, shape) for name in ("coordinateX", "coordinateY", "incidenceAngle")
    )
    if x is None or y is None:
        raise ValueError("the geolocation grid is not whole")
    lon, lat = to_wgs84(f"EPSG:{code:.0f}").transform(x[np.ix_(rows, cols)], y[np.ix_(rows, cols)])
    theta = None if angle is None else angle[np.ix_(rows, cols)]
    return tuple(
        GridPoint(
            float(lines[row]), float(columns[col]), float(lon[i, j]), float(lat[i, j]), float(levels.ravel()[level]),
            None if theta is None else float(theta[i, j]),
        )
        for i, row in enumerate(rows)
        for j, col in enumerate(cols)
    )  # fmt: skip


def _ground(root: Any, product: str) -> float:
    """Mean height of the ground that the processor used, 0 where it is not stated."""
    found = numbers_of(value_at(root, f"{product}/metadata/processingInformation/parameters/referenceTerrainHeight"))
    return 0.0 if found is None else float(found.mean())


def _axis(root: Any, image: str, cube: str, count: int) -> Float64:
    """The cube's axis in samples of the image."""
    own, its = numbers_of(value_at(root, image)), numbers_of(value_at(root, cube))
    if own is None or its is None or own.size != count or own.size < 2 or its.size < 2:
        raise ValueError("the axes of the geolocation grid are not whole")
    step = float((own[-1] - own[0]) / (own.size - 1))
    if step == 0.0:
        raise ValueError("the axes of the geolocation grid do not change")
    mine, other = _epoch(root, image), _epoch(root, cube)
    later = (other - mine).total_seconds() if mine is not None and other is not None else 0.0
    return np.asarray((its.ravel() + later - own.ravel()[0]) / step)


def _epoch(root: Any, path: str) -> datetime | None:
    """The moment from which a dataset counts seconds, None where it counts something else."""
    found = within(root, path)
    match = _SINCE.fullmatch(text_of(found.attrs.get("units")) or "") if found is not None else None
    return utc(match[1]) if match else None


def _thinned(axis: Float64, side: int) -> NDArray[np.intp]:
    """Indices about the image, both ends among them, at most `_MOST`."""
    near = np.flatnonzero((axis > -side * 0.1) & (axis < side * 1.1))
    first = max(int(near[0]) - 1, 0) if near.size else 0
    last = min(int(near[-1]) + 1, axis.size - 1) if near.size else axis.size - 1
    return np.unique(np.linspace(first, last, min(_MOST, last - first + 1)).round().astype(np.intp))


def _layer(root: Any, path: str, level: int, shape: tuple[int, int, int]) -> Float64 | None:
    """One level of the cube, read alone."""
    found = within(root, path)
    if found is None or getattr(found, "shape", None) != shape or found.dtype.kind not in "fiu":
        return None
    values = np.asarray(found[level], np.float64)
    return values if np.isfinite(values).all() else None
