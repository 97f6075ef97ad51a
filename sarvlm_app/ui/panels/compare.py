"""Comparing the scene on view with another open one: which, how, and what makes that mislead."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from sarvlm_app.core.link_session import MODES, LinkMode, LinkSession
from sarvlm_app.core.linking.change import spread_db
from sarvlm_app.core.linking.pairing import Basis
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.ui.formats import share_text
from sarvlm_app.ui.panels.section import Section

_WORDS = {
    LinkMode.SIDE: ("Side", "Two canvases whose view and pointer follow each other (Alt+1)"),
    LinkMode.SWIPE: ("Swipe", "One canvas with a divider to drag: this scene left, the other right (Alt+2)"),
    LinkMode.FLICKER: ("Flicker", "One canvas, the two scenes in turn (Alt+3; V shows the other by hand)"),
    LinkMode.CHANGE: ("Change", "Log ratio of the two: red brighter, blue darker (Alt+4)"),
}
_STEPS = 10
_WARNING = "A ratio shows brightness, not its cause: other incidence, orbit direction or calibration read as change."


class ComparePanel(Section):
    """Renders `session.linking`; hidden while there is no second scene.

    Signals
    -------
    export_clicked()
        The change shall be written.
    """

    export_clicked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Compare", parent)
        self._session = session
        self._linking: LinkSession = session.linking
        self._listed: tuple[Scene, ...] = ()
        self.other = QComboBox()
        self.other.setAccessibleName("Scene to compare with")
        self.other.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.other.setMinimumContentsLength(8)
        self.other.activated.connect(lambda row: self._linking.choose(self._listed[row]))
        self.body.addWidget(self.other)
        self._build_modes()
        self._build_looks()
        self._build_change()
        self.status = QLabel(objectName="muted", wordWrap=True)
        self.caveats = QLabel(objectName="muted", wordWrap=True)
        self.caveats.setAccessibleName("What makes the comparison mislead")
        for label in (self.status, self.caveats, self.spread):
            label.setMinimumWidth(1)
        self.body.addWidget(self.status)
        self.body.addWidget(self.caveats)
        self._linking.changed.connect(self.render_state)
        session.scenes_changed.connect(self.render_state)
        session.active_changed.connect(self.render_state)
        self.render_state()

    def _build_modes(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.modes: dict[LinkMode, QPushButton] = {}
        for mode in MODES:
            text, tip = _WORDS[mode]
            button = QPushButton(text, objectName="segment", checkable=True, toolTip=tip)
            button.clicked.connect(lambda _on=False, mode=mode: self._linking.set_mode(mode))
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setStyleSheet("padding: 4px 0;")
            row.addWidget(button, 1)
            self.modes[mode] = button
        self.body.addLayout(row)

    def _build_looks(self) -> None:
        self.same = QPushButton("Same black and white", objectName="segment", checkable=True)
        self.same.setToolTip("Show both scenes between the limits (dB) of the one on view")
        self.same.toggled.connect(lambda on: self._linking.adjust(same_limits=on))
        self.rate = QDoubleSpinBox(decimals=1, minimum=0.2, maximum=10.0, singleStep=0.5, suffix=" / s")
        self.rate.setAccessibleName("Pictures a second")
        self.rate.valueChanged.connect(lambda value: self._linking.adjust(rate_hz=value))
        _narrow(self.rate)
        self._rate_row = _row(QLabel("Rate", objectName="muted"), self.rate)
        self.body.addWidget(self._rate_row)
        self.body.addWidget(self.same, 0, Qt.AlignmentFlag.AlignLeft)

    def _build_change(self) -> None:
        self._change = QWidget()
        grid = QGridLayout(self._change)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.threshold = QSlider(Qt.Orientation.Horizontal)
        self.threshold.setAccessibleName("Threshold of the change in dB")
        self.threshold.setToolTip("Changes smaller than this stay clear")
        self.threshold.valueChanged.connect(lambda value: self._linking.adjust(threshold_db=value / _STEPS))
        self._threshold_text = QLabel(objectName="value")
        self._threshold_text.setMinimumWidth(48)
        self.reach = QDoubleSpinBox(decimals=0, minimum=1.0, maximum=40.0, singleStep=1.0, prefix="± ", suffix=" dB")
        self.reach.setAccessibleName("Range of the change in dB")
        self.reach.valueChanged.connect(lambda value: self._linking.adjust(range_db=value))
        self.cell = QDoubleSpinBox(decimals=0, minimum=1, maximum=64)
        self.cell.setAccessibleName("Edge of the averaged box in pixels")
        self.cell.setToolTip("Both scenes are averaged over boxes of this edge before the ratio is taken")
        self.cell.valueChanged.connect(lambda value: self._linking.adjust(cell_px=round(value)))
        for field in (self.reach, self.cell):
            _narrow(field)
        self._cell_text = QLabel(objectName="muted")
        for line, (text, widget) in enumerate(
            (("Threshold", self.threshold), ("Range", self.reach), ("Box", _row(self.cell, self._cell_text)))
        ):
            grid.addWidget(QLabel(text, objectName="muted"), line, 0)
            grid.addWidget(widget, line, 1, 1, 1 if widget is self.threshold else 2)
        grid.addWidget(self._threshold_text, 0, 2)
        self.spread = QLabel(objectName="muted", wordWrap=True)
        grid.addWidget(self.spread, 3, 0, 1, 3)
        export = QPushButton("Export change…", objectName="segment", toolTip="Write it as a GeoTIFF in dB")
        export.clicked.connect(self.export_clicked)
        grid.addWidget(export, 4, 0, 1, 3, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self._change)

    def render_state(self) -> None:
        """Renders the pair, the way of comparing and the settings."""
        linking = self._linking
        candidates = linking.candidates
        self.setVisible(bool(candidates) and self._session.active is not None)
        if candidates != self._listed:
            self._listed = candidates
            self.other.clear()
            for row, scene in enumerate(candidates):
                self.other.addItem(_named(scene))
                self.other.setItemData(row, _named(scene), Qt.ItemDataRole.ToolTipRole)
        if linking.other in candidates:
            self.other.setCurrentIndex(candidates.index(linking.other))
        self.other.setToolTip(f"{self.other.currentText()}\nAn open scene of the same ground")
        mode = linking.mode
        for one, button in self.modes.items():
            button.setChecked(one is mode)
        self._rate_row.setVisible(mode is LinkMode.FLICKER)
        self.same.setVisible(mode in (LinkMode.SIDE, LinkMode.SWIPE, LinkMode.FLICKER))
        self._change.setVisible(mode is LinkMode.CHANGE)
        self._render_settings()
        self._render_words(mode)

    def _render_settings(self) -> None:
        settings = self._linking.settings
        with QSignalBlocker(self.rate), QSignalBlocker(self.reach), QSignalBlocker(self.cell):
            self.rate.setValue(settings.rate_hz)
            self.reach.setValue(settings.range_db)
            self.cell.setValue(settings.cell_px)
        with QSignalBlocker(self.threshold), QSignalBlocker(self.same):
            self.threshold.setMaximum(round(settings.range_db * _STEPS) - 1)
            self.threshold.setValue(round(settings.threshold_db * _STEPS))
            self.same.setChecked(settings.same_limits)
        self._threshold_text.setText(f"{settings.threshold_db:.1f} dB")
        count = settings.cell_px**2
        self._cell_text.setText(f"× {settings.cell_px} px")
        self.spread.setText(f"Mere speckle of one look a pixel: ±{spread_db(count):.1f} dB (1 σ).")

    def _render_words(self, mode: LinkMode) -> None:
        pairing = self._linking.pairing
        self.status.setVisible(mode is not LinkMode.OFF)
        if pairing is None:
            self.status.setText("Relating the two scenes…")
        elif pairing.basis is Basis.PIXELS:
            self.status.setText("Matched pixel by pixel: neither scene has a georeference.")
        else:
            self.status.setText(f"Matched by geography: it covers {share_text(pairing.share)} of this scene.")
        told = self._linking.caveats if mode is not LinkMode.OFF else ()
        lines = ([_WARNING] if mode is LinkMode.CHANGE else []) + [f"• {sentence}" for sentence in told]
        self.caveats.setVisible(bool(lines))
        self.caveats.setText("\n".join(lines))


def _named(scene: Scene) -> str:
    date = f" · {scene.acquired:%Y-%m-%d}" if scene.acquired else ""
    return f"{scene.name}{date}"


def _narrow(field: QAbstractSpinBox) -> None:
    field.setKeyboardTracking(False)
    field.setFixedWidth(84)
    field.lineEdit().setTextMargins(4, 0, 4, 0)  # a style sheet's padding does not reach the text


def _row(*parts: QWidget) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return box
