import warnings
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from sarvlm_app.core.derived.calibrated import calibrated, calibrations, can_remove_noise
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.radarsat_files import (
    NOISE_DB,
    RCM,
    RS2,
    SIZE,
    angle,
    factors,
    iq,
    rs2_lut,
    write_rcm,
    write_rs2,
)
from tests.core.scene_files import write_tif

WHOLE = Window(0, 0, *SIZE)
KINDS = {Calibration.BETA0: "Beta", Calibration.SIGMA0: "Sigma", Calibration.GAMMA0: "Gamma"}
BOMB = '<!DOCTYPE l [<!ENTITY a "aaaa">]><product xmlns="http://www.rsi.ca/rs2/prod/xml/schemas">&a;</product>'


def intensity(scene, window=WHOLE, band=1):
    return read_chip(scene, window, band).intensity


def by_gdal(name, driver=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(name, **({"driver": driver} if driver else {})) as dataset:
            return dataset.read(), dataset.gcps[0]


def one_sentence(text):
    assert text.endswith(".") and "\n" not in text and ";" in text, text


def test_radarsat2_says_what_its_annotation_says(tmp_path):
    scene = open_scene(write_rs2(tmp_path))
    assert scene.product == "RADARSAT-2 SGF" and (scene.width, scene.height) == SIZE
    assert scene.name == RS2.format(kind="SGF") and scene.missing == ()
    assert [band.polarisation for band in scene.bands] == ["HH", "HV"]
    assert scene.acquired == datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert scene.facts["orbit"] == "descending" and scene.facts["look"] == "right"
    assert scene.facts["platform"] == "RADARSAT-2" and scene.facts["mode"] == "FQ5W"
    assert scene.incidence_deg == (24.0, 25.5, 27.0) and scene.value_type is ValueType.DN
    assert [place.name for place in scene.documents] == ["product.xml", "lutBeta.xml", "lutSigma.xml", "lutGamma.xml"]


def test_folder_annotation_and_image_lead_to_one_scene(tmp_path):
    product = write_rs2(tmp_path)
    assert open_scene(product) == open_scene(product / "product.xml") == open_scene(product / "imagery_HH.tif")
    other = write_rcm(tmp_path)
    image = other / "imagery" / "2116811_1_HV.tif"
    assert open_scene(other) == open_scene(other / "metadata" / "product.xml") == open_scene(image)


@pytest.mark.parametrize("kind", list(KINDS))
def test_detected_radarsat2_is_calibrated_by_its_tables(tmp_path, kind):
    # GDAL 3.10's own RADARSAT_2_CALIB ends the process on these files, so the definition's formula is the measure
    product = write_rs2(tmp_path)
    ours = intensity(calibrated(open_scene(product), kind), band=2)
    pixels, _ = by_gdal(product / "product.xml", "RS2")
    np.testing.assert_allclose(ours, pixels[1].astype(float) ** 2 / factors(KINDS[kind], False), rtol=1e-5)


def test_complex_radarsat2(tmp_path):
    scene = open_scene(write_rs2(tmp_path, "SLC", ("VV",)))
    assert scene.value_type is ValueType.COMPLEX and scene.product == "RADARSAT-2 SLC"
    i, q = iq(0).astype(float)
    np.testing.assert_allclose(intensity(scene), i**2 + q**2, rtol=1e-6)
    for kind, name in KINDS.items():
        expected = (i**2 + q**2) / factors(name, True) ** 2
        np.testing.assert_allclose(intensity(calibrated(scene, kind)), expected, rtol=1e-5)


def test_noise_of_radarsat2(tmp_path):
    product = write_rs2(tmp_path)
    scene = open_scene(product)
    assert can_remove_noise(scene)
    pixels, _ = by_gdal(product / "imagery_HH.tif")
    sigma = pixels[0].astype(float) ** 2 / factors("Sigma", False)
    beta_noise = 10 ** (np.interp(np.arange(SIZE[0]), [0, 34, 68], NOISE_DB) / 10)
    expected = sigma - beta_noise * np.sin(np.deg2rad(angle(np.arange(SIZE[0]))))
    ours = intensity(calibrated(scene, Calibration.SIGMA0, remove_noise=True))
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_tie_points_place_radarsat2_as_gdal_does(tmp_path):
    product = write_rs2(tmp_path)
    scene = open_scene(product)
    _, gcps = by_gdal(product / "product.xml", "RS2")
    assert len(gcps) == 8 * 4
    lon, lat = scene.georef.to_lonlat([gcp.col for gcp in gcps], [gcp.row for gcp in gcps])
    np.testing.assert_allclose(lon, [gcp.x for gcp in gcps], atol=1e-9)
    np.testing.assert_allclose(lat, [gcp.y for gcp in gcps], atol=1e-9)


def test_ground_that_is_higher_lies_away_from_the_sensor(tmp_path):
    for order, sign in (("Increasing", 1), ("Decreasing", -1)):
        folder = tmp_path / order
        folder.mkdir()
        georef = open_scene(write_rs2(folder, order=order)).georef
        low, high = (float(georef.to_lonlat(35.0, 25.0, height)[0]) for height in (120.0, 620.0))
        assert np.sign(high - low) == sign


def test_tie_points_that_are_no_grid_are_joined_by_a_spline(tmp_path):
    product = write_rs2(tmp_path)
    text = (product / "product.xml").read_text()
    (product / "product.xml").write_text(text.replace("<pixel>2.30000000e+01", "<pixel>2.31000000e+01", 1))
    scene = open_scene(product)
    assert "spline" in scene.facts["geometry"] and scene.georef is not None


def test_without_tie_points_the_rational_functions_serve(tmp_path):
    unit = " ".join(["1"] + ["0"] * 19)
    rational = (
        "<rationalFunctions><biasError>0.5</biasError><randomError>0.5</randomError><lineOffset>24.5</lineOffset>"
        "<pixelOffset>34.5</pixelOffset><latitudeOffset>45</latitudeOffset><longitudeOffset>11</longitudeOffset>"
        "<heightOffset>100</heightOffset><lineScale>25</lineScale><pixelScale>35</pixelScale>"
        "<latitudeScale>0.01</latitudeScale><longitudeScale>0.02</longitudeScale><heightScale>500</heightScale>"
        f"<lineNumeratorCoefficients>0 0 -1 {' '.join(['0'] * 17)}</lineNumeratorCoefficients>"
        f"<lineDenominatorCoefficients>{unit}</lineDenominatorCoefficients>"
        f"<pixelNumeratorCoefficients>0 1 0 {' '.join(['0'] * 17)}</pixelNumeratorCoefficients>"
        f"<pixelDenominatorCoefficients>{unit}</pixelDenominatorCoefficients></rationalFunctions>"
    )
    scene = open_scene(write_rs2(tmp_path, grid=rational))
    lon, lat = scene.georef.to_lonlat(35.0, 25.0)
    assert (float(lon), float(lat)) == pytest.approx((11.0, 45.0), abs=1e-9)
    assert scene.facts["geometry"] == "rational polynomials"


def test_a_geocoded_product_lies_in_the_map_of_its_tif(tmp_path):
    from tests.core.products.vendor_files import UTM17

    product = write_rs2(tmp_path, "SSG", ("HH",), grid="")
    write_tif(product / "imagery_HH.tif", np.ones(SIZE[::-1], np.uint16), **UTM17)
    assert open_scene(product).georef.crs_name == "EPSG:32617"


def test_rcm_says_what_its_annotation_says(tmp_path):
    scene = open_scene(write_rcm(tmp_path))
    assert scene.product == "RCM GRD" and scene.name == RCM and (scene.width, scene.height) == SIZE
    assert [band.polarisation for band in scene.bands] == ["HH", "HV"] and scene.missing == ()
    assert scene.acquired == datetime(2022, 6, 5, 7, 3, 17, 441000, tzinfo=UTC)
    assert scene.facts["platform"] == "RCM-2" and scene.facts["orbit"] == "ascending" and scene.parts == ()
    assert scene.incidence_deg == (24.0, 25.5, 27.0)


def test_rcm_tables_begin_at_the_last_column(tmp_path):
    product = write_rcm(tmp_path)
    scene = open_scene(product)
    pixels, _ = by_gdal(product / "imagery" / "2116811_1_HV.tif")
    power = pixels[0].astype(float) ** 2
    for kind, name in KINDS.items():
        expected = power / factors(name, False, decreasing=True)
        np.testing.assert_allclose(intensity(calibrated(scene, kind), band=2), expected, rtol=1e-5)
    noise = 10 ** (np.interp(np.arange(SIZE[0]), [1, 35, 69], NOISE_DB[::-1]) / 10)
    ours = intensity(calibrated(scene, Calibration.BETA0, remove_noise=True), band=2)
    np.testing.assert_allclose(ours, power / factors("Beta", False, decreasing=True) - noise, rtol=1e-4, atol=1e-6)


def test_bursts_of_rcm_are_parts(tmp_path):
    piece = (
        '<imageAttributes beam="{beam}" burst="{burst}"><ipdf pole="HH">../imagery/{beam}.tif</ipdf><pixelOffset>{col}'
        "</pixelOffset><lineOffset>{row}</lineOffset><numLines>20</numLines><samplesPerLine>30</samplesPerLine>"
        "</imageAttributes>"
    )
    pieces = piece.format(beam="A", burst=1, col=0, row=0) + piece.format(beam="B", burst=1, col=40, row=30)
    product = write_rcm(tmp_path, ("HH",), pieces)
    for name in "AB":
        write_tif(product / "imagery" / f"{name}.tif", np.full((20, 30), 100, np.uint16))
    first, second = open_scene(product), open_scene(product, "b burst 1")
    assert first.parts == second.parts == ("A burst 1", "B burst 1") and second.part == "B burst 1"
    lon, _ = second.georef.to_lonlat(0.5, 0.5)
    assert float(lon) == pytest.approx(11 + 40 * 2e-4, abs=1e-8)
    gains = intensity(calibrated(second, Calibration.BETA0), Window(0, 0, 30, 20))
    np.testing.assert_allclose(gains[0], 1e4 / factors("Beta", False, decreasing=True)[40:], rtol=1e-5)


def test_what_is_missing_is_listed(tmp_path):
    product = write_rs2(tmp_path)
    (product / "imagery_HH.tif").unlink()
    (product / "lutGamma.xml").unlink()
    (product / "lutBeta.xml").write_text("<lut>")
    scene = open_scene(product)
    assert [band.polarisation for band in scene.bands] == ["HV"]
    assert scene.missing == ("imagery_HH.tif", "lutBeta.xml (not readable)", "lutGamma.xml")
    assert calibrations(scene) == (Calibration.SIGMA0,)
    (product / "imagery_HV.tif").unlink()
    with pytest.raises(SceneError, match="lacks its image") as caught:
        open_scene(product)
    one_sentence(str(caught.value))


@pytest.mark.parametrize(
    "content",
    [
        rs2_lut(np.ones(71)),
        rs2_lut(np.ones(69)),
        rs2_lut(np.zeros(70)),
        rs2_lut(-np.ones(70)),
        rs2_lut(np.ones(70), offset=3.0),
        "<lut><gains>1 x 3</gains></lut>",
        "<lut/>",
        BOMB,
    ],
)
def test_a_table_that_cannot_be_used_is_listed(tmp_path, content):
    product = write_rs2(tmp_path)
    (product / "lutSigma.xml").write_text(content)
    scene = open_scene(product)
    assert len(scene.missing) == 1 and scene.missing[0].startswith("lutSigma.xml (")
    assert calibrations(scene) == (Calibration.BETA0, Calibration.GAMMA0)


def test_an_image_of_another_product_is_not_taken(tmp_path):
    product = write_rs2(tmp_path)
    write_tif(product / "imagery_HH.tif", np.ones((50, 71), np.uint16))
    scene = open_scene(product)
    assert scene.missing == ("imagery_HH.tif (71 x 50 pixels instead of 70 x 50)",)


@pytest.mark.parametrize(
    "content", [BOMB, '<product xmlns="http://www.rsi.ca/rs2/prod/xml/schemas">', '<p a="rcmGsProductSchema"/>']
)
def test_an_annotation_that_cannot_be_used(tmp_path, content):
    product = write_rs2(tmp_path)
    (product / "product.xml").write_text(content)
    with pytest.raises(SceneError) as caught:
        open_scene(product)
    one_sentence(str(caught.value))


def test_another_products_xml_is_none_of_ours(tmp_path):
    (tmp_path / "product.xml").write_text("<product/>")
    with pytest.raises(SceneError, match="not a known product"):
        open_scene(tmp_path)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_an_annotation_with_any_number_spoilt_opens_or_is_one_sentence(tmp_path_factory, data):
    product = write_rs2(tmp_path_factory.mktemp("rs2"))
    main = product / "product.xml"
    text = main.read_text()
    words = [word for word in text.replace(">", "<").split("<") if word.strip() and not word.startswith("/")]
    word = data.draw(st.sampled_from(sorted(set(words))))
    new = data.draw(st.sampled_from(["", "x", "-1", "0", "NaN", "1E+999", "9" * 30, "../../../etc/passwd"]))
    main.write_text(text.replace(f">{word}<", f">{new}<"))
    try:
        scene = open_scene(product)
    except SceneError as error:
        one_sentence(str(error))
    else:
        intensity(scene)
