import warnings
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from sarvlm_app.core.derived.calibrated import calibrated, calibrations
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip, source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.palsar_files import (
    ANGLE,
    CF,
    ID11,
    ID15,
    LIGHT,
    NEAR,
    SAMPLING,
    SIZE,
    image_file,
    leader_file,
    place,
    samples,
    write_palsar,
)

WHOLE = Window(0, 0, *SIZE)


def intensity(scene, window=WHOLE, band=1):
    return read_chip(scene, window, band).intensity


def angle(ranges_m):
    """Incidence in radians, the leader's polynomial written out."""
    km = np.asarray(ranges_m) / 1000.0
    return ANGLE[0] + ANGLE[1] * km + ANGLE[2] * km**2


def one_sentence(text):
    assert text.endswith(".") and "\n" not in text and ";" in text, text


def test_level_1_5_says_what_it_holds(tmp_path):
    scene = open_scene(write_palsar(tmp_path))
    assert scene.product == "ALOS-2 PALSAR-2 level 1.5" and (scene.width, scene.height) == SIZE
    assert [band.polarisation for band in scene.bands] == ["HH", "HV"]
    assert scene.name == ID15 and scene.missing == () and scene.parts == ()
    assert scene.acquired == datetime(2015, 3, 24, 12, 34, 56, 789000, tzinfo=UTC)
    assert scene.facts["orbit"] == "descending, 26957" and scene.facts["look"] == "right"
    assert scene.facts["mode"] == "FBDR" and scene.facts["off nadir"] == "34.3 deg"
    assert scene.value_type is ValueType.DN and scene.dtype == "uint16"


def test_level_1_1_says_what_it_holds(tmp_path):
    scene = open_scene(write_palsar(tmp_path, complex_=True, pols=("HH",)))
    assert scene.product == "ALOS PALSAR level 1.1" and scene.value_type is ValueType.COMPLEX
    assert scene.facts["orbit"] == "ascending, 26957" and scene.dtype == "complex64"
    ends = np.rad2deg(angle([NEAR, NEAR + 69 * LIGHT / 2e6 / SAMPLING]))
    assert scene.incidence_deg[0] == pytest.approx(ends[0]) and scene.incidence_deg[2] == pytest.approx(ends[1])


def test_every_file_of_a_product_leads_to_one_scene(tmp_path):
    write_palsar(tmp_path)
    scenes = [open_scene(file) for file in sorted(tmp_path.iterdir())]
    assert all(scene == open_scene(tmp_path) for scene in scenes) and len(scenes) == 4


@pytest.mark.parametrize("complex_", [False, True])
def test_samples_are_those_that_were_written(tmp_path, complex_):
    scene = open_scene(write_palsar(tmp_path, complex_))
    values, valid = source_of(scene, 1).native(WHOLE)
    np.testing.assert_array_equal(values, samples(complex_, 0))
    assert valid.all()
    part, _ = source_of(scene, 2).native(Window(13, 5, 22, 31))
    np.testing.assert_array_equal(part, samples(complex_, 1)[5:36, 13:35])


def test_level_1_5_agrees_with_gdals_reader(tmp_path):
    path = write_palsar(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, driver="SAR_CEOS") as dataset:
            theirs = dataset.read(1)
    np.testing.assert_array_equal(source_of(open_scene(path), 1).native(WHOLE)[0], theirs)


def test_level_1_1_agrees_with_sarpys_reader(tmp_path, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", False)  # sarpy sets it for the whole process
    from sarpy.io.complex.palsar2 import _IMG_Elements

    path = write_palsar(tmp_path, complex_=True, pols=("HV",))
    said = _IMG_Elements(str(path))
    plane = source_of(open_scene(path), 1).plane
    assert (said.num_pixels, said.num_lines) == (plane.cols, plane.rows)
    assert plane.offset == said.rec_length + said.prefix_bytes
    assert plane.row_bytes == said.prefix_bytes + said.num_pixels * said.num_bytes + said.suffix_bytes
    first, last = said.signal_elements
    assert (first.slant_rng, first.lat_first, last.lon_last) == (
        NEAR,
        round(place(0, 0)[1] * 1e6),
        round(place(69, 49)[0] * 1e6),
    )


@pytest.mark.parametrize("complex_", [False, True])
def test_lines_tell_where_they_lie(tmp_path, complex_):
    scene = open_scene(write_palsar(tmp_path, complex_))
    lon, lat = scene.georef.to_lonlat([0.5, 35.0, 69.5], [0.5, 25.0, 49.5])
    expected = [place(0, 0), place(34.5, 24.5), place(69, 49)]
    np.testing.assert_allclose(lon, [at[0] for at in expected], atol=1e-6)
    np.testing.assert_allclose(lat, [at[1] for at in expected], atol=1e-6)


def test_lines_that_do_not_tell_leave_the_scene_without_a_place(tmp_path):
    scene = open_scene(write_palsar(tmp_path, filled=False))
    assert scene.georef is None and "do not tell" in scene.facts["geometry"]


def test_level_1_5_is_sigma0_by_its_factor(tmp_path):
    scene = open_scene(write_palsar(tmp_path))
    dn = samples(False, 1).astype(float)
    sigma = intensity(calibrated(scene, Calibration.SIGMA0), band=2)
    np.testing.assert_allclose(10 * np.log10(sigma), 10 * np.log10(dn**2) + CF, atol=1e-4)
    ranges = np.polyval(np.polyfit([0, 34.5, 69], [NEAR, NEAR + 300, NEAR + 620], 2), np.arange(70))
    gamma = intensity(calibrated(scene, Calibration.GAMMA0), band=2)
    np.testing.assert_allclose(gamma, dn**2 * 10 ** (CF / 10) / np.cos(angle(ranges)), rtol=1e-4)


def test_level_1_1_is_sigma0_by_its_factor_less_32_db(tmp_path):
    scene = open_scene(write_palsar(tmp_path, complex_=True))
    power = np.abs(samples(True, 0).astype(complex)) ** 2
    sigma = intensity(calibrated(scene, Calibration.SIGMA0))
    np.testing.assert_allclose(10 * np.log10(sigma), 10 * np.log10(power) + CF - 32.0, atol=1e-4)
    ranges = NEAR + np.arange(70) * LIGHT / 2e6 / SAMPLING
    beta = intensity(calibrated(scene, Calibration.BETA0))
    np.testing.assert_allclose(beta, power * 10 ** ((CF - 32) / 10) / np.sin(angle(ranges)), rtol=1e-4)


def test_a_sensor_that_looks_left(tmp_path):
    path = write_palsar(tmp_path)
    (tmp_path / f"LED-{ID15}").write_bytes(leader_file(clock=-90.0))
    assert open_scene(path).facts["look"] == "left"


@pytest.mark.parametrize("content", [None, b"", leader_file()[:3000], image_file(False)[:2000]])
def test_a_leader_that_cannot_be_used_is_listed(tmp_path, content):
    path = write_palsar(tmp_path)
    led = tmp_path / f"LED-{ID15}"
    if content is None:
        led.unlink()
    else:
        led.write_bytes(content)
    scene = open_scene(path)
    assert len(scene.missing) == 1 and scene.missing[0].startswith(led.name)
    assert scene.acquired is None and calibrations(scene) == () and scene.georef is not None


@pytest.mark.parametrize("factor", ["", "NaN", "********", "1E400", "9999.0"])
def test_a_factor_that_is_no_number_calibrates_nothing(tmp_path, factor):
    path = write_palsar(tmp_path)
    (tmp_path / f"LED-{ID15}").write_bytes(leader_file(factor))
    assert calibrations(open_scene(path)) == ()


@pytest.mark.parametrize("keep", [0, 100, 800, -3])
def test_an_image_cut_short(tmp_path, keep):
    path = write_palsar(tmp_path, pols=("HH",))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    one_sentence(str(caught.value))


def test_one_polarisation_cut_short(tmp_path):
    path = write_palsar(tmp_path)
    path.write_bytes(path.read_bytes()[:5000])
    scene = open_scene(tmp_path)
    assert [band.polarisation for band in scene.bands] == ["HV"]
    assert scene.missing == (f"{path.name} (damaged or cut short)",)


def test_all_images_missing(tmp_path):
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / f"LED-{ID15}").write_bytes(leader_file())
    with pytest.raises(SceneError, match="lacks its images") as caught:
        open_scene(tmp_path / f"LED-{ID15}")
    one_sentence(str(caught.value))


def test_two_products_in_one_folder_are_asked_about(tmp_path):
    path = write_palsar(tmp_path)
    write_palsar(tmp_path, complex_=True)
    with pytest.raises(SceneError, match="open an image file of one of them"):
        open_scene(tmp_path)
    assert open_scene(path).name == ID15 and open_scene(tmp_path / f"LED-{ID11}").name == ID11


def test_beams_of_a_scan_are_parts(tmp_path):
    path = write_palsar(tmp_path, complex_=True, pols=("HH",))
    for beam in ("F1", "F2"):
        (tmp_path / f"{path.name}-{beam}").write_bytes(image_file(True, int(beam[1])))
    path.unlink()
    second = open_scene(tmp_path, "F2")
    assert second.parts == ("F1", "F2")
    np.testing.assert_array_equal(source_of(second, 1).native(WHOLE)[0], samples(True, 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 900), st.binary(min_size=1, max_size=12), st.booleans())
def test_any_bytes_in_descriptor_or_lines_open_or_are_one_sentence(tmp_path_factory, at, content, complex_):
    path = write_palsar(tmp_path_factory.mktemp("alos"), complex_, ("HH",))
    whole = bytearray(path.read_bytes())
    whole[at : at + len(content)] = content
    path.write_bytes(whole)
    try:
        scene = open_scene(path)
    except SceneError as error:
        one_sentence(str(error))
    else:
        with np.errstate(over="ignore"):
            read_chip(scene, Window(0, 0, min(scene.width, 70), min(scene.height, 50)), 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4900), st.binary(min_size=1, max_size=20))
def test_any_bytes_in_the_leader_open(tmp_path_factory, at, content):
    path = write_palsar(tmp_path_factory.mktemp("alos"), False, ("HH",))
    whole = bytearray(leader_file())
    whole[at : at + len(content)] = content
    (path.parent / f"LED-{ID15}").write_bytes(whole)
    assert intensity(open_scene(path)).shape == (50, 70)
