"""Outlines of any kind made boxes of four corners, with a note of what had to be done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_app.core.boxes import bbox_of, in_order, quad_areas
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Detections

Float64 = NDArray[np.float64]

LEAST_AREA_PX: Final = 1e-3
"""Square pixels below which an outline is a line or a point."""

_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """One object of a file.

    Attributes
    ----------
    label : str
    score : float or None
        None where the file tells none.
    corners : float64 (k, 2)
        (col, row) in pixels of the scene; the last is not the first again.
    bbox : (col, row, width, height) or None
        Upright extent where the file tells it beside the outline.
    """

    label: str
    score: float | None
    corners: Float64
    bbox: tuple[float, float, float, float] | None = None


@dataclass(slots=True)
class Notes:
    """Sentences about what was assumed or left out."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """One more, unless it stands there already."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def count(self, number: int, what: str) -> None:
        """A sentence that begins with a number of boxes, where there are any."""
        if number:
            self.add(f"{number} box{' ' if number == 1 else 'es '}{what}.")


def to_detections(found: Sequence[Outline], scene: Scene, path: Path, notes: Notes) -> Detections:
    """Outlines of a file as detections of a scene, in the order of the file.

    A convex outline of four corners stays as it is; another becomes the
    smallest rectangle around it. What is not finite, has no area or lies
    outside the scene is left out, and `notes` tells of it.

    Raises
    ------
    QueryError
        There are outlines and all of them had to be left out, or a score is none.
    """
    outlines = [each for each in found if _finite(each)]
    notes.count(len(found) - len(outlines), "with coordinates that are no finite numbers left out")
    corners = _boxes([each.corners for each in outlines], notes)
    areas = quad_areas(corners)
    solid = areas > LEAST_AREA_PX
    if (areas > 0).any() and corners[areas > 0].min() >= 0 and corners[areas > 0].max() <= 1:
        size = f"{scene.width} x {scene.height} px"
        raise QueryError(
            f"{path} gives shares of the picture (0 to 1) and no pixels; multiply them by its size, {size}."
        )
    notes.count(int((~solid).sum()), "without area left out")
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside = ((high > 0) & (low < (scene.width, scene.height))).all(axis=1)
    if len(found) and not (solid & inside).any():
        raise QueryError(_nothing_left(len(found), scene, path, solid=bool(solid.any())))
    notes.count(int((solid & ~inside).sum()), "outside the scene left out")
    kept = np.flatnonzero(solid & inside)
    chosen = [outlines[i] for i in kept.tolist()]
    shapes = in_order(corners[kept]).astype(np.float32)
    extents = bbox_of(shapes)
    for place, each in enumerate(chosen):
        if each.bbox is not None:
            extents[place] = each.bbox
    names = tuple(dict.fromkeys(each.label for each in chosen))
    number = {name: i for i, name in enumerate(names)}
    ids = np.array([number[each.label] for each in chosen], np.int32)
    return Detections(shapes, extents, _scores(chosen, path, notes), ids, names, path.name)


def _finite(outline: Outline) -> bool:
    extent = outline.bbox is None or all(map(math.isfinite, outline.bbox))
    score = outline.score is None or math.isfinite(outline.score)
    return extent and score and len(outline.corners) > 0 and bool(np.isfinite(outline.corners).all())


def _nothing_left(count: int, scene: Scene, path: Path, *, solid: bool) -> str:
    if not solid:
        return f"None of the {count} boxes of {path} has an area and coordinates; correct the file."
    size = f"{scene.width} x {scene.height} px"
    return f"None of the {count} boxes of {path} lies in {scene.path} ({size}); check that they are of this scene."


def _boxes(outlines: Sequence[Float64], notes: Notes) -> Float64:
    """Four corners each, float64 (n, 4, 2)."""
    corners = np.zeros((len(outlines), 4, 2))
    four = np.array([len(outline) == 4 for outline in outlines], np.bool_)
    if four.any():
        corners[four] = np.stack([outline for outline in outlines if len(outline) == 4])
    turns = _turns(corners)
    convex = four & ((turns >= 0).all(axis=1) | (turns <= 0).all(axis=1))
    crossing = four & ((turns > 0).sum(axis=1) == 2) & ((turns < 0).sum(axis=1) == 2)
    others = np.flatnonzero(~convex).tolist()
    for place in others:
        corners[place] = rectangle_around(outlines[place])
        crossing[place] |= len(outlines[place]) > 4 and not shapely.Polygon(outlines[place]).is_valid
    notes.count(int(crossing.sum()), "with an outline that crosses itself taken as the smallest rectangle around it")
    odd = sum(not crossing[place] for place in others)
    notes.count(odd, "with an outline that is no convex quadrilateral taken as the smallest rectangle around it")
    return corners


def _turns(corners: Float64) -> Float64:
    """Cross products (n, 4) of edges that follow each other."""
    edges = np.roll(corners, -1, axis=1) - corners
    after = np.roll(edges, -1, axis=1)
    return np.asarray(edges[..., 0] * after[..., 1] - edges[..., 1] * after[..., 0])


def rectangle_around(outline: Float64) -> Float64:
    """The smallest rectangle (4, 2) around points (k, 2); without area where they lie on a line."""
    middle = outline.mean(axis=0)
    rectangle = shapely.MultiPoint(outline - middle).minimum_rotated_rectangle
    if rectangle.geom_type != "Polygon":
        return np.repeat(middle[None], 4, axis=0)
    return np.asarray(shapely.get_coordinates(rectangle)[:4] + middle)


def _scores(found: Sequence[Outline], path: Path, notes: Notes) -> NDArray[np.float32]:
    told = [each.score for each in found if each.score is not None]
    if len(told) < len(found):
        notes.count(len(found) - len(told), "without a score given the score 1")
    scores = np.array([1.0 if each.score is None else each.score for each in found], np.float64)
    if told and (min(told) < 0 or max(told) > _PERCENT):
        wrong = min(told) if min(told) < 0 else max(told)
        raise QueryError(f"{path} has a score of {wrong:g}, which is not from 0 to 1; correct the file.")
    if told and max(told) > 1:
        notes.add("Scores above 1 were taken for percent.")
        scores = np.where([each.score is None for each in found], scores, scores / _PERCENT)
    return scores.astype(np.float32)
