"""How a scene is cut into overlapping windows whose kept parts tile it exactly."""

from __future__ import annotations

from dataclasses import dataclass

from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class Tile:
    """One window to read and the part of it whose results are used.

    Attributes
    ----------
    read : Window
        What goes into the model; inside the scene.
    keep : Window
        Inside `read`; the keeps of a plan cover the scene without overlap.
    """

    read: Window
    keep: Window


def plan_windows(width: int, height: int, size: int, margin: int, first: Window | None = None) -> list[Tile]:
    """The windows that cover a scene, the visible part first.

    Windows start at multiples of `size - 2 * margin` from the scene's corner,
    so where `size` and `margin` are multiples of a cell, all edges but the
    scene's own lie on cell borders. Along the scene's rim nothing is thrown
    away: there the kept part reaches the border. The last window of a row or
    column is cut at the scene's edge and may be smaller than `size`.

    Parameters
    ----------
    width, height : int
        Pixels of the scene.
    size : int
        Edge of a window in pixels.
    margin : int
        Rim of a window, in pixels, whose results are not used inside the scene.
    first : Window, optional
        What is on view: windows that keep a part of it come first, then the
        others by their distance from its centre. Without it, row by row.

    Raises
    ------
    ValueError
        When the scene is empty or the margins leave nothing of a window.
    """
    if width < 1 or height < 1:
        raise ValueError(f"plan_windows: expected a scene of at least 1 x 1 px, got {width} x {height}")
    if margin < 0 or size - 2 * margin < 1:
        raise ValueError(f"plan_windows: expected size > 2 * margin >= 0, got size {size} and margin {margin}")
    tiles = [
        Tile(
            Window(col.read, row.read, col.read_end - col.read, row.read_end - row.read),
            Window(col.keep, row.keep, col.keep_end - col.keep, row.keep_end - row.keep),
        )
        for row in _spans(height, size, margin)
        for col in _spans(width, size, margin)
    ]
    if first is not None:
        view = first
        tiles.sort(key=lambda tile: (tile.keep.intersection(view) is None, _distance(tile.keep, view)))
    return tiles


@dataclass(frozen=True, slots=True)
class _Span:
    read: int
    read_end: int
    keep: int
    keep_end: int


def _spans(length: int, size: int, margin: int) -> list[_Span]:
    step = size - 2 * margin
    count = max(1, -(-(length - 2 * margin) // step))
    spans = []
    for index in range(count):
        read, read_end = index * step, min(index * step + size, length)
        keep = 0 if index == 0 else read + margin
        keep_end = length if index == count - 1 else read + size - margin
        spans.append(_Span(read, read_end, keep, keep_end))
    return spans


def _distance(keep: Window, view: Window) -> float:
    """Squared distance of the centres, in quarter pixels squared."""
    dx = (2 * keep.col + keep.width) - (2 * view.col + view.width)
    dy = (2 * keep.row + keep.height) - (2 * view.row + view.height)
    return float(dx * dx + dy * dy)
