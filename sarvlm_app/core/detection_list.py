"""The boxes of one scene, with all that is done to them by hand; every change can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_app.core.box_edits import kept_inside, moved, settled, turned
from sarvlm_app.core.box_table import Bool, Boxes, Int64, Source, Touch, boxes_of, exchange
from sarvlm_app.core.boxes import bbox_of, polygon_iou
from sarvlm_app.core.scene import Scene
from sarvlm_models.types import Detections, Float32, Window

SAME_IOU = 0.4
"""From this overlap a new box means the object of one that was worked on by hand, or found before."""
MOST_STEPS = 500
BY_HAND = "by hand"
"""Origin of the boxes that were drawn."""


@dataclass(slots=True)
class _Step:
    """A change: rows that it took out and rows that it put in (of one id: the row before and after)."""

    name: str
    leaving: Boxes
    coming: Boxes
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a run or a file brought.

    Attributes
    ----------
    count : int
        Boxes that are new in the list.
    kept : int
        Boxes worked on by hand that stayed where the new ones mean the same object.
    replaced : int
        Earlier boxes that nobody had touched and that went.
    """

    count: int
    kept: int
    replaced: int


@dataclass(slots=True)
class _Run:
    """A run that is going on: its step, the rows that it found so far, and the rows that it set aside at its start."""

    step: _Step
    aside: Boxes
    found: Boxes
    kept: int = 0


class DetectionList:
    """The boxes of one scene and their history.

    Attributes
    ----------
    scene : Scene
    boxes : Boxes
        All of them, those struck out too.
    names, origins : tuple of str
        What `boxes.classes` and `boxes.origins` count in; both only grow.
    seen : int64, sorted
        Ids of all boxes that were ever written or read here.
    version, saved : int
        Grows with every change; that of the list as it was last written.
    selected : int or None
        Id of the selected box.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.boxes = Boxes.empty()
        self.names: tuple[str, ...] = ()
        self.origins: tuple[str, ...] = ()
        self.seen: Int64 = np.zeros(0, np.int64)
        self.version = self.saved = 0
        self.selected: int | None = None
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._run: _Run | None = None

    # ---- state -----------------------------------------------------------
    @property
    def undo_name(self) -> str:
        """What the next undo takes back: "move", "delete", "run" and the like, or nothing. A run must have ended."""
        last = self._done[-1] if self._done else None
        return "" if last is None or (self._run is not None and last is self._run.step) else last.name

    @property
    def redo_name(self) -> str:
        """What the next redo does again."""
        return self._undone[-1].name if self._undone else ""

    @property
    def in_run(self) -> bool:
        """Whether a run has begun to tell and has not ended."""
        return self._run is not None

    @property
    def corrected(self) -> int:
        """How many boxes were worked on by hand."""
        return int(self.boxes.touched.sum())

    def get(self, box: int) -> Boxes | None:
        """The row of an id."""
        place = self.boxes.place_of(box)
        return None if place is None else self.boxes.take(slice(place, place + 1))

    def shown(self, confidence: float, hidden: Iterable[str]) -> Bool:
        """Which boxes are shown: bool (n,).

        Not those struck out, not those of hidden classes, and not those below
        `confidence` unless they were worked on by hand.
        """
        boxes = self.boxes
        gone = np.array([name in set(hidden) for name in self.names], np.bool_)
        good = self.confident(confidence)
        return good & ~gone[boxes.classes] if len(boxes) else good

    def confident(self, confidence: float) -> Bool:
        """Which boxes are not struck out and reach `confidence`, or were worked on by hand: bool (n,)."""
        return ~self.boxes.struck & ((self.boxes.scores >= confidence) | self.boxes.touched)

    def class_id(self, name: str) -> int:
        """Id of a class, which is made where there is none."""
        if name not in self.names:
            self.names += (name,)
        return self.names.index(name)

    def _origin(self, name: str) -> int:
        if name not in self.origins:
            self.origins += (name,)
        return self.origins.index(name)

    # ---- by hand ---------------------------------------------------------
    def move(self, box: int, across: float, down: float, *, joins: bool = False) -> bool:
        """Move a box by columns and rows; its middle stays in the scene. `joins`: one step with the move before."""
        return self._reshape("move", box, lambda corners: moved(corners, across, down), joins)

    def turn(self, box: int, degrees: float, *, joins: bool = False) -> bool:
        """Turn a box clockwise on the screen about its middle."""
        return self._reshape("turn", box, lambda corners: turned(corners, degrees), joins)

    def reshape(self, box: int, corners: Float32, name: str = "resize") -> bool:
        """Give a box other corners (4, 2)."""
        return self._reshape(name, box, lambda _corners: corners, joins=False)

    def _reshape(self, name: str, box: int, change: Callable[[Float32], Float32], joins: bool) -> bool:
        row = self.get(box)
        if row is None:
            return False
        corners = settled(kept_inside(change(row.corners_px[0]), self.scene.width, self.scene.height))
        if not np.isfinite(corners).all() or np.array_equal(corners, row.corners_px[0]):
            return False
        after = row.changed(
            corners_px=corners, bbox_px=bbox_of(corners[None]), touches=row.touches | np.uint8(Touch.EDITED)
        )
        self.selected = box
        return self._do(_Step(name, row, after, joins))

    def relabel(self, ids: Int64, name: str) -> bool:
        """Give boxes another label; words of nothing are not taken."""
        name, rows = " ".join(name.split()), self.boxes.by_ids(ids)
        if not name or not len(rows):
            return False
        label = self.class_id(name)
        rows = rows.take(rows.classes != label)
        return self._touch("relabel", rows, rows.changed(classes=label), Touch.EDITED)

    def confirm(self, ids: Int64) -> bool:
        """Mark boxes as right; where all of them are, take the mark away."""
        rows = self.boxes.by_ids(ids)
        if len(rows) and ((rows.touches & Touch.CONFIRMED) != 0).all():
            return self._do(_Step("confirm", rows, rows.changed(touches=rows.touches & ~np.uint8(Touch.CONFIRMED))))
        return self._touch("confirm", rows, rows, Touch.CONFIRMED)

    def strike_out(self, ids: Int64) -> bool:
        """Take boxes out of what is shown and exported; they stay known, so that a run does not bring them back."""
        rows = self.boxes.by_ids(ids)
        rows = rows.take(~rows.struck)
        if self.selected is not None and self.selected in rows.ids:
            self.selected = None
        return self._touch("delete", rows, rows, Touch.STRUCK)

    def _touch(self, name: str, before: Boxes, after: Boxes, touch: Touch) -> bool:
        return self._do(_Step(name, before, after.changed(touches=after.touches | np.uint8(touch))))

    def add(self, corners: Float32, name: str) -> int:
        """Add a box that was drawn by hand and select it; gives its id."""
        corners = settled(kept_inside(corners, self.scene.width, self.scene.height))
        found = Detections(
            corners[None], bbox_of(corners[None]), np.ones(1, np.float32), np.zeros(1, np.int32), (name,), BY_HAND
        )
        row = boxes_of(found, np.array([self.class_id(name)]), Source.HAND, self._origin(BY_HAND))
        self.selected = int(row.ids[0])
        self._do(_Step("add", Boxes.empty(), row.changed(touches=Touch.ADDED)))
        return int(row.ids[0])

    def clear(self) -> int:
        """Take all boxes away that nobody worked on; gives how many."""
        gone = self.boxes.take(~self.boxes.touched)
        self._do(_Step("clear", gone, Boxes.empty()))
        return len(gone)

    # ---- what arrives ----------------------------------------------------
    def arrive(self, found: Detections, source: Source) -> Arrived:
        """Put boxes of a file in, or of a run that is over.

        Earlier boxes of the same file, or those of earlier runs, give way;
        what was worked on by hand stays, and a new box that means the same
        object is left out.
        """
        aside = self._superseded(found, source, None)
        rows, kept = self._fresh(found, source, aside.ids)
        self._do(_Step("import" if source is Source.FILE else "run", aside, rows))
        return Arrived(len(rows), kept, len(aside))

    def begin_run(self, names: tuple[str, ...], area: Window | None) -> None:
        """A run begins to tell: set the untouched boxes of earlier runs aside, of its classes and in its area."""
        asked = Detections.empty(names)
        aside = self._superseded(asked, Source.RUN, area)
        step = _Step("run", aside, Boxes.empty())
        self._undone.clear()
        self._done.append(step)
        self._run = _Run(step, aside, Boxes.empty())
        self.boxes = exchange(self.boxes, aside, Boxes.empty())
        self.version += 1

    def go_on(self, found: Detections) -> None:
        """What the run has found by now, in the place of what it had found before and nobody has touched since."""
        run = self._run
        if run is None:
            return
        untouched = self.boxes.by_ids(run.found.ids)
        untouched = untouched.take(~untouched.touched)
        rows, run.kept = self._fresh(found, Source.RUN, run.found.ids)
        rows = _named_as_before(rows, untouched)
        self.boxes = exchange(self.boxes, untouched, rows)
        worked_on = run.found.take(~np.isin(run.found.ids, untouched.ids))
        run.found = worked_on.joined(rows)
        run.step.coming = run.found
        self._retain_selection()
        self.version += 1

    def end_run(self, *, complete: bool) -> Arrived | None:
        """The run is over. One that was stopped gives back what it set aside and did not find again."""
        run = self._run
        if run is None:
            return None
        self._run = None
        if not complete:
            back = run.aside.take(~_same(run.aside, run.found))
            self.boxes = exchange(self.boxes, Boxes.empty(), back)
            run.step.leaving = run.aside.take(~np.isin(run.aside.ids, back.ids))
        self._retain_selection()
        self.version += 1
        return Arrived(len(run.found), run.kept, len(run.step.leaving))

    def merge(self, kept: Boxes, names: tuple[str, ...], origins: tuple[str, ...]) -> bool:
        """Put boxes kept from an earlier time in; those seen already stay as they are. It is no step of the history."""
        fresh = kept.take(~np.isin(kept.ids, self.seen))
        if not len(fresh):
            return False
        classes = np.array([self.class_id(name) for name in names], np.int32)
        sources = np.array([self._origin(name) for name in origins], np.int32)
        fresh = fresh.changed(classes=classes[fresh.classes], origins=sources[fresh.origins])
        self.boxes = exchange(self.boxes, Boxes.empty(), fresh)
        self.note_seen()
        return True

    def note_seen(self) -> Int64:
        """Remember all present ids as seen; gives those seen."""
        self.seen = np.union1d(self.seen, self.boxes.ids)
        return self.seen

    def _superseded(self, found: Detections, source: Source, area: Window | None) -> Boxes:
        boxes = self.boxes
        given_way = ~boxes.touched & (boxes.sources == source)
        if source is Source.FILE:
            given_way &= boxes.origins == self._origin(found.model_id)
        else:
            asked = np.array([self.class_id(name) for name in found.names], np.int32)
            given_way &= np.isin(boxes.classes, asked)
        if area is not None:
            given_way &= _within(boxes.centres, area)
        return boxes.take(given_way)

    def _fresh(self, found: Detections, source: Source, giving_way: Int64) -> tuple[Boxes, int]:
        """Rows of what was found, and how many boxes worked on by hand mean an object of it.

        Left out is what those mean already, and in a run what an earlier one
        found beyond the area; `giving_way` are ids of boxes that are about to go.
        """
        classes = np.array([self.class_id(name) for name in found.names], np.int32)[found.class_ids]
        rows = boxes_of(found, classes, source, self._origin(found.model_id))
        by_hand = self.boxes.take(self.boxes.touched)
        known, kept = _same(rows, by_hand), int(_same(by_hand, rows).sum())
        if source is Source.RUN:
            asked = np.isin(self.boxes.classes, np.unique(classes)) & (self.boxes.sources == source)
            stays = asked & ~self.boxes.touched & ~np.isin(self.boxes.ids, giving_way)
            earlier = self.boxes.take(stays)
            known |= _same(rows, earlier)
        return rows.take(~known), kept

    # ---- history ---------------------------------------------------------
    def undo(self) -> bool:
        """Take the last change back and select its box where it was one."""
        if not self.undo_name:
            return False
        step = self._done.pop()
        self._undone.append(step)
        self._exchange(step.coming, step.leaving)
        return True

    def redo(self) -> bool:
        """Do again what was undone last."""
        if not self._undone:
            return False
        step = self._undone.pop()
        self._done.append(step)
        self._exchange(step.leaving, step.coming)
        return True

    def _do(self, step: _Step) -> bool:
        if not len(step.leaving) and not len(step.coming):
            return False
        last = self._done[-1] if self._done else None
        if step.joins and last is not None and not self._undone and _continues(last, step):
            last.coming = step.coming
        else:
            self._done.append(step)
            del self._done[:-MOST_STEPS]
        self._undone.clear()
        self._exchange(step.leaving, step.coming, select=False)
        return True

    def _exchange(self, leaving: Boxes, coming: Boxes, *, select: bool = True) -> None:
        self.boxes = exchange(self.boxes, leaving, coming)
        self.version += 1
        if select and len(coming) == 1:
            self.selected = int(coming.ids[0])
        self._retain_selection()

    def _retain_selection(self) -> None:
        row = None if self.selected is None else self.get(self.selected)
        if row is None or row.struck[0]:
            self.selected = None


def _named_as_before(rows: Boxes, before: Boxes) -> Boxes:
    """Rows with the ids of those that were there before, where place and class are the same to the bit."""

    def keys(table: Boxes) -> list[tuple[bytes, int]]:
        return [
            (corners.tobytes(), label) for corners, label in zip(table.corners_px, table.classes.tolist(), strict=True)
        ]

    known = dict(zip(keys(before), before.ids.tolist(), strict=True))
    ids = [known.pop(key, own) for key, own in zip(keys(rows), rows.ids.tolist(), strict=True)]
    return rows.changed(ids=np.array(ids, np.int64))


def _continues(last: _Step, step: _Step) -> bool:
    one = len(last.coming) == len(step.coming) == 1 and last.coming.ids[0] == step.coming.ids[0]
    return last.joins and last.name == step.name and one


def _within(places: Float32, area: Window) -> Bool:
    col, row = places[:, 0], places[:, 1]
    return np.asarray((col >= area.col) & (col < area.col_end) & (row >= area.row) & (row < area.row_end))


def _same(boxes: Boxes, others: Boxes) -> Bool:
    """Which of `boxes` mean the object of one of `others`, whatever its label: bool (n,)."""
    same = np.zeros(len(boxes), np.bool_)
    if not len(boxes) or not len(others):
        return same
    tree = shapely.STRtree(_extents(others))
    mine, theirs = tree.query(_extents(boxes))
    alike = polygon_iou(boxes.corners_px[mine], others.corners_px[theirs]) >= SAME_IOU
    same[mine[alike]] = True
    return same


def _extents(boxes: Boxes) -> NDArray[np.object_]:
    low, high = boxes.corners_px.min(axis=1), boxes.corners_px.max(axis=1)
    return np.asarray(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
