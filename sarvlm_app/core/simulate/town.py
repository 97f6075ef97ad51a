"""Streets, houses, halls and car parks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .buildings import Blocks, add_buildings, on_cover
from .canvas import Canvas, Float32
from .ground import Mask
from .noise import gaussian_field
from .shapes import Frame
from .surfaces import Cover

OFF_LIMITS = (Cover.ROAD, Cover.SEA, Cover.RIVER, Cover.LAKE)


@dataclass(frozen=True, slots=True)
class Streets:
    """A street grid that bends a little.

    Attributes
    ----------
    heading : float
        Of the first family of streets, degrees.
    block : (along, across)
        Metres between street axes.
    width : float
        Of a street, metres.
    bend : float32 (2, h, w)
        Metres by which the grid departs from a straight one.
    """

    heading: float
    block: tuple[float, float]
    width: float
    bend: Float32

    @classmethod
    def draw(cls, canvas: Canvas, heading: float, block: tuple[float, float]) -> Streets:
        """A grid that is straight or winds by up to some ten metres."""
        rng = canvas.rng
        swing = np.float32(rng.choice([0.0, 0.0, 0.0, 6.0, 16.0]))
        bend = np.zeros((2, *canvas.shape), np.float32)
        if swing > 0:
            for axis in (0, 1):
                bend[axis] = swing * gaussian_field(canvas.shape, 420 / canvas.spacing, rng)
        return cls(heading, block, float(rng.uniform(7, 13)), bend)

    def axes(self, canvas: Canvas) -> tuple[Float32, Float32]:
        """Grid coordinates of every pixel, metres."""
        x, y = canvas.grid()
        (cx, cy), angle = canvas.size_m / 2, np.deg2rad(self.heading)
        u = (x - cx) * np.sin(angle) - (y - cy) * np.cos(angle) + self.bend[0]
        v = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle) + self.bend[1]
        return u.astype(np.float32), v.astype(np.float32)

    def pave(self, canvas: Canvas, area: Mask, cover: Cover) -> None:
        """Give the blocks of `area` a class and put streets between them."""
        canvas.flood(area, cover)
        filled = self.width / canvas.spacing
        for axis, pitch in zip(self.axes(canvas), self.block, strict=True):
            street = area & (np.abs((axis + pitch / 2) % pitch - pitch / 2) < max(self.width / 2, 0.5 * canvas.spacing))
            if filled >= 1.0:
                canvas.cover[street] = Cover.ROAD
            else:
                # narrower than a pixel: the block only looks a little darker there
                canvas.gain_db[street] = 10 * np.log10(1 - 0.6 * filled)

    def lots(self, canvas: Canvas, area: Mask, lot: tuple[float, float]) -> Blocks:
        """One plot centre per (along, across) lot inside the blocks of `area`; sizes are still zero."""
        reach, rng, pieces = float(np.hypot(*canvas.size_m)) / 2, canvas.rng, []
        for pitch, size in zip(self.block, lot, strict=True):
            room = pitch - self.width - 3
            inner = max(1, int(room / size))
            starts = np.arange(-np.ceil(reach / pitch) * pitch, reach, pitch)
            pieces.append((starts[:, None] + (pitch - room) / 2 + (np.arange(inner) + 0.5) * room / inner).ravel())
        along, across = np.meshgrid(*pieces, indexing="ij")
        local = np.column_stack([along.ravel(), across.ravel()])
        local += rng.normal(0, (0.25 if canvas.spacing > 4 else 0.12) * min(lot), local.shape)
        frame = Frame(canvas.size_m / 2, self.heading)
        rough = np.floor(frame.many(local) / canvas.spacing).astype(np.intp)
        col, row = (np.clip(rough[:, i], 0, canvas.shape[1 - i] - 1) for i in (0, 1))
        centre = frame.many(local - self.bend[:, row, col].T)
        zero = np.zeros(len(centre))
        allowed = tuple(int(c) for c in Cover if c not in OFF_LIMITS)
        inside = on_cover(canvas, Blocks(centre, zero, zero, zero, zero + self.heading), allowed)
        px = np.floor(inside.centre / canvas.spacing).astype(np.intp)
        return inside.take(area[px[:, 1], px[:, 0]])


def _sized(lots: Blocks, canvas: Canvas, low: tuple[float, float, float], high: tuple[float, float, float]) -> Blocks:
    """Sizes between bounds; neighbours are alike, and some buildings stand across."""
    rng = canvas.rng
    share = rng.beta(1.6, 1.6, (len(lots.centre), 3))
    size = np.asarray(low) + share * (np.asarray(high) - np.asarray(low))
    turn = np.where(rng.random(len(lots.centre)) < 0.2, 90.0, 0.0) + rng.normal(0, 2.0, len(lots.centre))
    return Blocks(lots.centre, size[:, 0], size[:, 1], size[:, 2], lots.heading + turn)


def _thinned(lots: Blocks, canvas: Canvas, share: float) -> Blocks:
    """About `share` of the lots, leaving whole groups of neighbours empty."""
    field = gaussian_field(canvas.shape, 60 / canvas.spacing, canvas.rng)
    px = np.floor(lots.centre / canvas.spacing).astype(np.intp)
    noise = 0.8 * field[px[:, 1], px[:, 0]] + 0.6 * canvas.rng.standard_normal(len(px))
    keep: NDArray[np.bool_] = noise < np.quantile(noise, share) if len(px) else np.zeros(0, bool)
    return lots.take(keep)


def build_residential(canvas: Canvas, area: Mask, heading: float) -> None:
    """Houses in rows along streets, trees between them."""
    rng = canvas.rng
    streets = Streets.draw(canvas, heading, (float(rng.uniform(90, 240)), float(rng.uniform(52, 80))))
    streets.pave(canvas, area, Cover.RESIDENTIAL)
    lots = streets.lots(canvas, area, (float(rng.uniform(14, 26)), float(rng.uniform(20, 28))))
    houses = _sized(_thinned(lots, canvas, float(rng.uniform(0.55, 0.95))), canvas, (7, 6, 4), (17, 13, 10))
    add_buildings(canvas, houses, "house", brightness=float(rng.uniform(0.6, 2.0)))


def build_city(canvas: Canvas, area: Mask, heading: float) -> None:
    """Dense blocks, some of them towers."""
    rng = canvas.rng
    streets = Streets.draw(canvas, heading, (float(rng.uniform(80, 180)), float(rng.uniform(60, 120))))
    streets.pave(canvas, area, Cover.CITY)
    lot = float(rng.uniform(24, 50))
    lots = _thinned(streets.lots(canvas, area, (lot, lot)), canvas, 0.85)
    blocks = _sized(lots, canvas, (0.35 * lot, 0.35 * lot, 6), (0.98 * lot, 0.95 * lot, 26))
    tall = np.where(
        rng.random(len(blocks.centre)) < rng.uniform(0.0, 0.2), rng.uniform(1.5, 4.0, len(blocks.centre)), 1.0
    )
    add_buildings(
        canvas, Blocks(blocks.centre, blocks.length, blocks.width, blocks.height * tall, blocks.heading), brightness=2.5
    )


def build_industry(canvas: Canvas, area: Mask, heading: float) -> None:
    """Large halls, yards and car parks."""
    rng = canvas.rng
    streets = Streets.draw(canvas, heading, (float(rng.uniform(180, 420)), float(rng.uniform(140, 300))))
    streets.pave(canvas, area, Cover.INDUSTRIAL)
    lot = float(rng.uniform(60, 130))
    lots = streets.lots(canvas, area, (lot, lot * float(rng.uniform(0.7, 1.3))))
    use = rng.random(len(lots.centre))
    halls = _sized(lots.take(use < 0.62), canvas, (0.3 * lot, 0.25 * lot, 5), (0.95 * lot, 0.75 * lot, 17))
    add_buildings(canvas, halls, "industrial building", brightness=1.5)
    for centre in lots.take(use > 0.82).centre:
        canvas.paint(Frame(centre, heading).box((-0.4 * lot, 0.4 * lot), (-0.35 * lot, 0.35 * lot)), Cover.PARKING)
        cars = Frame(centre, heading).many(rng.uniform(-0.35, 0.35, (25, 2)) * lot)
        canvas.scatter(cars, rng.exponential(8, 25))


def add_farmsteads(canvas: Canvas, count: int) -> None:
    """Small groups of houses and barns in open country."""
    rng = canvas.rng
    for _ in range(count):
        frame = Frame(rng.uniform(0.02, 0.98, 2) * canvas.size_m, float(rng.uniform(0, 180)))
        country = (Cover.FIELD, Cover.GRASSLAND, Cover.BARE_SOIL, Cover.DESERT)
        if not canvas.free(frame.box((-35, 35), (-35, 35)), on=country):
            continue
        number = int(rng.integers(2, 6))
        spots = frame.many(np.column_stack([np.linspace(-26, 26, number), rng.uniform(-14, 14, number)]))
        barn = rng.uniform((8, 7, 4), (22, 11, 9), (number, 3))
        turn = frame.heading_deg + rng.choice([0.0, 90.0], number)
        farm = Blocks(spots, np.minimum(barn[:, 1], 11), barn[:, 0], barn[:, 2], turn)
        add_buildings(canvas, farm, "farm building", brightness=0.6)
        canvas.reserve(frame.box((-40, 40), (-40, 40)))
