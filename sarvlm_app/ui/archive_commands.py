"""What the commands for the archive do: dialogs, and verbs of its session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from sarvlm_app.core.archive_question import ExampleKind
from sarvlm_app.core.archive_work import Outcome, WorkKind
from sarvlm_app.core.session import Session
from sarvlm_app.ui.archive_presenter import ArchivePresenter
from sarvlm_app.ui.dialogs.faults import FaultsDialog
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.view_state import ViewState

_IMAGES = (
    "Images (*.tif *.tiff *.TIF *.TIFF *.png *.PNG *.jpg *.jpeg *.JPG *.ntf *.nitf *.NTF *.jp2 *.j2k *.bmp);;"
    "All files (*)"
)

_FORMATS = {
    "GeoJSON (*.geojson)": ".geojson",
    "GeoPackage (*.gpkg)": ".gpkg",
    "CSV table (*.csv)": ".csv",
    "Contact sheet, picture (*.png)": ".png",
    "Contact sheet, pages to print (*.pdf)": ".pdf",
}


class ArchiveCommands(QObject):
    """The handlers behind the Archive menu, the panel's buttons and what is dropped on it."""

    def __init__(self, session: Session, window: MainWindow, view: ViewState, presenter: ArchivePresenter) -> None:
        super().__init__(window)
        self._archive = session.archive
        self._session, self._window, self._view, self._presenter = session, window, view, presenter
        self.folder: Callable[[], Path] = Path.home
        presenter.file_wanted.connect(self.like_file)
        panel = window.archive
        panel.head.open_clicked.connect(self.open)
        panel.head.create_clicked.connect(self.create)
        panel.head.chosen.connect(self._archive.open)
        panel.head.add_folders_clicked.connect(lambda deep: self.add_folder(recursive=deep))
        panel.head.add_files_clicked.connect(self.add_files)
        panel.head.add_stac_clicked.connect(self.add_stac)
        panel.head.verify_clicked.connect(lambda fast: self._archive.verify(fast=fast))
        panel.head.compact_clicked.connect(self.compact)
        panel.hits.open_clicked.connect(self.open)
        panel.hits.create_clicked.connect(self.create)
        panel.hits.add_clicked.connect(self.add_folder)
        panel.hits.export_clicked.connect(self.export)
        panel.hits.told.connect(window.toast.show_message)
        panel.work.faults_clicked.connect(self.show_faults)
        self._archive.work.ended.connect(self._tell_end)
        panel.dropped.connect(lambda paths: self._archive.add(tuple(paths)))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of each of the archive's commands, by its name in the action table."""
        by = self._presenter.search_by
        return {
            "show_archive": self._view.archive.toggle,
            "focus_archive": self.focus,
            "like_view": partial(by, ExampleKind.VIEW),
            "like_region": partial(by, ExampleKind.REGION),
            "like_place": partial(by, ExampleKind.PLACE),
            "like_file": partial(by, ExampleKind.FILE),
            "more_like": partial(by, ExampleKind.HIT),
            "open_archive": self.open,
            "create_archive": self.create,
            "add_folder": self.add_folder,
            "add_files": self.add_files,
            "pause_archive": self._archive.work.toggle_pause,
            "stop_archive": self._archive.work.stop,
            "verify_archive": self._archive.verify,
            "compact_archive": self.compact,
            "export_hits": self.export,
        }

    def focus(self) -> None:
        """Shows the archive and puts the cursor into the question."""
        self._view.archive.set_visible(True)
        self._window.query.focus()

    # ---- which archive ---------------------------------------------------
    def open(self) -> None:
        """Asks for the folder of an archive and opens it."""
        folder = self._ask_folder("Open an archive: choose its folder")
        if folder is not None:
            self._archive.open(folder)

    def create(self) -> None:
        """Asks for a new or empty folder and makes an archive there."""
        folder = self._ask_folder("Create an archive: choose or make an empty folder for it")
        if folder is not None:
            self._archive.create(folder)

    def _ask_folder(self, title: str) -> Path | None:
        self._view.archive.set_visible(True)
        start = self._archive.folder.parent if self._archive.folder is not None else self.folder()
        name = QFileDialog.getExistingDirectory(self._window, title, str(start))
        return Path(name) if name else None

    # ---- filling ---------------------------------------------------------
    def add_folder(self, *, recursive: bool = True) -> None:
        """Asks for a folder and adds what is in it."""
        if not self._ready():
            return
        deep = "it and all folders below are added" if recursive else "its own files are added"
        name = QFileDialog.getExistingDirectory(self._window, f"Add a folder: {deep}", str(self.folder()))
        if name:
            self._archive.add((Path(name),), recursive=recursive)

    def add_files(self) -> None:
        """Asks for files and adds them."""
        if self._ready():
            names, _ = QFileDialog.getOpenFileNames(self._window, "Add files", str(self.folder()), _IMAGES)
            self._archive.add(tuple(Path(name) for name in names))

    def add_stac(self) -> None:
        """Asks for a local STAC catalogue and adds its items."""
        if self._ready():
            kinds = "STAC catalogue, collection or item (*.json *.geojson)"
            name, _ = QFileDialog.getOpenFileName(self._window, "Add a STAC catalogue", str(self.folder()), kinds)
            if name:
                self._archive.add((), stac=Path(name))

    def _ready(self) -> bool:
        """Whether an archive is open; else says what to do."""
        self._view.archive.set_visible(True)
        if self._archive.folder is None:
            self._archive.add((self.folder(),))
        return self._archive.folder is not None

    # ---- care ------------------------------------------------------------
    def compact(self) -> None:
        """Compacts, once the user knows what is forgotten."""
        facts = self._archive.facts
        gone = 0 if facts is None else facts.info.gone
        if gone:
            text = (
                f"{gone:,} files are gone. Their vectors are forgotten: if the files come back, they have to be added "
                "again."
            )
            box = QMessageBox(QMessageBox.Icon.Question, "Compact the archive?", text, parent=self._window)
            yes = box.addButton("Compact", QMessageBox.ButtonRole.AcceptRole)
            box.addButton(QMessageBox.StandardButton.Cancel)
            box.exec()
            if box.clickedButton() is not yes:
                return
        self._archive.compact()

    def _tell_end(self, outcome: Outcome) -> None:
        """How a work ended: the panel tells it where it is on view, else a toast."""
        if self._view.archive.visible or outcome.stopped:
            return
        if outcome.failed:
            self._window.toast.show_fault(outcome.sentence)
        else:
            self._window.toast.show_message(outcome.sentence)

    def show_faults(self) -> None:
        """Lists the files that failed, or what is wrong."""
        work = self._archive.work
        outcome = work.outcome
        faults = outcome.faults if outcome is not None else work.progress.faults if work.progress is not None else ()
        wrong = outcome is not None and outcome.kind is WorkKind.VERIFY
        title = "What is wrong in the archive" if wrong else "Files that could not be added"
        dialog = FaultsDialog(title, faults, self._window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # ---- hits ------------------------------------------------------------
    def like_file(self) -> None:
        """Asks for a picture and searches by it."""
        name, _ = QFileDialog.getOpenFileName(self._window, "Search by a picture", str(self.folder()), _IMAGES)
        if name:
            self._presenter.search_by_file(Path(name))

    def export(self) -> None:
        """Asks where to and writes the hits, in the format of the chosen ending."""
        if self._archive.answer is None or not self._archive.answer.hits:
            return
        words = "_".join(self._archive.answer.query.text.split()[:5])
        stem = "".join(letter for letter in words if letter.isalnum() or letter == "_") or "hits"
        proposed = str(self.folder() / f"archive_{stem}.geojson")
        name, kind = QFileDialog.getSaveFileName(self._window, "Export the hits", proposed, ";;".join(_FORMATS))
        if name:
            path = Path(name)
            self._archive.export(path if path.suffix else path.with_suffix(_FORMATS.get(kind, ".geojson")))
