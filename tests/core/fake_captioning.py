"""Captioning without a model, and a session of captions with a main thread that runs when it is told to."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sarvlm_app.core.caption_list import SceneCaption, Where
from sarvlm_app.core.caption_session import CaptionModel, CaptionSession
from sarvlm_app.core.caption_store import CaptionStore
from sarvlm_app.core.captioning import Captioned, CaptionRequest
from sarvlm_app.core.jobs import JobContext, JobRunner
from sarvlm_app.errors import SarvlmError
from sarvlm_models.types import Window

LONG_S = 20.0
SOMEWHERE = Window(8, 8, 64, 64)


@dataclass
class FakeCaptioning:
    """Numbers its captions. `before` is called in the job and may wait, cancel or raise."""

    before: Callable[[CaptionRequest], None] | None = None
    requests: list[CaptionRequest] = field(default_factory=list)

    def caption(self, request: CaptionRequest, ctx: JobContext) -> Captioned:
        self.requests.append(request)
        number = len(self.requests)
        if self.before is not None:
            self.before(request)
        ctx.step(1, 1, "Done")
        text = f"Caption {number}."
        return Captioned(request, text, text.lower(), -1.0 * number, {"ship": number}, (("water", 0.5),), "fake@0")


class CaptionBench:
    """A `CaptionSession` with its runner; `settle` plays the main thread."""

    def __init__(self, folder: Path, captioner: Callable[[], Any] | None = None) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.captioning = FakeCaptioning()
        model = CaptionModel(captioner or (lambda: None), self.captioning)
        self.store = CaptionStore(folder)
        self.session = CaptionSession(self.runner, model, self.store)
        self.failed: list[SarvlmError] = []
        self.crashes: list[BaseException] = []
        self.events: list[str] = []
        self.session.failed.connect(self.failed.append)
        self.runner.crashed.connect(lambda _title, error: self.crashes.append(error))
        for name in ("changed", "selection_changed", "fault_changed"):
            getattr(self.session, name).connect(lambda name=name: self.events.append(name))

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.posted.get(timeout=LONG_S)()

    def settle(self) -> None:
        """Run the main thread until no job is active and nothing is posted."""
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=LONG_S)()
        assert self.crashes == []

    def describe(self, where: Where = Where.REGION, window: Window | None = SOMEWHERE) -> SceneCaption:
        self.session.describe(where, window)
        self.settle()
        assert self.session.fault is None
        return self.session.captions[-1]

    @property
    def texts(self) -> list[str]:
        return [caption.text for caption in self.session.captions]
