"""SIDD files, written by sarkit: several images as parts, look-up tables, colours."""

import lxml.etree
import numpy as np
import pytest
import sarkit.sidd._constants as limits
from sarkit import wgs84
from sarkit.sidd import calculations

from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene, read_values
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.nitf_files import sidd_tree, write_sidd

SHAPE = (30, 44)
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, SHAPE, dtype=np.uint8)


def one(tmp_path, kind, pixels, table=None):
    return write_sidd(tmp_path / "a.ntf", [(sidd_tree(pixels.shape, kind), pixels, table)])


def native(scene):
    return scene.bands[0].source.native(Window(0, 0, scene.width, scene.height))[0]


def test_grey_levels_and_what_is_known_of_them(tmp_path):
    scene = open_scene(one(tmp_path, "MONO8I", BYTES))
    assert (scene.width, scene.height, scene.value_type, scene.dtype) == (44, 30, ValueType.DN, "uint8")
    assert (scene.product, scene.bands[0].polarisation) == ("Testbird-2 SIDD", "HV")
    assert scene.acquired.isoformat() == "2022-01-02T03:04:05+00:00"
    assert scene.incidence_deg == (35.0, 35.0, 35.0)
    assert (scene.facts["mode"], scene.facts["look"]) == ("STRIPMAP", "right")
    assert (scene.part, scene.parts) == (None, ())
    np.testing.assert_array_equal(native(scene), BYTES)
    lon, lat = scene.georef.to_lonlat(310.5, 190.5)
    assert (float(lon), float(lat)) == pytest.approx((11.0, 47.0), abs=1e-7)
    np.testing.assert_array_equal(read_values(scene, Window(40, 25, 10, 10), 1)[:5, :4], BYTES[25:, 40:])


def test_sixteen_bits(tmp_path):
    pixels = RNG.integers(0, 65536, SHAPE, dtype=np.uint16)
    scene = open_scene(one(tmp_path, "MONO16I", pixels))
    np.testing.assert_array_equal(native(scene), pixels)
    assert scene.dtype == "uint16"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_look_up_table_of_grey_levels(tmp_path, dtype):
    table = RNG.integers(0, np.iinfo(dtype).max, 256).astype(dtype)
    scene = open_scene(one(tmp_path, "MONO8LU", BYTES, table))
    np.testing.assert_array_equal(native(scene), table[BYTES])


def test_colours_are_read_as_luminance(tmp_path):
    kind = [("R", np.uint8), ("G", np.uint8), ("B", np.uint8)]
    pixels = np.zeros(SHAPE, dtype=kind)
    for name in "RGB":
        pixels[name] = RNG.integers(0, 256, SHAPE)
    wanted = 0.299 * pixels["R"] + 0.587 * pixels["G"] + 0.114 * pixels["B"]
    np.testing.assert_allclose(native(open_scene(one(tmp_path, "RGB24I", pixels))), wanted, atol=1e-3)
    table = pixels.reshape(-1)[:256]
    scene = open_scene(write_sidd(tmp_path / "b.ntf", [(sidd_tree(SHAPE, "RGB8LU"), BYTES, table)]))
    np.testing.assert_allclose(native(scene), wanted.reshape(-1)[:256][BYTES], atol=1e-3)
    assert scene.bands[0].name == "HV" and "RGB8LU" in scene.facts["pixels"]


def test_images_of_one_file_are_its_parts(tmp_path):
    other = RNG.integers(0, 65536, (17, 9), dtype=np.uint16)
    path = write_sidd(
        tmp_path / "a.ntf",
        [(sidd_tree(SHAPE, "MONO8I"), BYTES, None), (sidd_tree((17, 9), "MONO16I"), other, None)],
    )
    first, second = open_scene(path), open_scene(path, "sidd002")
    assert first.parts == second.parts == ("SIDD001", "SIDD002") and (first.part, second.part) == first.parts
    np.testing.assert_array_equal(native(first), BYTES)
    np.testing.assert_array_equal(native(second), other)
    assert first.fingerprint != second.fingerprint and first.documents != second.documents
    with pytest.raises(SceneError, match="no part SIDD003; choose one of SIDD001, SIDD002"):
        open_scene(path, "SIDD003")


def test_an_image_in_several_segments(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LI_MAX", 11 * SHAPE[1])
    path = one(tmp_path, "MONO8I", BYTES)
    assert b"SIDD001003" in path.read_bytes()
    np.testing.assert_array_equal(native(open_scene(path)), BYTES)


POLYNOMIALS = {
    "RowColToLat": np.array([[47.0, 1e-7], [-9e-6, 1e-11]]),
    "RowColToLon": np.array([[11.0, 1.3e-5], [2e-7, 0.0]]),
    "RowColToAlt": np.array([[400.0, 0.01], [0.02, 0.0]]),
}


def on_grid(root, kind):
    """The same product on another grid about the same reference point."""
    measurement = root.find("{*}Measurement")
    plane = measurement[0]
    plane.tag = plane.tag.replace("PlaneProjection", kind)
    plane.remove(plane.find("{*}ProductPlane"))
    if kind == "CylindricalProjection":
        direction = lxml.etree.SubElement(plane, plane.tag.replace(kind, "StripmapDirection"))
        for axis, value in zip("XYZ", (-0.2, 0.1, 0.7), strict=True):
            lxml.etree.SubElement(direction, "{urn:SICommon:1.0}" + axis).text = str(value)
    if kind == "PolynomialProjection":
        for name, table in POLYNOMIALS.items():
            poly = lxml.etree.SubElement(plane, plane.tag.replace(kind, name), order1="1", order2="1")
            for (one, two), value in np.ndenumerate(table):
                term = lxml.etree.SubElement(
                    poly, "{urn:SICommon:1.0}Coef", exponent1=str(one), exponent2=str(two)
                )  # fmt: skip
                term.text = repr(float(value))
    return root


@pytest.mark.parametrize("kind", ["GeographicProjection", "CylindricalProjection", "PolynomialProjection"])
def test_other_grids_are_placed_as_sarkit_places_them(tmp_path, kind):
    root = on_grid(sidd_tree(SHAPE, "MONO8I"), kind)
    if kind == "GeographicProjection":  # seconds of arc
        for step in root.find("{*}Measurement/{*}GeographicProjection/{*}SampleSpacing"):
            step.text = "0.02"
    scene = open_scene(write_sidd(tmp_path / "a.ntf", [(root, BYTES, None)]))
    assert scene.georef is not None, scene.facts["geometry"]
    index = RNG.uniform(0, (29, 43), (50, 2))
    wanted = wgs84.cartesian_to_geodetic(calculations.pixel_to_ecef(root.getroottree(), index))
    lon, lat = scene.georef.to_lonlat(index[:, 1] + 0.5, index[:, 0] + 0.5)
    np.testing.assert_allclose(np.column_stack([lat, lon]), wanted[:, :2], atol=1e-8)
    back = scene.georef.from_lonlat(lon, lat)
    np.testing.assert_allclose(np.column_stack(back), index[:, ::-1] + 0.5, atol=0.05)


def test_a_grid_that_lacks_its_numbers_places_nothing(tmp_path):
    root = on_grid(sidd_tree(SHAPE, "MONO8I"), "GeographicProjection")
    root.find("{*}Measurement/{*}GeographicProjection/{*}SampleSpacing")[0].text = "nothing"
    scene = open_scene(write_sidd(tmp_path / "a.ntf", [(root, BYTES, None)]))
    assert scene.georef is None and scene.facts["geometry"].startswith("none: ")
