"""Positions of a regular grid of one scene in the other, by a lattice of exact places as fine as it need be."""

from __future__ import annotations

import numpy as np

from sarvlm_app.core.linking.pairing import Float64, Pairing

STEPS = (32.0, 8.0)
"""Sides of the lattice's meshes in steps of the grid, tried in turn; after the last every place is computed."""
TOLERANCE = 0.02
"""Of the interpolation, in pixels of the other scene's level."""


def grid_positions(pairing: Pairing, cols: Float64, rows: Float64, level_px: float = 1.0) -> tuple[Float64, Float64]:
    """Where the grid of `cols` (n,) and `rows` (m,), evenly spaced positions of `one`, lies in `other`.

    Parameters
    ----------
    level_px : float
        Pixels of `other` in one pixel that is sampled; the error stays below a fiftieth of it.

    Returns
    -------
    (float64 (m, n), float64 (m, n))
        Columns and rows of `other` in full-resolution pixels; NaN where a geometry does not reach.
    """
    spacing = max(_spacing(cols), _spacing(rows))
    for step in STEPS:
        if len(cols) * len(rows) <= step * step:
            continue
        found = _interpolated(pairing, cols, rows, step * spacing)
        if found is not None and found[2] <= TOLERANCE * level_px:
            return found[0], found[1]
    across, down = np.meshgrid(cols, rows)
    return pairing.to_other(across, down)


def _spacing(values: Float64) -> float:
    return float(values[1] - values[0]) if len(values) > 1 else 1.0


def _interpolated(pairing: Pairing, cols: Float64, rows: Float64, step: float) -> tuple[Float64, Float64, float] | None:
    """The positions and the largest error seen in the middle of the meshes; None where a place is not reached.

    Knots lie at multiples of `step`, so that neighbouring grids agree.
    """
    knot_cols, knot_rows = _knots(cols, step), _knots(rows, step)
    at = pairing.to_other(*np.meshgrid(knot_cols, knot_rows))
    middle_cols, middle_rows = knot_cols[:-1] + step / 2, knot_rows[:-1] + step / 2
    exact = pairing.to_other(*np.meshgrid(middle_cols, middle_rows))
    if not all(np.isfinite(part).all() for part in (*at, *exact)):
        return None
    error = max(
        float(np.abs(_bilinear(values, knot_cols, knot_rows, middle_cols, middle_rows) - truth).max())
        for values, truth in zip(at, exact, strict=True)
    )
    made = [_bilinear(values, knot_cols, knot_rows, cols, rows) for values in at]
    return made[0], made[1], error


def _knots(values: Float64, step: float) -> Float64:
    first, last = np.floor(values[0] / step), np.ceil(values[-1] / step)
    return np.asarray(np.arange(first, max(last, first + 1) + 1) * step)


def _bilinear(values: Float64, knot_cols: Float64, knot_rows: Float64, cols: Float64, rows: Float64) -> Float64:
    """`values` (k, l) at the knots, on the grid of `rows` (m,) and `cols` (n,): two small matrices do it."""
    return np.asarray(_weights(knot_rows, rows) @ values @ _weights(knot_cols, cols).T)


def _weights(knots: Float64, places: Float64) -> Float64:
    """Shares (places, knots) of linear interpolation."""
    position = (places - knots[0]) / (knots[1] - knots[0])
    low = np.clip(position.astype(np.intp), 0, len(knots) - 2)
    part = position - low
    shares = np.zeros((len(places), len(knots)))
    line = np.arange(len(places))
    shares[line, low], shares[line, low + 1] = 1.0 - part, part
    return shares
