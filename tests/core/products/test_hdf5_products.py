"""NISAR and COSMO-SkyMed, on products that `hdf5_files` writes."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.derived.calibrated import calibrated, calibrations
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip, source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.hdf5_files import (
    IMAGE_ATTRIBUTES,
    SIZE,
    STEP,
    cosmo_attributes,
    samples,
    seen,
    write_cosmo,
    write_geocoded,
    write_rslc,
)
from tests.core.products.orbits import START
from tests.core.products.vendor_files import write_iceye_slc

WHOLE = Window(0, 0, *SIZE)


def intensity(scene, window=WHOLE, band=1):
    return read_chip(scene, window, band).intensity


def one_sentence(text):
    assert text.endswith(".") and "\n" not in text and ";" in text, text


# --- NISAR ---------------------------------------------------------------------------------------------------------


def test_an_rslc_says_what_it_holds(tmp_path):
    scene = open_scene(write_rslc(tmp_path))
    assert scene.product == "NISAR L-band RSLC" and (scene.width, scene.height) == SIZE
    assert scene.parts == ("frequencyA", "frequencyB") and scene.part == "frequencyA"
    assert [band.polarisation for band in scene.bands] == ["HH", "HV"]
    assert scene.acquired == START and scene.value_type is ValueType.COMPLEX
    assert scene.facts["orbit"] == "ascending, 1234" and scene.facts["look"] == "left"
    assert scene.facts["track and frame"] == "5, 77" and scene.facts["mode"] == "20 MHz"
    assert scene.incidence_deg == pytest.approx((35.0, 35.315, 35.63), abs=0.1)
    assert open_scene(tmp_path) == scene


def test_the_other_frequency_of_an_rslc_is_a_part(tmp_path):
    path = write_rslc(tmp_path)
    scene = open_scene(path, "frequencyb")
    assert (scene.width, scene.height) == (35, 50) and len(scene.bands) == 1 and scene.facts["mode"] == "5 MHz"
    lon, lat = scene.georef.to_lonlat(10.5, 20.5)
    assert (float(lon), float(lat)) == pytest.approx((11 + 20 * 2e-4, 45 + 20e-4), abs=1e-7)
    with pytest.raises(SceneError, match="choose one of frequencyA, frequencyB"):
        open_scene(path, "frequencyC")


@pytest.mark.parametrize("halves", [False, True])
def test_samples_of_an_rslc(tmp_path, halves):
    scene = open_scene(write_rslc(tmp_path, halves=halves))
    values, valid = source_of(scene, 2).native(Window(9, 3, 40, 30))
    np.testing.assert_allclose(values, samples(1)[3:33, 9:49], atol=5e-4 if halves else 0)
    assert valid.all() and values.dtype == np.complex64


@pytest.mark.parametrize("epsg", [4326, 32632])
def test_the_cube_of_an_rslc_places_it_at_any_height(tmp_path, epsg):
    scene = open_scene(write_rslc(tmp_path, epsg=epsg))
    lon, lat = scene.georef.to_lonlat([0.5, 40.5, 69.5], [0.5, 20.5, 49.5])
    np.testing.assert_allclose(lon, 11 + np.array([0, 40, 69]) * 2e-4, atol=1e-7)
    np.testing.assert_allclose(lat, 45 + np.array([0, 20, 49]) * 1e-4, atol=1e-7)
    higher, _ = scene.georef.to_lonlat(40.5, 20.5, 500.0)
    assert float(higher) > float(lon[1]), "away from the sensor, which is the way the columns count"


def test_an_rslc_is_beta0_and_sigma0_by_its_angles(tmp_path):
    scene = open_scene(write_rslc(tmp_path))
    power = np.abs(samples(0).astype(complex)) ** 2
    np.testing.assert_allclose(intensity(calibrated(scene, Calibration.BETA0)), power, rtol=1e-5)
    angle = np.deg2rad(35 + 0.01 * np.arange(70))
    np.testing.assert_allclose(intensity(calibrated(scene, Calibration.SIGMA0)), power * np.sin(angle), rtol=1e-5)


@pytest.mark.parametrize(
    "gone", ["coordinateX", "zeroDopplerTime", "slantRange", "heightAboveEllipsoid", "epsg"]
)  # fmt: skip
def test_an_rslc_without_its_cube_opens_without_a_place(tmp_path, gone):
    path = write_rslc(tmp_path, drop=(f"science/LSAR/RSLC/metadata/geolocationGrid/{gone}",))
    scene = open_scene(path)
    assert scene.georef is None and scene.facts["geometry"].startswith("none: ")
    assert calibrations(scene) == (Calibration.BETA0,)


def test_gcov_is_gamma0_on_a_map(tmp_path):
    scene = open_scene(write_geocoded(tmp_path))
    assert scene.product == "NISAR L-band GCOV" and scene.parts == () and scene.part is None
    assert scene.value_type is ValueType.INTENSITY and scene.calibration is Calibration.GAMMA0
    assert calibrations(scene) == () and [band.polarisation for band in scene.bands] == ["HH", "HV"]
    chip = read_chip(scene, WHOLE, 1)
    assert not chip.valid[:5].any() and chip.valid[5:].all()
    np.testing.assert_allclose(chip.intensity[5:], (np.abs(samples(0)) ** 2)[5:], rtol=1e-5)
    assert scene.georef.crs_name == "EPSG:32633" and scene.georef.transform @ (0.5, 0.5) == (365_005.0, 4_999_995.0)
    assert scene.spacing_m == pytest.approx((10.0, 5.0), rel=2e-3)


def test_gslc_is_complex_on_a_map(tmp_path):
    scene = open_scene(write_geocoded(tmp_path, "GSLC"))
    assert scene.value_type is ValueType.COMPLEX and calibrations(scene) == (Calibration.BETA0,)
    np.testing.assert_allclose(intensity(scene), np.abs(samples(0)) ** 2, rtol=1e-5)


@pytest.mark.parametrize("keep", [8, 100, 5000, -1])
@pytest.mark.parametrize("write", [write_rslc, write_cosmo])
def test_hdf5_cut_short(tmp_path, write, keep):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    one_sentence(str(caught.value))


@pytest.mark.parametrize("write", [write_rslc, write_cosmo])
def test_hdf5_without_an_image(tmp_path, write):
    path = write(tmp_path)
    with h5py.File(path, "w") as file:
        file["science"] = 7
    with pytest.raises(SceneError, match="lacks its image") as caught:
        open_scene(path)
    one_sentence(str(caught.value))


def test_powers_and_parts_that_are_complex_are_no_image(tmp_path):
    path = write_geocoded(tmp_path)
    with h5py.File(path, "a") as file:
        for name in [name for name in file["science/LSAR/GCOV/grids/frequencyA"] if len(name) == 4]:
            del file[f"science/LSAR/GCOV/grids/frequencyA/{name}"]
            file[f"science/LSAR/GCOV/grids/frequencyA/{name}"] = np.ones((50, 70), np.complex64)
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(path)
    path = write_iceye_slc(tmp_path)
    with h5py.File(path, "a") as file:
        del file["s_i"]
        file["s_i"] = np.ones((50, 70), np.complex64)
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(path)


def test_a_file_that_is_not_hdf5(tmp_path):
    path = write_rslc(tmp_path)
    path.write_bytes(b"II*\x00" + bytes(100))
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    one_sentence(str(caught.value))


@pytest.mark.parametrize("way", ["external", "virtual", "soft"])
def test_images_that_lie_in_another_file_are_not_read(tmp_path, way):
    path = write_geocoded(tmp_path, "GSLC")
    other = tmp_path / "other.bin"
    other.write_bytes(bytes(8 * 70 * 50))
    with h5py.File(path, "a") as file:
        group = file["science/LSAR/GSLC/grids/frequencyA"]
        for name in ("HH", "HV"):
            del group[name]
            if way == "external":
                group.create_dataset(name, (50, 70), np.complex64, external=[(str(other), 0, 8 * 70 * 50)])
            elif way == "soft":
                group[name] = h5py.SoftLink("/science/elsewhere")
            else:
                layout = h5py.VirtualLayout((50, 70), np.complex64)
                layout[:] = h5py.VirtualSource(str(tmp_path / "x.h5"), "a", (50, 70))
                group.create_virtual_dataset(name, layout)
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(path)


# --- COSMO-SkyMed --------------------------------------------------------------------------------------------------


def factor(flag=0):
    root = cosmo_attributes(False)
    value = root["Reference Slant Range"] ** (2 * root["Reference Slant Range Exponent"])
    return value / root["Rescaling Factor"] ** 2 / (2.5e15 if flag == 0 else 1.0)


def stored(path, dataset="S01/SBI"):
    with h5py.File(path) as file:
        return file[dataset][()].astype(float)


def test_cosmo_says_what_it_holds(tmp_path):
    scene = open_scene(write_cosmo(tmp_path))
    assert scene.product == "COSMO-SkyMed SCS_B" and (scene.width, scene.height) == SIZE
    assert [band.polarisation for band in scene.bands] == ["HH"] and scene.parts == ()
    assert (scene.acquired - START).total_seconds() == pytest.approx(-0.4)
    assert scene.facts["orbit"] == "ascending, 33891" and scene.facts["look"] == "right"
    assert scene.facts["platform"] == "CSKS1" and scene.facts["mode"] == "HIMAGE"
    assert scene.incidence_deg == (24.5, 25.0, 25.5) and scene.value_type is ValueType.COMPLEX
    assert open_scene(tmp_path) == scene


@pytest.mark.parametrize("lines", ["EARLY-LATE", "LATE-EARLY"])
@pytest.mark.parametrize("columns", ["NEAR-FAR", "FAR-NEAR"])
def test_cosmo_lies_where_its_orbit_puts_it_in_any_order(tmp_path, lines, columns):
    scene = open_scene(write_cosmo(tmp_path, root={"Lines Order": lines, "Columns Order": columns}))
    lon, lat = scene.georef.to_lonlat(20.5, 30.5)
    column, line = seen(float(lon), float(lat))
    assert column == pytest.approx(20 if columns == "NEAR-FAR" else 49, abs=0.05)
    assert line == pytest.approx(30 if lines == "EARLY-LATE" else 19, abs=0.05)


def test_cosmo_is_calibrated_by_the_handbooks_formula(tmp_path):
    path = write_cosmo(tmp_path)
    scene = open_scene(path)
    power = (stored(path) ** 2).sum(axis=2)
    np.testing.assert_allclose(intensity(scene), power, rtol=1e-6)
    np.testing.assert_allclose(intensity(calibrated(scene, Calibration.BETA0)), factor() * power, rtol=1e-5)
    path = write_cosmo(tmp_path, root={"Calibration Constant Compensation Flag": np.uint8(1)})
    np.testing.assert_allclose(
        intensity(calibrated(open_scene(path), Calibration.BETA0)), factor(1) * power, rtol=1e-5
    )  # fmt: skip


def test_cosmo_with_its_angle_compensated_is_sigma0(tmp_path):
    path = write_cosmo(tmp_path, root={"Incidence Angle Compensation Geometry": "ELLIPSOID"})
    power = (stored(path) ** 2).sum(axis=2)
    ours = intensity(calibrated(open_scene(path), Calibration.SIGMA0))
    np.testing.assert_allclose(ours, factor() * np.sin(np.deg2rad(40.0)) * power, rtol=1e-5)


def test_the_second_generation_is_read_and_not_calibrated(tmp_path):
    scene = open_scene(write_cosmo(tmp_path, second=True))
    assert scene.product == "COSMO-SkyMed Second Generation SCS_B" and calibrations(scene) == ()
    assert scene.georef is not None and scene.facts["calibration"].startswith("none")


def test_polarisations_are_bands_and_beams_are_parts(tmp_path):
    two = open_scene(write_cosmo(tmp_path, pols=("HH", "HV")))
    assert [band.polarisation for band in two.bands] == ["HH", "HV"] and two.parts == ()
    path = write_cosmo(tmp_path, pols=("HH", "HH"), sizes=[(70, 50), (60, 40)])
    second = open_scene(path, "S02")
    assert second.parts == ("S01", "S02") and (second.width, second.height) == (60, 40)


def corners():
    return {
        "Top Left Geodetic Coordinates": np.array([45.01, 11.0, HEIGHT]),
        "Top Right Geodetic Coordinates": np.array([45.01, 11.02, HEIGHT]),
        "Bottom Left Geodetic Coordinates": np.array([45.0, 11.0, HEIGHT]),
        "Bottom Right Geodetic Coordinates": np.array([45.0, 11.02, HEIGHT]),
    }


HEIGHT = 120.0


def test_a_detected_product_lies_between_its_corners(tmp_path):
    root = {"Product Type": "DGM_B", "Projection ID": "GROUND RANGE/AZIMUTH"}
    path = write_cosmo(tmp_path, detected=True, root=root, image=corners())
    scene = open_scene(path)
    assert scene.value_type is ValueType.DN and scene.dtype == "uint16" and "corners" in scene.facts["geometry"]
    lon, lat = scene.georef.to_lonlat([0.5, 69.5], [0.5, 49.5])
    np.testing.assert_allclose([*lon, *lat], [11.0, 11.02, 45.01, 45.0], atol=1e-9)


def test_corners_overrule_an_orbit_that_contradicts_them(tmp_path):
    scene = open_scene(write_cosmo(tmp_path, image=corners()))
    assert "corners" in scene.facts["geometry"]
    assert float(scene.georef.to_lonlat(0.5, 0.5)[0]) == pytest.approx(11.0)


@pytest.mark.parametrize(
    "root",
    [
        {"Rescaling Factor": 0.0},
        {"Rescaling Factor": None},
        {"Reference Slant Range": np.nan},
        {"Reference Slant Range Exponent": 400.0},
        {"Range Spreading Loss Compensation Geometry": "NONE"},
        {"Incidence Angle Compensation Geometry": "ELLIPSOID", "Reference Incidence Angle": 123.0},
        {"Mission ID": np.array([1, 2])},
    ],
)
def test_constants_that_are_not_whole_calibrate_nothing(tmp_path, root):
    assert calibrations(open_scene(write_cosmo(tmp_path, root=root))) == ()


NAMES = [name for name, value in (cosmo_attributes(False) | IMAGE_ATTRIBUTES).items()]
NUMBERS = st.sampled_from([0.0, -1.0, np.nan, np.inf, 1e300, 1e-300, STEP, "", "x", b"\xff\xfe", np.zeros((2, 2))])


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), NUMBERS, max_size=4))
def test_whatever_attributes_hold_nothing_breaks(tmp_path_factory, changed):
    root = {name: value for name, value in changed.items() if name not in IMAGE_ATTRIBUTES}
    image = {name: value for name, value in changed.items() if name in IMAGE_ATTRIBUTES and value not in ("", "x")} if (
        not any(isinstance(value, np.ndarray) for value in changed.values())
    ) else {}  # fmt: skip
    scene = open_scene(write_cosmo(tmp_path_factory.mktemp("csk"), root=root, image=image))
    assert intensity(scene).shape == (50, 70)
