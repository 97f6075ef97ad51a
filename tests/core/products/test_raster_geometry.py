"""What is written with a scene's geometry lies where the scene does, whatever kind of geometry it has."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import rasterio

from sarvlm_app.core.export.raster_geometry import control_points, raster_geometry
from sarvlm_app.core.georef import AffineGeoref, ShiftedGeoref
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import StorageError

from .safe_files import Safe, write_safe


def test_a_raster_written_with_a_products_geometry_opens_where_the_product_lies(tmp_path):
    safe = Safe(tmp_path)
    scene = open_scene(write_safe(safe))
    cell = 4.0
    shape = {"width": scene.width // 4, "height": scene.height // 4, "count": 1, "dtype": "float32"}
    path = tmp_path / "cells.tif"
    with rasterio.open(path, "w", driver="GTiff", **shape, **raster_geometry(scene.georef, (420, 300), cell)) as out:
        out.write(np.ones((1, shape["height"], shape["width"]), np.float32))
    again = open_scene(path)
    at = np.array([(5.0, 8.0), (50.0, 33.0), (88.0, 61.0)])
    theirs = again.georef.to_lonlat(at[:, 0], at[:, 1])
    ours = scene.georef.to_lonlat(at[:, 0] * cell, at[:, 1] * cell)
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(*theirs, *ours)
    assert max(metres) < 0.1 * 10


def test_bursts_are_refused_with_what_to_do_instead(tmp_path):
    scene = open_scene(write_safe(Safe(tmp_path, level="SLC", swath="IW1", bursts=3)))
    with pytest.raises(StorageError, match="bursts of tops.tif overlap on the ground.*export places or boxes instead"):
        raster_geometry(ShiftedGeoref(scene.georef, 10, 20, (100, 100)), (100, 100), name="tops.tif")


def test_longitudes_of_control_points_run_on_across_the_antimeridian():
    georef = AffineGeoref(rasterio.Affine(0.01, 0, 179.5, 0, -0.01, 10.0), "EPSG:4326", (100, 100))
    longitudes = [point.x for point in control_points(georef, (100, 100))]
    assert min(longitudes) == pytest.approx(179.5) and max(longitudes) == pytest.approx(180.5)


def test_a_scene_without_geometry_is_written_in_pixels():
    assert raster_geometry(None, (10, 10), 8.0) == {"transform": rasterio.Affine.scale(8.0)}
