"""Houses, halls and towers: double-bounce lines, laid-over facades, roofs, shadows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .shapes import Float64, rectangle, with_layover


@dataclass(frozen=True, slots=True)
class Blocks:
    """Buildings as columns: centres (n, 2), length, width, height (n,) in metres, heading (n,) degrees."""

    centre: Float64
    length: Float64
    width: Float64
    height: Float64
    heading: Float64

    def take(self, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Blocks:
        """Only the buildings for which `keep` is true."""
        return Blocks(self.centre[keep], self.length[keep], self.width[keep], self.height[keep], self.heading[keep])


def on_cover(canvas: Canvas, blocks: Blocks, classes: tuple[int, ...]) -> Blocks:
    """The buildings whose centre lies in the scene on free ground of these classes."""
    px = np.floor(blocks.centre / canvas.spacing).astype(np.intp)
    ok = (px >= 0).all(1) & (px[:, 0] < canvas.shape[1]) & (px[:, 1] < canvas.shape[0])
    safe = np.where(ok[:, None], px, 0)
    ok &= np.isin(canvas.cover[safe[:, 1], safe[:, 0]], classes) & ~canvas.taken[safe[:, 1], safe[:, 0]]
    return blocks.take(ok)


def add_buildings(canvas: Canvas, blocks: Blocks, label: str = "building", brightness: float = 1.0) -> None:
    """Draw buildings; those of at least three pixels are recorded one by one."""
    if len(blocks.centre) == 0:
        return
    rng = canvas.rng
    roof = 10 ** (rng.normal(-10, 4, len(blocks.centre)) / 10)
    seen = np.minimum(blocks.length, blocks.width) >= 2.0 * canvas.spacing
    if seen.any():
        body = blocks.take(seen)
        size = np.column_stack([body.length, body.width, body.height])
        canvas.raise_boxes(body.centre, size, body.heading, roof[seen])
    for i in np.flatnonzero(np.minimum(blocks.length, blocks.width) >= 3.0 * canvas.spacing):
        length, width, heading = float(blocks.length[i]), float(blocks.width[i]), float(blocks.heading[i])
        outline = rectangle(blocks.centre[i], length, width, heading)
        canvas.record(label, with_layover(outline, canvas.layover_m(float(blocks.height[i]))), (length, width), heading)
    for turn in (0.0, 90.0, 180.0, 270.0):
        _add_walls(canvas, blocks, turn, brightness)


def _add_walls(canvas: Canvas, blocks: Blocks, turn: float, brightness: float) -> None:
    """Foot line and facade of the walls whose outward normal is heading + turn, where the sensor sees them."""
    rng = canvas.rng
    normal = np.deg2rad(blocks.heading + turn)
    out = np.column_stack([np.sin(normal), -np.cos(normal)])
    lit = out[:, 0] < -0.15
    if not lit.any():
        return
    out, wall = out[lit], blocks.take(lit)
    ahead = turn % 180 == 0
    depth, run = (wall.length, wall.width) if ahead else (wall.width, wall.length)
    along = np.column_stack([-out[:, 1], out[:, 0]])
    aspect = np.degrees(np.arccos(np.clip(-out[:, 0], -1, 1)))
    squint = 0.15 + np.exp(-((aspect / 13.0) ** 2))
    step = max(1.2 * canvas.spacing, 1.5)
    count = np.maximum(1, np.ceil(run / step)).astype(np.intp)
    owner = np.repeat(np.arange(len(run)), count)
    spot = (rng.random(owner.size) - 0.5) * run[owner]
    foot = wall.centre[owner] + out[owner] * depth[owner, None] / 2 + along[owner] * spot[:, None]
    piece = run[owner] / count[owner]
    each = rng.lognormal(-0.4, 0.9, len(run))[owner]
    power = brightness * 2.0 * piece * wall.height[owner] * squint[owner] * each * rng.exponential(1.0, owner.size)
    canvas.scatter(foot, power)
    rise = rng.random(owner.size) * wall.height[owner]
    facade = foot - np.column_stack([rise / np.tan(canvas.incidence), np.zeros(owner.size)])
    canvas.scatter(facade, power * rng.exponential(0.4, owner.size))
