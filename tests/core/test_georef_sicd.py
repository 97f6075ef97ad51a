"""SICD and SIDD: against sarkit and sarpy, and what is refused."""

import numpy as np
import pyproj
import pytest
import sarkit.sicd as sksicd
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from sarkit import wgs84

from sarvlm_app.core.georef import SicdGeoref, SiddGeoref
from tests.core.sicd_files import SIZE, sicd_xml, sidd_xml

WGS84 = pyproj.Geod(ellps="WGS84")
COLS, ROWS = np.meshgrid(np.linspace(0, SIZE[0], 7), np.linspace(0, SIZE[1], 5))
CASES = [("R", "PLANE"), ("L", "PLANE"), ("R", "RGZERO"), ("L", "RGZERO")]


@pytest.mark.parametrize(("look", "grid"), CASES)
@pytest.mark.parametrize("height", [-50.0, 350.0, 1800.0])
def test_the_ground_is_where_sarkit_says(look, grid, height):
    xml = sicd_xml(-118.2, 33.7, look=look, grid=grid)
    lon, lat = SicdGeoref(xml).to_lonlat(COLS, ROWS, height)
    # the standard counts rows and columns from the centre of the first pixel, in metres from the scene centre
    metres = np.stack([(ROWS - 0.5 - 190) * 0.8, (COLS - 0.5 - 310) * 0.5], axis=-1)
    points, _, fine = sksicd.image_to_constant_hae_surface(etree.ElementTree(etree.fromstring(xml)), metres, height)
    places = wgs84.cartesian_to_geodetic(points)
    assert fine and WGS84.inv(lon, lat, places[..., 1], places[..., 0])[2].max() < 0.01


@pytest.mark.parametrize(("look", "grid"), CASES)
def test_pixels_are_where_sarpy_says(look, grid):
    sicd = pytest.importorskip("sarpy.io.complex.sicd_elements.SICD")
    point_projection = pytest.importorskip("sarpy.geometry.point_projection")
    xml = sicd_xml(-118.2, 33.7, look=look, grid=grid)
    lon, lat = SicdGeoref(xml).to_lonlat(COLS.ravel(), ROWS.ravel(), 900.0)
    structure = sicd.SICDType.from_xml_string(xml)
    found, *_ = point_projection.ground_to_image_geo(
        np.column_stack([lat, lon, np.full(lon.shape, 900.0)]), structure, tolerance=1e-3
    )
    assert np.abs(found - np.column_stack([ROWS.ravel(), COLS.ravel()]) + 0.5).max() < 0.01


def test_a_chip_lies_where_it_was_cut_out():
    whole, chip = SicdGeoref(sicd_xml()), SicdGeoref(sicd_xml(first=(30, 45)))
    assert np.allclose(chip.to_lonlat(10, 20, 0.0), whole.to_lonlat(55, 50, 0.0), atol=1e-10)


@pytest.mark.parametrize("look", ["L", "R"])
def test_the_reference_point_of_a_sidd_is_where_it_says(look):
    georef = SiddGeoref(sidd_xml(look=look))
    lon, lat = georef.to_lonlat(310.5, 190.5)
    assert WGS84.inv(lon, lat, 11.0, 47.0)[2] < 1e-3
    assert georef.size == SIZE and float(georef.height_m(0, 0)) == pytest.approx(350.0, abs=1e-6)
    # on its own plane, which is level here, pixels are as large as they say
    assert georef.spacing_m(310.5, 190.5) == pytest.approx((0.5, 0.8), rel=1e-3)


def _without(xml: bytes, name: str) -> bytes:
    tree = etree.fromstring(xml)
    for element in tree.findall(f".//{{*}}{name}"):
        element.getparent().remove(element)
    return etree.tostring(tree)


@pytest.mark.parametrize(
    "name",
    ["GeoData", "SCPPixel", "UVectECF", "TimeCOAPoly", "Position", "SCPCOA", "SideOfTrack", "Grid", "SS", "NumRows"],
)
def test_a_sicd_that_lacks_a_part_is_refused(name):
    with pytest.raises(ValueError, match="SICD: the XML"):
        SicdGeoref(_without(sicd_xml(), name))


@pytest.mark.parametrize(
    "name", ["ReferencePoint", "SampleSpacing", "TimeCOAPoly", "ProductPlane", "PixelFootprint", "ARPPoly"]
)
def test_a_sidd_that_lacks_a_part_is_refused(name):
    with pytest.raises(ValueError, match="SIDD: the XML"):
        SiddGeoref(_without(sidd_xml(), name))


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (b"", "damaged"),
        (b"<SICD", "damaged"),
        (b"<other/>", "one of other"),
        (sicd_xml().replace(b"urn:SICD:1.3.0", b"urn:SICD:0.5.0"), "version urn:SICD:0.5.0 is not one"),
        (sicd_xml().replace(b"<SS>0.8</SS>", b"<SS>-0.8</SS>"), "above zero"),
        (sicd_xml().replace(b"<HAE>350.0</HAE>", b"<HAE>9350.0</HAE>"), "contradicts itself"),
        (sicd_xml(look="R").replace(b"<SideOfTrack>R", b"<SideOfTrack>L"), "contradicts itself"),
        (sicd_xml().replace(b"<SideOfTrack>R", b"<SideOfTrack>X"), "SICD|SideOfTrack"),
    ],
)
def test_xml_that_cannot_be_right_is_refused(xml, said):
    with pytest.raises(ValueError, match=said):
        SicdGeoref(xml)


def test_entities_are_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("190")
    xml = b'<!DOCTYPE x [<!ENTITY e SYSTEM "' + secret.as_uri().encode() + b'">]>' + sicd_xml()
    xml = xml.replace(b"<Row>190</Row>", b"<Row>&e;</Row>")
    with pytest.raises(ValueError, match="SICD"):
        SicdGeoref(xml)


@given(st.integers(0, len(sicd_xml()) - 1), st.integers(0, 255))
def test_a_byte_that_is_wrong_is_no_crash(at, value):
    xml = bytearray(sicd_xml())
    xml[at] = value
    try:
        georef = SicdGeoref(bytes(xml))
    except ValueError:
        return
    georef.to_lonlat(0.0, 0.0)
