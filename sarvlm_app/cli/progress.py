"""Progress of a command on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from sarvlm_app.core.jobs import JobContext

FIRST_LINE_S = 5.0
LINE_EVERY_S = 10.0
BAR_EVERY_S = 0.1
BAR_WIDTH = 30


class Progress(JobContext):
    """A job context that reports to standard error."""

    def __init__(self) -> None:
        super().__init__(self._report)
        self._began = time.monotonic()
        self._told = self._began
        self._bar = False
        self._terminal = sys.stderr.isatty()

    def _report(self, done: int, total: int, message: str) -> None:
        now = time.monotonic()
        wait = BAR_EVERY_S if self._terminal else (FIRST_LINE_S if self._told == self._began else LINE_EVERY_S)
        if now - self._told < wait or not total:
            return
        self._told = now
        left = (now - self._began) / done * (total - done) if done else None
        if self._terminal:
            filled = round(BAR_WIDTH * done / total)
            rest = "" if left is None else f" {left:4.0f} s left"
            line = f"\r{message[:40]} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done}/{total}{rest} "
            print(line, end="", file=sys.stderr, flush=True)
            self._bar = True
        else:
            rest = "" if left is None else f", about {left:.0f} s left"
            print(f"{message}: {done} of {total}{rest}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._bar:
            print(file=sys.stderr)
            self._bar = False


def print_json(values: Mapping[str, Any]) -> None:
    """One JSON object on standard output (NaN and infinities are refused)."""
    print(json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1))
