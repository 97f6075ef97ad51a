"""Text heat maps held against boxes: pointing accuracy and average precision of the peaks.

Pointing is the share of images with a class whose best peak lies in one of
its boxes. For the average precision the peaks of all images are ranked by
score; a hit lies in a box that no better peak has hit, all others are false,
those in images without the class too. The brightest pixel of a picture is the
answer that needs no model, and stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from sarvlm_app.core.counting import object_logits
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import picture_patches
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.core.prominence import Peak, prominent_peaks
from sarvlm_app.core.query import TextVectors, class_prompts
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Float32

from .coco_boxes import Box, BoxedImages

BRIGHT_BLUR_PX: Final = 2.0


@dataclass(frozen=True, slots=True)
class Places:
    """How well the heat maps of a class, or of all, show its objects.

    Attributes
    ----------
    pointing, pointing_polygon : float or None
        Share of the images with the class whose best peak lies in one of its
        upright boxes, or of its outlines (of its box where it has no
        outline); None where there is no such image.
    brightest_pixel : float or None
        The pointing (by box) of the brightest pixel of the smoothed picture.
    ap, recall : float or None
        All-point average precision of the peaks over the boxes, and the share
        of the boxes with a peak.
    n, boxes : int
        Images with the class, and its boxes in them.
    """

    pointing: float | None
    pointing_polygon: float | None
    brightest_pixel: float | None
    ap: float | None
    recall: float | None
    n: int
    boxes: int


@dataclass(frozen=True, slots=True)
class HeatmapScores:
    """What `evaluate_heatmaps` measured.

    Attributes
    ----------
    everything : Places
        Pointing and brightest pixel over all pairs of image and class,
        average precision and recall as means over the classes.
    per_class : dict of class name to Places
        Those without boxes hold no figures.
    faults : dict of Path to str
        Images that could not be read, which do not count.
    """

    everything: Places
    per_class: dict[str, Places]
    faults: dict[Path, str]


@dataclass(slots=True)
class _Tally:
    """What was found of one class so far."""

    peaks: list[tuple[float, bool]] = field(default_factory=list)
    pointed: list[tuple[bool, bool, bool]] = field(default_factory=list)
    boxes: int = 0

    def add(self, peaks: Sequence[Peak], boxes: Sequence[Box], brightest: Peak) -> None:
        self.peaks += match_peaks(peaks, boxes)
        wanted = [box for box in boxes if not box.crowd]
        self.boxes += len(wanted)
        if not wanted:
            return
        best = peaks[0] if peaks else None
        self.pointed.append(
            (
                best is not None and any(in_box(best, box) for box in wanted),
                best is not None and any(in_outline(best, box) for box in wanted),
                any(in_box(brightest, box) for box in wanted),
            )
        )

    def result(self) -> Places:
        shares: tuple[float | None, float | None, float | None] = (None, None, None)
        if self.pointed:
            box, outline, bright = (float(share) for share in np.mean(self.pointed, axis=0))
            shares = box, outline, bright
        ap, recall = average_precision(self.peaks, self.boxes) if self.boxes else (None, None)
        return Places(*shares, ap, recall, len(self.pointed), self.boxes)


def evaluate_heatmaps(
    encoder: DenseEncoder, data: BoxedImages, words: Mapping[str, Sequence[str]], ctx: JobContext
) -> HeatmapScores:
    """Measure the heat maps of every class that has boxes, over all images.

    Parameters
    ----------
    encoder : DenseEncoder
    data : BoxedImages
    words : mapping of class name to its words
    ctx : JobContext
        Told of each image; the place to cancel.

    Raises
    ------
    QueryError
        No class has a box.
    SceneError
        Not a single image can be read.
    """
    present = {box.category for image in data.images for box in image.boxes if not box.crowd}
    if not present:
        raise QueryError("There is no box to hold the heat maps against; give a COCO file with annotations.")
    texts = TextVectors(encoder)
    prompts = {key: class_prompts(texts, words[name]) for key, name in data.categories.items() if key in present}
    tallies = {key: _Tally() for key in data.categories}
    faults: dict[Path, str] = {}
    for done, image in enumerate(data.images):
        ctx.step(done, len(data.images), "Scoring images")
        try:
            amplitude = read_picture(image.path)
        except SceneError as fault:
            faults[image.path] = str(fault)
            continue
        patches = picture_patches(encoder, amplitude)
        brightest = brightest_pixel(amplitude)
        for key, asked in prompts.items():
            peaks = prominent_peaks(object_logits(patches, asked), encoder.spec.cell_px)
            peaks = [within(peak, amplitude.shape) for peak in peaks]
            tallies[key].add(peaks, [box for box in image.boxes if box.category == key], brightest)
    if len(faults) == len(data.images):
        raise SceneError(f"None of the {len(faults)} images can be read; the first: {next(iter(faults.values()))}")
    per_class = {name: tallies[key].result() for key, name in data.categories.items()}
    return HeatmapScores(_over_all([tallies[key] for key in prompts]), per_class, faults)


def _over_all(tallies: Sequence[_Tally]) -> Places:
    pooled = _Tally(pointed=[row for tally in tallies for row in tally.pointed]).result()
    each = [average_precision(tally.peaks, tally.boxes) for tally in tallies if tally.boxes]
    ap, recall = (float(value) for value in np.mean(each, axis=0)) if each else (None, None)
    boxes = sum(tally.boxes for tally in tallies)
    return Places(pooled.pointing, pooled.pointing_polygon, pooled.brightest_pixel, ap, recall, pooled.n, boxes)


def within(peak: Peak, shape: tuple[int, ...]) -> Peak:
    """A peak moved into the picture, where its cell reaches beyond."""
    return Peak(peak.score, min(peak.x, shape[1] - 0.5), min(peak.y, shape[0] - 0.5))


def match_peaks(peaks: Sequence[Peak], boxes: Sequence[Box]) -> list[tuple[float, bool]]:
    """Score of each peak of one image and whether it hits a box not yet hit, best first.

    Of several such boxes the one with the nearest centre is hit. A peak in no
    such box but in a crowd is left out.
    """
    open_boxes = [box for box in boxes if not box.crowd]
    crowds = [box for box in boxes if box.crowd]
    matched = []
    for peak in sorted(peaks, key=lambda peak: -peak.score):
        inside = [box for box in open_boxes if in_box(peak, box)]
        if inside:
            open_boxes.remove(min(inside, key=lambda box: _off_centre(peak, box)))
        elif any(in_box(peak, crowd) for crowd in crowds):
            continue
        matched.append((peak.score, bool(inside)))
    return matched


def average_precision(ranked: Sequence[tuple[float, bool]], positives: int) -> tuple[float, float]:
    """All-point average precision and recall of (score, hit) pairs; equal scores rank the misses first.

    The precision at a recall is the best at that or any higher recall.
    """
    order = sorted(ranked, key=lambda pair: (-pair[0], pair[1]))
    hits = np.cumsum([hit for _, hit in order], dtype=np.float64)
    if not len(hits):
        return 0.0, 0.0
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((np.diff(hits, prepend=0.0) * precision).sum() / positives), float(hits[-1] / positives)


def brightest_pixel(amplitude: Float32) -> Peak:
    """The middle of the brightest pixel after a blur of `BRIGHT_BLUR_PX`."""
    row, col = np.unravel_index(int(gaussian_filter(amplitude, BRIGHT_BLUR_PX).argmax()), amplitude.shape)
    return Peak(1.0, float(col) + 0.5, float(row) + 0.5)


def in_box(peak: Peak, box: Box) -> bool:
    """Whether a peak lies in the upright box, its edges included."""
    x, y, width, height = box.bbox
    return x <= peak.x <= x + width and y <= peak.y <= y + height


def in_outline(peak: Peak, box: Box) -> bool:
    """Whether a peak lies in an outline of the object, or in its box where it has none."""
    if not box.polygons:
        return in_box(peak, box)
    place = (peak.x, peak.y)
    return any(cv2.pointPolygonTest(ring.astype(np.float32)[:, None], place, False) >= 0 for ring in box.polygons)


def _off_centre(peak: Peak, box: Box) -> float:
    x, y, width, height = box.bbox
    return float(np.hypot(peak.x - x - width / 2, peak.y - y - height / 2))
