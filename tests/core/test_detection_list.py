"""The boxes of a scene under the hand of an analyst: nothing that was corrected is ever lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sarvlm_app.core.box_edits import drawn, moved, resized, settled, turned
from sarvlm_app.core.box_table import LAYOUT, Boxes, Source, Touch, exchange
from sarvlm_app.core.boxes import corners_from, sides_px
from sarvlm_app.core.detection_list import DetectionList
from sarvlm_models.types import Detections, Window
from tests.core.export_answers import make_scene
from tests.core.fake_detecting import SHIPS, some

finite = st.floats(-200, 900, width=32)


def ids_of(known: DetectionList, *places: int) -> np.ndarray:
    return known.boxes.ids[list(places)]


def a_list(found: Detections = SHIPS) -> DetectionList:
    known = DetectionList(make_scene())
    known.arrive(found, Source.RUN)
    return known


def rows(boxes: Boxes) -> dict[int, tuple[object, ...]]:
    """What a table holds, whatever its order."""
    columns = [getattr(boxes, name) for name in LAYOUT]
    return {int(row[0]): tuple(np.asarray(value).tobytes() for value in row) for row in zip(*columns, strict=True)}


def scores(known: DetectionList) -> list[float]:
    return sorted(known.boxes.scores.astype(float).round(2).tolist())


# ---- geometry ---------------------------------------------------------------------------
@given(st.floats(5, 80), st.floats(2, 5), st.floats(0, np.pi), st.floats(-720, 720))
def test_turning_keeps_middle_and_sides(length: float, width: float, angle: float, degrees: float) -> None:
    box = corners_from(300, 200, length, width, angle)[0].astype(np.float32)
    after = turned(box, degrees)
    assert np.allclose(after.mean(axis=0), box.mean(axis=0), atol=1e-2)
    assert np.allclose(sides_px(after[None])[:2], sides_px(box[None])[:2], atol=1e-2)


def test_turning_is_clockwise_on_the_screen() -> None:
    box = corners_from(0, 0, 10, 2, 0.0)[0].astype(np.float32)
    assert sides_px(turned(box, 30)[None])[2][0] == pytest.approx(np.radians(30), abs=1e-4)


@given(st.integers(0, 7), finite, finite, st.floats(0, np.pi))
def test_what_lies_opposite_a_handle_stays(handle: int, across: float, down: float, angle: float) -> None:
    box = corners_from(300, 200, 40, 12, angle)[0].astype(np.float32)
    after = resized(box, handle, across, down)
    length, width, _ = sides_px(after[None])
    assert width[0] >= 0.99
    fixed = [(handle + 2) % 4] if handle < 4 else [(handle - 4 + 2) % 4, (handle - 4 + 3) % 4]
    for corner in fixed:
        assert np.abs(after - box[corner]).sum(axis=1).min() < 0.05


@given(st.permutations(range(4)), st.floats(0, np.pi))
def test_settled_corners_run_clockwise_along_a_long_side(order: list[int], angle: float) -> None:
    box = corners_from(300, 200, 40, 12, angle)[0].astype(np.float32)
    turned_round = np.roll(box, order[0], axis=0)[:: 1 if order[1] > order[2] else -1]
    after = settled(turned_round)
    one, two = after[1] - after[0], after[2] - after[1]
    assert np.hypot(*one) > np.hypot(*two) and one[0] * two[1] - one[1] * two[0] > 0


def test_a_drawn_box_has_a_size_even_from_a_click() -> None:
    length, width, _ = sides_px(drawn((5, 6), (5, 6))[None])
    assert (length[0], width[0]) == (1, 1)
    assert np.array_equal(drawn((30, 5), (10, 10)), drawn((10, 10), (30, 5)))


# ---- by hand ----------------------------------------------------------------------------
def test_a_moved_box_counts_as_corrected_and_is_selected() -> None:
    known = a_list()
    box = int(known.boxes.ids[1])
    before = known.get(box)
    assert before is not None and known.move(box, 3, -4)
    after = known.get(box)
    assert after is not None
    assert np.allclose(after.corners_px, before.corners_px + (3, -4), atol=1e-3)
    assert np.allclose(after.bbox_px[0, :2], before.bbox_px[0, :2] + (3, -4), atol=1e-3)
    assert known.selected == box and known.corrected == 1 and known.undo_name == "move"


def test_the_middle_of_a_box_cannot_leave_the_scene() -> None:
    known = a_list()
    box = int(known.boxes.ids[0])
    known.move(box, -5000, 5000)
    row = known.get(box)
    assert row is not None and row.centres[0].tolist() == pytest.approx([0, 400], abs=1e-2)


def test_moves_that_join_are_one_step() -> None:
    known = a_list()
    box, other = (int(value) for value in known.boxes.ids[:2])
    before = rows(known.boxes)
    for _ in range(5):
        known.move(box, 1, 0, joins=True)
    known.move(other, 1, 0, joins=True)
    assert known.undo() and known.undo() and known.undo_name == "run"
    assert rows(known.boxes) == before


def test_a_struck_box_is_neither_shown_nor_brought_back_by_a_run() -> None:
    known = a_list()
    struck = int(known.boxes.ids[0])
    known.selected = struck
    known.strike_out(ids_of(known, 0))
    assert known.selected is None and known.shown(0.0, ()).sum() == 2
    arrived = known.arrive(SHIPS, Source.RUN)
    assert (arrived.count, arrived.kept, arrived.replaced) == (2, 1, 2)
    assert known.shown(0.0, ()).sum() == 2 and known.get(struck) is not None


def test_labels_are_tidied_and_empty_ones_refused() -> None:
    known = a_list()
    assert not known.relabel(ids_of(known, 0), "   ")
    assert not known.relabel(ids_of(known, 0), "ship")
    assert known.relabel(ids_of(known, 0, 1), " oil \n tanker ")
    assert known.names[known.boxes.classes[0]] == "oil tanker"
    assert known.undo() and known.names[known.boxes.classes[0]] == "ship"


def test_confirming_twice_takes_the_mark_away() -> None:
    known = a_list()
    known.confirm(ids_of(known, 2))
    assert known.shown(0.5, ()).tolist() == [True, True, True], "a confirmed box is shown below the confidence"
    known.confirm(ids_of(known, 2))
    assert known.shown(0.5, ()).tolist() == [True, True, False]


def test_classes_and_confidence_filter() -> None:
    known = a_list()
    assert known.shown(0.8, ()).tolist() == [True, False, False]
    assert known.shown(0.0, {"ship"}).tolist() == [False, False, True]


# ---- runs -------------------------------------------------------------------------------
def test_a_run_again_keeps_what_was_corrected_and_replaces_the_rest() -> None:
    known = a_list()
    moved_box = int(known.boxes.ids[0])
    known.move(moved_box, 4, 2)
    corrected = known.get(moved_box)
    drawn_box = known.add(drawn((400, 20), (460, 40)), "tug")
    arrived = known.arrive(some((100, 100, 0.95, "ship"), (301, 200, 0.8, "ship")), Source.RUN)
    assert (arrived.count, arrived.kept, arrived.replaced) == (1, 1, 2)
    after = known.get(moved_box)
    assert corrected is not None and after is not None and rows(after) == rows(corrected)
    assert known.get(drawn_box) is not None
    known.undo()
    assert len(known.boxes) == 4


def test_a_run_over_a_part_leaves_the_rest_of_the_scene() -> None:
    known = a_list()
    known.begin_run(("ship", "aircraft"), Window(0, 0, 200, 200))
    known.go_on(some((110, 110, 0.6, "ship")))
    arrived = known.end_run(complete=True)
    assert arrived is not None and (arrived.count, arrived.replaced) == (1, 1)
    assert scores(known) == [0.3, 0.6, 0.7]


def test_an_object_on_the_border_of_the_part_is_not_found_twice() -> None:
    known = a_list()
    known.begin_run(("ship", "aircraft"), Window(0, 0, 290, 400))  # the ship at 300 reaches in
    known.go_on(some((298, 200, 0.6, "ship")))
    known.end_run(complete=True)
    assert 0.6 not in scores(known)


def test_a_run_for_other_words_leaves_earlier_classes() -> None:
    known = a_list()
    known.begin_run(("tanker",), None)
    known.go_on(some((300, 200, 0.8, "tanker"), names=("tanker",)))
    known.end_run(complete=True)
    assert len(known.boxes) == 4


def test_partial_results_grow_and_keep_ids_and_selection() -> None:
    known = DetectionList(make_scene())
    known.begin_run(("ship", "aircraft"), None)
    known.go_on(SHIPS.take(np.array([0])))
    known.selected = first = int(known.boxes.ids[0])
    known.go_on(SHIPS)
    assert known.selected == first and len(known.boxes) == 3
    assert known.undo_name == "", "a run that goes on cannot be taken back"
    known.move(first, 3, 0)
    assert known.undo_name == "move"
    known.go_on(SHIPS)
    assert len(known.boxes) == 3 and known.corrected == 1
    known.end_run(complete=True)
    assert known.undo() and known.undo() and len(known.boxes) == 0
    assert known.redo() and known.redo() and len(known.boxes) == 3 and known.corrected == 1


def test_a_stopped_run_gives_back_what_it_did_not_reach() -> None:
    known = a_list()
    before = rows(known.boxes)
    known.begin_run(("ship", "aircraft"), None)
    assert len(known.boxes) == 0
    known.go_on(some((101, 100, 0.95, "ship")))
    known.end_run(complete=False)
    assert scores(known) == [0.3, 0.7, 0.95]
    known.undo()
    assert rows(known.boxes) == before


def test_a_file_read_again_takes_its_own_place_only() -> None:
    known = a_list()
    told = some((400, 100, 0.5, "ship"))
    known.arrive(told, Source.FILE)
    arrived = known.arrive(told, Source.FILE)
    assert arrived.replaced == 1 and len(known.boxes) == 4
    assert known.clear() == 4 and known.undo() and len(known.boxes) == 4


def test_boxes_kept_from_an_earlier_time_join_by_their_names() -> None:
    known, later = a_list(), DetectionList(make_scene())
    later.class_id("aircraft")
    assert later.merge(known.boxes, known.names, known.origins)
    assert [later.names[label] for label in later.boxes.classes] == ["ship", "ship", "aircraft"]
    assert later.undo_name == "" and not later.merge(known.boxes, known.names, known.origins)


# ---- the table --------------------------------------------------------------------------
@given(st.sets(st.integers(1, 9)), st.sets(st.integers(1, 9)), st.sets(st.integers(1, 9)))
def test_an_exchange_leaves_exactly_what_it_says(here: set[int], leaving: set[int], coming: set[int]) -> None:
    def table(ids: set[int], score: float) -> Boxes:
        empty = Boxes.empty()
        n = len(ids)
        columns = {name: np.zeros((n, *rest), kind) for name, (kind, rest) in LAYOUT.items()}
        columns["ids"], columns["scores"] = np.array(sorted(ids), np.int64), np.full(n, score, np.float32)
        return Boxes(**columns) if n else empty

    after = exchange(table(here, 0.1), table(leaving, 0.2), table(coming, 0.3))
    there = dict(zip(after.ids.tolist(), after.scores.astype(float).round(1).tolist(), strict=True))
    assert there == {box: 0.3 if box in coming else 0.1 for box in (here - leaving) | coming}


class Editing(RuleBasedStateMachine):
    """Whatever is done, undo leads back through every state, and redo forth again."""

    def __init__(self) -> None:
        super().__init__()
        self.known = DetectionList(make_scene())
        self.states = [rows(self.known.boxes)]

    def box(self, pick: int) -> int:
        return int(self.known.boxes.ids[pick % len(self.known.boxes)])

    def note(self, done: bool) -> None:
        if done:
            self.states.append(rows(self.known.boxes))

    @rule(col=st.floats(0, 640, width=32), row=st.floats(0, 400, width=32), label=st.sampled_from(("ship", "tug")))
    def add(self, col: float, row: float, label: str) -> None:
        self.note(bool(self.known.add(drawn((col, row), (col + 20, row + 8)), label)))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99), across=finite, down=finite)
    def move(self, pick: int, across: float, down: float) -> None:
        self.note(self.known.move(self.box(pick), across, down))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99), degrees=st.floats(-90, 90))
    def turn(self, pick: int, degrees: float) -> None:
        self.note(self.known.turn(self.box(pick), degrees))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99), handle=st.integers(0, 7), pull=st.tuples(finite, finite))
    def resize(self, pick: int, handle: int, pull: tuple[float, float]) -> None:
        row = self.known.get(self.box(pick))
        assert row is not None
        self.note(self.known.reshape(self.box(pick), resized(row.corners_px[0], handle, *pull)))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99), label=st.sampled_from(("ship", "tug", "crane")))
    def relabel(self, pick: int, label: str) -> None:
        self.note(self.known.relabel(np.array([self.box(pick)]), label))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99))
    def strike_out(self, pick: int) -> None:
        self.note(self.known.strike_out(np.array([self.box(pick)])))

    @precondition(lambda self: len(self.known.boxes) > 0)
    @rule(pick=st.integers(0, 99))
    def confirm(self, pick: int) -> None:
        self.note(self.known.confirm(np.array([self.box(pick)])))

    @rule(source=st.sampled_from((Source.RUN, Source.FILE)), few=st.integers(0, 3))
    def arrive(self, source: Source, few: int) -> None:
        before = self.known.version
        touched = rows(self.known.boxes.take(self.known.boxes.touched))
        self.known.arrive(SHIPS.take(np.arange(few)), source)
        after = rows(self.known.boxes)
        assert all(after[box] == row for box, row in touched.items()), "what was corrected stays as it is"
        self.note(self.known.version > before)

    @precondition(lambda self: len(self.states) > 1)
    @rule(steps=st.integers(1, 4))
    def undo_and_redo(self, steps: int) -> None:
        steps = min(steps, len(self.states) - 1)
        for back in range(1, steps + 1):
            assert self.known.undo()
            assert rows(self.known.boxes) == self.states[-1 - back]
        for forth in range(steps, 0, -1):
            assert self.known.redo()
            assert rows(self.known.boxes) == self.states[-forth]

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def undo(self) -> None:
        assert self.known.undo()
        self.states.pop()

    @invariant()
    def what_holds_of_every_list(self) -> None:
        boxes = self.known.boxes
        assert np.unique(boxes.ids).size == len(boxes)
        assert np.isfinite(boxes.corners_px).all()
        chosen = self.known.selected
        row = None if chosen is None else self.known.get(chosen)
        assert chosen is None or (row is not None and not row.struck[0])
        assert not self.known.shown(0.0, ())[boxes.struck].any()


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_columns_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="corners_px"):
        Boxes.empty().__class__(**{**{name: getattr(Boxes.empty(), name) for name in LAYOUT},
                                   "corners_px": np.zeros((1, 4, 2), np.float32)})  # fmt: skip
    assert Touch.NONE == 0 and np.array_equal(moved(SHIPS.corners_px[0], 0, 0), SHIPS.corners_px[0])
