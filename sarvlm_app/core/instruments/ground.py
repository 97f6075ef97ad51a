"""From pixels to metres: geodesic where the scene is georeferenced, by its spacing where only that is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError

Float64 = NDArray[np.float64]

WGS84 = pyproj.Geod(ellps="WGS84")


class Basis(StrEnum):
    """What a measure rests on; its value is the word for it in JSON."""

    GEODESIC = "geodesic"
    """Geodesics of WGS 84 between the places of the pixels."""
    SPACING = "spacing"
    """A flat ground with the scene's pixel spacing, which is all that is known."""
    PIXELS = "pixels"
    """Pixels only: neither georeference nor spacing is known."""


MEANING = {
    Basis.GEODESIC: "geodesic on WGS 84",
    Basis.SPACING: "by the pixel spacing on flat ground: the scene has no georeference there",
    Basis.PIXELS: "in pixels only: neither georeference nor pixel spacing is known",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of a scene and what is known of them on the ground.

    Attributes
    ----------
    points_px : float64 (n, 2)
        (col, row) from the outer corner of the top left pixel.
    lonlat : float64 (n, 2) or None
        Degrees, WGS 84; None unless the basis is geodesic.
    spacing_m : (float, float) or None
        Metres of a pixel along columns and rows, for the basis "spacing".
    basis : Basis
    """

    points_px: Float64
    lonlat: Float64 | None
    spacing_m: tuple[float, float] | None
    basis: Basis

    def steps_m(self) -> Float64 | None:
        """Metres between neighbouring points, float64 (n - 1,)."""
        if self.lonlat is not None:
            lon, lat = self.lonlat.T
            return np.asarray(WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], np.float64)
        if self.spacing_m is not None:
            return lengths(np.diff(self.points_px, axis=0) * np.asarray(self.spacing_m))
        return None


def places(scene: Scene, points_px: ArrayLike) -> Places:
    """Positions with their basis: geodesic when the geometry reaches all of them."""
    points = np.asarray(points_px, np.float64).reshape(-1, 2)
    if scene.georef is not None:
        lon, lat = (np.asarray(part, np.float64) for part in scene.georef.to_lonlat(points[:, 0], points[:, 1]))
        if np.isfinite(lon).all() and np.isfinite(lat).all():
            return Places(points, np.column_stack([lon, lat]), None, Basis.GEODESIC)
    if scene.spacing_m is not None and np.isfinite(scene.spacing_m).all():
        return Places(points, None, scene.spacing_m, Basis.SPACING)
    return Places(points, None, None, Basis.PIXELS)


def lengths(steps: Float64) -> Float64:
    """Lengths (n,) of steps (n, 2)."""
    return np.asarray(np.hypot(steps[:, 0], steps[:, 1]))


def require_points(points_px: ArrayLike, least: int, what: str) -> Float64:
    """Points as float64 (n, 2).

    Raises
    ------
    QueryError
        Fewer than `least`, or a point is no finite number.
    """
    points = np.asarray(points_px, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < least:
        raise QueryError(f"A {what} needs at least {least} points, each of a column and a row; add the missing ones.")
    if not np.isfinite(points).all():
        raise QueryError(f"A point of the {what} is no finite number; give columns and rows in pixels.")
    return points


def densified(points_px: Float64, pieces: int) -> Float64:
    """A closed ring (n, 2) with each side cut into `pieces`: sides straight in the image stay so on the ground."""
    ends = np.roll(points_px, -1, axis=0)
    part = np.arange(pieces)[None, :, None] / pieces
    return np.asarray((points_px[:, None] + (ends - points_px)[:, None] * part).reshape(-1, 2))
