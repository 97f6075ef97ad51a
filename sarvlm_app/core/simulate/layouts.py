"""One layout for each kind of scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .airport import add_airport
from .canvas import Canvas
from .ground import Mask, grow_forest, lay_desert, lay_fields, lay_pivots, light_hills, patches
from .harbour import add_harbour
from .shapes import Frame, direction
from .ships import add_platform, add_ship, add_turbines, scatter_ships
from .structures import add_bridge, add_tank_farm, scatter_vehicles
from .surfaces import WATER, Cover
from .town import add_farmsteads, build_city, build_industry, build_residential
from .water import Course, coast_distance, lay_lakes, lay_river, lay_road, lay_sea, ruffle_sea

OPEN_LAND = (Cover.FIELD, Cover.GRASSLAND, Cover.BARE_SOIL, Cover.DESERT)


def _everywhere(canvas: Canvas) -> Mask:
    return np.ones(canvas.shape, bool)


def _number(canvas: Canvas, each_km2: float, most: int) -> int:
    """A count that grows with the area, zero included."""
    area = float(np.prod(canvas.size_m)) / 1e6
    return int(min(canvas.rng.poisson(min(each_km2 * area + 0.8, most)), most))


def lay_country(canvas: Canvas, *, built: float = 0.1, woods: float = 0.2) -> None:
    """Fields, meadows, woods and settlements over the whole scene."""
    rng = canvas.rng
    lay_fields(canvas, _everywhere(canvas))
    meadow = patches(canvas, float(rng.uniform(0, 0.3)), 1500)
    canvas.flood(meadow, Cover.GRASSLAND)
    canvas.gain_db[meadow] = rng.normal(0, 0.7)
    grow_forest(canvas, patches(canvas, woods * float(rng.uniform(0, 2)), 1200))
    if built > 0:
        settle(canvas, patches(canvas, built * float(rng.uniform(0.2, 2)), 1800, slope=3.6))


def settle(canvas: Canvas, area: Mask) -> None:
    """Houses, city blocks or industry on an area."""
    rng = canvas.rng
    heading = float(rng.choice([0.0, rng.uniform(-12, 12), rng.uniform(-45, 45)]))
    build = (build_residential, build_city, build_industry)[int(rng.choice(3, p=[0.6, 0.15, 0.25]))]
    build(canvas, area & ~canvas.taken, heading)


def _coast(canvas: Canvas, share: tuple[float, float], rough: tuple[float, float], beach: float) -> None:
    rng = canvas.rng
    inland = coast_distance(canvas, float(rng.uniform(*share)), float(rng.uniform(0, 360)), float(rng.uniform(*rough)))
    lay_sea(canvas, inland, beach)


def _roads(canvas: Canvas, most: int) -> None:
    rng = canvas.rng
    for _ in range(int(rng.integers(0, most + 1))):
        course = Course.draw(
            canvas, float(rng.uniform(0.0, 0.08)), float(rng.uniform(0, 180)), rng.uniform(0.2, 0.8, 2) * canvas.size_m
        )
        lay_road(canvas, course, float(rng.uniform(7, 32)))


def open_sea(canvas: Canvas) -> None:
    """Sea with ships, sometimes a platform or a wind farm, sometimes nothing."""
    rng = canvas.rng
    canvas.cover[:] = Cover.SEA
    ruffle_sea(canvas)
    if rng.random() < 0.2:
        add_turbines(canvas, int(rng.integers(4, 40)))
    for _ in range(int(rng.choice([0, 0, 0, 1, 2]))):
        add_platform(canvas, rng.uniform(0.1, 0.9, 2) * canvas.size_m)
    if rng.random() < 0.88:
        scatter_ships(canvas, _number(canvas, 0.25, 30))


def coast(canvas: Canvas) -> None:
    """A ragged shore with country behind it."""
    rng = canvas.rng
    lay_country(canvas)
    if rng.random() < 0.4:
        light_hills(canvas, float(rng.uniform(2, 10)), 1500)
    _roads(canvas, 2)
    _coast(canvas, (0.3, 0.75), (0.04, 0.22), float(rng.choice([0.0, 25.0, 60.0])))
    ruffle_sea(canvas)
    scatter_ships(canvas, _number(canvas, 0.15, 20))


def harbour(canvas: Canvas) -> None:
    """A quay with piers and moored ships, town or industry behind, ships in the roads."""
    rng = canvas.rng
    lay_country(canvas, built=0.0)
    settle(canvas, patches(canvas, float(rng.uniform(0.3, 1.0)), 3000, slope=3.6))
    seaward = float(rng.uniform(0, 360))
    share = float(rng.uniform(0.4, 0.7))
    inland = coast_distance(canvas, share, seaward, float(rng.choice([0.0, 0.02, 0.05])))
    lay_sea(canvas, inland, float(rng.choice([0.0, 25.0])))
    ruffle_sea(canvas)
    x, y = canvas.grid()
    ahead = direction(seaward)
    axis = seaward - 90.0
    shore = -(x * np.float32(ahead[0]) + y * np.float32(ahead[1]))
    level = float(np.quantile(np.broadcast_to(shore, canvas.shape)[::4, ::4], share))
    middle = canvas.size_m / 2
    middle = middle + ahead * (-level - float(middle @ ahead))
    length = float(min(canvas.size_m.min() * rng.uniform(0.6, 1.1), 4500))
    start = middle - direction(axis) * length / 2
    add_harbour(canvas, Frame(start + ahead * float(rng.uniform(0, 60)), axis), length)
    scatter_ships(canvas, _number(canvas, 0.3, 25))


def farmland(canvas: Canvas) -> None:
    """Fields with woods, farms, lanes; sometimes circular irrigation."""
    rng = canvas.rng
    lay_country(canvas, built=0.06, woods=0.12)
    if rng.random() < 0.15:
        lay_pivots(canvas, int(rng.integers(3, 20)))
    if rng.random() < 0.3:
        lay_lakes(canvas, float(rng.uniform(0.005, 0.05)), OPEN_LAND)
    _roads(canvas, 3)
    add_farmsteads(canvas, _number(canvas, 0.8, 40))
    scatter_vehicles(canvas, int(rng.integers(0, 3)), OPEN_LAND)


def forest(canvas: Canvas) -> None:
    """Woods with clearings, lakes and tracks."""
    rng = canvas.rng
    canvas.cover[:] = Cover.GRASSLAND
    clear = patches(canvas, float(rng.uniform(0.03, 0.45)), float(rng.uniform(150, 1200)))
    grow_forest(canvas, ~clear)
    if rng.random() < 0.4:
        lay_fields(canvas, clear)
    if rng.random() < 0.5:
        lay_lakes(canvas, float(rng.uniform(0.01, 0.12)), (Cover.GRASSLAND, Cover.FOREST))
    _roads(canvas, 2)
    if rng.random() < 0.5:
        light_hills(canvas, float(rng.uniform(3, 14)), float(rng.uniform(800, 4000)))
    scatter_vehicles(canvas, int(rng.integers(0, 3)), OPEN_LAND)


def desert(canvas: Canvas) -> None:
    """Sand, gravel, rock; a road, a compound, irrigation circles, vehicles or nothing at all."""
    rng = canvas.rng
    lay_desert(canvas, _everywhere(canvas))
    if rng.random() < 0.5:
        light_hills(canvas, float(rng.uniform(2, 14)), float(rng.uniform(800, 4000)))
    if rng.random() < 0.2:
        lay_pivots(canvas, int(rng.integers(2, 16)))
    _roads(canvas, 2)
    add_farmsteads(canvas, int(rng.choice([0, 0, 2, 6])))
    if rng.random() < 0.25:
        add_tank_farm(canvas, Frame(rng.uniform(0.2, 0.8, 2) * canvas.size_m, float(rng.uniform(0, 90))), 2, 3)
    scatter_vehicles(canvas, int(rng.integers(0, 6)), OPEN_LAND)


def city(canvas: Canvas) -> None:
    """Built-up land of several kinds with parks, sometimes a river."""
    rng = canvas.rng
    canvas.cover[:] = Cover.GRASSLAND
    headings = rng.uniform(-45, 45, 2)
    core = patches(canvas, float(rng.uniform(0.1, 0.6)), 2500, slope=3.6)
    works = patches(canvas, float(rng.uniform(0.0, 0.3)), 2000, slope=3.6) & ~core
    parks = patches(canvas, float(rng.uniform(0.02, 0.12)), 600, slope=3.4)
    build_residential(canvas, ~core & ~works & ~parks, float(headings[0]))
    build_city(canvas, core & ~parks, float(headings[int(rng.integers(2))]))
    build_industry(canvas, works & ~parks, float(headings[1]))
    grow_forest(canvas, parks & patches(canvas, 0.4, 200) & ~canvas.taken)
    if rng.random() < 0.3:
        _river_with_bridges(canvas)
    _roads(canvas, 3)


def industrial(canvas: Canvas) -> None:
    """Halls, tank farms, yards among fields or town."""
    rng = canvas.rng
    lay_country(canvas, built=0.15)
    for _ in range(int(rng.integers(1, 4))):
        frame = Frame(rng.uniform(0.1, 0.9, 2) * canvas.size_m, float(rng.uniform(0, 90)))
        add_tank_farm(canvas, frame, int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    build_industry(
        canvas,
        patches(canvas, float(rng.uniform(0.3, 0.9)), 2500, slope=3.6) & ~canvas.taken,
        float(rng.uniform(-45, 45)),
    )
    _roads(canvas, 2)


def airport(canvas: Canvas) -> None:
    """An airport among fields and town."""
    rng = canvas.rng
    lay_country(canvas, built=0.25)
    _roads(canvas, 2)
    spot = canvas.size_m * rng.uniform(0.35, 0.65, 2)
    heading = float(rng.uniform(0, 180))
    if canvas.size_m.min() < 1500:
        # too near for a whole airport: look at the apron
        spot = canvas.size_m / 2 - Frame(np.zeros(2), heading).at(0.0, 230.0)
    add_airport(canvas, Frame(spot, heading), float(rng.uniform(1300, 3400)), int(rng.choice([0, 4, 10, 20])))
    scatter_vehicles(canvas, int(rng.integers(0, 3)), (Cover.GRASSLAND, Cover.PARKING))


def cross_river(canvas: Canvas, course: Course, width: float, places: tuple[float, ...]) -> None:
    """Bridges, with roads that lead to them, at these positions along a river of some width (metres)."""
    for along in places:
        middle, heading = course.point(float(along))
        frame, span, deck = Frame(middle, heading + 90), width * 1.45 + 30, float(canvas.rng.uniform(9, 28))
        for side in (-1.0, 1.0):
            ramp = frame.many(np.array([[side * span * 3, 0.0], [side * span / 2, 0.0]]))
            canvas.stroke(ramp, deck, Cover.ROAD)
        add_bridge(canvas, frame, span, deck)


def _river_with_bridges(canvas: Canvas) -> None:
    rng = canvas.rng
    course = Course.draw(
        canvas, float(rng.uniform(0.02, 0.12)), float(rng.uniform(0, 180)), canvas.size_m * rng.uniform(0.3, 0.7, 2)
    )
    width = float(np.clip(rng.lognormal(np.log(120), 0.6), 2.5 * canvas.spacing, 0.25 * canvas.size_m.min()))
    lay_river(canvas, course, width)
    reach = float(canvas.size_m.min()) / 2
    cross_river(canvas, course, width, tuple(rng.uniform(-reach, reach, int(rng.integers(0, 5)))))
    for along in rng.uniform(-reach, reach, int(rng.integers(0, 5))):
        middle, heading = course.point(float(along))
        length = float(rng.uniform(40, 120))
        if width > 70 and length > 2 * canvas.spacing and (middle > 0).all() and (middle < canvas.size_m).all():
            add_ship(canvas, middle, length, heading, beam=float(rng.uniform(8, 12)))


def river(canvas: Canvas) -> None:
    """A winding river with bridges and barges."""
    lay_country(canvas, built=0.2)
    _river_with_bridges(canvas)
    _roads(canvas, 1)
    add_farmsteads(canvas, _number(canvas, 0.5, 20))


def vehicles(canvas: Canvas) -> None:
    """Grass or bare ground with tree lines, tracks and vehicles."""
    rng = canvas.rng
    if rng.random() < 0.3:
        lay_desert(canvas, _everywhere(canvas))
    elif rng.random() < 0.5:
        lay_fields(canvas, _everywhere(canvas))
    else:
        canvas.cover[:] = rng.choice([Cover.GRASSLAND, Cover.BARE_SOIL])
        grow_forest(canvas, patches(canvas, float(rng.choice([0, 0.1, 0.3])), 0.3 * float(canvas.size_m.min())))
    _roads(canvas, 2)
    add_farmsteads(canvas, int(rng.choice([0, 0, 1])))
    scatter_vehicles(canvas, int(rng.integers(1, 12)), (*OPEN_LAND, Cover.ROAD))


def mixed(canvas: Canvas) -> None:
    """Country with several features at once."""
    rng = canvas.rng
    lay_country(canvas, built=0.3, woods=0.25)
    if rng.random() < 0.3:
        light_hills(canvas, float(rng.uniform(2, 8)), 2500)
    if rng.random() < 0.4:
        lay_lakes(canvas, float(rng.uniform(0.01, 0.08)), OPEN_LAND)
    if rng.random() < 0.5:
        _river_with_bridges(canvas)
    if rng.random() < 0.4:
        _coast(canvas, (0.1, 0.5), (0.02, 0.2), float(rng.choice([0.0, 30.0])))
        ruffle_sea(canvas)
        scatter_ships(canvas, _number(canvas, 0.2, 20))
    if rng.random() < 0.5 and canvas.size_m.min() > 2500:
        site = Frame(canvas.size_m * rng.uniform(0.3, 0.7, 2), float(rng.uniform(0, 180)))
        found = canvas.mask(site.box((-1050, 1050), (-150, 620)))
        if found is not None and not np.isin(canvas.cover[found[:2]][found[2]], WATER).any():
            add_airport(canvas, site, 1800.0, 10)
    for _ in range(int(rng.integers(0, 3))):
        add_tank_farm(canvas, Frame(canvas.size_m * rng.uniform(0.1, 0.9, 2), float(rng.uniform(0, 90))), 2, 4)
    _roads(canvas, 3)
    add_farmsteads(canvas, _number(canvas, 0.4, 20))
    scatter_vehicles(canvas, int(rng.integers(0, 5)), OPEN_LAND)


LAYOUTS: dict[str, Callable[[Canvas], None]] = {
    "harbour": harbour, "open_sea": open_sea, "coast": coast, "farmland": farmland, "forest": forest, "desert": desert,
    "city": city, "industrial": industrial, "airport": airport, "river": river, "vehicles": vehicles, "mixed": mixed,
}  # fmt: skip
