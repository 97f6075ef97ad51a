"""The mouse while something is measured: clicks draw, drags move the view, or draw a rectangle."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from sarvlm_app.core.measure_list import Tool
from sarvlm_app.core.measure_session import MeasureSession
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.geometry import Camera, window_between
from sarvlm_models.types import Window

_CLICK_PX = 4.0


class MeasureMouse:
    """A tool of the canvas.

    Attributes
    ----------
    show_box : callable
        Called with the rectangle while it is dragged, None when it is over.
    """

    def __init__(self, measures: MeasureSession, canvas: SceneCanvas) -> None:
        self._measures = measures
        self._canvas = canvas
        self._pressed: tuple[float, float] | None = None
        self._moved = False
        self._camera: Camera | None = None
        self._box: Window | None = None
        self.show_box: Callable[[Window | None], object] = lambda _window: None

    # ---- the canvas's tool -----------------------------------------------
    def press(self, x: float, y: float) -> bool:
        """Every press is its own: what lies below cannot be picked while something is measured."""
        self._pressed, self._moved, self._camera, self._box = (x, y), False, self._canvas.camera(), None
        return True

    def drag(self, x: float, y: float, *, snaps: bool) -> None:
        """Moves the view, or draws the rectangle; a hand that trembles does neither."""
        if self._pressed is None or self._camera is None:
            return
        across, down = x - self._pressed[0], y - self._pressed[1]
        if not self._moved and abs(across) + abs(down) <= _CLICK_PX:
            return
        self._moved = True
        if self._measures.tool is Tool.BOX:
            self._draw_box(x, y)
        else:
            self._canvas.set_cursor(Qt.CursorShape.ClosedHandCursor)
            before = self._camera
            self._canvas.look_at(before.col - across / before.zoom, before.row - down / before.zoom, before.zoom)

    def release(self) -> None:
        """A mere click draws a point; a rectangle is measured."""
        pressed, camera, self._pressed = self._pressed, self._camera, None
        if pressed is None or camera is None:
            return
        if not self._moved:
            if self._measures.tool is not Tool.BOX:
                self._measures.add_point(*camera.to_scene(*pressed))
        elif self._box is not None:
            box, self._box = self._box, None
            self.show_box(None)
            self._measures.add_box(box)
        self._canvas.set_cursor(Qt.CursorShape.CrossCursor)

    def click(self, x: float, y: float) -> None:
        """Never asked: every press is taken."""

    def click_right(self, x: float, y: float) -> None:
        """Ends what is drawn."""
        self._measures.finish()

    def abandon(self) -> bool:
        """Leaves a rectangle that is being dragged; whether there was one."""
        had, self._box, self._pressed = self._box is not None, None, None
        if had:
            self.show_box(None)
        return had

    def _draw_box(self, x: float, y: float) -> None:
        scene = self._measures.scene
        if scene is None or self._pressed is None or self._camera is None:
            return
        start, end = self._camera.to_scene(*self._pressed), self._camera.to_scene(x, y)
        self._box = window_between(start, end, scene.width, scene.height)
        self.show_box(self._box)
