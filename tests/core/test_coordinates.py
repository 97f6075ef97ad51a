"""Coordinates as people write them: read what was written, and refuse what means nothing."""

import contextlib

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.coordinates import (
    Kind,
    Notation,
    dms_text,
    find_spot,
    lonlat_text,
    map_text,
    mgrs_text,
    notation_text,
    read_position,
    utm_text,
)
from sarvlm_app.core.georef import ShiftedGeoref
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import QueryError
from tests.core.geometries import KINDS
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif

WGS84 = pyproj.Geod(ellps="WGS84")
longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
LA = (-118.21, 33.74)


def metres(reading, lon, lat):
    assert reading.kind is Kind.GROUND
    return WGS84.inv(reading.first, reading.second, lon, lat)[2]


@given(longitudes, latitudes)
def test_degrees_are_read_as_they_are_written(lon, lat):
    assert metres(read_position(lonlat_text(lon, lat, 7))[0], lon, lat) < 0.02
    assert metres(read_position(f"{lat:.7f}, {lon:.7f}")[0], lon, lat) < 0.02


@given(longitudes, latitudes)
def test_minutes_and_seconds_are_read_as_they_are_written(lon, lat):
    assert metres(read_position(dms_text(lon, lat))[0], lon, lat) < 2.5


@settings(deadline=None)
@given(longitudes, latitudes)
def test_military_grid_references_are_read_as_they_are_written(lon, lat):
    text = mgrs_text(lon, lat)
    assert text is not None, "there is one everywhere, at the poles too"
    assert metres(read_position(text)[0], lon, lat) < 2.0
    assert metres(read_position(text.replace(" ", "").lower())[0], lon, lat) < 2.0


@settings(deadline=None)
@given(longitudes, st.floats(-79.9, 83.9))
def test_utm_is_read_as_it_is_written(lon, lat):
    text = utm_text(lon, lat)
    assert text is not None
    assert min(metres(reading, lon, lat) for reading in read_position(text)) < 1.0


@pytest.mark.parametrize(
    "text",
    [
        "33.74, -118.21",
        "33.74 -118.21",
        "33.74; -118.21",
        "33,74 -118,21",
        "33,74; -118,21",
        "-118.21, 33.74",
        "33.74N 118.21W",
        "N33.74 W118.21",
        "118.21 W, 33.74 N",
        "lat 33.74 lon -118.21",
        "33.74° N, 118.21° W",
        "33°44'24\"N 118°12'36\"W",
        "33°44′24″N 118°12′36″W",
        "33° 44' 24'' N, 118° 12' 36'' W",
        "33°44.4'N 118°12.6'W",
        "33 44 24 N 118 12 36 W",
        "33:44:24 N 118:12:36 W",
        "N 33°44'24\" W 118°12'36\"",
        "33 44 24, -118 12 36",
        "334424N 1181236W",
        "33.74, 241.79",
    ],
)
def test_one_place_in_many_ways(text):
    assert metres(read_position(text)[0], *LA) < 1.0


def test_the_example_of_minutes_on_one_side_only():
    reading = read_position("33°44'24\"N 118°12'W")[0]
    assert (reading.second, reading.first) == pytest.approx((33.74, -118.2))


@pytest.mark.parametrize(
    ("text", "col", "row"),
    [("col 1200 row 340", 1200, 340), ("row 340, col 1200", 1200, 340), ("px 1200 340", 1200, 340),
     ("1200,340 px", 1200, 340), ("Column: 12.5 Row: -3", 12.5, -3)],
)  # fmt: skip
def test_pixels_are_named_as_such(text, col, row):
    (reading,) = read_position(text)
    assert reading.kind is Kind.PIXEL and (reading.first, reading.second) == (col, row)


def test_the_letter_after_a_utm_zone_is_its_band_or_the_south():
    band, south = read_position("11S 380000 3740000")
    assert band.second == pytest.approx(33.79, abs=0.02) and south.second < -50
    assert read_position("19S 345000 6297000")[0].second == pytest.approx(-33.45, abs=0.05), "no place of the band S"
    assert read_position("19 south 345000 6297000")[0].second < 0
    assert read_position("19H 345000 6297000")[0].second < 0
    assert read_position("UTM zone 33 N 500000mE 5300000mN")[0].second == pytest.approx(47.85, abs=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "No coordinate is given"),
        ("the harbour", "no coordinate that can be read"),
        ("33.74", "no coordinate that can be read"),
        ("1 2 3", "no coordinate that can be read"),
        ("33.74N 118.21N", "no coordinate that can be read"),
        ("95.0, 200.0", "no place on the Earth"),
        ("33°74'N 118°W", "60 minutes"),
        ("33.5°30'N 118°W", "fraction"),
        ("-33N 118W", "sign"),
        ("61S 380000 3740000", "no UTM position"),
        ("11S 38 3740000", "no UTM position"),
        ("11S LT 123 45", "as many digits"),
        ("11S LT 123456 123456", "at most five|as many digits"),
        ("11S AA 12 12", "no such square"),
        ("9" * 500, "no coordinate that can be read"),
        ("1e5 1e5", "no coordinate that can be read"),
    ],
)
def test_what_means_nothing_is_refused_with_a_sentence(text, said):
    with pytest.raises(QueryError, match=said) as caught:
        read_position(text)
    assert str(caught.value).endswith(".") and len(str(caught.value)) < 400


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        readings = read_position(text)
    except QueryError:
        return
    assert all(np.isfinite((reading.first, reading.second)).all() for reading in readings)


@given(st.from_regex(r"[0-9NSEWcolrw°'\" ,.;:-]{1,40}", fullmatch=True))
def test_text_that_looks_like_a_coordinate_is_read_or_refused(text):
    with contextlib.suppress(QueryError):
        read_position(text)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = write_tif(tmp_path_factory.mktemp("c") / "s.tif", speckle((200, 300)), crs=UTM33, transform=TRANSFORM)
    return open_scene(path)


@settings(deadline=None)
@given(col=st.floats(0.5, 299), row=st.floats(0.5, 199), notation=st.sampled_from(Notation))
def test_what_the_status_line_shows_leads_back(scene, col, row, notation):
    lon, lat = (float(value) for value in scene.georef.to_lonlat(col, row))
    spot = find_spot(scene, notation_text(notation, scene.georef, lon, lat))
    assert (spot.col, spot.row) == pytest.approx((col, row), abs=0.6)


@pytest.mark.parametrize(
    ("east", "north", "said"),
    [(10_000, 0, "km east of s"), (-5_000, 0, "km west of s"), (0, 5_000, "km north of s"),
     (0, -20_000, "km south of s"),
     (5_000, 5_000, "km north-east of s"), (1_600, -3_400, "south of s")],
)  # fmt: skip
def test_beside_the_scene_distance_and_direction_are_told(scene, east, north, said):
    # from the middle of a scene of 3 x 2 km
    with pytest.raises(QueryError, match=said):
        find_spot(scene, f"{501_500 + east} {5_299_000 + north}")


def test_the_nearer_reading_counts(scene):
    # the band S, or the south: neither lies here, and the northern one is nearer
    with pytest.raises(QueryError, match="N .* of s"):
        find_spot(scene, "33S 500000 3800000")


def test_the_other_side_of_the_earth_is_not_in_the_scene(scene):
    with pytest.raises(QueryError, match="km"):
        find_spot(scene, "-47.85, -165.0")


def test_metres_mean_nothing_in_a_scene_without_a_map(scene):
    from dataclasses import replace

    rpc = replace(scene, georef=KINDS["rpc"](15.0, 47.8, "R"))
    with pytest.raises(QueryError, match="lies in no map"):
        find_spot(rpc, "501500 5299000")


def test_the_map_of_a_window_is_that_of_its_scene(scene):
    lon, lat = (float(value) for value in scene.georef.to_lonlat(100, 50))
    window = ShiftedGeoref(scene.georef, 10, 10, (50, 50))
    assert map_text(window, lon, lat) == map_text(scene.georef, lon, lat) == "501000.0 E  5299500.0 N  EPSG:32633"


def test_notations_follow_one_another_in_a_circle():
    seen = [Notation.DEGREES]
    while seen[-1].following is not seen[0]:
        seen.append(seen[-1].following)
    assert set(seen) == set(Notation)


def test_poles_have_no_utm_and_say_degrees_instead(scene):
    assert utm_text(10.0, 88.0) is None and mgrs_text(10.0, 88.0).startswith("Z")
    rpc = KINDS["rpc"](10.0, 88.0, "R")
    assert notation_text(Notation.MAP, rpc, 10.0, 88.0) == lonlat_text(10.0, 88.0, 5)
