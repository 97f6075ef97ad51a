"""All boxes of a scene as one napari layer that stays: its arrays are exchanged, it is never removed.

Outlines are Vectors, four a box: twenty thousand are drawn in a fraction of a
second, where Shapes take many (and crash when layers are removed and added).
"""

from __future__ import annotations

import math

import numpy as np
from napari.components import ViewerModel
from napari.layers import Vectors
from numpy.typing import NDArray

from sarvlm_models.types import Float32

NAME = "Boxes"
LINE_PX = 1.8
"""Width of the outlines on the screen."""
_ROOM_STEP = 256
"""The room of the layer grows by so many boxes."""
_STEP = 1.25
"""The width follows the zoom in steps: each makes the layer's mesh anew."""


class BoxLayer:
    """Draws outlines of boxes, each in a colour.

    Parameters
    ----------
    model : ViewerModel
        Where the layer is added, when there is first something to draw.
    """

    def __init__(self, model: ViewerModel) -> None:
        self._model = model
        self._layer: Vectors | None = None
        self._visible = True
        self._count = 0
        self._room = 0
        self._drawn: Float32 | None = None
        self._zoom = 1.0

    @property
    def count(self) -> int:
        """How many boxes can be seen while the layer is visible."""
        return self._count

    def show(self, corners: Float32, colours: Float32) -> None:
        """Draws other boxes, or the same in other colours, which is cheaper: nothing is laid out anew then.

        Parameters
        ----------
        corners : float32 (n, 4, 2)
            (col, row) in scene pixels from the outer corner.
        colours : float32 (n, 4)
            RGBA, 0..1; a box with alpha 0 is not seen.
        """
        self._count = int((colours[:, 3] > 0).sum())
        if len(corners) > self._room:
            self._room = _ROOM_STEP * math.ceil(len(corners) / _ROOM_STEP)
            self._drawn = None
        if self._room:
            self._draw(corners, colours)
        self._apply_visible()

    def _draw(self, corners: Float32, colours: Float32) -> None:
        each = np.zeros((4 * self._room, 4), np.float32)
        each[: 4 * len(colours)] = np.repeat(colours, 4, axis=0)
        if self._layer is None:
            self._layer = Vectors(
                self._lines(corners), name=NAME, edge_color=each, edge_width=self._width(), vector_style="line",
                opacity=1.0, visible=False,
            )  # fmt: skip
            self._layer.blending = "translucent_no_depth"
            self._model.layers.append(self._layer)  # seen only once it is there: see Canvas._insert
        else:
            if corners is not self._drawn:
                self._layer.data = self._lines(corners)
            self._layer.edge_color = each
        self._drawn = corners

    def _lines(self, corners: Float32) -> NDArray[np.float32]:
        """The outlines, and lines that are not seen in the room that is left.

        napari slices on another thread: what it found in the data before must be in those after, so the layer never
        becomes shorter.
        """
        lines = np.zeros((4 * self._room, 2, 2), np.float32)
        lines[:, 1, 1] = 1.0
        lines[: 4 * len(corners)] = segments(corners)
        return lines

    def set_visible(self, visible: bool) -> None:
        """Shows or hides the boxes."""
        self._visible = visible
        self._apply_visible()

    def set_zoom(self, zoom: float) -> None:
        """Keeps the lines as wide on the screen as they were, whatever the zoom (screen pixels for one scene pixel)."""
        self._zoom = zoom
        if self._layer is not None and self._layer.edge_width != self._width():
            self._layer.edge_width = self._width()

    def _width(self) -> float:
        step = round(math.log(max(self._zoom, 1e-6), _STEP))
        return float(LINE_PX / _STEP**step)

    def _apply_visible(self) -> None:
        if self._layer is not None:
            self._layer.visible = self._visible and self._count > 0


def segments(corners: Float32) -> NDArray[np.float32]:
    """Outlines as napari's vectors: float32 (4 n, 2, 2), start and direction as (row, col) from the pixel's centre."""
    starts = corners[..., ::-1] - np.float32(0.5)
    directions = np.roll(starts, -1, axis=1) - starts
    directions[(directions == 0).all(axis=-1)] = 1e-3  # napari divides by the length
    return np.ascontiguousarray(np.stack([starts, directions], axis=2).reshape(-1, 2, 2), np.float32)
