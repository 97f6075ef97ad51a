"""Filtered and multilooked scenes: seamless, in place, and honest about what was done."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.derived.filtered import filtered, multilooked
from sarvlm_app.core.derived.looks import scene_looks
from sarvlm_app.core.filters import FILTERS, Boxcar, Lee, LeeSigma, Multilook, make_filter
from sarvlm_app.core.georef import Gcp
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene, read_chip, scene_stats
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif

SAME_SIZE = [name for name in FILTERS if name != "multilook"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    pixels = speckle((150, 170))
    pixels[:, 100:] *= 5
    pixels[40:60, 20:50] = 0.0
    pixels[90:93, 30:33] = 5000.0
    place = tmp_path_factory.mktemp("filtered") / "a.tif"
    tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    return write_tif(place, pixels, crs=UTM33, transform=TRANSFORM, nodata=0.0, descriptions=("VV",), **tiles)


def whole(scene):
    return read_chip(scene, Window(0, 0, scene.width, scene.height), 1)


@pytest.mark.parametrize("name", list(FILTERS))
@settings(max_examples=5, deadline=None)
@given(width=st.integers(19, 120), height=st.integers(19, 120))
def test_tiles_of_any_size_show_no_seams(path, name, width, height):
    scene = filtered(open_scene(path), make_filter(name))
    at_once = whole(scene)
    for row in range(0, scene.height, height):
        for col in range(0, scene.width, width):
            window = Window(col, row, min(width, scene.width - col), min(height, scene.height - row))
            tile = read_chip(scene, window, 1)
            place = np.s_[row : row + window.height, col : col + window.width]
            np.testing.assert_array_equal(tile.intensity, at_once.intensity[place])
            np.testing.assert_array_equal(tile.valid, at_once.valid[place])


@pytest.mark.parametrize("name", SAME_SIZE)
def test_a_filtered_scene_is_a_scene_of_its_own(path, name):
    scene = open_scene(path)
    chosen = make_filter(name)
    made = filtered(scene, chosen)
    assert (made.width, made.height, made.spacing_m) == (scene.width, scene.height, scene.spacing_m)
    assert made.fingerprint != scene.fingerprint == open_scene(path).fingerprint
    assert made.fingerprint != filtered(scene, make_filter(name, size=5)).fingerprint
    assert made.fingerprint == filtered(scene, chosen).fingerprint and hash(made) == hash(filtered(scene, chosen))
    assert made.value_type is ValueType.INTENSITY and made.bands[0].name == "VV"
    assert chosen.title in made.facts["filter"] and "window (px)" in made.facts["filter"]
    assert "squared" in made.facts["filtered values"] and "filter" not in scene.facts


def test_what_has_no_data_stays_without(path):
    chip = whole(filtered(open_scene(path), Boxcar()))
    assert not chip.valid[40:60, 20:50].any() and chip.valid.sum() == 150 * 170 - 20 * 30


def test_the_first_filter_is_told_after_the_second(path):
    made = filtered(multilooked(open_scene(path), Multilook(2, 2)), Lee(looks=4.4))
    assert made.facts["filter"].startswith("Multilook") and made.facts["filter"].endswith("looks 4.4")
    assert made.origin.startswith("Multilook") and made.facts["derived"] == made.origin


@pytest.mark.parametrize(
    ("pixels", "tags", "told"),
    [
        (np.full((40, 40), 90, np.uint8), {}, "digital numbers were taken as amplitude"),
        (np.full((40, 40), -12, np.float32), {"UNITS": "dB"}, "decibels were turned into linear"),
        (np.full((40, 40), 1 + 1j, np.complex64), {}, "their phase is left behind"),
    ],
)
def test_what_the_values_were_taken_for_is_said(tmp_path, pixels, tags, told):
    scene = open_scene(write_tif(tmp_path / "a.tif", pixels, tags=tags))
    made = filtered(scene, Boxcar())
    assert told in made.facts["filtered values"]
    assert whole(made).intensity[20, 20] == pytest.approx(whole(scene).intensity[20, 20], rel=1e-6)


def test_linear_intensity_needs_no_note(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full((40, 40), 0.1, np.float32), tags={"UNITS": "sigma0"}))
    assert "filtered values" not in filtered(scene, Boxcar()).facts
    assert filtered(scene, Boxcar()).calibration == "sigma0"


def test_lee_sigma_takes_its_threshold_from_the_scene_and_not_from_the_window(path):
    scene = open_scene(path)
    source = filtered(scene, LeeSigma()).bands[0].source
    assert source.chosen.strong == pytest.approx(scene_stats(scene, 1).p98_amplitude ** 2)
    assert filtered(scene, LeeSigma(strong=7.0)).bands[0].source.chosen.strong == 7.0


@settings(max_examples=25, deadline=None)
@given(azimuth=st.integers(1, 9), ground=st.integers(1, 9))
def test_multilooked_pixels_are_where_the_original_ones_were(path, azimuth, ground):
    scene = open_scene(path)
    made = multilooked(scene, Multilook(azimuth, ground))
    assert (made.width, made.height) == (scene.width // ground, scene.height // azimuth)
    assert made.spacing_m == pytest.approx((scene.spacing_m[0] * ground, scene.spacing_m[1] * azimuth))
    here = made.georef.to_lonlat([0, 3.5, made.width], [0, 2.5, made.height])
    there = scene.georef.to_lonlat(np.array([0, 3.5, made.width]) * ground, np.array([0, 2.5, made.height]) * azimuth)
    np.testing.assert_allclose(here, there, atol=1e-11)
    assert made.georef.footprint_lonlat()[0] == pytest.approx(scene.georef.footprint_lonlat()[0])
    area = Window(0, 0, made.width * ground, made.height * azimuth)
    np.testing.assert_allclose(
        whole(made).intensity, read_chip(scene, area, 1, (made.height, made.width)).intensity, rtol=1e-6
    )


def test_control_points_are_scaled_with_the_pixels(tmp_path):
    gcps = [
        Gcp(c, r, 10 + c / 1e3 + r * r / 1e8, 50 - r / 1e3 + c * r / 1e8) for c in (0, 60, 120) for r in (0, 50, 100)
    ]
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((100, 120)), gcps=gcps, crs="EPSG:4326"))
    made = multilooked(scene, Multilook(2, 5))
    np.testing.assert_allclose(made.georef.to_lonlat(7.3, 11.1), scene.georef.to_lonlat(36.5, 22.2), atol=1e-12)
    back = made.georef.from_lonlat(*made.georef.to_lonlat(7.3, 11.1))
    assert np.ravel(back) == pytest.approx([7.3, 11.1], abs=1e-3)


def test_a_scene_smaller_than_a_block_is_refused(path):
    with pytest.raises(SceneError, match=r"a\.tif has 170 x 150 px and cannot be multilooked by 2 x 200; choose fewer"):
        multilooked(open_scene(path), Multilook(200, 2))


def test_many_looks_are_read_piece_by_piece(path, monkeypatch):
    scene = open_scene(path)
    wanted = whole(multilooked(scene, Multilook(10, 10))).intensity
    monkeypatch.setattr("sarvlm_app.core.derived.filtered.STRIP_PIXELS", 350)
    np.testing.assert_array_equal(whole(multilooked(scene, Multilook(10, 10))).intensity, wanted)


@pytest.mark.parametrize("shape", [(300, 310), (700, 4000)])
def test_the_looks_of_a_scene_are_those_of_its_clutter(tmp_path, shape):
    amplitude = np.sqrt(np.random.default_rng(4).gamma(3, 1 / 3, shape)).astype(np.float32)
    scene = open_scene(write_tif(tmp_path / "a.tif", 100 * amplitude))
    assert scene_looks(scene, 1) == pytest.approx(3, rel=0.04)
    more = scene_looks(multilooked(scene, Multilook(2, 2)), 1)
    assert more == pytest.approx(12, rel=0.1)


def test_a_transform_with_shear_is_kept(tmp_path):
    sheared = Affine(9.0, 2.0, 500000.0, 1.5, -8.0, 5300000.0)
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((60, 60)), crs=UTM33, transform=sheared))
    made = multilooked(scene, Multilook(3, 2))
    np.testing.assert_allclose(made.georef.to_lonlat(5, 7), scene.georef.to_lonlat(10, 21), atol=1e-12)


def test_the_pyramid_and_the_statistics_take_a_filtered_scene_as_any_other(path, tmp_path):
    made = filtered(open_scene(path), Lee(looks=1.0))
    shown = ScenePyramid(made, 1, tmp_path).read(0, 0, made.height, 0, made.width)
    at_once = whole(made)
    wanted = np.where(at_once.valid, 10 * np.log10(np.where(at_once.valid, at_once.intensity, 1)), np.nan)
    np.testing.assert_allclose(shown, wanted, atol=1e-3)
    assert scene_stats(made, 1).p98_amplitude < scene_stats(open_scene(path), 1).p98_amplitude


def test_several_threads_read_the_same(path):
    made = filtered(open_scene(path), make_filter("refined-lee"))
    windows = [Window(col, row, 40, 40) for row in range(0, 110, 37) for col in range(0, 130, 41)]
    alone = [read_chip(made, window, 1).intensity for window in windows]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda window: read_chip(made, window, 1).intensity, windows))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
