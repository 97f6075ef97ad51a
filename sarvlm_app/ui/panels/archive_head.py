"""Which archive is open and what it holds; menus to open, create, fill and look after it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from sarvlm_app.core.archive_session import ArchiveSession
from sarvlm_app.ui.archive_words import facts_text, model_text, tip_text


class ArchiveHead(QWidget):
    """The upper part of the archive panel.

    Signals
    -------
    open_clicked(), create_clicked()
    chosen(object)
        `Path` of a remembered archive.
    add_folders_clicked(bool)
        Whether deeper folders go in too.
    add_files_clicked(), add_stac_clicked()
    verify_clicked(bool)
        Whether unchanged files are trusted.
    compact_clicked()
    """

    open_clicked = Signal()
    create_clicked = Signal()
    chosen = Signal(object)
    add_folders_clicked = Signal(bool)
    add_files_clicked = Signal()
    add_stac_clicked = Signal()
    verify_clicked = Signal(bool)
    compact_clicked = Signal()

    def __init__(self, archive: ArchiveSession) -> None:
        super().__init__()
        self._archive = archive
        self.name = QPushButton(objectName="archiveName")
        self.name.setMenu(QMenu(self.name))
        self.name.menu().aboutToShow.connect(self._fill_names)
        self.add = QPushButton("Add  ▾", objectName="runButton", toolTip="Add folders, files or a STAC catalogue")
        self.add.setMenu(self._make_add_menu())
        self.care = QPushButton("⋯", objectName="segment", toolTip="Verify, compact")
        self.care.setAccessibleName("Look after the archive")
        self.care.setMenu(self._make_care_menu())
        self.facts = QLabel(objectName="muted")
        self.model = QLabel(objectName="muted")
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.name, 1)
        row.addWidget(self.add)
        row.addWidget(self.care)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.facts)
        layout.addWidget(self.model)
        archive.changed.connect(self.show_archive)
        self.show_archive()

    def _make_add_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Folder and all below…", lambda: self.add_folders_clicked.emit(True))
        menu.addAction("Folder alone…", lambda: self.add_folders_clicked.emit(False))
        menu.addAction("Files…", self.add_files_clicked.emit)
        menu.addSeparator()
        menu.addAction("STAC catalogue…", self.add_stac_clicked.emit)
        return menu

    def _make_care_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addAction("Verify: read every file", lambda: self.verify_clicked.emit(False))
        menu.addAction("Verify quickly: trust unchanged files", lambda: self.verify_clicked.emit(True))
        menu.addSeparator()
        compact = menu.addAction("Compact: give space back", self.compact_clicked.emit)
        compact.setToolTip("Forgets what is gone, merges the index, and builds a damaged one again")
        return menu

    def _fill_names(self) -> None:
        menu = self.name.menu()
        menu.clear()
        for folder in self._archive.recent:
            action = menu.addAction(_menu_text(folder), partial(self.chosen.emit, folder))
            action.setCheckable(True)
            action.setChecked(folder == self._archive.folder)
        if self._archive.recent:
            menu.addSeparator()
        menu.addAction("Open an archive…", self.open_clicked.emit)
        menu.addAction("Create an archive…", self.create_clicked.emit)

    def show_archive(self) -> None:
        """Renders the folder and its facts."""
        folder, facts = self._archive.folder, self._archive.facts
        self.name.setText("  No archive  ▾" if folder is None else f"  {_short(folder.name or str(folder))}  ▾")
        tip = tip_text(folder, facts)
        self.name.setToolTip(tip or "Open or create an archive")
        for label, text in ((self.facts, facts_text(facts)), (self.model, model_text(facts))):
            label.setText(text)
            label.setToolTip(tip)
            label.setVisible(folder is not None and bool(text))
        self.add.setEnabled(folder is not None)
        self.care.setEnabled(folder is not None)


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _menu_text(folder: Path) -> str:
    """Name and parent folder, an ampersand kept as it is."""
    return f"{_short(folder.name or str(folder), 40)}   ({_short(str(folder.parent), 60)})".replace("&", "&&")
