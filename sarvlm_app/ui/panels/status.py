"""Where the pointer is, what the scene holds there, and where that is on the ground."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from sarvlm_app.core.coordinates import Notation, notation_text
from sarvlm_app.core.georef import Georeference
from sarvlm_app.ui.formats import number_text, pixel_text

_NAMES = {
    Notation.DEGREES: "Degrees",
    Notation.DMS: "Degrees, minutes, seconds",
    Notation.MGRS: "MGRS",
    Notation.MAP: "Map",
}


class PointerLine(QWidget):
    """Row, column, value with unit, and the coordinates under the pointer.

    Signals
    -------
    notation_clicked()
        The next notation of coordinates is wanted.
    """

    notation_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._georef: Georeference | None = None
        self._notation = Notation.DEGREES
        self._lonlat: tuple[float, float] | None = None
        self.place = QLabel()
        self.value = QLabel()
        self.lonlat = QPushButton(
            objectName="flat", styleSheet="text-align: left;", focusPolicy=Qt.FocusPolicy.TabFocus
        )
        self.lonlat.setAccessibleName("Notation of coordinates")
        self.lonlat.clicked.connect(self.notation_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 0, 0)
        row.setSpacing(18)
        for part, width in ((self.place, 150), (self.value, 110), (self.lonlat, 190)):
            part.setMinimumWidth(width)
            row.addWidget(part)
        row.addStretch(1)
        self.show_notation(None, Notation.DEGREES)

    def show_notation(self, georef: Georeference | None, notation: Notation) -> None:
        """Renders coordinates in that notation from now on; without a geometry there are none to choose for."""
        self._georef, self._notation = georef, notation
        following = _NAMES[notation.following]
        self.lonlat.setVisible(georef is not None)
        self.lonlat.setToolTip(f"Coordinates as {_NAMES[notation]}; click for {following}")
        self._show_lonlat()

    def show_place(self, place: tuple[float, float] | None, lonlat: tuple[float, float] | None) -> None:
        """Renders the position; None clears the line."""
        self.place.setText("" if place is None else pixel_text(*place))
        self._lonlat = lonlat
        self._show_lonlat()
        if place is None:
            self.value.setText("")

    def show_value(self, value: float, unit: str) -> None:
        """Renders the value; NaN reads as "no data"."""
        self.value.setText("no data" if math.isnan(value) else f"{number_text(value)} {unit}".rstrip())

    def _show_lonlat(self) -> None:
        """The coordinates, or the notation's name while the pointer is elsewhere: that is when it can be clicked."""
        if self._georef is None:
            self.lonlat.setText("")
        elif self._lonlat is None:
            self.lonlat.setText(_NAMES[self._notation])
        else:
            self.lonlat.setText(notation_text(self._notation, self._georef, *self._lonlat))
