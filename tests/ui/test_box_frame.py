"""The frame of a selected box: its handles are where they can be taken, and what is dragged follows the mouse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.boxes import corners_from, sides_px
from sarvlm_app.ui.viewer.box_frame import LEAST_HALF_PX, REACH_PX, BoxFrame, Grip, Part, dragged
from sarvlm_app.ui.viewer.box_layer import segments
from sarvlm_app.ui.viewer.geometry import Camera

angles = st.floats(0, 3.1)
zooms = st.floats(0.02, 30)


def box(length=40.0, width=12.0, angle=0.3):
    return corners_from(300, 200, length, width, angle)[0].astype(np.float32)


def camera(zoom):
    return Camera(310, 190, zoom, 1000, 800)


@given(st.floats(1, 200), st.floats(1, 200), angles, zooms)
def test_every_handle_and_the_arm_can_be_taken_however_small_the_box_is(length, width, angle, zoom):
    frame = BoxFrame.of(box(length, width, angle), camera(zoom))
    for number, place in enumerate(frame.handles()):
        assert frame.grip_at(*place) == Grip(Part.HANDLE, number)
    assert frame.grip_at(*frame.arm()[1]) == Grip(Part.ARM)
    assert frame.grip_at(*frame.centre) == Grip(Part.BODY)
    assert min(frame.half) >= LEAST_HALF_PX > REACH_PX


@given(angles, st.floats(0.5, 20))
def test_handles_lie_outside_the_corners_they_belong_to(angle, zoom):
    corners, view = box(angle=angle), camera(zoom)
    frame = BoxFrame.of(corners, view)
    for corner, handle in zip(corners, frame.handles()[:4], strict=True):
        place = np.array(view.to_screen(float(corner[0]), float(corner[1])))
        assert (handle - place) @ (place - frame.centre) > 0


def test_away_from_the_box_nothing_is_taken():
    frame = BoxFrame.of(box(), camera(2.0))
    assert frame.grip_at(frame.centre[0] + 400, frame.centre[1]) is None


@given(angles, st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
def test_the_body_follows_the_mouse(angle, by):
    before = box(angle=angle)
    after = dragged(before, Grip(Part.BODY), (10.0, 20.0), (10.0 + by[0], 20.0 + by[1]))
    assert np.allclose(after, before + np.array(by, np.float32), atol=1e-3)


@given(angles, st.floats(-170, 170))
def test_the_arm_turns_with_the_mouse_and_by_steps_where_wished(angle, degrees):
    before = box(angle=angle)
    spoke = np.radians(degrees)
    start, now = (340.0, 200.0), (300 + 40 * np.cos(spoke), 200 + 40 * np.sin(spoke))
    after = dragged(before, Grip(Part.ARM), start, now)
    turned = np.degrees(sides_px(after[None])[2][0] - angle - spoke)
    assert (turned + 90) % 180 - 90 == pytest.approx(0, abs=0.1)
    snapped = np.degrees(sides_px(dragged(before, Grip(Part.ARM), start, now, snaps=True)[None])[2][0])
    assert (snapped + 7.5) % 15 - 7.5 == pytest.approx(0, abs=0.1)


def test_a_handle_pulls_its_own_side_only():
    after = dragged(box(angle=0.0), Grip(Part.HANDLE, 5), (320.0, 200.0), (330.0, 205.0))
    assert after[:, 0].min() == pytest.approx(280) and after[:, 0].max() == pytest.approx(330)
    assert np.ptp(after[:, 1]) == pytest.approx(12)


def test_outlines_close_and_count_from_the_middle_of_a_pixel():
    corners = np.stack([box(), np.zeros((4, 2), np.float32)])
    lines = segments(corners)
    assert lines.shape == (8, 2, 2) and np.isfinite(lines).all()
    assert np.allclose(lines[:4, 0], corners[0][:, ::-1] - 0.5)
    assert np.allclose(lines[:4, 1].sum(axis=0), 0, atol=1e-3), "four sides lead back to where they began"
    assert (np.abs(lines[4:, 1]).sum(axis=1) > 0).all(), "napari divides by the length"
