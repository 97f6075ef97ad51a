"""The archive in the right column: which one, the work on it, the question, a small map, the hits."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from sarvlm_app.core.session import Session
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.hit_pictures import HitPictures
from sarvlm_app.ui.panels.archive_head import ArchiveHead
from sarvlm_app.ui.panels.archive_hits import HitsCard
from sarvlm_app.ui.panels.archive_map import ArchiveMapCard
from sarvlm_app.ui.panels.archive_question import QuestionCard
from sarvlm_app.ui.panels.archive_work import WorkCard
from sarvlm_app.ui.theme import Theme


class ArchivePanel(QWidget):
    """Renders `session.archive`.

    Signals
    -------
    dropped(list)
        Paths that were dropped on it: to be added.
    """

    dropped = Signal(list)

    def __init__(self, session: Session, theme: Theme, background: Background) -> None:
        super().__init__()
        self._archive = archive = session.archive
        pictures = HitPictures(background)
        pictures.setParent(self)
        self.head = ArchiveHead(archive)
        self.work = WorkCard(archive.work, theme)
        self.fault = QLabel(objectName="warning", wordWrap=True, visible=False)
        self.fault.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.question = QuestionCard(archive)
        self.map = ArchiveMapCard(archive, theme)
        self.hits = HitsCard(archive, theme, pictures)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(12, 11, 12, 4)
        layout.setSpacing(9)
        for part in (self.head, self.work, self.question, self.fault, self.map):
            layout.addWidget(part)
        layout.addWidget(self.hits, 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(self.hits.foot)
        self.setAcceptDrops(True)
        archive.changed.connect(self.show_archive)
        archive.work.changed.connect(self.show_archive)
        archive.fault_changed.connect(self.show_fault)
        self.show_archive()
        self.show_fault()

    def show_archive(self) -> None:
        """Renders what can be asked: nothing while there is nothing in it."""
        archive = self._archive
        self.question.setVisible(archive.folder is not None and not archive.empty)
        if archive.empty:
            self.hits.show_answer()

    def show_fault(self) -> None:
        """Renders why something could not be done; nothing where there is no fault."""
        fault = self._archive.fault
        self.fault.setText("" if fault is None else str(fault))
        self.fault.setVisible(fault is not None)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls() and self._archive.folder is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)
