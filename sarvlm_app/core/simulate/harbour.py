"""A harbour along a straight quay: piers, moored ships, yards, cranes, tanks, breakwater."""

from __future__ import annotations

import numpy as np

from .buildings import Blocks, add_buildings
from .canvas import Canvas
from .shapes import Float64, Frame, rectangle
from .ships import add_ship, draw_beam
from .structures import add_containers, add_crane, add_tank_farm
from .surfaces import Cover

#: Shares of finger piers, straight quays, wide piers and empty stretches along a shore.
MIX = (0.4, 0.3, 0.15, 0.15)


def add_harbour(canvas: Canvas, frame: Frame, length: float, mix: tuple[float, float, float, float] = MIX) -> None:
    """A harbour whose quay runs along the frame's axis for `length` metres; the sea is to its right.

    Parameters
    ----------
    frame : Frame
        Origin at the start of the quay line.
    mix : tuple of float
        Shares of finger piers, quays, wide piers and gaps; their sum is 1.
    """
    rng = canvas.rng
    depth = float(rng.uniform(150, 500))
    site = frame.box((0, length), (-depth, 0))
    canvas.clear_outline(site)
    canvas.paint(site, Cover.PORT)
    canvas.taken[:] = False
    position = float(rng.uniform(20, 150))
    while position < length - 60:
        style = rng.choice(["pier", "quay", "wide", "gap"], p=mix)
        if style == "gap":
            position += float(rng.uniform(60, 250))
        elif style == "quay":
            stretch = min(float(rng.uniform(150, 450)), length - position)
            _moor(canvas, frame, (position, position + stretch), 0.0)
            _quay_yard(canvas, frame, (position, position + stretch), depth)
            position += stretch + float(rng.uniform(10, 40))
        else:
            width = float(rng.uniform(12, 40) if style == "pier" else rng.uniform(70, 160))
            _pier(canvas, Frame(frame.at(position + width / 2, 0.0), frame.heading_deg + 90), width)
            position += width + float(rng.uniform(90, 240))
    _yard(canvas, frame, length, depth)
    _hinterland(canvas, frame, length, depth)
    if rng.random() < 0.7:
        _breakwater(canvas, frame, length)


def _pier(canvas: Canvas, axis: Frame, width: float) -> None:
    """A pier along its own axis (out to sea) with ships on both sides."""
    rng = canvas.rng
    reach = float(rng.uniform(150, 550))
    outline = axis.box((-5, reach), (-width / 2, width / 2))
    if not canvas.free(axis.box((60, reach), (-width / 2, width / 2)), on=(Cover.SEA,), inside=False):
        return
    canvas.paint(outline, Cover.PIER)
    canvas.record("pier", outline, (reach, width), axis.heading_deg)
    edge = np.linspace(0, reach, max(6, int(reach / 12)))
    for side in (-0.5, 0.5):
        canvas.scatter(
            axis.many(np.column_stack([edge, np.full(edge.size, side * width)])), rng.exponential(12, edge.size)
        )
        flank = Frame(axis.at(0, side * width), axis.heading_deg)
        _moor_row(canvas, flank, (10.0, reach), float(np.sign(side)))
    if width > 60:
        sheds = int(rng.integers(1, 4))
        along = np.linspace(0.2, 0.8, sheds) * reach
        size = np.full(sheds, min(0.5 * reach / sheds, 120.0))
        box = Blocks(
            axis.many(np.column_stack([along, np.zeros(sheds)])),
            size,
            np.full(sheds, 0.45 * width),
            np.full(sheds, 10.0),
            np.full(sheds, axis.heading_deg),
        )
        add_buildings(canvas, box, "warehouse", brightness=2.0)


def _moor(canvas: Canvas, frame: Frame, along: tuple[float, float], across: float) -> None:
    _moor_row(canvas, Frame(frame.at(0, across), frame.heading_deg), along, 1.0)


def _moor_row(canvas: Canvas, axis: Frame, along: tuple[float, float], side: float) -> None:
    """Ships one behind another on one side (+1 right) of an axis."""
    rng = canvas.rng
    position, longest = along[0], float(rng.choice([25, 60, 130, 220, 330]))
    while True:
        length = float(np.clip(longest * rng.uniform(0.5, 1.0), 10, 366))
        if position + length + 5 > along[1]:
            return
        if rng.random() < 0.6:
            beam = draw_beam(length, rng)
            centre = axis.at(position + length / 2, side * (beam / 2 + 2.0))
            heading = axis.heading_deg + float(rng.choice([0.0, 180.0]))
            berth = axis.box((position + 1, position + length - 1), (side * 3.0, side * (beam + 4.0)))
            if canvas.free(berth, on=(Cover.SEA, Cover.RIVER), inside=False):
                add_ship(canvas, centre, length, heading, beam=beam, speed=None)
        position += length + float(rng.uniform(8, 40))


def _quay_yard(canvas: Canvas, frame: Frame, along: tuple[float, float], depth: float) -> None:
    rng = canvas.rng
    use = rng.choice(["containers", "sheds", "open"], p=[0.45, 0.35, 0.2])
    if use == "containers":
        for a in np.arange(along[0] + 30, along[1] - 20, rng.uniform(50, 120)):
            if rng.random() < 0.8:
                add_crane(canvas, frame.at(float(a), -18.0), frame.heading_deg + 90)
        add_containers(canvas, frame, along, (-min(depth, 260.0), -45.0))
    elif use == "sheds":
        number = max(1, int((along[1] - along[0]) / 110))
        spots = frame.many(
            np.column_stack(
                [along[0] + (np.arange(number) + 0.5) * (along[1] - along[0]) / number, np.full(number, -60.0)]
            )
        )
        size = rng.uniform((60, 25, 8), (95, 45, 14), (number, 3))
        add_buildings(
            canvas,
            Blocks(spots, size[:, 0], size[:, 1], size[:, 2], np.full(number, frame.heading_deg)),
            "warehouse",
            brightness=2.0,
        )


def _yard(canvas: Canvas, frame: Frame, length: float, depth: float) -> None:
    """Roads, sheds and paved lots on what the quays left free of the port."""
    rng = canvas.rng
    for across in np.arange(-depth + 20, -60, rng.uniform(90, 160)):
        line = frame.many(np.array([[10.0, across], [length - 10.0, across]]))
        canvas.stroke(line, float(rng.uniform(8, 14)), Cover.ROAD)
    for _ in range(int(min(90, length * depth / 9000))):
        size = rng.uniform((25, 15, 5), (110, 50, 14))
        spot, turn = (
            frame.at(rng.uniform(40, length - 40), rng.uniform(-depth + 20, -60)),
            frame.heading_deg + rng.choice([0, 90]),
        )
        outline = rectangle(spot, size[0] + 8, size[1] + 8, float(turn))
        if not canvas.free(outline, on=(Cover.PORT,), inside=False):
            continue
        if rng.random() < 0.7:
            one = Blocks(spot[None], size[:1], size[1:2], size[2:], np.array([turn]))
            add_buildings(canvas, one, "warehouse", brightness=1.5)
            canvas.reserve(outline)
        else:
            canvas.paint(outline, Cover.PARKING)


def _hinterland(canvas: Canvas, frame: Frame, length: float, depth: float) -> None:
    rng = canvas.rng
    if rng.random() < 0.65:
        rows, cols = int(rng.integers(2, 6)), int(rng.integers(2, 5))
        spot = frame.at(float(rng.uniform(0.1, 0.9)) * length, -depth - float(rng.uniform(140, 320)))
        add_tank_farm(canvas, Frame(spot, frame.heading_deg), rows, cols)


def add_rubble(canvas: Canvas, line: Float64, width: float) -> None:
    """A breakwater of rocks along a polyline (k, 2)."""
    rng = canvas.rng
    canvas.stroke(line, width, Cover.BREAKWATER)
    steps = np.diff(line, axis=0)
    for start, step in zip(line[:-1], steps, strict=True):
        run = float(np.hypot(*step))
        count = max(2, int(run / 6))
        canvas.scatter(
            start + rng.random((count, 1)) * step + rng.normal(0, width / 4, (count, 2)), rng.exponential(6, count)
        )
    side = np.column_stack([-np.gradient(line[:, 1]), np.gradient(line[:, 0])])
    side /= np.maximum(np.hypot(side[:, :1], side[:, 1:]), 1e-9)
    half = max(width, 1.05 * canvas.spacing) / 2
    outline = np.vstack([line + half * side, (line - half * side)[::-1]])
    canvas.record("breakwater", outline, (float(np.hypot(*steps.T).sum()), width), None)


def _breakwater(canvas: Canvas, frame: Frame, length: float) -> None:
    rng = canvas.rng
    out = float(rng.uniform(620, 900))
    start = float(rng.choice([0.0, 1.0])) * length
    inward = 1.0 if start == 0 else -1.0
    reach = float(rng.uniform(0.4, 0.8)) * length
    t = np.linspace(0, 1, 9)[:, None]
    arm = np.column_stack([start + inward * reach * t[:, 0] ** 2.2, out * (1 - (1 - t[:, 0]) ** 2)])
    add_rubble(canvas, frame.many(arm), float(rng.uniform(14, 28)))
