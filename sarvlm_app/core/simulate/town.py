"""Streets, houses, halls and car parks."""

from __future__ import annotations

import numpy as np

from .buildings import Blocks, add_buildings, on_cover
from .canvas import Canvas
from .ground import Mask
from .shapes import Frame
from .surfaces import Cover


def _street_axes(canvas: Canvas, angle: float) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...]:
    x, y = canvas.grid()
    cx, cy = canvas.size_m / 2
    u = (x - cx) * np.sin(angle) - (y - cy) * np.cos(angle)
    v = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    return u.astype(np.float32), v.astype(np.float32)


def lay_streets(canvas: Canvas, area: Mask, heading: float, block: tuple[float, float], cover: Cover) -> None:
    """A street grid with blocks of (along, across) metres on `area`, the blocks of class `cover`."""
    width = canvas.rng.uniform(7, 13)
    u, v = _street_axes(canvas, np.deg2rad(heading))
    canvas.cover[area] = cover
    canvas.gain_db[area] = 0
    canvas.height[area] = 0
    for axis, pitch in ((u, block[0]), (v, block[1])):
        street = np.abs((axis + pitch / 2) % pitch - pitch / 2) < max(width / 2, 0.5 * canvas.spacing)
        canvas.cover[area & street] = Cover.ROAD


def fill_lots(canvas: Canvas, area: Mask, heading: float, lots: tuple[float, float], block: tuple[float, float]) -> Blocks:
    """One plot centre per (along, across) lot inside the blocks of `area`; sizes are still zero."""
    reach = float(np.hypot(*canvas.size_m)) / 2
    rng = canvas.rng
    pieces = []
    for pitch, lot in zip(block, lots, strict=True):
        inner = max(1, int((pitch - 12) / lot))
        starts = np.arange(-np.ceil(reach / pitch) * pitch, reach, pitch)
        pieces.append((starts[:, None] + 6 + (np.arange(inner) + 0.5) * (pitch - 12) / inner).ravel())
    along, across = np.meshgrid(*pieces, indexing="ij")
    local = np.column_stack([along.ravel(), across.ravel()]) + rng.normal(0, 1.0, (along.size, 2))
    frame = Frame(canvas.size_m / 2, heading)
    centre = frame.many(local)
    zero = np.zeros(len(centre))
    blocks = Blocks(centre, zero, zero, zero, zero + heading)
    inside = on_cover(canvas, blocks, tuple(int(c) for c in Cover if c not in (Cover.ROAD, Cover.SEA, Cover.RIVER, Cover.LAKE)))
    px = np.floor(inside.centre / canvas.spacing).astype(np.intp)
    return inside.take(area[px[:, 1], px[:, 0]])


def _sized(lots: Blocks, rng: np.random.Generator, low: tuple[float, float, float], high: tuple[float, float, float]) -> Blocks:
    size = rng.uniform(low, high, (len(lots.centre), 3))
    turn = np.where(rng.random(len(lots.centre)) < 0.15, 90.0, 0.0)
    return Blocks(lots.centre, size[:, 0], size[:, 1], size[:, 2], lots.heading + turn)


def build_residential(canvas: Canvas, area: Mask, heading: float) -> None:
    """Houses in rows along streets."""
    rng = canvas.rng
    block = (rng.uniform(90, 240), rng.uniform(55, 75))
    lay_streets(canvas, area, heading, block, Cover.RESIDENTIAL)
    lots = fill_lots(canvas, area, heading, (rng.uniform(14, 26), 26.0), block)
    keep = rng.random(len(lots.centre)) < rng.uniform(0.6, 0.95)
    add_buildings(canvas, _sized(lots.take(keep), rng, (8, 7, 4), (15, 12, 9)), "house")


def build_city(canvas: Canvas, area: Mask, heading: float) -> None:
    """Dense blocks, some of them towers."""
    rng = canvas.rng
    block = (rng.uniform(80, 180), rng.uniform(60, 120))
    lay_streets(canvas, area, heading, block, Cover.CITY)
    lot = rng.uniform(26, 50)
    lots = fill_lots(canvas, area, heading, (lot, lot), block)
    blocks = _sized(lots.take(rng.random(len(lots.centre)) < 0.88), rng, (0.5 * lot, 0.45 * lot, 8), (0.95 * lot, 0.9 * lot, 26))
    tall = np.where(rng.random(len(blocks.centre)) < rng.uniform(0.0, 0.25), rng.uniform(2, 4.5), 1.0)
    add_buildings(canvas, Blocks(blocks.centre, blocks.length, blocks.width, blocks.height * tall, blocks.heading), brightness=1.5)


def build_industry(canvas: Canvas, area: Mask, heading: float) -> None:
    """Large halls, yards and car parks."""
    rng = canvas.rng
    block = (rng.uniform(180, 380), rng.uniform(140, 260))
    lay_streets(canvas, area, heading, block, Cover.INDUSTRIAL)
    lot = rng.uniform(70, 120)
    lots = fill_lots(canvas, area, heading, (lot, lot), block)
    use = rng.random(len(lots.centre))
    halls = _sized(lots.take(use < 0.6), rng, (0.45 * lot, 0.35 * lot, 7), (0.92 * lot, 0.8 * lot, 17))
    add_buildings(canvas, halls, "industrial building", brightness=2.5)
    for centre in lots.take(use > 0.82).centre:
        canvas.paint(Frame(centre, heading).box((-0.4 * lot, 0.4 * lot), (-0.35 * lot, 0.35 * lot)), Cover.PARKING)
        cars = Frame(centre, heading).many(rng.uniform(-0.35, 0.35, (25, 2)) * lot)
        canvas.scatter(cars, rng.exponential(15, 25))


def add_farmsteads(canvas: Canvas, count: int) -> None:
    """Small groups of houses and barns in open country."""
    rng = canvas.rng
    for _ in range(count):
        frame = Frame(rng.uniform(0.02, 0.98, 2) * canvas.size_m, float(rng.uniform(0, 180)))
        if not canvas.free(frame.box((-35, 35), (-35, 35)), on=(Cover.FIELD, Cover.GRASSLAND, Cover.BARE_SOIL, Cover.DESERT)):
            continue
        number = int(rng.integers(2, 6))
        spots = frame.many(np.column_stack([np.linspace(-26, 26, number), rng.uniform(-14, 14, number)]))
        barn = rng.uniform((8, 7, 4), (22, 11, 9), (number, 3))
        turn = frame.heading_deg + rng.choice([0.0, 90.0], number)
        add_buildings(canvas, Blocks(spots, np.minimum(barn[:, 1], 11), barn[:, 0], barn[:, 2], turn), "farm building")
        canvas.reserve(frame.box((-40, 40), (-40, 40)))
