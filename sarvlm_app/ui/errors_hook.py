"""What nobody foresaw becomes a report, and the application goes on."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from sarvlm_app.errors import SarvlmError
from sarvlm_app.ui.bridge import MainThreadPost
from sarvlm_app.ui.dialogs.report import ReportDialog, report_text
from sarvlm_app.ui.main_window import MainWindow

log = logging.getLogger(__name__)

_Trace = TracebackType | None


class _Reporter(QObject):
    """Shows a report on the main thread; while one is open, further ones go to the log only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dialog: QWidget | None = None
        self._post = MainThreadPost()

    def caught(self, error: BaseException) -> None:
        """An error of any thread."""
        self._post(partial(self._show, error))

    def _show(self, error: BaseException) -> None:
        known = _known_cause(error)
        if known is not None:
            self._window.toast.show_fault(str(known))
            return
        if self._dialog is None:
            dialog = ReportDialog(report_text(type(error), error, error.__traceback__), self._window)
            dialog.finished.connect(self._closed)
            self._dialog = dialog
            dialog.open()

    def _closed(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None


def install_error_hooks(window: MainWindow) -> Callable[[], None]:
    """Sends uncaught errors of any thread to a report dialog over `window`; gives what undoes it."""
    reporter = _Reporter(window)
    old_hook, old_thread_hook = sys.excepthook, threading.excepthook

    def on_error(kind: type[BaseException], error: BaseException, trace: _Trace) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.error("uncaught error", exc_info=(kind, error, trace))
        reporter.caught(error.with_traceback(trace))

    def on_thread_error(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            on_error(caught.exc_type, caught.exc_value, caught.exc_traceback)

    sys.excepthook, threading.excepthook = on_error, on_thread_error

    def restore() -> None:
        sys.excepthook, threading.excepthook = old_hook, old_thread_hook

    return restore


def _known_cause(error: BaseException | None) -> SarvlmError | None:
    """The fault of ours that lies behind an error of the event machinery."""
    while error is not None and not isinstance(error, SarvlmError):
        error = error.__cause__
    return error
