"""Geolocation grids and bursts: on the grids of real Sentinel-1 products, and what is refused."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import BurstGeoref, GcpGeoref, GridGeoref, GridPoint, GroundRange
from sarvlm_app.core.georef.control_points import Gcp
from tests.core.geometries import SIZE, grid_points

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "format_samples"
WGS84 = pyproj.Geod(ellps="WGS84")
C = 299_792_458.0
POINTS = grid_points(11.0, 47.0)


def annotation(kind: str) -> ElementTree.Element:
    found = sorted(SAMPLES.glob(f"*_{kind}_*.SAFE/annotation/*.xml"))
    if not found:
        pytest.skip("needs the Sentinel-1 samples of ../shared/data")
    return ElementTree.parse(found[0]).getroot()


def grid_of(root: ElementTree.Element) -> tuple[GridPoint, ...]:
    names = ("line", "pixel", "longitude", "latitude", "height", "incidenceAngle", "slantRangeTime")
    points = []
    for point in root.iter("geolocationGridPoint"):
        values = [float(point.findtext(name)) for name in names]
        points.append(GridPoint(*values[:6], slant_range=values[6] * C / 2))
    return tuple(points)


def arrays(points) -> np.ndarray:
    return np.array([(p.pixel + 0.5, p.line + 0.5, p.lon, p.lat, p.height) for p in points]).T


@pytest.mark.shared
@pytest.mark.parametrize("kind", ["GRDH", "SLC"])
def test_the_grid_of_a_product_passes_through_its_points(kind):
    points = grid_of(annotation(kind))
    georef = GridGeoref(points)
    cols, rows, lons, lats, heights = arrays(points)
    col, row = georef.from_lonlat(lons, lats)
    assert np.abs(col - cols).max() < 0.1 and np.abs(row - rows).max() < 0.1  # in fact 1e-5
    assert WGS84.inv(*georef.to_lonlat(cols, rows), lons, lats)[2].max() < 1e-3
    assert np.allclose(georef.height_m(cols, rows), heights, atol=1e-6)
    # told explicitly, the points' heights change nothing
    assert WGS84.inv(*georef.to_lonlat(cols, rows, heights), lons, lats)[2].max() < 1e-3


@pytest.mark.shared
@pytest.mark.parametrize("kind", ["GRDH", "SLC"])
def test_points_of_a_product_that_were_left_out_are_found_along_their_line(kind):
    """Mountains of 1800 m stand between the points; moved to one height they are smooth."""
    points = grid_of(annotation(kind))
    pixels = sorted({point.pixel for point in points})
    left_out = {*pixels[1:-1:2]}
    georef = GridGeoref(tuple(point for point in points if point.pixel not in left_out))
    cols, rows, lons, lats, heights = arrays([point for point in points if point.pixel in left_out])
    with_height = WGS84.inv(*georef.to_lonlat(cols, rows, heights), lons, lats)[2]
    without = WGS84.inv(*georef.to_lonlat(cols, rows), lons, lats)[2]
    assert np.sqrt((with_height**2).mean()) < 3.0
    assert with_height.max() < without.max() / 20


def ground_range_of(root: ElementTree.Element) -> GroundRange:
    begin = datetime.fromisoformat(root.findtext(".//productFirstLineUtcTime"))
    step = float(root.findtext(".//azimuthTimeInterval"))
    found = [entry for entry in root.iter("coordinateConversion") if entry.find("gr0") is not None]
    times = [datetime.fromisoformat(entry.findtext("azimuthTime")) for entry in found]
    return GroundRange(
        tuple((time - begin).total_seconds() / step for time in times),
        tuple(float(entry.findtext("gr0")) for entry in found),
        tuple(tuple(map(float, entry.findtext("grsrCoefficients").split())) for entry in found),
        float(root.findtext(".//rangePixelSpacing")),
    )


@pytest.mark.shared
def test_the_polynomials_of_a_ground_range_product_say_what_its_grid_does_not():
    root = annotation("GRDH")
    points, ranges = grid_of(root), ground_range_of(root)
    cols, rows, lons, lats, _ = arrays(points)
    slant = ranges.slant(rows - 0.5, cols - 0.5)
    assert np.abs(slant - [point.slant_range for point in points]).max() < 4.0
    alone, georef = GridGeoref(points), GridGeoref(points, ground_range=ranges)
    assert WGS84.inv(*georef.to_lonlat(cols, rows), lons, lats)[2].max() < 1e-3, "it passes through the points"
    assert georef.error_m.metres < 3.0
    assert alone.error_m.metres > 10.0
    # between its lines the grid alone is wrong by up to 7 pixels
    at = np.meshgrid(np.linspace(100, 26000, 40), np.linspace(100, 16600, 60))
    assert WGS84.inv(*georef.to_lonlat(*at), *alone.to_lonlat(*at))[2].max() > 50.0
    back = georef.from_lonlat(*georef.to_lonlat(*at))
    assert max(np.abs(back[0] - at[0]).max(), np.abs(back[1] - at[1]).max()) < 0.05


@given(st.floats(-50, 500), st.floats(0, 600))
def test_polynomials_that_do_not_change_change_nothing(line, pixel):
    ranges = GroundRange((-100.0, 200.0, 700.0), (0.0, 10.0, 0.0), ((8e5, 0.5), (8e5 + 5, 0.5), (8e5, 0.5)), 10.0)
    assert ranges.slant(np.array([line]), np.array([pixel]))[0] == pytest.approx(8e5 + 5 * pixel)
    plain, same = GridGeoref(POINTS), GridGeoref(POINTS, ground_range=ranges)
    assert np.allclose(plain.to_lonlat(pixel, line), same.to_lonlat(pixel, line), atol=1e-9)


def test_one_polynomial_serves_every_line():
    one = GroundRange((5.0,), (0.0,), ((8e5, 0.5),), 10.0)
    assert one.slant(np.array([0.0, 9.0]), np.array([1.0, 1.0])).tolist() == [800_005.0, 800_005.0]


@pytest.mark.parametrize(
    ("lines", "origins", "coefficients", "spacing"),
    [
        ((), (), (), 10.0),
        ((0.0, 1.0), (0.0,), ((1.0,), (1.0,)), 10.0),
        ((0.0, 1.0), (0.0, 0.0), ((1.0,), (1.0, 2.0)), 10.0),
        ((1.0, 0.0), (0.0, 0.0), ((1.0,), (1.0,)), 10.0),
        ((0.0,), (0.0,), ((float("nan"),),), 10.0),
        ((0.0,), (0.0,), ((1.0,),), 0.0),
    ],
)
def test_polynomials_that_are_not_whole_are_refused(lines, origins, coefficients, spacing):
    with pytest.raises(ValueError, match="polynomials from ground to slant range"):
        GroundRange(lines, origins, coefficients, spacing)


@pytest.mark.shared
def test_the_end_of_a_burst_is_not_the_beginning_of_the_next():
    root = annotation("SLC")
    lines = int(root.findtext(".//linesPerBurst"))
    step = float(root.findtext(".//azimuthTimeInterval"))
    begin = datetime.fromisoformat(root.findtext(".//productFirstLineUtcTime"))

    def row_of(text: str) -> float:
        return (datetime.fromisoformat(text) - begin).total_seconds() / step

    starts = tuple(row_of(burst.findtext("azimuthTime")) for burst in root.iter("burst"))
    times = [row_of(point.findtext("azimuthTime")) for point in root.iter("geolocationGridPoint")]
    points = grid_of(root)
    in_time = {}
    for point, time in zip(points, times, strict=True):
        in_time.setdefault(point.line, []).append(time)
    base = GridGeoref(tuple(replace(p, line=float(np.mean(in_time[p.line]))) for p in points))
    bursts = BurstGeoref(base, lines, starts)
    naive = GridGeoref(points)
    assert base.error_m.metres < 0.5
    assert naive.error_m.metres > 50.0
    first = [point for point in points if point.line % lines == 0 and point.line < lines * len(starts)]
    cols, rows, lons, lats, _ = arrays(first)
    assert WGS84.inv(*bursts.to_lonlat(cols, rows), lons, lats)[2].max() < 20.0
    # one line before the second burst: the same ground was seen 159 lines after that burst's beginning
    before, after = bursts.to_lonlat(9000.0, lines - 0.5), bursts.to_lonlat(9000.0, lines + 158.5)
    assert WGS84.inv(*before, *after)[2] < 30.0
    assert WGS84.inv(*before, *naive.to_lonlat(9000.0, lines - 0.5))[2] > 1500.0


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(35)))
def test_the_order_of_the_points_is_of_no_matter(order):
    points = grid_points(11.0, 47.0)
    shuffled = GridGeoref(tuple(points[k] for k in order))
    assert np.allclose(shuffled.to_lonlat(100.0, 60.0), GridGeoref(points).to_lonlat(100.0, 60.0), atol=1e-12)


def test_beyond_its_outermost_points_it_goes_on_straight():
    georef = GridGeoref(grid_points(11.0, 47.0), SIZE)
    lon, lat = georef.to_lonlat([SIZE[0] + k for k in (100.0, 200.0, 300.0)], [200.0] * 3, 0.0)
    one, two = WGS84.inv(lon[:2], lat[:2], lon[1:], lat[1:])[2]
    assert one == pytest.approx(two, rel=1e-3)
    assert georef.from_lonlat(lon[2], lat[2], 0.0)[0] == pytest.approx(SIZE[0] + 300.0, abs=0.05)


def test_without_incidence_heights_are_of_no_effect():
    level = GridGeoref(tuple(replace(point, incidence=None) for point in grid_points(11.0, 47.0)), SIZE)
    assert not level.uses_height
    assert np.array_equal(level.to_lonlat(3.0, 4.0), level.to_lonlat(3.0, 4.0, 2000.0))


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (POINTS[:7], "lie on one line"),
        (POINTS[:-1], "no whole grid"),
        ((*POINTS[:-1], replace(POINTS[0], lon=11.2)), "coincide|no whole grid"),
        (tuple(replace(point, lon=11.0, lat=47.0) for point in POINTS), "coincide or are out of order"),
        ((replace(POINTS[0], lat=91.0), *POINTS[1:]), "no place on the Earth"),
        ((replace(POINTS[0], lon=float("nan")), *POINTS[1:]), "no place on the Earth"),
        ((replace(POINTS[0], incidence=0.0), *POINTS[1:]), "incidence angle"),
        ((replace(POINTS[0], lon=POINTS[30].lon, lat=POINTS[30].lat), *POINTS[1:]), "out of order"),
        ((replace(POINTS[0], lon=POINTS[0].lon + 180.0, lat=-47.0), *POINTS[1:]), "both sides|out of order"),
        ((), "lie on one line"),
    ],
)
def test_points_that_are_no_grid_are_refused(points, said):
    with pytest.raises(ValueError, match=said):
        GridGeoref(points)


@pytest.mark.parametrize(("lines", "starts"), [(0, (0.0,)), (10, ()), (10, (5.0, 5.0)), (10, (9.0, 3.0))])
def test_bursts_that_do_not_follow_are_refused(lines, starts):
    with pytest.raises(ValueError, match="do not follow"):
        BurstGeoref(GridGeoref(POINTS), lines, starts)


def test_control_points_that_contradict_or_coincide_are_refused():
    corners = [Gcp(0, 0, 11.0, 47.0), Gcp(100, 0, 11.1, 47.0), Gcp(0, 100, 11.0, 46.9)]
    with pytest.raises(ValueError, match=r"two ground control points of pixel \(0, 0\) lie \d+ m apart"):
        GcpGeoref((*corners, Gcp(0, 0, 11.05, 47.0)), "EPSG:4326")
    with pytest.raises(ValueError, match="coincide on the ground"):
        GcpGeoref((*corners, Gcp(100, 100, 11.1, 47.0)), "EPSG:4326")
    with pytest.raises(ValueError, match="one line on the ground"):
        GcpGeoref((Gcp(0, 0, 11.0, 47.0), Gcp(9, 0, 11.1, 47.0), Gcp(0, 9, 11.2, 47.0)), "EPSG:3857")
    with pytest.raises(ValueError, match="outside its reference system"):
        GcpGeoref((*corners, Gcp(5, 5, float("nan"), 47.0)), "EPSG:4326")
    # the same point twice is one point
    assert GcpGeoref((*corners, corners[0]), "EPSG:4326").to_lonlat(0, 0)[0] == pytest.approx(11.0)
