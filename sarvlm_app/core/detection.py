"""Objects of a scene as boxes: windows to a detector, merged across their borders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.boxes import merge_boxes, upright_corners
from sarvlm_app.core.detection_kept import KeptWindows, RunKey
from sarvlm_app.core.detection_passes import Pass, Plan, plan_passes, spacing_of, with_spacing
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.scene import Scene, read_chip, scene_stats
from sarvlm_app.core.scene_index import filled
from sarvlm_app.core.tiling import Tile, plan_windows
from sarvlm_app.errors import SceneError
from sarvlm_models.api import BoxFitter, BoxNamer, Detector
from sarvlm_models.types import Detections, DetectorSpec, Float32, StoredClass, Window

DetectorProvider = Callable[[], Detector]
SAME_OBJECT: Final = 0.3
"""Polygon IoU above which two boxes mean one object."""
PART_COVER: Final = 0.75
"""Share of a box that lies in a larger one, above which it is a part of it."""
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
        boxes = self.detector.detect(intensity, stats, classes, self._vectors[classes], request.min_score)
        boxes = boxes.take(_centred(boxes, job.tile, chip.valid))
        boxes = named(self.detector, intensity, once_each(boxes), classes)
        if isinstance(self.detector, BoxFitter) and len(boxes):
            boxes = self.detector.fitted(boxes, classes)
        return moved(boxes, (read.col, read.row), f)

    def _key(self, request: DetectionRequest, plan: Plan) -> RunKey:
        spec = self.spec
        return RunKey(
            request.scene.fingerprint, request.band, spec.model_id, spec.named_by, spec.window_px, spec.margin_px,
            tuple((step.factor, step.classes) for step in plan.passes), request.min_score,
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


def once_each(boxes: Detections, cover: float | None = None) -> Detections:
    """Boxes that mean one object, of whatever class, become the best; with `cover`, parts go where the whole is."""
    alike = np.zeros(len(boxes), np.int64)
    return boxes.take(merge_boxes(boxes.corners_px, boxes.scores, alike, SAME_OBJECT, cover))


def named(detector: Detector, intensity: Float32, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
    """Boxes of a window named once more, by a detector that does so."""
    return detector.renamed(intensity, boxes, classes) if isinstance(detector, BoxNamer) and len(boxes) else boxes


def moved(boxes: Detections, corner: tuple[int, int], factor: int = 1) -> Detections:
    """Boxes of a window that begins at `corner` (col, row), in the pixels of what it was cut from."""
    shift = np.array(corner, np.float32)
    box = boxes.bbox_px * factor
    box[:, :2] += shift * factor
    return replace(boxes, corners_px=(boxes.corners_px + shift) * factor, bbox_px=box)


def joined(parts: list[Detections], names: tuple[str, ...], model_id: str) -> Detections:
    """Boxes of several windows as one table with the class ids of `names`."""
    filled_parts = [part for part in parts if len(part)]
    if not filled_parts:
        return Detections.empty(names, model_id)
    ids = [np.array([names.index(name) for name in part.names])[part.class_ids] for part in filled_parts]
    return Detections(
        np.concatenate([part.corners_px for part in filled_parts]),
        np.concatenate([part.bbox_px for part in filled_parts]),
        np.concatenate([part.scores for part in filled_parts]),
        np.concatenate(ids).astype(np.int32), names, model_id,
    )  # fmt: skip


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
