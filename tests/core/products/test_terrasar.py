import warnings

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from sarvlm_app.core.derived.calibrated import calibrated, calibrations, can_remove_noise
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip, source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.orbits import START, seen_from
from tests.core.products.terrasar_files import (
    FACTOR,
    HEIGHT,
    NEAR,
    NOISE,
    SIZE,
    SPACING,
    STEP,
    complex_samples,
    georef_xml,
    main_xml,
    tau,
    write_product,
)

WHOLE = Window(0, 0, *SIZE)
BOMB = '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><level1Product>&b;</level1Product>'


def grid(counting="times"):
    """A plain grid: places that need not be true, for the test looks whether they are taken over."""
    points = []
    for iaz, row in enumerate((0.0, 24.5, 49.0), 1):
        for irg, col in enumerate((0.0, 23.0, 46.0, 69.0), 1):
            point = {"iaz": iaz, "irg": irg, "lat": 45 + row * 1e-4, "lon": 11 + col * 2e-4, "height": 50.0}
            point["inc"] = 30.0 + 0.01 * col + 0.002 * row
            if counting == "times":
                point |= {"t": STEP * row, "tau": tau(col) - tau(0)}
            else:
                point |= {"row": row + 1, "col": col + 1}
            points.append(point)
    return georef_xml(points)


def intensity(scene, window=WHOLE, band=1):
    return read_chip(scene, window, band).intensity


def one_sentence(text):
    assert text.endswith(".") and "\n" not in text and ";" in text, text


def test_an_ssc_says_what_its_annotation_says(tmp_path):
    main = write_product(tmp_path, pols=("HH", "VV"), grid=grid())
    scene = open_scene(main)
    assert scene.product == "TanDEM-X SSC" and (scene.width, scene.height) == SIZE
    assert [band.polarisation for band in scene.bands] == ["HH", "VV"]
    assert scene.acquired == START and scene.missing == ()
    assert scene.facts["orbit"] == "ascending, 61696" and scene.facts["look"] == "right"
    assert scene.facts["mode"] == "SM" and scene.facts["platform"] == "TDX-1"
    assert scene.incidence_deg == (24.9, 25.2, 25.7)
    assert scene.value_type is ValueType.COMPLEX and scene.part is None
    assert [place.name for place in scene.documents] == [main.name, "GEOREF.xml"]


def test_folder_annotation_and_image_lead_to_one_scene(tmp_path):
    main = write_product(tmp_path, grid=grid())
    image = next((main.parent / "IMAGEDATA").iterdir())
    assert open_scene(main) == open_scene(main.parent) == open_scene(image)


@pytest.mark.parametrize("version", [1, 2])
def test_cosar_samples_are_read_as_written(tmp_path, version):
    scene = open_scene(write_product(tmp_path, version=version))
    values, valid = source_of(scene, 1).native(WHOLE)
    expected = complex_samples(0)
    if version == 2:
        expected = expected.real.astype(np.float16) + 1j * expected.imag.astype(np.float16)
    np.testing.assert_array_equal(values, expected.astype(np.complex64))
    assert valid.all()
    part, _ = source_of(scene, 1).native(Window(11, 7, 20, 30))
    np.testing.assert_array_equal(part, values[7:37, 11:31])


def test_cosar_agrees_with_gdals_reader(tmp_path):
    main = write_product(tmp_path)
    image = next((main.parent / "IMAGEDATA").iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(image, driver="COSAR") as dataset:
            theirs = dataset.read(1)
    values, _ = source_of(open_scene(main), 1).native(WHOLE)
    np.testing.assert_array_equal(values, theirs.astype(np.complex64))


@pytest.mark.parametrize("counting", ["times", "rows"])
def test_the_geolocation_grid_places_its_own_points(tmp_path, counting):
    scene = open_scene(write_product(tmp_path, grid=grid(counting)))
    lon, lat = scene.georef.to_lonlat([0.5, 46.5, 69.5], [0.5, 25.0, 49.5])
    np.testing.assert_allclose(lon, [11, 11 + 46 * 2e-4, 11 + 69 * 2e-4], atol=2e-7)
    np.testing.assert_allclose(lat, [45, 45 + 24.5e-4, 45 + 49e-4], atol=2e-7)
    assert "geolocation grid" in scene.facts["geometry"]


def test_without_a_grid_the_orbit_places_an_ssc(tmp_path):
    scene = open_scene(write_product(tmp_path))
    assert scene.missing == ("ANNOTATION/GEOREF.xml",)
    lon, lat = scene.georef.to_lonlat(20.5, 30.5)
    seconds, distance = seen_from(float(lon), float(lat), HEIGHT)
    assert (distance - NEAR) / SPACING == pytest.approx(20, abs=0.05)
    assert seconds / STEP == pytest.approx(30, abs=0.05)


def test_calibration_of_an_ssc(tmp_path):
    scene = open_scene(write_product(tmp_path, pols=("HH", "VV"), grid=grid()))
    assert set(calibrations(scene)) == {Calibration.BETA0, Calibration.SIGMA0, Calibration.GAMMA0}
    row, col = np.mgrid[: SIZE[1], : SIZE[0]]
    angle = np.deg2rad(30.0 + 0.01 * col + 0.002 * row)
    for band, (pol, seed) in enumerate([("HH", 0), ("VV", 1)], 1):
        beta = FACTOR[pol] * np.abs(complex_samples(seed).astype(complex)) ** 2
        np.testing.assert_allclose(intensity(calibrated(scene, Calibration.BETA0), band=band), beta, rtol=1e-5)
        sigma = intensity(calibrated(scene, Calibration.SIGMA0), band=band)
        np.testing.assert_allclose(sigma, beta * np.sin(angle), rtol=1e-4)
        gamma = intensity(calibrated(scene, Calibration.GAMMA0), Window(5, 6, 30, 20), band)
        np.testing.assert_allclose(gamma, (beta * np.tan(angle))[6:26, 5:35], rtol=1e-4)


def test_thermal_noise_of_an_ssc(tmp_path):
    scene = open_scene(write_product(tmp_path))
    assert can_remove_noise(scene)
    row, col = np.mgrid[: SIZE[1], : SIZE[0]]
    times = np.vectorize(tau)(col) - tau(35)
    noise = (1 + row / 49) * (NOISE[0] + NOISE[1] * times)
    power = np.abs(complex_samples(0).astype(complex)) ** 2
    ours = intensity(calibrated(scene, Calibration.BETA0, remove_noise=True))
    np.testing.assert_allclose(ours, FACTOR["HH"] * (power - noise), atol=FACTOR["HH"] * power.max() * 1e-6)


def test_a_geocoded_product_lies_in_its_map_and_gets_angles_from_the_grid(tmp_path):
    from sarvlm_app.core.georef import AffineGeoref
    from tests.core.products.terrasar_files import UTM53

    georef = AffineGeoref(UTM53["transform"], UTM53["crs"], SIZE)
    points = []
    for iaz, row in enumerate(np.linspace(-5, 60, 5), 1):
        for irg, col in enumerate(np.linspace(-5, 80, 6), 1):
            lon, lat = georef.to_lonlat(col, row)
            inc = 40 + 0.02 * col - 0.01 * row
            points.append({"iaz": iaz, "irg": irg, "lat": float(lat), "lon": float(lon), "height": 3.0, "inc": inc})
    scene = open_scene(write_product(tmp_path, "EEC", grid=georef_xml(points)))
    assert scene.product == "TanDEM-X EEC" and scene.georef.crs_name == "EPSG:32653"
    assert scene.value_type is ValueType.DN and not can_remove_noise(scene)
    beta = intensity(calibrated(scene, Calibration.BETA0))
    sigma = intensity(calibrated(scene, Calibration.SIGMA0))
    row, col = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    np.testing.assert_allclose(sigma / beta, np.sin(np.deg2rad(40 + 0.02 * col - 0.01 * row)), rtol=1e-5)


def test_an_uncalibrated_product_is_not_calibrated(tmp_path):
    assert calibrations(open_scene(write_product(tmp_path, cal="NOTCALIBRATED"))) == ()


def test_bursts_are_parts(tmp_path):
    main = write_product(tmp_path, bursts=3)
    scene = open_scene(main)
    assert scene.parts == tuple(f"strip_016 burst {n}" for n in (1, 2, 3)) and scene.part == scene.parts[0]
    third = open_scene(main, "strip_016 burst 3")
    np.testing.assert_array_equal(source_of(third, 1).native(WHOLE)[0], complex_samples(20))
    assert third.fingerprint != scene.fingerprint
    with pytest.raises(SceneError, match="choose one of"):
        open_scene(main, "burst 9")


def test_one_polarisation_missing(tmp_path):
    main = write_product(tmp_path, pols=("HH", "VV"), grid=grid())
    (main.parent / "IMAGEDATA" / "IMAGE_HH_SRA_strip_016.cos").unlink()
    scene = open_scene(main)
    assert [band.polarisation for band in scene.bands] == ["VV"]
    assert scene.missing == ("IMAGE_HH_SRA_strip_016.cos",)
    assert scene.bands[0].calibrator.factor == pytest.approx(FACTOR["VV"])


def test_all_images_missing(tmp_path):
    main = write_product(tmp_path)
    next((main.parent / "IMAGEDATA").iterdir()).unlink()
    with pytest.raises(SceneError, match="lacks its image") as caught:
        open_scene(main.parent)
    one_sentence(str(caught.value))


@pytest.mark.parametrize("content", ["", "<level1Product>", "<product/>", BOMB, "<level1Product/>"])
def test_an_annotation_that_cannot_be_used(tmp_path, content):
    main = write_product(tmp_path)
    main.write_text(content)
    with pytest.raises(SceneError) as caught:
        open_scene(main)
    one_sentence(str(caught.value))


def test_an_annotation_of_another_product(tmp_path):
    main = write_product(tmp_path, columns="71")
    with pytest.raises(SceneError, match="belong together"):
        open_scene(main)


@pytest.mark.parametrize("content", ["", BOMB, "<geoReference>", georef_xml([]), grid().replace("<lat>4", "<lat>x")])
def test_a_grid_that_cannot_be_used_leaves_the_orbit(tmp_path, content):
    scene = open_scene(write_product(tmp_path, grid=content))
    assert scene.georef is not None and "zero-Doppler" in scene.facts["geometry"]


@pytest.mark.parametrize("keep", [0, 20, 3000, -4])
def test_a_cosar_file_cut_short(tmp_path, keep):
    main = write_product(tmp_path)
    image = next((main.parent / "IMAGEDATA").iterdir())
    image.write_bytes(image.read_bytes()[:keep])
    with pytest.raises(SceneError) as caught:
        open_scene(main)
    one_sentence(str(caught.value))


def test_a_file_name_that_leads_out_of_the_product_is_not_followed(tmp_path):
    main = write_product(tmp_path)
    outside = tmp_path / "IMAGE_HH_SRA_strip_016.cos"
    next((main.parent / "IMAGEDATA").iterdir()).rename(outside)
    main.write_text(main_xml("SSC", {"HH": "../../IMAGE_HH_SRA_strip_016.cos"}))
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(main)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_an_annotation_with_any_number_spoilt_opens_or_is_one_sentence(tmp_path_factory, data):
    main = write_product(tmp_path_factory.mktemp("tsx"), grid=grid())
    text = main.read_text()
    words = [word for word in text.replace(">", "<").split("<") if word.strip() and not word.startswith("/")]
    word = data.draw(st.sampled_from(sorted(set(words))))
    new = data.draw(st.sampled_from(["", "x", "-1", "0", "NaN", "1E+999", "9" * 30, "2024-13-45T99:00:00Z"]))
    main.write_text(text.replace(f">{word}<", f">{new}<"))
    try:
        scene = open_scene(main)
    except SceneError as error:
        one_sentence(str(error))
    else:
        intensity(scene)
