"""Where the pointer is, what the scene holds there, and where that is on the ground."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from sarvlm_app.ui.formats import lonlat_text, number_text, pixel_text


class PointerLine(QWidget):
    """Row, column, value with unit, longitude and latitude under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.place = QLabel()
        self.value = QLabel()
        self.lonlat = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(18)
        for label, width in ((self.place, 150), (self.value, 110), (self.lonlat, 190)):
            label.setMinimumWidth(width)
            row.addWidget(label)
        row.addStretch(1)

    def show_place(self, place: tuple[float, float] | None, lonlat: tuple[float, float] | None) -> None:
        """Renders the position; None clears the line."""
        self.place.setText("" if place is None else pixel_text(*place))
        self.lonlat.setText("" if lonlat is None else lonlat_text(*lonlat, 5))
        if place is None:
            self.value.setText("")

    def show_value(self, value: float, unit: str) -> None:
        """Renders the value; NaN reads as "no data"."""
        self.value.setText("no data" if math.isnan(value) else f"{number_text(value)} {unit}".rstrip())
