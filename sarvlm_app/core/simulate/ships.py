"""Ships with their wakes, and what else stands in the sea."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .shapes import Float64, disc, place, rectangle, with_layover
from .surfaces import Cover


def ship_outline(centre: Float64, length: float, beam: float, heading: float) -> Float64:
    """Hull with a pointed bow, (9, 2) metres."""
    half, side = length / 2, beam / 2
    local = np.array([
        [half, 0], [half * 0.86, side * 0.6], [half * 0.66, side], [-half * 0.92, side], [-half, side * 0.75],
        [-half, -side * 0.75], [-half * 0.92, -side], [half * 0.66, -side], [half * 0.86, -side * 0.6],
    ])  # fmt: skip
    return place(local, centre, heading)


def draw_beam(length: float, rng: np.random.Generator) -> float:
    """A plausible beam for a length, metres."""
    return float(np.clip(length / rng.uniform(5.2, 7.5), 2.2, 60.0))


def _hull_scatterers(length: float, beam: float, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Local positions (n, 2) and cross sections (n,) of a ship's superstructure, cargo and rails."""
    half, side = length / 2, beam / 2
    kind = rng.choice(["tanker", "container", "bulk", "plain"])
    count = int(np.clip(length / 4, 6, 90))
    rail = np.column_stack([rng.uniform(-0.95, 0.8, count) * half, rng.choice([-1, 1], count) * side * 0.85])
    house_at = -0.72 if rng.random() < 0.8 else rng.uniform(-0.3, 0.6)
    house = np.column_stack([rng.normal(house_at, 0.05, count // 2) * half, rng.uniform(-0.8, 0.8, count // 2) * side])
    bow = np.column_stack([rng.normal(0.82, 0.05, 4) * half, rng.uniform(-0.3, 0.3, 4) * side])
    parts, levels = (
        [rail, house, bow],
        [rng.exponential(30, count), rng.exponential(500, count // 2), rng.exponential(120, 4)],
    )
    if kind == "container":
        bays = np.repeat(np.arange(-0.5, 0.7, max(0.05, 14 / half)), 5) * half
        parts.append(np.column_stack([bays, np.tile(np.linspace(-0.75, 0.75, 5), bays.size // 5) * side]))
        levels.append(rng.exponential(140, bays.size))
    elif kind == "tanker":
        axis = np.linspace(-0.5, 0.75, max(6, int(length / 6))) * half
        parts.append(np.column_stack([axis, rng.normal(0, 0.04, axis.size) * side]))
        levels.append(rng.exponential(90, axis.size))
    elif kind == "bulk":
        hatch = np.repeat(np.linspace(-0.45, 0.7, int(np.clip(length / 30, 3, 9))), 2) * half
        parts.append(
            np.column_stack([hatch + rng.normal(0, 1.0, hatch.size), rng.uniform(-0.6, 0.6, hatch.size) * side])
        )
        levels.append(rng.exponential(300, hatch.size))
    scale = np.clip(length / 150, 0.08, 1.4) * rng.lognormal(0.0, 0.5)
    return np.vstack(parts), np.concatenate(levels) * scale


def add_ship(
    canvas: Canvas,
    centre: Float64,
    length: float,
    heading: float,
    *,
    beam: float | None = None,
    speed: float | None = 0.0,
) -> Float64:
    """Draw a ship and its wake, record it, and return its outline in metres.

    Parameters
    ----------
    centre : float64 (2,)
        Where the picture shows it, metres; a moving ship's wake lies off to one side along azimuth.
    length : float
        Metres.
    heading : float
        Degrees clockwise from the top of the picture.
    speed : float or None
        Metres a second; a wake is drawn above 1. None is a ship moored.
    """
    rng = canvas.rng
    beam = draw_beam(length, rng) if beam is None else beam
    outline = ship_outline(centre, length, beam, heading)
    if speed is not None and speed > 1.0:
        # a target moving in range is displaced in azimuth; its wake is not
        radial = speed * np.sin(np.deg2rad(heading)) * np.sin(canvas.incidence)
        add_wake(canvas, centre - (0.0, canvas.delay_s * radial), (length, beam), heading, speed)
    found = canvas.mask(outline)
    if found is not None:
        rows, cols, inside = found
        canvas.extra[rows, cols][inside] += 10 ** (rng.uniform(-9, -2) / 10)
        canvas.height[rows, cols][inside] = 0.0
    local, rcs = _hull_scatterers(length, beam, rng)
    lit = place(np.array([[0.0, 1.0]]), np.zeros(2), heading)[0, 0] < 0
    toward = np.where((local[:, 1] > 0) == lit, 1.6, 0.6)
    canvas.scatter(place(local, centre, heading), rcs * toward)
    canvas.reserve(rectangle(centre, length * 1.15, beam * 1.6 + 10, heading))
    canvas.record("moored ship" if speed is None else "ship", outline, (length, beam), heading)
    return outline


def add_wake(canvas: Canvas, stern: Float64, size: tuple[float, float], heading: float, speed: float) -> None:
    """Dark turbulent wake and bright Kelvin arms behind a moving ship."""
    length, beam = size
    rng = canvas.rng
    reach = length * rng.uniform(4, 15) * min(1.5, speed / 6)
    box = place(
        np.array([[-reach, -0.4 * reach], [-reach, 0.4 * reach], [length, 0.4 * reach], [length, -0.4 * reach]]),
        stern,
        heading,
    )
    found = canvas.mask(box)
    if found is None:
        return
    rows, cols, inside = found
    x, y = canvas.grid()
    dx, dy = x[:, cols] - np.float32(stern[0]), y[rows] - np.float32(stern[1])
    angle = np.deg2rad(heading)
    behind = -(dx * np.sin(angle) - dy * np.cos(angle)) - length * 0.3
    across = np.abs(dx * np.cos(angle) + dy * np.sin(angle))
    fade = np.where(behind > 0, np.exp(-np.maximum(behind, 0) / (0.45 * reach)), 0)
    width = np.maximum(beam * 0.6 + 0.012 * behind, 0.6 * canvas.spacing)
    gain = -rng.uniform(2, 7) * np.exp(-0.5 * (across / width) ** 2)
    opening = np.tan(np.deg2rad(rng.choice([19.5, 19.5, 8.0, 4.0])))
    arm = np.maximum(beam * 0.3 + 0.006 * behind, 0.6 * canvas.spacing)
    gain += rng.uniform(1.5, 5.0) * np.exp(-0.5 * ((across - opening * behind) / arm) ** 2)
    water = inside & (canvas.cover[rows, cols] == Cover.SEA)
    canvas.gain_db[rows, cols] += np.where(water, gain * fade, 0).astype(np.float32)


def scatter_ships(canvas: Canvas, count: int, *, longest: float = 330.0) -> None:
    """Ships under way or at anchor on free sea."""
    rng = canvas.rng
    flow = rng.uniform(0, 360)
    for _ in range(count):
        length = float(np.clip(rng.lognormal(np.log(110), 0.75), 12, longest))
        if length < 2.0 * canvas.spacing or length > 0.7 * canvas.size_m.min():
            length = float(rng.uniform(3, 12) * canvas.spacing)
        centre, heading = rng.uniform(0, 1, 2) * canvas.size_m, float(flow + rng.choice([0, 180]) + rng.normal(0, 35))
        room = rectangle(centre, length * 1.4 + 40, length * 0.5 + 40, heading)
        if canvas.free(room, on=(Cover.SEA, Cover.LAKE)):
            add_ship(canvas, centre, length, heading, speed=float(rng.choice([0.0, 0.5, 1.0]) * rng.uniform(3, 11)))


def add_platform(canvas: Canvas, centre: Float64) -> None:
    """An oil platform: a very bright block with flare boom and layover."""
    rng, side = canvas.rng, canvas.rng.uniform(45, 95)
    heading = float(rng.uniform(0, 90))
    tower = canvas.layover_m(rng.uniform(25, 60))
    outline = rectangle(centre, side, side * rng.uniform(0.6, 1.0), heading)
    local = rng.uniform(-0.5, 0.5, (70, 2)) * side * 0.9
    canvas.scatter(
        place(local, centre, heading) - rng.uniform(0, 1, (70, 1)) * (tower * 0.4, 0), rng.exponential(700, 70)
    )
    canvas.reserve(disc(centre, side * 2))
    canvas.record("oil platform", with_layover(outline, tower * 0.4), (side, side), None)


def add_turbines(canvas: Canvas, count: int) -> None:
    """A wind farm on a regular grid: mast foot, mast laid over towards the sensor, nacelle."""
    rng = canvas.rng
    pitch, heading, origin = rng.uniform(500, 900), rng.uniform(0, 90), rng.uniform(0.1, 0.6, 2) * canvas.size_m
    side = int(np.ceil(np.sqrt(count)))
    for index in range(count):
        base = place(np.array([[index // side * pitch, index % side * pitch * 0.8]]), origin, heading)[0]
        tall = rng.uniform(80, 130)
        lay = canvas.layover_m(tall)
        outline = np.array([base + (4, -5), base + (4, 5), base + (-lay - 4, 5), base + (-lay - 4, -5)])
        if not canvas.free(outline):
            continue
        mast = np.linspace(0, 1, 12)[:, None]
        canvas.scatter(base - mast * (lay, 0), np.r_[2500.0, rng.exponential(60, 10), 400.0])
        canvas.reserve(outline)
        canvas.record("wind turbine", outline, (float(tall), 8.0), None)
