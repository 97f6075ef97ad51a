"""The second canvas beside the first: made when it is first needed, its view and pointer follow by geography."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, sqrt

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QSplitter

from sarvlm_app.core.display.picture import Picture
from sarvlm_app.core.georef import local_spacing_m
from sarvlm_app.core.linking.pairing import Pairing
from sarvlm_app.ui.viewer.canvas import SceneCanvas, SceneImage
from sarvlm_app.ui.viewer.geometry import north_angle
from sarvlm_app.ui.viewer.link_marks import LinkMarks


class SideView(QObject):
    """Keeps two canvases on one ground.

    The first leads; the second does while the mouse is over it.

    Parameters
    ----------
    canvas : SceneCanvas
        The first.
    stage : QSplitter
        Where the second is put beside it.
    marks : LinkMarks
        Of the first canvas.
    """

    def __init__(self, canvas: SceneCanvas, stage: QSplitter, marks: LinkMarks) -> None:
        super().__init__(canvas)
        self._canvas, self._stage, self._marks = canvas, stage, marks
        self._pairing: Pairing | None = None
        self._following = False
        self.second: SceneCanvas | None = None
        self.second_marks = LinkMarks()
        self.leads: Callable[[], bool] = lambda: self.second is not None and self.second.underMouse()
        """Whether the second canvas leads."""
        self._again = QTimer(self, singleShot=True, interval=0)
        self._again.timeout.connect(self.follow_first)
        canvas.view_changed.connect(self.follow_first)
        canvas.pointer_moved.connect(self._cross_second)

    @property
    def shown(self) -> bool:
        """Whether the second canvas stands beside the first."""
        return self._pairing is not None

    def show(self, pairing: Pairing, picture: Picture, image: SceneImage) -> None:
        """Shows the other scene of a pair."""
        if self.second is None:
            self._make()
        second = self.second
        assert second is not None
        half = self._stage.width() // 2
        new = not second.isVisible()
        second.show()
        if new:
            self._stage.setSizes([half, half])
        self._pairing = None
        second.show_scene(image)
        self._pairing = pairing
        self._frame(second, picture)
        self._again.start()

    def change(self, image: SceneImage) -> None:
        """Other limits or levels of the same scene."""
        if self.second is not None and self._pairing is not None:
            self.second.set_look(image.limits, image.gamma, image.colours)

    def refresh(self) -> None:
        """Reads the view again."""
        if self.second is not None and self._pairing is not None:
            self.second.refresh_scene()

    def hide(self) -> None:
        """Gives the room back to the first canvas."""
        self._pairing = None
        self._marks.cross = self.second_marks.cross = None
        if self.second is not None and self.second.isVisible():
            self.second.show_scene(None)
            self.second.hide()
        self._canvas.overlay.update()

    def stop(self) -> None:
        """The window closes."""
        self._again.stop()
        self._pairing = None
        if self.second is not None:
            self.second.shut_down()

    def _make(self) -> None:
        self.second = second = SceneCanvas(self._stage, fly_ms=0)
        self._stage.addWidget(second)
        second.overlay.over.append(self.second_marks.draw)
        second.view_changed.connect(self._on_second)
        second.pointer_moved.connect(self._cross_first)
        second.files_dropped.connect(self._canvas.files_dropped)

    def _frame(self, second: SceneCanvas, picture: Picture) -> None:
        scene = picture.scene
        middle = scene.width / 2, scene.height / 2
        north = None if scene.georef is None else north_angle(scene.georef, *middle)
        badges = ("simulated",) if scene.simulated else ()
        second.overlay.change(north=north, badges=badges)
        metres = local_spacing_m(scene.georef, *middle)[0] if scene.georef is not None else None
        second.set_ground_spacing(metres)

    # ---- the camera ------------------------------------------------------
    def follow_first(self) -> None:
        """Brings what the first canvas shows into the second."""
        if self._pairing is None or self.second is None or self._following:
            return
        camera = self._canvas.camera()
        place = _finite(self._pairing.to_other(camera.col, camera.row))
        self._look(self.second, place, camera.zoom / _scale(self._pairing))

    def _on_second(self) -> None:
        if self._pairing is None or self.second is None or self._following:
            return
        if not self.leads():
            self._again.start()  # it was laid out anew, not moved
            return
        camera = self.second.camera()
        place = _finite(self._pairing.to_one(camera.col, camera.row))
        self._look(self._canvas, place, camera.zoom * _scale(self._pairing))

    def _look(self, canvas: SceneCanvas, place: tuple[float, float] | None, zoom: float) -> None:
        if place is None:
            return
        self._following = True
        try:
            canvas.look_at(*place, zoom)
        finally:
            self._following = False

    # ---- the pointer -----------------------------------------------------
    def _cross_second(self, place: tuple[float, float] | None) -> None:
        if self._pairing is None or self.second is None:
            return
        there = None if place is None else _finite(self._pairing.to_other(*place))
        self.second_marks.cross = there
        self.second.overlay.update()

    def _cross_first(self, place: tuple[float, float] | None) -> None:
        if self._pairing is None:
            return
        self._marks.cross = None if place is None else _finite(self._pairing.to_one(*place))
        self._canvas.overlay.update()


def _finite(place: tuple[object, object]) -> tuple[float, float] | None:
    col, row = (float(part) for part in place)  # type: ignore[arg-type]
    return (col, row) if isfinite(col) and isfinite(row) else None


def _scale(pairing: Pairing) -> float:
    """Pixels of the other scene for one of this one, each way, in the mean."""
    (cc, cr), (rc, rr) = pairing.slope
    area = abs(cc * rr - cr * rc)
    return sqrt(area) if area > 0 else 1.0
