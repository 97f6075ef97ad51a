"""Toasts: one sentence at the foot of the window, which goes by itself or by a click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from sarvlm_app.ui.widgets import flat_text_button

_FAULT_MS = 15_000
_MESSAGE_MS = 5_000


class Toast(QFrame):
    """Shows the latest sentence over the lower edge of `host`."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self.setObjectName("toast")
        self._host = host
        self._label = QLabel(wordWrap=True)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = flat_text_button("Copy", "Copy this sentence")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._label.text()))
        dismiss = flat_text_button("Dismiss", "Hide this (Esc)")
        dismiss.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 9, 10, 9)
        row.addWidget(self._label, 1)
        row.addWidget(copy)
        row.addWidget(dismiss)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.hide)
        host.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        return self._label.text()

    def show_fault(self, sentence: str) -> None:
        """A fault and its remedy: stays a quarter of a minute."""
        self._show(sentence, "fault", _FAULT_MS)

    def show_message(self, sentence: str) -> None:
        """Something was done: stays some seconds."""
        self._show(sentence, "message", _MESSAGE_MS)

    def _show(self, sentence: str, kind: str, stay_ms: int) -> None:
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._label.setText(sentence)
        self.show()
        self._place()
        self.raise_()
        self._timer.start(stay_ms)

    def _place(self) -> None:
        width = min(760, self._host.width() - 80)
        # the size hint of a label that wraps is made for a narrow one: ask how high it is at this width
        self.setFixedSize(width, self.heightForWidth(width))
        self.move((self._host.width() - width) // 2, self._host.height() - self.height() - 96)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._host and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)
