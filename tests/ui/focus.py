"""The keyboard focus on a virtual display."""

import warnings

from PySide6.QtWidgets import QApplication, QWidget


def activate(window: QWidget) -> None:
    """Makes `window` the active one: no window manager does it there, and only in it a widget has the focus."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        QApplication.setActiveWindow(window)
