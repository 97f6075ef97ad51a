"""Captions in the open work: described, changed, taken back, and there again the next time."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.cli.parser import build_parser
from sarvlm_app.core import patches
from sarvlm_app.core.caption_list import LEAST_PLACE_PX, Where, ground_of, place_window
from sarvlm_app.core.caption_session import CAPTION_KEY
from sarvlm_app.core.captioning import CaptionRequest
from sarvlm_app.core.jobs import JobRunner
from sarvlm_app.core.query import Candidate
from sarvlm_app.core.scene import Band, Scene, ValueType
from sarvlm_app.core.session import Session
from sarvlm_app.errors import ModelError, QueryError, SceneError, StorageError
from sarvlm_app.paths import data_dir
from sarvlm_app.settings import Settings
from sarvlm_models.types import Caption, Float32, Window
from tests.core.export_answers import make_scene, utm_georef
from tests.core.fake_captioning import LONG_S, CaptionBench
from tests.core.fake_encoder import FakeEncoder
from tests.core.session_bench import Bench, harbour

pytestmark = pytest.mark.usefixtures("no_leaked_threads")
VIEW = Window(8, 16, 128, 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "captions"


@pytest.fixture
def bench(folder: Path) -> Iterator[CaptionBench]:
    bench = CaptionBench(folder)
    yield bench
    bench.runner.close()


@pytest.fixture
def scene(bench: CaptionBench) -> Scene:
    """The scene on view."""
    scene = make_scene(georef=utm_georef())
    bench.session.show(scene, 1)
    bench.settle()
    return scene


# ---- describe ---------------------------------------------------------------------------
def test_a_window_is_described_and_its_caption_selected(bench: CaptionBench, scene: Scene) -> None:
    bench.events.clear()
    bench.session.describe(Where.VIEW, VIEW)
    bench.settle()
    (caption,) = bench.session.captions
    assert bench.captioning.requests == [CaptionRequest(scene, 1, VIEW)]
    assert (caption.where, caption.window, caption.band) == (Where.VIEW, VIEW, 1)
    assert (caption.text, caption.said, caption.raw) == ("Caption 1.", "Caption 1.", "caption 1.")
    assert (caption.logprob, caption.counts, caption.cover) == (-1.0, (("ship", 1),), (("water", 0.5),))
    assert caption.model_id == "fake@0" and not caption.edited and bench.session.selected == caption
    assert "changed" in bench.events and "selection_changed" in bench.events


def test_the_whole_scene_has_no_window_of_its_own(bench: CaptionBench, scene: Scene) -> None:
    caption = bench.describe(Where.SCENE, None)
    assert bench.captioning.requests[0].window is None
    assert caption.window == Window(0, 0, scene.width, scene.height)


def test_a_view_beyond_the_scene_is_cut_to_it(bench: CaptionBench, scene: Scene) -> None:
    caption = bench.describe(Where.VIEW, Window(-100, 300, 300, 900))
    assert caption.window == Window(0, 300, 200, 100)


@pytest.mark.parametrize("window", [None, Window(5000, 0, 64, 64)], ids=["none", "outside"])
def test_where_nothing_is_in_view_nothing_is_described(
    bench: CaptionBench, scene: Scene, window: Window | None
) -> None:
    bench.session.describe(Where.VIEW, window)
    bench.settle()
    assert isinstance(bench.session.fault, SceneError) and bench.captioning.requests == []


def test_without_a_scene_every_verb_is_harmless(bench: CaptionBench, tmp_path: Path) -> None:
    session = bench.session
    session.describe(Where.SCENE)
    assert isinstance(session.fault, SceneError) and "Ctrl+O" in str(session.fault)
    session.describe_place(None)
    assert isinstance(session.fault, QueryError)
    session.export(tmp_path / "c.csv")
    for verb in (session.undo, session.redo, session.flush):
        verb()
    session.select("x")
    session.edit("x", "y")
    session.remove("x")
    session.restore("x")
    bench.settle()
    assert bench.session.captions == () and bench.failed == [] and session.command("x") == ""
    assert not (tmp_path / "c.csv").exists()


def test_a_place_is_described_with_its_surroundings(bench: CaptionBench, scene: Scene) -> None:
    bench.session.describe_place(Candidate(1, 0.9, 320.0, 200.0, None, None, (300, 190, 40, 20)))
    bench.settle()
    (caption,) = bench.session.captions
    assert caption.where is Where.PLACE and caption.window == Window(280, 160, 80, 80)


@given(
    size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    at=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    box=st.tuples(st.integers(1, 800), st.integers(1, 800)),
)
def test_the_window_of_a_place_lies_in_the_scene_and_holds_it(
    size: tuple[int, int], at: tuple[float, float], box: tuple[int, int]
) -> None:
    scene = make_scene(*size)
    col, row = at[0] * (size[0] - 1) + 0.5, at[1] * (size[1] - 1) + 0.5
    window = place_window(scene, Candidate(1, 0.9, col, row, None, None, (int(col), int(row), *box)))
    assert window.intersection(Window(0, 0, *size)) == window
    assert window.col <= col <= window.col_end and window.row <= row <= window.row_end
    assert window.width == min(size[0], max(LEAST_PLACE_PX, 2 * max(box)))


def test_the_latest_wish_wins(bench: CaptionBench, scene: Scene) -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(request: CaptionRequest) -> None:
        if request.window is not None:
            started.set()
            assert go_on.wait(LONG_S)

    bench.captioning.before = wait
    bench.session.describe(Where.VIEW, VIEW)
    assert started.wait(LONG_S)
    bench.session.describe(Where.SCENE)
    go_on.set()
    bench.settle()
    assert [caption.where for caption in bench.session.captions] == [Where.SCENE]


def test_a_scene_that_is_closed_is_no_longer_described_and_its_captions_stay(bench: CaptionBench, scene: Scene) -> None:
    bench.describe()
    started, go_on = threading.Event(), threading.Event()
    bench.captioning.before = lambda _request: (started.set(), go_on.wait(LONG_S))
    bench.session.describe(Where.SCENE)
    assert started.wait(LONG_S)
    bench.session.close(scene)
    bench.session.show(None, 1)
    go_on.set()
    bench.settle()
    assert bench.session.captions == ()
    bench.session.show(scene, 1)
    bench.settle()
    assert bench.texts == ["Caption 1."]


def test_a_description_that_ends_after_another_scene_came_on_view_goes_to_its_own(
    bench: CaptionBench, scene: Scene
) -> None:
    started, go_on = threading.Event(), threading.Event()
    bench.captioning.before = lambda _request: (started.set(), go_on.wait(LONG_S))
    bench.session.describe(Where.VIEW, VIEW)
    assert started.wait(LONG_S)
    bench.session.show(make_scene(fingerprint="beef" * 8), 1)
    go_on.set()
    bench.settle()
    assert bench.session.captions == ()
    bench.session.show(scene, 1)
    assert bench.texts == ["Caption 1."]


def test_a_fault_is_told_and_the_next_description_takes_it_away(bench: CaptionBench, scene: Scene) -> None:
    def fail(_request: CaptionRequest) -> None:
        raise ModelError("The captioning decoder “x” is missing: install it.")

    bench.captioning.before = fail
    bench.session.describe(Where.SCENE)
    bench.settle()
    assert "is missing" in str(bench.session.fault) and bench.session.captions == () and bench.failed == []
    bench.captioning.before = None
    assert bench.describe().text == "Caption 2."


def test_a_model_that_is_missing_is_told_before_anything_is_described(folder: Path) -> None:
    calls = []

    def provide() -> object:
        calls.append(None)
        if len(calls) == 1:
            raise ModelError("The weights are missing: install them.")
        return object()

    bench = CaptionBench(folder, provide)
    bench.session.show(make_scene(), 1)
    for fault in (True, False, False):
        bench.session.prepare()
        bench.settle()
        assert (bench.session.fault is not None) == fault or len(calls) > 1
    assert len(calls) == 2, "asked again after a fault, and never again once it is there"
    bench.runner.close()


# ---- the list -----------------------------------------------------------------------------
def test_words_are_changed_and_taken_back_and_changed_again(bench: CaptionBench, scene: Scene) -> None:
    caption = bench.describe()
    bench.session.edit(caption.id, "  Three\nships  at a pier. ")
    (edited,) = bench.session.captions
    assert (edited.text, edited.said, edited.edited) == ("Three ships at a pier.", "Caption 1.", True)
    assert (bench.session.undo_name, bench.session.redo_name) == ("edit", "")
    bench.session.undo()
    assert bench.session.captions == (caption,) and bench.session.redo_name == "edit"
    bench.session.redo()
    assert bench.session.captions == (edited,)
    bench.session.restore(caption.id)
    assert bench.session.captions == (caption,)
    bench.session.undo()
    assert bench.session.captions == (edited,)
    bench.settle()


def test_words_of_nothing_and_the_same_words_change_nothing(bench: CaptionBench, scene: Scene) -> None:
    caption = bench.describe()
    bench.events.clear()
    bench.session.edit(caption.id, " \n ")
    bench.session.edit(caption.id, caption.text + " ")
    assert bench.session.captions == (caption,) and bench.session.undo_name == "" and bench.events == []


def test_what_is_deleted_comes_back_to_its_place(bench: CaptionBench, scene: Scene) -> None:
    for _ in range(3):
        bench.describe()
    before = bench.session.captions
    bench.session.remove(before[1].id)
    assert bench.texts == ["Caption 1.", "Caption 3."]
    bench.session.undo()
    assert bench.session.captions == before and bench.session.selected == before[1]
    bench.session.redo()
    assert bench.texts == ["Caption 1.", "Caption 3."]
    bench.settle()


def test_a_new_caption_is_no_step_that_undo_takes_back(bench: CaptionBench, scene: Scene) -> None:
    first = bench.describe()
    bench.session.edit(first.id, "Mine.")
    bench.describe()
    bench.session.undo()
    assert bench.texts == ["Caption 1.", "Caption 2."]
    bench.settle()


def test_after_the_selected_caption_is_deleted_its_neighbour_is_selected(bench: CaptionBench, scene: Scene) -> None:
    captions = [bench.describe() for _ in range(3)]
    bench.session.select(captions[1].id)
    for left in (2, 0, None):
        assert bench.session.selected is not None
        bench.session.remove(bench.session.selected.id)
        assert bench.session.selected == (None if left is None else captions[left])
    bench.settle()


def test_each_scene_has_captions_and_an_undo_of_its_own(bench: CaptionBench, scene: Scene) -> None:
    first = bench.describe()
    bench.session.edit(first.id, "Mine.")
    other = make_scene(fingerprint="beef" * 8)
    bench.session.show(other, 1)
    assert bench.session.captions == () and bench.session.undo_name == "" and bench.session.selected is None
    bench.session.undo()
    bench.session.edit(first.id, "Changed from elsewhere.")
    bench.session.show(scene, 1)
    assert bench.texts == ["Changed from elsewhere."]
    bench.settle()


# ---- kept on disk ----------------------------------------------------------------------------
def test_captions_are_there_again_when_the_scene_is_opened_again_wherever_it_lies(
    bench: CaptionBench, scene: Scene, folder: Path
) -> None:
    bench.describe(Where.VIEW, VIEW)
    bench.session.edit(bench.describe(Where.SCENE).id, "Mine.")
    bench.settle()
    again = CaptionBench(folder)
    again.session.show(make_scene(path=Path("/elsewhere/moved.tif"), georef=utm_georef()), 1)
    again.settle()
    assert again.session.captions == bench.session.captions
    assert [caption.edited for caption in again.session.captions] == [False, True]
    again.runner.close()


def test_when_the_last_caption_is_deleted_its_file_goes(bench: CaptionBench, scene: Scene, folder: Path) -> None:
    caption = bench.describe()
    assert [path.name for path in folder.iterdir()] == [f"{scene.fingerprint}.json"]
    bench.session.remove(caption.id)
    bench.settle()
    assert list(folder.iterdir()) == []
    bench.session.undo()
    bench.settle()
    assert len(bench.store.load(scene.fingerprint).captions) == 1


def test_captions_kept_earlier_stand_before_those_made_while_they_were_read(
    bench: CaptionBench, scene: Scene, folder: Path
) -> None:
    bench.describe()
    again = CaptionBench(folder)
    again.session.show(scene, 1)
    again.session.describe(Where.SCENE)
    again.settle()
    assert [caption.where for caption in again.session.captions] == [Where.REGION, Where.SCENE]
    assert again.store.load(scene.fingerprint).captions == again.session.captions
    again.runner.close()


def test_a_disk_that_refuses_is_told_and_what_was_edited_is_written_once_it_takes_it(
    bench: CaptionBench, scene: Scene, folder: Path
) -> None:
    folder.write_text("a file where the folder should be")
    caption = bench.describe()
    bench.session.edit(caption.id, "Mine.")
    bench.settle()
    assert bench.failed and all(isinstance(error, StorageError) for error in bench.failed)
    assert bench.texts == ["Mine."] and bench.session.unkept == 1
    with pytest.raises(StorageError, match="nor saved"):
        bench.session.flush()
    folder.unlink()
    bench.session.flush()
    assert bench.session.unkept == 0
    assert [kept.text for kept in bench.store.load(scene.fingerprint).captions] == ["Mine."]


def test_a_flush_writes_what_no_job_has_written_yet(bench: CaptionBench, scene: Scene) -> None:
    caption = bench.describe()
    bench.runner.close()
    bench.session.edit(caption.id, "Mine.")
    bench.session.flush()
    assert [kept.text for kept in bench.store.load(scene.fingerprint).captions] == ["Mine."]


def test_a_damaged_file_is_told_and_kept_aside(bench: CaptionBench, folder: Path) -> None:
    scene = make_scene()
    folder.mkdir()
    (folder / f"{scene.fingerprint}.json").write_text("{")
    bench.session.show(scene, 1)
    bench.settle()
    (error,) = bench.failed
    assert ".bad" in str(error) and bench.session.captions == ()
    assert (folder / f"{scene.fingerprint}.json.bad").read_text() == "{"


# ---- what goes out ----------------------------------------------------------------------------
def test_all_captions_of_the_scene_are_exported(bench: CaptionBench, scene: Scene, tmp_path: Path) -> None:
    bench.describe()
    bench.describe()
    said: list[str] = []
    bench.session.message.connect(said.append)
    for name in ("c.geojson", "c.csv"):
        bench.session.export(tmp_path / name)
    bench.session.export(tmp_path / "missing" / "c.csv")
    bench.settle()
    assert sorted(said) == [f"Written: {tmp_path / 'c.csv'}", f"Written: {tmp_path / 'c.geojson'}"]
    assert [type(error) for error in bench.failed] == [StorageError]


def test_the_command_names_scene_and_window(bench: CaptionBench) -> None:
    scene = make_scene(path=Path("/data/my scene.tif"))
    bench.session.show(scene, 1)
    part, whole = bench.describe(Where.VIEW, VIEW), bench.describe(Where.SCENE)
    assert bench.session.command(part.id) == "sarvlm caption '/data/my scene.tif' --window 8,16,128,64"
    assert bench.session.command(whole.id) == "sarvlm caption '/data/my scene.tif'"


def test_the_command_is_one_that_the_command_line_takes(bench: CaptionBench) -> None:
    bands = tuple(Band(number, name, name, ValueType.AMPLITUDE) for number, name in enumerate(("VV", "VH"), start=1))
    bench.session.show(make_scene(path=Path("/data/two bands.tif"), bands=bands), 2)
    words = shlex.split(bench.session.command(bench.describe(Where.VIEW, VIEW).id))
    options = build_parser().parse_args(words[1:])
    assert (options.command, str(options.scene)) == ("caption", "/data/two bands.tif")
    assert (tuple(options.window), options.band) == ((8, 16, 128, 64), "2")


def test_a_window_on_the_ground_has_size_and_centre() -> None:
    ground = ground_of(make_scene(georef=utm_georef()), Window(80, 96, 64, 32))
    assert ground.size_m == pytest.approx((640, 320), rel=2e-3)
    assert ground.centre == pytest.approx((-118.2845, 33.7821), abs=2e-3)
    bare = ground_of(make_scene(), Window(80, 96, 64, 32))
    assert bare.size_m is None and bare.centre is None
    assert ground_of(make_scene(spacing_m=(0.5, 0.25)), Window(0, 0, 64, 32)).size_m == (32.0, 8.0)


# ---- in the session ---------------------------------------------------------------------------
class Words:
    """A captioning model that says how large its picture is."""

    model_id = "words@0"
    uses_counts = True

    def caption(self, intensity: Float32, *_rest: object) -> Caption:
        words = f"A picture of {intensity.shape[1]} by {intensity.shape[0]}."
        return Caption(words, words.lower(), -2.5, None, self.model_id)

    caption_picture = caption


def test_a_part_of_an_open_scene_is_put_to_the_captioning_model_of_the_session(tmp_path: Path) -> None:
    bench = Bench(tmp_path, captioner=Words)
    bench.open(harbour(tmp_path / "a.tif"))
    bench.session.captions.describe(Where.REGION, Window(16, 24, 96, 64))
    bench.settle()
    (caption,) = bench.session.captions.captions
    assert (caption.text, caption.raw) == ("A picture of 96 by 64.", "a picture of 96 by 64.")
    assert (caption.logprob, caption.model_id) == (-2.5, "words@0")
    assert dict(caption.counts).keys() >= {"ship", "bridge"} and sum(share for _, share in caption.cover) <= 1.0001
    (title,) = {status.title for status in bench.runner.statuses() if status.key == CAPTION_KEY}
    assert title == "Describing the region"
    bench.runner.close()


def test_the_session_shows_the_captions_of_its_active_scene_and_keeps_them_in_the_data_folder(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first = bench.open(harbour(tmp_path / "a.tif"))
    second = bench.open(harbour(tmp_path / "b.tif", 1))
    captions = bench.session.captions
    assert captions.scene == second
    bench.session.activate(first)
    assert captions.scene == first
    captions.describe(Where.SCENE)
    bench.settle()
    assert isinstance(captions.fault, ModelError), "this session was given no captioner"
    bench.session.close(first)
    bench.session.close(second)
    assert captions.scene is None and not (data_dir() / "captions").exists()
    bench.runner.close()


def test_a_scene_that_was_read_whole_for_a_caption_is_ready_for_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "ALONE_PX", 64)  # so that a small scene counts as a large one
    bench = Bench(tmp_path, captioner=Words)
    scene = bench.open(harbour(tmp_path / "a.tif"))
    assert not bench.session.encoded
    bench.session.captions.describe(Where.VIEW, Window(0, 0, scene.width - 1, scene.height - 1))
    bench.settle()
    assert bench.session.encoded
    assert bench.ask().cached
    bench.runner.close()


def test_faults_and_messages_of_files_are_those_of_the_session(tmp_path: Path) -> None:
    runner = JobRunner(lambda call: call())
    session = Session(runner, FakeEncoder, Settings(), tmp_path)
    told: list[object] = []
    session.failed.connect(told.append)
    session.message.connect(told.append)
    fault = StorageError("x")
    session.captions.failed.emit(fault)
    session.captions.message.emit("Written")
    assert told == [fault, "Written"]
    runner.close()
