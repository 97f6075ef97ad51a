"""The SeLo measures: against OpenCV and SciPy, worked examples by hand, and what must always hold."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sarvlm_training.evaluate.selo import (
    Region,
    attention_centers,
    attention_shift,
    discrete_attention,
    measure,
    region_mask,
    region_of,
    significant_area,
    to_grey,
)


def polygon(*corners: tuple[float, float]) -> NDArray[np.float64]:
    return np.array(corners, np.float64)


def square(col: float, row: float, edge: float) -> NDArray[np.float64]:
    return polygon((col, row), (col + edge, row), (col + edge, row + edge), (col, row + edge))


def blob(shape: tuple[int, int], col: int, row: int, reach: int = 40) -> NDArray[np.uint8]:
    """A round hill of 255 at its top."""
    rows, cols = np.indices(shape)
    return (255 * np.clip(1 - np.hypot(rows - row, cols - col) / reach, 0, 1)).astype(np.uint8)


def filled_by_scanline(shape: tuple[int, int], corners: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The region fill as PAPER.md D.3 words it: even-odd lines, and every edge drawn on top."""
    points = [(int(x), int(y)) for x, y in corners]
    mask = np.zeros(shape, np.uint8)
    edges = list(zip(points, points[1:] + points[:1], strict=True))
    for row in range(shape[0]):
        crossings = []
        for (x0, y0), (x1, y1) in edges:
            if y0 > y1:
                (x0, y0), (x1, y1) = (x1, y1), (x0, y0)
            if y0 <= row < y1:
                slope = int(Fraction((x1 - x0) << 16, y1 - y0))
                crossings.append((x0 << 16) + slope * (row - y0))
        crossings.sort()
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            mask[row, max(-((-left) >> 16), 0) : max((right >> 16) + 1, 0)] = 1
    for (x0, y0), (x1, y1) in edges:
        draw_edge(mask, (x0, y0), (x1, y1))
    return mask


def draw_edge(mask: NDArray[np.uint8], start: tuple[int, int], end: tuple[int, int]) -> None:
    """8-connected Bresenham, always from left to right."""
    (x, y), (x1, y1) = sorted((start, end), key=lambda p: p[0])
    dx, dy = x1 - x, abs(y1 - y)
    step = 1 if y1 >= y else -1
    steep = dy > dx
    major, minor = (dy, dx) if steep else (dx, dy)
    error = major - 2 * minor
    for _ in range(major + 1):
        if 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0]:
            mask[y, x] = 1
        aside = error < 0
        error += (2 * major if aside else 0) - 2 * minor
        x += 1 if not steep or aside else 0
        y += step if steep or aside else 0


corner = st.tuples(st.floats(0, 47.9), st.floats(0, 39.9))


@settings(max_examples=80, deadline=None)
@given(st.lists(corner, min_size=3, max_size=9))
def test_a_region_is_filled_by_scanlines_with_its_edges_drawn(corners: list[tuple[float, float]]) -> None:
    given = polygon(*corners)
    assert np.array_equal(region_mask((40, 48), [given]), filled_by_scanline((40, 48), given))


def test_corners_are_truncated_and_both_rims_belong_to_the_region() -> None:
    mask = region_mask((20, 20), [square(2.9, 3.9, 5)])
    assert mask.sum() == 6 * 6
    assert mask[3:9, 2:8].all()


def test_overlapping_regions_cancel_but_for_their_outlines() -> None:
    mask = region_mask((30, 30), [square(2, 2, 12), square(8, 8, 12)])
    assert mask[4, 4] == 1
    assert mask[11, 11] == 0
    assert mask[8, 10] == 1


def test_centre_and_radius_of_a_region_are_truncated_means_over_its_vertices() -> None:
    # mean vertex (15, 15.5) -> (15, 15); distances sqrt(125), sqrt(125), sqrt(146), sqrt(146): mean 11.63, r = 17.4
    assert region_of(polygon((10, 5), (20, 5), (20, 26), (10, 26))) == Region(15, 15, 17)


def test_repeated_vertices_pull_the_centre() -> None:
    assert region_of(polygon((0, 0), (0, 0), (0, 0), (100, 0))).col == 25


def box_means_by_hand(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Means over [i - 25, i + 24] on both axes, mirrored without the border pixel, halves to even."""
    padded = np.pad(grey.astype(np.int64), ((25, 24), (25, 24)), mode="reflect")
    sums = np.lib.stride_tricks.sliding_window_view(padded, (50, 50)).sum((2, 3))
    return np.rint(sums / 2500).astype(np.uint8)


def centres_by_hand(grey: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """The centres of attention of a map smaller than the search window: its best smoothed pixels."""
    smoothed = grey
    for _ in range(5):
        smoothed = box_means_by_hand(smoothed)
    rows, cols = np.nonzero(smoothed == smoothed.max())
    centre = int(cols.mean()), int(rows.mean())
    return [centre] if grey[centre[1], centre[0]] >= 127.5 else []


@pytest.mark.parametrize("seed", range(3))
def test_the_centre_of_a_small_map_is_that_of_five_even_boxes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grey = np.maximum(blob((90, 110), int(rng.integers(30, 80)), int(rng.integers(30, 60)), 60), 20)
    grey = np.clip(grey.astype(int) + rng.integers(0, 9, grey.shape), 0, 255).astype(np.uint8)
    assert attention_centers(grey) == centres_by_hand(grey)


def test_even_boxes_move_a_centre_by_two_pixels() -> None:
    # PAPER.md D.3: (500, 400) -> (502, 402)
    assert attention_centers(blob((800, 1000), 500, 400, 200)) == [(502, 402)]


def test_centres_are_a_thousand_pixels_apart_or_lost() -> None:
    near = np.maximum(blob((300, 1400), 200, 150, 90), (blob((300, 1400), 600, 150, 90) * 0.9).astype(np.uint8))
    far = np.maximum(blob((300, 1400), 200, 150, 90), (blob((300, 1400), 1100, 150, 90) * 0.9).astype(np.uint8))
    assert len(attention_centers(near)) == 1
    assert [col for col, _ in attention_centers(far)] == [202, 1102]


def test_weak_attention_is_no_centre() -> None:
    assert attention_centers(blob((200, 200), 100, 100, 90) // 3) == []


def test_rsu_by_hand() -> None:
    # half the weight inside a quarter of the ground: ratio 1, (HW - M) / M = 3
    probability = np.zeros((10, 10))
    probability[:5, :5] = 0.3
    probability[5:, 5:] = 0.3
    mask = np.zeros((10, 10), np.uint8)
    mask[:5, :5] = 1
    assert significant_area(probability, mask) == pytest.approx(1 - math.exp(-0.707 * 3), abs=1e-6)


def test_ras_by_hand() -> None:
    regions = [Region(100, 100, 50), Region(400, 100, 80)]
    # first: centres at 30 and 40 px, mean 35 of 50; second: none within reach, 80 of 80
    centers = [(130, 100), (100, 140), (400, 190)]
    expected = (math.exp(3 * (0.7 + 1.0) / 2) - 1) / (math.exp(3) - 1)
    assert attention_shift(centers, regions) == pytest.approx(expected)


def test_rda_by_hand() -> None:
    regions = [Region(100, 100, 50), Region(400, 100, 80), Region(900, 900, 10)]
    # two centres 40 px apart: 0.5 (1 - 20 / 50) + e^-2; one; none
    centers = [(80, 100), (120, 100), (410, 100)]
    assert discrete_attention(centers, regions) == pytest.approx((0.3 + math.exp(-2) + 1.0 + 0.0) / 3)


def test_rmi_weighs_the_three() -> None:
    result = measure(blob((300, 300), 140, 150), [square(100, 110, 80)])
    assert result.rmi == pytest.approx(0.4 * result.rsu + 0.35 * (1 - result.ras) + 0.25 * result.rda)
    assert result.rda == 1.0
    assert result.rmi > 0.9


def test_a_map_of_zeros_reads_nothing() -> None:
    result = measure(np.zeros((100, 100), np.uint8), [square(10, 10, 20)])
    assert (result.rsu, result.ras, result.rda, result.rmi, result.centers) == (0.0, 1.0, 0.0, 0.0, ())


def test_regions_over_the_whole_map_read_no_area() -> None:
    result = measure(blob((100, 100), 50, 50), [square(0, 0, 99)])
    assert result.rsu == 0.0
    assert result.mask_area == 100 * 100


def test_a_region_of_one_point_is_met_by_a_centre_on_it_only() -> None:
    hill = blob((200, 200), 100, 100, 90)
    (centre,) = attention_centers(hill)
    met = measure(hill, [polygon(centre, centre)])
    missed = measure(hill, [polygon((10, 10))])
    assert (met.ras, met.rda, met.mask_area) == (0.0, 1.0, 1)
    assert (missed.ras, missed.rda) == (1.0, 0.0)


def test_regions_outside_the_map_are_refused() -> None:
    with pytest.raises(ValueError, match="covers a pixel"):
        measure(np.zeros((50, 50), np.uint8), [square(80, 80, 20)])


maps = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).integers(0, 256, (6, 7)))


@settings(max_examples=40, deadline=None)
@given(maps, st.lists(corner, min_size=1, max_size=5), st.lists(corner, min_size=1, max_size=5))
def test_every_measure_is_finite_and_between_nothing_and_one(
    coarse: NDArray[np.int64], first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    grey = np.kron(coarse, np.ones((7, 7), int)).astype(np.uint8)[:40, :48]
    result = measure(grey, [polygon(*first), polygon(*second)])
    assert all(0.0 <= value <= 1.0 for value in (result.rsu, result.ras, result.rda, result.rmi))


@settings(deadline=None)
@given(st.integers(0, 255))
def test_eight_bits_as_a_probability_come_back_as_they_were(level: int) -> None:
    assert to_grey(np.full((1, 1), level / 255.0))[0, 0] == level


@settings(max_examples=20, deadline=None)
@given(maps, st.permutations(range(3)))
def test_measures_do_not_depend_on_the_order_of_regions_nor_on_the_type_of_the_map(
    coarse: NDArray[np.int64], order: list[int]
) -> None:
    grey = np.kron(coarse, np.ones((7, 7), int)).astype(np.uint8)
    regions = [square(2, 2, 8), square(20, 4, 11), polygon((5, 30), (14, 38), (30, 25))]
    one = measure(grey, regions)
    other = measure(grey / 255.0, [regions[number] for number in order])
    if one.centers:
        assert (other.rsu, other.ras, other.rda) == pytest.approx((one.rsu, one.ras, one.rda))
    assert other.centers == one.centers
