"""Objects of pictures that stand alone."""

from __future__ import annotations

import numpy as np
import pytest

from sarvlm_app.core.boxes import sides_px
from sarvlm_app.core.detection_picture import detect_picture
from tests.core.blob_detector import SHIP, BlobDetector, add_hull, sea


def test_a_small_picture_is_looked_at_once_and_as_it_is():
    pixels, detector = sea(90, 120), BlobDetector(window_px=256)
    add_hull(pixels, 60, 40, 30, 8, 0.4)
    found = detect_picture(pixels * 7, detector, [SHIP], 0.01)
    assert [shape for shape, _ in detector.seen] == [(90, 120)] and found.names == ("ship",)
    assert found.corners_px.mean(axis=1)[0] == pytest.approx([60, 40], abs=0.5)
    assert sides_px(found.corners_px)[2][0] == pytest.approx(0.4, abs=0.05)


def test_objects_on_borders_of_windows_are_found_once():
    pixels, detector = sea(500, 700), BlobDetector(window_px=256, margin_px=48)
    spots = [(x, y) for x in (60, 208, 256, 368, 520, 640) for y in (60, 208, 250, 370)]
    for x, y in spots:
        add_hull(pixels, x, y, 36, 10, 0.8)
    found = detect_picture(pixels, detector, [SHIP], 0.01)
    assert len(detector.seen) > 4 and len(found) == len(spots)
    middles = {tuple(np.round(m).astype(int)) for m in found.corners_px.mean(axis=1).tolist()}
    assert all(any(abs(x - a) < 2 and abs(y - b) < 2 for a, b in middles) for x, y in spots)
    assert (np.diff(found.scores) <= 0).all()


def test_finer_pixels_than_the_detector_was_taught_are_averaged_and_boxes_come_back_in_those_of_the_picture():
    pixels, detector = sea(203, 301), BlobDetector(window_px=512)
    add_hull(pixels, 160, 100, 80, 32, 0.0)
    found = detect_picture(pixels, detector, [SHIP], 0.01, spacing_m=0.05)  # the detector's finest is 0.2 m
    assert [shape for shape, _ in detector.seen] == [(51, 76)]
    assert found.bbox_px[0] == pytest.approx([120, 84, 80, 32], abs=4.5)
    detector.seen.clear()
    detect_picture(pixels, detector, [SHIP], 0.01, spacing_m=0.3)
    assert [shape for shape, _ in detector.seen] == [(203, 301)]


def test_pictures_without_data_hold_nothing():
    for pixels in (np.zeros((40, 40), np.float32), np.zeros((0, 5), np.float32)):
        found = detect_picture(pixels, BlobDetector(), [SHIP], 0.01)
        assert len(found) == 0 and found.names == ("ship",)
