"""Geometry of the simulator against shapely."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.simulate.noise import fractal_field, gaussian_field, to_gamma, wave_field
from sarvlm_app.core.simulate.shapes import convex_hull, disc, place, polygon_mask, rectangle, with_layover

spot = st.tuples(st.floats(-20, 60), st.floats(-20, 60)).map(np.array)
size = st.floats(1.0, 40.0)


@given(spot, size, size, st.floats(0, 360))
def test_a_mask_holds_the_pixels_whose_centre_is_inside(centre, length, width, heading):
    outline = rectangle(centre, length, width, heading)
    whole = np.zeros((40, 50), bool)
    found = polygon_mask(outline, (40, 50))
    if found is not None:
        whole[found[0], found[1]] = found[2]
    x, y = np.meshgrid(np.arange(50) + 0.5, np.arange(40) + 0.5)
    polygon = shapely.Polygon(outline)
    sure_in = shapely.contains_xy(polygon.buffer(-1e-6), x, y)
    sure_out = ~shapely.contains_xy(polygon.buffer(1e-6), x, y)
    assert whole[sure_in].all()
    assert not whole[sure_out].any()


@given(spot, size, size, st.floats(0, 360), st.floats(0, 30))
def test_layover_is_the_hull_of_base_and_top(centre, length, width, heading, shift):
    outline = rectangle(centre, length, width, heading)
    both = np.vstack([outline, outline - (shift, 0.0)])
    expected = shapely.MultiPoint(both).convex_hull
    for hull in (with_layover(outline, shift), with_layover(outline[::-1], shift), convex_hull(both)):
        assert shapely.Polygon(hull).symmetric_difference(expected).area < 1e-6 * max(expected.area, 1.0)


@given(spot, size, size, st.floats(0, 360))
def test_a_rectangle_has_its_sides_and_its_heading(centre, length, width, heading):
    corners = rectangle(centre, length, width, heading)
    np.testing.assert_allclose(corners.mean(0), centre, atol=1e-9)
    forward = (corners[0] + corners[1] - corners[2] - corners[3]) / 2
    np.testing.assert_allclose(np.hypot(*forward), length)
    np.testing.assert_allclose(forward / length, [np.sin(np.deg2rad(heading)), -np.cos(np.deg2rad(heading))], atol=1e-9)


def test_heading_ninety_points_right_and_its_right_hand_is_down():
    np.testing.assert_allclose(place(np.array([[2.0, 1.0]]), np.zeros(2), 90.0), [[2.0, 1.0]], atol=1e-12)


def test_a_disc_has_the_area_of_its_circle():
    assert abs(shapely.Polygon(disc(np.zeros(2), 10.0)).area - np.pi * 100) < 1e-6


def test_fields_are_standard_and_gamma_texture_has_its_order():
    rng = np.random.default_rng(0)
    for field in (
        gaussian_field((200, 240), 3.0, rng),
        gaussian_field((200, 240), 40.0, rng),
        fractal_field((200, 240), 50.0, rng),
        wave_field((200, 240), 12.0, 0.3, rng),
    ):
        assert field.shape == (200, 240) and field.dtype == np.float32
        assert abs(field.mean()) < 0.5 and 0.4 < field.std() < 1.6
    texture = to_gamma(gaussian_field((512, 512), 2.0, rng), 4.0)
    assert abs(texture.mean() - 1) < 0.05
    assert abs(texture.var() - 0.25) < 0.04
