"""The frame of a selected box on the screen: handles to resize and turn it by, and what lies under the mouse (pure)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.box_edits import moved, resized, turned
from sarvlm_models.types import Float32

from .geometry import Camera

Float64 = NDArray[np.float64]
Point = tuple[float, float]

ROOM_PX = 6.0
LEAST_HALF_PX = 13.0
"""The frame of a small box is drawn larger than the box, so that the handles can be told apart."""
ARM_PX = 24.0
REACH_PX = 7.0
SNAP_DEGREES = 15.0
_SIGNS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [0, -1], [1, 0], [0, 1], [-1, 0]], np.float64)
"""Handles along and across the long axis: the corners, then the middles of the sides that follow them."""


class Part(StrEnum):
    """What of a frame is taken hold of."""

    BODY = "move"
    HANDLE = "resize"
    ARM = "turn"


@dataclass(frozen=True, slots=True)
class Grip:
    """A part of a frame under the mouse; `handle` is its number where it is one."""

    part: Part
    handle: int = 0


@dataclass(frozen=True, slots=True)
class BoxFrame:
    """Where the handles of a box are, in screen pixels.

    Attributes
    ----------
    centre : (float, float)
    along, across : (float, float)
        Unit vectors of the long axis and of the one clockwise from it.
    half : (float, float)
        Half the sides of the frame.
    """

    centre: Point
    along: Point
    across: Point
    half: tuple[float, float]

    @classmethod
    def of(cls, corners: Float32, camera: Camera) -> BoxFrame:
        """The frame of a box of `corners` (4, 2) scene pixels."""
        points = np.array([camera.to_screen(float(col), float(row)) for col, row in corners])
        centre = points.mean(axis=0)
        one, other = points[1] - points[0], points[2] - points[1]
        length, width = float(np.hypot(*one)), float(np.hypot(*other))
        along = one / length if length > 0 else np.array([1.0, 0.0])
        across = other / width if width > 0 else np.array([-along[1], along[0]])
        half = (max(length / 2 + ROOM_PX, LEAST_HALF_PX), max(width / 2 + ROOM_PX, LEAST_HALF_PX))
        return cls(_point(centre), _point(along), _point(across), half)

    def handles(self) -> Float64:
        """(8, 2) screen positions: the corners, then the middles of the sides that follow them."""
        reach = _SIGNS * self.half
        return np.asarray(np.array(self.centre) + reach[:, :1] * self.along + reach[:, 1:] * self.across)

    def arm(self) -> tuple[Point, Point]:
        """Where the arm to turn by leaves the frame, and its end."""
        centre, along = np.array(self.centre), np.array(self.along)
        return _point(centre + along * self.half[0]), _point(centre + along * (self.half[0] + ARM_PX))

    def grip_at(self, x: float, y: float) -> Grip | None:
        """What lies under a screen position: the arm's end, then a handle, then the body."""
        _, end = self.arm()
        if math.hypot(end[0] - x, end[1] - y) <= REACH_PX + 2:
            return Grip(Part.ARM)
        away = np.hypot(*(self.handles() - (x, y)).T)
        nearest = int(away.argmin())
        if away[nearest] <= REACH_PX:
            return Grip(Part.HANDLE, nearest)
        off = (x - self.centre[0], y - self.centre[1])
        inside = all(
            abs(off[0] * axis[0] + off[1] * axis[1]) <= half
            for axis, half in zip((self.along, self.across), self.half, strict=True)
        )
        return Grip(Part.BODY) if inside else None


def dragged(corners: Float32, grip: Grip, start: Point, now: Point, *, snaps: bool = False) -> Float32:
    """A box after its grip was dragged from one scene position to another; `snaps` turns in steps of 15 degrees."""
    across, down = now[0] - start[0], now[1] - start[1]
    if grip.part is Part.BODY:
        return moved(corners, across, down)
    if grip.part is Part.HANDLE:
        return resized(corners, grip.handle, across, down)
    middle = corners.mean(axis=0, dtype=np.float64)
    before = math.degrees(math.atan2(start[1] - middle[1], start[0] - middle[0]))
    after = math.degrees(math.atan2(now[1] - middle[1], now[0] - middle[0]))
    if not snaps:
        return turned(corners, after - before)
    along = corners[1].astype(np.float64) - corners[0]
    axis = math.degrees(math.atan2(along[1], along[0]))
    return turned(corners, round((axis + after - before) / SNAP_DEGREES) * SNAP_DEGREES - axis)


def _point(values: Float64) -> Point:
    return float(values[0]), float(values[1])
