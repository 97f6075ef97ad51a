"""Small widgets made in one call."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QToolButton, QWidget


def flat_button(name: str, tip: str = "", icon_px: int = 14) -> QToolButton:
    """A button without a border; `name` is read by screen readers."""
    button = QToolButton()
    button.setObjectName("flat")
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setIconSize(QSize(icon_px, icon_px))
    return button


def flat_text_button(text: str, tip: str = "") -> QToolButton:
    """The same with words on it."""
    button = flat_button(text, tip)
    button.setText(text)
    return button


def named_frame(name: str) -> QFrame:
    """A frame that the style sheet knows as #name."""
    frame = QFrame()
    frame.setObjectName(name)
    return frame


def named_widget(name: str) -> QWidget:
    """A plain widget that the style sheet knows as #name."""
    widget = QWidget()
    widget.setObjectName(name)
    return widget
