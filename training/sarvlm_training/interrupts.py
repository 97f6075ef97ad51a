"""SIGINT and SIGTERM during a run: they are obeyed between two steps, so that what is kept is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

INTERRUPTED: Final = "Interrupted; the state of the last step is kept, go on with --resume."
Handler = Callable[[int, FrameType | None], Any] | int | None


class Interrupts:
    """Handlers of SIGINT and SIGTERM while the block runs; what was there before comes back.

    At first either ends the block at once, by KeyboardInterrupt. From `wait`
    on they are only noted in `asked`, and a second SIGINT ends the block at
    once. Outside the main thread nothing is handled.

    Attributes
    ----------
    asked : bool
        Somebody wants the block to end.
    """

    def __init__(self) -> None:
        self.asked = False
        self._patient = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._noted)
        return self

    def wait(self) -> None:
        """From here on the block asks `asked` itself.

        The handler by which torch tells of a dead data worker is taken off
        too: it raises in the middle of whatever runs, and the loader finds
        out by itself when it is asked for the next step.
        """
        self._patient = True
        if self._before and hasattr(signal, "SIGCHLD"):
            self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def end_at_once(self) -> None:
        """From here on there is nothing left to finish first.

        Raises
        ------
        KeyboardInterrupt
            Somebody asked before.
        """
        self._patient = False
        if self.asked:
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if not self._patient or (self.asked and number == signal.SIGINT):
            raise KeyboardInterrupt
        self.asked = True
