"""Files laid over the scene on view: coastlines, places, tiles, ships; a row each."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from sarvlm_app.core.context_session import ContextSession
from sarvlm_app.core.session import Session
from sarvlm_app.ui.panels.context_rows import ContextRow
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_text_button

_INVITATION = "Coastlines, places, map tiles or ship reports (AIS): drop a file on the map, or add one."
_NO_PLACE = "This scene has no georeference, so nothing can be laid over it by its place."


class ContextPanel(Section):
    """Renders `session.context`; hidden while no scene is open.

    Signals
    -------
    add_clicked()
        The user wants to choose files.
    """

    add_clicked = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Context", parent)
        self._context: ContextSession = session.context
        self._theme = theme
        self.rows: dict[int, ContextRow] = {}
        self.add = flat_text_button("Add…", "Lay a GeoPackage, GeoJSON, MBTiles or AIS table over the scene")
        self.add.clicked.connect(self.add_clicked)
        self.head.addWidget(self.add)
        self.sentence = QLabel(objectName="muted", wordWrap=True)
        self.body.addWidget(self.sentence)
        self._context.changed.connect(self.render_state)
        theme.changed.connect(self.render_state)
        self.render_state()

    def render_state(self) -> None:
        """Renders the layers, the uppermost first."""
        scene = self._context.scene
        layers = self._context.layers
        self.setVisible(scene is not None)
        placed = scene is not None and scene.georef is not None
        self.add.setEnabled(placed)
        self.sentence.setVisible(not layers)
        self.sentence.setText(_INVITATION if placed else _NO_PLACE)
        numbers = [layer.number for layer in reversed(layers)]
        if list(self.rows) != numbers:
            self._arrange(numbers)
        for layer in layers:
            self.rows[layer.number].render_layer(layer, scene is not None and scene.acquired is not None)

    def _arrange(self, numbers: list[int]) -> None:
        """Keeps the rows that stay, in their order."""
        old, self.rows = self.rows, {}
        for row in old.values():
            self.body.removeWidget(row)
        for number in numbers:
            row = old.pop(number) if number in old else ContextRow(number, self._context, self._theme)
            self.rows[number] = row
            self.body.addWidget(row)
        for row in old.values():
            row.hide()
            row.deleteLater()
