"""The archive in the window: create, fill with pause and stop, search by words and by example, go to the hits."""

from __future__ import annotations

import csv
import gc
import json
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QScrollArea

from sarvlm_app.core.archive_question import ExampleKind
from sarvlm_app.core.archive_work import WorkKind
from sarvlm_app.settings import Settings, load_settings
from sarvlm_app.ui.dialogs.faults import FaultsDialog
from tests.core.archive.made import PictureEncoder, chip, fill, geo_scene
from tests.ui.focus import activate

PATIENCE = 60_000
LONG_S = 30.0
NONE = Qt.KeyboardModifier.NoModifier
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Gated(PictureEncoder):
    """Stops at the gate before each of its calls while that is closed."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.calls = threading.Semaphore(0)

    def _wait(self):
        self.calls.release()
        assert self.gate.wait(LONG_S)

    def encode_pictures(self, amplitudes, spacing_m):
        self._wait()
        return super().encode_pictures(amplitudes, spacing_m)

    def encode_patches(self, intensity, stats, spacing_m):
        self._wait()
        return super().encode_patches(intensity, stats, spacing_m)


class Loader:
    def __init__(self, model):
        self.model = model

    def __call__(self):
        return self.model

    def load_now(self):
        return "made", "CPU"


@pytest.fixture
def model():
    model = Gated()
    yield model
    model.gate.set()


def make_workplace(qapp, qtbot, model, settings):
    from sarvlm_app.ui.workplace import Workplace

    place = Workplace(qapp, settings, Loader(model))
    place.window.resize(1280, 900)
    place.window.show()
    qtbot.waitExposed(place.window)
    return place


def put_away(place, qtbot):
    place.window.close()
    place.window.deleteLater()
    place.deleteLater()
    qtbot.wait(20)
    gc.collect()


@pytest.fixture
def data(tmp_path):
    """Two georeferenced scenes and some small pictures, one of them bright and one damaged."""
    folder = tmp_path / "data"
    (folder / "chips").mkdir(parents=True)
    geo_scene(folder / "S1A_20201107_one_vv.tif", 1, west=-118.0, north=34.0)
    geo_scene(folder / "S1A_20211107_two_vv.tif", 2, west=10.0, north=50.0)
    for seed in range(3):
        chip(folder / "chips" / f"chip{seed}.tif", seed, bright=seed == 2)
    (folder / "bad.tif").write_bytes(b"II*\0")
    return folder


@pytest.fixture
def place(qapp, qtbot, no_leaked_threads, model):
    """The window with the archive panel in the right column and nothing open."""
    place = make_workplace(qapp, qtbot, model, Settings())
    activate(place.window)
    place.actions["show_archive"].trigger()
    yield place
    put_away(place, qtbot)


@pytest.fixture
def created(place, qtbot, tmp_path, monkeypatch):
    """The same with an empty archive."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "held"))
    place.window.archive.hits.create_button.click()
    qtbot.waitUntil(lambda: place.session.archive.facts is not None, timeout=PATIENCE)
    return place


@pytest.fixture
def filled(place, qtbot, tmp_path, data):
    """The same with an archive of all the data but the damaged file."""
    (data / "bad.tif").unlink()
    fill(tmp_path / "held", data, recursive=True)
    place.session.archive.open(tmp_path / "held")
    qtbot.waitUntil(lambda: place.session.archive.facts is not None, timeout=PATIENCE)
    return place


def archive(place):
    return place.session.archive


def panel(place):
    return place.window.archive


def quiet(place, qtbot):
    qtbot.waitUntil(lambda: not any(job.active for job in place.runner.statuses()), timeout=PATIENCE)
    qtbot.waitUntil(lambda: archive(place).work.kind is None and not archive(place).searching, timeout=PATIENCE)


def ask(place, qtbot, text):
    before = archive(place).answer
    line = place.window.query.line
    line.setText(text)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: archive(place).answer not in (None, before), timeout=PATIENCE)
    return archive(place).answer


def titles(place):
    return [card.title for card in panel(place).hits.model.cards]


def at(place, shown):
    """Waits for nothing: whether the canvas shows a scene with its middle in a window."""
    camera, window = place.window.canvas.camera(), shown.window
    return window.col <= camera.col <= window.col_end and window.row <= camera.row <= window.row_end


# ---- which archive ----------------------------------------------------------------------
def test_without_an_archive_the_panel_says_what_one_is_and_offers_both_ways(place):
    hits = panel(place).hits
    assert "index of all your scenes" in hits.sentence.text()
    assert hits.create_button.isVisible() and hits.open_button.isVisible() and not hits.add_button.isVisible()
    assert not panel(place).question.isVisible() and not hits.foot.isVisible()
    assert not place.window.query.button.isEnabled()


def test_a_new_archive_is_empty_and_says_how_to_fill_it(created):
    hits = panel(created).hits
    assert "empty" in hits.sentence.text() and hits.add_button.isVisible()
    assert "held" in panel(created).head.name.text()
    assert "0 scenes" in panel(created).head.facts.text()
    assert not panel(created).question.isVisible()


def test_a_folder_that_is_none_is_a_sentence_and_the_open_one_stays(filled, qtbot, tmp_path):
    archive(filled).open(tmp_path)
    qtbot.waitUntil(panel(filled).fault.isVisible, timeout=PATIENCE)
    assert str(tmp_path) in panel(filled).fault.text() and "choose another folder" in panel(filled).fault.text()
    assert archive(filled).folder == tmp_path / "held"


def test_the_last_archive_is_opened_again_at_the_first_look(filled, qapp, qtbot, model, tmp_path):
    filled.window.close()
    kept = load_settings().settings
    assert kept.recent_archives == (str(tmp_path / "held"),)
    again = make_workplace(qapp, qtbot, model, kept)
    assert archive(again).folder is None, "nothing is read before somebody looks"
    again.actions["show_archive"].trigger()
    qtbot.waitUntil(lambda: archive(again).folder == tmp_path / "held", timeout=PATIENCE)
    put_away(again, qtbot)


# ---- filling ----------------------------------------------------------------------------
def test_a_folder_is_added_and_the_report_lists_what_failed(created, qtbot, data, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(data))
    panel(created).hits.add_button.click()
    quiet(created, qtbot)
    card = panel(created).work
    qtbot.waitUntil(lambda: "5 files added" in card.title.text(), timeout=PATIENCE)
    assert "1 failed" in card.title.text()
    assert card.faults.isVisible() and not card.pause.isVisible()
    card.faults.click()
    dialog = created.window.findChild(FaultsDialog)
    assert dialog.table.item(0, 0).text() == "bad.tif" and dialog.table.item(0, 1).text().endswith(".")
    dialog.reject()
    qtbot.waitUntil(lambda: "5 scenes" in panel(created).head.facts.text(), timeout=PATIENCE)
    assert panel(created).question.isVisible()


def test_work_is_held_and_goes_on_without_loss(created, qtbot, data, model):
    model.gate.clear()
    archive(created).add((data,), recursive=True)
    qtbot.waitUntil(lambda: model.calls.acquire(blocking=False), timeout=PATIENCE)
    card, work = panel(created).work, archive(created).work
    qtbot.waitUntil(card.pause.isVisible, timeout=PATIENCE)
    assert "searched a moment later" in panel(created).hits.sentence.text()
    created.actions["pause_archive"].trigger()
    qtbot.waitUntil(lambda: card.pause.text() == "Resume", timeout=PATIENCE)
    model.gate.set()
    qtbot.waitUntil(lambda: created.window.jobs.detail.text() == "paused", timeout=PATIENCE)
    assert work.kind is WorkKind.ADD and "paused" in card.detail.text()
    qtbot.keyClick(created.window, Qt.Key.Key_Escape)
    assert work.kind is WorkKind.ADD, "Esc does not end the work of hours"
    card.pause.click()
    quiet(created, qtbot)
    qtbot.waitUntil(lambda: "5 files added" in card.title.text(), timeout=PATIENCE)


def test_work_that_was_stopped_says_so_and_goes_on(created, qtbot, data, model):
    model.gate.clear()
    archive(created).add((data,), recursive=True)
    qtbot.waitUntil(lambda: model.calls.acquire(blocking=False), timeout=PATIENCE)
    card = panel(created).work
    qtbot.waitUntil(card.stop.isVisible, timeout=PATIENCE)
    card.stop.click()
    model.gate.set()
    qtbot.waitUntil(card.go_on.isVisible, timeout=PATIENCE)
    assert "Stopped" in card.title.text()
    card.go_on.click()
    quiet(created, qtbot)
    qtbot.waitUntil(lambda: "5 files added" in card.title.text(), timeout=PATIENCE)


def test_a_paused_work_leaves_the_archive_to_questions(filled, qtbot, data, model, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    chip(more / "new.tif", 77, bright=True)
    model.gate.clear()
    archive(filled).add((more,))
    qtbot.waitUntil(lambda: model.calls.acquire(blocking=False), timeout=PATIENCE)
    archive(filled).work.toggle_pause()
    model.gate.set()
    assert ask(filled, qtbot, "bright things").hits
    archive(filled).work.toggle_pause()
    quiet(filled, qtbot)
    qtbot.waitUntil(lambda: "new" in titles(filled), timeout=PATIENCE)


def test_what_is_dropped_on_the_panel_is_added(created, qtbot, data):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(data / "chips"))])
    event = QDropEvent(
        QPointF(20, 20), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, NONE
    )  # fmt: skip
    panel(created).dropEvent(event)
    quiet(created, qtbot)
    qtbot.waitUntil(lambda: "3 files added" in panel(created).work.title.text(), timeout=PATIENCE)


# ---- questions --------------------------------------------------------------------------
def test_the_question_line_asks_the_archive_while_it_is_on_view(filled, qtbot):
    assert "archive" in filled.window.query.line.placeholderText()
    answer = ask(filled, qtbot, "bright things -dark things")
    assert (answer.query.text, answer.query.negatives) == ("bright things", ("dark things",))
    hits = panel(filled).hits
    assert hits.headline.text() == f"{len(answer.hits)} hits" and len(titles(filled)) == len(answer.hits)
    assert {"chip2", "S1A_20201107_one_vv", "S1A_20211107_two_vv"} == set(titles(filled))
    card = next(card for card in hits.model.cards if "one" in card.title)
    plain = next(card for card in hits.model.cards if card.title == "chip2")
    assert (plain.line, plain.below) == ("in chips", "row 0  col 0")
    assert card.line.startswith("2020-11-07") and "W" in card.below and card.score > 0.5
    qtbot.waitUntil(lambda: all(card.image is not None for card in hits.model.cards), timeout=PATIENCE)
    assert "not “dark things”" in hits.asked.text()
    filled.view.show_places()
    assert filled.window.query.line.text() == "" and "archive" not in filled.window.query.line.placeholderText()
    filled.actions["focus_archive"].trigger()
    assert filled.window.query.line.text() == "bright things"


def test_clear_forgets_the_archives_question_and_not_the_scenes(filled, qtbot):
    ask(filled, qtbot, "bright things")
    filled.actions["clear"].trigger()
    assert archive(filled).answer is None and filled.window.query.line.text() == ""
    assert "Type words above" in panel(filled).hits.sentence.text() and not filled.actions["clear"].isEnabled()


def test_nothing_found_says_so_and_what_to_try(filled, qtbot):
    assert not ask(filled, qtbot, "dark things").hits
    hits = panel(filled).hits
    assert hits.headline.text() == "Nothing stands out" and "Try other words" in hits.sentence.text()
    assert not hits.foot.isVisible()


def test_a_question_in_another_language_is_a_sentence(filled, qtbot):
    filled.window.query.line.setText("ein großes Schiff im Hafen")
    filled.window.query.ask()
    assert panel(filled).fault.isVisible() and "English" in panel(filled).fault.text()


def test_filters_narrow_at_once_and_bad_ones_are_told(filled, qtbot):
    ask(filled, qtbot, "bright things")
    question = panel(filled).question
    question.toggle.click()
    question.after.setText("2021")
    qtbot.keyClick(question.after, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: titles(filled) == ["S1A_20211107_two_vv"] * len(titles(filled)) != [], timeout=PATIENCE)
    assert "1 on" in question.toggle.text()
    question.area.setText("somewhere")
    qtbot.keyClick(question.area, Qt.Key.Key_Return)
    assert "somewhere" in panel(filled).fault.text()
    question.clear.click()
    qtbot.waitUntil(lambda: "chip2" in titles(filled), timeout=PATIENCE)
    assert question.area.text() == "" and not panel(filled).fault.isVisible()
    question.polarisation.setCurrentText("VV")
    question.polarisation.activated.emit(1)
    qtbot.waitUntil(lambda: titles(filled) and "chip2" not in titles(filled), timeout=PATIENCE)


def show(place, qtbot, path):
    place.session.open(path)
    qtbot.waitUntil(lambda: "SAR" in place.window.canvas.layer_names, timeout=PATIENCE)


def test_the_area_of_the_view_filters(filled, qtbot, data):
    show(filled, qtbot, data / "S1A_20201107_one_vv.tif")
    ask(filled, qtbot, "bright things")
    panel(filled).question.area_view.click()
    qtbot.waitUntil(lambda: set(titles(filled)) == {"S1A_20201107_one_vv"}, timeout=PATIENCE)
    west = float(panel(filled).question.area.text().split(",")[0])
    assert west == pytest.approx(-118.0, abs=0.01)


def test_a_drawn_region_is_an_example(filled, qtbot, data):
    show(filled, qtbot, data / "S1A_20201107_one_vv.tif")
    canvas = filled.window.canvas
    filled.actions["like_region"].trigger()
    assert canvas.drawing and panel(filled).question.buttons[ExampleKind.REGION].isChecked()
    camera = canvas.camera()
    start, end = (QPoint(*map(int, camera.to_screen(col, row))) for col, row in ((390, 290), (450, 350)))
    native = canvas.findChild(type(canvas)) or canvas._native
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, NONE, start)
    qtbot.mouseMove(native, start + QPoint(15, 15))
    qtbot.mouseMove(native, end)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, NONE, end)
    qtbot.waitUntil(lambda: archive(filled).answer is not None, timeout=PATIENCE)
    (example,) = archive(filled).question.examples
    assert example.kind is ExampleKind.REGION and example.window.col == pytest.approx(390, abs=8)
    assert any("region of" in button.text() for button in panel(filled).question.findChildren(type(
        filled.window.query.button)))  # fmt: skip
    assert canvas.overlay.state.frame.label == "Example"


def test_view_picture_and_hit_are_examples(filled, qtbot, data, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(data / "chips" / "chip2.tif"), ""))
    filled.actions["like_file"].trigger()
    qtbot.waitUntil(lambda: archive(filled).answer is not None and not archive(filled).searching, timeout=PATIENCE)
    assert titles(filled)[0] == "chip2" and archive(filled).answer.hits[0].score > 0.9
    first = archive(filled).answer
    archive(filled).select(1)
    panel(filled).hits.like.click()
    qtbot.waitUntil(lambda: archive(filled).answer is not first, timeout=PATIENCE)
    assert archive(filled).question.examples[0].kind is ExampleKind.HIT
    show(filled, qtbot, data / "S1A_20201107_one_vv.tif")
    filled.actions["like_view"].trigger()
    quiet(filled, qtbot)
    assert archive(filled).question.examples[0].kind is ExampleKind.VIEW
    filled.actions["like_place"].trigger()
    assert "No place is selected" in panel(filled).fault.text()


def test_words_beside_an_example_are_weighed_by_a_slider(filled, qtbot, data):
    filled.archivist.search_by_file(data / "chips" / "chip2.tif")
    quiet(filled, qtbot)
    question = panel(filled).question
    assert not question.weight.isVisible()
    assert len(ask(filled, qtbot, "bright things").query.examples) == 1
    assert question.weight.isVisible()
    question.weight.setValue(80)
    quiet(filled, qtbot)
    assert archive(filled).answer.query.examples[0].weight == pytest.approx(0.8)


# ---- hits -------------------------------------------------------------------------------
def test_a_click_on_a_hit_opens_its_scene_beside_the_present_one_and_flies_there(filled, qtbot, data):
    show(filled, qtbot, data / "S1A_20211107_two_vv.tif")
    ask(filled, qtbot, "bright things")
    hits = panel(filled).hits
    row = next(row for row, card in enumerate(hits.model.cards) if "one" in card.title)
    rect = hits.list.visualRect(hits.model.index(row))
    qtbot.mouseClick(hits.list.viewport(), Qt.MouseButton.LeftButton, NONE, rect.center())
    qtbot.waitUntil(lambda: filled.session.active.name.startswith("S1A_20201107"), timeout=PATIENCE)
    assert len(filled.session.scenes) == 2
    shown = archive(filled).selected
    qtbot.waitUntil(lambda: filled.window.canvas.overlay.state.frame is not None, timeout=PATIENCE)
    assert filled.window.canvas.overlay.state.frame.window == shown.window
    qtbot.waitUntil(lambda: at(filled, shown), timeout=PATIENCE)
    qtbot.waitUntil(lambda: filled.session.answer is not None, timeout=PATIENCE)
    assert filled.session.answer.query.text == filled.window.query.line.text() == "bright things"
    qtbot.waitUntil(lambda: "Heat map" in filled.window.canvas.layer_names, timeout=PATIENCE)
    filled.actions["next"].trigger()
    after = archive(filled).selected
    assert after.rank == shown.rank % len(titles(filled)) + 1
    qtbot.waitUntil(lambda: filled.session.active.path == after.scene, timeout=PATIENCE)


def test_a_hit_whose_file_is_gone_is_marked_and_told(filled, qtbot, data):
    (data / "chips" / "chip2.tif").unlink()
    ask(filled, qtbot, "bright things")
    row = titles(filled).index("chip2")
    assert "missing" in panel(filled).hits.model.cards[row].line
    panel(filled).hits._choose(row)
    assert "not there now" in panel(filled).fault.text() and filled.session.scenes == ()


@pytest.mark.parametrize("ending", [".geojson", ".csv"])
def test_hits_are_exported(filled, qtbot, tmp_path, monkeypatch, ending):
    answer = ask(filled, qtbot, "bright things")
    out = tmp_path / f"hits{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    filled.actions["export_hits"].trigger()
    qtbot.waitUntil(lambda: out.exists() and filled.window.toast.isVisible(), timeout=PATIENCE)
    text = out.read_text(encoding="utf-8")
    rows = json.loads(text)["features"] if ending == ".geojson" else list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(answer.hits)


# ---- care -------------------------------------------------------------------------------
def test_verify_tells_what_is_wrong_and_compact_what_was_freed(filled, qtbot, data):
    with (data / "chips" / "chip1.tif").open("ab") as file:
        file.write(b"x")
    archive(filled).verify()
    card = panel(filled).work
    qtbot.waitUntil(lambda: "1 thing is wrong" in card.title.text(), timeout=PATIENCE)
    assert card.faults.text() == "Show what is wrong…"
    filled.actions["compact_archive"].trigger()
    qtbot.waitUntil(lambda: "freed" in card.title.text(), timeout=PATIENCE)


# ---- keys and looks ---------------------------------------------------------------------
def test_the_archive_has_a_mode_and_a_key_of_its_own(place, qtbot):
    window = place.window
    assert window.archive_mode.isChecked() and not window.find_mode.isChecked()
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_S)
    assert window.find_mode.isChecked() and not place.view.archive.visible
    qtbot.keyClick(window.canvas, Qt.Key.Key_S)
    qtbot.keyClick(window.canvas, Qt.Key.Key_O)
    assert window.detect_mode.isChecked() and not place.view.archive.visible
    qtbot.keyClick(window.canvas, Qt.Key.Key_K, CTRL_SHIFT)
    assert window.archive_mode.isChecked() and window.query.line.hasFocus()


def test_nothing_is_cut_off_in_the_narrowest_column(filled, qtbot, data):
    filled.archivist.search_by_file(data / "chips" / "chip2.tif")
    quiet(filled, qtbot)
    assert ask(filled, qtbot, "bright things").hits
    panel(filled).question.toggle.setChecked(True)
    filled.window.resize(900, 600)
    qtbot.wait(50)
    (scroll,) = panel(filled).findChildren(QScrollArea)
    assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width()
    assert scroll.viewport().width() <= panel(filled).width()


def test_every_field_and_list_has_a_name_for_screen_readers(filled):
    question = panel(filled).question
    fields = (question.area, question.after, question.before, question.sensor, question.polarisation, question.weight)
    assert all(field.accessibleName() for field in (*fields, panel(filled).hits.list))
    assert all(label.text() for label in question.findChildren(QLabel))


def test_faults_are_copied_with_their_paths(qapp, qtbot):
    from PySide6.QtGui import QGuiApplication

    from sarvlm_app.core.archive.shard import Fault

    dialog = FaultsDialog("Files", [Fault(str(Path("/a/b.tif")), "b.tif is damaged; copy it again.")])
    qtbot.addWidget(dialog)
    dialog.copy.click()
    assert QGuiApplication.clipboard().text() == "/a/b.tif\tb.tif is damaged; copy it again.\n"
