"""The demo scene twice, with what happened in between, and files of its ground, for the guide's pictures.

All of it is invented: the ground is that of the simulated demo scene, the second time with speckle of its own, another
pixel size and grid; coastline, places and ships are made of the simulation's truth.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from sarvlm_app.core.simulate.spec import SimulatedScene
    from sarvlm_app.ui.workplace import Workplace

TIMES = (datetime(2024, 5, 1, 14, 2, tzinfo=UTC), datetime(2024, 5, 13, 14, 2, tzinfo=UTC))
LATER_PX, LATER_SHIFT = 4.0, (36.0, 60.0)
"""Pixel size of the second scene in metres, and how far right and down its corner lies."""
_SHORE, _ROADS, _TALL = (300, 850, 1200, 1000), (350, 1150, 900, 700), (310, 940, 560, 780)
"""Column, row, width and height of the parts that are looked at."""
_NAMES = ("Aurora", "Borealis", "Cormorant", "Dunlin", "Eider", "Fulmar", "Gannet")
_UNDER_WAY = {1: 6.0, 5: 4.0}
"""Which of them move, and their knots."""


def write_pair(folder: Path) -> tuple[Path, Path, SimulatedScene]:
    """Two scenes of the demo's ground, twelve days apart; the first is the demo's with new speckle."""
    from sarvlm_app.core.simulate.demo import demo_scene

    scene = demo_scene()
    rng = np.random.default_rng(5)
    from scipy.ndimage import map_coordinates, uniform_filter

    ground = np.asarray(uniform_filter(scene.intensity, 3), np.float64)
    looks = 4.0
    first = ground * rng.gamma(looks, 1 / looks, ground.shape)
    changed = _changed(ground)
    size = int((scene.spec.width * scene.spec.spacing_m - max(LATER_SHIFT)) / LATER_PX)
    index = np.arange(size) + 0.5
    cols, rows = ((LATER_PX * index + shift) / scene.spec.spacing_m - 0.5 for shift in LATER_SHIFT)
    later = map_coordinates(changed, np.meshgrid(rows, cols, indexing="ij"), order=1)
    later = later * rng.gamma(looks, 1 / looks, later.shape)
    paths = tuple(folder / f"harbour_{time:%Y%m%d}_simulated.tif" for time in TIMES)
    _write(paths[0], first, scene.spec.spacing_m, (0.0, 0.0), TIMES[0])
    _write(paths[1], later, LATER_PX, LATER_SHIFT, TIMES[1])
    return paths[0], paths[1], scene


def _changed(ground: np.ndarray) -> np.ndarray:
    """Twelve days later: ships have left and come, a storage yard is full."""
    out = ground.copy()
    here = np.s_[1530:1640, 450:570]
    ship = ground[here].copy()
    water = np.median(ship)
    out[here] = np.where(ship > 3 * water, water, ship)  # a ship at anchor has gone
    for row, col in ((1640, 1240), (1720, 1420)):  # it and another one lie elsewhere
        there = np.s_[row : row + ship.shape[0], col : col + ship.shape[1]]
        out[there] = np.where(ship > 10 * water, ship, ground[there])
    out[930:1000, 340:450] *= 6.0
    return out


def _write(path: Path, intensity: np.ndarray, px: float, shift: tuple[float, float], time: datetime) -> None:
    import rasterio
    from affine import Affine

    from sarvlm_app.core.simulate.demo import CRS, ORIGIN

    amplitude = np.clip(np.sqrt(intensity) * 1000.0, 1, 65535).astype(np.uint16)
    transform = Affine(px, 0, ORIGIN[0] + shift[0], 0, -px, ORIGIN[1] - shift[1])
    tags = {
        "SARVLM_SIMULATED": "yes", "PRODUCT": "simulated", "VALUE_TYPE": "amplitude", "CALIBRATION": "sigma0",
        "POLARISATION": "VV", "ACQUIRED": time.isoformat(),
    }  # fmt: skip
    height, width = amplitude.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=1, dtype="uint16", crs=CRS, transform=transform,
        tiled=True, compress="deflate", nodata=0,
    ) as out:  # fmt: skip
        out.update_tags(**tags)
        out.set_band_description(1, "VV")
        out.scales = (1e-3,)
        out.write(amplitude, 1)


def write_context(folder: Path, scene: SimulatedScene) -> list[Path]:
    """A coastline as GeoPackage, places as GeoJSON, ships as AIS table: from the truth of the demo scene."""
    return [_coast(folder / "coastline.gpkg", scene), _places(folder / "places.geojson"), _ais(folder, scene)]


def _metres(cols: np.ndarray, rows: np.ndarray, px: float) -> np.ndarray:
    from sarvlm_app.core.simulate.demo import ORIGIN

    return np.stack([ORIGIN[0] + px * np.asarray(cols), ORIGIN[1] - px * np.asarray(rows)], axis=-1)


def _coast(path: Path, scene: SimulatedScene) -> Path:
    import pyogrio
    import rasterio.features
    import shapely
    from scipy.ndimage import binary_opening

    from sarvlm_app.core.simulate.demo import CRS
    from sarvlm_app.core.simulate.surfaces import Cover

    sea = binary_opening(scene.landcover == Cover.SEA, iterations=3)
    found = rasterio.features.shapes(sea.astype(np.uint8), mask=sea)
    areas = [shapely.geometry.shape(shape) for shape, _value in found]
    areas = [area.simplify(1.5) for area in areas if area.area > 2000]
    placed = shapely.transform(np.array(areas, dtype=object), lambda xy: _metres(xy[:, 0], xy[:, 1], 3.0))
    outline = shapely.intersection(shapely.boundary(placed), shapely.box(*_inner(scene)))
    pyogrio.raw.write(path, shapely.to_wkb(outline), [], [], crs=CRS, geometry_type="Unknown", driver="GPKG")
    return path


def _inner(scene: SimulatedScene) -> tuple[float, float, float, float]:
    """The scene without its rim, so that the rim is no coast."""
    low, high = _metres(np.array([3, scene.spec.width - 3]), np.array([scene.spec.height - 3, 3]), 3.0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _lonlat(cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from pyproj import Transformer

    from sarvlm_app.core.simulate.demo import CRS

    xy = _metres(cols, rows, 3.0)
    lon, lat = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(xy[..., 0], xy[..., 1])
    return np.asarray(lon), np.asarray(lat)


def _places(path: Path) -> Path:
    features = []
    for name, col, row in (("Anchorage", 560, 1660), ("West basin", 760, 1290), ("Storage yard", 395, 965)):
        lon, lat = _lonlat(np.array(col), np.array(row))
        point = {"type": "Point", "coordinates": [float(lon), float(lat)]}
        features.append({"type": "Feature", "properties": {"name": name}, "geometry": point})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def _ais(folder: Path, scene: SimulatedScene) -> Path:
    """Reports of the ships under way, two minutes apart about the acquisition."""
    path = folder / "ais_20240501.csv"
    ships = [one for one in scene.objects if one.label == "ship"][: len(_NAMES)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ("MMSI", "BaseDateTime", "LAT", "LON", "SOG", "COG", "Heading", "VesselName", "Length", "Width")
        )
        for number, ship in enumerate(ships):
            middle, heading = ship.polygon_px.mean(axis=0), ship.heading_deg or 0.0
            speed = _UNDER_WAY.get(number, 0.0)
            way = np.array([np.sin(np.deg2rad(heading)), -np.cos(np.deg2rad(heading))]) * speed * 0.5144 / 3.0
            for seconds in range(-540, 600, 120):
                lon, lat = _lonlat(*(middle + way * seconds))
                moment = TIMES[0] + timedelta(seconds=seconds)
                writer.writerow(
                    (
                        999000001 + number, f"{moment:%Y-%m-%dT%H:%M:%S}", f"{float(lat):.6f}", f"{float(lon):.6f}",
                        speed, round(heading % 360, 1), round(heading % 360), _NAMES[number], round(ship.length_m),
                        round(ship.width_m),
                    )
                )  # fmt: skip
    return path


def take_linked(
    place: Workplace, folder: Path, wait_until: Callable[[str, Callable[[], bool]], None], take: Callable[[str], None]
) -> None:
    """Pictures of two scenes side by side, their change, and context over the first."""
    from sarvlm_models.types import Window

    first, later, scene = write_pair(folder)
    for path in (later, first):
        place.commands.open_paths([path])
        wait_until("the scene", lambda path=path: _shown(place, path))
    wait_until("the end of all jobs", lambda: not any(job.active for job in place.runner.statuses()))
    place.view.show_places()
    place.session.linking.choose(next(scene for scene in place.session.scenes if scene.path == later))
    for name, window in (("side", _TALL), ("change", _SHORE)):
        place.session.linking.set_mode(next(mode for mode in _modes() if mode.name.lower() == name))
        wait_until("the comparison", lambda: place.comparer.ready)
        place.window.canvas.fly_to_window(Window(*window))
        wait_until("the end of all jobs", lambda: not any(job.active for job in place.runner.statuses()))
        take(f"compare-{name}.png")
    place.actions["compare_toggle"].trigger()
    place.laying.take_dropped(write_context(folder, scene))
    wait_until("the context", lambda: _laid(place))
    place.window.canvas.fly_to_window(Window(*_ROADS))
    take("context.png")


def _modes() -> tuple:
    from sarvlm_app.core.link_session import MODES

    return MODES


def _shown(place: Workplace, path: Path) -> bool:
    picture = place.presenter.pictures.picture
    return picture is not None and picture.scene.path == path


def _laid(place: Workplace) -> bool:
    layers = place.session.context.layers
    return len(layers) == 3 and all(layer.data is not None or layer.fault for layer in layers)
