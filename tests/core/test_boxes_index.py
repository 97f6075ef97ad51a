"""Boxes by place."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import BoxIndex, corners_from
from sarvlm_models.types import Window

RNG = np.random.default_rng(4)
CORNERS = corners_from(
    *RNG.uniform(0, 200, (2, 80)), RNG.uniform(5, 60, 80), RNG.uniform(2, 20, 80), RNG.uniform(0, 3.1, 80)
)
SHAPES = [shapely.Polygon(c) for c in CORNERS]
INDEX = BoxIndex(CORNERS.astype(np.float64))
places = st.tuples(st.floats(-20, 220), st.floats(-20, 220))


@settings(deadline=None)
@given(places)
def test_all_boxes_under_a_point_are_found_smallest_first(place):
    under = [i for i, shape in enumerate(SHAPES) if shape.contains(shapely.Point(place))]
    found = INDEX.at(*place).tolist()
    assert set(under) <= set(found) and all(SHAPES[i].distance(shapely.Point(place)) < 1e-9 for i in found)
    areas = [SHAPES[i].area for i in found]
    assert areas == sorted(areas)


@settings(deadline=None)
@given(places, st.integers(1, 90), st.integers(1, 90))
def test_all_boxes_in_a_view_are_found(place, width, height):
    window = Window(int(place[0]), int(place[1]), width, height)
    view = shapely.box(window.col, window.row, window.col_end, window.row_end)
    assert INDEX.inside(window).tolist() == [i for i, shape in enumerate(SHAPES) if shape.intersects(view)]


@settings(max_examples=60, deadline=None)
@given(places)
def test_the_nearest_box_is_found(place):
    distance = [shape.distance(shapely.Point(place)) for shape in SHAPES]
    found = INDEX.nearest(*place)
    assert found is not None and distance[found] <= min(distance) + 1e-9
    if min(distance) > 0.1:
        assert INDEX.nearest(*place, within_px=0.9 * min(distance)) is None
        assert INDEX.nearest(*place, within_px=1.1 * min(distance)) == found


def test_boxes_that_are_no_boxes_are_never_found():
    corners = np.stack([np.full((4, 2), np.nan), corners_from(10, 10, 4, 4, 0)[0], np.full((4, 2), 10.0)])
    index = BoxIndex(corners)
    assert index.at(10, 10).tolist() == [2, 1] and index.inside(Window(0, 0, 20, 20)).tolist() == [1, 2]
    assert index.nearest(30, 10) == 1
    empty = BoxIndex(np.zeros((0, 4, 2)))
    assert empty.at(1, 1).tolist() == empty.inside(Window(0, 0, 9, 9)).tolist() == []
    assert empty.nearest(1, 1) is None
