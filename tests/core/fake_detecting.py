"""Detection without a model, and a session of boxes with a main thread that runs when it is told to."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sarvlm_app.core.boxes import bbox_of, corners_from
from sarvlm_app.core.detection import Detected, DetectionEstimate, DetectionRequest
from sarvlm_app.core.detection_session import DetectionSession
from sarvlm_app.core.detection_store import DetectionStore
from sarvlm_app.core.jobs import JobContext, JobRunner
from sarvlm_app.errors import SarvlmError
from sarvlm_models.types import Detections, DetectorSpec, StoredClass, Window

LONG_S = 20.0
SHIP, PLANE = StoredClass("ship", ("a ship",)), StoredClass("aircraft", ("an aircraft",))
SPEC = DetectorSpec("fake@000000000000", 512, 64, 1.0, (SHIP, PLANE))


def some(*rows: tuple[float, float, float, str], names: Sequence[str] = ("ship", "aircraft")) -> Detections:
    """Boxes of 40 x 12 px, each (col, row, score, label) of its middle."""
    cols, rows_, scores = (np.array([row[k] for row in rows], np.float64) for k in range(3))
    corners = corners_from(cols, rows_, 40.0, 12.0, 0.3).astype(np.float32)
    classes = np.array([list(names).index(row[3]) for row in rows], np.int32)
    return Detections(corners, bbox_of(corners), scores.astype(np.float32), classes, tuple(names), "fake@0")


SHIPS = some((100, 100, 0.9, "ship"), (300, 200, 0.7, "ship"), (500, 300, 0.3, "aircraft"))


@dataclass
class FakeDetecting:
    """Finds `found`; `parts` are told first. `between` is called in the job after each part and may wait or raise."""

    found: Detections = SHIPS
    parts: tuple[Detections, ...] = ()
    between: Callable[[], None] | None = None
    fault: SarvlmError | None = None
    requests: list[DetectionRequest] = field(default_factory=list)
    visible: list[Window | None] = field(default_factory=list)

    @property
    def spec(self) -> DetectorSpec:
        if self.fault is not None:
            raise self.fault
        return SPEC

    def estimate(self, request: DetectionRequest) -> DetectionEstimate:
        return DetectionEstimate(4, 0.25, 12.0)

    def detect(self, request: DetectionRequest, ctx: JobContext, visible: Window | None) -> Detected:
        self.requests.append(request)
        self.visible.append(visible)
        if self.fault is not None:
            raise self.fault
        for number, part in enumerate(self.parts):
            ctx.step(number, len(self.parts), "Looking")
            ctx.partial(Detected(request, part, 1.0, complete=False))
            if self.between is not None:
                self.between()
        ctx.step()
        return Detected(request, self.found, 2.0, complete=True, notes=("The spacing is assumed.",))


class DetectionBench:
    """A `DetectionSession` with its runner; `settle` plays the main thread."""

    def __init__(self, folder: Path) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.detecting = FakeDetecting()
        self.store = DetectionStore(folder)
        self.session = DetectionSession(self.runner, self.detecting, self.store)
        self.failed: list[SarvlmError] = []
        self.told: list[str] = []
        self.crashes: list[BaseException] = []
        self.session.failed.connect(self.failed.append)
        self.session.message.connect(self.told.append)
        self.runner.crashed.connect(lambda _title, error: self.crashes.append(error))

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.posted.get(timeout=LONG_S)()

    def settle(self) -> None:
        """Run the main thread until no job is active and nothing is posted."""
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=LONG_S)()
        assert self.crashes == []

    @property
    def scores(self) -> list[float]:
        """Of the boxes that are not struck out, the best first."""
        boxes = self.session.boxes
        return sorted((round(float(score), 3) for score in boxes.scores[~boxes.struck]), reverse=True)

    def id_at(self, col: float, row: float) -> int:
        """Of the box whose middle is nearest."""
        boxes = self.session.boxes
        return int(boxes.ids[np.argmin(np.hypot(*(boxes.centres - (col, row)).T))])
