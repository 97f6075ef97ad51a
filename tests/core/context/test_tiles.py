"""Map tiles over a scene."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_bounds

from sarvlm_app.core.context.reading import read_context
from sarvlm_app.core.context.tiles import _EARTH
from sarvlm_app.core.jobs import JobContext
from tests.core.context.made import map_xy, scene


def write_mbtiles(path, one):
    """Tiles of zoom 12 about the scene: red west of its middle, blue east of it."""
    lon, lat = one.georef.to_lonlat([0.0, 400.0], [300.0, 0.0])
    from pyproj import Transformer

    to_map = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    west, south = to_map.transform(float(lon[0]) - 0.05, float(lat[0]) - 0.05)
    res = _EARTH / 256 / 2**12
    west, north = (
        np.floor(west / res / 256) * res * 256,
        np.ceil(to_map.transform(0, float(lat[1]) + 0.05)[1] / res / 256) * res * 256,
    )
    size = 1024
    middle = to_map.transform(*(float(v) for v in one.georef.to_lonlat(200.0, 150.0)))[0]
    x = west + (np.arange(size) + 0.5) * res
    pixels = np.zeros((4, size, size), np.uint8)
    pixels[0], pixels[2], pixels[3] = 200 * (x < middle), 200 * (x >= middle), 255
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            path, "w", driver="MBTiles", width=size, height=size, count=4, dtype="uint8", crs="EPSG:3857",
            transform=from_bounds(west, north - size * res, west + size * res, north, size, size), TILE_FORMAT="PNG",
        ) as out:  # fmt: skip
            out.write(pixels)
    return path


def test_raster_tiles_are_laid_on_the_grid_of_the_scene(tmp_path):
    one = scene(tmp_path)
    data = read_context(one, write_mbtiles(tmp_path / "map.mbtiles", one), JobContext())
    rgba = data.raster.rgba
    assert rgba.shape == (300, 400, 4) and data.raster.step == 1.0
    assert (rgba[..., 3] == 255).all()
    assert rgba[150, :190, 0].min() > 150 and rgba[150, 210:, 2].min() > 150
    assert rgba[150, :190, 2].max() < 50


def test_tiles_elsewhere_are_told(tmp_path):
    one = scene(tmp_path)
    path = write_mbtiles(tmp_path / "map.mbtiles", one)
    from affine import Affine

    far = scene(tmp_path, "far.tif", place={"crs": "EPSG:32633", "transform": Affine(10, 0, 100000, 0, -10, 1000000)})
    data = read_context(far, path, JobContext())
    assert data.empty and data.summary == "no tile lies in this scene"


@pytest.mark.parametrize("kind", ["line"])
def test_vector_tiles_are_read_as_lines(tmp_path, kind):
    import pyogrio
    import shapely

    one = scene(tmp_path)
    path = tmp_path / "vector.mbtiles"
    road = shapely.LineString(np.stack(one.georef.to_lonlat([20.0, 380.0], [150.0, 150.0]), axis=1))
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array([road], dtype=object)), [np.array(["E6"], dtype=object)], ["name"],
        crs="EPSG:4326", driver="MBTiles", geometry_type="LineString", MINZOOM=0, MAXZOOM=13,
    )  # fmt: skip
    data = read_context(one, path, JobContext())
    assert set(data.names) == {"E6"}
    xy = data.lines[0].xy
    assert abs(xy[:, 1] - 150).max() < 3
    assert xy[:, 0].min() < 23 and xy[:, 0].max() > 377
    assert map_xy(0, 0)[0] > 0
