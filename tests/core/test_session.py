"""The session: open, ask, see places, change one's mind, export; all without a window."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from sarvlm_app.core import answering
from sarvlm_app.core import session as session_module
from sarvlm_app.core.answering import Answering
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import Question
from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import JobCancelled, ModelError, QueryError, SarvlmError, SceneError, StorageError
from sarvlm_models.types import TextQuery, Window
from tests.core.fake_encoder import FakeEncoder
from tests.core.session_bench import LONG_S, Bench, count, harbour, inside

pytestmark = pytest.mark.usefixtures("no_leaked_threads")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.runner.close()


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    return harbour(tmp_path / "a.tif")


# ---- open and ask ------------------------------------------------------------
def test_a_new_session_is_empty(bench: Bench) -> None:
    session = bench.session
    assert session.scenes == () and session.active is None and session.answer is None and session.stretch is None
    assert session.selected is None and not session.encoded and session.query_text == "" and session.band == 1
    for verb in (session.next_candidate, session.previous_candidate, session.clear_answer, session.encode):
        verb()
    session.set_band(2)
    session.select(1)
    session.set_stretch(Stretch(-20, 0))
    session.type_ahead("bright things")
    bench.settle()
    assert bench.failed == []


def test_an_opened_scene_is_active_with_its_stretch(bench: Bench, scene_file: Path) -> None:
    events: list[str] = []
    count(events, bench.session)
    scene = bench.open(scene_file)
    assert bench.session.scenes == (scene,) and scene.path == scene_file
    assert bench.session.stretch is not None and not bench.session.encoded
    assert {"scenes_changed", "active_changed", "stretch_changed"} <= set(events)


def test_opening_a_scene_again_only_brings_it_on_view(bench: Bench, scene_file: Path, tmp_path: Path) -> None:
    first = bench.open(scene_file)
    bench.open(harbour(tmp_path / "b.tif", 1))
    assert bench.open(scene_file) == first and len(bench.session.scenes) == 2


def test_a_file_that_cannot_be_opened_is_a_sentence_and_the_rest_stays(bench: Bench, scene_file: Path) -> None:
    scene = bench.open(scene_file)
    bench.session.open(scene_file.with_name("missing.tif"))
    bench.settle()
    (error,) = bench.failed
    assert isinstance(error, SceneError) and "missing.tif" in str(error) and bench.session.active == scene


def test_words_lead_to_places(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    answer = bench.ask()
    assert answer.complete and answer.stands_out and not answer.cached and answer.query.text == "bright things"
    assert len(answer.candidates) == 3
    for col in (32, 88, 144):
        assert any(inside(place, col, 32) for place in answer.candidates)
    assert bench.session.query_text == "bright things" and bench.session.encoded
    assert answer.query.model_id == "fake@0" and answer.query.cell_px == 8.0
    windows = len(bench.encoder.windows)
    dark = bench.ask("dark things")
    assert dark.cached and len(bench.encoder.windows) == windows
    assert inside(dark.candidates[0], 64, 104) and dark.seconds.encode == 0.0


def test_what_is_not_there_does_not_stand_out(bench: Bench, tmp_path: Path) -> None:
    bench.open(harbour(tmp_path / "empty.tif", places=0))
    answer = bench.ask()
    assert not answer.stands_out and answer.candidates == () and answer.complete


def test_a_negative_takes_away_what_it_names(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    assert bench.ask(negatives=("bright walls",)).candidates == ()
    assert bench.session.negatives == ("bright walls",)


def test_partial_answers_arrive_while_the_scene_is_encoded(
    bench: Bench, scene_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PARTIAL_EVERY_S", 0.0)
    monkeypatch.setattr(answering, "PARTIAL_SHARE", np.inf)
    bench.open(scene_file)
    bench.answers.clear()
    bench.ask()
    known = [float(np.isfinite(answer.heatmap.scores).mean()) for answer in bench.answers if answer is not None]
    assert len(known) > 5 and known == sorted(known) and known[0] < 0.5 and known[-1] == 1.0
    complete = [answer.complete for answer in bench.answers if answer is not None]
    assert complete[-1] and not complete[0]


def test_what_is_on_view_is_answered_first(bench: Bench, scene_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "PARTIAL_EVERY_S", 0.0)
    bench.open(scene_file)
    bench.answers.clear()
    bench.ask(visible=Window(150, 120, 20, 20))
    first = next(answer for answer in bench.answers if answer is not None)
    assert np.isfinite(first.heatmap.scores[16, 19]) and np.isnan(first.heatmap.scores[0, 0])


def test_a_new_question_replaces_the_one_that_runs(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    begun, let = threading.Event(), threading.Event()

    def wait(number: int) -> None:
        if number == 2:
            begun.set()
            assert let.wait(LONG_S)

    bench.encoder.before = wait
    bench.session.ask("bright things")
    assert begun.wait(LONG_S)
    bench.session.ask("dark things")
    let.set()
    bench.settle()
    assert bench.session.answer is not None and bench.session.answer.query.text == "dark things"
    assert {answer.query.text for answer in bench.answers if answer is not None} == {"dark things"}
    assert len(bench.encoder.windows) == 30  # none twice: the second went on where the first was stopped


@pytest.mark.parametrize("text", ["", "  ", "x" * 5000, "schepen in de haven", "船"])
def test_what_cannot_be_asked_is_told_and_the_answer_stays(bench: Bench, scene_file: Path, text: str) -> None:
    bench.open(scene_file)
    answer = bench.ask()
    bench.session.ask(text)
    bench.settle()
    (error,) = bench.failed
    assert isinstance(error, QueryError)
    assert bench.session.answer is answer and bench.session.query_text == "bright things"


def test_asking_without_a_scene_is_told(bench: Bench) -> None:
    bench.session.ask("bright things")
    (error,) = bench.failed
    assert isinstance(error, SceneError) and "open one" in str(error)


def test_a_model_that_cannot_be_loaded_is_told_and_asked_for_again(tmp_path: Path, scene_file: Path) -> None:
    faults: list[SarvlmError] = [ModelError("m.pt is no model; choose another file.")] * 2
    encoder = FakeEncoder()

    def provide() -> FakeEncoder:
        if faults:
            raise faults.pop()
        return encoder

    bench = Bench(tmp_path, provide)
    bench.session.open(scene_file)
    bench.settle()
    bench.session.ask("bright things")
    bench.settle()
    assert {type(error) for error in bench.failed} == {ModelError} and bench.session.answer is None
    assert bench.ask().complete
    bench.runner.close()


def test_a_full_disk_is_told_and_the_session_goes_on(
    bench: Bench, scene_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.open(scene_file)

    def full(*_args: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        bench.session.ask("bright things")
        bench.settle()
    (error,) = bench.failed
    assert isinstance(error, StorageError) and "disk is full" in str(error) and bench.session.answer is None
    assert bench.ask().complete


def test_a_scene_encoded_earlier_is_known_to_be_so_when_it_is_opened(tmp_path: Path, scene_file: Path) -> None:
    first = Bench(tmp_path)
    first.open(scene_file)
    first.ask()
    first.runner.close()
    second = Bench(tmp_path)
    second.open(scene_file)
    assert second.session.encoded
    assert second.ask().cached and second.encoder.windows == []
    second.runner.close()


def test_encoding_without_a_question_shows_no_answer(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.session.encode()
    bench.settle()
    assert bench.session.encoded and bench.session.answer is None and bench.session.query_text == ""


def test_a_cancelled_question_keeps_what_was_encoded(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    jobs: list[int] = []

    def cancel(number: int) -> None:
        if number == 7:
            bench.session.cancel(jobs[0])

    bench.encoder.before = cancel
    bench.session.ask("bright things")
    jobs.append(max(status.id for status in bench.runner.statuses()))
    bench.settle()
    assert bench.session.answer is None and bench.failed == [] and not bench.session.encoded
    assert len(bench.encoder.windows) == 8
    assert bench.ask().complete and len(bench.encoder.windows) == 30


# ---- typing ahead -------------------------------------------------------------
def test_typing_ahead_waits_until_the_scene_is_encoded(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.session.type_ahead("bright things")
    bench.settle()
    assert bench.session.answer is None and bench.encoder.windows == [] and bench.session.query_text == ""
    bench.ask()
    bench.session.type_ahead("dark things")
    bench.settle()
    assert bench.session.answer is not None and bench.session.answer.query.text == "dark things"


def test_half_typed_words_are_no_fault(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    answer = bench.ask()
    for text in ("", " ", "船", "x" * 5000):
        bench.session.type_ahead(text)
    bench.settle()
    assert bench.failed == [] and bench.session.answer is answer


def test_typing_ahead_keeps_the_negatives_unless_they_are_given(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.ask("dark things", negatives=("bright walls",))
    bench.session.type_ahead("bright things")
    bench.settle()
    assert bench.session.answer is not None and bench.session.answer.query.negatives == ("bright walls",)
    bench.session.type_ahead("bright things", ())
    bench.settle()
    assert bench.session.answer.query.negatives == () and bench.session.answer.stands_out


# ---- threshold -----------------------------------------------------------------
def test_moving_the_threshold_finds_places_anew_without_scoring(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    before = bench.ask()
    texts = len(bench.encoder.texts)
    score = before.candidates[1].score
    bench.session.set_threshold(score - 1e-4)
    bench.settle()
    after = bench.session.answer
    assert after is not None and after.heatmap.scores is before.heatmap.scores
    assert [place.score for place in after.candidates] == [p.score for p in before.candidates if p.score > score - 1e-4]
    assert after.query.threshold == after.heatmap.query.threshold == bench.session.threshold == score - 1e-4
    assert len(bench.encoder.texts) == texts and len(bench.encoder.windows) == 30
    bench.session.set_threshold(1.0)
    bench.settle()
    assert bench.session.answer is not None and not bench.session.answer.stands_out


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5])
def test_a_threshold_at_or_below_the_background_is_allowed(bench: Bench, scene_file: Path, threshold: float) -> None:
    bench.open(scene_file)
    bench.ask()
    bench.session.set_threshold(threshold)
    bench.settle()
    assert bench.failed == [] and bench.session.answer is not None and len(bench.session.answer.candidates) >= 3


def test_an_answer_that_comes_after_the_threshold_moved_has_the_new_one(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.session.ask("bright things")
    bench.session.set_threshold(1.0)
    bench.settle()
    answer = bench.session.answer
    assert answer is not None and answer.query.threshold == 1.0 and answer.candidates == ()


def test_a_scene_that_was_out_of_view_takes_the_threshold_when_it_comes_back(
    bench: Bench, scene_file: Path, tmp_path: Path
) -> None:
    first = bench.open(scene_file)
    bench.ask()
    bench.open(harbour(tmp_path / "b.tif", 1))
    bench.session.set_threshold(1.0)
    bench.session.activate(first)
    bench.settle()
    answer = bench.session.answer
    assert answer is not None and answer.query.threshold == 1.0 and answer.candidates == ()


def test_places_found_anew_never_replace_a_newer_answer(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.ask()
    bench.session.set_threshold(0.7)
    bench.session.ask("dark things")
    bench.settle()
    assert bench.session.answer is not None and bench.session.answer.query.text == "dark things"
    bench.session.set_threshold(0.8)
    bench.session.clear_answer()
    bench.settle()
    assert bench.session.answer is None and bench.session.query_text == ""


# ---- selection -----------------------------------------------------------------------
def test_the_selection_walks_round_the_places(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    answer = bench.ask()
    events: list[str] = []
    count(events, bench.session)
    ranks = []
    for step in [bench.session.next_candidate] * 4 + [bench.session.previous_candidate] * 2:
        step()
        assert bench.session.selected is not None
        ranks.append(bench.session.selected.rank)
    assert ranks == [1, 2, 3, 1, 3, 2]
    assert events == ["selection_changed"] * 6
    bench.session.select(99)
    bench.session.select(0)
    assert bench.session.selected == answer.candidates[1]
    bench.session.select(None)
    bench.session.previous_candidate()
    assert bench.session.selected == answer.candidates[2]


def test_a_new_answer_has_no_selection(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.ask()
    bench.session.select(2)
    bench.ask("dark things")
    assert bench.session.selected is None


# ---- export ----------------------------------------------------------------------------
def test_everything_is_exported(bench: Bench, scene_file: Path, tmp_path: Path) -> None:
    bench.open(scene_file)
    bench.ask()
    written: list[str] = []
    bench.session.message.connect(written.append)
    targets = [tmp_path / name for name in ("h.tif", "c.geojson", "p.png")]
    bench.session.export_heatmap(targets[0])
    bench.session.export_candidates(targets[1])
    bench.session.export_picture(targets[2])
    bench.settle()
    assert bench.failed == [] and sorted(written) == sorted(f"Written: {target}" for target in targets)
    assert all(target.stat().st_size > 0 for target in targets)
    with rasterio.open(targets[0]) as file:
        assert file.shape == (20, 24)


def test_an_export_that_cannot_be_written_or_has_nothing_to_write_is_told(
    bench: Bench, scene_file: Path, tmp_path: Path
) -> None:
    bench.open(scene_file)
    bench.session.export_heatmap(tmp_path / "h.tif")
    bench.ask()
    bench.session.export_heatmap(tmp_path / "missing" / "h.tif")
    bench.settle()
    assert [type(error) for error in bench.failed] == [QueryError, StorageError]
    assert not (tmp_path / "h.tif").exists()


def test_the_demo_is_made_once(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def small_demo(path: Path) -> None:
        made.append(path)
        harbour(path)

    monkeypatch.setattr(session_module, "write_demo", small_demo)
    bench.session.open_demo()
    bench.settle()
    bench.session.open_demo()
    bench.settle()
    assert len(made) == 1 and len(bench.session.scenes) == 1 and bench.failed == []


# ---- answering without a session ----------------------------------------------------------
def test_only_the_part_that_is_asked_is_encoded_and_answered(tmp_path: Path, scene_file: Path) -> None:
    encoder = FakeEncoder()
    part = Window(80, 24, 32, 32)
    scene = open_scene(scene_file)
    question = Question(TextQuery("bright things"), scene, 1, area=part)
    answer = Answering(lambda: encoder, tmp_path).answer(question, JobContext())
    assert answer.complete and 0 < len(encoder.windows) < 10
    (place,) = answer.candidates
    assert inside(place, 88, 32)
    known = np.argwhere(np.isfinite(answer.heatmap.scores))
    assert known.min(0).tolist() == [3, 10] and known.max(0).tolist() == [6, 13]
    again = Answering(lambda: encoder, tmp_path).answer(replace(question, area=None), JobContext())
    assert not again.cached and len(encoder.windows) == 30


def test_a_partial_answer_of_a_cancelled_question_stops_it(
    tmp_path: Path, scene_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "PARTIAL_EVERY_S", 0.0)
    ctx = JobContext()
    encoder = FakeEncoder(before=lambda number: ctx.cancel() if number == 4 else None)
    question = Question(TextQuery("bright things"), open_scene(scene_file), 1)
    with pytest.raises(JobCancelled):
        Answering(lambda: encoder, tmp_path).answer(question, ctx)
    assert len(encoder.windows) == 5


def test_a_selected_place_stays_selected_when_the_threshold_moves(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.ask()
    bench.session.select(1)
    chosen = bench.session.selected
    assert chosen is not None
    bench.session.set_threshold(bench.session.threshold + 0.01)
    bench.settle()
    kept = bench.session.selected
    assert kept is not None and (kept.col, kept.row) == (chosen.col, chosen.row)
