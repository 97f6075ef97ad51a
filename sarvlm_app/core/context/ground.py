"""The ground of a scene as files know it: its box in longitude and latitude, and in other reference systems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import QueryError

Float64 = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""West, south, east, north."""

RIM = 0.02
"""Share of the box by which it is widened."""
EDGE = 33
BEYOND = 0.5
"""Lines go on so far outside the scene, as a share of its sides."""
LONLAT = "OGC:CRS84"


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """A scene's geometry and the boxes of longitude and latitude about it: two across the antimeridian."""

    scene: Scene
    georef: Georeference
    boxes: tuple[Box, ...]

    def boxes_in(self, crs: pyproj.CRS) -> tuple[Box, ...]:
        """The same in another reference system, as far as they can be told there."""
        there = pyproj.Transformer.from_crs(LONLAT, crs, always_xy=True)
        found = []
        for box in self.boxes:
            try:
                west, south, east, north = there.transform_bounds(*box, densify_pts=21)
            except pyproj.exceptions.ProjError:
                continue
            if np.isfinite([west, south, east, north]).all():
                # geographic bounds that cross the antimeridian come back the wrong way round
                parts = ((west, 180.0), (-180.0, east)) if west > east else ((west, east),)
                found += [(left, south, right, north) for left, right in parts]
        return tuple(found)

    def to_px(self, lon: Float64, lat: Float64) -> Float64:
        """Pixels (n, 2) of places; NaN where the geometry does not reach, or far outside the scene."""
        col, row = (np.asarray(part, np.float64) for part in self.georef.from_lonlat(lon, lat))
        wide, tall = self.scene.width, self.scene.height
        with np.errstate(invalid="ignore"):
            near = (col > -BEYOND * wide) & (col < (1 + BEYOND) * wide)
            near &= (row > -BEYOND * tall) & (row < (1 + BEYOND) * tall)
        return np.where(near[..., None], np.stack([col, row], axis=-1), np.nan)


def ground_of(scene: Scene) -> Ground:
    """The ground of a scene.

    Raises
    ------
    QueryError
        The scene has no georeference.
    """
    georef = scene.georef
    if georef is None:
        raise QueryError(
            f"{scene.name} has no georeference, so nothing can be laid over it by its place; open a version that has."
        )
    across, down = np.linspace(0, scene.width, EDGE), np.linspace(0, scene.height, EDGE)
    cols = np.concatenate([across, np.full(EDGE, scene.width), across[::-1], np.zeros(EDGE)])
    rows = np.concatenate([np.zeros(EDGE), down, np.full(EDGE, scene.height), down[::-1]])
    lon, lat = georef.to_lonlat(cols, rows)
    good = np.isfinite(lon) & np.isfinite(lat)
    if not good.any():
        raise QueryError(f"{scene.name} states a geometry that reaches no ground; nothing can be laid over it.")
    turns = np.unwrap(np.asarray(lon)[good], period=360.0)
    box = _with_pole(scene, georef, (turns.min(), lat[good].min(), turns.max(), lat[good].max()))
    return Ground(scene, georef, _split(_widened(box)))


def _with_pole(scene: Scene, georef: Georeference, box: Box) -> Box:
    """A scene about a pole has all longitudes, and the pole itself."""
    for pole in (90.0, -90.0):
        col, row = (float(part) for part in georef.from_lonlat(0.0, pole))
        if 0 <= col <= scene.width and 0 <= row <= scene.height:
            return -180.0, min(box[1], pole), 180.0, max(box[3], pole)
    return box


def _widened(box: Box) -> Box:
    west, south, east, north = (float(value) for value in box)
    across, down = RIM * max(east - west, 1e-4), RIM * max(north - south, 1e-4)
    return west - across, max(-90.0, south - down), east + across, min(90.0, north + down)


def _split(box: Box) -> tuple[Box, ...]:
    west, south, east, north = box
    if east - west >= 360.0:
        return ((-180.0, south, 180.0, north),)
    turn = 360.0 * np.floor((west + 180.0) / 360.0)
    west, east = float(west - turn), float(east - turn)
    if east <= 180.0:
        return ((west, south, east, north),)
    return (west, south, 180.0, north), (-180.0, south, east - 360.0, north)
