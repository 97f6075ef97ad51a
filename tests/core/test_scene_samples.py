"""Real files of ../shared/data: what their owners say of them is what the application says."""

from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import default_band, default_stretch, open_scene, read_chip, scene_stats
from sarvlm_models.types import Window

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here"),
]


def test_the_sentinel_1_scene_over_los_angeles():
    scene = open_scene(DATA / "s1_scenes" / "S1A_20201107_los_angeles_vh.tif")
    assert (scene.width, scene.height, scene.bands[0].polarisation) == (3072, 5120, "VH")
    assert scene.georef is not None and scene.georef.crs_name == "EPSG:3395"
    assert scene.spacing_m == pytest.approx((8.31, 8.31), abs=0.02)
    assert (scene.product, str(scene.acquired)[:10]) == ("Sentinel-1", "2020-11-07")


@pytest.mark.parametrize(
    ("name", "kind", "band"),
    [
        ("s1_port_la_vv_db_float64_utm.tif", ValueType.DB, 1),
        ("Spain_7370579_S1Hand.tif", ValueType.DB, 1),
        ("quadpol_harbour_slc_complex.tif", ValueType.COMPLEX, 1),
    ],
)
def test_format_samples_know_their_radiometry(name, kind, band):
    scene = open_scene(DATA / "format_samples" / name)
    assert scene.value_type is kind
    assert default_band(scene) == band
    stretch = default_stretch(scene, band)
    assert 10 < stretch.high - stretch.low < 60
    assert scene_stats(scene, band).valid_share > 0.9


def test_a_slc_measurement_has_the_geometry_of_its_control_points():
    path = next((DATA / "format_samples").glob("S1A_IW_SLC*/measurement/*.tiff"))
    scene = open_scene(path)
    assert (scene.product, scene.value_type) == ("Sentinel-1 IW SLC", ValueType.COMPLEX)
    places = np.array([[0.0, 11000.0, 22694.0], [0.0, 5200.0, 13509.0]])
    assert scene.georef is not None
    back = scene.georef.from_lonlat(*scene.georef.to_lonlat(*places))
    assert np.abs(np.array(back) - places).max() < 0.05
    # the end of a burst sees what the next one begins with: it comes back there, on the same ground
    lonlat = scene.georef.to_lonlat(11000.0, 6000.0)
    col, row = scene.georef.from_lonlat(*lonlat)
    assert float(col) == pytest.approx(11000.0, abs=0.05) and float(row) == pytest.approx(6159.0, abs=0.1)
    assert np.allclose(scene.georef.to_lonlat(col, row), lonlat, atol=1e-9)
    assert not read_chip(scene, Window(5000, 5000, 64, 64), 1).valid.any()


def test_calibrated_ship_chips_are_intensity():
    path = next((DATA / "opensarship").glob("*/Cargo*.tif"))
    assert open_scene(path).value_type is ValueType.INTENSITY
