"""Open country: fields, woods, grass, desert, and hills under them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .canvas import Canvas, Float32
from .noise import fractal_field, gaussian_field
from .surfaces import Cover

Mask = NDArray[np.bool_]


def _strips(reach: float, mean: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Increasing boundaries from -reach to reach with log-normal gaps."""
    count = int(2.6 * reach / mean) + 4
    gaps = np.maximum(mean * rng.lognormal(-0.1, 0.45, count), 0.25 * mean)
    return -reach + np.concatenate([[0.0], np.cumsum(gaps)])


def lay_fields(canvas: Canvas, area: Mask) -> None:
    """A patchwork of fields with rows, lanes, hedges and the odd meadow on `area` (bool (h, w))."""
    rng = canvas.rng
    if not area.any():
        return
    x, y = canvas.grid()
    angle, reach = rng.uniform(0, np.pi), float(np.hypot(*canvas.size_m))
    warp = np.float32(rng.choice([0.0, 1.0]) * rng.uniform(5, 40))
    bend = warp * gaussian_field(canvas.shape, 500 / canvas.spacing, rng) if warp else np.float32(0)
    u = (x * np.cos(angle) + y * np.sin(angle) + bend).astype(np.float32)
    v = (y * np.cos(angle) - x * np.sin(angle) + bend).astype(np.float32)
    pitch = float(np.exp(rng.uniform(np.log(60), np.log(420))))
    u_edges, v_edges = _strips(reach, pitch, rng), _strips(reach, pitch * rng.uniform(0.8, 3.5), rng)
    iu = np.searchsorted(u_edges, u).astype(np.int32)
    shifted = v + rng.uniform(-0.4, 0.4, u_edges.size + 1).astype(np.float32)[iu] * np.float32(pitch)
    iv = np.searchsorted(v_edges, shifted).astype(np.int32)
    cells = (u_edges.size + 1, v_edges.size + 1)
    _sow(canvas, area, (iu, iv), (u, v), cells)
    _edges(canvas, area, (u, shifted), (iu, iv), (u_edges, v_edges))


def _sow(
    canvas: Canvas,
    area: Mask,
    cell: tuple[NDArray[np.int32], NDArray[np.int32]],
    axes: tuple[Float32, Float32],
    cells: tuple[int, int],
) -> None:
    """Class, level and rows of each field."""
    rng, (iu, iv) = canvas.rng, cell
    mix = rng.dirichlet([8.0, 1.2, 1.2, 0.5])
    kinds = np.array([Cover.FIELD, Cover.GRASSLAND, Cover.BARE_SOIL, Cover.FOREST], np.uint8)
    kind = kinds[rng.choice(4, cells, p=mix)]
    level = (rng.normal(0, rng.uniform(1.0, 3.2), cells)).astype(np.float32)
    level[kind == Cover.FOREST] *= 0.2
    canvas.cover[area] = kind[iu, iv][area]
    canvas.gain_db[area] = level[iu, iv][area]
    canvas.height[area] = np.where(canvas.cover == Cover.FOREST, 12.0, 0.0)[area]
    period = float(rng.choice([1.2, 3.0, 8.0, 18.0, 24.0]))
    if period > 2.5 * canvas.spacing:
        strength = (rng.exponential(0.8, cells) * (rng.random(cells) < 0.6)).astype(np.float32)[iu, iv]
        axis = np.where((rng.random(cells) < 0.5)[iu, iv], *axes)
        rows = strength * np.sin(2 * np.pi / period * axis).astype(np.float32)
        crop = area & (canvas.cover == Cover.FIELD)
        canvas.gain_db[crop] += rows[crop]


def _edges(
    canvas: Canvas,
    area: Mask,
    axes: tuple[Float32, Float32],
    cell: tuple[NDArray[np.int32], NDArray[np.int32]],
    edges: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Lanes along some field borders, hedges along others."""
    rng = canvas.rng
    for axis, index, bounds in zip(axes, cell, edges, strict=True):
        wall = bounds.astype(np.float32)[np.clip(index, 1, bounds.size - 1) - 1]
        away = axis - wall
        kind = rng.choice(3, bounds.size + 1, p=[0.6, 0.2, 0.2])[index]
        lane = area & (kind == 1) & (away < max(5.0, 0.9 * canvas.spacing)) & (canvas.cover != Cover.FOREST)
        canvas.cover[lane] = Cover.ROAD
        canvas.gain_db[lane] = 0
        if canvas.spacing <= 4:
            hedge = area & (kind == 2) & (away < 7.0)
            canvas.cover[hedge] = Cover.FOREST
            canvas.gain_db[hedge] = 0
            canvas.height[hedge] = 6.0


def lay_pivots(canvas: Canvas, count: int) -> None:
    """Circular irrigated fields in rows and columns."""
    rng, x, y = canvas.rng, *canvas.grid()
    radius, start = rng.uniform(200, 420), rng.uniform(0, 0.6, 2) * canvas.size_m
    side = int(np.ceil(np.sqrt(count)))
    for i in range(count):
        cx, cy = start + np.array([i % side, i // side]) * radius * 2.05
        disc = ((x - cx) ** 2 + (y - cy) ** 2 < radius**2) & ~canvas.taken
        sector = np.arctan2(y - cy, x - cx) < rng.uniform(-3.1, 9)
        canvas.cover[disc] = Cover.FIELD
        canvas.gain_db[disc] = rng.normal(0, 2)
        canvas.gain_db[disc & ~sector] -= 3
        canvas.taken |= disc


def grow_forest(canvas: Canvas, area: Mask) -> None:
    """Woods on `area`: crowns with their own height, so that edges lay over and cast shadows."""
    if not area.any():
        return
    rng = canvas.rng
    canvas.cover[area] = Cover.FOREST
    tall = rng.uniform(10, 26)
    crowns = gaussian_field(canvas.shape, 4.0 / canvas.spacing, rng) * np.float32(rng.uniform(0.1, 0.22) * tall)
    stand = gaussian_field(canvas.shape, 150 / canvas.spacing, rng)
    canvas.height[area] = np.maximum(3.0, tall + crowns + 0.1 * tall * stand)[area]
    canvas.gain_db[area] = (0.5 * stand)[area]


def patches(canvas: Canvas, share: float, longest_m: float, *, slope: float = 3.4) -> Mask:
    """Irregular patches over about `share` of the scene, bool (h, w); rims are smooth below some ten metres."""
    if share <= 0:
        return np.zeros(canvas.shape, bool)
    finest = canvas.rng.uniform(0.03, 0.12) * longest_m / canvas.spacing
    field = fractal_field(canvas.shape, longest_m / canvas.spacing, canvas.rng, slope=slope, finest_px=finest)
    return np.asarray(field > np.quantile(field[::4, ::4], 1 - min(share, 1.0)))


def light_hills(canvas: Canvas, relief: float, longest_m: float) -> None:
    """Brighten slopes that face the sensor and darken the others.

    Parameters
    ----------
    relief : float
        Standard deviation of the slope in degrees.
    """
    hills = fractal_field(canvas.shape, longest_m / canvas.spacing, canvas.rng, slope=3.4)
    slope = np.asarray(ndimage.sobel(hills, axis=1), np.float32)
    slope *= np.float32(relief / max(float(slope.std()), 1e-6))
    local = np.clip(np.degrees(canvas.incidence) - slope, 4.0, 86.0)
    gain = 10 * np.log10(
        np.sin(canvas.incidence) / np.sin(np.deg2rad(local)) * np.cos(np.deg2rad(local)) / np.cos(canvas.incidence)
        + 0.02
    )
    land = ~np.isin(canvas.cover, (Cover.SEA, Cover.LAKE, Cover.RIVER))
    canvas.gain_db[land] += gain[land].astype(np.float32)


def lay_desert(canvas: Canvas, area: Mask) -> None:
    """Sand and gravel with dunes or dry channels, rocks in places."""
    rng = canvas.rng
    canvas.cover[area] = Cover.DESERT if rng.random() < 0.7 else Cover.BARE_SOIL
    style = rng.choice(["dunes", "channels", "plain"])
    if style == "dunes":
        period = max(rng.uniform(50, 350), 5 * canvas.spacing)
        ridge = gaussian_field(canvas.shape, period / canvas.spacing / 4, rng, stretch=5.0, angle=rng.uniform(0, np.pi))
        canvas.gain_db[area] += (rng.uniform(0.8, 2.8) * ridge)[area]
    elif style == "channels":
        field = fractal_field(canvas.shape, 0.4 * max(canvas.shape), rng, slope=2.8)
        bed = np.abs(field) < rng.uniform(0.02, 0.06)
        canvas.gain_db[area & bed] += rng.uniform(2, 5)
    rocks = area & patches(canvas, float(rng.choice([0, 0.1, 0.3])), 900, slope=3.0)
    canvas.cover[rocks] = Cover.ROCK
