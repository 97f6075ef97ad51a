"""SICD files, written by sarkit: pixels, radiometry, geometry and what is said of them."""

import numpy as np
import pytest
import sarkit.sicd._constants as limits

from sarvlm_app.core.derived.calibrated import calibrated, calibrations
from sarvlm_app.core.metadata import found, metadata_tree
from sarvlm_app.core.products.place import read_bytes
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_models.types import Window
from tests.core.products.nitf_files import (
    add_amplitudes,
    add_radiometry,
    add_valid_data,
    sicd_tree,
    simple_sicd,
    speckle,
    write_sicd,
)
from tests.core.sicd_files import SPACING_M

SHAPE = (41, 63)


def native(scene, window=None):
    window = window or Window(0, 0, scene.width, scene.height)
    return scene.bands[0].source.native(window)


def test_complex_floats_and_what_is_known_of_them(tmp_path):
    pixels = speckle(SHAPE)
    scene = open_scene(write_sicd(tmp_path / "a.nitf", sicd_tree(SHAPE, "RE32F_IM32F"), pixels))
    assert (scene.width, scene.height, scene.value_type) == (63, 41, ValueType.COMPLEX)
    assert (scene.product, scene.bands[0].polarisation) == ("Testbird-1 SICD", "VV")
    assert str(scene.acquired) == "2023-05-06 07:08:09.123456+00:00"
    assert {key: scene.facts[key] for key in ("platform", "mode", "look", "orbit")} == {
        "platform": "Testbird-1", "mode": "SPOTLIGHT", "look": "right", "orbit": "ascending",
    }  # fmt: skip
    values, valid = native(scene)
    assert valid.all()
    np.testing.assert_array_equal(values, pixels)
    window = Window(10, 30, 20, 11)
    np.testing.assert_array_equal(native(scene, window)[0], pixels[30:41, 10:30])


def test_its_place_on_the_earth_is_that_of_the_projection(tmp_path):
    scene = open_scene(simple_sicd(tmp_path / "a.nitf"))
    assert scene.georef is not None and scene.georef.crs_name == "EPSG:4326"
    # the scene centre point is row 190, column 310, counted from pixel centres
    lon, lat = scene.georef.to_lonlat(310.5, 190.5)
    assert (float(lon), float(lat)) == pytest.approx((11.0, 47.0), abs=1e-7)
    near, mid, far = scene.incidence_deg
    assert near < far and scene.spacing_m[0] == pytest.approx(SPACING_M[1], rel=0.03)
    assert scene.spacing_m[1] == pytest.approx(SPACING_M[0] / np.sin(np.deg2rad(mid)), rel=0.03)


def test_complex_integers(tmp_path):
    rng = np.random.default_rng(2)
    pixels = np.zeros(SHAPE, dtype=[("real", np.int16), ("imag", np.int16)])
    pixels["real"], pixels["imag"] = rng.integers(-32768, 32767, (2, *SHAPE))
    scene = open_scene(write_sicd(tmp_path / "a.nitf", sicd_tree(SHAPE, "RE16I_IM16I"), pixels))
    np.testing.assert_array_equal(native(scene)[0], pixels["real"] + 1j * pixels["imag"])


@pytest.mark.parametrize("table", [False, True])
def test_amplitude_and_phase_in_bytes(tmp_path, table):
    rng = np.random.default_rng(3)
    pixels = np.zeros(SHAPE, dtype=[("amp", np.uint8), ("phase", np.uint8)])
    pixels["amp"], pixels["phase"] = rng.integers(0, 256, (2, *SHAPE))
    root = sicd_tree(SHAPE, "AMP8I_PHS8I")
    amplitudes = np.arange(256.0)
    if table:
        amplitudes = amplitudes**1.5 / 7.0
        add_amplitudes(root, amplitudes)
    scene = open_scene(write_sicd(tmp_path / "a.nitf", root, pixels))
    wanted = amplitudes[pixels["amp"]] * np.exp(2j * np.pi * pixels["phase"] / 256)
    np.testing.assert_allclose(native(scene)[0], wanted, rtol=1e-6, atol=1e-4)


def test_an_image_in_several_segments_is_read_across_their_borders(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "IS_SIZE_MAX", 13 * SHAPE[1] * 8)
    pixels = speckle(SHAPE)
    path = write_sicd(tmp_path / "a.nitf", sicd_tree(SHAPE, "RE32F_IM32F"), pixels)
    assert b"SICD004" in path.read_bytes()
    scene = open_scene(path)
    np.testing.assert_array_equal(native(scene)[0], pixels)
    for window in (Window(5, 12, 20, 2), Window(0, 20, 63, 21), Window(62, 39, 1, 2), Window(3, 13, 4, 13)):
        got, _ = native(scene, window)
        np.testing.assert_array_equal(got, pixels[window.row : window.row_end, window.col : window.col_end])


def test_calibration_follows_the_polynomials_of_the_file(tmp_path):
    pixels = speckle(SHAPE)
    root = sicd_tree(SHAPE, "RE32F_IM32F", first=(100, 200))
    add_radiometry(root)
    scene = open_scene(write_sicd(tmp_path / "a.nitf", root, pixels))
    assert calibrations(scene) == (Calibration.BETA0, Calibration.SIGMA0)
    rows = (np.arange(SHAPE[0])[:, None] + 100 - 190) * SPACING_M[0]
    cols = (np.arange(SHAPE[1])[None] + 200 - 310) * SPACING_M[1]
    power = np.abs(pixels.astype(np.complex128)) ** 2
    factor = 0.5 + 1e-3 * cols + 2e-3 * rows + 1e-5 * rows * cols
    noise = 10 ** ((-20 + 0.01 * cols + 0.02 * rows) / 10)
    window = Window(7, 9, 30, 20)
    part = np.s_[9:29, 7:37]
    sigma = read_chip(calibrated(scene, Calibration.SIGMA0), window, 1)
    np.testing.assert_allclose(sigma.intensity, (power * factor)[part], rtol=1e-5)
    clean = read_chip(calibrated(scene, Calibration.SIGMA0, remove_noise=True), window, 1)
    np.testing.assert_allclose(clean.intensity, ((power - noise) * factor)[part], rtol=1e-4, atol=1e-6)
    beta = read_chip(calibrated(scene, Calibration.BETA0), window, 1)
    np.testing.assert_allclose(beta.intensity, (power * 2)[part], rtol=1e-5)


def test_a_relative_noise_level_removes_nothing(tmp_path):
    root = sicd_tree(SHAPE, "RE32F_IM32F")
    add_radiometry(root, noise="RELATIVE")
    scene = open_scene(write_sicd(tmp_path / "a.nitf", root, speckle(SHAPE)))
    assert scene.bands[0].calibrator is not None and not scene.bands[0].calibrator.has_noise


def test_pixels_outside_the_polygon_of_valid_data_are_no_data(tmp_path):
    root = sicd_tree(SHAPE, "RE32F_IM32F")
    add_valid_data(root, [(5, 10), (5, 40), (30, 40), (30, 10)])
    scene = open_scene(write_sicd(tmp_path / "a.nitf", root, speckle(SHAPE)))
    wanted = np.zeros(SHAPE, bool)
    wanted[5:31, 10:41] = True
    np.testing.assert_array_equal(native(scene)[1], wanted)
    np.testing.assert_array_equal(native(scene, Window(8, 4, 10, 10))[1], wanted[4:14, 8:18])


def test_a_polygon_around_the_whole_image_hides_nothing(tmp_path):
    root = sicd_tree(SHAPE, "RE32F_IM32F")
    add_valid_data(root, [(0, 0), (0, 62), (40, 62), (40, 0)])
    scene = open_scene(write_sicd(tmp_path / "a.nitf", root, speckle(SHAPE)))
    assert scene.bands[0].source.outline == () and native(scene)[1].all()


def test_the_xml_is_a_document_of_the_scene(tmp_path):
    scene = open_scene(simple_sicd(tmp_path / "a.nitf"))
    (document,) = scene.documents
    assert read_bytes(document).startswith(b"<SICD") and str(document).endswith("SICD_1.xml")
    assert found(metadata_tree(scene), "ModeType spotlight") is not None
