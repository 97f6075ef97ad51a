"""Commands for context files: the dialog, and what is dropped on the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.context.reading import TABLES, TILES
from sarvlm_app.core.session import Session
from sarvlm_app.ui.main_window import MainWindow

VECTORS = (".gpkg", ".geojson", ".shp", ".fgb", ".kml", ".gml")
DROPPED = (*VECTORS, *TILES, ".csv", ".tsv")
"""Endings of files that are laid over the scene when they are dropped; all else is opened."""
_ENDINGS = " ".join(f"*{ending} *{ending.upper()}" for ending in (*VECTORS, ".json", *TILES, *TABLES))
_FILTER = f"Lines, places, tiles, ship reports ({_ENDINGS});;All files (*)"


class ContextCommands(QObject):
    """The handlers.

    Parameters
    ----------
    folder : callable
        Where file dialogs start.
    open_scenes : callable
        What is done with files that are scenes.
    """

    def __init__(
        self, session: Session, window: MainWindow, folder: Callable[[], Path],
        open_scenes: Callable[[list[Path]], object],
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._session, self._window, self._folder, self._open_scenes = session, window, folder, open_scenes
        self._waiting: list[Path] = []
        window.context.add_clicked.connect(self.choose)
        session.active_changed.connect(self._on_active)
        session.failed.connect(lambda _error: self._waiting.clear())

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command here, by its name in the action table."""
        return {"add_context": self.choose}

    def show_active(self, actions: Mapping[str, QAction]) -> None:
        """Enables what can be done to the scene on view."""
        scene = self._session.active
        why_not = ""
        if scene is None:
            why_not = "No scene is open."
        elif scene.georef is None:
            why_not = "The scene has no georeference."
        actions["add_context"].setEnabled(not why_not)
        actions["add_context"].setToolTip(why_not or actions["add_context"].text())

    def choose(self) -> None:
        """Asks for files and lays them over the scene on view."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Add context", str(self._folder()), _FILTER)
        self._add([Path(name) for name in names])

    def take_dropped(self, paths: list[Path]) -> None:
        """Opens scenes; lays the rest over the scene on view, or over the one that comes with it."""
        scenes = [path for path in paths if path.suffix.lower() not in DROPPED]
        laid = [path for path in paths if path.suffix.lower() in DROPPED]
        if scenes:
            self._waiting = laid
            self._open_scenes(scenes)
        else:
            self._add(laid)

    def _on_active(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:  # the session tells its own context of the scene a moment later
            QTimer.singleShot(0, self, lambda: self._add(waiting))

    def _add(self, paths: list[Path]) -> None:
        for path in paths:
            self._session.context.add(path)
