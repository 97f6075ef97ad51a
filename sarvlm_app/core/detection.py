"""Objects of a scene as boxes: windows to a detector, merged across their borders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.boxes import upright_corners
from sarvlm_app.core.detection_boxes import PART_COVER, joined, moved, named, once_each
from sarvlm_app.core.detection_kept import KeptWindows, RunKey
from sarvlm_app.core.detection_looks import Asked, Look, looked_at
from sarvlm_app.core.detection_passes import Pass, Plan, plan_passes, spacing_of, with_spacing
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.scene import Scene, read_chip, scene_stats
from sarvlm_app.core.scene_index import filled
from sarvlm_app.core.tiling import Tile, plan_windows
from sarvlm_app.errors import SceneError
from sarvlm_models.api import BoxFitter, Detector
from sarvlm_models.types import Detections, DetectorSpec, Float32, StoredClass, Window

DetectorProvider = Callable[[], Detector]
PARTIAL_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class DetectionRequest:
    """What to look for and where: all that decides the result.

    Attributes
    ----------
    band : int
        From 1.
    classes : tuple of StoredClass
        Empty: those the detector was taught, as far as the pixel spacing allows.
    area : Window or None
        Full-resolution pixels, cut at the scene's edges; None is the whole scene.
    min_score : float
        Boxes below are not kept at all (the slider of the window works above it).
    rotated : bool
        Whether `corners_px` of the result are rotated boxes; else the corners of `bbox_px`.
    """

    scene: Scene
    band: int
    classes: tuple[StoredClass, ...] = ()
    area: Window | None = None
    min_score: float = 0.1
    rotated: bool = True


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found.

    Attributes
    ----------
    detections : Detections
        In full-resolution pixels of the scene, best first.
    seconds : float
    complete : bool
        False while windows are still to come: a partial result.
    notes : tuple of str
        Sentences about what was assumed (an unknown pixel spacing, no georeference).
    """

    request: DetectionRequest
    detections: Detections
    seconds: float
    complete: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectionEstimate:
    """What a run will cost: windows, and seconds where the speed is known from an earlier one."""

    windows: int
    megapixels: float
    seconds: float | None


@dataclass(frozen=True, slots=True)
class _Job:
    """One window of one pass."""

    number: int
    tile: Tile
    step: Pass


class Detecting:
    """Finds objects on the compute lane; what a cancelled run has done is kept and taken up again.

    Parameters
    ----------
    detector : callable
        Gives the detector; the first call loads it.
    cache : Path
        Where the boxes of finished windows are kept.
    """

    def __init__(self, detector: DetectorProvider, cache: Path) -> None:
        self._provide = detector
        self._cache = cache
        self._detector: Detector | None = None
        self._vectors: dict[tuple[StoredClass, ...], Float32] = {}
        self._seconds_a_window: float | None = None

    @property
    def detector(self) -> Detector:
        """The detector, loaded at the first call."""
        if self._detector is None:
            self._detector = self._provide()
        return self._detector

    @property
    def spec(self) -> DetectorSpec:
        """Of the detector, which it loads."""
        return self.detector.spec

    def estimate(self, request: DetectionRequest) -> DetectionEstimate:
        """What a run will cost.

        Raises
        ------
        QueryError
            The area lies outside the scene.
        """
        jobs = self._jobs(request, self._plan(request), None)
        pixels = sum(job.tile.read.width * job.tile.read.height for job in jobs) / 1e6
        seconds = None if self._seconds_a_window is None else self._seconds_a_window * len(jobs)
        return DetectionEstimate(len(jobs), pixels, seconds)

    def detect(self, request: DetectionRequest, ctx: JobContext, visible: Window | None = None) -> Detected:
        """Look at every window of the area, what is on view first; sends partial results about twice a second.

        Raises
        ------
        JobCancelled
            What was done is kept.
        ModelError, SceneError, StorageError
        QueryError
            The area lies outside the scene.
        """
        began = time.perf_counter()
        ctx.step(message="Loading the detector")
        plan = self._plan(request)
        jobs = self._jobs(request, plan, visible)
        if scene_stats(request.scene, request.band).valid_share == 0.0:
            raise _no_data(request)
        kept = KeptWindows(self._cache, self._key(request, plan), request.scene.path)
        found: list[Detections] = []
        due = began + PARTIAL_EVERY_S
        try:
            for done, job in enumerate(jobs):
                ctx.step(done, len(jobs), f"Looking at {request.scene.name}")
                found.append(self._window(request, job, kept))
                if time.perf_counter() >= due:
                    ctx.partial(self._result(request, plan, found, began, complete=False))
                    due = time.perf_counter() + PARTIAL_EVERY_S
        finally:
            kept.save()
        ctx.step(len(jobs), len(jobs), "Merging the boxes")
        return self._result(request, plan, found, began, complete=True)

    def _plan(self, request: DetectionRequest) -> Plan:
        classes = with_spacing(self.detector, request.classes)
        return plan_passes(self.spec, classes, spacing_of(request.scene))

    def _jobs(self, request: DetectionRequest, plan: Plan, visible: Window | None) -> list[_Job]:
        area = part_of(request.scene, request.area)
        jobs = [job for step in plan.passes for job in self._pass(request.scene, step, visible)]
        return [job for job in jobs if _full(job.tile.keep, job.step.factor).intersection(area) is not None]

    def _pass(self, scene: Scene, step: Pass, visible: Window | None) -> Iterator[_Job]:
        spec, f = self.spec, step.factor
        width, height = -(-scene.width // f), -(-scene.height // f)
        view = None
        if visible is not None:
            view = Window(visible.col // f, visible.row // f, max(1, visible.width // f), max(1, visible.height // f))
        numbers = {tile.keep: i for i, tile in enumerate(plan_windows(width, height, spec.window_px, spec.margin_px))}
        for tile in plan_windows(width, height, spec.window_px, spec.margin_px, view):
            yield _Job(numbers[tile.keep], tile, step)

    def _window(self, request: DetectionRequest, job: _Job, kept: KeptWindows) -> Detections:
        """Boxes of a window whose centre lies in what is kept of it, in full-resolution pixels."""
        known = kept.get(job.step.factor, job.number)
        if known is None:
            began = time.perf_counter()
            known = self._looked_at(request, job)
            kept.put(job.step.factor, job.number, known)
            self._seconds_a_window = time.perf_counter() - began
        return known

    def _looked_at(self, request: DetectionRequest, job: _Job) -> Detections:
        read, f, classes = job.tile.read, job.step.factor, job.step.classes
        shape = (read.height, read.width) if f > 1 else None
        chip = read_chip(request.scene, _full(read, f), request.band, shape)
        names = tuple(one.name for one in classes)
        if not chip.valid.any():
            return Detections.empty(names, self.spec.model_id)
        stats = scene_stats(request.scene, request.band)
        if classes not in self._vectors:
            self._vectors[classes] = self.detector.class_vectors(classes)
        intensity = filled(chip, stats)
        asked = Asked(classes, self._vectors[classes], request.min_score, self._looks(request.scene))
        boxes = looked_at(
            self.detector, Look(intensity, stats, lambda found: _centred(found, job.tile, chip.valid)), asked
        )
        boxes = named(self.detector, intensity, boxes, classes)
        if isinstance(self.detector, BoxFitter) and len(boxes):
            boxes = self.detector.fitted(boxes, classes)
        return moved(boxes, (read.col, read.row), f)

    def _looks(self, scene: Scene) -> tuple[float, ...]:
        """Several where it is not known how large an object is in pixels."""
        return self.spec.looks if spacing_of(scene) is None else (1.0,)

    def _key(self, request: DetectionRequest, plan: Plan) -> RunKey:
        spec = self.spec
        return RunKey(
            request.scene.fingerprint, request.band, spec.model_id, spec.named_by, spec.window_px, spec.margin_px,
            tuple((step.factor, step.classes) for step in plan.passes), request.min_score, self._looks(request.scene),
        )  # fmt: skip

    def _result(
        self, request: DetectionRequest, plan: Plan, found: list[Detections], began: float, *, complete: bool
    ) -> Detected:
        names = tuple(dict.fromkeys(one.name for step in plan.passes for one in step.classes))
        boxes = once_each(joined(found, names, self.spec.model_id), PART_COVER)
        boxes = boxes.take(_centre_inside(boxes, part_of(request.scene, request.area)))
        if not request.rotated:
            boxes = replace(boxes, corners_px=upright_corners(boxes.bbox_px).astype(np.float32))
        return Detected(request, boxes, time.perf_counter() - began, complete, _notes(request, plan))


def _full(window: Window, factor: int) -> Window:
    """A window of the detector's pixels in those of the scene."""
    return Window(window.col * factor, window.row * factor, window.width * factor, window.height * factor)


def _centred(boxes: Detections, tile: Tile, valid: np.ndarray) -> np.ndarray:
    """Boxes whose centre lies in the kept part of a window, on data: bool (n,)."""
    middle = boxes.corners_px.mean(axis=1)
    col, row = middle[:, 0] + tile.read.col, middle[:, 1] + tile.read.row
    keep = tile.keep
    inside = (col >= keep.col) & (col < keep.col_end) & (row >= keep.row) & (row < keep.row_end)
    rows = np.clip(middle[:, 1].astype(int), 0, valid.shape[0] - 1)
    cols = np.clip(middle[:, 0].astype(int), 0, valid.shape[1] - 1)
    return np.asarray(inside & valid[rows, cols])


def _centre_inside(boxes: Detections, area: Window) -> np.ndarray:
    middle: Float32 = boxes.corners_px.mean(axis=1)
    col, row = middle[:, 0], middle[:, 1]
    return np.asarray((col >= area.col) & (col < area.col_end) & (row >= area.row) & (row < area.row_end))


def _notes(request: DetectionRequest, plan: Plan) -> tuple[str, ...]:
    if request.scene.georef is None:
        return (*plan.notes, "The scene has no georeference: boxes are given in pixels only.")
    return plan.notes


def _no_data(request: DetectionRequest) -> SceneError:
    band = request.scene.bands[request.band - 1].name
    return SceneError(
        f"{request.scene.path} holds no data in {band}, so there is nothing to look at; choose another band or scene."
    )
