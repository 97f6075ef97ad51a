"""The key facts of the active scene, its parts and bands, and the way to all its metadata."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from sarvlm_app.core.key_facts import key_facts, missing_text
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.widgets import flat_text_button

_LONG_WORD = 20


class FactsPanel(Section):
    """A card of facts, and the choice of band and part where there are several.

    Signals
    -------
    band_chosen(int)
        Index (from 1) of the band to show and ask.
    part_chosen(str)
        Name of another part of the product, to be opened as a scene of its own.
    metadata_clicked()
        All metadata are wanted.
    """

    band_chosen = Signal(int)
    part_chosen = Signal(str)
    metadata_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Facts", parent)
        self.process = flat_text_button("Process", "Calibrate or filter the scene: the result opens as another scene")
        self.process.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.metadata = flat_text_button("Metadata", "Everything that the product's files say (Ctrl+M)")
        self.metadata.clicked.connect(self.metadata_clicked)
        self.head.addWidget(self.process)
        self.head.addWidget(self.metadata)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.bands, self._band_row = _choice("Band", "The band that is shown and asked")
        self.bands.activated.connect(lambda row: self.band_chosen.emit(self.bands.itemData(row)))
        self.parts, self._part_row = _choice("Part", "The product's other images open as scenes of their own")
        self.parts.activated.connect(lambda row: self._on_part(self.parts.itemText(row)))
        self.missing = QLabel(objectName="warning", wordWrap=True)
        self.missing.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for widget in (self._part_row, self._band_row, self._table, self.missing):
            self.body.addWidget(widget)
        self._part: str | None = None
        self.show_scene(None)

    def set_actions(self, actions: Sequence[QAction]) -> None:
        """Hangs what can be done to the scene under the button "Process"."""
        menu = QMenu(self.process)
        menu.setToolTipsVisible(True)
        menu.addActions(list(actions))
        self.process.setMenu(menu)

    def show_scene(self, scene: Scene | None, band: int = 1) -> None:
        """Renders the facts of `scene` and the band on view; hides the panel without a scene."""
        self.bands.clear()
        bands = scene.bands if scene is not None else ()
        for choice in bands:
            self.bands.addItem(f"{choice.name}  ({choice.index} of {len(bands)})", choice.index)
        self.show_band(band)
        self._band_row.setVisible(self.bands.count() > 1)
        self._show_parts(scene)
        while (item := self._grid.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        self.setVisible(scene is not None)
        for row, (name, value) in enumerate(key_facts(scene) if scene is not None else ()):
            said = QLabel(_breakable(value), objectName="value", wordWrap=True)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(QLabel(name, objectName="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, row, 1)
        missing = "" if scene is None else missing_text(scene)
        self.missing.setText(_breakable(missing))
        self.missing.setToolTip("" if scene is None else "\n".join(scene.missing[:40]))
        self.missing.setVisible(bool(missing))

    def show_band(self, band: int) -> None:
        """Renders the band on view."""
        self.bands.setCurrentIndex(self.bands.findData(band))

    def _show_parts(self, scene: Scene | None) -> None:
        self.parts.clear()
        parts = scene.parts if scene is not None else ()
        self._part = scene.part if scene is not None else None
        self.parts.addItems(list(parts))
        self.parts.setCurrentIndex(parts.index(self._part) if self._part in parts else -1)
        self._part_row.setVisible(len(parts) > 1)

    def _on_part(self, part: str) -> None:
        """Asks for the part; the choice goes back to what is on view, until the other one is."""
        if part != self._part:
            self.parts.setCurrentIndex(self.parts.findText(self._part or ""))
            self.part_chosen.emit(part)


def _breakable(text: str) -> str:
    """The text with places where a line may end within long words: names of files have no blanks."""
    return re.sub(rf"\S{{{_LONG_WORD},}}", lambda word: re.sub(r"(?<=[-_/.])", "\u200b", word[0]), text)


def _choice(name: str, tip: str) -> tuple[QComboBox, QWidget]:
    combo = QComboBox()
    combo.setToolTip(tip)
    combo.setAccessibleName(name)
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(QLabel(name, objectName="muted"))
    row.addWidget(combo, 1)
    return combo, box
