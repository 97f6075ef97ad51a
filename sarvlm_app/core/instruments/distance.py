"""How far, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sarvlm_app.core.instruments.ground import WGS84, Basis, Float64, lengths, places, require_points
from sarvlm_app.core.scene import Scene


@dataclass(frozen=True, slots=True)
class LineMeasure:
    """Length and direction of a polyline.

    Attributes
    ----------
    points_px : float64 (n, 2)
    lonlat : float64 (n, 2) or None
        Degrees; None without georeference.
    segments_px : float64 (n - 1,)
    segments_m : float64 (n - 1,) or None
        Each the shortest way on the ground between its ends.
    azimuth_deg : float64 (n - 1,) or None
        Direction at the start of each segment, 0 <= azimuth < 360 clockwise
        from true north; NaN for a segment of no length.
    basis : Basis
    """

    points_px: Float64
    lonlat: Float64 | None
    segments_px: Float64
    segments_m: Float64 | None
    azimuth_deg: Float64 | None
    basis: Basis

    @property
    def total_px(self) -> float:
        return float(self.segments_px.sum())

    @property
    def total_m(self) -> float | None:
        return None if self.segments_m is None else float(self.segments_m.sum())


def measure_line(scene: Scene, points_px: ArrayLike) -> LineMeasure:
    """Length and direction of a polyline of at least two points (col, row).

    Raises
    ------
    QueryError
        There are fewer points, or one is no finite number.
    """
    points = require_points(points_px, 2, "line")
    known = places(scene, points)
    azimuth = None
    if known.lonlat is not None:
        lon, lat = known.lonlat.T
        forward, _, metres = (np.asarray(part) for part in WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:]))
        azimuth = np.where(metres > 0, np.mod(forward, 360.0), np.nan)
    return LineMeasure(points, known.lonlat, lengths(np.diff(points, axis=0)), known.steps_m(), azimuth, known.basis)
