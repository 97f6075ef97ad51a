"""Which small windows of a large scene to look at: spread, seeded, aligned to the file's blocks."""

from __future__ import annotations

import math

import numpy as np

from sarvlm_models.types import Window

SEED = 20240229


def sample_windows(size: tuple[int, int], block: tuple[int, int], count: int = 64, edge: int = 256) -> list[Window]:
    """Up to about `count` windows that stand for the scene, in file order, corners and centre among them.

    Parameters
    ----------
    size : (int, int)
        Width and height of the scene in pixels.
    block : (int, int)
        Width and height of the file's blocks; a window starts on a block, and
        in files of whole rows it is a few whole rows.
    count, edge : int
        A scene of at most `count * edge**2` pixels is covered completely.
    """
    width, height = size
    if width * height <= count * edge * edge:
        rows = max(1, edge * edge // width)
        return [Window(0, row, width, min(rows, height - row)) for row in range(0, height, rows)]
    patch = _patch(size, block, edge)
    starts = {_aligned(place, size, block, patch) for place in _places(count)}
    return [
        Window(col, row, min(patch[0], width - col), min(patch[1], height - row))
        for row, col in sorted((row, col) for col, row in starts)
    ]


def _patch(size: tuple[int, int], block: tuple[int, int], edge: int) -> tuple[int, int]:
    """Width and height of one window: square, but whole rows where blocks are much wider than it."""
    width, height = size
    if block[0] <= 4 * edge:
        return min(edge, width), min(edge, height)
    rows = min(height, max(1, 2 * edge * edge // block[0]))
    return min(width, block[0]), rows


def _places(count: int) -> list[tuple[float, float]]:
    """Relative positions 0..1 (x, y): corners, centre, and one at random in each cell of a grid."""
    fixed = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.5, 0.5)]
    rest = max(0, count - len(fixed))
    side = math.isqrt(rest)
    jitter = np.random.default_rng(SEED).random((side, side, 2))
    grid = [
        ((x + float(jitter[y, x, 0])) / side, (y + float(jitter[y, x, 1])) / side)
        for y in range(side)
        for x in range(side)
    ]
    return fixed + grid


def _aligned(
    place: tuple[float, float], size: tuple[int, int], block: tuple[int, int], patch: tuple[int, int]
) -> tuple[int, int]:
    col, row = (
        min(int(part * length), length - 1) // step * step
        for part, length, step in zip(place, size, block, strict=True)
    )
    if block[0] > patch[0] or place[0] == 1.0:
        col = max(0, min(int(place[0] * size[0]), size[0] - patch[0]))
    if block[1] > patch[1] or place[1] == 1.0:
        row = max(0, min(int(place[1] * size[1]), size[1] - patch[1]))
    return col, row
