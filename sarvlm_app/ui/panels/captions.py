"""What the scene shows, in words: of a view, a place, a region or all of it; to be changed, copied and exported."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from sarvlm_app.core.caption_list import SceneCaption, Where, ground_of
from sarvlm_app.core.jobs import JobState, JobStatus
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.ui.caption_words import WHERE_NAMES, found_text, place_text, size_texts, tip_text
from sarvlm_app.ui.panels.caption_cards import CaptionCard, CaptionListView, CaptionModel
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button

_NO_SCENE = "Open a SAR scene with Ctrl+O, drop a file on the window, or open the demo scene."
_NONE_YET = (
    "Nothing is described yet. Ctrl+D describes what is in view, D the selected place, R a region that you draw, "
    "Ctrl+Shift+D the whole scene. Words can be changed afterwards and are kept with the scene."
)
_BUTTONS = (
    (Where.VIEW, "View", "Describe what is in view (Ctrl+D)"),
    (Where.PLACE, "Place", "Describe the selected place of the answer (D)"),
    (Where.REGION, "Region", "Draw a region with the mouse and describe it (R)"),
    (Where.SCENE, "Scene", "Describe the whole scene (Ctrl+Shift+D)"),
)


class CaptionsPanel(QWidget):
    """Renders `session.captions`.

    Signals
    -------
    wanted(object)
        `Where` that the user wants described.
    chosen()
        Another caption was picked in the list: fly there.
    export_clicked()
    cancel_clicked(int)
        The id of the job to stop.
    told(str)
        A sentence for the user: what was copied.
    """

    wanted = Signal(object)
    chosen = Signal()
    export_clicked = Signal()
    cancel_clicked = Signal(int)
    told = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._captions = session.captions
        self._theme = theme
        self._scene: Scene | None = None
        self._job: JobStatus | None = None
        self._rendering = False
        self.headline = QLabel(objectName="headline")
        self.sentence = QLabel(objectName="muted", wordWrap=True)
        self.fault = QLabel(objectName="warning", wordWrap=True, visible=False)
        self.fault.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.model = CaptionModel(self)
        self.list = CaptionListView(theme, self.model)
        self.list.setAccessibleName("Captions")
        self.list.setMinimumHeight(120)
        self._filler = QWidget()
        self._filler.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(7)
        layout.addWidget(self.headline)
        layout.addLayout(self._make_buttons())
        layout.addWidget(self._make_progress())
        layout.addWidget(self.fault)
        layout.addWidget(self.sentence)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._filler, 1)
        layout.addWidget(self._make_foot())
        self._wire()
        self._theme_icons()
        self.show_captions()
        self.show_fault()

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(QLabel("Describe", objectName="muted"))
        self.buttons: dict[Where, QPushButton] = {}
        for where, name, tip in _BUTTONS:
            button = QPushButton(name, objectName="segment", toolTip=tip, checkable=where is Where.REGION)
            button.clicked.connect(lambda _checked=False, where=where: self.wanted.emit(where))
            row.addWidget(button, 1)
            self.buttons[where] = button
        return row

    def _make_progress(self) -> QWidget:
        self.progress = QLabel(objectName="muted")
        self._cancel = flat_text_button("Cancel", "Stop describing (Esc)")
        self._cancel.clicked.connect(lambda: self.cancel_clicked.emit(self._job.id) if self._job else None)
        self._progress_row = QWidget(visible=False)
        row = QHBoxLayout(self._progress_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.progress, 1)
        row.addWidget(self._cancel)
        return self._progress_row

    def _make_foot(self) -> QWidget:
        self.copy = QPushButton(" Copy", toolTip="Copy the words of the selected caption (Ctrl+C)")
        self.command = QPushButton("Copy command", toolTip="Copy the shell command that describes the same window")
        self.delete = QPushButton("Delete", toolTip="Delete the selected caption (Del); Ctrl+Z brings it back")
        self.undo = QPushButton("Undo", toolTip="Take the last edit or deletion back (Ctrl+Z)")
        self.export = QPushButton(
            " Export…", toolTip="Write all captions of the scene as GeoJSON or CSV (Ctrl+Shift+E)"
        )
        self._foot = QWidget()
        column = QVBoxLayout(self._foot)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for left, right in (((self.copy, self.command), self.delete), ((self.undo,), self.export)):
            row = QHBoxLayout()
            row.setSpacing(6)
            for button in left:
                row.addWidget(button)
            row.addStretch(1)
            row.addWidget(right)
            column.addLayout(row)
        return self._foot

    def _wire(self) -> None:
        captions, view = self._captions, self.list
        self.model.edited.connect(captions.edit)
        view.selectionModel().currentChanged.connect(self._on_current)
        view.clicked.connect(lambda _index: self.chosen.emit())
        view.editing_ended.connect(self.show_selection)
        view.copy_wanted.connect(self.copy_words)
        view.delete_wanted.connect(self._delete)
        view.customContextMenuRequested.connect(self._show_menu)
        self.copy.clicked.connect(self.copy_words)
        self.command.clicked.connect(self.copy_command)
        self.delete.clicked.connect(self._delete)
        self.undo.clicked.connect(captions.undo)
        self.export.clicked.connect(self.export_clicked)
        captions.changed.connect(self.show_captions)
        captions.selection_changed.connect(self.show_selection)
        captions.fault_changed.connect(self.show_fault)
        self._session.selection_changed.connect(self._enable)
        self._theme.changed.connect(self._theme_icons)

    # ---- session -> view -------------------------------------------------
    def show_captions(self) -> None:
        """Renders the captions of the scene on view, the newest first."""
        scene, captions = self._captions.scene, self._captions.captions
        if scene != self._scene:
            self.list.finish_editing()  # its words belong to the scene that was on view
            self._scene = scene
        self._rendering = True
        cards = [] if scene is None else [_card(scene, caption) for caption in reversed(captions)]
        self.model.set_cards(cards)
        self._rendering = False
        self.list.setVisible(bool(cards))
        self._filler.setVisible(not cards)
        count = len(cards)
        self.headline.setText("Captions" if not count else "1 caption" if count == 1 else f"{count} captions")
        if scene is None:
            self.headline.setText("No scene open")
        self.show_selection()
        self._show_sentence()
        self._enable()

    def show_selection(self) -> None:
        """Marks the selected caption in the list."""
        self._enable()
        if self.list.editor() is not None:
            return  # a move would end the editing; its end comes here again
        selected, model = self._captions.selected, self.list.selectionModel()
        row = None if selected is None else self.model.row_of(selected.id)
        self._rendering = True
        if row is None:
            model.clear()
        else:
            index = self.model.index(row)
            model.setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.list.scrollTo(index)
        self._rendering = False

    def show_fault(self) -> None:
        """Renders why no description came; nothing where there is no fault."""
        fault = self._captions.fault
        self.fault.setText("" if fault is None else str(fault))
        self.fault.setVisible(fault is not None)
        self._show_sentence()

    def show_job(self, job: JobStatus) -> None:
        """Renders a change of a describing job; an older one does not hide a newer."""
        if self._job is not None and job.id < self._job.id:
            return
        self._job = job
        self._progress_row.setVisible(job.active)
        far = f" · {job.done / job.total:.0%}" if job.total else "…"
        self.progress.setText(job.title + (" · waiting" if job.state is JobState.QUEUED else far))
        self.progress.setToolTip(job.message)
        self._show_sentence()

    def show_drawing(self, on: bool) -> None:
        """Marks the button of the region while one is being drawn."""
        self.buttons[Where.REGION].setChecked(on)

    def _show_sentence(self) -> None:
        working = self._job is not None and self._job.active
        self.sentence.setText(_NO_SCENE if self._captions.scene is None else _NONE_YET)
        self.sentence.setVisible(not self.model.cards and not working and self._captions.fault is None)

    def _enable(self) -> None:
        captions = self._captions
        for where, button in self.buttons.items():
            place_missing = where is Where.PLACE and self._session.selected is None
            button.setEnabled(captions.scene is not None and not place_missing)
        chosen = captions.selected is not None
        for button in (self.copy, self.command, self.delete):
            button.setEnabled(chosen)
        name = captions.undo_name
        self.undo.setText(f"Undo {name}" if name else "Undo")
        self.undo.setEnabled(bool(name))
        self.export.setEnabled(bool(self.model.cards))
        self._foot.setVisible(bool(self.model.cards) or bool(name))

    def _theme_icons(self) -> None:
        self.copy.setIcon(self._theme.icon("copy"))
        self.export.setIcon(self._theme.icon("export"))

    # ---- user -> verbs ---------------------------------------------------
    def _on_current(self) -> None:
        if self._rendering:
            return
        index = self.list.currentIndex()
        self._captions.select(self.model.cards[index.row()].key if index.isValid() else None)
        if index.isValid():
            self.chosen.emit()

    def copy_words(self) -> None:
        """Puts the words of the selected caption on the clipboard."""
        self._copy_text(self._captions.selected.text if self._captions.selected else "", "the caption")

    def copy_command(self) -> None:
        """Puts the shell command that describes the same window on the clipboard."""
        selected = self._captions.selected
        command = "" if selected is None else self._captions.command(selected.id)
        self._copy_text(command, command)

    def _copy_text(self, text: str, name: str) -> None:
        if text:
            QGuiApplication.clipboard().setText(text)
            self.told.emit(f"Copied: {name}")

    def _delete(self) -> None:
        if self._captions.selected is not None:
            self._captions.remove(self._captions.selected.id)

    def _show_menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if not index.isValid():
            return
        self.list.setCurrentIndex(index)
        self.make_menu().popup(self.list.viewport().mapToGlobal(place))

    def make_menu(self) -> QMenu:
        """The menu of the selected caption."""
        menu, selected = QMenu(self), self._captions.selected
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy", self.copy_words)
        menu.addAction("Copy as command", self.copy_command)
        menu.addSeparator()
        menu.addAction("Change the words", lambda: self.list.edit(self.list.currentIndex()))
        back = menu.addAction("Back to the model's words", self._restore)
        back.setEnabled(selected is not None and selected.edited)
        menu.addSeparator()
        menu.addAction("Delete", self._delete)
        return menu

    def _restore(self) -> None:
        if self._captions.selected is not None:
            self._captions.restore(self._captions.selected.id)


def _card(scene: Scene, caption: SceneCaption) -> CaptionCard:
    return CaptionCard(
        key=caption.id,
        title=WHERE_NAMES[caption.where],
        sizes=size_texts(caption.window, ground_of(scene, caption.window)),
        edited=caption.edited,
        text=caption.text,
        found=found_text(caption),
        place=place_text(scene, caption),
        tip=tip_text(scene, caption),
    )
