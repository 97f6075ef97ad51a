"""Rasters whose numbers, control points or reference systems are odd."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS

from sarvlm_app.core.scene import close_handles, default_stretch, open_scene, read_chip, scene_stats
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.test_nitf import polynomials
from tests.core.scene_files import speckle, write_tif

SIZE = (80, 60)
PIXELS = speckle(SIZE[::-1], 50)
MOON = 'GEOGCS["Moon",DATUM["Moon",SPHEROID["Moon",1737400,0]],PRIMEM["M",0],UNIT["Degree",0.0174532925199433]]'


def all_of(scene, band=1):
    return read_chip(scene, Window(0, 0, scene.width, scene.height), band)


def points(*places):
    """Control points at the corners of the image."""
    corners = [(0, 0), (80, 0), (80, 60), (0, 60)]
    return [
        GroundControlPoint(row=row, col=col, x=x, y=y)
        for (col, row), (x, y) in zip(corners * 2, places, strict=False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "complex64",
     "complex128", "complex_int16"],
)  # fmt: skip
def test_every_type_that_a_tiff_can_hold(tmp_path, kind):
    pixels = np.clip(PIXELS, 1, 100).round()
    stored = np.complex64 if kind == "complex_int16" else np.dtype(kind)
    scene = open_scene(write_tif(tmp_path / "a.tif", pixels.astype(stored), stored=kind))
    np.testing.assert_allclose(all_of(scene).intensity, pixels**2, rtol=1e-6)
    assert scene.dtype == kind


@pytest.mark.parametrize(("bits", "kind"), [(1, "uint8"), (12, "uint16"), (16, "float32")])
def test_bits_that_are_no_whole_type(tmp_path, bits, kind):
    pixels = (PIXELS > 40).astype(kind)
    scene = open_scene(write_tif(tmp_path / "a.tif", pixels, nbits=bits))
    assert np.array_equal(all_of(scene).intensity > 0, pixels > 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_a_scene_of_nothing(tmp_path, value):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full((60, 80), value, np.float32)))
    chip = all_of(scene)
    assert not chip.intensity.any() and (value == 0.0 or not chip.valid.any())
    assert scene_stats(scene, 1).median_amplitude == 0.0 and np.isfinite(default_stretch(scene, 1).low)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (300, 10, 10)])
def test_odd_shapes(tmp_path, shape):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.ones(shape, np.uint8)))
    assert all_of(scene).intensity.all() and len(scene.bands) == (300 if len(shape) == 3 else 1)


def test_a_scale_of_complex_pixels_keeps_their_phase(tmp_path):
    pixels = (PIXELS + 1j * PIXELS[::-1]).astype(np.complex64)
    scene = open_scene(write_tif(tmp_path / "a.tif", pixels, scale=2.0))
    values, _ = scene.bands[0].source.native(Window(0, 0, 80, 60))
    np.testing.assert_allclose(values, 2.0 * pixels, rtol=1e-6)
    np.testing.assert_allclose(all_of(scene).intensity, 4.0 * np.abs(pixels) ** 2, rtol=1e-5)


@pytest.mark.parametrize("scale", [np.nan, np.inf, 1e308])
def test_a_scale_that_is_no_number_leaves_no_data(tmp_path, scale):
    scene = open_scene(write_tif(tmp_path / "a.tif", np.full((60, 80), 9, np.uint8), scale=scale))
    assert all_of(scene).intensity.shape == (60, 80)


CONTROL = {
    "coincide": ([(11, 45)] * 4, "coincide on the ground"),
    "on a line": ([(11, 45), (11, 45.1), (11, 45.2), (11, 45.3)], "on one line"),
    "of one pixel that lie apart": ([(11, 45), (11.1, 45), (11.1, 44.9), (11, 44.9), (12, 45)], "m apart"),
    "two only": ([(11, 45), (11.1, 45)], "at least 3"),
    "beyond the pole": ([(11, 145), (11.1, 145), (11.1, 144.9), (11, 144.9)], "outside its reference system"),
    "no numbers": ([(np.nan, 45), (11.1, 45), (11.1, 44.9), (11, 44.9)], "outside its reference system"),
}


@pytest.mark.parametrize("kind", CONTROL)
def test_control_points_that_fix_no_map_leave_the_scene_without_a_place(tmp_path, kind):
    places, said = CONTROL[kind]
    scene = open_scene(write_tif(tmp_path / "a.tif", PIXELS, gcps=points(*places), crs=CRS.from_epsg(4326)))
    assert scene.georef is None and said in scene.facts["geometry"] and scene.spacing_m is None


@pytest.mark.parametrize(
    ("places", "inside"),
    [
        ([(179.9, 10), (-179.9, 10), (-179.9, 9.9), (179.9, 9.9)], (180.0, 9.95)),
        ([(0, 89.9), (90, 89.9), (180, 89.9), (-90, 89.9)], (0.0, 90.0)),
    ],
)
def test_control_points_about_the_antimeridian_and_a_pole(tmp_path, places, inside):
    scene = open_scene(write_tif(tmp_path / "a.tif", PIXELS, gcps=points(*places), crs=CRS.from_epsg(4326)))
    col, row = scene.georef.from_lonlat(*inside)
    assert (float(col), float(row)) == pytest.approx((40, 30), abs=0.1)
    back = scene.georef.from_lonlat(*scene.georef.to_lonlat([1.0, 40.0, 79.0], [1.0, 30.0, 59.0]))
    np.testing.assert_allclose(back, [[1, 40, 79], [1, 30, 59]], atol=0.05)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:3413", Affine(1000, 0, -40000, 0, -1000, 30000)),
        ("EPSG:3031", Affine(1000, 0, -40000, 0, -1000, 30000)),
        ("EPSG:4326", Affine(0.005, 0, 179.9, 0, -0.005, 10)),
        ("EPSG:4326", Affine(0.005, 0, 359.9, 0, -0.005, 10)),
        ("EPSG:4326", Affine(4.5, 0, -180, 0, -3, 90)),
    ],
)
def test_maps_over_poles_the_antimeridian_and_the_whole_world(tmp_path, crs, transform):
    scene = open_scene(write_tif(tmp_path / "a.tif", PIXELS, crs=crs, transform=transform))
    cols, rows = (part.ravel() for part in np.meshgrid(np.linspace(0.5, 79.5, 9), np.linspace(0.5, 59.5, 7)))
    back = scene.georef.from_lonlat(*scene.georef.to_lonlat(cols, rows))
    np.testing.assert_allclose(back, [cols, rows], atol=0.05)
    assert scene.spacing_m is not None and np.isfinite(scene.georef.footprint_lonlat()).all()


@pytest.mark.parametrize(
    ("crs", "transform", "said"),
    [
        (None, Affine(0.01, 0, 11, 0, -0.01, 45), "no reference system"),
        ('LOCAL_CS["unnamed",UNIT["metre",1]]', Affine(10, 0, 7, 0, -10, 7), "cannot be related"),
        (MOON, Affine(0.01, 0, 11, 0, -0.01, 45), "cannot be related"),
        ("EPSG:32633", Affine(10, 0, 1e12, 0, -10, 1e12), "nowhere on the Earth"),
        ("EPSG:32633", Affine(np.nan, 0, 0, 0, -1, 0), "can be inverted"),
        ("EPSG:32633", Affine(1e300, 0, 0, 0, -1e300, 0), "can be inverted"),
    ],
)
def test_maps_that_are_unknown_or_not_of_this_earth(tmp_path, crs, transform, said):
    scene = open_scene(write_tif(tmp_path / "a.tif", PIXELS, crs=crs, transform=transform))
    assert scene.georef is None and said in scene.facts["geometry"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lat_off": 145.0}, "no place on the Earth"),
        ({"lat_scale": 0.0}, "not above zero"),
        ({"line_off": np.nan}, "out of range"),
        ({"samp_num_coeff": [1e300] * 20}, "out of range"),
        ({"line_den_coeff": [0.0] * 20}, "are zero"),
        ({"line_off": 1e9}, "nowhere on the Earth"),
    ],
)
def test_rational_polynomials_out_of_range(tmp_path, changed, said):
    model = polynomials()
    for name, value in changed.items():
        setattr(model, name, value)
    scene = open_scene(write_tif(tmp_path / "a.tif", PIXELS, rpcs=model))
    assert scene.georef is None and said in scene.facts["geometry"]


def test_a_picture_cut_short_while_it_is_open_gives_no_noise(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300)).astype(np.uint8)).save(path)
    scene = open_scene(path)
    close_handles(scene)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(SceneError, match="damaged or cut short"):
        all_of(scene)


@pytest.mark.parametrize(
    "name", ["a{b}.tif", "a,b.tif", "ä ö.tif", "a%20b.tif", "x\ny.tif", "-x.tif", "é" * 80 + ".tif"]
)
def test_names_that_mean_something_elsewhere(tmp_path, name):
    path = write_tif(tmp_path / "a.tif", PIXELS)
    path = path.rename(tmp_path / name)
    np.testing.assert_allclose(all_of(open_scene(path)).intensity, PIXELS**2, rtol=1e-6)
