"""Airports: runways, taxiways, apron, terminal, hangars, parked aircraft."""

from __future__ import annotations

import numpy as np

from .buildings import Blocks, add_buildings
from .canvas import Canvas
from .shapes import Frame
from .structures import add_aircraft
from .surfaces import Cover


def add_airport(canvas: Canvas, frame: Frame, length: float, aircraft: int) -> None:
    """An airport whose runway runs along the frame's axis through its origin.

    Parameters
    ----------
    length : float
        Of the runway, metres.
    aircraft : int
        At most so many are parked, zero included; none is drawn where pixels are coarser than 3 m.
    """
    rng, half = canvas.rng, length / 2
    far = float(rng.uniform(420, 620))
    site = frame.box((-half - 150, half + 150), (-150, far))
    canvas.clear_outline(site)
    canvas.paint(site, Cover.GRASSLAND, float(rng.normal(-1, 1)))
    for across in (0.0, -float(rng.uniform(210, 300)))[: 1 + int(rng.random() < 0.25)]:
        width = float(rng.uniform(45, 60))
        if across:
            more = frame.box((-half - 100, half + 100), (across - 120, across + 60))
            canvas.clear_outline(more)
            canvas.paint(more, Cover.GRASSLAND)
        strip = frame.box((-half, half), (across - width / 2, across + width / 2))
        canvas.paint(strip, Cover.RUNWAY)
        canvas.record("runway", strip, (length, width), frame.heading_deg % 180)
        lights = frame.many(
            np.column_stack(
                [
                    np.r_[np.linspace(-half, half, 60), np.linspace(-half, half, 60)],
                    np.repeat([across - width / 2 - 3, across + width / 2 + 3], 60),
                ]
            )
        )
        canvas.scatter(lights, rng.exponential(0.4, 120))
    taxi = float(rng.uniform(150, 190))
    _taxiways(canvas, frame, half, taxi)
    _apron(canvas, frame, (half, taxi), aircraft)


def _taxiways(canvas: Canvas, frame: Frame, half: float, taxi: float) -> None:
    lines = [[[-half, taxi], [half, taxi]], [[-half + 10, 0], [-half + 10, taxi]], [[half - 10, 0], [half - 10, taxi]]]
    for share in (-0.4, 0.3):
        lines.append([[share * half, 0], [share * half + 140, taxi]])
    for line in lines:
        canvas.stroke(frame.many(np.array(line, float)), 23.0, Cover.RUNWAY)


def _apron(canvas: Canvas, frame: Frame, place: tuple[float, float], aircraft: int) -> None:
    rng, (half, taxi) = canvas.rng, place
    reach = float(min(rng.uniform(250, 600), half * 0.9))
    middle = float(rng.uniform(-0.4, 0.4)) * (half - reach)
    deep = float(rng.uniform(110, 170))
    apron = frame.box((middle - reach, middle + reach), (taxi + 8, taxi + deep))
    canvas.paint(apron, Cover.APRON)
    count = int(rng.integers(2, 6))
    along = middle - reach + (np.arange(count) + 0.5) * 2 * reach / count
    size = np.minimum(rng.uniform(50, 130, count), 2 * reach / count * 0.8)
    wide = rng.uniform(30, 55, count)
    halls = Blocks(
        frame.many(np.column_stack([along, np.full(count, taxi + deep + 35)])),
        size,
        wide,
        rng.uniform(10, 22, count),
        np.full(count, frame.heading_deg),
    )
    add_buildings(canvas, halls, "terminal building", brightness=2.5)
    canvas.paint(frame.box((middle - reach, middle + reach), (taxi + deep + 75, taxi + deep + 150)), Cover.PARKING)
    if canvas.spacing > 3.0:
        return
    pitch = float(rng.uniform(46, 75))
    stands = np.arange(middle - reach + pitch, middle + reach - pitch / 2, pitch)
    size_m = float(rng.choice([18.0, 36.0, 40.0, 60.0]))
    for a in rng.permutation(stands)[:aircraft]:
        length = min(size_m * float(rng.uniform(0.9, 1.1)), pitch * 0.95)
        add_aircraft(
            canvas, frame.at(float(a), taxi + deep - 40), length, frame.heading_deg + 90 + float(rng.normal(0, 3))
        )
