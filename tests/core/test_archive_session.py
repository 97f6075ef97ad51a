"""The archive in the open work: opened, filled with pause and stop, asked, gone through, exported."""

from __future__ import annotations

import csv
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from sarvlm_app.core.archive.shard import Header
from sarvlm_app.core.archive_question import ExampleKind, ExampleOf, Filters
from sarvlm_app.core.archive_reading import ArchiveReading, for_archives, with_own_model
from sarvlm_app.core.archive_session import ArchiveSession
from sarvlm_app.core.archive_work import Outcome, Pace, WorkKind
from sarvlm_app.core.jobs import JobContext, JobRunner, Lane, Work
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import ModelError, QueryError, SarvlmError, SceneError, StorageError
from sarvlm_models.types import Float16, Float32, SceneStats, Window
from tests.core.archive.made import PictureEncoder, chip, fill, geo_scene
from tests.core.export_answers import make_scene
from tests.core.fake_encoder import FakeEncoder

pytestmark = pytest.mark.usefixtures("no_leaked_threads")
LONG_S = 20.0


class Watched(PictureEncoder):
    """Tells which threads call it, and waits at its gate."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.stop_after: int | None = None
        """Closes the gate by itself once so many pictures are encoded."""
        self.stopped = threading.Event()

    def _seen(self) -> None:
        self.threads.append(threading.current_thread().name)
        self.begun.release()
        assert self.gate.wait(LONG_S)

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        self._seen()
        return super().encode_patches(intensity, stats, spacing_m)

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        if self.stop_after is not None and self.pictures >= self.stop_after:
            self.stop_after = None
            self.gate.clear()
            self.stopped.set()
        self._seen()
        return super().encode_pictures(amplitudes, spacing_m)


class Bench:
    """An `ArchiveSession` with its runner; `settle` plays the main thread."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.model = Watched()
        self.asked_for: list[Header | None] = []
        self.session = ArchiveSession(self.runner, self.provide)
        self.told: list[str] = []
        self.failed: list[SarvlmError] = []
        self.outcomes: list[Outcome] = []
        self.crashes: list[BaseException] = []
        self.session.message.connect(self.told.append)
        self.session.failed.connect(self.failed.append)
        self.session.work.ended.connect(self.outcomes.append)
        self.runner.crashed.connect(lambda _title, error: self.crashes.append(error))

    def provide(self, header: Header | None) -> Watched:
        self.asked_for.append(header)
        return self.model

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.posted.get(timeout=LONG_S)()

    def settle(self) -> None:
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=LONG_S)()
        assert self.crashes == []

    def close(self) -> None:
        self.model.gate.set()
        self.runner.close()
        self.session.shut_down()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in range(3):
        chip(folder / f"chip{seed}.tif", seed, bright=seed == 2)
    geo_scene(folder / "S1A_20201107_scene_vv.tif", west=-118.0, north=34.0)
    return folder


@pytest.fixture
def filled(bench: Bench, data: Path, tmp_path: Path) -> Bench:
    fill(tmp_path / "held", data)
    bench.session.open(tmp_path / "held")
    bench.settle()
    return bench


def names(bench: Bench) -> list[str]:
    answer = bench.session.answer
    return [] if answer is None else [hit.scene.stem for hit in answer.hits]


# ---- which archive ----------------------------------------------------------------------
def test_an_archive_is_created_and_remembered(bench: Bench, tmp_path: Path) -> None:
    bench.session.create(tmp_path / "new" / "held")
    bench.settle()
    session = bench.session
    assert session.folder == tmp_path / "new" / "held" and session.empty and session.fault is None
    assert session.recent == (session.folder,)


@pytest.mark.parametrize("verb", ["open", "create"])
def test_a_folder_of_other_things_is_refused_with_a_sentence(filled: Bench, data: Path, verb: str) -> None:
    held = filled.session.folder
    getattr(filled.session, verb)(data)
    filled.settle()
    assert isinstance(filled.session.fault, StorageError) and str(data) in str(filled.session.fault)
    assert filled.session.folder == held


def test_facts_tell_what_the_filters_can_be(filled: Bench) -> None:
    facts = filled.session.facts
    assert facts is not None and facts.info.scenes == 4 and facts.polarisations == ("VV",)
    assert any("Sentinel" in sensor for sensor in facts.sensors) and facts.span is not None


def test_without_an_archive_every_verb_is_a_sentence_or_harmless(bench: Bench, tmp_path: Path) -> None:
    session = bench.session
    for verb in (session.refresh, session.verify, session.compact, session.more, session.clear, session.shut_down,
                 session.work.stop, session.work.go_on, session.work.toggle_pause, session.work.dismiss):  # fmt: skip
        verb()
    session.select(1)
    session.select_next(1)
    session.add((tmp_path,))
    assert isinstance(session.fault, StorageError) and "open one" in str(session.fault)
    session.ask("ships")
    assert isinstance(session.fault, QueryError) and "No archive is open" in str(session.fault)
    session.like_hit()
    assert "No hit is selected" in str(session.fault)
    session.set_area(None, None)
    assert isinstance(session.fault, SceneError)
    session.export(tmp_path / "x.csv")
    bench.settle()
    assert len(bench.failed) == 1


def test_a_question_to_an_empty_archive_says_what_to_do(bench: Bench, tmp_path: Path) -> None:
    bench.session.create(tmp_path / "held")
    bench.settle()
    bench.session.ask("ships")
    bench.settle()
    assert "add a folder" in str(bench.session.fault) and not bench.session.searching


# ---- work -------------------------------------------------------------------------------
def test_adding_tells_files_tiles_and_what_failed(bench: Bench, data: Path, tmp_path: Path) -> None:
    (data / "bad.tif").write_bytes(b"II*\0")
    bench.session.create(tmp_path / "held")
    bench.settle()
    seen: list[tuple[int, int]] = []

    def watch() -> None:
        progress = bench.session.work.progress
        if progress is not None:
            seen.append((progress.files, progress.tiles))

    bench.session.work.changed.connect(watch)
    bench.session.add((data,))
    bench.settle()
    assert bench.session.work.progress is None or bench.session.work.progress.kept > 0
    assert seen[-1][0] == 5 and seen == sorted(seen), "counts only grow"
    outcome = bench.session.work.outcome
    assert outcome is not None and outcome.sentence.startswith("4 files added (") and "1 failed" in outcome.sentence
    assert [Path(fault.path).name for fault in outcome.faults] == ["bad.tif"]
    assert set(bench.model.threads) == {"background_0"}
    assert bench.session.facts is not None and bench.session.facts.info.scenes == 4


def test_what_is_there_can_be_searched_while_more_is_added(
    bench: Bench, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarvlm_app.core.archive.ingest.FILES_A_SHARD", 1)
    monkeypatch.setattr("sarvlm_app.core.archive_session.FACTS_EVERY_S", 0.0)
    bench.session.create(tmp_path / "held")
    bench.settle()
    bench.session.add((data,))
    bench.run_until(lambda: not bench.session.empty or bench.session.work.kind is None)
    if bench.session.work.kind is not None:  # else this machine was faster
        bench.session.work.toggle_pause()
    bench.session.ask("bright things")
    bench.run_until(lambda: not bench.session.searching)
    assert bench.session.fault is None and names(bench)
    if bench.session.work.paused:
        bench.session.work.toggle_pause()
    bench.settle()
    assert bench.session.facts is not None and bench.session.facts.info.scenes == 4


def test_a_paused_work_goes_on_where_it_was(bench: Bench, data: Path, tmp_path: Path) -> None:
    bench.session.create(tmp_path / "held")
    bench.settle()
    bench.model.gate.clear()
    bench.session.add((data,))
    assert bench.model.begun.acquire(timeout=LONG_S)
    work = bench.session.work
    work.toggle_pause()
    bench.model.gate.set()
    bench.run_until(lambda: work.paused)
    assert work.kind is WorkKind.ADD
    work.toggle_pause()
    bench.settle()
    assert bench.outcomes[-1].report is not None and bench.outcomes[-1].report.added == 4  # type: ignore[union-attr]


def test_a_stopped_work_is_taken_up_again(bench: Bench, data: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sarvlm_app.core.archive.ingest.FILES_A_SHARD", 1)
    bench.session.create(tmp_path / "held")
    bench.settle()
    bench.model.stop_after = 1
    bench.session.add((data,))
    assert bench.model.stopped.wait(LONG_S)
    bench.session.work.stop()
    bench.model.gate.set()
    bench.settle()
    outcome = bench.session.work.outcome
    assert outcome is not None and outcome.stopped and "Stopped after" in outcome.sentence
    assert bench.session.work.can_go_on
    bench.session.work.go_on()
    bench.settle()
    report = bench.outcomes[-1].report
    assert report.added + report.skipped == 4 and report.skipped >= 1  # type: ignore[union-attr]
    assert not bench.session.work.can_go_on


def test_a_paused_work_can_be_stopped_and_the_program_ended(bench: Bench, data: Path, tmp_path: Path) -> None:
    bench.session.create(tmp_path / "held")
    bench.settle()
    bench.model.gate.clear()
    bench.session.add((data,))
    assert bench.model.begun.acquire(timeout=LONG_S)
    bench.session.work.toggle_pause()
    bench.model.gate.set()
    bench.runner.close()
    assert not any(thread.name.startswith("background") for thread in threading.enumerate())


def test_works_wait_for_each_other(filled: Bench, data: Path) -> None:
    chip(data / "new.tif", 9)
    filled.model.gate.clear()
    filled.session.add((data,))
    assert filled.model.begun.acquire(timeout=LONG_S)
    filled.session.verify()
    filled.session.compact()
    assert filled.session.work.waiting == 2
    filled.model.gate.set()
    filled.settle()
    assert [outcome.kind for outcome in filled.outcomes] == [WorkKind.ADD, WorkKind.VERIFY, WorkKind.COMPACT]
    assert "all is well" in filled.outcomes[1].sentence and "freed" in filled.outcomes[2].sentence
    filled.session.work.dismiss()
    assert filled.session.work.outcome is None


def test_what_verify_finds_is_listed(filled: Bench, data: Path) -> None:
    (data / "chip0.tif").unlink()
    filled.session.verify(fast=True)
    filled.settle()
    (fault,) = filled.outcomes[-1].faults
    assert "chip0.tif" in fault.reason and "1 thing is wrong" in filled.outcomes[-1].sentence


def test_a_fault_that_ends_the_work_is_its_sentence(filled: Bench, tmp_path: Path) -> None:
    filled.session.add((tmp_path / "nowhere",))
    filled.settle()
    outcome = filled.session.work.outcome
    assert outcome is not None and outcome.failed and "nowhere does not exist" in outcome.sentence


def test_a_folder_without_images_says_so(filled: Bench, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    filled.session.add((tmp_path / "none",))
    filled.settle()
    assert "No image was found" in filled.outcomes[-1].sentence


def test_embedding_stands_back_while_something_else_computes(bench: Bench, data: Path, tmp_path: Path) -> None:
    bench.session.create(tmp_path / "held")
    bench.settle()
    begun, let = threading.Event(), threading.Event()

    def compute(_ctx: JobContext) -> None:
        begun.set()
        assert let.wait(LONG_S)

    bench.runner.submit(Work("x", compute, Lane.COMPUTE))
    assert begun.wait(LONG_S)
    bench.session.add((data,))
    assert not bench.model.begun.acquire(timeout=0.3), "no call of the model while another has it"
    let.set()
    bench.settle()
    assert bench.outcomes[-1].report.added == 4  # type: ignore[union-attr]


def test_the_rate_is_of_the_last_seconds_and_knows_no_pauses() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.rate is None
    for second in range(5):
        now[0] = float(second)
        pace.note(10 * second)
    assert pace.rate == pytest.approx(10.0)
    pace.pause()
    now[0] += 1000.0
    pace.resume()
    now[0] += 1.0
    pace.note(50)
    assert pace.rate == pytest.approx(10.0)
    for second in range(60):
        now[0] += 1.0
        pace.note(50 + 2 * second)
    assert pace.rate == pytest.approx(2.0)


# ---- questions --------------------------------------------------------------------------
def test_words_are_answered_on_the_compute_lane(filled: Bench) -> None:
    filled.session.ask("  bright things ", ("dark things",))
    assert filled.session.searching
    filled.settle()
    assert not filled.session.searching and set(names(filled)) == {"chip2", "S1A_20201107_scene_vv"}
    assert filled.session.asked is filled.session.question and filled.session.answer.query.negatives  # type: ignore[union-attr]
    assert filled.asked_for[-1] is not None, "the model of the index is asked for"


def test_the_index_stays_open_until_somebody_changes_it(
    filled: Bench, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    real = __import__("sarvlm_app.core.archive_reading", fromlist=["Archive"]).Archive
    monkeypatch.setattr(
        "sarvlm_app.core.archive_reading.Archive", lambda folder: (opened.append(folder), real(folder))[1]
    )
    for _ in range(2):
        filled.session.ask("bright things")
        filled.settle()
    assert len(opened) == 1
    chip(data / "more.tif", 31, bright=True)
    fill(tmp_path / "held", data)
    filled.session.ask("bright things")
    filled.settle()
    assert len(opened) == 2 and "more" in names(filled)


def test_what_is_added_joins_the_hits_by_itself(filled: Bench, data: Path) -> None:
    filled.session.ask("bright things")
    filled.settle()
    filled.session.select(1)
    before = filled.session.selected
    chip(data / "more.tif", 31, bright=True)
    filled.session.add((data,))
    filled.settle()
    after = filled.session.selected
    assert "more" in names(filled) and before is not None and after is not None
    assert (after.scene, after.window) == (before.scene, before.window)


def test_filters_and_examples_ask_again(filled: Bench, data: Path) -> None:
    session = filled.session
    session.set_filters(Filters(after="2020"))
    assert session.answer is None and session.fault is None, "there is nothing to look for yet"
    session.ask("bright things")
    filled.settle()
    assert set(names(filled)) == {"S1A_20201107_scene_vv"}
    session.set_filters(Filters(after="soon"))
    assert "no date" in str(session.fault) and not session.searching
    session.set_filters(Filters())
    filled.settle()
    assert session.fault is None and "chip2" in names(filled)
    session.like(ExampleOf(ExampleKind.FILE, data / "chip2.tif"))
    filled.settle()
    assert names(filled)[0] == "chip2" and session.question.text == ""
    session.drop_example(session.question.examples[0])
    assert session.answer is None


def test_an_example_that_cannot_be_read_is_a_sentence(filled: Bench, tmp_path: Path) -> None:
    filled.session.like(ExampleOf(ExampleKind.FILE, tmp_path / "gone.png"))
    filled.settle()
    assert "gone.png" in str(filled.session.fault) and not filled.session.searching


def test_more_and_less_like_a_hit(filled: Bench) -> None:
    session = filled.session
    session.ask("bright things")
    filled.settle()
    session.select(1)
    session.like_hit()
    filled.settle()
    assert session.question.examples[0].kind is ExampleKind.HIT and session.question.text == ""
    session.clear()
    session.ask("bright things")
    filled.settle()
    session.select(1)
    session.like_hit(likes=False)
    filled.settle()
    assert [one.likes for one in session.question.examples] == [False]
    assert session.question.text == "bright things" and session.fault is None


def test_the_weight_matters_only_in_a_mixture(filled: Bench, data: Path) -> None:
    session = filled.session
    session.ask("bright things")
    filled.settle()
    before = session.answer
    session.set_weight(0.7)
    assert session.answer is before and not session.searching
    session.like(ExampleOf(ExampleKind.FILE, data / "chip2.tif"))
    session.ask("bright things")
    session.set_weight(0.9)
    filled.settle()
    assert session.answer is not None and session.answer.query.examples[0].weight == pytest.approx(0.9)


def test_more_hits_come_page_by_page(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in range(25):
        chip(folder / f"chip{seed}.tif", seed, bright=True)
    fill(tmp_path / "held", folder)
    bench.session.open(tmp_path / "held")
    bench.settle()
    bench.session.ask("bright things")
    bench.settle()
    assert len(names(bench)) == 20 and bench.session.answer.more  # type: ignore[union-attr]
    bench.session.more()
    bench.settle()
    assert len(names(bench)) == 25 and len(set(names(bench))) == 25


def test_an_area_is_taken_from_a_scene(filled: Bench, data: Path) -> None:
    scene = open_scene(data / "S1A_20201107_scene_vv.tif")
    filled.session.set_area(scene, Window(100, 100, 200, 100))
    filled.settle()
    where = filled.session.question.filters.where()
    assert where.bbox == pytest.approx((-117.9, 33.8, -117.7, 33.9), abs=1e-4)
    filled.session.set_area(make_scene(georef=None), Window(0, 0, 10, 10))
    assert "no georeference" in str(filled.session.fault)


def test_steps_go_round(filled: Bench) -> None:
    session = filled.session
    session.ask("bright things")
    filled.settle()
    ranks = [hit.rank for hit in session.answer.hits]  # type: ignore[union-attr]
    seen = []
    for _ in range(len(ranks) + 1):
        session.select_next(1)
        seen.append(session.selected.rank)  # type: ignore[union-attr]
    assert seen == [*ranks, ranks[0]]
    session.select_next(-1)
    assert session.selected.rank == ranks[-1]  # type: ignore[union-attr]


def test_another_archive_forgets_the_question(filled: Bench, tmp_path: Path) -> None:
    filled.session.ask("bright things")
    filled.settle()
    filled.session.create(tmp_path / "other")
    filled.settle()
    assert filled.session.answer is None and filled.session.question.text == ""
    assert filled.session.recent == (tmp_path / "other", tmp_path / "held")


# ---- files ------------------------------------------------------------------------------
def test_hits_are_written_as_a_table(filled: Bench, tmp_path: Path) -> None:
    filled.session.ask("bright things", ("dark sea",))
    filled.settle()
    filled.session.export(tmp_path / "hits.csv")
    filled.settle()
    rows = list(csv.DictReader((tmp_path / "hits.csv").read_text(encoding="utf-8").splitlines()))
    placed = next(row for row in rows if "S1A" in row["scene"])
    assert placed["wkt"].startswith("POLYGON") and placed["acquired"].startswith("2020-11-07")
    assert placed["query"] == "bright things" and placed["negatives"] == '["dark sea"]'
    assert next(row for row in rows if "chip2" in row["scene"])["lon"] == ""
    filled.session.export(tmp_path / "hits.gpkg")
    filled.settle()
    meta, _, shapes, columns = pyogrio.raw.read(tmp_path / "hits.gpkg")
    table = dict(zip(meta["fields"], columns, strict=True))
    assert meta["crs"] == "EPSG:4326" and table["scene"].tolist() == [row["scene"] for row in rows]
    assert [shape is None for shape in shapes] == [row["wkt"] == "" for row in rows]
    filled.session.export(tmp_path / "hits.xlsx")
    filled.settle()
    assert "choose one of these endings" in str(filled.failed[-1])


# ---- models -----------------------------------------------------------------------------
def test_a_model_without_whole_pictures_is_refused() -> None:
    with pytest.raises(ModelError, match="another model"):
        for_archives(FakeEncoder())
    model = PictureEncoder()
    assert with_own_model(lambda: model)(None) is model


def test_reading_lets_go_of_its_files(tmp_path: Path, data: Path) -> None:
    fill(tmp_path / "held", data)
    reading = ArchiveReading(lambda _header: PictureEncoder())
    reading.close()
    reading.close()
