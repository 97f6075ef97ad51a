"""Simulated scenes on disk: geometry, tags, truth."""

import json

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_values
from sarvlm_app.core.simulate import (
    SimulationSpec,
    demo_scene,
    simulate_scene,
    write_demo,
    write_geotiff,
    write_truth,
)
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Window

ORIGIN = (400_000.0, 3_700_000.0)


@pytest.fixture(scope="module")
def scene():
    return simulate_scene(SimulationSpec(300, 200, 5.0, "harbour", 3.0, -22.0, "right", 11))


def test_the_geotiff_says_that_it_is_simulated_and_where_it_lies(scene, tmp_path):
    path = tmp_path / "scene.tif"
    write_geotiff(scene, path, crs="EPSG:32611", origin=ORIGIN)
    with rasterio.open(path) as source:
        assert source.tags()["SARVLM_SIMULATED"] == "yes"
        assert source.tags()["PRODUCT"] == "simulated"
        assert source.crs.to_epsg() == 32611
        assert (source.transform.c, source.transform.f) == ORIGIN
        assert source.res == (5.0, 5.0)
        assert (source.width, source.height, source.dtypes) == (300, 200, ("uint16",))
        assert source.profile["tiled"] and source.compression.name == "deflate"
        dn = source.read(1)
        assert source.scales == (0.001,)
    opened = open_scene(path)
    assert (opened.calibration, opened.bands[0].value_type) == (Calibration.SIGMA0, ValueType.AMPLITUDE)
    error = read_values(opened, Window(0, 0, 300, 200), 1) - np.sqrt(scene.intensity)
    assert np.abs(error[dn < 65535]).max() < 0.0011
    assert [p.name for p in tmp_path.iterdir()] == ["scene.tif"]


def test_truth_polygons_lead_back_to_their_pixels(scene, tmp_path):
    path = tmp_path / "scene.truth.geojson"
    write_truth(scene, path, crs="EPSG:32611", origin=ORIGIN)
    truth = json.loads(path.read_text("utf-8"))
    assert truth["simulated"] is True
    assert len(truth["features"]) == len(scene.objects) > 0
    to_map = Transformer.from_crs("EPSG:4326", "EPSG:32611", always_xy=True)
    for feature, thing in zip(truth["features"], scene.objects, strict=True):
        properties = feature["properties"]
        assert properties["simulated"] is True and properties["label"] == thing.label
        ring = np.array(feature["geometry"]["coordinates"][0])
        assert (ring[0] == ring[-1]).all()
        east, north = to_map.transform(ring[:, 0], ring[:, 1])
        back = np.column_stack([(east - ORIGIN[0]) / 5.0, (ORIGIN[1] - north) / 5.0])
        for corner in thing.polygon_px:
            assert np.hypot(*(back - corner).T).min() < 0.01


def test_a_place_that_cannot_be_written_to_is_named_and_nothing_stays(scene, tmp_path):
    missing = tmp_path / "nowhere" / "scene.tif"
    for write in (write_geotiff, write_truth):
        with pytest.raises(StorageError, match="nowhere"):
            write(scene, missing)
    blocked = tmp_path / "folder.tif"
    blocked.mkdir()
    with pytest.raises(StorageError, match="folder.tif"):
        write_geotiff(scene, blocked)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.tif"]


@pytest.mark.slow
def test_the_demo_shows_what_a_first_time_user_may_ask_for(tmp_path):
    truth = write_demo(tmp_path / "demo.tif")
    assert truth == tmp_path / "demo.truth.geojson"
    labels = {f["properties"]["label"] for f in json.loads(truth.read_text("utf-8"))["features"]}
    wanted = {"ship", "moored ship", "pier", "breakwater", "storage tank", "aircraft", "runway", "bridge", "crane"}
    assert wanted | {"container stack", "house"} <= labels
    with rasterio.open(tmp_path / "demo.tif") as source:
        assert source.shape == (2048, 2048)
        middle = (source.bounds.left + source.bounds.right) / 2, (source.bounds.top + source.bounds.bottom) / 2
        lon, lat = Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True).transform(*middle)
        assert -119 < lon < -117 and 33 < lat < 34.5
        dn = source.read(1)
    again = np.clip(np.round(np.sqrt(demo_scene().intensity) * 1000), 1, 65535)
    np.testing.assert_array_equal(dn, again.astype(np.uint16))
