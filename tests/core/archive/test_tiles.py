"""Tiles cover a scene at several ground sizes, and a tile's vectors tell its ground and its objects."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.archive.tiles import LEVEL_PX, PARTS, edges, plan_tiles, tile_vectors

SPACING = st.one_of(st.none(), st.floats(0.3, 60.0))


@given(spacing=SPACING, rows=st.integers(1, 400), cols=st.integers(1, 400))
def test_every_level_covers_the_scene_and_no_tile_leaves_it(spacing: float | None, rows: int, cols: int) -> None:
    tiles = plan_tiles(spacing, rows, cols, 8)
    assert tiles == sorted(tiles, key=lambda tile: tile.bottom)
    for level in {tile.level for tile in tiles}:
        seen = np.zeros((rows, cols), int)
        for tile in tiles:
            if tile.level == level:
                assert 0 <= tile.top < tile.bottom <= rows and 0 <= tile.left < tile.right <= cols
                seen[tile.top : tile.bottom, tile.left : tile.right] += 1
        missed = (seen == 0).mean()
        assert missed == 0


@given(spacing=st.floats(0.3, 60.0), rows=st.integers(200, 400))
def test_tiles_of_a_large_scene_have_ground_sizes_that_the_model_sees_whole(spacing: float, rows: int) -> None:
    sizes = [height * 8 * spacing for height, _ in edges(spacing, rows, rows, 8)]
    assert 2 <= len(sizes) <= 3 and sizes == sorted(sizes)
    assert all(LEVEL_PX[0] * 0.95 <= size / spacing <= LEVEL_PX[1] * 1.05 for size in sizes)
    steps = np.log2(np.asarray(sizes) / 250.0)
    assert np.abs(steps - steps.round()).max() < 0.06, "of the ladder of 250 m times powers of two"


def test_a_window_is_cut_at_the_edges_of_the_scene() -> None:
    last = plan_tiles(None, 20, 20, 8)[-1]
    assert last.window(8, 157, 159).col_end == 157 and last.window(8, 157, 159).row_end == 159


def test_a_few_cells_unlike_the_rest_get_a_vector_of_their_own() -> None:
    patches = np.zeros((32, 32, 4), np.float16)
    patches[..., 0] = 1.0
    patches[10:12, 20:22] = (0, 1, 0, 0)
    patches[26:28, 2:4] = (0, 0, 1, 0)
    found = tile_vectors(patches)
    assert found is not None and len(found) == 3
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert found[0, 0] > 0.99
    assert {int(vector.argmax()) for vector in found[1:]} == {1, 2}


def test_what_holds_hardly_any_data_has_no_vector_and_an_even_tile_one_mean() -> None:
    assert tile_vectors(np.zeros((8, 8, 4), np.float16)) is None
    even = np.zeros((8, 8, 4), np.float16)
    even[..., 1] = 1.0
    found = tile_vectors(even)
    assert found is not None and 1 <= len(found) <= 1 + PARTS
    np.testing.assert_allclose(found, np.tile([0, 1, 0, 0], (len(found), 1)), atol=1e-6)
