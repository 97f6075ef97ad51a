"""The report of an error that nobody foresaw: what happened, to copy and send on."""

from __future__ import annotations

import platform
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

_PACKAGES = ("sarvlm", "napari", "PySide6_Essentials", "torch", "rasterio", "numpy")


def report_text(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """The error with its traceback and the versions in use."""
    versions = []
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    head = f"{platform.platform()}, Python {sys.version.split()[0]}\n{', '.join(versions)}\n\n"
    return head + "".join(traceback.format_exception(kind, error, trace))


class ReportDialog(QDialog):
    """Shows a report; the application goes on behind it."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        self.resize(760, 460)
        said = QLabel(
            "SARVLM Desktop met an error it did not expect. Your work is still open and you can go on. "
            "Nothing has been sent anywhere: copy the report if you want to pass it on.",
            wordWrap=True,
        )
        self.view = QPlainTextEdit(text, readOnly=True, lineWrapMode=QPlainTextEdit.LineWrapMode.NoWrap)
        buttons = QDialogButtonBox()
        copy = buttons.addButton("Copy report", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text))
        close = buttons.addButton("Go on", QDialogButtonBox.ButtonRole.AcceptRole)
        close.setDefault(True)
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.addWidget(said)
        layout.addWidget(self.view, 1)
        layout.addWidget(buttons)
