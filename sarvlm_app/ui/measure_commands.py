"""Commands for measures: tools by key, the list, files and the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.measure_list import Tool
from sarvlm_app.core.session import Session
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.measure_presenter import MeasurePresenter
from sarvlm_app.ui.measure_words import copied
from sarvlm_app.ui.view_state import ViewState

_KINDS = "JSON (*.json);;CSV table (*.csv)"


class MeasureCommands(QObject):
    """The handlers, and which of them can be used.

    Parameters
    ----------
    folder : callable
        Where file dialogs start.
    """

    def __init__(self, session: Session, window: MainWindow, view: ViewState, folder: Callable[[], Path]) -> None:
        super().__init__(window)
        self._session, self._window, self._view, self._folder = session, window, view, folder
        self._measures = session.measures
        self.presenter = MeasurePresenter(session, window.canvas, view, window.measures)
        window.measures.copy_clicked.connect(self.copy)
        window.measures.export_clicked.connect(self.export)
        window.measures.samples_clicked.connect(self.export_samples)

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command here, by its name in the action table."""
        measures, presenter = self._measures, self.presenter
        return {
            "show_measures": self._view.measures.toggle,
            "measure_line": partial(presenter.toggle, Tool.LINE),
            "measure_profile": partial(presenter.toggle, Tool.PROFILE),
            "measure_region": partial(presenter.toggle, Tool.AREA),
            "measure_box": partial(presenter.toggle, Tool.BOX),
            "measure_point": partial(presenter.toggle, Tool.POINT),
            "finish_measure": measures.finish,
            "measure_back": measures.drop_point,
            "fly_to_measure": presenter.fly,
            "remove_measure": self._window.measures.remove_selected,
            "undo_measure": measures.undo,
            "redo_measure": measures.redo,
            "clear_measures": measures.clear,
            "copy_measures": self.copy,
            "export_measures": self.export,
            "toggle_measures": self._view.measured.toggle,
        }

    def show_state(self, actions: Mapping[str, QAction]) -> None:
        """Enables what can be done with the measures that there are."""
        measures = self._measures
        for name in ("clear_measures", "copy_measures", "export_measures", "remove_measure", "fly_to_measure"):
            actions[name].setEnabled(bool(measures.entries))
        for name, what in (("undo_measure", measures.undo_name), ("redo_measure", measures.redo_name)):
            actions[name].setEnabled(bool(what))

    def copy(self) -> None:
        """Puts the values of all measures on the clipboard."""
        scene = self._session.active
        if scene is not None and self._measures.entries:
            QGuiApplication.clipboard().setText(copied(scene, self._measures.entries))
            self._window.toast.show_message("Copied: the values of all measures of this scene")

    def export(self) -> None:
        """Asks where to and writes the measures, in the format of the chosen ending."""
        scene = self._session.active
        if scene is None or not self._measures.entries:
            return
        proposed = self._folder() / f"{scene.path.stem}_measures.json"
        name, kind = QFileDialog.getSaveFileName(self._window, "Export the measures", str(proposed), _KINDS)
        if name:
            path = Path(name)
            self._measures.export(path if path.suffix else path.with_suffix(".csv" if "csv" in kind else ".json"))

    def export_samples(self) -> None:
        """Asks where to and writes the samples of the selected profile."""
        scene, selected = self._session.active, self._measures.selected
        if scene is None or selected is None:
            return
        proposed = self._folder() / f"{scene.path.stem}_profile_{selected.number}.csv"
        name, _ = QFileDialog.getSaveFileName(self._window, "Export the samples", str(proposed), "CSV table (*.csv)")
        if name:
            path = Path(name)
            self._measures.export_profile(path if path.suffix else path.with_suffix(".csv"))
