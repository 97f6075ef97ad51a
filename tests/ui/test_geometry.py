"""Camera, scale bar, north arrow and heat colours are plain geometry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.ui.viewer.geometry import (
    Camera,
    north_angle,
    round_length,
    scale_bar,
    sensible_zoom,
    window_between,
    window_zoom,
)
from sarvlm_app.ui.viewer.heat_colours import colour_at, colour_stops
from sarvlm_models.types import Window

cameras = st.builds(
    Camera, st.floats(0, 3e4), st.floats(0, 3e4), st.floats(0.01, 8), st.integers(200, 2000), st.integers(200, 2000)
)


@given(cameras, st.floats(-1e4, 4e4), st.floats(-1e4, 4e4))
def test_scene_to_screen_and_back(camera, col, row):
    assert camera.to_scene(*camera.to_screen(col, row)) == pytest.approx((col, row), abs=1e-6)


@given(cameras)
def test_the_visible_part_lies_in_the_scene(camera):
    window = camera.visible(3000, 5000)
    assert window is None or window.intersection(Window(0, 0, 3000, 5000)) == window


def test_nothing_is_visible_beside_the_scene():
    assert Camera(-5000, 0, 1.0, 800, 600).visible(3000, 5000) is None


sixteenths = st.integers(-8_000, 88_000).map(lambda value: value / 16)
corners = st.tuples(sixteenths, sixteenths)


@given(corners, corners)
def test_a_dragged_window_holds_what_of_the_drag_lies_in_the_scene(one, other):
    window = window_between(one, other, 3000, 5000)
    assert window == window_between(other, one, 3000, 5000)
    left, right = (min(max(x, 0), 3000) for x in sorted((one[0], other[0])))
    top, bottom = (min(max(y, 0), 5000) for y in sorted((one[1], other[1])))
    if window is None:
        assert right - left < 1 or bottom - top < 1
    else:
        assert window.intersection(Window(0, 0, 3000, 5000)) == window
        assert window.col <= left <= right <= window.col_end < right + 1
        assert window.row <= top <= bottom <= window.row_end < bottom + 1
        assert window.col > left - 1
        assert window.row > top - 1


@given(st.integers(20, 40_000), st.integers(20, 40_000), st.integers(200, 2000), st.integers(200, 2000))
def test_a_window_is_seen_whole(width, height, across, down):
    window = Window(100, 200, width, height)
    zoom = window_zoom(window, across, down)
    seen = Camera(100 + width / 2, 200 + height / 2, zoom, across, down).visible(100_000, 100_000)
    assert seen.intersection(window) == window
    assert zoom <= 6


@given(st.floats(1e-3, 1e7))
def test_a_scale_bar_has_a_round_length_that_fits(longest):
    length = round_length(longest)
    assert longest / 2.5 * 0.999 <= length <= longest * 1.001
    assert float(f"{length:e}".split("e")[0]) in (1.0, 2.0, 5.0)


@given(st.floats(0.01, 8), st.floats(0.1, 100))
def test_the_bar_is_as_long_as_its_label_says(zoom, metres):
    bar = scale_bar(zoom, metres)
    number, unit = bar.label.split()
    ground = float(number) * (1000 if unit == "km" else 1)
    assert bar.length_px / zoom * metres == pytest.approx(ground, rel=1e-3)
    assert bar.length_px <= 150.1


def test_without_ground_spacing_the_bar_counts_pixels():
    assert scale_bar(1.0, None).label == "100 px"


class Rotated:
    """A plane whose north lies `degrees` clockwise from up."""

    crs_name = "test"

    def __init__(self, degrees):
        self.turn = np.deg2rad(degrees)

    def to_lonlat(self, col, row):
        return (
            1e-4 * (col * np.cos(self.turn) + row * np.sin(self.turn)),
            1e-4 * (col * np.sin(self.turn) - row * np.cos(self.turn)),
        )

    def from_lonlat(self, lon, lat):
        return (
            1e4 * (lon * np.cos(self.turn) + lat * np.sin(self.turn)),
            1e4 * (lon * np.sin(self.turn) - lat * np.cos(self.turn)),
        )


@given(st.floats(-179, 179))
def test_the_arrow_points_to_true_north(degrees):
    assert north_angle(Rotated(degrees), 100, 200) == pytest.approx(degrees, abs=1e-3)


def test_a_small_object_is_not_blown_up_and_a_large_one_is_seen_whole():
    assert sensible_zoom(8, 900) <= 6
    assert sensible_zoom(5000, 900) * 5000 < 900


@given(st.floats(0.0, 1.0))
def test_below_the_threshold_the_heat_map_is_clear(threshold):
    controls, colours = colour_stops(threshold)
    assert controls[0] == 0 and controls[-1] == 1
    assert (np.diff(controls) > 0).all()
    edge = (np.clip(threshold, 0.502, 0.998) - 0.5) / 0.5
    opacity = np.interp(np.linspace(0, 1, 500), controls, colours[:, 3])
    assert (opacity[np.linspace(0, 1, 500) < edge - 0.045] == 0).all()
    assert (opacity[np.linspace(0, 1, 500) > edge + 0.005] > 0.4).all()


def test_lightness_rises_with_the_score():
    lightness = colour_at(np.linspace(0.5, 1, 40))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()
