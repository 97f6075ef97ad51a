"""Place, size and heading of boxes, against geodesics laid out the other way round."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.box_facts import box_facts
from sarvlm_app.core.boxes import corners_from
from sarvlm_app.core.georef import AffineGeoref, Gcp, GcpGeoref
from tests.core.export_answers import gcp_georef, make_scene

GEOD = pyproj.Geod(ellps="WGS84")
SIZE = (2000, 1600)


def map_georef(crs: str, lon: float, lat: float, pixel: float, turn: float = 0.0) -> AffineGeoref:
    """A map of square pixels whose middle lies at lon, lat."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    to_map = Affine.translation(x, y) @ Affine.rotation(turn) @ Affine.scale(pixel, -pixel)
    return AffineGeoref(to_map @ Affine.translation(-SIZE[0] / 2, -SIZE[1] / 2), crs, SIZE)


def turned_swath(lon: float, lat: float) -> GcpGeoref:
    """Ground control of a descending pass: rows go south-south-west, pixels of 20 x 10 metres."""
    points = []
    for row in np.linspace(0, SIZE[1], 6):
        for col in np.linspace(0, SIZE[0], 8):
            right, down = (col - SIZE[0] / 2) * 20.0, (row - SIZE[1] / 2) * 10.0
            azimuth = 101.0 + np.rad2deg(np.arctan2(down, right))
            x, y, _ = GEOD.fwd(lon, lat, azimuth, float(np.hypot(right, down)))
            points.append(Gcp(float(col), float(row), float(x), float(y)))
    return GcpGeoref(tuple(points), "EPSG:4326", SIZE)


GEOREFS = {
    "utm": map_georef("EPSG:32611", -118.2, 33.7, 10.0),
    "utm, turned by 63 degrees": map_georef("EPSG:32633", 12.0, 54.0, 5.0, 63.0),
    "Mercator": map_georef("EPSG:3395", 12.0, 54.0, 10.0),
    "Mercator at 70 degrees": map_georef("EPSG:3395", 20.0, 70.0, 10.0),
    "degrees": map_georef("EPSG:4326", -5.0, 36.0, 1e-4),
    "degrees at 78 degrees": map_georef("EPSG:4326", 15.0, 78.0, 1e-4),
    "degrees across the antimeridian": map_georef("EPSG:4326", 180.0, -17.0, 1e-4),
    "polar stereographic": map_georef("EPSG:3995", 40.0, 84.0, 20.0),
    "Mercator across the antimeridian": map_georef("EPSG:3832", 180.0, -17.0, 10.0),
    "ground control": turned_swath(5.0, 52.0),
    "ground control at 79 degrees": turned_swath(25.0, 79.0),
    "ground control across the antimeridian": turned_swath(-180.0, -17.0),
}


def laid_out(georef, place: tuple[float, float], length: float, width: float, heading: float) -> np.ndarray:
    """Corners in pixels of a rectangle laid out on the ground around a pixel."""
    lon, lat = (float(v) for v in georef.to_lonlat(*place))
    corner = float(np.rad2deg(np.arctan2(width, length)))
    azimuths = [heading + corner, heading - corner, heading + 180 + corner, heading + 180 - corner]
    reach = float(np.hypot(length, width)) / 2
    lons, lats, _ = GEOD.fwd([lon] * 4, [lat] * 4, azimuths, [reach] * 4)
    cols, rows = georef.from_lonlat(np.array(lons), np.array(lats))
    return np.stack([cols, rows], axis=-1)[None]


@pytest.mark.parametrize("name", GEOREFS)
@settings(max_examples=25, deadline=None)
@given(
    place=st.tuples(st.floats(200, SIZE[0] - 200), st.floats(200, SIZE[1] - 200)),
    length=st.floats(40, 400),
    share=st.floats(0.1, 0.8),
    heading=st.floats(0, 180, exclude_max=True),
)
def test_what_was_laid_out_on_the_ground_is_told(name, place, length, share, heading):
    georef = GEOREFS[name]
    corners = laid_out(georef, place, length, share * length, heading)
    facts = box_facts(corners, make_scene(*SIZE, georef=georef))
    assert facts.length_m[0] == pytest.approx(length, rel=2e-3)
    assert facts.width_m[0] == pytest.approx(share * length, rel=2e-3)
    off = abs(facts.heading_deg[0] - heading)
    assert min(off, 180 - off) < 0.1 and 0 <= facts.heading_deg[0] < 180
    lon, lat = georef.to_lonlat(*place)
    assert GEOD.inv(float(lon), float(lat), facts.lon[0], facts.lat[0])[2] < 0.5
    assert -180 <= facts.lon[0] <= 180


def test_a_mercator_metre_is_not_a_metre():
    georef = GEOREFS["Mercator at 70 degrees"]
    facts = box_facts(corners_from(1000, 800, 30, 6, 0.0), make_scene(*SIZE, georef=georef))
    assert facts.length_m[0] == pytest.approx(300 * np.cos(np.deg2rad(70)), rel=0.01)
    assert facts.heading_deg[0] == pytest.approx(90, abs=0.01)


def test_the_same_box_the_other_way_round_says_the_same():
    scene = make_scene(*SIZE, georef=gcp_georef(*SIZE))
    box = corners_from(700, 900, 40, 9, 1.1)
    told = box_facts(box, scene)
    for other in (np.roll(box, 1, axis=1), np.roll(box, 2, axis=1), box[:, ::-1]):
        again = box_facts(other, scene)
        assert again.length_m == pytest.approx(told.length_m) and again.width_m == pytest.approx(told.width_m)
        assert again.heading_deg == pytest.approx(told.heading_deg)


def test_with_the_spacing_alone_sizes_are_told_and_no_place():
    scene = make_scene(georef=None, spacing_m=(20.0, 10.0))
    facts = box_facts(corners_from([100, 100], 50, 40, 10, [0, np.pi / 2]), scene)
    assert facts.length_m.tolist() == pytest.approx([800, 400])
    assert facts.width_m.tolist() == pytest.approx([100, 200])
    tall = box_facts(corners_from(100, 50, 12, 10, np.pi / 2), scene)
    assert (tall.length_m[0], tall.width_m[0]) == pytest.approx((200, 120))  # the longer one on the ground
    assert np.isnan([facts.lon, facts.lat, facts.heading_deg]).all()


def test_what_is_not_known_is_nan_and_no_warning():
    boxes = np.concatenate([corners_from(10, 10, 5, 2, 0), np.full((1, 4, 2), np.nan), np.full((1, 4, 2), 7.0)])
    nothing = box_facts(boxes, make_scene(georef=None, spacing_m=None))
    assert np.isnan(nothing.length_m).all() and len(nothing) == 3
    some = box_facts(boxes, make_scene(georef=GEOREFS["utm"]))
    assert np.isfinite(some.heading_deg).tolist() == [True, False, False]
    assert some.length_m[2] == 0 and np.isnan(some.lon[1])
    beyond = box_facts(corners_from(1e12, 0, 4, 2, 0), make_scene(georef=GEOREFS["utm"]))
    assert np.isnan(beyond.length_m[0])
    assert len(box_facts(np.zeros((0, 4, 2), np.float32), make_scene(georef=GEOREFS["utm"]))) == 0
