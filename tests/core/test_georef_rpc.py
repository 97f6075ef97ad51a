"""Rational polynomials: against GDAL's own transformer, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import RPCTransformer

from sarvlm_app.core.georef import RpcGeoref, RpcModel
from sarvlm_app.core.scene import open_scene
from tests.core.geometries import SIZE
from tests.core.rpc_files import MODEL, as_rasterio, write_rpc

GEOREF = RpcGeoref(MODEL, SIZE)


@settings(max_examples=25, deadline=None)
@given(st.floats(-400, 2500), st.integers(0, 2**31))
def test_pixels_of_the_ground_are_those_of_gdal(height, seed):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(10.95, 11.05, 50), rng.uniform(46.95, 47.05, 50)
    with RPCTransformer(as_rasterio(MODEL)) as gdal:
        rows, cols = gdal.rowcol(lon, lat, np.full(50, height), op=lambda value: value)
    mine = GEOREF.from_lonlat(lon, lat, height)
    assert np.allclose(mine, (cols, rows), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(-400, 2500), st.integers(0, 2**31))
def test_the_ground_of_pixels_is_that_of_gdal(height, seed):
    rng = np.random.default_rng(seed)
    cols, rows = rng.uniform(0, SIZE[0], 50), rng.uniform(0, SIZE[1], 50)
    with RPCTransformer(as_rasterio(MODEL), RPC_PIXEL_ERROR_THRESHOLD=1e-6) as gdal:
        lon, lat = gdal.xy(rows, cols, np.full(50, height), offset="ul")
    assert np.allclose(GEOREF.to_lonlat(cols, rows, height), (lon, lat), atol=1e-8)


def test_a_file_with_rational_polynomials_has_its_place(tmp_path):
    path = write_rpc(tmp_path / "rpc.tif")
    scene = open_scene(path)
    assert isinstance(scene.georef, RpcGeoref)
    assert "rational polynomials" in scene.facts["geometry"]
    assert np.allclose(scene.georef.to_lonlat(30.0, 40.0, 100.0), GEOREF.to_lonlat(30.0, 40.0, 100.0), atol=1e-9)
    assert scene.spacing_m == pytest.approx(GEOREF.spacing_m(300, 200), rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"line_den_coeff": (0.0, 1.0) + (0.0,) * 18}, "denominator LINE_DEN_COEFF is zero"),
        ({"samp_den_coeff": (1.0, 0.0, 2.0) + (0.0,) * 17}, "denominator SAMP_DEN_COEFF is zero"),
        ({"line_num_coeff": (1.0,) * 19}, "19 numbers instead of 20"),
        ({"samp_num_coeff": (0.0,) * 20}, "all numbers of SAMP_NUM_COEFF are zero"),
        ({"samp_num_coeff": (float("nan"),) * 20}, "SAMP_NUM_COEFF has a number out of range"),
        ({"line_num_coeff": (1e30,) * 20}, "out of range"),
        ({"lat_scale": 0.0}, "LAT_SCALE is not above zero"),
        ({"line_scale": -3.0}, "LINE_SCALE is not above zero"),
        ({"lat_off": 95.0}, "no place on the Earth"),
        ({"height_off": float("inf")}, "HEIGHT_OFF is out of range"),
        ({"long_scale": 500.0}, "larger than the Earth"),
    ],
)
def test_coefficients_that_cannot_be_right_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(MODEL, **changes)


def test_polynomials_that_squeeze_the_ground_to_a_line_are_refused():
    same = replace(MODEL, samp_num_coeff=MODEL.line_num_coeff, samp_den_coeff=MODEL.line_den_coeff)
    with pytest.raises(ValueError, match="one line of pixels"):
        RpcGeoref(same, SIZE)


def test_a_number_that_is_missing_is_named():
    rpcs = as_rasterio(MODEL)
    rpcs.lat_off = None
    with pytest.raises(ValueError, match="LAT_OFF is missing"):
        RpcModel.from_rasterio(rpcs)


@given(st.lists(st.floats(width=32), min_size=20, max_size=20), st.sampled_from(["line", "samp"]))
def test_any_coefficients_are_taken_or_refused_and_never_crash(numbers, side):
    try:
        georef = RpcGeoref(replace(MODEL, **{f"{side}_num_coeff": tuple(numbers)}), SIZE)
    except ValueError:
        return
    lon, lat = georef.to_lonlat([0.0, 300.0], [0.0, 200.0])
    assert ((np.abs(lon) <= 180) | np.isnan(lon)).all() and lat.shape == (2,)


def test_an_error_that_is_not_stated_is_not_invented():
    assert RpcGeoref(replace(MODEL, err_bias=None, err_rand=None)).error_m is None
    assert RpcGeoref(replace(MODEL, err_bias=-1.0, err_rand=2.0)).error_m.metres == 2.0
