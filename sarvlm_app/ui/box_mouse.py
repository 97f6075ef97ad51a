"""The mouse on boxes: hover, click to select, drag the selected one to move, turn or resize it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt

from sarvlm_app.core.boxes import BoxIndex
from sarvlm_app.core.detection_session import DetectionSession
from sarvlm_app.ui.viewer.box_frame import BoxFrame, Grip, Part, dragged
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_models.types import Float32

_REACH_PX = 5.0
"""A box is met from so far away on the screen, so that small ones can be clicked."""
_SLOPES = (
    (22.5, Qt.CursorShape.SizeHorCursor),
    (67.5, Qt.CursorShape.SizeFDiagCursor),
    (112.5, Qt.CursorShape.SizeVerCursor),
    (157.5, Qt.CursorShape.SizeBDiagCursor),
    (180.0, Qt.CursorShape.SizeHorCursor),
)


@dataclass(slots=True)
class _Drag:
    box: int
    grip: Grip
    before: Float32
    start: tuple[float, float]
    now: Float32


class BoxMouse:
    """A tool of the canvas.

    Parameters
    ----------
    detections : DetectionSession
    canvas : SceneCanvas
    editable : callable
        Whether boxes can be changed now.
    pickable : callable
        Whether boxes can be seen now.

    Attributes
    ----------
    show_drag : callable
        Called with the corners while a box is dragged, None when it is over.
    picked : callable
        Called when a box was clicked.
    """

    def __init__(
        self,
        detections: DetectionSession,
        canvas: SceneCanvas,
        editable: Callable[[], bool],
        pickable: Callable[[], bool],
    ) -> None:
        self._detections = detections
        self._canvas = canvas
        self._editable = editable
        self._pickable = pickable
        self._index: BoxIndex | None = None
        self._ids = np.zeros(0, np.int64)
        self._drag: _Drag | None = None
        self.show_drag: Callable[[Float32 | None], object] = lambda _corners: None
        self.picked: Callable[[], object] = lambda: None

    def forget(self) -> None:
        """Other boxes are shown: find them anew when the mouse asks next."""
        self._index = None

    def box_at(self, x: float, y: float) -> int | None:
        """Id of the box under a screen position, the smallest first; small ones from a little away."""
        if not self._pickable():
            return None
        if self._index is None:
            boxes, shown = self._detections.boxes, self._detections.shown
            self._ids = boxes.ids[shown]
            self._index = BoxIndex(boxes.corners_px[shown])
        camera = self._canvas.camera()
        place = self._index.nearest(*camera.to_scene(x, y), within_px=_REACH_PX / camera.zoom)
        return None if place is None else int(self._ids[place])

    def grip_at(self, x: float, y: float) -> Grip | None:
        """What of the selected box's frame lies under a screen position."""
        selected = self._selected()
        if selected is None:
            return None
        return BoxFrame.of(selected[1], self._canvas.camera()).grip_at(x, y)

    def show_cursor(self, x: float, y: float) -> None:
        """Tells by the pointer what a press would do."""
        grip = self.grip_at(x, y)
        if grip is not None:
            self._canvas.set_cursor(self._shape(grip))
        else:
            hand = Qt.CursorShape.PointingHandCursor
            self._canvas.set_cursor(hand if self.box_at(x, y) is not None else Qt.CursorShape.ArrowCursor)

    def _selected(self) -> tuple[int, Float32] | None:
        box = self._detections.selected
        if box is None or not self._editable():
            return None
        place = self._detections.boxes.place_of(box)
        return None if place is None else (box, self._detections.boxes.corners_px[place])

    def _shape(self, grip: Grip) -> Qt.CursorShape:
        selected = self._selected()
        if grip.part is Part.BODY or selected is None:
            return Qt.CursorShape.SizeAllCursor
        if grip.part is Part.ARM:
            return Qt.CursorShape.CrossCursor
        frame = BoxFrame.of(selected[1], self._canvas.camera())
        off = frame.handles()[grip.handle] - frame.centre
        degrees = math.degrees(math.atan2(off[1], off[0])) % 180.0
        return next(shape for limit, shape in _SLOPES if degrees <= limit)

    # ---- the canvas's tool -----------------------------------------------
    def press(self, x: float, y: float) -> bool:
        """Takes hold of the selected box where the press is on it."""
        selected, grip = self._selected(), self.grip_at(x, y)
        if selected is None or grip is None:
            return False
        if grip.part is Part.BODY and self.box_at(x, y) not in (None, selected[0]):
            return False  # another box lies there: let it be clicked
        start = self._canvas.camera().to_scene(x, y)
        self._drag = _Drag(selected[0], grip, selected[1], start, selected[1])
        return True

    def drag(self, x: float, y: float, *, snaps: bool) -> None:
        """Shows the box as it would be."""
        if self._drag is None:
            return
        held, now = self._drag, self._canvas.camera().to_scene(x, y)
        held.now = dragged(held.before, held.grip, held.start, now, snaps=snaps)
        self.show_drag(held.now)

    def release(self) -> None:
        """Makes the change, as one step; a mere click changes nothing."""
        held, self._drag = self._drag, None
        if held is None:
            return
        if held.now is not held.before:
            self._detections.reshape(held.box, held.now, held.grip.part.value)
        self.show_drag(None)

    def abandon(self) -> bool:
        """Leaves the box as it was before the drag; whether there was one."""
        held, self._drag = self._drag, None
        self.show_drag(None)
        return held is not None

    def click_right(self, x: float, y: float) -> None:
        """Means nothing to boxes."""

    def click(self, x: float, y: float) -> None:
        """Selects the box there, or none."""
        if not self._pickable():
            return
        box = self.box_at(x, y)
        self._detections.select(box)
        if box is not None:
            self.picked()
