"""What each command of the action table does: dialogs, and verbs of the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from sarvlm_app.core.caption_list import Where
from sarvlm_app.core.export.detections import FORMATS, NEED_PLACE
from sarvlm_app.core.session import Session
from sarvlm_app.settings import Settings
from sarvlm_app.ui.coordinate_presenter import CoordinatePresenter
from sarvlm_app.ui.dialogs.shortcuts import ShortcutsDialog
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.question import Question, parse_question
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.view_state import ViewState

_SCENE_FILTER = (
    "Scenes (*.tif *.tiff *.TIF *.TIFF *.zip *.safe *.xml *.json *.ntf *.nitf *.NTF *.h5 *.hdf5 *.npy *.npz *.mat "
    "*.cos *.png *.PNG *.jpg *.jpeg *.JPG *.jp2 *.j2k *.bmp IMG-*);;"
    "All files (*)"
)
_ABOUT = (
    "<b>SARVLM Desktop</b><p>Ask a SAR scene in plain words, see where the answer lies, export it.</p>"
    "<p>Everything happens on this machine; nothing is sent anywhere.</p><p>Apache License 2.0</p>"
)
_BOX_FILTER = "Boxes (*.json *.geojson *.txt);;COCO JSON (*.json);;DOTA text (*.txt);;GeoJSON (*.geojson *.json)"
_FORMAT_NAMES = {
    ".geojson": "GeoJSON (*.geojson)",
    ".gpkg": "GeoPackage (*.gpkg)",
    ".kml": "KML (*.kml)",
    ".csv": "CSV table (*.csv)",
    ".coco.json": "COCO JSON (*.coco.json)",
    ".dota.txt": "DOTA text (*.dota.txt)",
}


class BoxCommands(Protocol):
    """What the commands for boxes need."""

    def run(self) -> None: ...
    def draw_region(self) -> None: ...
    def draw_box(self) -> None: ...
    def next_box(self, step: int) -> None: ...
    def move(self, across: int, down: int) -> None: ...
    def turn(self, steps: int) -> None: ...
    def confirm(self) -> None: ...
    def strike_out(self) -> None: ...
    def leave(self) -> bool: ...


class ArchiveHandlers(Protocol):
    """The commands for the archive."""

    def handlers(self) -> Mapping[str, Callable[[], object]]: ...


class Commands(QObject):
    """The handlers behind menus, keys and buttons."""

    def __init__(self, session: Session, window: MainWindow, view: ViewState, theme: Theme) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._view = view
        self._theme = theme
        self.settings = Settings()
        self.coordinates = CoordinatePresenter(session, window, lambda: self.settings, self._remember)
        self.cancel_job: Callable[[], object] = lambda: None
        self.describe: Callable[[Where], object] = lambda _where: None
        self.boxes: BoxCommands | None = None
        self.archive: ArchiveHandlers | None = None
        self.scene: ArchiveHandlers | None = None
        self.step_hits: Callable[[int], object] = lambda _step: None
        self.leave_measure: Callable[[], bool] = lambda: False

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command, by its name in the action table."""
        session, window = self._session, self._window
        return {
            "open": self.open_dialog,
            "open_folder": self.open_folder,
            "open_demo": session.open_demo,
            "close_scene": self.close_scene,
            "export": self.show_exports,
            "export_heatmap": self.export_heatmap,
            "export_candidates": self.export_candidates,
            "export_picture": self.export_picture,
            "export_captions": self.export_captions,
            "export_boxes": self.export_boxes,
            "import_boxes": self.import_boxes,
            "quit": window.close,
            **self._box_handlers(),
            **(self.archive.handlers() if self.archive is not None else {}),
            **(self.scene.handlers() if self.scene is not None else {}),
            "focus_query": window.query.focus,
            "ask": window.query.ask,
            "clear": self.clear,
            "next": partial(self.step, 1),
            "previous": partial(self.step, -1),
            "cancel": self.escape,
            "describe_view": lambda: self.describe(Where.VIEW),
            "describe_place": lambda: self.describe(Where.PLACE),
            "describe_region": lambda: self.describe(Where.REGION),
            "describe_scene": lambda: self.describe(Where.SCENE),
            "show_captions": self._view.captions.toggle,
            "undo_caption": session.captions.undo,
            "redo_caption": session.captions.redo,
            "toggle_boxes": self._view.boxes.toggle,
            "toggle_heatmap": self._view.heatmap.toggle,
            "toggle_markers": self._view.numbers.toggle,
            "fit": window.canvas.fit,
            "go_to": self.coordinates.ask,
            "notation": self.coordinates.change_notation,
            "theme": self.toggle_theme,
            "shortcuts": lambda: ShortcutsDialog(window).exec(),
            "about": lambda: QMessageBox.about(window, "About SARVLM Desktop", _ABOUT),
        }

    def _box_handlers(self) -> Mapping[str, Callable[[], object]]:
        boxes, detections = self.boxes, self._session.detections
        assert boxes is not None
        steps = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
        near = {f"box_{way}": partial(boxes.move, x, y) for way, (x, y) in steps.items()}
        far = {f"box_far_{way}": partial(boxes.move, 10 * x, 10 * y) for way, (x, y) in steps.items()}
        return {
            "show_boxes": self._view.detections.toggle,
            "detect": boxes.run,
            "detect_region": boxes.draw_region,
            "next_box": partial(boxes.next_box, 1),
            "previous_box": partial(boxes.next_box, -1),
            "tab_box": partial(boxes.next_box, 1),
            "backtab_box": partial(boxes.next_box, -1),
            "draw_box": boxes.draw_box,
            "confirm_box": boxes.confirm,
            "strike_box": boxes.strike_out,
            **near,
            **far,
            "turn_left": partial(boxes.turn, -1),
            "turn_right": partial(boxes.turn, 1),
            "undo_box": detections.undo,
            "redo_box": detections.redo,
            "clear_boxes": detections.clear,
        }

    # ---- scenes ----------------------------------------------------------
    def open_dialog(self) -> None:
        """Asks for scene files and opens them."""
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open scenes", self.settings.last_folder, _SCENE_FILTER)
        self.open_paths([Path(name) for name in names])

    def open_folder(self) -> None:
        """Asks for the folder of a product (such as .SAFE) and opens it."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a product's folder", self.settings.last_folder)
        if name:
            self.open_paths([Path(name)])

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
        """Asks the archive while it stands in the right column.

        Else the scene, the part in view first; the places take the right column.
        """
        if self._view.archive.visible:
            self._session.archive.ask(question.text, question.negatives)
            return
        self._view.show_places()
        self._session.ask(question.text, question.negatives, self._window.canvas.visible_window())

    def typed(self, text: str) -> None:
        """Follows the typing once the scene has been read."""
        if self._session.encoded and text and not self._view.archive.visible:
            self._view.show_places()
            self._session.type_ahead(text, self._window.query.negatives)

    def clear(self) -> None:
        """Forgets the question and its answer: the archive's while that is on view, else the scene's."""
        if self._view.archive.visible:
            self._session.archive.clear()
        else:
            self._session.clear_answer()

    def step(self, step: int) -> None:
        """To the next hit while the archive stands in the right column, else to the next place."""
        if self._view.archive.visible:
            self.step_hits(step)
        elif step > 0:
            self._session.next_candidate()
        else:
            self._session.previous_candidate()

    def escape(self) -> None:
        """Hides the toast, else ends a drawing or a measure, else takes the pin away, else cancels the job."""
        if self._window.toast.isVisible():
            self._window.toast.hide()
        elif self._window.canvas.drawing:
            self._window.canvas.set_drawing(False)
        elif self.leave_measure() or self.coordinates.leave() or (self.boxes is not None and self.boxes.leave()):
            self._window.canvas.setFocus()
        else:
            self.cancel_job()
            self._window.canvas.setFocus()

    def _remember(self, settings: Settings) -> None:
        self.settings = settings

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
        proposed = self.folder() / f"{scene.path.stem}_captions.geojson"
        kinds = "GeoJSON (*.geojson);;CSV table (*.csv)"
        name, kind = QFileDialog.getSaveFileName(self._window, "Export the captions", str(proposed), kinds)
        if name:
            path = Path(name)
            self._session.captions.export(
                path if path.suffix else path.with_suffix(".csv" if "csv" in kind else ".geojson")
            )

    def import_boxes(self) -> None:
        """Asks for a file of another detector's boxes and reads it for the scene on view."""
        if self._session.active is None:
            return
        name, _ = QFileDialog.getOpenFileName(self._window, "Import boxes", str(self.folder()), _BOX_FILTER)
        if name:
            self._view.detections.set_visible(True)
            self._session.detections.import_file(Path(name))

    def export_boxes(self, *, shown_only: bool = True) -> None:
        """Asks where to and writes the boxes of the scene, in the format of the chosen ending."""
        scene = self._session.active
        if scene is None:
            return
        endings = [ending for ending in FORMATS if scene.georef is not None or ending not in NEED_PLACE]
        kinds = ";;".join(_FORMAT_NAMES[ending] for ending in endings)
        proposed = self.folder() / f"{scene.path.stem}_boxes{endings[0]}"
        name, kind = QFileDialog.getSaveFileName(self._window, "Export the boxes", str(proposed), kinds)
        if name:
            path = Path(name)
            chosen = next((ending for ending in endings if _FORMAT_NAMES[ending] == kind), endings[0])
            named = path if path.suffix else path.with_name(path.name + chosen)
            self._session.detections.export(named, shown_only=shown_only)

    def folder(self) -> Path:
        """Where file dialogs start."""
        return Path(self.settings.last_folder) if self.settings.last_folder else Path.home()

    def _export(self, title: str, kinds: str, suffix: str, write: Callable[[Path], object]) -> None:
        answer = self._session.answer
        if answer is None:
            return
        words = "_".join(parse_question(answer.query.text).text.split()[:5])
        stem = "".join(letter for letter in words if letter.isalnum() or letter == "_") or "answer"
        proposed = self.folder() / f"{answer.scene.path.stem}_{stem}{suffix}"
        name, _ = QFileDialog.getSaveFileName(self._window, title, str(proposed), kinds)
        if name:
            path = Path(name)
            write(path if path.suffix else path.with_suffix(suffix))
