"""How large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike

from sarvlm_app.core.instruments.ground import WGS84, Basis, Float64, densified, places, require_points
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError

PIECES = 16
"""Parts of a side: a side that is straight in the image is no geodesic."""


@dataclass(frozen=True, slots=True)
class AreaMeasure:
    """Area and perimeter of a polygon.

    Attributes
    ----------
    area_px, perimeter_px : float
        Square pixels and pixels.
    area_m2, perimeter_m : float or None
        On the ground.
    basis : Basis
    """

    area_px: float
    perimeter_px: float
    area_m2: float | None
    perimeter_m: float | None
    basis: Basis


def measure_polygon(scene: Scene, points_px: ArrayLike) -> AreaMeasure:
    """Area and perimeter of a polygon whose sides are straight in the image.

    Parameters
    ----------
    points_px : (n, 2)
        (col, row) of its corners, at least three; the last is joined to the first.

    Raises
    ------
    QueryError
        There are fewer points, its sides cross, or it has no area.
    """
    ring = require_ring(points_px)
    shape = shapely.Polygon(ring)
    known = places(scene, np.concatenate([dense := densified(ring, PIECES), dense[:1]]))
    area: float | None = None
    perimeter: float | None = None
    if known.lonlat is not None:
        signed, around = WGS84.polygon_area_perimeter(known.lonlat[:-1, 0], known.lonlat[:-1, 1])
        area, perimeter = abs(float(signed)), float(around)
    elif known.spacing_m is not None:
        steps = known.steps_m()
        assert steps is not None
        area, perimeter = float(shape.area * known.spacing_m[0] * known.spacing_m[1]), float(steps.sum())
    return AreaMeasure(float(shape.area), float(shape.length), area, perimeter, known.basis)


def require_ring(points_px: ArrayLike) -> Float64:
    """The corners of a polygon without a repeated last one, float64 (n, 2).

    Raises
    ------
    QueryError
        It is no polygon that has an area and whose sides do not cross.
    """
    ring = require_points(points_px, 3, "region")
    if len(ring) > 3 and np.array_equal(ring[0], ring[-1]):
        ring = ring[:-1]
    shape = shapely.Polygon(ring)
    if shape.convex_hull.area == 0:
        raise QueryError("The region has no area: its corners lie on one line; move one of them.")
    if not shape.is_valid:
        raise QueryError("The sides of the region cross each other; give its corners in their order around it.")
    return ring
