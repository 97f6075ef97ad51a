"""Between the worker lanes and Qt: calls that arrive on the main thread, and small reads."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, QSocketNotifier

from sarvlm_app.core.jobs import JobContext, JobRunner, Lane, Work
from sarvlm_app.errors import SarvlmError

T = TypeVar("T")


class MainThreadPost(QObject):
    """Called from any thread with a function; runs it on the thread that made this object.

    The calling thread touches nothing of Qt: it leaves the function in a queue
    and wakes the event loop by a byte in a socket. A signal sent from a worker
    takes locks of Qt and PySide beside Python's own, and was seen to wait for
    ever for a main thread that held one and wanted the other.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: deque[Callable[[], None]] = deque()
        self._ear, self._mouth = socket.socketpair()
        for end in (self._ear, self._mouth):
            end.setblocking(False)
        self._wake = QSocketNotifier(self._ear.fileno(), QSocketNotifier.Type.Read, self)
        self._wake.activated.connect(self._run)
        self.destroyed.connect(partial(_close, self._ear, self._mouth))

    def __call__(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        self._rouse()

    def _rouse(self) -> None:
        with suppress(OSError):  # a full socket wakes the loop as well; a closed one has no loop to wake
            self._mouth.send(b"\0")

    def _run(self) -> None:
        """Runs what was there when the loop woke; what that adds waits for the next turn and starves no input."""
        with suppress(OSError):
            self._ear.recv(4096)
        for _ in range(len(self._calls)):
            try:
                self._calls.popleft()()
            except BaseException:
                self._rouse()  # for those behind it
                raise


def _close(*ends: socket.socket) -> None:
    for end in ends:
        end.close()


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

    def drop(self, key: str) -> None:
        """Cancels what runs under `key`; its result is void."""
        self._runner.cancel_key(key)

    def prepare(
        self,
        key: str,
        title: str,
        work: Callable[[JobContext], T],
        deliver: Callable[[T], None],
        failed: Callable[[SarvlmError], None],
    ) -> None:
        """As `read`, for work that may take long: it can be cancelled and, where it has a `title`, is told of."""
        self._runner.submit(Work(title, work, Lane.IO, key, on_done=deliver, on_failed=failed))

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
