"""The window: arranges bars, columns and canvas; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenuBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QStatusBar,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.session import Session
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.class_colours import ClassColours
from sarvlm_app.ui.notifications import Toast
from sarvlm_app.ui.panels.archive import ArchivePanel
from sarvlm_app.ui.panels.captions import CaptionsPanel
from sarvlm_app.ui.panels.compare import ComparePanel
from sarvlm_app.ui.panels.context import ContextPanel
from sarvlm_app.ui.panels.detections import DetectionsPanel
from sarvlm_app.ui.panels.display import DisplayPanel
from sarvlm_app.ui.panels.facts import FactsPanel
from sarvlm_app.ui.panels.jobs import JobsBar
from sarvlm_app.ui.panels.layers import LayersPanel
from sarvlm_app.ui.panels.measure import MeasurePanel
from sarvlm_app.ui.panels.query import QueryBar
from sarvlm_app.ui.panels.results import ResultsPanel
from sarvlm_app.ui.panels.scenes import ScenesPanel
from sarvlm_app.ui.panels.selected import SelectedPanel
from sarvlm_app.ui.panels.status import PointerLine
from sarvlm_app.ui.pictures import Pictures
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.widgets import named_frame, named_widget

_LEFT_PX, _RIGHT_PX = 256, 330
_MENU_PX, _GAP_PX, _EDGE_PX = 24, 4, 16
"""Room about the name of a menu, beside a label in the corners, and at both ends."""


class MainWindow(QMainWindow):
    """Holds the widgets.

    `may_close` is asked before the window goes; `closing` is called once, when it does.
    """

    def __init__(self, session: Session, theme: Theme, view: ViewState, background: Background) -> None:
        super().__init__()
        self.setWindowTitle("SARVLM Desktop")
        self.setMinimumSize(900, 600)
        self.may_close: Callable[[], bool] = lambda: True
        self.closing: Callable[[], None] = lambda: None
        self._view = view
        self._closed = False
        pictures = Pictures(background)
        pictures.setParent(self)
        self.canvas = SceneCanvas(self)
        self.stage = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        self.stage.addWidget(self.canvas)
        self.query = QueryBar(theme)
        self.scenes = ScenesPanel(session, theme, background)
        self.layers = LayersPanel(view, theme)
        self.compare = ComparePanel(session)
        self.context = ContextPanel(session, theme)
        self.display = DisplayPanel(session, theme)
        self.facts = FactsPanel()
        self.results = ResultsPanel(session, theme, pictures)
        self.selected = SelectedPanel(session, theme, pictures)
        self.captions = CaptionsPanel(session, theme)
        self.colours = ClassColours()
        self.detections = DetectionsPanel(session, theme, background, self.colours)
        self.archive = ArchivePanel(session, theme, background)
        self.measures = MeasurePanel(session, theme)
        self.pointer = PointerLine()
        self.jobs = JobsBar(theme)
        self.model_label = QLabel(objectName="modelName")
        self.device_label = QLabel(objectName="badge", visible=False)
        self.setCentralWidget(self.stage)
        self._build_top()
        self._build_columns()
        self._build_status()
        self.toast = Toast(self)

    def _build_top(self) -> None:
        menu = QMenuBar(self)
        self._app_name = QLabel("SARVLM Desktop", menu, objectName="appName")
        menu.setCornerWidget(self._app_name, Qt.Corner.TopLeftCorner)
        right = QWidget(menu)
        row = QHBoxLayout(right)
        row.setContentsMargins(0, 2, 10, 2)
        row.addWidget(self.model_label)
        row.addWidget(self.device_label)
        self._corner = right
        menu.setCornerWidget(right, Qt.Corner.TopRightCorner)
        self.setMenuBar(menu)
        top = named_widget("topBar")
        bar = QHBoxLayout(top)
        bar.setContentsMargins(10, 8, 10, 8)
        bar.setSpacing(10)
        bar.addWidget(self._make_modes(), 0, Qt.AlignmentFlag.AlignTop)
        bar.addWidget(self.query, 1)
        toolbar = QToolBar("Question", objectName="questionBar", movable=False, floatable=False)
        toolbar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        toolbar.setStyleSheet("QToolBar { border: none; padding: 0; spacing: 0; }")
        toolbar.addWidget(top)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, toolbar)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)

    def _make_modes(self) -> QWidget:
        """What the right column holds: places, boxes, captions, the archive or measures."""
        self.find_mode = QPushButton("Find", objectName="modeButton", checkable=True)
        self.find_mode.setToolTip("Find places in a scene by words (Ctrl+K)")
        self.find_mode.clicked.connect(self._view.show_places)
        self.find_mode.clicked.connect(self.query.focus)
        self.detect_mode = QPushButton("Detect", objectName="modeButton", checkable=True)
        self.detect_mode.setToolTip("Find objects as boxes, with size and heading (O)")
        self.detect_mode.clicked.connect(lambda: self._view.detections.set_visible(True))
        self.caption_mode = QPushButton("Caption", objectName="modeButton", checkable=True)
        self.caption_mode.setToolTip("Describe what the scene shows, in words (C)")
        self.caption_mode.clicked.connect(lambda: self._view.captions.set_visible(True))
        self.archive_mode = QPushButton("Archive", objectName="modeButton", checkable=True)
        self.archive_mode.setToolTip("Search all that you hold, by words or by example (S, Ctrl+Shift+K)")
        self.archive_mode.clicked.connect(lambda: self._view.archive.set_visible(True))
        self.measure_mode = QPushButton("Measure", objectName="modeButton", checkable=True)
        self.measure_mode.setToolTip("Distances, profiles, areas with statistics, point targets (U)")
        self.measure_mode.clicked.connect(lambda: self._view.measures.set_visible(True))
        frame = named_frame("modes")
        frame.setFixedHeight(36)
        row = QHBoxLayout(frame)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        modes = (self.find_mode, self.detect_mode, self.caption_mode, self.archive_mode, self.measure_mode)
        for button in modes:
            button.clicked.connect(self._show_mode)
            row.addWidget(button)
        for shown in (self._view.captions, self._view.detections, self._view.archive, self._view.measures):
            shown.changed.connect(self._show_mode)
        return frame

    def _show_mode(self) -> None:
        view = self._view
        shown = [one.visible for one in (view.captions, view.detections, view.archive, view.measures)]
        modes = (self.caption_mode, self.detect_mode, self.archive_mode, self.measure_mode)
        for button, on in zip(modes, shown, strict=True):
            button.setChecked(on)
        self.find_mode.setChecked(not any(shown))
        self._right.setCurrentIndex(1 + shown.index(True) if any(shown) else 0)

    def show_model(self, model: str, device: str) -> None:
        """Names the model and the device in the upper right corner."""
        self.model_label.setText(model)
        self.device_label.setText(device)
        self._fit_corners()

    def _fit_corners(self) -> None:
        """Shows as much beside the menus as leaves room for all of them: a menu that is cut off cannot be reached."""
        menu = self.menuBar()
        room = (
            self.width()
            - _EDGE_PX
            - sum(menu.fontMetrics().horizontalAdvance(action.text()) + _MENU_PX for action in menu.actions())
        )
        for label in (self.device_label, self.model_label, self._app_name):  # the last one goes first
            if label.text():
                room -= label.sizeHint().width() + _GAP_PX
                label.setVisible(room >= 0)
            else:
                label.hide()
        # a menu bar measures its corner once: hang it there anew
        self._corner.adjustSize()
        menu.setCornerWidget(self._corner, Qt.Corner.TopRightCorner)
        self._corner.show()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit_corners()

    def _build_columns(self) -> None:
        self.sections = (self.scenes, self.compare, self.layers, self.context, self.display, self.facts)
        left = _column(*self.sections)
        for section in self.sections:
            section.let_fold()
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(left)
        scroll.setMinimumWidth(220)
        self._right = QStackedWidget()
        for parts in ((self.results, self.selected), (self.captions,)):
            page = QWidget()
            column = QVBoxLayout(page)
            column.setContentsMargins(12, 11, 12, 11)
            column.setSpacing(10)
            for part in parts:
                column.addWidget(part, 0 if part is self.selected else 1)
            self._right.addWidget(page)
        self._right.addWidget(self.detections)
        self._right.addWidget(self.archive)
        self._right.addWidget(self.measures)
        self._right.setMinimumWidth(300)
        self._show_mode()
        docks = (
            self._dock("Scene", scroll, Qt.DockWidgetArea.LeftDockWidgetArea),
            self._dock("Results", self._right, Qt.DockWidgetArea.RightDockWidgetArea),
        )
        self.resizeDocks(list(docks), [_LEFT_PX, _RIGHT_PX], Qt.Orientation.Horizontal)

    def folded(self) -> tuple[str, ...]:
        """Titles of the parts of the left column that are folded away."""
        return tuple(section.title for section in self.sections if section.folded)

    def fold(self, titles: Collection[str]) -> None:
        """Fold these parts of the left column away, and no other."""
        for section in self.sections:
            section.fold(section.title in titles)

    def _dock(self, name: str, content: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(name, self)
        dock.setObjectName(f"dock{name}")
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget())
        dock.setWidget(content)
        self.addDockWidget(area, dock)
        return dock

    def _build_status(self) -> None:
        status = QStatusBar(sizeGripEnabled=False)
        status.addWidget(self.pointer, 1)
        status.addPermanentWidget(self.jobs)
        status.setFixedHeight(28)
        self.setStatusBar(status)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if not self._closed:
            if not self.may_close():
                event.ignore()
                return
            self._closed = True
            self.closing()
            self.canvas.shut_down()
        super().closeEvent(event)


def _column(*parts: QWidget) -> QWidget:
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(12, 11, 12, 11)
    layout.setSpacing(18)
    for part in parts:
        layout.addWidget(part)
    layout.addStretch(1)
    return content
