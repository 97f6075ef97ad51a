"""Corners, extents, sides and angles: each form there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import bbox_of, corners_from, in_order, quad_areas, sides_px, upright_corners

centres = st.floats(-1e4, 1e4)
lengths = st.floats(0.5, 1e3)
angles = st.floats(0, np.pi, exclude_max=True)


def clockwise_on_the_screen(corners: np.ndarray) -> bool:
    x, y = corners[0].T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) > 0


@settings(deadline=None)
@given(centres, centres, lengths, st.floats(0.05, 0.98), angles)
def test_sides_and_angle_there_and_back(cx, cy, length, share, angle):
    corners = corners_from(cx, cy, length, share * length, angle)
    found_length, found_width, found_angle = (float(v[0]) for v in sides_px(corners))
    assert (found_length, found_width) == pytest.approx((length, share * length), abs=1e-8)
    off = abs(found_angle - angle)
    assert 0 <= found_angle < np.pi and min(off, np.pi - off) < 1e-7
    assert corners.mean(axis=1)[0] == pytest.approx([cx, cy], abs=1e-8)
    assert clockwise_on_the_screen(corners)


@settings(deadline=None)
@given(centres, centres, lengths, lengths)
def test_upright_boxes_there_and_back(col, row, width, height):
    bbox = np.array([[col, row, width, height]])
    corners = upright_corners(bbox)
    assert bbox_of(corners)[0] == pytest.approx(bbox[0], abs=1e-9)
    assert clockwise_on_the_screen(corners)
    side = np.linalg.norm(corners[0, 1] - corners[0, 0])
    assert side == pytest.approx(max(width, height), abs=1e-9)
    assert quad_areas(corners)[0] == pytest.approx(width * height, rel=1e-6)


@settings(deadline=None)
@given(centres, centres, lengths, st.floats(0.05, 0.98), angles, st.integers(0, 3), st.booleans())
def test_corners_are_put_in_order_however_they_come(cx, cy, length, share, angle, first, backwards):
    corners = corners_from(cx, cy, length, share * length, angle)
    mixed = np.roll(corners, first, axis=1)
    ordered = in_order(mixed[:, ::-1] if backwards else mixed)
    assert clockwise_on_the_screen(ordered)
    assert np.linalg.norm(ordered[0, 1] - ordered[0, 0]) == pytest.approx(length, abs=1e-8)
    assert {tuple(p) for p in ordered[0]} == {tuple(p) for p in corners[0]}
    assert [v[0] for v in sides_px(mixed)] == pytest.approx([v[0] for v in sides_px(corners)], abs=1e-7)


def test_the_type_of_floats_is_kept_and_none_are_fine():
    bbox = np.array([[1, 2, 3, 4], [5, 6, 9, 2]], np.float32)
    assert upright_corners(bbox).dtype == bbox_of(upright_corners(bbox)).dtype == np.float32
    assert upright_corners(bbox[:0]).shape == (0, 4, 2) and bbox_of(np.zeros((0, 4, 2))).shape == (0, 4)
    assert in_order(np.zeros((0, 4, 2))).shape == (0, 4, 2) and len(sides_px(np.zeros((0, 4, 2)))[0]) == 0


def test_the_angle_grows_clockwise_on_the_screen():
    corners = np.array([[[0, 0], [10, 10], [9, 11], [-1, 1]]], np.float64)  # to the right and down
    assert sides_px(corners)[2][0] == pytest.approx(np.pi / 4)
