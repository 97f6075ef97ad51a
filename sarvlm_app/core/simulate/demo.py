"""The scene that a first-time user sees: an invented harbour town on a real map grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .airport import add_airport
from .canvas import Canvas
from .files import write_geotiff, write_truth
from .ground import grow_forest, lay_fields, patches
from .harbour import add_harbour, add_rubble
from .layouts import cross_river
from .noise import gaussian_field
from .scene import compose
from .shapes import Frame
from .ships import add_platform, add_ship, scatter_ships
from .spec import SimulatedScene, SimulationSpec
from .structures import add_tank_farm
from .surfaces import Cover
from .town import add_farmsteads, build_city, build_industry, build_residential
from .water import Course, coast_distance, lay_river, lay_road, lay_sea, ruffle_sea

SPEC = SimulationSpec(2048, 2048, 3.0, "mixed", 3.0, -27.0, "right", 25)
#: Off the coast south of Long Beach, UTM zone 11 N; the place is real, the town is not.
CRS, ORIGIN = "EPSG:32611", (391_000.0, 3_737_000.0)


def demo_scene() -> SimulatedScene:
    """The demo scene, 2048 x 2048 pixels of 3 m; always the same.

    Returns
    -------
    SimulatedScene
        With a harbour, ships under way, a tank farm, an airport with
        aircraft, a river with bridges, fields, woods and a town.
    """
    return compose(SPEC, _layout)


def write_demo(path: Path) -> Path:
    """Write the demo scene to `path` (GeoTIFF) and its truth beside it.

    Returns
    -------
    Path
        Of the truth, `<stem>.truth.geojson`.

    Raises
    ------
    StorageError
        Where one of them cannot be written.
    """
    scene = demo_scene()
    truth = path.with_name(path.stem + ".truth.geojson")
    write_geotiff(scene, path, crs=CRS, origin=ORIGIN)
    write_truth(scene, truth, crs=CRS, origin=ORIGIN)
    return truth


def _layout(canvas: Canvas) -> None:
    """Sea in the south; harbour and town on the shore, airport north-west, woods north-east."""
    rng = canvas.rng
    canvas.incidence, canvas.delay_s = float(np.deg2rad(36)), 25.0
    everywhere = np.ones(canvas.shape, bool)
    lay_fields(canvas, everywhere)
    x, y = canvas.grid()
    grow_forest(
        canvas,
        patches(canvas, 0.10, 900) | (np.hypot(x - 5600, y - 300) < 1000 + 250 * np.sin(x / 300) * np.cos(y / 260)),
    )
    river = Course.draw(canvas, 0.04, 175.0, np.array([2700.0, 2000.0]))
    away, _ = river.distance(canvas)
    ragged = 260 * gaussian_field(canvas.shape, 110, rng)
    town = (np.abs(x - 4300 + 0.2 * (y - 2000) + ragged) < 1150) & (y + ragged > 1600) & (y < 3300) & (away > 160)
    core = town & (np.hypot(x - 4100, (y - 2700) * 1.2) < 520)
    works = (np.hypot(x - 1300, y - 3050) + ragged < 560) & (away > 200)
    build_residential(canvas, town & ~core, -8.0)
    build_city(canvas, core, -8.0)
    build_industry(canvas, works, 12.0)
    add_airport(canvas, Frame(np.array([1350.0, 1150.0]), 62.0), 2100.0, 14)
    for heading, through in ((95.0, (3000.0, 1450.0)), (20.0, (5550.0, 2500.0)), (140.0, (900.0, 2350.0))):
        lay_road(canvas, Course.draw(canvas, 0.03, heading, np.array(through)), 18.0)
    lay_river(canvas, river, 130.0)
    cross_river(canvas, river, 130.0, (-820.0, 560.0, -1500.0))
    inland = coast_distance(canvas, 0.42, 183.0, 0.012)
    lay_sea(canvas, inland, 35.0)
    ruffle_sea(canvas)
    _shore(canvas)
    add_farmsteads(canvas, 25)


def _shore(canvas: Canvas) -> None:
    """Harbour, tank farms and all that swims."""
    line = float(np.flatnonzero((canvas.cover == Cover.SEA).mean(1) > 0.5)[0]) * canvas.spacing
    add_harbour(canvas, Frame(np.array([3000.0, line + 75]), 87.0), 2500.0, (0.5, 0.3, 0.2, 0.0))
    for along, rows, cols in ((1750.0, 4, 5), (4950.0, 3, 3)):
        add_tank_farm(canvas, Frame(np.array([along, line - 420]), 87.0), rows, cols)
    for spot, length, heading, speed in (
        ((1500.0, 4750.0), 290.0, 70.0, 8.0), ((2700.0, 5600.0), 180.0, 250.0, 7.0),
        ((4700.0, 5500.0), 120.0, 15.0, 9.0), ((700.0, 5500.0), 230.0, 30.0, 0.0),
        ((1050.0, 5150.0), 200.0, 34.0, 0.0), ((3500.0, 4900.0), 35.0, 120.0, 10.0),
    ):  # fmt: skip
        add_ship(canvas, np.array(spot), length, heading, speed=speed)
    add_platform(canvas, np.array([3400.0, 5850.0]))
    bow = np.linspace(-1, 1, 9)
    add_rubble(canvas, np.column_stack([3950 + 800 * bow, line + 960 - 130 * bow**2]), 22.0)
    scatter_ships(canvas, 8, longest=120.0)
