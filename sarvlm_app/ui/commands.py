"""What each command of the action table does: dialogs, and verbs of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from sarvlm_app.core.caption_list import Where
from sarvlm_app.core.session import Session
from sarvlm_app.settings import Settings
from sarvlm_app.ui.dialogs.shortcuts import ShortcutsDialog
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.question import Question, parse_question
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.view_state import ViewState

_SCENE_FILTER = (
    "Scenes (*.tif *.tiff *.TIF *.TIFF *.png *.PNG *.jpg *.jpeg *.JPG *.ntf *.nitf *.NTF *.vrt *.jp2 *.img *.h5);;"
    "All files (*)"
)
_ABOUT = (
    "<b>SARVLM Desktop</b><p>Ask a SAR scene in plain words, see where the answer lies, export it.</p>"
    "<p>Everything happens on this machine; nothing is sent anywhere.</p><p>Apache License 2.0</p>"
)


class Commands(QObject):
    """The handlers behind menus, keys and buttons."""

    def __init__(self, session: Session, window: MainWindow, view: ViewState, theme: Theme) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._view = view
        self._theme = theme
        self.settings = Settings()
        self.cancel_job: Callable[[], object] = lambda: None
        self.describe: Callable[[Where], object] = lambda _where: None

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command, by its name in the action table."""
        session, window = self._session, self._window
        return {
            "open": self.open_dialog,
            "open_demo": session.open_demo,
            "close_scene": self.close_scene,
            "export": self.show_exports,
            "export_heatmap": self.export_heatmap,
            "export_candidates": self.export_candidates,
            "export_picture": self.export_picture,
            "export_captions": self.export_captions,
            "quit": window.close,
            "focus_query": window.query.focus,
            "ask": window.query.ask,
            "clear": session.clear_answer,
            "next": session.next_candidate,
            "previous": session.previous_candidate,
            "cancel": self.escape,
            "describe_view": lambda: self.describe(Where.VIEW),
            "describe_place": lambda: self.describe(Where.PLACE),
            "describe_region": lambda: self.describe(Where.REGION),
            "describe_scene": lambda: self.describe(Where.SCENE),
            "show_captions": self._view.captions.toggle,
            "undo_caption": session.captions.undo,
            "redo_caption": session.captions.redo,
            "toggle_heatmap": self._view.heatmap.toggle,
            "toggle_markers": self._view.numbers.toggle,
            "fit": window.canvas.fit,
            "theme": self.toggle_theme,
            "shortcuts": lambda: ShortcutsDialog(window).exec(),
            "about": lambda: QMessageBox.about(window, "About SARVLM Desktop", _ABOUT),
        }

    # ---- scenes ----------------------------------------------------------
    def open_dialog(self) -> None:
        """Asks for scene files and opens them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open scenes", self.settings.last_folder, _SCENE_FILTER)
        self.open_paths([Path(name) for name in names])

    def open_paths(self, paths: list[Path]) -> None:
        """Opens each file as a scene; the session tells what cannot be opened."""
        for path in paths:
            self.settings = self.settings.with_recent(path)
            self._session.open(path)

    def close_scene(self) -> None:
        """Closes the active scene."""
        if self._session.active is not None:
            self._session.close(self._session.active)

    # ---- questions -------------------------------------------------------
    def ask(self, question: Question) -> None:
        """Asks; the part in view is read first. The places take the captions' place in the right column."""
        self._view.captions.set_visible(False)
        self._session.ask(question.text, question.negatives, self._window.canvas.visible_window())

    def typed(self, text: str) -> None:
        """Follows the typing once the scene has been read."""
        if self._session.encoded and text:
            self._view.captions.set_visible(False)
            self._session.type_ahead(text, self._window.query.negatives)

    def escape(self) -> None:
        """Hides the toast, else ends the drawing of a region, else leaves the query line and cancels the job."""
        if self._window.toast.isVisible():
            self._window.toast.hide()
        elif self._window.canvas.drawing:
            self._window.canvas.set_drawing(False)
        else:
            self.cancel_job()
            self._window.canvas.setFocus()

    def toggle_theme(self) -> None:
        """Changes between dark and light and remembers it."""
        self.settings = replace(self.settings, theme=self._theme.toggle())

    # ---- exports ---------------------------------------------------------
    def show_exports(self) -> None:
        """Opens the menu of the Export button."""
        if self._session.answer is not None:
            self._window.selected.export.showMenu()

    def export_heatmap(self) -> None:
        """Asks where to and writes the heat map."""
        self._export("Export the heat map", "GeoTIFF (*.tif)", ".tif", self._session.export_heatmap)

    def export_candidates(self) -> None:
        """Asks where to and writes the places."""
        self._export("Export the places", "GeoJSON (*.geojson)", ".geojson", self._session.export_candidates)

    def export_picture(self) -> None:
        """Asks where to and writes the picture."""
        self._export("Export the picture", "PNG picture (*.png)", ".png", self._session.export_picture)

    def export_captions(self) -> None:
        """Asks where to and writes the captions of the scene, in the format of the chosen ending."""
        scene = self._session.active
        if scene is None or not self._session.captions.captions:
            return
        self._window.captions.list.finish_editing()
        proposed = self._folder() / f"{scene.path.stem}_captions.geojson"
        kinds = "GeoJSON (*.geojson);;CSV table (*.csv)"
        name, kind = QFileDialog.getSaveFileName(self._window, "Export the captions", str(proposed), kinds)
        if name:
            path = Path(name)
            self._session.captions.export(
                path if path.suffix else path.with_suffix(".csv" if "csv" in kind else ".geojson")
            )

    def _folder(self) -> Path:
        return Path(self.settings.last_folder) if self.settings.last_folder else Path.home()

    def _export(self, title: str, kinds: str, suffix: str, write: Callable[[Path], object]) -> None:
        answer = self._session.answer
        if answer is None:
            return
        words = "_".join(parse_question(answer.query.text).text.split()[:5])
        stem = "".join(letter for letter in words if letter.isalnum() or letter == "_") or "answer"
        proposed = self._folder() / f"{answer.scene.path.stem}_{stem}{suffix}"
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(proposed), kinds)
        if name:
            path = Path(name)
            write(path if path.suffix else path.with_suffix(suffix))
