"""Umbra, Capella and ICEYE, on products that `vendor_files` writes."""

import json
import warnings
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from sarvlm_app.core.derived.calibrated import calibrated, calibrations
from sarvlm_app.core.products.json_text import number_in, numbers_in, parse_object, read_object, text_in
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.orbits import START, seen_from
from tests.core.products.vendor_files import (
    CAPELLA,
    ICEYE_ANGLE,
    ICEYE_COG,
    ICEYE_GRD,
    ICEYE_KEYS,
    UMBRA,
    UTM17,
    capella_json,
    iceye_json,
    iceye_xml,
    umbra_json,
    write_capella,
    write_iceye_cog,
    write_iceye_grd,
    write_iceye_slc,
    write_umbra,
)

WHOLE = Window(0, 0, 70, 50)


def stored(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as dataset:
            return dataset.read(1)


def intensity(scene, window=WHOLE, band=1):
    return read_chip(scene, window, band).intensity


def one_sentence(text):
    assert text.endswith(".") and "\n" not in text and ";" in text, text


# --- Umbra ---------------------------------------------------------------------------------------------------------


def test_umbra_says_what_its_json_says(tmp_path):
    scene = open_scene(write_umbra(tmp_path))
    assert scene.product == "Umbra GEC" and (scene.width, scene.height) == (80, 60)
    assert [band.polarisation for band in scene.bands] == ["VV"]
    assert scene.acquired == datetime(2023, 7, 18, 2, 30, 33, tzinfo=UTC)
    assert scene.facts["orbit"] == "ascending" and scene.facts["look"] == "left"
    assert scene.facts["platform"] == "UMBRA_04" and scene.facts["mode"] == "SPOTLIGHT"
    assert scene.incidence_deg == (47.4, 47.4, 47.4) and scene.facts["incidence"] == "47.40 deg"
    assert scene.value_type is ValueType.DN and scene.calibration is Calibration.UNCALIBRATED
    assert calibrations(scene) == () and scene.missing == ()
    assert scene.spacing_m == pytest.approx((0.5, 0.5), rel=2e-3)
    assert [place.name for place in scene.documents] == [f"{UMBRA}_METADATA.json"]


def test_umbra_pixels_are_those_of_the_tif_and_its_frame_is_no_data(tmp_path):
    path = write_umbra(tmp_path)
    chip = read_chip(open_scene(path), Window(0, 0, 80, 60), 1)
    np.testing.assert_allclose(chip.intensity, stored(path).astype(float) ** 2)
    assert not chip.valid[:5].any() and chip.valid[5:].all()


def test_folder_side_file_and_image_of_umbra_lead_to_one_scene(tmp_path):
    path = write_umbra(tmp_path)
    scenes = [open_scene(place) for place in (tmp_path, path, tmp_path / f"{UMBRA}_METADATA.json")]
    assert scenes[0] == scenes[1] == scenes[2]


def test_umbra_stac_item(tmp_path):
    said = {
        "properties": {
            "datetime": "2023-07-18T02:30:34Z", "platform": "Umbra-04", "sar:polarizations": ["VV"],
            "sat:orbit_state": "ascending", "view:incidence_angle": 47.4, "sar:instrument_mode": "SPOTLIGHT",
        }
    }  # fmt: skip
    path = write_umbra(tmp_path)
    (tmp_path / f"{UMBRA}_METADATA.json").rename(tmp_path / f"{UMBRA}.stac.v2.json")
    (tmp_path / f"{UMBRA}.stac.v2.json").write_text(json.dumps(said))
    scene = open_scene(path)
    assert scene.facts["platform"] == "Umbra-04" and scene.bands[0].polarisation == "VV"


@pytest.mark.parametrize("fault", ["gone", "cut", "another", "list"])
def test_umbra_without_a_usable_side_file_opens_and_lists_it(tmp_path, fault):
    path = write_umbra(tmp_path)
    side = tmp_path / f"{UMBRA}_METADATA.json"
    if fault == "gone":
        side.unlink()
    elif fault == "cut":
        side.write_text(side.read_text()[:200])
    elif fault == "list":
        side.write_text("[1, 2]")
    else:
        side.write_text(json.dumps(umbra_json(startAtUTC="2022-01-01T00:00:00+00:00")))
    scene = open_scene(path)
    assert len(scene.missing) == 1 and UMBRA in scene.missing[0]
    assert scene.acquired == datetime(2023, 7, 18, 2, 30, 32, tzinfo=UTC), "the time of its name"
    assert scene.georef is not None and scene.documents == ()


def test_umbra_side_file_without_its_image(tmp_path):
    write_umbra(tmp_path).unlink()
    with pytest.raises(SceneError) as caught:
        open_scene(tmp_path / f"{UMBRA}_METADATA.json")
    one_sentence(str(caught.value))


def test_a_folder_of_two_acquisitions_is_asked_about(tmp_path):
    path = write_umbra(tmp_path)
    (tmp_path / "2024-01-01-00-00-00_UMBRA-05_GEC.tif").write_bytes(path.read_bytes())
    with pytest.raises(SceneError, match="open one of them"):
        open_scene(tmp_path)


def test_a_part_is_refused(tmp_path):
    with pytest.raises(SceneError, match="no part IW1"):
        open_scene(write_umbra(tmp_path), "IW1")


# --- Capella -------------------------------------------------------------------------------------------------------


def test_capella_geo_is_calibrated_by_its_scale_factor(tmp_path):
    path = write_capella(tmp_path)
    scene = open_scene(path)
    assert scene.product == "Capella GEO" and (scene.width, scene.height) == (70, 50)
    assert scene.bands[0].polarisation == "HH" and scene.missing == ()
    assert scene.acquired.replace(microsecond=0) == START
    assert calibrations(scene) == (Calibration.SIGMA0,)
    sigma = intensity(calibrated(scene, Calibration.SIGMA0))
    np.testing.assert_allclose(10 * np.log10(sigma), 20 * np.log10(3.4e-4 * stored(path).astype(float)), atol=1e-4)


def test_capella_slc_lies_where_its_orbit_puts_it(tmp_path):
    scene = open_scene(write_capella(tmp_path, "SLC"))
    assert scene.value_type is ValueType.COMPLEX and scene.dtype == "complex_int16"
    lon, lat = scene.georef.to_lonlat([0.5, 69.5], [0.5, 49.5])
    for where, (col, row) in enumerate([(0, 0), (69, 49)]):
        seconds, distance = seen_from(lon[where], lat[where], 0.0)
        assert (distance - 640_000.0) / 1.2 == pytest.approx(col, abs=0.05)
        assert seconds / 2e-4 == pytest.approx(row, abs=0.05)


def test_capella_slc_gives_all_kinds_by_the_angle_of_its_geometry(tmp_path):
    path = write_capella(tmp_path, "SLC")
    scene = open_scene(path)
    assert set(calibrations(scene)) == {Calibration.BETA0, Calibration.SIGMA0, Calibration.GAMMA0}
    beta, sigma, gamma = (
        intensity(calibrated(scene, kind)).astype(float)
        for kind in (Calibration.BETA0, Calibration.SIGMA0, Calibration.GAMMA0)
    )
    np.testing.assert_allclose(beta, np.abs(stored(path).astype(complex) * 3.4e-4) ** 2, rtol=1e-5)
    angle = np.arcsin(sigma[beta > 0] / beta[beta > 0])
    assert 0.3 < angle.min() and angle.max() < 0.8
    np.testing.assert_allclose(gamma[beta > 0], sigma[beta > 0] / np.cos(angle), rtol=1e-4)


def test_the_tiff_carries_capellas_metadata_too(tmp_path):
    path = write_capella(tmp_path, tag=capella_json("GEO", (70, 50)))
    (tmp_path / f"{path.stem}_extended.json").unlink()
    scene = open_scene(path)
    assert scene.facts["platform"] == "capella-2" and calibrations(scene) == (Calibration.SIGMA0,)
    assert scene.missing == (f"{path.stem}_extended.json",)


@pytest.mark.parametrize(
    "said",
    [
        capella_json("GEO", (71, 50)),
        capella_json("GEO", (70, 50)) | {"collect": 7},
        {"collect": {"image": {"columns": "70", "rows": "50"}}},
        {},
    ],
)
def test_metadata_of_another_image_are_not_used(tmp_path, said):
    scene = open_scene(write_capella(tmp_path, said=said))
    assert "another" in scene.missing[0] and calibrations(scene) == ()
    assert scene.bands[0].polarisation == "HH", "of the name"


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), "3.4e-4", None, -1.0, 0.0, True])
def test_a_factor_that_is_no_number_calibrates_nothing(tmp_path, factor):
    said = capella_json("GEO", (70, 50), scale_factor=factor)
    assert calibrations(open_scene(write_capella(tmp_path, said=said))) == ()


def test_an_orbit_that_is_none_leaves_the_slc_without_a_place(tmp_path):
    said = capella_json("SLC", (70, 50), image_geometry={"type": "slant_plane"})
    scene = open_scene(write_capella(tmp_path, "SLC", said=said))
    assert scene.georef is None and scene.facts["geometry"].startswith("none: the slant plane")
    assert calibrations(scene) == (Calibration.BETA0,)


def test_capella_by_folder_and_side_file(tmp_path):
    path = write_capella(tmp_path)
    side = tmp_path / f"{path.stem}_extended.json"
    assert open_scene(tmp_path) == open_scene(side) == open_scene(path)
    path.unlink()
    with pytest.raises(SceneError) as caught:
        open_scene(side)
    one_sentence(str(caught.value))
    assert CAPELLA.format(kind="GEO") in str(caught.value)


# --- ICEYE ---------------------------------------------------------------------------------------------------------


def test_iceye_grd_is_sigma0_by_its_factor(tmp_path):
    path = write_iceye_grd(tmp_path)
    scene = open_scene(path)
    assert scene.product == "ICEYE GRD" and scene.facts["orbit"] == "descending, 12652"
    assert scene.acquired == datetime(2021, 10, 27, 18, 32, 3, 611924, tzinfo=UTC)
    assert scene.incidence_deg == pytest.approx((14.803895552358817, 17.02742328957619, 19.205960060369136))
    factor, amplitude = float(ICEYE_KEYS["calibration_factor"]), stored(path).astype(float)
    np.testing.assert_allclose(intensity(calibrated(scene, Calibration.SIGMA0)), factor * amplitude**2, rtol=1e-5)
    ground = np.arange(70) * 2.5
    angle = np.deg2rad(ICEYE_ANGLE[0] + ICEYE_ANGLE[1] * ground + ICEYE_ANGLE[2] * ground**2)
    beta = factor * amplitude**2 / np.sin(angle)
    np.testing.assert_allclose(intensity(calibrated(scene, Calibration.BETA0)), beta, rtol=1e-5)


def test_iceye_grd_of_another_orientation_knows_no_angle_of_its_columns(tmp_path):
    scene = open_scene(write_iceye_grd(tmp_path, iceye_xml(data_orientation="shadows_down")))
    assert calibrations(scene) == (Calibration.SIGMA0,)


def test_iceye_grd_by_its_tags_alone(tmp_path):
    tags = {key.upper(): value for key, value in ICEYE_KEYS.items()}
    path = write_iceye_grd(tmp_path, tags=tags, **UTM17)
    (tmp_path / f"{ICEYE_GRD}.xml").unlink()
    scene = open_scene(path)
    assert scene.facts["platform"] == "ICEYE-X7" and calibrations(scene) == (Calibration.SIGMA0,)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<Metadata><look_side>&b;</look_side></Metadata>"
)


@pytest.mark.parametrize("xml", [BOMB, iceye_xml()[:300], "", "<product/>", iceye_xml(number_of_range_samples="71")])
def test_an_xml_that_cannot_be_used_is_listed_and_the_image_opens(tmp_path, xml):
    scene = open_scene(write_iceye_grd(tmp_path, xml))
    assert len(scene.missing) == 1 and scene.missing[0].startswith(f"{ICEYE_GRD}.xml")
    assert calibrations(scene) == ()


def test_iceye_slc_is_beta0_and_lies_where_its_orbit_puts_it(tmp_path):
    path = write_iceye_slc(tmp_path)
    scene = open_scene(path)
    assert scene.product == "ICEYE SLC" and (scene.width, scene.height) == (70, 50)
    assert scene.value_type is ValueType.COMPLEX and scene.facts["orbit"] == "ascending, 12652"
    assert scene.incidence_deg == (24.0, 25.0, 26.0)
    with h5py.File(path) as file:
        i, q = file["s_i"][()].astype(float), file["s_q"][()].astype(float)
    np.testing.assert_allclose(intensity(scene), i**2 + q**2, rtol=1e-6)
    beta = intensity(calibrated(scene, Calibration.BETA0))
    np.testing.assert_allclose(beta, 2.5e-6 * (i**2 + q**2), rtol=1e-5)
    lon, lat = scene.georef.to_lonlat(30.5, 40.5)
    seconds, distance = seen_from(float(lon), float(lat), 120.0)
    assert (distance - 640_000.0) / 1.2 == pytest.approx(30, abs=0.05)
    assert seconds / 2e-4 == pytest.approx(40, abs=0.05)


def test_a_window_of_an_iceye_slc_is_read_alone(tmp_path):
    scene = open_scene(write_iceye_slc(tmp_path))
    np.testing.assert_array_equal(intensity(scene, Window(10, 20, 7, 9)), intensity(scene)[20:29, 10:17])


@pytest.mark.parametrize(
    ("gone", "fact"), [("posX", "orbit"), ("first_pixel_time", "times"), ("state_vector_time_utc", "orbit")]
)
def test_an_iceye_slc_without_its_orbit_opens_without_a_place(tmp_path, gone, fact):
    scene = open_scene(write_iceye_slc(tmp_path, **{gone: None}))
    assert scene.georef is None and fact in scene.facts["geometry"].lower()


def test_an_iceye_slc_without_pixels_or_cut_short_is_refused(tmp_path):
    path = write_iceye_slc(tmp_path, s_q=None)
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(SceneError, match="damaged or cut short"):
        open_scene(path)


def test_hdf5_that_points_at_another_file_is_not_followed(tmp_path):
    path = write_iceye_slc(tmp_path, s_q=None)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["s_q"] = np.ones((50, 70), np.int16)
    with h5py.File(path, "a") as file:
        file["s_q"] = h5py.ExternalLink("other.h5", "/s_q")
    with pytest.raises(SceneError, match="lacks its image"):
        open_scene(path)


def test_iceye_cog_holds_amplitudes_as_a_power(tmp_path):
    path = write_iceye_cog(tmp_path, iceye_json())
    scene = open_scene(path)
    assert scene.product == "ICEYE GRD" and scene.value_type is ValueType.AMPLITUDE
    assert scene.incidence_deg == (31.84, 31.94, 32.05) and scene.facts["mode"] == "spotlight"
    amplitude = stored(path).astype(float) ** 4 / 2
    np.testing.assert_allclose(intensity(scene), amplitude**2, rtol=1e-5)
    sigma = intensity(calibrated(scene, Calibration.SIGMA0))
    np.testing.assert_allclose(sigma, 2.3701258619904503e-05 * amplitude**2, rtol=1e-5)


def test_iceye_cog_by_its_tag_alone(tmp_path):
    path = write_iceye_cog(tmp_path, None, {"ICEYE_PROPERTIES": json.dumps(iceye_json()["properties"])})
    scene = open_scene(path)
    assert scene.facts["platform"] == "ICEYE-X42" and scene.missing == ()
    bare = tmp_path / "bare"
    bare.mkdir()
    assert open_scene(write_iceye_cog(bare)).missing == (f"{ICEYE_COG}.json or .xml",)


@pytest.mark.parametrize(
    "mapping", [None, 7, {"function": "log"}, {"function": "power", "parameters": {"exponent": 0}}]
)
def test_an_unknown_mapping_leaves_the_numbers_as_they_are(tmp_path, mapping):
    scene = open_scene(write_iceye_cog(tmp_path, iceye_json(**{"iceye:amplitude_mapping": mapping})))
    assert scene.value_type is ValueType.DN


# --- JSON ----------------------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    ANYTHING, st.sampled_from(["collect", "collect/image/scale_factor", "collect/state/state_vectors", "properties"])
)
def test_whatever_json_holds_nothing_breaks(tmp_path_factory, content, at):
    said = capella_json("SLC", (70, 50))
    place = said
    *parents, last = at.split("/")
    for key in parents:
        place = place[key]
    place[last] = content
    folder = tmp_path_factory.mktemp("capella")
    scene = open_scene(write_capella(folder, "SLC", said=said))
    assert scene.width == 70


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary())
def test_any_text_is_an_object_or_one_sentence(text):
    try:
        found = parse_object(text, "a.json")
    except SceneError as error:
        one_sentence(str(error))
    else:
        assert isinstance(found, dict)


def test_json_that_is_deep_or_large_is_one_sentence(tmp_path):
    with pytest.raises(SceneError, match="not readable JSON"):
        parse_object("[" * 100_000, "a.json")
    with pytest.raises(SceneError, match="not readable JSON"):
        parse_object('{"a": ' + "9" * 6000 + "}", "a.json")
    (tmp_path / "a.json").write_text('{"a": "' + "x" * 2000 + '"}')
    with pytest.raises(SceneError, match="larger than"):
        read_object(tmp_path / "a.json", 1000)


def test_numbers_of_json_are_finite_numbers():
    said = {"a": float("nan"), "b": "7", "c": True, "d": 7, "e": [1, 2.5], "f": [1, "2"], "g": 10**400, "h": [" x "]}
    assert [number_in(said, key) for key in "abcdg"] == [None, None, None, 7.0, None]
    assert numbers_in(said, "e", 2) == (1.0, 2.5) and numbers_in(said, "e", 3) is None
    assert numbers_in(said, "f") is None and number_in(said, "e/1") == 2.5 and number_in(said, "e/9") is None
    assert text_in(said, "h/0") == "x" and text_in(said, "d") is None
