"""Boxes of the open scenes: state, verbs, events. `Session` owns one as `detections`; main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from psygnal import Signal

from sarvlm_app.core.box_table import Bool, Boxes, Int64, Source
from sarvlm_app.core.detection import Detected, DetectionEstimate, DetectionRequest
from sarvlm_app.core.detection_files import to_write, write_file
from sarvlm_app.core.detection_list import Arrived, DetectionList
from sarvlm_app.core.detection_request import Wish, request_of
from sarvlm_app.core.detection_store import DetectionStore, KeptBoxes
from sarvlm_app.core.importing import Imported, read_detections_noted
from sarvlm_app.core.jobs import JobContext, JobRunner, JobState, JobStatus, Lane, Work
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import ModelError, QueryError, SarvlmError, SceneError, StorageError
from sarvlm_models.types import DetectorSpec, Float32, Window

DETECT_KEY = "detect"
ESTIMATE_KEY = "detection estimate"
FIRST_CONFIDENCE = 0.5


class ObjectFinder(Protocol):
    """What finds boxes; all of it is called on the compute lane."""

    @property
    def spec(self) -> DetectorSpec:
        """Of the detector, which is loaded at the first call."""
        ...

    def estimate(self, request: DetectionRequest) -> DetectionEstimate:
        """What a run will cost."""
        ...

    def detect(self, request: DetectionRequest, ctx: JobContext, visible: Window | None) -> Detected:
        """Run; `visible` comes first. Partial results go out by `ctx.partial`."""
        ...


class DetectionSession:
    """Finds objects of the scene on view as boxes, and keeps what was found and corrected.

    Boxes are kept on disk with every change, for each scene by its
    fingerprint, and are there again when it is opened again.

    Parameters
    ----------
    runner : JobRunner
    detecting : ObjectFinder
    store : DetectionStore
    """

    changed = Signal()
    """The boxes of the scene on view, or what can be undone."""
    filter_changed = Signal()
    """The confidence, or which classes are shown."""
    selection_changed = Signal()
    fault_changed = Signal()
    spec_changed = Signal()
    """The detector is loaded."""
    estimate_changed = Signal()
    running_changed = Signal()
    failed = Signal(SarvlmError)
    """Something about files; faults of a run are in `fault`."""
    message = Signal(str)

    def __init__(self, runner: JobRunner, detecting: ObjectFinder, store: DetectionStore) -> None:
        self._runner = runner
        self._detecting = detecting
        self._store = store
        self._lists: dict[str, DetectionList] = {}
        self._scene: Scene | None = None
        self._band = 1
        self._running: DetectionList | None = None
        self._job = 0
        self._saving: set[str] = set()
        self._fault: SarvlmError | None = None
        self._spec: DetectorSpec | None = None
        self._estimate: DetectionEstimate | None = None
        self._notes: tuple[str, ...] = ()
        self._confidence = FIRST_CONFIDENCE
        self._hidden: frozenset[str] = frozenset()
        self._mask: tuple[tuple[object, ...], Bool] | None = None
        runner.changed.connect(self._on_job)

    # ---- state -----------------------------------------------------------
    @property
    def scene(self) -> Scene | None:
        """The scene on view."""
        return self._scene

    @property
    def boxes(self) -> Boxes:
        """All boxes of the scene on view, those struck out too."""
        return self._on_view.boxes if self._on_view else Boxes.empty()

    @property
    def names(self) -> tuple[str, ...]:
        """What `boxes.classes` count in."""
        return self._on_view.names if self._on_view else ()

    @property
    def shown(self) -> Bool:
        """Which of `boxes` pass the confidence and the classes: bool (n,)."""
        known = self._on_view
        if known is None:
            return np.zeros(0, np.bool_)
        key = (known, known.version, known.names, self._confidence, self._hidden)
        if self._mask is None or self._mask[0] != key:
            self._mask = (key, known.shown(self._confidence, self._hidden))
        return self._mask[1]

    @property
    def counts(self) -> dict[str, int]:
        """Boxes of each class that pass the confidence, whether the class is shown or not."""
        shown = self._on_view
        if shown is None:
            return {}
        kept = shown.boxes.classes[shown.confident(self._confidence)]
        return dict(zip(shown.names, np.bincount(kept, minlength=len(shown.names)).tolist(), strict=True))

    @property
    def selected(self) -> int | None:
        """Id of the box that is selected, None also while it is not shown."""
        known = self._on_view
        place = None if known is None or known.selected is None else known.boxes.place_of(known.selected)
        return int(self.boxes.ids[place]) if place is not None and self.shown[place] else None

    @property
    def confidence(self) -> float:
        """Score from which boxes are shown; those worked on by hand always are."""
        return self._confidence

    @property
    def hidden(self) -> frozenset[str]:
        """Classes that are not shown."""
        return self._hidden

    @property
    def fault(self) -> SarvlmError | None:
        """Why the last run gave nothing, or why none can be made."""
        return self._fault

    @property
    def notes(self) -> tuple[str, ...]:
        """What the last run assumed."""
        return self._notes

    @property
    def running(self) -> bool:
        """Whether a run goes on, on whatever scene."""
        return self._running is not None

    @property
    def spec(self) -> DetectorSpec | None:
        """Of the detector, None until it is loaded."""
        return self._spec

    @property
    def estimate(self) -> DetectionEstimate | None:
        """What the run would cost that was asked about last; None while that is not known."""
        return self._estimate

    @property
    def undo_name(self) -> str:
        """What `undo` takes back on the scene on view: "move", "delete", "run" and the like, or nothing."""
        return self._on_view.undo_name if self._on_view else ""

    @property
    def redo_name(self) -> str:
        """What `redo` does again."""
        return self._on_view.redo_name if self._on_view else ""

    @property
    def unkept(self) -> int:
        """How many boxes are in lists whose last change is not on disk yet."""
        return sum(len(known.boxes) for known in self._lists.values() if known.saved < known.version)

    @property
    def _on_view(self) -> DetectionList | None:
        return None if self._scene is None else self._lists.get(self._scene.fingerprint)

    # ---- scenes ----------------------------------------------------------
    def show(self, scene: Scene | None, band: int) -> None:
        """Follow the scene and band on view; boxes kept of the scene are read at the first time (I/O lane)."""
        if scene != self._scene:
            self._notes, self._estimate = (), None
        self._scene, self._band = scene, band
        if scene is not None and scene.fingerprint not in self._lists:
            self._lists[scene.fingerprint] = known = DetectionList(scene)
            self._runner.submit(
                Work(
                    "", lambda _ctx: self._store.load(scene.fingerprint), Lane.IO,
                    on_done=partial(self._loaded, known), on_failed=self.failed.emit,
                )
            )  # fmt: skip
        if not isinstance(self._fault, ModelError):
            self._set_fault(None)
        self.changed.emit()
        self.selection_changed.emit()
        self.estimate_changed.emit()

    def close(self, scene: Scene) -> None:
        """Stop a run on a scene that is closed; its boxes stay."""
        if self._running is not None and self._running.scene == scene:
            self.cancel()

    def _loaded(self, known: DetectionList, kept: KeptBoxes) -> None:
        if kept.message is not None:
            self.failed.emit(StorageError(kept.message))
        if known.merge(kept.boxes, kept.names, kept.origins) and known is self._on_view:
            self.changed.emit()

    # ---- runs ------------------------------------------------------------
    def prepare(self) -> None:
        """Load the detector on the compute lane, so that it is known what it finds, and a fault of it is told early."""
        if self._spec is not None:
            return

        def done(spec: DetectorSpec) -> None:
            self._spec = spec
            if isinstance(self._fault, ModelError):
                self._set_fault(None)
            self.spec_changed.emit()

        self._runner.submit(
            Work(
                "Loading the detector", lambda _ctx: self._detecting.spec, Lane.COMPUTE, "detector",
                on_done=done, on_failed=self._set_fault,
            )
        )  # fmt: skip

    def ask_estimate(self, wish: Wish) -> None:
        """Find out what a run would cost (compute lane, after a run that goes on)."""
        self._estimate = None
        request = self._request(wish, tell=False)
        if request is None or self._spec is None:
            self._runner.cancel_key(ESTIMATE_KEY)
            self.estimate_changed.emit()
            return

        def done(estimate: DetectionEstimate | None) -> None:
            self._estimate = estimate
            self.estimate_changed.emit()

        self._runner.submit(
            Work(
                "", lambda _ctx: self._detecting.estimate(request), Lane.COMPUTE, ESTIMATE_KEY,
                on_done=done, on_failed=lambda _fault: done(None),
            )
        )  # fmt: skip

    def run(self, wish: Wish, visible: Window | None = None) -> None:
        """Find boxes in a part of the scene on view; `visible` comes first. Nothing happens while a run goes on."""
        if self._running is not None:
            return
        request = self._request(wish, tell=True)
        known = self._on_view
        if request is None or known is None:
            return
        self._set_fault(None)
        self._notes = ()
        self._running = known
        self._job = self._runner.submit(
            Work(
                "Detecting objects", lambda ctx: self._detecting.detect(request, ctx, visible), Lane.COMPUTE,
                DETECT_KEY,
                on_done=partial(self._done, known), on_partial=partial(self._arrived, known),
                on_failed=self._set_fault,
            )
        )  # fmt: skip
        self.running_changed.emit()

    def cancel(self) -> None:
        """Stop the run; what it found by now stays, and what it set aside and did not reach comes back."""
        if self._running is not None:
            self._runner.cancel(self._job)

    def _request(self, wish: Wish, *, tell: bool) -> DetectionRequest | None:
        fault: SarvlmError
        try:
            if self._scene is None:
                raise SceneError("No scene is open to look for objects in: open one first (Ctrl+O).")
            return request_of(self._scene, self._band, wish)
        except (QueryError, SceneError) as error:
            fault = error
        if tell:
            self._set_fault(fault)
        return None

    def _arrived(self, known: DetectionList, detected: Detected) -> None:
        """A partial result takes the place of the one before in the list."""
        if self._running is not known:
            return
        if not known.in_run:
            known.begin_run(detected.detections.names, detected.request.area)
        known.go_on(detected.detections)
        self._notes = detected.notes
        self._tell(known)

    def _done(self, known: DetectionList, detected: Detected) -> None:
        if self._running is not known:
            return
        self._arrived(known, detected)
        arrived = known.end_run(complete=True)
        self._finished(known)
        if arrived is not None:
            seconds = "under a second" if detected.seconds < 1 else f"{detected.seconds:.0f} s"
            self.message.emit(sentence(arrived, f"found in {seconds}"))

    def _on_job(self, job: JobStatus) -> None:
        """A run that was stopped or failed gives no result: its end is seen here."""
        if job.id != self._job or self._running is None or job.state not in (JobState.CANCELLED, JobState.FAILED):
            return
        known = self._running
        arrived = known.end_run(complete=False)
        self._finished(known)
        if arrived is not None:
            self.message.emit("Stopped. " + sentence(arrived, "found until then"))

    def _finished(self, known: DetectionList) -> None:
        self._running = None
        self._after_change(known)
        self.running_changed.emit()

    def _set_fault(self, fault: SarvlmError | None) -> None:
        if fault is not self._fault:
            self._fault = fault
            self.fault_changed.emit()

    # ---- what is shown ---------------------------------------------------
    def set_confidence(self, confidence: float) -> None:
        """Move the score from which boxes are shown."""
        if confidence != self._confidence:
            self._confidence = confidence
            self.filter_changed.emit()

    def show_class(self, name: str, shown: bool) -> None:
        """Show or hide the boxes of a class."""
        self.hide_classes(self._hidden - {name} if shown else self._hidden | {name})

    def hide_classes(self, names: Iterable[str]) -> None:
        """Hide the boxes of these classes and no others."""
        hidden = frozenset(names)
        if hidden != self._hidden:
            self._hidden = hidden
            self.filter_changed.emit()

    def select(self, box: int | None) -> None:
        """Select a box of the scene on view by its id, or none."""
        known = self._on_view
        if known is None or box == known.selected or (box is not None and known.get(box) is None):
            return
        known.selected = box
        self.selection_changed.emit()

    def select_next(self, step: int) -> None:
        """Select the box that follows among those shown, the best first; the first after the last."""
        boxes, shown = self.boxes, np.flatnonzero(self.shown)
        if not shown.size:
            return
        ids = boxes.ids[shown[np.argsort(-boxes.scores[shown], kind="stable")]]
        place = np.flatnonzero(ids == self.selected) if self.selected is not None else np.zeros(0, np.intp)
        start = int(place[0]) if place.size else (-1 if step > 0 else 0)
        self.select(int(ids[(start + step) % len(ids)]))

    # ---- by hand ---------------------------------------------------------
    def move(self, box: int, across: float, down: float, *, joins: bool = False) -> None:
        """Move a box by columns and rows of the scene; `joins` makes one step of it with the move before."""
        self._change(lambda known: known.move(box, across, down, joins=joins))

    def turn(self, box: int, degrees: float, *, joins: bool = False) -> None:
        """Turn a box clockwise on the screen."""
        self._change(lambda known: known.turn(box, degrees, joins=joins))

    def reshape(self, box: int, corners: Float32, name: str = "resize") -> None:
        """Give a box other corners (4, 2); `name` is what undo calls it."""
        self._change(lambda known: known.reshape(box, corners, name))

    def relabel(self, boxes: Iterable[int], name: str) -> None:
        """Give boxes another label."""
        self._change(lambda known: known.relabel(_ids(boxes), name))

    def confirm(self, boxes: Iterable[int]) -> None:
        """Mark boxes as right: a later run leaves them as they are. Marked ones lose the mark."""
        self._change(lambda known: known.confirm(_ids(boxes)))

    def strike_out(self, boxes: Iterable[int]) -> None:
        """Take boxes out; a later run does not bring them back, `undo` does."""
        self._change(lambda known: known.strike_out(_ids(boxes)))

    def add(self, corners: Float32, name: str) -> None:
        """Add a box that was drawn and select it."""
        self._change(lambda known: bool(known.add(corners, name)))

    def clear(self) -> None:
        """Take away all boxes that nobody worked on."""
        known = self._on_view
        if known is None:
            return
        gone, kept = known.clear(), known.corrected
        if gone:
            self._after_change(known)
        self.message.emit(f"{gone} boxes taken away; {kept} that were worked on by hand stay." if kept else
                          f"{gone} boxes taken away.")  # fmt: skip

    def undo(self) -> None:
        """Take the last change on the scene on view back."""
        self._change(DetectionList.undo)

    def redo(self) -> None:
        """Do again what was undone last."""
        self._change(DetectionList.redo)

    def _change(self, do: Callable[[DetectionList], bool]) -> None:
        known = self._on_view
        if known is not None and do(known):
            self._after_change(known)

    def _after_change(self, known: DetectionList) -> None:
        self._keep(known)
        self._tell(known)

    def _tell(self, known: DetectionList) -> None:
        if known is self._on_view:
            self.changed.emit()
            self.selection_changed.emit()

    # ---- files -----------------------------------------------------------
    def _keep(self, known: DetectionList) -> None:
        """Write a list to disk (I/O lane); changes that come meanwhile are written together after it."""
        key = known.scene.fingerprint
        if key in self._saving:
            return
        self._saving.add(key)
        kept, seen, version = _kept(known), known.note_seen(), known.version

        def done(_none: object) -> None:
            self._saving.discard(key)
            known.saved = max(known.saved, version)
            if known.version > version and not known.in_run:
                self._keep(known)

        def failed(fault: SarvlmError) -> None:
            self._saving.discard(key)
            self.failed.emit(fault)

        self._runner.submit(
            Work(
                "", lambda _ctx: self._store.save(known.scene, kept, seen, version), Lane.IO,
                on_done=done, on_failed=failed,
            )
        )  # fmt: skip

    def flush(self) -> None:
        """Write at once, on this thread, what is not on disk yet: the program ends.

        Raises
        ------
        StorageError
            When it cannot be written; what could be is.
        """
        faults = []
        if self._running is not None:
            self.cancel()
            self._running.end_run(complete=False)
            self._running = None
        for known in self._lists.values():
            if known.saved < known.version:
                try:
                    self._store.save(known.scene, _kept(known), known.note_seen(), known.version)
                    known.saved = known.version
                except StorageError as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]

    def import_file(self, path: Path) -> None:
        """Read the boxes of another detector for the scene on view; they join those that are there.

        They take the place of what the same file brought before.
        """
        scene, known = self._scene, self._on_view
        if scene is None or known is None:
            self._set_fault(SceneError("No scene is open to put boxes on: open one first (Ctrl+O)."))
            return

        self._set_fault(None)

        def done(imported: Imported) -> None:
            arrived = known.arrive(imported.detections, Source.FILE)
            self._notes = imported.notes
            self._after_change(known)
            self.message.emit(sentence(arrived, f"read from {path.name}"))

        self._runner.submit(
            Work(
                f"Reading {path.name}", lambda _ctx: read_detections_noted(path, scene), Lane.IO,
                on_done=done, on_failed=self._set_fault,
            )
        )  # fmt: skip

    def export(self, path: Path, *, shown_only: bool = True) -> None:
        """Write the boxes of the scene on view, in the format of the ending, as they were corrected.

        Those struck out never go out; `shown_only` leaves out what is below the confidence or hidden too.
        """
        scene, boxes = self._scene, self.boxes
        chosen = self.shown if shown_only else ~boxes.struck
        if scene is None or not chosen.any():
            self._set_fault(QueryError("There is no box to export: run the detector, or lower the confidence."))
            return
        outgoing = to_write(boxes.take(chosen), self.names, self._on_view.origins if self._on_view else ())
        self._runner.submit(
            Work(
                f"Writing {path.name}", lambda _ctx: write_file(path, outgoing, scene), Lane.IO,
                on_done=lambda _none: self.message.emit(f"Written: {len(outgoing.by_hand)} boxes to {path}"),
                on_failed=self.failed.emit,
            )
        )  # fmt: skip


def sentence(arrived: Arrived, how: str) -> str:
    """What a run or a file brought, and what happened to the boxes that were there."""
    text = f"{arrived.count} {'box' if arrived.count == 1 else 'boxes'} {how}"
    if arrived.replaced:
        text += f"; they take the place of {arrived.replaced} earlier"
    if arrived.kept:
        text += f"; {arrived.kept} corrected by hand {'was' if arrived.kept == 1 else 'were'} kept as they are"
    return text + "."


def _kept(known: DetectionList) -> KeptBoxes:
    return KeptBoxes(known.boxes, known.names, known.origins)


def _ids(boxes: Iterable[int]) -> Int64:
    return np.fromiter(boxes, np.int64)
