"""The captions of one scene: where each lies, what was said, what the analyst made of it; with undo."""

from __future__ import annotations

import math
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sarvlm_app.core.georef import local_spacing_m
from sarvlm_app.core.query import Candidate
from sarvlm_app.core.scene import Scene, default_band
from sarvlm_models.types import Window

LEAST_PLACE_PX = 64
"""Shortest edge of the window about a selected place."""
PLACE_ROOM = 2.0
"""That edge in lengths of the place's box, so that its surroundings are described with it."""


class Where(StrEnum):
    """What of a scene is described."""

    VIEW = "view"
    PLACE = "place"
    REGION = "region"
    SCENE = "scene"


@dataclass(frozen=True, slots=True)
class SceneCaption:
    """A caption and all that is told of it.

    Attributes
    ----------
    id : str
        Hexadecimal digits; stays with it for good.
    where : Where
    window : Window
        In full-resolution pixels.
    band : int
        From 1.
    text : str
        As it reads now.
    said : str
        As the model said it, to be read; `raw` is its words with blanks between them.
    logprob : float or None
        Natural logarithm of the probability of `raw`; None where the text sums up many captions.
    counts : tuple of (concept, number)
        Objects that were counted.
    cover : tuple of (name, share)
        Land cover, shares 0..1, the largest first.
    model_id : str
        Name@first 12 digits of the weights' SHA-256.
    made : datetime
        UTC, aware.
    """

    id: str
    where: Where
    window: Window
    band: int
    text: str
    said: str
    raw: str
    logprob: float | None
    counts: tuple[tuple[str, int], ...]
    cover: tuple[tuple[str, float], ...]
    model_id: str
    made: datetime

    @property
    def edited(self) -> bool:
        """Whether it no longer reads as the model said it."""
        return self.text != self.said


@dataclass(frozen=True, slots=True)
class Ground:
    """A window on the ground: (width, height) in geodesic metres, and its centre's longitude and latitude."""

    size_m: tuple[float, float] | None
    centre: tuple[float, float] | None


def ground_of(scene: Scene, window: Window) -> Ground:
    """Size and centre of a window; None for what the scene does not tell."""
    col, row = window.col + window.width / 2, window.row + window.height / 2
    spacing, centre = scene.spacing_m, None
    if scene.georef is not None:
        spacing = local_spacing_m(scene.georef, col, row)
        lon, lat = (float(value) for value in scene.georef.to_lonlat(col, row))
        centre = (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None
    if spacing is None or not all(math.isfinite(value) for value in spacing):
        return Ground(None, centre)
    return Ground((spacing[0] * window.width, spacing[1] * window.height), centre)


def place_window(scene: Scene, place: Candidate) -> Window:
    """A square about a place that stands out, with room around its box, shifted and cut to lie inside the scene."""
    _, _, width, height = place.bbox_px
    edge = max(LEAST_PLACE_PX, math.ceil(PLACE_ROOM * max(width, height)))
    across, down = min(edge, scene.width), min(edge, scene.height)
    col = min(max(round(place.col - across / 2), 0), scene.width - across)
    row = min(max(round(place.row - down / 2), 0), scene.height - down)
    return Window(col, row, across, down)


def command_of(scene: Scene, caption: SceneCaption) -> str:
    """The shell command that describes the same window."""
    words = ["sarvlm", "caption", str(scene.path)]
    if caption.where is not Where.SCENE:
        window = caption.window
        words += ["--window", f"{window.col},{window.row},{window.width},{window.height}"]
    if caption.band != default_band(scene):
        words += ["--band", str(caption.band)]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


@dataclass(frozen=True, slots=True)
class _Change:
    """An edit, or a removal (`after` is None) from place `row` of the list."""

    row: int
    before: SceneCaption
    after: SceneCaption | None

    @property
    def name(self) -> str:
        return "delete" if self.after is None else "edit"


class CaptionList:
    """The captions of one scene, the oldest first. Edits and removals can be undone; a new caption is no step of it.

    Attributes
    ----------
    scene : Scene
    seen : set of str
        Ids of all captions that were ever in the list.
    version, saved : int
        Grows with every change; that of the list as it was last written.
    selected : str or None
        Id of the selected caption.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.seen: set[str] = set()
        self.version = self.saved = 0
        self.selected: str | None = None
        self._captions: list[SceneCaption] = []
        self._done: list[_Change] = []
        self._undone: list[_Change] = []

    @property
    def captions(self) -> tuple[SceneCaption, ...]:
        return tuple(self._captions)

    @property
    def undo_name(self) -> str:
        """What the next undo takes back: "edit", "delete", or nothing."""
        return self._done[-1].name if self._done else ""

    @property
    def redo_name(self) -> str:
        """What the next redo does again."""
        return self._undone[-1].name if self._undone else ""

    def get(self, caption: str) -> SceneCaption | None:
        """The caption of an id."""
        return next((known for known in self._captions if known.id == caption), None)

    def add(self, caption: SceneCaption) -> None:
        """Put a new caption at the end and select it."""
        self._captions.append(caption)
        self.seen.add(caption.id)
        self.selected = caption.id
        self.version += 1

    def merge(self, kept: Iterable[SceneCaption]) -> bool:
        """Put captions kept from an earlier time before the others; those seen already stay as they are."""
        fresh = [caption for caption in kept if caption.id not in self.seen]
        self._captions[:0] = fresh
        self.seen.update(caption.id for caption in fresh)
        return bool(fresh)

    def edit(self, caption: str, text: str) -> bool:
        """Give a caption other words (blanks and line breaks become one blank); words of nothing are not taken."""
        before, words = self.get(caption), " ".join(text.split())
        if before is None or not words or words == before.text:
            return False
        self._do(_Change(self._captions.index(before), before, replace(before, text=words)))
        return True

    def remove(self, caption: str) -> bool:
        """Take a caption away."""
        before = self.get(caption)
        if before is None:
            return False
        self._do(_Change(self._captions.index(before), before, None))
        return True

    def undo(self) -> bool:
        """Take the last edit or removal back and select its caption."""
        if not self._done:
            return False
        change = self._done.pop()
        self._undone.append(change)
        if change.after is None:
            self._captions.insert(min(change.row, len(self._captions)), change.before)
        else:
            self._put(change.before)
        self.selected = change.before.id
        self.version += 1
        return True

    def redo(self) -> bool:
        """Do again what was undone last."""
        if not self._undone:
            return False
        change = self._undone.pop()
        self._done.append(change)
        self._apply(change)
        return True

    def _do(self, change: _Change) -> None:
        self._undone.clear()
        self._done.append(change)
        self._apply(change)

    def _apply(self, change: _Change) -> None:
        self.version += 1
        if change.after is not None:
            self._put(change.after)
            self.selected = change.after.id
            return
        row = next(row for row, known in enumerate(self._captions) if known.id == change.before.id)
        del self._captions[row]
        if self.selected == change.before.id:
            self.selected = self._captions[min(row, len(self._captions) - 1)].id if self._captions else None

    def _put(self, caption: SceneCaption) -> None:
        self._captions = [caption if known.id == caption.id else known for known in self._captions]
