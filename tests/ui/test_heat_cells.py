"""What is drawn of a heat map: all of it while it is small, the best of each block when it is large."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.ui.viewer.heat_cells import drawn_cells


def test_small_maps_are_drawn_as_they_are():
    scores = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    cells, cell = drawn_cells(scores, 8.0)
    assert cells is scores and cell == 8.0


@given(rows=st.integers(1, 60), cols=st.integers(1, 60), most=st.integers(1, 900))
def test_large_maps_keep_every_peak_in_its_place(rows, cols, most):
    scores = np.full((rows, cols), 0.4, np.float32)
    scores[rows // 3, cols // 2] = 0.9
    scores[0, 0] = np.nan
    cells, cell = drawn_cells(scores, 8.0, most)
    factor = int(cell / 8.0)
    assert cells.size <= most or factor == 1 or cells.size <= (rows // factor + 1) * (cols // factor + 1)
    if (rows // 3, cols // 2) != (0, 0):
        assert cells[rows // 3 // factor, cols // 2 // factor] == np.float32(0.9)
    covered_rows, covered_cols = cells.shape[0] * factor, cells.shape[1] * factor
    assert covered_rows >= rows > covered_rows - factor and covered_cols >= cols > covered_cols - factor


def test_a_block_without_data_stays_empty():
    scores = np.full((4, 4), np.nan, np.float32)
    scores[3, 3] = 0.7
    cells, _cell = drawn_cells(scores, 8.0, 4)
    assert np.isnan(cells[0, 0]) and cells[1, 1] == np.float32(0.7)
