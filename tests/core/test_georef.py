import pickle

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import (
    EDGE_POINTS,
    AffineGeoref,
    Gcp,
    GcpGeoref,
    Georeference,
    local_spacing_m,
    wrap_longitude,
)

SIZE = (2500, 1600)
utm_transforms = st.builds(
    lambda e, n, size, turn: Affine.translation(e, n) @ Affine.rotation(turn) @ Affine.scale(size, -size),
    st.floats(2e5, 8e5),
    st.floats(1e5, 8e6),
    st.floats(0.2, 40.0),
    st.floats(-180, 180),
)
places = st.tuples(st.floats(0, SIZE[0]), st.floats(0, SIZE[1]))


def curved_swath(lon0: float = 11.0, lat0: float = 45.0) -> tuple[Gcp, ...]:
    """A 10 x 21 grid over a Sentinel-1 like swath of 10 m pixels that bends in both directions."""
    points = []
    for row in np.linspace(0, 16000, 10):
        for col in np.linspace(0, 25000, 21):
            u, v = col / 25000, row / 16000
            lon = lon0 + 3.2 * u + 0.35 * v + 0.05 * u * u - 0.02 * u * v
            lat = lat0 + 0.40 * u - 1.45 * v + 0.03 * u * u + 0.01 * np.sin(2 * v)
            points.append(Gcp(float(col), float(row), float(wrap_longitude(np.asarray(lon))), float(lat)))
    return tuple(points)


SWATH = GcpGeoref(curved_swath(), "EPSG:4326", (25000, 16000))
PACIFIC = GcpGeoref(curved_swath(178.5, -17.0), "EPSG:4326", (25000, 16000))


@given(utm_transforms, places)
def test_affine_there_and_back_ends_where_it_began(transform, place):
    georef = AffineGeoref(transform, "EPSG:32633", SIZE)
    col, row = georef.from_lonlat(*georef.to_lonlat(*place))
    assert (float(col), float(row)) == pytest.approx(place, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([SWATH, PACIFIC]), st.floats(0, 25000), st.floats(0, 16000))
def test_ground_control_there_and_back_ends_where_it_began(georef, col, row):
    back = georef.from_lonlat(*georef.to_lonlat(col, row))
    assert (float(back[0]), float(back[1])) == pytest.approx((col, row), abs=0.05)


def test_the_spline_goes_through_every_control_point():
    cols, rows, lons, lats = (np.array([getattr(g, name) for g in SWATH.gcps]) for name in ("col", "row", "x", "y"))
    lon, lat = SWATH.to_lonlat(cols, rows)
    assert np.abs(lon - lons).max() < 1e-9
    assert np.abs(lat - lats).max() < 1e-9


def test_between_control_points_the_spline_stays_within_metres_of_the_true_curve():
    every = {(gcp.col, gcp.row): gcp for gcp in SWATH.gcps}
    left_out = every[(12500.0, SWATH.gcps[4 * 21].row)]
    rest = tuple(gcp for gcp in SWATH.gcps if gcp != left_out)
    lon, lat = GcpGeoref(rest, "EPSG:4326").to_lonlat(left_out.col, left_out.row)
    assert pyproj.Geod(ellps="WGS84").inv(float(lon), float(lat), left_out.x, left_out.y)[2] < 20.0


def test_control_points_in_map_coordinates_give_degrees():
    transform = Affine(10, 0, 500000, 0, -10, 5300000)
    gcps = tuple(
        Gcp(c, r, 500000 + 10 * c, 5300000 - 10 * r) for c in (0.0, 500.0, 1000.0) for r in (0.0, 400.0, 800.0)
    )
    by_points = GcpGeoref(gcps, "EPSG:32633").to_lonlat(500, 400)
    by_transform = AffineGeoref(transform, "EPSG:32633").to_lonlat(500, 400)
    assert np.allclose(by_points, by_transform, atol=1e-8)


def test_a_place_on_the_other_side_of_the_earth_is_not_a_pixel():
    col, row = SWATH.from_lonlat([-170.0, 12.0], [-80.0, 44.5])
    assert np.isnan(col[0]) or not 0 <= col[0] <= 25000
    assert np.isfinite([col[1], row[1]]).all()


@pytest.mark.parametrize(
    ("gcps", "said"),
    [
        (tuple(Gcp(float(k), float(k), float(k), float(k)) for k in range(5)), "on one line"),
        ((Gcp(0, 0, 0, 0), Gcp(0, 0, 1, 1), Gcp(9, 0, 1, 1)), "at least 3"),
    ],
)
def test_control_points_that_fix_no_map_are_refused(gcps, said):
    with pytest.raises(ValueError, match=said):
        GcpGeoref(gcps, "EPSG:4326")


def test_an_unknown_reference_system_and_a_flat_transform_are_refused():
    with pytest.raises(ValueError, match="not known"):
        AffineGeoref(Affine.identity(), "nonsense")
    with pytest.raises(ValueError, match="inverted"):
        AffineGeoref(Affine(1, 1, 0, 1, 1, 0), "EPSG:4326")


def test_a_mercator_metre_is_not_a_metre_on_the_ground():
    georef = AffineGeoref(Affine(10, 0, -13173501.94, 0, -10, 4017420.35), "EPSG:3395", (3072, 5120))
    assert local_spacing_m(georef, 1500, 2500) == pytest.approx((8.31, 8.31), abs=0.02)


def test_spacing_follows_the_axes_of_the_pixel():
    georef = AffineGeoref(Affine(0, 20.0, 500000, 5.0, 0, 5300000), "EPSG:32633", SIZE)
    assert georef.spacing_m(100, 100) == pytest.approx((5.0, 20.0), rel=2e-3)


@pytest.mark.parametrize(
    "georef",
    [
        AffineGeoref(Affine(0.001, 0, 179.2, 0, -0.001, -16), "EPSG:4326", SIZE),
        AffineGeoref(Affine(0.001, 0, -180.8, 0, -0.001, -16), "EPSG:4326", SIZE),
        PACIFIC,
    ],
)
def test_across_the_antimeridian_places_wrap_and_the_outline_does_not_jump(georef):
    width, height = georef.size
    lon, lat = georef.to_lonlat([0, width], [0, height])
    assert lon[0] > 170 and lon[1] < -170
    assert np.allclose(georef.from_lonlat(lon, lat), [[0, width], [0, height]], atol=0.05)
    ring = np.array(georef.footprint_lonlat())
    assert np.abs(np.diff(ring[:, 0])).max() < 5


def test_the_outline_begins_top_left_and_runs_along_the_top_edge():
    georef = AffineGeoref(Affine(0.01, 0, 10, 0, -0.01, 50), "EPSG:4326", (100, 50))
    ring = georef.footprint_lonlat()
    assert len(ring) == 4 * EDGE_POINTS
    assert np.allclose(ring[::EDGE_POINTS], [(10, 50), (11, 50), (11, 49.5), (10, 49.5)])


def test_an_outline_needs_the_scenes_size():
    with pytest.raises(ValueError, match="size"):
        AffineGeoref(Affine.identity(), "EPSG:4326").footprint_lonlat()


@pytest.mark.parametrize("georef", [SWATH, AffineGeoref(Affine.scale(2.0), "EPSG:32633", SIZE)])
def test_a_georeference_is_a_value_and_travels_to_another_process(georef):
    assert isinstance(georef, Georeference)
    again = pickle.loads(pickle.dumps(georef))
    assert again == georef and hash(again) == hash(georef)
    assert np.array_equal(again.to_lonlat(3.0, 4.0), georef.to_lonlat(3.0, 4.0))


def test_the_reference_systems_name_is_its_code():
    assert AffineGeoref(Affine.identity(), pyproj.CRS(32633).to_wkt()).crs_name == "EPSG:32633"
    assert AffineGeoref(Affine.identity(), "+proj=utm +zone=33 +ellps=GRS80").crs_name


@given(st.floats(-1000, 1000))
def test_wrapped_longitudes_are_the_same_meridian(lon):
    wrapped = float(wrap_longitude(np.asarray(lon)))
    assert -180 <= wrapped <= 180
    assert (wrapped - lon) / 360 == pytest.approx(round((wrapped - lon) / 360), abs=1e-9)
