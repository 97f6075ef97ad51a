"""Tanks, containers, cranes, bridges, vehicles and aircraft."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .shapes import Float64, Frame, convex_hull, disc, place, rectangle, with_layover
from .surfaces import Cover


def add_tank(canvas: Canvas, centre: Float64, radius: float, tall: float) -> None:
    """A storage tank: bright near arc, rim ring laid over towards the sensor, foot of the near wall."""
    rng, lay = canvas.rng, canvas.layover_m(tall)
    outline = disc(centre, radius)
    canvas.raise_to(outline, tall, 10 ** (rng.uniform(-17, -11) / 10))
    count = int(np.clip(2 * np.pi * radius / max(canvas.spacing, 1.5), 12, 140))
    angle = rng.uniform(0, 2 * np.pi, count)
    ring = centre + radius * np.column_stack([np.cos(angle), np.sin(angle)])
    facing = np.abs(np.cos(angle))
    power = 0.6 * tall * 2 * np.pi * radius / count * rng.lognormal(-0.3, 0.7, count)
    canvas.scatter(ring - (lay, 0), power * (0.15 + facing**6))
    near = np.cos(angle) < -0.1
    canvas.scatter(ring[near], 5 * power[near] * (0.05 + facing[near] ** 10))
    canvas.scatter(
        centre + np.array([[-radius, 0.0], [-radius - lay, 0.0], [radius - lay, 0.0]]),
        tall * radius * rng.exponential(8, 3),
    )
    canvas.record("storage tank", with_layover(outline, lay), (2 * radius, 2 * radius), None)


def add_tank_farm(canvas: Canvas, frame: Frame, rows: int, cols: int) -> None:
    """Tanks on a grid inside bunds, on ground of their own."""
    rng, radius = canvas.rng, canvas.rng.uniform(9, 38)
    pitch = 2 * radius * rng.uniform(1.3, 1.8)
    site = frame.box((-rows * pitch / 2, rows * pitch / 2), (-cols * pitch / 2, cols * pitch / 2))
    if not canvas.free(site, on=tuple(c for c in Cover if c not in (Cover.SEA, Cover.LAKE, Cover.RIVER)), inside=False):
        return
    canvas.clear_outline(site)
    canvas.paint(site, Cover.TANK_FARM)
    tall = rng.uniform(9, 20)
    for i in range(rows):
        for j in range(cols):
            if rng.random() < 0.9:
                spot = frame.at((i + 0.5 - rows / 2) * pitch, (j + 0.5 - cols / 2) * pitch)
                add_tank(canvas, spot, radius * rng.uniform(0.8, 1.0), tall)


def add_containers(canvas: Canvas, frame: Frame, along: tuple[float, float], across: tuple[float, float]) -> None:
    """Rows of stacked containers over a yard given in local metres."""
    rng = canvas.rng
    length, depth = rng.uniform(80, 200), rng.uniform(14, 26)
    for a in np.arange(along[0] + 10, along[1] - length - 5, length + 18):
        for c in np.arange(across[0] + 8, across[1] - depth - 4, depth + rng.uniform(9, 18)):
            if rng.random() < 0.12:
                continue
            box = frame.box((a, a + length * rng.uniform(0.7, 1.0)), (c, c + depth))
            if ((box.mean(0) < 0) | (box.mean(0) > canvas.size_m)).any():
                continue
            tall = float(rng.choice([5.2, 7.8, 10.4, 13.0]))
            canvas.raise_to(box, tall, 10 ** (rng.uniform(-11, -5) / 10))
            count = int(np.clip(length * depth / max(30, canvas.spacing**2), 12, 120))
            mix = rng.random((count, 2))
            spots = box[0] + mix[:, :1] * (box[1] - box[0]) + mix[:, 1:] * (box[3] - box[0])
            canvas.scatter(
                spots - (canvas.layover_m(tall), 0) * rng.random((count, 1)),
                rng.exponential(0.05 * length * depth, count),
            )
            canvas.record(
                "container stack", with_layover(box, canvas.layover_m(tall)), (length, depth), frame.heading_deg
            )


def add_crane(canvas: Canvas, foot: Float64, heading: float) -> None:
    """A quay crane whose boom points along the heading."""
    rng, tall = canvas.rng, canvas.rng.uniform(35, 60)
    lay = canvas.layover_m(tall)
    boom = place(np.column_stack([np.linspace(-25, 50, 30), rng.normal(0, 1.5, 30)]), foot, heading) - (lay * 0.8, 0)
    legs = foot + rng.uniform(-10, 10, (24, 2)) - rng.random((24, 1)) * (lay, 0)
    canvas.scatter(boom, rng.exponential(120, 30))
    canvas.scatter(legs, rng.exponential(250, 24))
    canvas.record("crane", convex_hull(np.vstack([boom, rectangle(foot, 20, 24, heading)])), (75.0, 24.0), heading)


def add_bridge(canvas: Canvas, frame: Frame, length: float, width: float) -> None:
    """A bridge along the frame's axis, its deck imaged nearer to the sensor, with the echoes of its side below."""
    rng, tall = canvas.rng, float(canvas.rng.uniform(4, 18))
    width = max(width, 1.1 * canvas.spacing)
    deck = frame.box((-length / 2, length / 2), (-width / 2, width / 2)) - (canvas.layover_m(tall) * 0.7, 0)
    canvas.paint(deck, Cover.BRIDGE)
    count = int(np.clip(length / max(canvas.spacing * 0.7, 2), 8, 600))
    squint = 0.1 + abs(np.cos(np.deg2rad(frame.heading_deg))) ** 6
    for rise, power in ((0.7, 1.0), (0.0, 0.8), (-0.7, 0.25)):
        spots = frame.many(np.column_stack([rng.uniform(-0.5, 0.5, count) * length, np.full(count, 0.0)]))
        edge = width / 2 / max(0.3, abs(np.cos(np.deg2rad(frame.heading_deg))))
        canvas.scatter(
            spots - (canvas.layover_m(tall) * rise + edge, 0),
            rng.exponential(40 * length / count * squint * power, count),
        )
    canvas.record("bridge", deck, (length, width), frame.heading_deg)


def add_vehicle(canvas: Canvas, centre: Float64, size: tuple[float, float, float], heading: float) -> None:
    """A vehicle of length, width and height in metres with its shadow."""
    rng, (length, width, tall) = canvas.rng, size
    outline = rectangle(centre, length, width, heading)
    canvas.raise_to(outline, tall, 10 ** (rng.uniform(-14, -5) / 10))
    count = int(rng.integers(8, 26))
    local = rng.uniform(-0.5, 0.5, (count, 2)) * (length, width)
    spots = place(local, centre, heading)
    lit = np.exp(-((spots[:, 0] - spots[:, 0].min()) / width))
    canvas.scatter(
        spots - (canvas.layover_m(tall), 0) * rng.random((count, 1)),
        rng.exponential(1.2 * length / 6, count) * (0.2 + 1.5 * lit),
    )
    canvas.record("vehicle", outline, (length, width), heading)


VEHICLE_SIZES = ((4.4, 1.8, 1.5), (6.8, 3.2, 2.4), (9.5, 3.5, 2.5), (8.0, 2.5, 3.2), (14.0, 2.6, 3.8))


def scatter_vehicles(canvas: Canvas, groups: int, on: tuple[Cover, ...]) -> None:
    """Columns, ranks and single vehicles on free ground; only where pixels are fine enough."""
    rng = canvas.rng
    if canvas.spacing > 1.0:
        return
    for _ in range(groups):
        frame = Frame(rng.uniform(0.05, 0.95, 2) * canvas.size_m, float(rng.uniform(0, 360)))
        size = VEHICLE_SIZES[rng.integers(len(VEHICLE_SIZES))]
        style = rng.choice(["column", "ranks", "loose"])
        number = int(rng.integers(1, 12))
        gap = size[0] + rng.uniform(4, 22)
        for i in range(number):
            local = {
                "column": (i * gap, rng.normal(0, 0.4)),
                "ranks": (i // 4 * (size[0] + 5), i % 4 * (size[1] + 4)),
                "loose": (rng.normal(0, 25), rng.normal(0, 25)),
            }[str(style)]
            spot, turn = (
                frame.at(*local),
                frame.heading_deg + (rng.uniform(0, 360) if style == "loose" else rng.normal(0, 3)),
            )
            if canvas.free(rectangle(spot, size[0] + 2, size[1] + 2, turn), on=on):
                add_vehicle(canvas, spot, size, float(turn))


def add_aircraft(canvas: Canvas, centre: Float64, length: float, heading: float) -> None:
    """A parked aircraft: a cross of scatterers along fuselage and swept wings, engines and tail."""
    rng, span = canvas.rng, length * canvas.rng.uniform(0.85, 1.05)
    half, wing = length / 2, span / 2
    body = np.column_stack([rng.uniform(-0.95, 0.95, 26) * half, rng.normal(0, 0.03, 26) * length])
    reach = rng.uniform(-1, 1, 26)
    wings = np.column_stack([0.12 * length - np.abs(reach) * 0.32 * length, reach * wing])
    engines = np.array([[0.08, 0.33], [0.08, -0.33]]) * (length, span)
    tail = np.column_stack([np.full(8, -0.9) * half, rng.uniform(-0.18, 0.18, 8) * span])
    local, scale = np.vstack([body, wings, engines, tail]), (length / 40) ** 1.5
    power = np.concatenate(
        [rng.exponential(12, 26), rng.exponential(6, 26), rng.exponential(90, 2), rng.exponential(30, 8)]
    )
    canvas.scatter(place(local, centre, heading), power * scale * rng.lognormal(0, 0.4))
    starboard = np.array([
        [0.5, 0.0], [0.18, 0.06], [-0.2, 0.5], [-0.27, 0.5], [-0.08, 0.06], [-0.4, 0.05], [-0.5, 0.18],
    ])  # fmt: skip
    cross = np.vstack([starboard, starboard[:0:-1] * (1.0, -1.0)]) * (length, span)
    outline = place(cross, centre, heading)
    found = canvas.mask(outline)
    if found is not None:
        rows, cols, inside = found
        canvas.extra[rows, cols][inside] += 10 ** (rng.uniform(-13, -7) / 10)
        canvas.height[rows, cols][inside] = 0.08 * length
    canvas.reserve(outline)
    canvas.record("aircraft", outline, (length, span), heading)
