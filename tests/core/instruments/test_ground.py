"""Distance, azimuth, area and perimeter."""

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import assume, given
from hypothesis import strategies as st

from sarvlm_app.core.georef import AffineGeoref
from sarvlm_app.core.instruments import Basis, measure_line, measure_polygon
from sarvlm_app.errors import QueryError
from tests.core.instruments.made import scene_of

GEOD = pyproj.Geod(ellps="WGS84")
SIZE = (1000, 1000)
PIXELS = np.zeros((2, 2), np.float32)
UTM = AffineGeoref(Affine(10, 0, 500000, 0, -10, 5300000), "EPSG:32633", SIZE)
MERCATOR = AffineGeoref(Affine(10, 0, 1.6e6, 0, -10, 8.4e6), "EPSG:3857", SIZE)
DEGREES = AffineGeoref(Affine(1e-4, 0, 179.95, 0, -1e-4, 60.0), "EPSG:4326", SIZE)

spots = st.tuples(st.floats(-100, 1100), st.floats(-100, 1100))


@given(start=spots, end=spots)
def test_a_distance_is_the_geodesic_between_the_places(start, end):
    assume(abs(start[0] - end[0]) + abs(start[1] - end[1]) > 0.1)
    for georef in (UTM, MERCATOR, DEGREES):
        found = measure_line(scene_of(PIXELS, georef=georef), [start, end])
        lon, lat = georef.to_lonlat(*np.transpose([start, end]))
        forward, _, metres = GEOD.inv(lon[0], lat[0], lon[1], lat[1])
        assert found.basis is Basis.GEODESIC and found.total_m == pytest.approx(metres)
        assert found.azimuth_deg[0] == pytest.approx(forward % 360)
        assert found.total_px == pytest.approx(np.hypot(*np.subtract(end, start)))


def test_a_metre_of_a_mercator_map_is_not_a_metre():
    east = measure_line(scene_of(PIXELS, georef=MERCATOR), [(0, 0), (100, 0)])
    assert east.total_m == pytest.approx(1000 * np.cos(np.deg2rad(59.9)), rel=0.02)
    assert east.azimuth_deg[0] == pytest.approx(90, abs=0.1)


def test_a_line_across_the_antimeridian_is_short():
    found = measure_line(scene_of(PIXELS, georef=DEGREES), [(0, 0), (1000, 0)])
    assert found.lonlat[0, 0] > 0 > found.lonlat[1, 0] and found.total_m == pytest.approx(5583, rel=0.01)


def test_a_polyline_is_the_sum_of_its_segments_each_with_its_azimuth():
    found = measure_line(scene_of(PIXELS, georef=UTM), [(500, 500), (500, 400), (600, 400), (600, 400)])
    assert len(found.segments_m) == 3 and found.total_m == pytest.approx(2000, rel=1e-3)
    assert found.azimuth_deg[:2] == pytest.approx([0, 90], abs=0.2) or found.azimuth_deg[0] > 359.5
    assert found.segments_m[2] == 0 and np.isnan(found.azimuth_deg[2])


def test_with_a_spacing_alone_the_ground_is_taken_for_flat():
    found = measure_line(scene_of(PIXELS, spacing_m=(3.0, 4.0)), [(0, 0), (1, 1)])
    assert (found.basis, found.total_m, found.azimuth_deg) == (Basis.SPACING, 5.0, None)
    area = measure_polygon(scene_of(PIXELS, spacing_m=(3.0, 4.0)), [(0, 0), (10, 0), (10, 10), (0, 10)])
    assert (area.basis, area.area_m2) == (Basis.SPACING, 1200.0)
    assert area.perimeter_m == pytest.approx(140)


def test_without_either_there_are_pixels_only():
    scene = scene_of(PIXELS)
    found = measure_line(scene, [(0, 0), (3, 4)])
    assert (found.basis, found.total_px, found.total_m, found.lonlat) == (Basis.PIXELS, 5.0, None, None)
    area = measure_polygon(scene, [(0, 0), (4, 0), (0, 3)])
    assert (area.basis, area.area_px, area.perimeter_px, area.area_m2) == (Basis.PIXELS, 6.0, 12.0, None)


@given(st.lists(spots, min_size=3, max_size=8), st.booleans())
def test_an_area_is_that_of_the_ellipsoid(points, backwards):
    ring = np.array(shapely.MultiPoint(points).convex_hull.exterior.coords[:-1]) if len(set(points)) > 2 and (
        shapely.MultiPoint(points).convex_hull.area > 100
    ) else None  # fmt: skip
    assume(ring is not None)
    found = measure_polygon(scene_of(PIXELS, georef=UTM), ring[::-1] if backwards else ring)
    lon, lat = UTM.to_lonlat(*ring.T)
    area, perimeter = GEOD.polygon_area_perimeter(lon, lat)
    assert found.area_m2 == pytest.approx(abs(area), rel=1e-4, abs=10)
    assert found.perimeter_m == pytest.approx(perimeter, rel=1e-6)
    assert found.area_px == pytest.approx(shapely.Polygon(ring).area)


def test_a_ring_may_name_its_first_point_again():
    scene = scene_of(PIXELS, georef=UTM)
    square = [(0, 0), (10, 0), (10, 10), (0, 10)]
    assert measure_polygon(scene, square) == measure_polygon(scene, [*square, square[0]])


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([(0, 0), (1, 1)], "needs at least 3 points"),
        ([(0, 0), (1, 1), (2, 2)], "lie on one line"),
        ([(0, 0), (10, 10), (10, 0), (0, 10)], "sides of the region cross"),
        ([(0, 0), (10, 10), (np.nan, 0)], "is no finite number"),
    ],
)
def test_what_is_no_region_is_refused_with_a_sentence(points, told):
    with pytest.raises(QueryError, match=told):
        measure_polygon(scene_of(PIXELS), points)


def test_a_line_of_one_point_is_refused():
    with pytest.raises(QueryError, match="A line needs at least 2 points"):
        measure_line(scene_of(PIXELS), [(3, 3)])
