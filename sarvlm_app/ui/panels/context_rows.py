"""One context file: eye, colour, what was found, minutes for ships, and the way out."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSizePolicy, QWidget

from sarvlm_app.core.context.layers import MINUTES, ContextLayer, Reading
from sarvlm_app.core.context_session import ContextSession
from sarvlm_app.ui.dialogs.layer_look import LayerLookDialog
from sarvlm_app.ui.swatch import swatch
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_button, flat_text_button

_SWATCH_PX = 14


class ContextRow(QWidget):
    """Renders a layer; wishes go to the session."""

    def __init__(self, number: int, context: ContextSession, theme: Theme) -> None:
        super().__init__()
        self.number, self._context, self._theme = number, context, theme
        self._layer: ContextLayer | None = None
        self.eye = flat_button("Show the layer", "Show or hide", 16)
        self.eye.setCheckable(True)
        self.eye.clicked.connect(lambda on: context.set_style(number, visible=on))
        self.colour = flat_button("Colour, width and opacity", "Colour, width and opacity", _SWATCH_PX)
        self.colour.clicked.connect(self._choose_look)
        self.name = QLabel()
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.again = flat_text_button("Again", "Read the file again")
        self.again.clicked.connect(self._read_again)
        self.remove = flat_button("Take the layer away", "Take it away; the file stays")
        self.remove.clicked.connect(lambda: context.remove(number))
        self.words = QLabel(objectName="muted", wordWrap=True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setMinimumWidth(1)
        self._build_minutes()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 2)
        grid.setHorizontalSpacing(5)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(2, 1)
        for column, widget in enumerate((self.eye, self.colour, self.name, self.again, self.remove)):
            grid.addWidget(widget, 0, column)
        grid.addWidget(self.minutes, 1, 2, 1, 3, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.words, 2, 2, 1, 3)

    def _build_minutes(self) -> None:
        self.minutes = QDoubleSpinBox(
            decimals=0, minimum=MINUTES[0], maximum=MINUTES[1], singleStep=5.0, prefix="± ", suffix=" min"
        )
        self.minutes.setAccessibleName("Minutes before and after the acquisition")
        self.minutes.setToolTip("Reports so long before and after the acquisition are looked at")
        self.minutes.setKeyboardTracking(False)
        self.minutes.lineEdit().setTextMargins(4, 0, 4, 0)  # a style sheet's padding does not reach the text
        self.minutes.valueChanged.connect(lambda value: self._context.set_style(self.number, minutes=value))
        self.minutes.setFixedWidth(96)

    def render_layer(self, layer: ContextLayer, timed: bool) -> None:
        """Renders the layer; `timed`: whether the scene knows when it was taken."""
        self._layer = layer
        palette = self._theme.palette
        style = layer.style
        self.eye.setChecked(style.visible)
        icon, ink = ("eye", palette.text) if style.visible else ("eye-off", palette.muted)
        self.eye.setIcon(self._theme.icon(icon, ink))
        self.colour.setIcon(swatch(style.colour, _SWATCH_PX))
        self.remove.setIcon(self._theme.icon("close", palette.muted))
        self.name.setToolTip(str(layer.path))
        self._render_name()
        self.minutes.setVisible(layer.is_table and timed)
        with QSignalBlocker(self.minutes):
            self.minutes.setValue(style.minutes)
        self._render_words(layer)

    def _render_name(self) -> None:
        if self._layer is not None:
            room = max(20, self.name.width())
            text = self.name.fontMetrics().elidedText(self._layer.path.name, Qt.TextElideMode.ElideMiddle, room)
            self.name.setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._render_name()

    def _render_words(self, layer: ContextLayer) -> None:
        failed = layer.state is Reading.FAILED
        self.again.setVisible(failed)
        self.words.setObjectName("warning" if failed else "muted")
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        if layer.state is Reading.READING:
            self.words.setText("Reading…")
        elif failed:
            self.words.setText(layer.fault.replace(str(layer.path), layer.path.name))
            self.words.setToolTip(layer.fault)
        else:
            self.words.setText(layer.data.summary if layer.data is not None else "")
            self.words.setToolTip("")

    def _read_again(self) -> None:
        if self._layer is not None:
            self._context.add(self._layer.path)

    def _choose_look(self) -> None:
        if self._layer is None:
            return
        dialog = LayerLookDialog(self._layer, self)
        dialog.changed.connect(lambda changes: self._context.set_style(self.number, **changes))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
