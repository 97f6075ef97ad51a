"""A line for a coordinate; what cannot be read or lies outside is told below it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from sarvlm_app.errors import QueryError

_FORMS = (
    "Degrees 33.74, -118.21 or 33°44'24\"N 118°12'36\"W\n"
    "MGRS 11S LT 87916 33985, UTM 11S 387917 3733986, metres of the scene's map\n"
    "Pixels col 1200 row 340"
)


class GoToDialog(QDialog):
    """Asks for a place.

    Parameters
    ----------
    go : callable
        Takes the text and goes there; raises `QueryError` where it cannot.
    last : str
        What was typed the last time; stands there, selected.
    """

    def __init__(self, go: Callable[[str], None], last: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._go = go
        self.setWindowTitle("Go to coordinate")
        self.setMinimumWidth(540)
        self.line = QLineEdit(last, placeholderText="33.74, -118.21", clearButtonEnabled=True)
        self.line.setAccessibleName("Coordinate")
        self.line.selectAll()
        self.error = QLabel(objectName="queryError", wordWrap=True, visible=False)
        self.line.textEdited.connect(self.error.hide)
        self.forms = QLabel(_FORMS, objectName="muted", wordWrap=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        go_button = buttons.addButton("Go", QDialogButtonBox.ButtonRole.AcceptRole)
        go_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 14)
        layout.setSpacing(8)
        for part in (self.line, self.error, self.forms, buttons):
            layout.addWidget(part)
        self.line.setFocus()

    def accept(self) -> None:
        """Goes there and closes, or says why not and stays."""
        try:
            self._go(self.line.text())
        except QueryError as error:
            self.error.setText(str(error))
            self.error.show()
            self.adjustSize()
            self.line.selectAll()
            self.line.setFocus()
            return
        super().accept()
