import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.tiling import plan_windows
from sarvlm_models.types import Window

CELL = 8
lengths = st.integers(1, 300)
plans = st.tuples(lengths, lengths, st.integers(1, 6), st.integers(0, 2)).map(
    lambda t: (t[0], t[1], (t[2] + 2 * t[3]) * CELL, t[3] * CELL)
)


@given(plans)
def test_kept_parts_cover_every_pixel_once(plan):
    width, height, size, margin = plan
    covered = np.zeros((height, width), np.int64)
    for tile in plan_windows(width, height, size, margin):
        covered[tile.keep.row : tile.keep.row_end, tile.keep.col : tile.keep.col_end] += 1
    assert (covered == 1).all()


@given(plans)
def test_windows_lie_in_the_scene_hold_their_kept_part_and_are_at_most_one_size(plan):
    width, height, size, margin = plan
    scene = Window(0, 0, width, height)
    for tile in plan_windows(width, height, size, margin):
        assert tile.read.intersection(scene) == tile.read
        assert tile.keep.intersection(tile.read) == tile.keep
        assert max(tile.read.width, tile.read.height) <= size


@given(plans)
def test_away_from_the_scenes_rim_a_margin_is_left_all_round(plan):
    width, height, size, margin = plan
    for tile in plan_windows(width, height, size, margin):
        assert tile.keep.col == 0 or tile.keep.col - tile.read.col == margin
        assert tile.keep.row == 0 or tile.keep.row - tile.read.row == margin
        assert tile.keep.col_end == width or tile.read.col_end - tile.keep.col_end >= min(margin, width)
        assert tile.keep.row_end == height or tile.read.row_end - tile.keep.row_end >= min(margin, height)


@given(plans)
def test_inner_edges_lie_on_cell_borders(plan):
    width, height, size, margin = plan
    for tile in plan_windows(width, height, size, margin):
        assert tile.read.col % CELL == tile.read.row % CELL == 0
        assert tile.keep.col % CELL == tile.keep.row % CELL == 0


def test_a_scene_smaller_than_a_window_is_one_window_of_its_own_size():
    (tile,) = plan_windows(100, 60, 1024, 64)
    assert tile.read == tile.keep == Window(0, 0, 100, 60)


def test_what_is_on_view_comes_first_then_what_is_near():
    view = Window(1700, 1700, 200, 200)
    tiles = plan_windows(4000, 4000, 512, 64, view)
    seen = [tile.keep.intersection(view) is not None for tile in tiles]
    assert seen[0]
    assert seen == sorted(seen, reverse=True)
    assert sorted(tiles, key=str) == sorted(plan_windows(4000, 4000, 512, 64), key=str)
    assert Window(0, 0, 1, 1).intersection(tiles[1].keep) is None


def test_a_view_beside_the_scene_still_plans_everything():
    assert len(plan_windows(600, 600, 256, 32, Window(5000, 5000, 10, 10))) == len(plan_windows(600, 600, 256, 32))


@pytest.mark.parametrize("bad", [(0, 10, 64, 8), (10, 10, 64, 32), (10, 10, 64, -1)])
def test_a_plan_that_cannot_be_is_refused_with_its_numbers(bad):
    with pytest.raises(ValueError, match=r"plan_windows: expected .* got "):
        plan_windows(*bad)
