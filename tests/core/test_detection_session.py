"""Boxes in the open work: found, filtered, corrected, taken back, and there again the next time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core import detection_session
from sarvlm_app.core.box_edits import drawn
from sarvlm_app.core.detection_files import to_write
from sarvlm_app.core.detection_request import Area, Wish, words_of
from sarvlm_app.core.detection_session import DETECT_KEY
from sarvlm_app.core.importing import Imported
from sarvlm_app.core.jobs import JobState
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import ModelError, QueryError, SceneError, StorageError
from sarvlm_models.types import Window
from tests.core.export_answers import make_scene, utm_georef
from tests.core.fake_detecting import LONG_S, PLANE, SHIP, SHIPS, SPEC, DetectionBench, some

pytestmark = pytest.mark.usefixtures("no_leaked_threads")
WHOLE = Wish(Area.SCENE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "detections"


@pytest.fixture
def bench(folder: Path) -> Iterator[DetectionBench]:
    bench = DetectionBench(folder)
    yield bench
    bench.runner.close()


@pytest.fixture
def scene(bench: DetectionBench) -> Scene:
    """The scene on view."""
    scene = make_scene(georef=utm_georef())
    bench.session.show(scene, 1)
    bench.settle()
    return scene


@pytest.fixture
def found(bench: DetectionBench, scene: Scene) -> DetectionBench:
    """The same with three boxes found."""
    bench.session.run(WHOLE)
    bench.settle()
    return bench


# ---- runs -------------------------------------------------------------------------------
def test_a_run_gives_boxes_notes_and_a_sentence(found: DetectionBench) -> None:
    session = found.session
    assert found.scores == [0.9, 0.7, 0.3] and not session.running
    assert session.notes == ("The spacing is assumed.",)
    assert found.told == ["3 boxes found in 2 s."]
    assert session.shown.sum() == 2 and session.counts == {"ship": 2, "aircraft": 0}


def test_the_request_says_what_was_wished(bench: DetectionBench, scene: Scene) -> None:
    view = Window(-50, 300, 200, 900)
    bench.session.run(Wish(Area.VIEW, view, (PLANE,), rotated=False), visible=view)
    bench.settle()
    bench.session.run(Wish(Area.SCENE, None, (SHIP,), words_of(" tug,  oil tanker,,tug ")))
    bench.settle()
    first, second = bench.detecting.requests
    assert (first.area, first.classes, first.rotated) == (Window(0, 300, 150, 100), (PLANE,), False)
    assert second.area is None and [c.name for c in second.classes] == ["tug", "oil tanker"]
    assert bench.detecting.visible == [view, None]


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        (Wish(Area.SCENE, None, ()), QueryError, "tick"),
        (Wish(Area.SCENE, None, None, ("ein großes Schiff im Hafen",)), QueryError, "English"),
        (Wish(Area.VIEW), SceneError, "view"),
        (Wish(Area.REGION), SceneError, "draw"),
        (Wish(Area.REGION, Window(9000, 0, 5, 5)), SceneError, "draw"),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_sentence(
    bench: DetectionBench, scene: Scene, wish: Wish, error: type[Exception], words: str
) -> None:
    bench.session.run(wish)
    bench.settle()
    assert isinstance(bench.session.fault, error) and words in str(bench.session.fault)
    assert bench.detecting.requests == [] and not bench.session.running


def test_without_a_scene_every_verb_is_harmless(bench: DetectionBench, tmp_path: Path) -> None:
    session = bench.session
    session.run(WHOLE)
    assert isinstance(session.fault, SceneError) and "Ctrl+O" in str(session.fault)
    for verb in (session.undo, session.redo, session.flush, session.cancel, session.clear):
        verb()
    session.move(1, 1, 1)
    session.relabel([1], "x")
    session.strike_out([1])
    session.select(5)
    session.select_next(1)
    session.add(drawn((0, 0), (5, 5)), "x")
    session.import_file(tmp_path / "none.geojson")
    session.export(tmp_path / "out.geojson")
    bench.settle()
    assert isinstance(session.fault, QueryError) and bench.failed == []
    assert len(session.boxes) == 0 and session.counts == {}


def test_partial_results_are_shown_while_it_runs(bench: DetectionBench, scene: Scene) -> None:
    go_on = threading.Event()
    bench.detecting.parts = (SHIPS.take(np.array([0])),)
    bench.detecting.between = lambda: None if go_on.wait(LONG_S) else None
    bench.session.run(WHOLE)
    bench.run_until(lambda: len(bench.session.boxes) == 1)
    assert bench.session.running and bench.session.undo_name == ""
    bench.session.run(WHOLE)  # one at a time
    go_on.set()
    bench.settle()
    assert bench.scores == [0.9, 0.7, 0.3] and len(bench.detecting.requests) == 1
    assert bench.session.undo_name == "run"


@pytest.mark.parametrize("by", ["session", "job list"])
def test_a_stopped_run_keeps_what_it_found(bench: DetectionBench, found: DetectionBench, by: str) -> None:
    go_on = threading.Event()
    bench.detecting.parts = (some((102, 100, 0.95, "ship")),)
    bench.detecting.between = lambda: None if go_on.wait(LONG_S) else None
    bench.session.run(WHOLE)
    bench.run_until(lambda: 0.95 in bench.scores)
    if by == "session":
        bench.session.cancel()
    else:
        bench.runner.cancel(next(job.id for job in bench.runner.statuses() if job.key == DETECT_KEY and job.active))
    go_on.set()
    bench.settle()
    assert bench.scores == [0.95, 0.7, 0.3] and not bench.session.running
    assert bench.told[-1].startswith("Stopped. 1 box found until then")
    bench.detecting.between = None
    bench.session.run(WHOLE)
    bench.settle()
    assert bench.scores == [0.9, 0.7, 0.3]


def test_a_run_that_fails_leaves_the_boxes_and_says_why(found: DetectionBench) -> None:
    found.detecting.fault = ModelError("The detector is of another kind.")
    found.session.run(WHOLE)
    found.settle()
    assert found.session.fault is found.detecting.fault and found.scores == [0.9, 0.7, 0.3]
    assert not found.session.running


def test_a_run_goes_on_for_its_scene_while_another_is_on_view(bench: DetectionBench, scene: Scene) -> None:
    bench.session.run(WHOLE)
    other = make_scene(fingerprint="beef" * 8)
    bench.session.show(other, 1)
    bench.settle()
    assert len(bench.session.boxes) == 0
    bench.session.show(scene, 1)
    assert bench.scores == [0.9, 0.7, 0.3]


def test_closing_the_scene_stops_its_run(bench: DetectionBench, scene: Scene) -> None:
    begun, closed = threading.Event(), threading.Event()
    bench.detecting.parts = (SHIPS,) * 1000

    def until_closed() -> None:
        begun.set()
        closed.wait(LONG_S)

    bench.detecting.between = until_closed
    bench.session.run(WHOLE)
    assert begun.wait(LONG_S)
    bench.session.close(scene)
    closed.set()
    bench.settle()
    states = [job.state for job in bench.runner.statuses() if job.key == DETECT_KEY]
    assert states == [JobState.CANCELLED] and not bench.session.running


def test_the_detector_is_loaded_once_and_a_fault_of_it_told(bench: DetectionBench, scene: Scene) -> None:
    bench.detecting.fault = ModelError("No detector is installed.")
    bench.session.prepare()
    bench.settle()
    assert isinstance(bench.session.fault, ModelError) and bench.session.spec is None
    bench.detecting.fault = None
    bench.session.prepare()
    bench.settle()
    assert bench.session.spec == SPEC and bench.session.fault is None
    bench.session.ask_estimate(WHOLE)
    bench.settle()
    assert bench.session.estimate is not None and bench.session.estimate.windows == 4
    bench.session.ask_estimate(Wish(Area.REGION))
    assert bench.session.estimate is None and bench.session.fault is None


# ---- by hand ----------------------------------------------------------------------------
def test_every_correction_is_kept_and_can_be_taken_back(found: DetectionBench, scene: Scene, folder: Path) -> None:
    session = found.session
    first, second = found.id_at(100, 100), found.id_at(300, 200)
    session.move(first, 3, 0)
    session.turn(first, 10)
    session.relabel([first, second], "tanker")
    session.strike_out([second])
    session.add(drawn((10, 10), (50, 30)), "tug")
    session.confirm([first])
    found.settle()
    again = DetectionBench(folder)
    again.session.show(scene, 1)
    again.settle()
    assert set(again.session.boxes.ids) == set(session.boxes.ids)
    assert again.scores == [1.0, 0.9, 0.3]
    again.runner.close()
    for name in ("confirm", "add", "delete", "relabel", "turn", "move", "run"):
        assert session.undo_name == name
        session.undo()
    assert len(session.boxes) == 0 and session.redo_name == "run"
    found.settle()
    assert not found.store.path_of(scene.fingerprint).exists()


def test_next_goes_through_what_is_shown_the_best_first(found: DetectionBench) -> None:
    session, seen = found.session, []
    for _ in range(3):
        session.select_next(1)
        seen.append(session.selected)
    first, second = found.id_at(100, 100), found.id_at(300, 200)
    assert seen == [first, second, first]
    session.select_next(-1)
    assert session.selected == second
    session.set_confidence(0.95)
    session.select_next(1)
    assert session.selected is None, "a box that is not shown is not selected"
    session.set_confidence(0.5)
    assert session.selected == second


def test_hidden_classes_are_counted_and_not_shown(found: DetectionBench) -> None:
    events: list[str] = []
    found.session.filter_changed.connect(lambda: events.append("filter"))
    found.session.show_class("ship", False)
    found.session.show_class("ship", False)
    assert not found.session.shown.any() and found.session.counts["ship"] == 2 and events == ["filter"]


def test_clear_says_what_stays(found: DetectionBench) -> None:
    found.session.confirm([found.id_at(100, 100)])
    found.session.clear()
    assert found.scores == [0.9]
    assert found.told[-1] == "2 boxes taken away; 1 that were worked on by hand stay."


# ---- files ------------------------------------------------------------------------------
def test_what_cannot_be_kept_is_told_and_kept_at_the_end(found: DetectionBench, folder: Path) -> None:
    found.settle()
    (file,) = folder.iterdir()
    file.unlink()
    folder.rmdir()
    folder.write_text("a file in the way")
    found.session.confirm([found.id_at(100, 100)])
    found.settle()
    assert isinstance(found.failed[-1], StorageError) and found.session.unkept == 3
    with pytest.raises(StorageError):
        found.session.flush()
    folder.unlink()
    found.session.flush()
    assert found.session.unkept == 0 and len(list(folder.iterdir())) == 1


def test_a_run_that_goes_on_at_the_end_is_kept_as_far_as_it_came(bench: DetectionBench, scene: Scene) -> None:
    go_on = threading.Event()
    bench.detecting.parts = (SHIPS,)
    bench.detecting.between = lambda: None if go_on.wait(LONG_S) else None
    bench.session.run(WHOLE)
    bench.run_until(lambda: len(bench.session.boxes) == 3)
    bench.session.flush()
    go_on.set()
    bench.settle()
    assert len(bench.store.load(scene.fingerprint).boxes) == 3


def test_another_detectors_boxes_join(found: DetectionBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = Imported(some((400, 50, 0.8, "ship")), ("Scores are missing: 0.8 is assumed.",))
    monkeypatch.setattr(detection_session, "read_detections_noted", lambda _path, _scene: theirs)
    found.session.import_file(tmp_path / "theirs.json")
    found.settle()
    assert found.told[-1] == "1 box read from theirs.json." and found.scores == [0.9, 0.8, 0.7, 0.3]
    assert found.session.undo_name == "import" and found.session.notes == theirs.notes


def test_a_file_that_cannot_be_read_is_a_sentence(found: DetectionBench, tmp_path: Path) -> None:
    found.session.import_file(tmp_path / "none.geojson")
    found.settle()
    assert isinstance(found.session.fault, QueryError) and "none.geojson" in str(found.session.fault)
    assert found.scores == [0.9, 0.7, 0.3]


def test_what_goes_out_is_corrected_and_without_what_was_struck(
    found: DetectionBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = []
    monkeypatch.setattr(detection_session, "write_file", lambda _path, boxes, _scene: written.append(boxes))
    session = found.session
    session.relabel([found.id_at(100, 100)], "tanker")
    session.strike_out([found.id_at(300, 200)])
    session.export(tmp_path / "a.geojson")
    session.export(tmp_path / "b.geojson", shown_only=False)
    session.show_class("tanker", False)
    session.export(tmp_path / "c.geojson")
    found.settle()
    assert sorted(out.detections.labels() for out in written) == [["tanker"], ["tanker", "aircraft"]]
    assert isinstance(found.session.fault, QueryError)
    assert max(out.by_hand for out in written) == ("corrected", "")


def test_only_names_in_use_go_out(found: DetectionBench) -> None:
    boxes = found.session.boxes
    out = to_write(boxes.take(boxes.classes == 1), found.session.names).detections
    assert out.names == ("aircraft",) and out.labels() == ["aircraft"]
