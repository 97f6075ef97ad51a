import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import GridGeoref
from sarvlm_app.core.products.range_doppler import Orbit, ZeroDoppler, geolocated, height_of, places_at
from tests.core.products.orbits import moments, seen_from, state

STEP, SPACING, NEAR = 2e-4, 1.2, 640_000.0


def orbit(first=-5.0, last=8.0, step=0.5):
    times = moments(first, last, step)
    vectors = [state(time) for time in times]
    return Orbit(np.array(times), np.array([v[0] for v in vectors]), np.array([v[1] for v in vectors]))


def scene(right=True, height=120.0, size=(12_000, 15_000)):
    return ZeroDoppler(0.0, STEP, NEAR, SPACING, size, right, height)


@pytest.mark.parametrize("right", [True, False])
def test_places_are_seen_at_their_line_and_column_again(right):
    points = geolocated(orbit(), scene(right))
    for point in points[::37]:
        seconds, distance = seen_from(point.lon, point.lat, point.height)
        assert seconds / STEP == pytest.approx(point.line, abs=0.02)
        assert (distance - NEAR) / SPACING == pytest.approx(point.pixel, abs=0.01)


def test_right_of_an_ascending_track_is_east():
    east, west = (geolocated(orbit(), scene(right))[0].lon for right in (True, False))
    assert east > west


def test_incidence_grows_with_range_and_is_that_of_the_geometry():
    points = geolocated(orbit(), scene())
    first, last = points[0], points[20]
    assert 20 < first.incidence < last.incidence < 60
    position, velocity = state(first.line * STEP)
    place = places_at(position[None], velocity[None], np.array([NEAR + first.pixel * SPACING]), 120.0, True)
    assert height_of(place)[0] == pytest.approx(120.0, abs=2e-3)


def test_a_pixel_between_the_points_of_the_grid_is_placed_to_a_tenth_of_a_pixel():
    size = (12_000, 15_000)
    georef = GridGeoref(geolocated(orbit(), scene(size=size)), size)
    for col, row in [(333.3, 777.7), (6100.0, 7000.0), (11_900.0, 14_444.0)]:
        lon, lat = georef.to_lonlat(col, row)
        seconds, distance = seen_from(float(lon), float(lat), 120.0)
        assert (distance - NEAR) / SPACING + 0.5 == pytest.approx(col, abs=0.1)
        assert seconds / STEP + 0.5 == pytest.approx(row, abs=0.1)


def test_vectors_a_minute_apart_serve_as_well():
    sparse = orbit(-180.0, 180.0, 60.0)
    seconds = np.array([0.0, 1.5, 3.0])
    position, velocity = sparse.at(seconds)
    for index, second in enumerate(seconds):
        assert np.abs(position[index] - state(second)[0]).max() < 0.05
        assert np.abs(velocity[index] - state(second)[1]).max() < 1e-3


@settings(max_examples=40, deadline=None)
@given(st.floats(1.0, 5e5), st.floats(-0.5, 0.5))
def test_ranges_that_reach_no_ground_are_refused(near, step):
    with pytest.raises(ValueError, match="range Doppler"):
        geolocated(orbit(), ZeroDoppler(0.0, STEP, near, step, (100, 100), True))


def test_an_orbit_of_another_time_or_planet_is_refused():
    with pytest.raises(ValueError, match="cover"):
        geolocated(orbit(), ZeroDoppler(500.0, STEP, NEAR, SPACING, (100, 100), True))
    with pytest.raises(ValueError, match="none of a satellite"):
        Orbit(np.arange(3.0), np.ones((3, 3)), np.ones((3, 3)))
    with pytest.raises(ValueError, match="two or more"):
        Orbit(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3)))
    with pytest.raises(ValueError, match="order"):
        Orbit(np.zeros(2), np.full((2, 3), 5e6), np.full((2, 3), 5e3))
