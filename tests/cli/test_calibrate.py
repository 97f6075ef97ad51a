"""`sarvlm calibrate`, and the options by which every command takes a product's part and backscatter."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from sarvlm_app.core.scene import open_scene
from tests.core.products.safe_files import CALIBRATION, Safe, vector_value, write_safe


@pytest.fixture
def grd(tmp_path):
    safe = Safe(tmp_path)
    write_safe(safe)
    return safe


def test_backscatter_is_written_with_its_unit_and_opens_again_in_its_place(sarvlm, grd, tmp_path):
    out = tmp_path / "sigma0.tif"
    ran = sarvlm("calibrate", grd.folder, out, "--band", "VV", "--json")
    assert ran.code == 0 and ran.json["calibration"] == "sigma0" and ran.json["bands"] == ["VV"]
    with rasterio.open(out) as dataset:
        written = dataset.read(1)
    lines, pixels = np.mgrid[0:300, 0:420].astype(float)
    expected = (grd.pixels["VV"] / vector_value(CALIBRATION["sigmaNought"], lines, pixels)) ** 2
    assert np.isnan(written[:, :9]).all()
    assert np.allclose(written[:, 9:], expected[:, 9:], rtol=1e-5)
    scene, again = open_scene(grd.folder), open_scene(out)
    assert str(again.calibration) == "sigma0" and str(again.value_type) == "intensity"
    theirs, ours = again.georef.to_lonlat(200.0, 100.0), scene.georef.to_lonlat(200.0, 100.0)
    assert np.allclose(theirs, ours, atol=1e-6)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_product_without_a_pixel_above_zero_is_written_and_told(sarvlm, grd, tmp_path):
    with rasterio.open(next((grd.folder / "measurement").glob("*-vv-*")), "r+") as dataset:
        dataset.write(np.zeros((1, grd.height, grd.width), np.uint16))
    ran = sarvlm("calibrate", grd.folder, tmp_path / "empty.tif", "--band", "VV")
    assert ran.code == 0 and (tmp_path / "empty.tif").exists()
    assert "No pixel above zero was seen in VV" in ran.err and "empty.tif" in ran.err


def test_decibels_with_noise_removed(sarvlm, grd, tmp_path):
    ran = sarvlm("calibrate", grd.folder, tmp_path / "db.tif", "--unit", "db", "--remove-noise", "--to", "gamma0")
    assert ran.code == 0 and "gamma0, thermal noise removed" in ran.out
    assert str(open_scene(tmp_path / "db.tif").value_type) == "db"


def test_what_has_no_tables_is_told_in_a_sentence(sarvlm, scene, tmp_path):
    ran = sarvlm("calibrate", scene, tmp_path / "x.tif")
    assert ran.code == 1 and "cannot be calibrated to sigma0" in ran.fault
    assert not (tmp_path / "x.tif").exists()


def test_info_tells_parts_incidence_and_what_is_missing(sarvlm, grd):
    next((grd.folder / "measurement").glob("*-vh-*")).unlink()
    facts = sarvlm("info", grd.folder, "--json").json
    assert facts["incidence"] == 38.9 and facts["look"] == "right" and facts["orbit"].startswith("48578 descending")
    assert facts["calibrations"] == ["beta0", "sigma0", "gamma0"] and facts["noise_removable"]
    assert facts["polarisations"] == ["VV"] and len(facts["missing"]) == 1 and facts["part"] == "IW"


def test_a_calibrated_scene_is_asked_like_any_other(sarvlm, grd):
    facts = sarvlm("info", grd.folder, "--calibrate", "sigma0", "--remove-noise", "--json").json
    assert facts["calibration"] == "sigma0" and facts["value_type"] == "intensity"
    ran = sarvlm("info", grd.folder, "--remove-noise")
    assert ran.code == 1 and "add --calibrate" in ran.fault
    ran = sarvlm("info", grd.folder, "--part", "IW9")
    assert ran.code == 1 and "choose one of IW." in ran.fault
