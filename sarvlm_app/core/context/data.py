"""What a context file holds for one scene, in its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_app.core.context.strokes import Float64, Strokes


@dataclass(frozen=True, slots=True, eq=False)
class Spots:
    """Points: `xy` float64 (n, 2) in scene pixels, the feature of each (n,), and their index by place."""

    xy: Float64
    owner: NDArray[np.int64]
    tree: shapely.STRtree

    @classmethod
    def of(cls, xy: Float64, owner: list[int]) -> Spots:
        return cls(xy, np.array(owner, np.int64), shapely.STRtree(shapely.points(xy)))

    def within(self, left: float, top: float, right: float, bottom: float) -> NDArray[np.int64]:
        """Numbers (k,) of the points in a rectangle."""
        return np.sort(self.tree.query(shapely.box(left, top, right, bottom))).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Ship:
    """A ship at the time of acquisition.

    Attributes
    ----------
    mmsi : int
    name : str
        Empty where none was sent.
    place : (float, float)
        (col, row) of the scene.
    ahead : (float, float) or None
        Where it will be after `VECTOR_MIN` minutes at its course and speed; None where it lies still.
    axis : (float, float) or None
        A short way ahead by its heading, else its course; None where neither is known.
    speed_kn, course_deg, heading_deg, length_m, width_m : float or None
    kind : str
        Type as the file says it.
    gap_s : float
        Seconds to the nearest report.
    between : bool
        Interpolated between two reports; else carried on from one.
    """

    mmsi: int
    name: str
    place: tuple[float, float]
    ahead: tuple[float, float] | None
    axis: tuple[float, float] | None
    speed_kn: float | None
    course_deg: float | None
    heading_deg: float | None
    length_m: float | None
    width_m: float | None
    kind: str
    gap_s: float
    between: bool

    @property
    def label(self) -> str:
        """Its name, or its number."""
        return self.name or f"MMSI {self.mmsi}"


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Tiles on the grid of the scene: uint8 (h, w, 4), each pixel `step` scene pixels."""

    rgba: NDArray[np.uint8]
    step: float


@dataclass(frozen=True, slots=True, eq=False)
class ContextData:
    """What is drawn.

    Attributes
    ----------
    lines : tuple of Strokes
        Finest first; empty where there are none.
    spots : Spots or None
    ships : tuple of Ship
    raster : Raster or None
    names : tuple of str
        Of the features that `lines` and `spots` tell; empty texts where they have none.
    summary : str
        What was found, for the panel.
    """

    lines: tuple[Strokes, ...] = ()
    spots: Spots | None = None
    ships: tuple[Ship, ...] = ()
    raster: Raster | None = None
    names: tuple[str, ...] = field(default=(), repr=False)
    summary: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing lies in the scene."""
        return not (self.lines or self.spots or self.ships or self.raster)
