"""What the analyst wishes to be found, turned into a request to a detector."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sarvlm_app.core.detection import DetectionRequest
from sarvlm_app.core.query import check_text
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.types import StoredClass, Window

LEAST_SCORE = 0.1
"""Boxes below are not kept at all."""


class Area(StrEnum):
    """What of a scene is searched."""

    VIEW = "view"
    REGION = "region"
    SCENE = "scene"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to look for, and where.

    Attributes
    ----------
    area : Area
    window : Window or None
        The view, or the region that was drawn.
    classes : tuple of StoredClass or None
        None: all that the detector was taught.
    words : tuple of str
        Names of the analyst's own; they take the place of the classes.
    rotated : bool
    """

    area: Area
    window: Window | None = None
    classes: tuple[StoredClass, ...] | None = None
    words: tuple[str, ...] = ()
    rotated: bool = True


def words_of(text: str) -> tuple[str, ...]:
    """Names typed between commas, each once."""
    return tuple(dict.fromkeys(word for part in text.split(",") if (word := " ".join(part.split()))))


def request_of(scene: Scene, band: int, wish: Wish) -> DetectionRequest:
    """The request of a wish.

    Raises
    ------
    QueryError
        No class is ticked, or a word cannot be asked.
    SceneError
        The window lies outside the scene, or none is there.
    """
    for word in wish.words:
        check_text(word, ())
    classes = tuple(StoredClass(word, (word,)) for word in wish.words) or wish.classes
    if classes is not None and not classes:
        raise QueryError("No class is ticked to look for: tick one, or name your own.")
    area = None
    if wish.area is not Area.SCENE:
        whole = Window(0, 0, scene.width, scene.height)
        area = None if wish.window is None else wish.window.intersection(whole)
        if area is None and wish.area is Area.REGION:
            raise SceneError("No region is drawn to look in: draw one over the scene first (R).")
        if area is None:
            raise SceneError("Nothing of the scene is in view to look at: bring it into view first (F).")
    return DetectionRequest(scene, band, classes or (), area, LEAST_SCORE, wish.rotated)
