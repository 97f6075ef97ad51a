"""What holds for every geometry, wherever on the Earth and whichever way the sensor looks."""

import pickle
from functools import cache

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import Georeference, from_centre, local_spacing_m, to_centre
from tests.core.geometries import KINDS, SIZE

WGS84 = pyproj.Geod(ellps="WGS84")
PLACES = {
    "inland": (11.0, 47.0),
    "southern hemisphere": (-70.3, -33.2),
    "antimeridian": (180.0, -16.5),
    "equator and Greenwich": (0.0, 0.0),
    "near the north pole": (25.0, 88.5),
    "near the south pole": (-140.0, -88.7),
}
POLES = {"north pole": (0.0, 90.0), "south pole": (0.0, -90.0)}


@cache
def made(kind: str, place: tuple[float, float], look: str) -> Georeference:
    return KINDS[kind](*place, look)


@pytest.mark.parametrize("look", ["L", "R"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(
    place=st.sampled_from([*PLACES.values()]),
    col=st.floats(0, SIZE[0]),
    row=st.floats(0, SIZE[1]),
    height=st.one_of(st.none(), st.floats(-400.0, 2500.0)),
)
def test_there_and_back_ends_where_it_began(kind, look, place, col, row, height):
    georef = made(kind, place, look)
    if kind == "bursts":  # a place in the overlap of two bursts comes back in one of them
        row = min(max(row, 20.0), 180.0)
    lon, lat = georef.to_lonlat(col, row, height)
    assert -180 <= lon <= 180 and -90 <= lat <= 90
    assert np.shape(lon) == np.shape(lat) == ()
    back = georef.from_lonlat(lon, lat, height)
    assert np.array(back, dtype=float) == pytest.approx((col, row), abs=0.05)


@pytest.mark.parametrize("place", POLES)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "rpc" not in kind])
def test_over_a_pole_nothing_is_special(kind, place):
    # rational polynomials are of longitude, which a pole has not
    georef = made(kind, POLES[place], "R")
    cols, rows = np.meshgrid(np.linspace(1, SIZE[0] - 1, 13), np.linspace(1, SIZE[1] / 2 - 30, 9))
    back = georef.from_lonlat(*georef.to_lonlat(cols, rows, 100.0), 100.0)
    assert np.abs(back[0] - cols).max() < 0.05
    assert np.abs(back[1] - rows).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_across_the_antimeridian_neighbours_are_neighbours(kind):
    georef = made(kind, PLACES["antimeridian"], "R")
    lon, lat = georef.to_lonlat(*np.meshgrid(np.linspace(0, SIZE[0], 50), np.linspace(0, SIZE[1], 9)))
    assert lon.min() < -179 and lon.max() > 179
    metres = WGS84.inv(lon[:, :-1], lat[:, :-1], lon[:, 1:], lat[:, 1:])[2]
    assert metres.max() < 3 * metres.min()
    ring = np.array(georef.footprint_lonlat())
    assert np.abs(np.diff(ring[:, 0])).max() < 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_keep_their_shape_and_no_number_stays_none(kind):
    georef = made(kind, PLACES["inland"], "R")
    lon, lat = georef.to_lonlat(np.array([[3.0, 50.0, np.nan]] * 2), 40.0)
    assert lon.shape == lat.shape == (2, 3)
    assert np.isnan(lon[:, 2]).all() and np.isfinite(lon[:, :2]).all()
    col, row = georef.from_lonlat(lon, lat, np.array([0.0, 10.0, 20.0]))
    assert col.shape == row.shape == (2, 3) and np.isnan(col[:, 2]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_side_of_the_earth_is_not_in_the_scene(kind):
    georef = made(kind, PLACES["inland"], "R")
    lon = np.array([-169.0, -169.0, 120.0, 11.0])
    col, row = georef.from_lonlat(lon, np.array([-47.0, 47.0, -60.0, -47.0]))
    within = (col >= 0) & (col <= SIZE[0]) & (row >= 0) & (row <= SIZE[1])
    assert not within.any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_geometry_is_a_value_and_travels_to_another_process(kind):
    georef = made(kind, PLACES["inland"], "R")
    assert isinstance(georef, Georeference)
    again = pickle.loads(pickle.dumps(georef))
    assert again == georef and hash(again) == hash(georef)
    assert np.array_equal(again.to_lonlat(3.0, 4.0, 50.0), georef.to_lonlat(3.0, 4.0, 50.0))


@pytest.mark.parametrize("look", ["L", "R"])
@pytest.mark.parametrize("kind", ["grid", "sicd", "sicd, zero Doppler", "sidd"])
def test_a_higher_target_lies_farther_from_the_sensor(kind, look):
    georef = made(kind, PLACES["inland"], look)
    low, high = georef.to_lonlat(300, 200, 0.0), georef.to_lonlat(300, 200, 1000.0)
    moved = WGS84.inv(*low, *high)
    assert 600 < moved[2] < 2500
    if kind == "grid":
        far = georef.to_lonlat(310, 200, 0.0)
        assert moved[0] == pytest.approx(WGS84.inv(*low, *far)[0], abs=2.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_own_height_is_the_one_that_is_used_without_another(kind):
    georef = made(kind, PLACES["inland"], "R")
    own = georef.height_m(120.0, 80.0)
    if georef.uses_height:
        assert np.allclose(georef.to_lonlat(120.0, 80.0), georef.to_lonlat(120.0, 80.0, own), atol=1e-9)
    else:
        assert np.isnan(own)
        assert np.array_equal(georef.to_lonlat(120.0, 80.0), georef.to_lonlat(120.0, 80.0, 900.0))


def test_errors_are_told_with_their_reason():
    told = {kind: made(kind, PLACES["inland"], "R").error_m for kind in KINDS}
    assert told["affine"] is None and told["sidd"] is None
    assert told["rpc"].metres == pytest.approx(5.0) and "ERR_BIAS" in told["rpc"].reason
    assert told["gcps"].metres < 1.0 and "left out" in told["gcps"].reason
    assert told["grid"].metres < 60.0 and told["window of a grid"] == told["grid"]
    assert 2.5 < told["sicd"].metres < 4.0


@given(st.floats(0, 600), st.floats(0, 400))
def test_windows_and_versions_agree_with_what_they_are_made_of(col, row):
    whole = made("grid", PLACES["inland"], "R")
    window = made("window of a grid", PLACES["inland"], "R")
    assert np.array_equal(window.to_lonlat(col - 37.0, row + 12.0), whole.to_lonlat(col, row))
    version = made("multilooked rpc", PLACES["inland"], "R")
    assert np.array_equal(
        version.to_lonlat(col, row), made("rpc", PLACES["inland"], "R").to_lonlat(col * 0.9, row * 0.8)
    )


def test_the_centre_of_the_first_pixel_is_half_a_pixel_from_the_corner():
    assert from_centre(np.array(0.0)) == 0.5 and to_centre(np.array([0.5]))[0] == 0.0


def test_the_ground_size_of_a_pixel_does_not_follow_hills():
    georef = made("grid", PLACES["inland"], "R")
    assert local_spacing_m(georef, 300, 200) == pytest.approx((10.0, 10.0), rel=0.03)
