"""A session on a workbench: a fake encoder, and a main thread that runs when it is told to."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.core.jobs import JobRunner
from sarvlm_app.core.query import Answer
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.errors import SarvlmError
from sarvlm_app.settings import Settings
from tests.core.export_answers import write_scene
from tests.core.fake_encoder import FakeEncoder
from tests.core.scene_files import speckle

LONG_S = 20.0


def harbour(path: Path, seed: int = 0, places: int = 3) -> Path:
    """Dark water with `places` bright blocks of 16 x 16 px, and black shadows."""
    pixels = 0.3 * speckle((160, 192), 10.0, seed) + 10.0
    for number in range(places):
        pixels[32:48, 32 + 56 * number : 48 + 56 * number] = 60.0 + 40 * number
    pixels[104:120, 64:80] = 0.5
    return write_scene(path, pixels.astype(np.float32)).path


class Bench:
    """A session with its runner, its encoder and a main thread that runs when it is told to."""

    def __init__(
        self, tmp_path: Path, provide: Callable[[], Any] | None = None, captioner: Callable[[], Any] | None = None
    ) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.encoder = FakeEncoder()
        self.session = Session(
            self.runner, provide or (lambda: self.encoder), Settings(), tmp_path / "cache", captioner
        )
        self.failed: list[SarvlmError] = []
        self.crashes: list[BaseException] = []
        self.answers: list[Answer | None] = []
        self.session.failed.connect(self.failed.append)
        self.runner.crashed.connect(lambda _title, error: self.crashes.append(error))
        self.session.answer_changed.connect(lambda: self.answers.append(self.session.answer))

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.posted.get(timeout=LONG_S)()

    def settle(self) -> None:
        """Run the main thread until no job is active and nothing is posted."""
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=LONG_S)()
        assert self.crashes == []

    def open(self, path: Path) -> Scene:
        self.session.open(path)
        self.settle()
        assert self.failed == [] and self.session.active is not None
        return self.session.active

    def ask(self, text: str = "bright things", **how: Any) -> Answer:
        self.session.ask(text, **how)
        self.settle()
        assert self.session.answer is not None
        return self.session.answer


def count(events: list[str], session: Session) -> None:
    for name in ("scenes_changed", "active_changed", "answer_changed", "selection_changed", "stretch_changed"):
        getattr(session, name).connect(lambda name=name: events.append(name))


def inside(place: Any, col: int, row: int) -> bool:
    return bool(col <= place.col <= col + 16 and row <= place.row <= row + 16)
