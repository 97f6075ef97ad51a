"""Progress of a command on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sarvlm_app.core.jobs import JobContext

FIRST_LINE_S = 5.0
LINE_EVERY_S = 10.0
FIRST_BAR_S = 0.5
BAR_EVERY_S = 0.1
LOOK_EVERY_S = 0.25
BAR_WIDTH = 30


@dataclass(frozen=True, slots=True)
class _Phase:
    """A piece of the work with its own count: what it is, and when and with how many steps done it began."""

    message: str
    began: float
    first: int


class Progress(JobContext):
    """A job context that reports to standard error while its block runs, also between steps.

    Parameters
    ----------
    message : str
        What is being done until the first step says more.
    clock : callable
        Seconds; a test gives its own.
    """

    def __init__(self, message: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(self._report)
        self._clock = clock
        self._began = clock()
        self._told: float | None = None
        self._phase = _Phase(message, self._began, 0)
        self._done = self._total = 0
        self._bar_width = 0
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watch.join()
        if self._bar_width:
            print(f"\r{' ' * self._bar_width}\r", end="", file=sys.stderr, flush=True)

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self.show()

    def _report(self, done: int, total: int, message: str) -> None:
        with self._lock:
            if message and message != self._phase.message:
                self._phase = _Phase(message, self._clock(), done)
            self._done, self._total = done, total
        self.show()

    def show(self) -> None:
        """Write a line or the bar if it is time for one."""
        with self._lock:
            now = self._clock()
            if sys.stderr is None or now < self._next_time():
                return
            self._told = now
            if self._terminal:
                self._draw(self._bar(now))
            else:
                print(self._line(now), file=sys.stderr, flush=True)

    def _next_time(self) -> float:
        if self._told is None:
            return self._began + (FIRST_BAR_S if self._terminal else FIRST_LINE_S)
        return self._told + (BAR_EVERY_S if self._terminal else LINE_EVERY_S)

    def _left(self, now: float) -> float | None:
        """Seconds that the phase still takes at its rate so far; None before its first step is done."""
        steps = self._done - self._phase.first
        return (now - self._phase.began) / steps * (self._total - self._done) if steps > 0 else None

    def _line(self, now: float) -> str:
        if not self._total:
            return f"{self._phase.message}, {now - self._began:.0f} s so far"
        left = self._left(now)
        rest = "" if left is None else f", about {left:.0f} s left"
        return f"{self._phase.message}: {self._done} of {self._total}{rest}"

    def _bar(self, now: float) -> str:
        if not self._total:
            return f"{self._phase.message} … {now - self._began:.0f} s"
        left = self._left(now)
        filled = round(BAR_WIDTH * self._done / self._total)
        rest = "" if left is None else f" {left:4.0f} s left"
        bar = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}]"
        return f"{self._phase.message[:30]} {bar} {self._done}/{self._total}{rest}"

    def _draw(self, text: str) -> None:
        print(f"\r{text.ljust(self._bar_width)}", end="", file=sys.stderr, flush=True)
        self._bar_width = len(text)
