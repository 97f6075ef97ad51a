"""Coordinates in the window: their notation in the status line, and going to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from sarvlm_app.core.coordinates import Notation, find_spot
from sarvlm_app.core.session import Session
from sarvlm_app.errors import QueryError
from sarvlm_app.settings import Settings
from sarvlm_app.ui.dialogs.go_to import GoToDialog
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.viewer.overlay import Pin

_SEEN_PX = 64.0
"""Pixels of the scene about a place that was gone to; its surroundings are seen as well."""


class CoordinatePresenter(QObject):
    """Keeps the notation of the settings, and the pin on the place that was gone to.

    Parameters
    ----------
    settings : callable
        Gives the present settings.
    remember : callable
        Takes the changed ones.
    """

    def __init__(
        self,
        session: Session,
        window: MainWindow,
        settings: Callable[[], Settings],
        remember: Callable[[Settings], None],
    ) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._settings = settings
        self._remember = remember
        self._last = ""
        window.pointer.notation_clicked.connect(self.change_notation)
        session.active_changed.connect(self.show_scene)

    def show_scene(self) -> None:
        """Another scene: its geometry for the status line, and no pin."""
        self._window.canvas.overlay.change(pin=None)
        self._show_notation()

    def change_notation(self) -> None:
        """The next notation, remembered."""
        settings = self._settings()
        self._remember(replace(settings, coordinates=Notation(settings.coordinates).following.value))
        self._show_notation()

    def _show_notation(self) -> None:
        scene = self._session.active
        georef = None if scene is None else scene.georef
        self._window.pointer.show_notation(georef, Notation(self._settings().coordinates))

    def ask(self) -> None:
        """Asks for a coordinate and goes there."""
        if self._session.active is None:
            return
        dialog = GoToDialog(self.go_to, self._last, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def go_to(self, text: str) -> None:
        """Flies to the place and marks it.

        Raises
        ------
        QueryError
            When it cannot be read or lies outside the scene.
        """
        scene = self._session.active
        if scene is None:
            raise QueryError("No scene is open to go to a place in; open one first.")
        spot = find_spot(scene, text)
        self._last = text
        self._window.canvas.overlay.change(pin=Pin(spot.col, spot.row, " ".join(text.split())))
        self._window.canvas.fly_to(spot.col, spot.row, _SEEN_PX)
        self._window.canvas.setFocus()

    def leave(self) -> bool:
        """Takes the pin away; whether there was one."""
        overlay = self._window.canvas.overlay
        pinned = overlay.state.pin is not None
        overlay.change(pin=None)
        return pinned
