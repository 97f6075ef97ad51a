"""Which pixel of one scene is which of another: by geography, or by number where neither has a geometry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

Float64 = NDArray[np.float64]

LATTICE = 64
"""Cells along each side of the lattice by which the overlap is found."""


class Basis(StrEnum):
    """How pixels find each other."""

    GEOGRAPHY = "geography"
    """Longitude and latitude, each geometry at the height of its own surface: there and back is the same pixel."""
    PIXELS = "pixels"
    """The same column and row: neither scene has a geometry, and their sizes agree."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two scenes of common ground. Positions are (col, row) from the outer corner of the top left pixel.

    Attributes
    ----------
    one, other : Scene
        The scene on view, and the one it is compared with.
    basis : Basis
    share : float
        Share of `one` that `other` covers, 0..1, to about a hundredth.
    overlap : Window
        A window of `one` about the common ground.
    slope : ((float, float), (float, float))
        Columns and rows of `other` for one column of `one`, and for one row, in the middle of the overlap.
    error_m : float or None
        How far a place may be off between the two, metres on the ground; None where one of them tells no error.
    """

    one: Scene
    other: Scene
    basis: Basis
    share: float
    overlap: Window
    slope: tuple[tuple[float, float], tuple[float, float]]
    error_m: float | None = None

    def to_other(self, col: ArrayLike, row: ArrayLike) -> tuple[Float64, Float64]:
        """Positions in `other` of positions in `one`; NaN where a geometry does not reach."""
        return _across(self.one.georef, self.other.georef, col, row)

    def to_one(self, col: ArrayLike, row: ArrayLike) -> tuple[Float64, Float64]:
        """Positions in `one` of positions in `other`; NaN where a geometry does not reach."""
        return _across(self.other.georef, self.one.georef, col, row)

    @property
    def turned(self) -> Pairing:
        """The same two the other way round.

        Raises
        ------
        SceneError
            As `pair` does.
        """
        return pair(self.other, self.one)


def pair(one: Scene, other: Scene) -> Pairing:
    """Relate two scenes; computes some thousand places, so it belongs on a worker.

    Raises
    ------
    SceneError
        They share no ground, one of them alone has a georeference, or neither has one and their sizes differ.
    """
    if (one.georef is None) != (other.georef is None):
        lacking, placed = (one, other) if one.georef is None else (other, one)
        raise SceneError(
            f"{lacking.name} has no georeference, so it cannot be laid over {placed.name}; "
            "open a version of it that says where it lies."
        )
    if one.georef is None:
        return _by_pixel(one, other)
    share, overlap = _overlap(one, other)
    if overlap is None:
        raise SceneError(
            f"{other.name} does not lie on the ground of {one.name}; choose a scene whose footprint meets it."
        )
    return Pairing(one, other, Basis.GEOGRAPHY, share, overlap, _slope(one, other, overlap), _error(one, other))


def _error(one: Scene, other: Scene) -> float | None:
    """The errors of both, taken as independent; they may take a while to be found."""
    errors = [None if scene.georef is None else scene.georef.error_m for scene in (one, other)]
    known = [error.metres for error in errors if error is not None]
    return math.hypot(*known) if len(known) == 2 else None


def _by_pixel(one: Scene, other: Scene) -> Pairing:
    if (one.width, one.height) != (other.width, other.height):
        raise SceneError(
            f"{one.name} ({one.width} x {one.height} px) and {other.name} ({other.width} x {other.height} px) have no "
            "georeference and differ in size, so their pixels cannot be matched; "
            "georeference both or cut them to one size."
        )
    whole = Window(0, 0, one.width, one.height)
    return Pairing(one, other, Basis.PIXELS, 1.0, whole, ((1.0, 0.0), (0.0, 1.0)))


def _across(
    start: Georeference | None, goal: Georeference | None, col: ArrayLike, row: ArrayLike
) -> tuple[Float64, Float64]:
    if start is None or goal is None:
        cols, rows = np.broadcast_arrays(np.asarray(col, np.float64), np.asarray(row, np.float64))
        return cols.copy(), rows.copy()
    lon, lat = start.to_lonlat(col, row)
    return goal.from_lonlat(lon, lat)


def _overlap(one: Scene, other: Scene) -> tuple[float, Window | None]:
    """Share of `one` that is covered and a window about that; looks from both sides, lest a small scene slips by."""
    cols, rows = _lattice(one)
    inside = _holds(other, *_across(one.georef, other.georef, cols, rows))
    middle = np.arange(LATTICE) + 0.5
    middles = np.meshgrid(middle * one.width / LATTICE, middle * one.height / LATTICE)
    share = float(_holds(other, *_across(one.georef, other.georef, *middles)).mean())
    found = [(cols[inside], rows[inside])]
    step = one.width / LATTICE, one.height / LATTICE
    back_cols, back_rows = _across(other.georef, one.georef, *_lattice(other))
    back = _holds(one, back_cols, back_rows)
    found.append((back_cols[back], back_rows[back]))
    all_cols, all_rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not all_cols.size:
        return 0.0, None
    reach = step if inside.any() else (1.0, 1.0)
    left, top = max(0, int(all_cols.min() - reach[0])), max(0, int(all_rows.min() - reach[1]))
    right = min(one.width, int(np.ceil(all_cols.max() + reach[0])))
    bottom = min(one.height, int(np.ceil(all_rows.max() + reach[1])))
    return share, Window(left, top, max(1, right - left), max(1, bottom - top))


def _lattice(scene: Scene) -> tuple[Float64, Float64]:
    cols, rows = np.meshgrid(np.linspace(0, scene.width, LATTICE + 1), np.linspace(0, scene.height, LATTICE + 1))
    return cols.ravel(), rows.ravel()


def _holds(scene: Scene, col: Float64, row: Float64) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray((col >= 0) & (col <= scene.width) & (row >= 0) & (row <= scene.height))


def _slope(one: Scene, other: Scene, overlap: Window) -> tuple[tuple[float, float], tuple[float, float]]:
    """Finite differences over some pixels about the middle of the overlap; those of the spacings where it fails."""
    col, row = overlap.col + overlap.width / 2, overlap.row + overlap.height / 2
    reach = max(1.0, min(16.0, overlap.width / 4, overlap.height / 4))
    c, r = _across(one.georef, other.georef, [col - reach, col + reach, col, col], [row, row, row - reach, row + reach])
    per_col = float(c[1] - c[0]) / (2 * reach), float(r[1] - r[0]) / (2 * reach)
    per_row = float(c[3] - c[2]) / (2 * reach), float(r[3] - r[2]) / (2 * reach)
    if np.isfinite([*per_col, *per_row]).all():
        return per_col, per_row
    mine, theirs = one.spacing_m or (1.0, 1.0), other.spacing_m or (1.0, 1.0)
    return (mine[0] / theirs[0], 0.0), (0.0, mine[1] / theirs[1])
