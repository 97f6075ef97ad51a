"""Between the worker lanes and Qt: calls that arrive on the main thread, and small reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

from sarvlm_app.core.jobs import JobContext, JobRunner, Lane, Work
from sarvlm_app.errors import SarvlmError

T = TypeVar("T")


class MainThreadPost(QObject):
    """Called from any thread with a function; runs it on the thread that made this object."""

    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def __call__(self, call: Callable[[], None]) -> None:
        self._posted.emit(call)

    @Slot(object)
    def _run(self, call: Callable[[], None]) -> None:
        call()


class Background:
    """Work that the window itself asks for: thumbnails, histograms, overviews, the model."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner

    def read(
        self,
        key: str,
        work: Callable[[], T],
        deliver: Callable[[T], None],
        failed: Callable[[SarvlmError], None] | None = None,
    ) -> None:
        """Runs a small `work` on the I/O lane and gives its result to `deliver` on the main thread.

        A newer call under the same `key` makes an older one's result void. It
        has no title, so the status line does not tell of it. A fault in it goes
        to `failed`; without one it is left out, because it shows elsewhere.
        """
        self._runner.submit(Work("", lambda _ctx: work(), Lane.IO, key, on_done=deliver, on_failed=failed))

    def long(
        self,
        title: str,
        work: Callable[[JobContext], T],
        on_partial: Callable[[object], None],
        on_done: Callable[[T], None],
    ) -> None:
        """Runs `work` on the I/O lane under its `title`, with progress and cancel; the latest of a title wins."""
        self._runner.submit(Work(title, work, Lane.IO, title, on_done=on_done, on_partial=on_partial))

    def compute(
        self, title: str, work: Callable[[], T], deliver: Callable[[T], None], failed: Callable[[SarvlmError], None]
    ) -> None:
        """Runs `work` on the compute lane, in its turn."""
        self._runner.submit(Work(title, lambda _ctx: work(), Lane.COMPUTE, on_done=deliver, on_failed=failed))
