import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sarvlm_app.core.georef import AffineGeoref, Gcp, GcpGeoref
from sarvlm_app.core.products.fingerprint import BLOCK, INTERIOR, fingerprint_file
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import (
    close_handles,
    default_band,
    default_stretch,
    open_scene,
    read_chip,
    read_values,
    resolve_band,
    scene_stats,
)
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif

WHOLE = Window(0, 0, 60, 40)
AMPLITUDE = speckle((40, 60), 500.0)


# ---- what is known of a scene -------------------------------------------------
def test_a_georeferenced_tiff_says_where_it_is_and_how_large_its_pixels_are(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE.astype(np.uint16), crs=UTM33, transform=TRANSFORM))
    assert (scene.width, scene.height, scene.dtype) == (60, 40, "uint16")
    assert isinstance(scene.georef, AffineGeoref)
    assert scene.georef.crs_name == UTM33
    assert scene.spacing_m == pytest.approx((10, 10), rel=1e-3)
    assert scene.georef.footprint_lonlat()[0] == pytest.approx((15.0, 47.85), abs=0.01)


def test_ground_control_points_become_a_spline_with_gdals_corner_convention(tmp_path):
    gcps = [Gcp(c, r, 10 + c / 1000, 50 - r / 1000) for c in (0.0, 30.0, 60.0) for r in (0.0, 40.0)]
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE, gcps=gcps, crs="EPSG:4326"))
    assert isinstance(scene.georef, GcpGeoref)
    assert np.allclose(scene.georef.to_lonlat(0, 0), (10, 50))
    assert "6 ground control points" in scene.facts["geometry"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "none"),
        ({"transform": TRANSFORM}, "no reference system"),
        ({"gcps": [Gcp(0, 0, 1, 1), Gcp(9, 9, 2, 2)], "crs": "EPSG:4326"}, "at least 3 points"),
    ],
)
def test_without_a_usable_geometry_the_scene_opens_and_says_why(tmp_path, options, said):
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE, **options))
    assert scene.georef is None and scene.spacing_m is None
    assert said in scene.facts["geometry"]


@pytest.mark.parametrize(
    ("pixels", "options", "expected", "assumed"),
    [
        ((AMPLITUDE * (1 + 1j)).astype(np.complex64), {}, ValueType.COMPLEX, False),
        (AMPLITUDE.astype(np.uint8), {}, ValueType.DN, True),
        (AMPLITUDE.astype(np.uint16), {}, ValueType.DN, True),
        (AMPLITUDE.astype(np.uint16), {"tags": {"UNITS": "amplitude"}}, ValueType.AMPLITUDE, False),
        (AMPLITUDE, {}, ValueType.AMPLITUDE, True),
        (AMPLITUDE / 1e4, {}, ValueType.INTENSITY, True),
        (AMPLITUDE, {"tags": {"SARVLM_VALUE_TYPE": "intensity"}}, ValueType.INTENSITY, False),
        (AMPLITUDE, {"descriptions": ["Sigma0_VV"]}, ValueType.INTENSITY, False),
        (AMPLITUDE, {"descriptions": ["Sigma0_VV_db"]}, ValueType.DB, False),
        (np.log10(AMPLITUDE) * 10 - 40, {}, ValueType.DB, True),
        ((np.log10(AMPLITUDE) * 10 - 40).astype(np.float64), {}, ValueType.DB, True),
        ((np.log10(AMPLITUDE) * 10 - 40).astype(np.int16), {}, ValueType.DB, True),
        (AMPLITUDE.astype(np.uint8), {"descriptions": ["VV dB"]}, ValueType.DN, True),
    ],
)
def test_the_value_type_is_what_the_file_says_else_a_guess_that_is_called_one(
    tmp_path, pixels, options, expected, assumed
):
    scene = open_scene(write_tif(tmp_path / "a.tif", pixels, **options))
    assert (scene.value_type, scene.value_type_assumed) == (expected, assumed)
    assert ("value type" in scene.facts) is assumed


def test_bands_take_their_names_and_polarisations_from_their_descriptions(tmp_path):
    planes = np.stack([AMPLITUDE, AMPLITUDE, AMPLITUDE])
    scene = open_scene(write_tif(tmp_path / "a.tif", planes, descriptions=["VH", "Intensity_VV", "ratio"]))
    assert [(band.index, band.name, band.polarisation) for band in scene.bands] == [
        (1, "VH", "VH"),
        (2, "VV", "VV"),
        (3, "ratio", None),
    ]
    assert default_band(scene) == 2
    assert [resolve_band(scene, wanted) for wanted in (None, "vh", "3", 1, "Ratio")] == [2, 1, 3, 1, 3]
    with pytest.raises(SceneError, match=r"no band HH; choose one of 1 \(VH\), 2 \(VV\), 3 \(ratio\)"):
        resolve_band(scene, "HH")


@pytest.mark.parametrize(
    ("name", "polarisation", "acquired", "product"),
    [
        ("S1A_20201107_los_angeles_vh", "VH", datetime(2020, 11, 7, tzinfo=UTC), "Sentinel-1"),
        ("s1b-iw-grd-vv-20211223t051122-20211223t051147-030148-039993-001", "VV",
         datetime(2021, 12, 23, 5, 11, 22, tzinfo=UTC), "Sentinel-1 IW GRD"),
        ("harbour_HH.v2", "HH", None, "GeoTIFF"),
        ("vv_vh_stack", None, None, "GeoTIFF"),
        ("savvy_99999999", None, None, "GeoTIFF"),
    ],
)  # fmt: skip
def test_names_tell_polarisation_time_and_product(tmp_path, name, polarisation, acquired, product):
    scene = open_scene(write_tif(tmp_path / f"{name}.tif", AMPLITUDE))
    assert (scene.bands[0].polarisation, scene.acquired, scene.product) == (polarisation, acquired, product)


def test_tags_go_before_names(tmp_path):
    tags = {"ACQUIRED": "2019-05-04T03:02:01Z", "PRODUCT": "Made up", "SARVLM_SIMULATED": "yes"}
    scene = open_scene(write_tif(tmp_path / "S1A_20201107_vv.tif", AMPLITUDE, tags=tags))
    assert scene.acquired == datetime(2019, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert (scene.product, scene.simulated) == ("Made up", True)


def test_a_scene_is_a_value_that_travels_to_another_process(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE, crs=UTM33, transform=TRANSFORM))
    again = pickle.loads(pickle.dumps(scene))
    assert again == scene and hash(again) == hash(scene)
    assert read_chip(again, WHOLE, 1).valid.all()


# ---- pictures -----------------------------------------------------------------
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_a_colour_picture_is_one_band_of_luminance_and_says_so(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (60, 40), (200, 100, 50)).save(path)
    scene = open_scene(path)
    assert [band.name for band in scene.bands] == ["luminance"]
    assert "luminance" in scene.facts["picture"]
    assert read_values(scene, WHOLE, 1) == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, abs=1.0)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_pixels_hold_no_data(tmp_path, mode):
    picture = Image.new(mode, (60, 40), (90, 255) if mode == "LA" else (90, 90, 90, 255))
    picture.paste((90, 0) if mode == "LA" else (90, 90, 90, 0), (0, 0, 20, 40))
    picture.save(tmp_path / "a.png")
    scene = open_scene(tmp_path / "a.png")
    assert len(scene.bands) == 1
    valid = read_chip(scene, WHOLE, 1).valid
    assert not valid[:, :20].any() and valid[:, 20:].all()


def test_a_sixteen_bit_png_keeps_its_depth(tmp_path):
    Image.fromarray(AMPLITUDE.astype(np.uint16)).save(tmp_path / "a.png")
    scene = open_scene(tmp_path / "a.png")
    assert scene.dtype == "uint16"
    assert np.array_equal(read_values(scene, WHOLE, 1), AMPLITUDE.astype(np.uint16))


def test_a_picture_with_a_palette_shows_its_colours_not_their_numbers(tmp_path):
    picture = Image.new("P", (60, 40), 1)
    picture.putpalette([0, 0, 0, 250, 250, 250])
    picture.save(tmp_path / "a.png")
    assert read_values(open_scene(tmp_path / "a.png"), WHOLE, 1) == pytest.approx(250.0, abs=0.1)


# ---- no data ------------------------------------------------------------------
@pytest.mark.parametrize("nodata", [0, 7])
def test_the_declared_value_is_no_data(tmp_path, nodata):
    pixels = np.full((40, 60), 50, np.uint16)
    pixels[:10] = nodata
    chip = read_chip(open_scene(write_tif(tmp_path / "a.tif", pixels, nodata=nodata)), WHOLE, 1)
    assert not chip.valid[:10].any() and chip.valid[10:].all()
    assert chip.intensity[0, 0] == 0 and chip.intensity[20, 20] == 2500


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_nan_and_infinity_are_never_data(tmp_path, dtype):
    pixels = np.full((40, 60), 0.5, dtype)
    pixels[3, 4], pixels[5, 6] = np.nan, np.inf
    chip = read_chip(open_scene(write_tif(tmp_path / "a.tif", pixels)), WHOLE, 1)
    assert np.argwhere(~chip.valid).tolist() == [[3, 4], [5, 6]]
    assert np.isfinite(chip.intensity).all()


def test_a_mask_inside_the_file_counts(tmp_path):
    mask = np.zeros((40, 60), np.bool_)
    mask[:, 30:] = True
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE, mask=mask))
    assert np.array_equal(read_chip(scene, WHOLE, 1).valid, mask)


def test_a_frame_of_zeros_is_no_data_and_single_zeros_are(tmp_path):
    pixels = np.maximum(AMPLITUDE.astype(np.uint16), 1)
    pixels = np.tile(pixels, (20, 20))
    pixels[:, :200] = 0
    pixels[400, 600] = 0
    scene = open_scene(write_tif(tmp_path / "framed.tif", pixels))
    assert scene.nodata == 0 and "frame of zeros" in scene.facts["no data"]
    pixels[:, :200] = 5
    assert open_scene(write_tif(tmp_path / "plain.tif", pixels)).nodata is None


def test_scale_and_offset_of_the_file_are_applied(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full((40, 60), -1250, np.int16), scale=0.01))
    assert scene.value_type is ValueType.DB
    assert read_values(scene, WHOLE, 1) == pytest.approx(-12.5)


# ---- reading ------------------------------------------------------------------
def test_what_lies_outside_the_scene_is_not_valid(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE))
    chip = read_chip(scene, Window(-5, 30, 30, 20), 1)
    assert chip.intensity.shape == (20, 30)
    assert chip.valid[:10, 5:].all() and chip.valid.sum() == 10 * 25
    assert np.array_equal(chip.intensity[:10, 5:], (AMPLITUDE**2)[30:, :25])
    assert not read_chip(scene, Window(1000, 1000, 8, 8), 1).valid.any()


@settings(max_examples=40, deadline=None)
@given(st.integers(-10, 50), st.integers(-10, 30), st.integers(1, 40), st.integers(1, 30))
def test_any_window_equals_that_part_of_the_whole(tmp_path_factory, col, row, width, height):
    path = tmp_path_factory.getbasetemp() / "any_window.tif"
    if not path.exists():
        write_tif(path, AMPLITUDE, tiled=True, blockxsize=16, blockysize=16)
    chip = read_chip(open_scene(path), Window(col, row, width, height), 1)
    expected = np.pad(AMPLITUDE**2, 50)[row + 50 : row + 50 + height, col + 50 : col + 50 + width]
    assert np.array_equal(chip.intensity, expected)


@pytest.mark.parametrize("shape", [(20, 20), (8, 12), (7, 11), (1, 1), (80, 120)])
@pytest.mark.parametrize("strip", [10**7, 150])
def test_a_reduced_chip_is_the_mean_intensity_in_whatever_strips_it_is_read(tmp_path, monkeypatch, shape, strip):
    monkeypatch.setattr("sarvlm_app.core.scene.STRIP_PIXELS", strip)
    scene = open_scene(write_tif(tmp_path / "a.tif", AMPLITUDE))
    chip = read_chip(scene, WHOLE, 1, shape)
    assert chip.intensity.shape == shape and chip.valid.all()
    assert chip.intensity.mean() == pytest.approx((AMPLITUDE**2).mean(), rel=1e-4)
    if shape == (20, 20):
        assert np.allclose(chip.intensity, (AMPLITUDE**2).reshape(20, 2, 20, 3).mean((1, 3)), rtol=1e-5)


def test_values_come_in_the_bands_own_unit_also_when_reduced(tmp_path):
    db = np.array([[-10.0, -20.0], [-10.0, -20.0]], np.float32).repeat(20, 0).repeat(30, 1)
    scene = open_scene(write_tif(tmp_path / "a.tif", db))
    assert read_values(scene, WHOLE, 1) == pytest.approx(db, abs=1e-4)
    assert read_values(scene, WHOLE, 1, (1, 1)).item() == pytest.approx(10 * np.log10(0.055), abs=1e-4)


def test_complex_values_are_read_as_amplitude(tmp_path):
    iq = np.full((40, 60), 3 + 4j, np.complex64)
    scene = open_scene(write_tif(tmp_path / "a.tif", iq, stored="complex_int16"))
    assert scene.dtype == "complex_int16"
    assert (read_values(scene, WHOLE, 1) == 5.0).all()


def test_many_threads_may_read_and_close_at_once(tmp_path):
    path = write_tif(tmp_path / "a.tif", np.tile(AMPLITUDE, (10, 10)), tiled=True, blockxsize=64, blockysize=64)
    scene = open_scene(path)
    expected = read_chip(scene, Window(50, 50, 200, 200), 1).intensity

    def read(number: int) -> bool:
        if number % 7 == 0:
            close_handles(scene)
        return np.array_equal(read_chip(scene, Window(50, 50, 200, 200), 1).intensity, expected)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(64)))
    assert threading.active_count() < 20


# ---- statistics ---------------------------------------------------------------
def test_the_sparse_sample_agrees_with_the_whole_scene(tmp_path):
    fields = np.random.default_rng(5).uniform(50.0, 900.0, (30, 40)).astype(np.float32)
    amplitude = speckle((3000, 4000), 1.0) * fields.repeat(100, 0).repeat(100, 1)
    path = write_tif(tmp_path / "a.tif", amplitude.astype(np.uint16), tiled=True, blockxsize=256, blockysize=256)
    stats = scene_stats(open_scene(path), 1)
    assert stats.median_amplitude == pytest.approx(float(np.median(amplitude)), rel=0.1)
    assert stats.p98_amplitude == pytest.approx(float(np.percentile(amplitude, 98)), rel=0.1)
    assert stats.valid_share == 1.0


def test_statistics_leave_out_what_is_not_data(tmp_path):
    pixels = np.full((40, 60), 0.25, np.float32)
    pixels[:20] = np.nan
    stats = scene_stats(open_scene(write_tif(tmp_path / "a.tif", pixels)), 1)
    assert stats.median_amplitude == pytest.approx(0.5)
    assert stats.valid_share == 0.5


@pytest.mark.parametrize(
    ("value", "options", "median", "share"),
    [(0.0, {"nodata": 0.0}, 0.0, 0.0), (np.nan, {}, 0.0, 0.0), (0.09, {}, 0.3, 1.0), (0.0, {}, 0.0, None)],
)
def test_empty_and_constant_scenes_have_statistics_and_a_stretch_with_a_range(tmp_path, value, options, median, share):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full((300, 300), value, np.float32), **options))
    stats, stretch = scene_stats(scene, 1), default_stretch(scene, 1)
    assert stats.median_amplitude == pytest.approx(median)
    assert share is None or stats.valid_share == share
    assert stretch.high - stretch.low >= 1.0


def test_the_stretch_holds_the_middle_96_percent_in_db(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((400, 400))))
    stretch = default_stretch(scene, 1)
    db = 20 * np.log10(speckle((400, 400)))
    assert (stretch.unit, stretch.mode) == ("dB", "percentile")
    assert np.mean((db >= stretch.low) & (db <= stretch.high)) == pytest.approx(0.96, abs=0.01)


# ---- identity -----------------------------------------------------------------
def test_a_moved_and_touched_file_keeps_its_fingerprint_and_a_changed_one_does_not(tmp_path):
    path = write_tif(tmp_path / "a.tif", speckle((1000, 1000)))
    before = open_scene(path).fingerprint
    moved = path.rename(tmp_path / "b.tif")
    os.utime(moved, (1, 1))
    assert fingerprint_file(moved) == before
    assert len(before) == 32 and set(before) <= set("0123456789abcdef")
    assert fingerprint_file(write_tif(tmp_path / "c.tif", speckle((1000, 1000), seed=9))) != before


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK * (INTERIOR + 2), BLOCK * (INTERIOR + 2) + 1, BLOCK * 40])
def test_files_of_any_size_have_a_fingerprint(tmp_path, size):
    (tmp_path / "a").write_bytes(b"x" * size)
    (tmp_path / "b").write_bytes(b"x" * (size + 1))
    assert fingerprint_file(tmp_path / "a") != fingerprint_file(tmp_path / "b")


def test_opening_and_reading_leaves_nothing_beside_the_data(tmp_path):
    path = write_tif(tmp_path / "a.tif", AMPLITUDE)
    tmp_path.chmod(0o555)
    try:
        scene = open_scene(path)
        read_chip(scene, WHOLE, 1)
        default_stretch(scene, 1)
        assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
    finally:
        tmp_path.chmod(0o755)


def test_zeros_of_clipped_water_are_data(tmp_path):
    dark = np.clip(speckle((800, 800), 2.0) - 1.5, 0, 255).astype(np.uint8)
    dark[:100, :100] = 0
    assert open_scene(write_tif(tmp_path / "a.tif", dark)).nodata is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 5)])
def test_the_smallest_scenes_open_and_read(tmp_path, shape):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full(shape, 9, np.uint8)))
    assert scene_stats(scene, 1).median_amplitude == 9.0
    assert read_chip(scene, Window(0, 0, 8, 8), 1).valid.sum() == min(8, shape[0]) * min(8, shape[1])
