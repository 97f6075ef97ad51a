"""How a context file is drawn: colour, width of lines, opacity; acts at once."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QColorDialog,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.context.layers import COLOURS, WIDTHS, ContextLayer, Style
from sarvlm_app.ui.swatch import swatch
from sarvlm_app.ui.widgets import flat_button

_STEPS = 2
"""Steps of the width slider in a pixel."""


class LayerLookDialog(QDialog):
    """Offers the style of one layer.

    Signals
    -------
    changed(dict)
        Fields of the style that shall be others.
    """

    changed = Signal(dict)

    def __init__(self, layer: ContextLayer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Look of {layer.path.name}")
        self._colour = layer.style.colour
        self.colours = {colour: flat_button(f"Colour {colour}", colour, 18) for colour in COLOURS}
        row = QHBoxLayout()
        row.setSpacing(3)
        for colour, button in self.colours.items():
            button.setIcon(swatch(colour, 18))
            button.setIconSize(QSize(18, 18))
            button.setCheckable(True)
            button.clicked.connect(partial(self._take_colour, colour))
            row.addWidget(button)
        other = QPushButton("Other…", objectName="segment")
        other.clicked.connect(self._choose_colour)
        row.addWidget(other)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        low, high = (round(value * _STEPS) for value in WIDTHS)
        self.width_px = QSlider(Qt.Orientation.Horizontal, minimum=low, maximum=high)
        self.width_px.valueChanged.connect(lambda value: self._take(width_px=value / _STEPS))
        self.opacity = QSlider(Qt.Orientation.Horizontal, minimum=5, maximum=100)
        self.opacity.valueChanged.connect(lambda value: self._take(opacity=value / 100))
        self._texts = {"width_px": QLabel(objectName="value"), "opacity": QLabel(objectName="value")}
        rows = (("Line width", "width_px", self.width_px), ("Opacity", "opacity", self.opacity))
        for line, (title, name, slider) in enumerate(rows):
            slider.setAccessibleName(title)
            slider.setMinimumWidth(150)
            self._texts[name].setMinimumWidth(48)
            grid.addWidget(QLabel(title, objectName="muted"), line, 0)
            grid.addWidget(slider, line, 1)
            grid.addWidget(self._texts[name], line, 2)
        buttons = QDialogButtonBox()
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addLayout(row)
        layout.addLayout(grid)
        layout.addWidget(buttons)
        self._render(layer.style)

    def _render(self, style: Style) -> None:
        for slider, value in ((self.width_px, style.width_px * _STEPS), (self.opacity, style.opacity * 100)):
            slider.blockSignals(True)
            slider.setValue(round(value))
            slider.blockSignals(False)
        self._render_colour()
        self._texts["width_px"].setText(f"{style.width_px:.1f} px")
        self._texts["opacity"].setText(f"{style.opacity:.0%}")

    def _render_colour(self) -> None:
        for colour, button in self.colours.items():
            button.setChecked(colour == self._colour)

    def _take_colour(self, colour: str, _checked: bool = False) -> None:
        self._colour = colour
        self._render_colour()
        self._take(colour=colour)

    def _take(self, **changes: object) -> None:
        self._texts["width_px"].setText(f"{self.width_px.value() / _STEPS:.1f} px")
        self._texts["opacity"].setText(f"{self.opacity.value()}%")
        self.changed.emit(changes)

    def _choose_colour(self) -> None:
        chosen = QColorDialog.getColor(QColor(self._colour), self, "Colour of the layer")
        if chosen.isValid():
            self._take_colour(chosen.name())
