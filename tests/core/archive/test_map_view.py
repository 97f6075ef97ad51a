"""The small map's arithmetic: fitting, panning, zooming, picking, across the antimeridian too."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.archive.backdrop import density, within
from sarvlm_app.core.archive.map_view import (
    MOST_LAT,
    area_between,
    box_of_area,
    degree_text,
    fitted,
    graticule,
    outline_of,
    smallest_arc,
    to_lat,
    to_y,
    turns,
    under,
)

lats = st.floats(-MOST_LAT, MOST_LAT)
lons = st.floats(-180.0, 180.0)
spans = st.floats(0.0, 20.0)
sizes = st.tuples(st.integers(80, 800), st.integers(60, 500))


@st.composite
def boxes(draw):
    west, south = draw(lons), draw(lats)
    north = min(MOST_LAT, south + draw(spans))
    return west, to_y(south), west + draw(spans), to_y(north)


@st.composite
def views(draw):
    width, height = draw(sizes)
    return fitted([draw(boxes())], width, height)


@given(lats)
def test_latitudes_come_back(lat):
    assert to_lat(to_y(lat)) == pytest.approx(lat, abs=1e-9)


@given(st.lists(boxes(), min_size=1, max_size=12), sizes)
def test_a_fit_shows_every_box(held, size):
    view = fitted(held, *size)
    for box in held:
        turn = turns(box, view.box)
        assert turn, "it is on the map"
        corners = [view.at(x + turn[0], y) for x in (box[0], box[2]) for y in (box[1], box[3])]
        across = view.zoom > view.width / 360.0 * 1.001  # else all around the earth: a box may be cut by the edge
        assert all(-0.5 <= y <= view.height + 0.5 for _, y in corners)
        assert not across or all(-0.5 <= x <= view.width + 0.5 for x, _ in corners)


def test_a_fit_of_nothing_shows_the_earth():
    view = fitted([], 360, 180)
    assert view.zoom == 1.0 and (view.x, view.y) == (0.0, 0.0)


@given(st.lists(st.tuples(lons, spans), min_size=1, max_size=10), lons)
def test_the_smallest_arc_holds_all_and_is_no_longer_than_another(given_arcs, start):
    arcs = [(west, west + length) for west, length in given_arcs]
    west, east = smallest_arc(arcs)
    for one, other in arcs:
        offset = (one - west) % 360.0
        offset = 0.0 if offset > 360.0 - 1e-9 else offset
        assert offset + other - one <= east - west + 1e-6
    # any other cut of the circle, at a place where none of them lies, is no better
    held = [((one - start) % 360.0, other - one) for one, other in arcs]
    longest = max(offset + length for offset, length in held) - min(offset for offset, _ in held)
    assert east - west <= longest + 1e-6 or longest > 360.0


def test_hits_at_both_sides_of_the_antimeridian_lie_side_by_side():
    view = fitted([(179.0, 0.0, 179.5, 0.5), (-179.5, 0.0, -179.0, 0.5)], 300, 150)
    assert abs(view.x) == pytest.approx(180.0, abs=0.01) and view.box[2] - view.box[0] < 4.0


@given(views(), st.floats(-300, 300), st.floats(-300, 300))
def test_dragging_moves_the_map_with_the_hand_or_stops_at_its_edge(view, dx, dy):
    moved = view.moved(dx, dy)
    assert -180.0 <= moved.x <= 180.0
    assert (moved.x - view.x + dx / view.zoom + 180.0) % 360.0 == pytest.approx(180.0, abs=1e-6)
    assert abs(moved.y - view.y) <= abs(dy) / view.zoom + 1e-9


@given(views(), st.floats(0.2, 5.0), st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_zooming_keeps_the_place_under_the_pointer(view, factor, across, down):
    place = (view.width * across, view.height * down)
    before, near = view.world(*place), view.zoomed(factor, *place)
    after = near.world(*place)
    assert math.remainder(after[0] - before[0], 360.0) * near.zoom == pytest.approx(0.0, abs=1e-2)
    free = abs(near.y) < to_y(MOST_LAT) - near.height / 2 / near.zoom - 1e-9
    if free:
        assert (after[1] - before[1]) * near.zoom == pytest.approx(0.0, abs=1e-2)
    assert near.zoom >= min(near.width / 360.0, near.height / 2 / to_y(MOST_LAT)) * (1 - 1e-12)


@given(views(), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_drawn_area_is_what_lies_between_the_corners(view, x0, y0, x1, y1):
    one, other = (x0 * view.width, y0 * view.height), (x1 * view.width, y1 * view.height)
    west, south, east, north = area_between(view, one, other)
    assert abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90
    box = box_of_area((west, south, east, north))
    assert box[2] >= box[0]
    span = abs(one[0] - other[0]) / view.zoom
    if span < 359.9:
        assert math.remainder(box[2] - box[0] - span, 360.0) == pytest.approx(0.0, abs=1e-6)


@given(boxes(), views())
def test_within_and_turns_agree(box, view):
    seen = within(np.array([box]), view.box)[0]
    assert bool(seen) == bool(turns(box, view.box))


def polygon(west, south, east, north):
    return shapely.to_wkb(shapely.box(west, south, east, north))


def test_an_outline_that_the_antimeridian_cuts_is_one_again():
    parts = [shapely.box(179.5, 10, 180, 11), shapely.box(-180, 10, -179.5, 11)]
    outline = outline_of(shapely.to_wkb(shapely.MultiPolygon(parts)))
    assert outline is not None and len(outline.rings) == 1
    assert outline.box[0] == pytest.approx(179.5) and outline.box[2] == pytest.approx(180.5)
    assert outline.middle[0] == pytest.approx(180.0)


@pytest.mark.parametrize("wkb", [None, b"", b"\x01\x02", shapely.to_wkb(shapely.Point(1, 2)), b"\x00" * 9])
def test_what_cannot_be_drawn_is_no_outline(wkb):
    assert outline_of(wkb) is None


def test_under_gives_the_nearest_then_the_smallest_and_crosses_the_antimeridian():
    outlines = [
        outline_of(polygon(179, 0, 181, 2)), None, outline_of(polygon(179.8, 0.8, 180.2, 1.2)),
        outline_of(polygon(-170, 0, -169, 1)),
    ]  # fmt: skip
    view = fitted([(-180.5, 0.0, -179.5, 2.0)], 300, 200)
    px = view.at(-180.0 if view.x < 0 else 180.0, to_y(1.0))
    assert under(outlines, view, px, 8.0) == [2, 0]
    assert under(outlines, view, (1.0, 1.0), 8.0) == []


@given(views())
def test_the_graticule_is_sparse_and_lies_on_the_map(view):
    meridians, parallels = graticule(view)
    least = min(60.0, 90.0 * view.zoom)
    assert all(b.px - a.px >= least - 1e-6 for a, b in pairwise(meridians))
    assert all(a.px - b.px >= 0.4 * least for a, b in pairwise(parallels))
    assert all(-1e-6 <= line.px <= view.width + 1e-6 for line in meridians)
    assert all(0.0 <= line.px + 1e-6 and line.px - 1e-6 <= view.height for line in parallels)


def test_degrees_read_as_on_a_map():
    assert degree_text(-118.5, 0.5, "E", "W") == "118.5°W" and degree_text(30.0, 10.0, "N", "S") == "30°N"
    assert degree_text(0.0, 10.0, "N", "S") == "0°" and degree_text(-180.0, 30.0, "E", "W") == "180°"


@given(st.lists(boxes(), min_size=1, max_size=8), views())
def test_density_counts_each_box_where_it_lies(held, view):
    rows, cols = 7, 9
    counted = density(np.array(held), view.box, (rows, cols))
    assert counted.shape == (rows, cols) and counted.min() >= 0
    west, south, east, north = view.box
    for row in range(rows):
        for col in range(cols):
            x, y = west + (col + 0.5) * (east - west) / cols, north - (row + 0.5) * (north - south) / rows
            inside = sum(bool(turns(box, (x, y, x, y))) for box in held)
            assert counted[row, col] >= inside
    assert bool(counted.any()) == any(turns(box, view.box) for box in held)
