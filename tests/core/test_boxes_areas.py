"""Areas and overlap of quadrilaterals, against shapely."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import corners_from, overlap_areas, polygon_iou, quad_areas

coordinates = st.floats(-50, 50, allow_subnormal=False).map(lambda v: round(v, 3))
boxes = st.tuples(coordinates, coordinates, st.floats(0.1, 80), st.floats(0.1, 30), st.floats(-4, 4))
points = st.lists(st.tuples(coordinates, coordinates), min_size=4, max_size=4, unique=True)


def quadrilateral(corners: list[tuple[float, float]]) -> np.ndarray | None:
    """The hull of four points where it has four corners."""
    hull = shapely.MultiPoint(corners).convex_hull
    ring = np.array(hull.exterior.coords)[:-1] if hull.geom_type == "Polygon" else np.zeros((0, 2))
    return ring if len(ring) == 4 else None


def iou_by_shapely(a: np.ndarray, b: np.ndarray) -> float:
    first, second = shapely.Polygon(a), shapely.Polygon(b)
    shared = first.intersection(second).area
    return shared / (first.area + second.area - shared)


@settings(max_examples=300, deadline=None)
@given(boxes, boxes)
def test_overlap_of_rotated_boxes_is_that_of_shapely(a, b):
    first, second = corners_from(*a), corners_from(*b)
    assert polygon_iou(first, second)[0] == pytest.approx(iou_by_shapely(first[0], second[0]), abs=1e-8)


@settings(max_examples=300, deadline=None)
@given(points.map(quadrilateral), points.map(quadrilateral), st.booleans(), st.integers(0, 3))
def test_overlap_of_any_convex_quadrilaterals_of_either_winding_is_that_of_shapely(a, b, turned, first):
    if a is None or b is None:
        return
    wanted = shapely.Polygon(a).intersection(shapely.Polygon(b)).area
    b = np.roll(b[::-1] if turned else b, first, axis=0)
    smaller = min(shapely.Polygon(a).area, shapely.Polygon(b).area)
    assert quad_areas(b[None])[0] == pytest.approx(shapely.Polygon(b).area, abs=1e-9)
    assert overlap_areas(a[None], b[None])[0] == pytest.approx(wanted, abs=1e-6 * max(smaller, 1e-3))


@settings(deadline=None)
@given(boxes, st.floats(0, 1), st.floats(1e-3, 1))
def test_boxes_that_share_edges_are_counted_once(box, where, share):
    cx, cy, length, width, angle = box
    whole = corners_from(*box)
    # a slice of the box over its whole width: two long edges lie on those of the whole
    off = (where - 0.5) * (1 - share) * length
    part = corners_from(cx + off * np.cos(angle), cy + off * np.sin(angle), share * length, width, angle)
    assert polygon_iou(whole, part)[0] == pytest.approx(share, abs=1e-7)
    assert polygon_iou(part, whole)[0] == pytest.approx(share, abs=1e-7)
    assert polygon_iou(whole, whole[:, ::-1])[0] == pytest.approx(1.0, abs=1e-8)


@settings(deadline=None)
@given(boxes, st.floats(-4, 4))
def test_neighbours_that_only_touch_do_not_overlap(box, turn):
    cx, cy, length, width, angle = box
    beside = corners_from(cx - width * np.sin(angle), cy + width * np.cos(angle), length, width, angle)
    assert polygon_iou(corners_from(*box), beside)[0] == pytest.approx(0.0, abs=1e-7)


def test_far_from_the_origin_nothing_is_lost():
    box = corners_from(40_000.3, 60_000.7, 12, 3, 0.7)
    moved = corners_from(40_000.3 + 3 * np.cos(0.7), 60_000.7 + 3 * np.sin(0.7), 12, 3, 0.7)
    assert polygon_iou(box, moved)[0] == pytest.approx(9 / 15, abs=1e-8)


@pytest.mark.parametrize(
    "degenerate",
    [[[5, 5]] * 4, [[0, 0], [10, 0], [10, 0], [0, 0]], [[0, 0], [3, 3], [6, 6], [9, 9]]],
    ids=["point", "line", "slanting line"],
)
def test_what_has_no_area_overlaps_nothing(degenerate):
    flat = np.array([degenerate], np.float64)
    box = corners_from(5, 5, 20, 20, 0)
    assert polygon_iou(flat, box)[0] == polygon_iou(box, flat)[0] == polygon_iou(flat, flat)[0] == 0


def test_many_pairs_are_each_answered_at_their_place():
    rng = np.random.default_rng(0)
    a, b = (corners_from(*rng.uniform(0, 20, (2, 5000)), 9, 4, rng.uniform(0, 3, 5000)) for _ in range(2))
    found = polygon_iou(a, b)
    both = shapely.polygons(a), shapely.polygons(b)
    shared = shapely.area(shapely.intersection(*both))
    assert np.allclose(found, shared / (72 - shared), atol=1e-9)
    assert polygon_iou(a[:0], b[:0]).shape == (0,)
    with pytest.raises(ValueError, match="expected two arrays"):
        polygon_iou(a, b[:3])
