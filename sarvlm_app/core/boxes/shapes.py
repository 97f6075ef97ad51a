"""Boxes in their several forms: corners, upright extents, sides and angle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]


def upright_corners(bbox: Floats) -> Floats:
    """Corners of upright boxes.

    Parameters
    ----------
    bbox : float (n, 4)
        col, row, width, height.

    Returns
    -------
    (n, 4, 2) of the type of `bbox`: (col, row), clockwise on the screen; from corner 0 to 1 goes a long side.
    """
    col, row, width, height = (bbox[:, i] for i in range(4))
    right, below = col + width, row + height
    lying = np.stack([col, row, right, row, right, below, col, below], axis=1).reshape(-1, 4, 2)
    return np.asarray(np.where((height > width)[:, None, None], np.roll(lying, -1, axis=1), lying))


def bbox_of(corners: Floats) -> Floats:
    """Upright extents (n, 4), col, row, width, height, of boxes with `corners` (n, 4, 2); of their type."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, high - low], axis=1)


def in_order(corners: Floats) -> Floats:
    """The same quadrilaterals, clockwise on the screen, with a long side from corner 0 to 1.

    Parameters
    ----------
    corners : float (n, 4, 2)
        Each wound either way, beginning anywhere. The first corner stays
        the first where it can.
    """
    first, second = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    backwards = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0
    wound = np.where(backwards[:, None, None], corners[:, [0, 3, 2, 1]], corners)
    sides = np.linalg.norm(np.roll(wound, -1, axis=1) - wound, axis=2)
    short_first = sides[:, 1] + sides[:, 3] > sides[:, 0] + sides[:, 2]
    return np.asarray(np.where(short_first[:, None, None], np.roll(wound, -1, axis=1), wound))


def sides_px(corners: Floats) -> tuple[Float64, Float64, Float64]:
    """Length, width and angle of boxes, each float64 (n,).

    Parameters
    ----------
    corners : float (n, 4, 2)
        The long sides are found, wherever the first corner is. Of a
        quadrilateral that is no rectangle, opposite sides are averaged.

    Returns
    -------
    length, width : pixels, length >= width
    angle : radians, 0 <= angle < pi
        From the direction of growing columns towards that of growing rows
        (clockwise on the screen) to the long axis.
    """
    corners = np.asarray(corners, np.float64)
    # the two middle lines: their lengths are those of the sides, their directions free of which corner is first
    along = (corners[:, 1] + corners[:, 2] - corners[:, 0] - corners[:, 3]) / 2
    across = (corners[:, 2] + corners[:, 3] - corners[:, 0] - corners[:, 1]) / 2
    lengths = np.stack([np.hypot(*along.T), np.hypot(*across.T)])
    axis = np.where((lengths[1] > lengths[0])[:, None], across, along)
    angle = np.mod(np.arctan2(axis[:, 1], axis[:, 0]), np.pi)
    angle[angle >= np.pi] = 0.0  # the remainder of a tiny negative angle rounds up
    return lengths.max(axis=0), lengths.min(axis=0), angle


def corners_from(cx: ArrayLike, cy: ArrayLike, length: ArrayLike, width: ArrayLike, angle: ArrayLike) -> Float64:
    """Corners float64 (n, 4, 2) of boxes by centre, sides and angle; the inverse of `sides_px`.

    Parameters
    ----------
    cx, cy, length, width : pixels, (n,) or one for all
    angle : radians, (n,) or one for all
        As in `sides_px`. The side from corner 0 to 1 has `length` and this direction.
    """
    given = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in (cx, cy, length, width, angle)))
    x, y, half, side, turn = given[0], given[1], given[2] / 2, given[3] / 2, given[4]
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1) * half[:, None]
    across = np.stack([-np.sin(turn), np.cos(turn)], axis=1) * side[:, None]
    centre = np.stack([x, y], axis=1)
    ends = (centre - along - across, centre + along - across, centre + along + across, centre - along + across)
    return np.stack(ends, axis=1)
