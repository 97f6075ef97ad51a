"""Outlines in metres: (k, 2) arrays of (x right, y down), not closed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def direction(heading_deg: float) -> Float64:
    """Unit vector (x, y) of a heading: 0 is up, 90 is right."""
    angle = np.deg2rad(heading_deg)
    return np.array([np.sin(angle), -np.cos(angle)])


def place(local: Float64, centre: Float64, heading_deg: float) -> Float64:
    """Turn local (along, across) metres into scene metres; along is the heading."""
    ahead = direction(heading_deg)
    side = np.array([-ahead[1], ahead[0]])
    return np.asarray(centre + np.asarray(local)[..., :1] * ahead + np.asarray(local)[..., 1:] * side)


def rectangle(centre: Float64, length: float, width: float, heading_deg: float) -> Float64:
    """Four corners of a box whose length runs along the heading."""
    half = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * (length / 2, width / 2)
    return place(half, centre, heading_deg)


def disc(centre: Float64, radius: float, corners: int = 24) -> Float64:
    """A regular polygon with the area of the circle."""
    angle = np.arange(corners) * (2 * np.pi / corners)
    size = radius * np.sqrt(2 * np.pi / corners / np.sin(2 * np.pi / corners))
    return np.asarray(centre + size * np.column_stack([np.cos(angle), np.sin(angle)]))


def convex_hull(points: Float64) -> Float64:
    """Corners of the convex hull (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points})

    def chain(source: list[tuple[float, float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for p in source:
            while len(out) > 1:
                (ax, ay), (bx, by) = out[-2], out[-1]
                if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                    break
                out.pop()
            out.append(p)
        return out[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def with_layover(outline: Float64, shift_m: float) -> Float64:
    """Hull of a convex base and its top, which is imaged `shift_m` nearer to the sensor (left)."""
    ahead = np.roll(outline, -1, axis=0)
    if np.sum(outline[:, 0] * ahead[:, 1] - ahead[:, 0] * outline[:, 1]) < 0:
        outline = outline[::-1]
    turned = np.roll(outline, -int(np.argmin(outline[:, 1])), axis=0)
    lowest = int(np.argmax(turned[:, 1]))
    far, near = turned[: lowest + 1], np.vstack([turned[lowest:], turned[:1]])
    return np.vstack([far, near - (shift_m, 0.0)])


def polygon_mask(outline_px: Float64, shape: tuple[int, int]) -> tuple[slice, slice, NDArray[np.bool_]] | None:
    """Pixels whose centre lies inside a polygon (even-odd rule).

    Returns
    -------
    rows, cols, inside : slices of the picture and bool of their size, or None outside it.
    """
    low = np.maximum(np.floor(outline_px.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(outline_px.max(0)), shape[::-1]).astype(int)
    if (low >= high).any():
        return None
    x = np.arange(low[0], high[0]) + 0.5
    y = np.arange(low[1], high[1]) + 0.5
    inside = np.zeros((y.size, x.size), bool)
    ends = np.roll(outline_px, -1, axis=0)
    for (x0, y0), (x1, y1) in zip(outline_px, ends, strict=True):
        if y0 == y1:
            continue
        crossed = (y >= min(y0, y1)) & (y < max(y0, y1))
        inside[crossed] ^= x[None, :] >= (x0 + (y[crossed] - y0) * (x1 - x0) / (y1 - y0))[:, None]
    return slice(low[1], high[1]), slice(low[0], high[0]), inside


@dataclass(frozen=True, slots=True)
class Frame:
    """A local system in the scene: along its axis and to the right of it.

    Attributes
    ----------
    origin : float64 (2,)
        Scene metres.
    heading_deg : float
        Direction of the along axis.
    """

    origin: Float64
    heading_deg: float

    def at(self, along: float, across: float) -> Float64:
        """Scene metres of one local point."""
        return np.asarray(self.many(np.array([[along, across]]))[0])

    def many(self, local: Float64) -> Float64:
        """Scene metres of local points (n, 2)."""
        return place(local, self.origin, self.heading_deg)

    def box(self, along: tuple[float, float], across: tuple[float, float]) -> Float64:
        """Corners of the box between two pairs of local coordinates."""
        (a0, a1), (c0, c1) = along, across
        return self.many(np.array([[a0, c0], [a1, c0], [a1, c1], [a0, c1]]))
