"""The caption panel as an analyst meets it: describe, draw, change, take back, copy, export, close, open again."""

import csv
import json
import threading

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMessageBox

from sarvlm_app.core.caption_list import Where
from sarvlm_app.core.caption_session import CaptionModel
from sarvlm_app.errors import ModelError
from sarvlm_app.paths import data_dir
from sarvlm_models.types import Window
from tests.core.fake_captioning import FakeCaptioning
from tests.ui.focus import activate

LEFT, NONE, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
PART = Window(40, 60, 120, 160)


@pytest.fixture
def captioning():
    return FakeCaptioning()


@pytest.fixture
def described(opened, captioning):
    """The window on the small scene, with captions numbered by a fake."""
    opened.session.captions._model = CaptionModel(lambda: None, captioning)
    return opened


def wait_for(qtbot, place, count):
    qtbot.waitUntil(lambda: len(place.session.captions.captions) == count, timeout=10_000)
    qtbot.waitUntil(lambda: not any(job.active for job in place.runner.statuses()), timeout=10_000)
    return place.session.captions.captions[-1]


def describe(qtbot, place, where=Where.REGION, window=PART):
    count = len(place.session.captions.captions)
    place.view.captions.set_visible(True)
    place.session.captions.describe(where, window)
    return wait_for(qtbot, place, count + 1)


def press(qtbot, place, key, modifier=NONE):
    activate(place.window)
    place.window.canvas.setFocus()
    qtbot.keyClick(place.window, key, modifier)


def edit(qtbot, place, row, text):
    """Opens the editor of a row by F2 and types other words; gives the editor."""
    view = place.window.captions.list
    view.setFocus()
    view.setCurrentIndex(view.model().index(row, 0))
    qtbot.keyClick(view, Qt.Key.Key_F2)
    editor = view.editor()
    editor.selectAll()
    qtbot.keyClicks(editor, text)
    return editor


def cards(place):
    return place.window.captions.model.cards


def test_the_panel_says_how_to_describe_and_offers_no_place_before_one_is_selected(described, ask):
    panel = described.window.captions
    assert not panel.isVisible()
    described.actions["show_captions"].trigger()
    assert panel.isVisible()
    assert not described.window.results.isVisible()
    assert "Ctrl+D" in panel.sentence.text()
    assert not panel.list.isVisible()
    assert not panel.buttons[Where.PLACE].isEnabled()
    ask("ships")
    assert described.window.results.isVisible(), "a question brings the places back"
    described.session.select(1)
    assert panel.buttons[Where.PLACE].isEnabled()


def test_ctrl_d_describes_what_is_in_view(described, captioning, qtbot):
    described.window.canvas.look_at(200, 300, 4.0)
    seen = described.window.canvas.visible_window()
    press(qtbot, described, Qt.Key.Key_D, CTRL)
    caption = wait_for(qtbot, described, 1)
    assert (caption.where, caption.window) == (Where.VIEW, seen)
    assert captioning.requests[0].window == seen
    (card,) = cards(described)
    assert (card.title, card.text, card.edited) == ("View", "Caption 1.", False)
    assert card.sizes[0].startswith(f"{seen.width} × {seen.height} px · ")
    assert card.found == "1 ship\nwater\u00a050\u00a0%"
    assert "W · fake" in card.place
    assert described.window.captions.isVisible()
    assert described.window.captions.headline.text() == "1 caption"
    assert described.window.canvas.overlay.state.frame.window == seen


def test_ctrl_shift_d_describes_the_whole_scene(described, captioning, qtbot):
    press(qtbot, described, Qt.Key.Key_D, CTRL | SHIFT)
    caption = wait_for(qtbot, described, 1)
    assert captioning.requests[0].window is None
    assert caption.window == Window(0, 0, 576, 640)


def test_d_describes_the_selected_place(described, ask, qtbot):
    place = ask("ships").candidates[0]
    described.session.select(1)
    press(qtbot, described, Qt.Key.Key_D)
    window = wait_for(qtbot, described, 1).window
    assert window.col <= place.col <= window.col_end
    assert window.row <= place.row <= window.row_end
    described.view.captions.set_visible(False)
    described.window.selected.describe.click()
    assert wait_for(qtbot, described, 2).window == window


def drag(qtbot, canvas, start, end):
    native = canvas._native
    qtbot.mousePress(native, LEFT, NONE, start)
    for share in (0.4, 0.8, 1.0):
        qtbot.mouseMove(native, start + (end - start) * share)
        qtbot.wait(30)  # vispy takes the mouse from the event loop
    rubber = canvas.overlay.state.rubber
    qtbot.mouseRelease(native, LEFT, NONE, end)
    return rubber


def test_a_region_is_drawn_with_the_mouse_and_the_view_stays(described, qtbot):
    canvas = described.window.canvas
    before, layers = canvas.camera(), canvas.layer_names
    press(qtbot, described, Qt.Key.Key_R)
    assert canvas.drawing
    assert canvas.overlay.state.hint
    assert described.window.captions.buttons[Where.REGION].isChecked()
    start, end = QPoint(150, 120), QPoint(320, 260)
    rubber = drag(qtbot, canvas, end, start)
    caption = wait_for(qtbot, described, 1)
    assert rubber is not None
    (left, top), (right, bottom) = before.to_scene(start.x(), start.y()), before.to_scene(end.x(), end.y())
    window = caption.window
    assert (window.col, window.row) == (int(max(left, 0)), int(max(top, 0)))
    assert (window.col_end, window.row_end) == (-int(-right // 1), -int(-bottom // 1))
    assert caption.where is Where.REGION
    assert canvas.camera() == before
    assert canvas.layer_names == layers
    assert not canvas.drawing
    assert canvas.overlay.state.rubber is None
    assert not described.window.captions.buttons[Where.REGION].isChecked()
    drag(qtbot, canvas, start, end)
    assert canvas.camera() != before, "the next drag moves the view again"


def test_drawing_is_left_without_a_region(described, qtbot):
    panel, canvas = described.window.captions, described.window.canvas
    described.view.captions.set_visible(True)
    ways = (
        lambda: press(qtbot, described, Qt.Key.Key_Escape),
        panel.buttons[Where.REGION].click,
        described.window.find_mode.click,
        described.commands.close_scene,
    )
    for leave in ways:
        panel.buttons[Where.REGION].click()
        assert canvas.drawing
        leave()
        assert not canvas.drawing
        assert canvas.overlay.state.hint == ""
        assert not panel.buttons[Where.REGION].isChecked()
    assert described.session.captions.captions == ()


def test_a_click_while_drawing_draws_nothing_and_drawing_goes_on(described, qtbot):
    described.actions["describe_region"].trigger()
    canvas = described.window.canvas
    qtbot.mouseClick(canvas._native, LEFT, NONE, QPoint(200, 200))
    qtbot.wait(50)
    assert canvas.drawing
    assert described.session.captions.captions == ()


def test_choosing_a_caption_flies_to_its_window_and_marks_it(described, qtbot):
    first = describe(qtbot, described, Where.REGION, Window(40, 60, 64, 64))
    describe(qtbot, described, Where.REGION, Window(400, 500, 100, 80))
    canvas, view = described.window.canvas, described.window.captions.list
    assert [card.text for card in cards(described)] == ["Caption 2.", "Caption 1."]
    spot = view.visualRect(view.model().index(1, 0)).center()
    qtbot.mouseClick(view.viewport(), LEFT, NONE, spot)
    assert described.session.captions.selected == first
    assert canvas.overlay.state.frame.window == first.window
    qtbot.waitUntil(lambda: abs(canvas.camera().col - 72) < 1 and abs(canvas.camera().row - 92) < 1, timeout=5_000)
    seen = canvas.visible_window()
    assert seen.intersection(first.window) == first.window
    described.view.captions.set_visible(False)
    assert canvas.overlay.state.frame is None


def test_words_are_changed_in_place_and_taken_back_by_ctrl_z(described, qtbot):
    caption = describe(qtbot, described)
    editor = edit(qtbot, described, 0, "Three ships, hm.")
    assert described.window.canvas.overlay.state.markers_visible, "H and M are no commands here"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    (card,) = cards(described)
    assert (card.text, card.edited) == ("Three ships, hm.", True)
    assert described.window.captions.undo.text() == "Undo edit"
    press(qtbot, described, Qt.Key.Key_Z, CTRL)
    assert described.session.captions.captions == (caption,)
    press(qtbot, described, Qt.Key.Key_Z, CTRL | SHIFT)
    assert cards(described)[0].edited


def test_escape_leaves_the_words_and_the_running_job_alone(described, captioning, qtbot):
    describe(qtbot, described)
    go_on = threading.Event()
    captioning.before = lambda _request: go_on.wait(10)
    described.session.captions.describe(Where.SCENE)
    editor = edit(qtbot, described, 0, "Nothing of this")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    go_on.set()
    wait_for(qtbot, described, 2)
    assert [card.text for card in cards(described)] == ["Caption 2.", "Caption 1."]


def test_a_caption_that_arrives_does_not_disturb_the_editing(described, captioning, qtbot):
    describe(qtbot, described)
    go_on = threading.Event()
    captioning.before = lambda _request: go_on.wait(10)
    described.session.captions.describe(Where.SCENE)
    editor = edit(qtbot, described, 0, "Half typed")
    go_on.set()
    wait_for(qtbot, described, 2)
    view = described.window.captions.list
    assert view.editor() is editor
    assert editor.toPlainText() == "Half typed"
    qtbot.keyClicks(editor, " and whole.")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert [card.text for card in cards(described)] == ["Caption 2.", "Half typed and whole."]
    assert view.editor() is None


@pytest.mark.parametrize("how", ["close the scene", "close the window", "export"])
def test_words_in_an_open_editor_are_not_lost(described, qtbot, tmp_path, monkeypatch, how):
    caption = describe(qtbot, described)
    edit(qtbot, described, 0, "Half typed")
    if how == "close the scene":
        described.commands.close_scene()
    elif how == "export":
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "c.csv"), ""))
        described.actions["export_captions"].trigger()
        qtbot.waitUntil((tmp_path / "c.csv").exists, timeout=10_000)
        assert "Half typed" in (tmp_path / "c.csv").read_text()
    described.window.close()
    (path,) = (data_dir() / "captions").iterdir()
    (kept,) = json.loads(path.read_text())["captions"]
    assert (kept["id"], kept["text"], kept["said"]) == (caption.id, "Half typed", "Caption 1.")


def test_captions_come_back_with_their_scene(described, qtbot, scene_file):
    caption = describe(qtbot, described)
    canvas = described.window.canvas
    described.session.captions.edit(caption.id, "Mine.")
    described.commands.close_scene()
    assert cards(described) == ()
    assert described.window.captions.headline.text() == "No scene open"
    described.commands.open_paths([scene_file])
    qtbot.waitUntil(lambda: len(cards(described)) == 1, timeout=10_000)
    assert cards(described)[0].text == "Mine."
    qtbot.waitUntil(lambda: "SAR" in canvas.layer_names, timeout=10_000)
    assert canvas.overlay.state.frame.window == caption.window, "it is still selected"


def test_without_a_scene_there_is_nothing_to_describe(workplace):
    for action in ("describe_view", "describe_place", "describe_region", "describe_scene"):
        workplace.actions[action].trigger()
        assert not workplace.window.canvas.drawing
    assert "Ctrl+O" in workplace.window.captions.fault.text()
    assert not any(button.isEnabled() for button in workplace.window.captions.buttons.values())


def test_delete_takes_the_selected_caption_away_and_undo_brings_it_back(described, qtbot):
    for _ in range(2):
        describe(qtbot, described)
    view = described.window.captions.list
    view.setCurrentIndex(view.model().index(1, 0))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert [card.text for card in cards(described)] == ["Caption 2."]
    described.window.captions.undo.click()
    assert [card.text for card in cards(described)] == ["Caption 2.", "Caption 1."]
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert cards(described) == ()
    assert described.window.captions.undo.isVisible(), "the last one can be taken back, too"
    assert described.window.canvas.overlay.state.frame is None


def test_ctrl_c_copies_the_words_and_a_button_the_command(described, qtbot, scene_file):
    caption = describe(qtbot, described)
    panel, clipboard = described.window.captions, QGuiApplication.clipboard()
    qtbot.keyClick(panel.list, Qt.Key.Key_C, CTRL)
    assert clipboard.text() == caption.text
    assert described.window.toast.text == "Copied: the caption"
    panel.command.click()
    assert clipboard.text() == f"sarvlm caption {scene_file} --window 40,60,120,160"


def test_the_menu_of_a_caption_brings_the_models_words_back(described, qtbot):
    caption = describe(qtbot, described)
    described.session.captions.edit(caption.id, "Mine.")
    menu = described.window.captions.make_menu()
    names = [action.text() for action in menu.actions() if not action.isSeparator()]
    assert names == ["Copy", "Copy as command", "Change the words", "Back to the model's words", "Delete"]
    menu.actions()[4].trigger()
    assert cards(described)[0].text == "Caption 1."
    menu.close()


def test_all_captions_are_exported_in_the_format_of_the_ending(described, qtbot, tmp_path, monkeypatch):
    assert not described.actions["export_captions"].isEnabled()
    describe(qtbot, described)
    describe(qtbot, described, Where.SCENE, None)
    for chosen, kind, written in (("a", "GeoJSON (*.geojson)", "a.geojson"), ("b", "CSV table (*.csv)", "b.csv")):
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_args, chosen=chosen, kind=kind: (str(tmp_path / chosen), kind)
        )
        described.window.captions.export.click()
        said = f"Written: {tmp_path / written}"
        qtbot.waitUntil(lambda said=said: described.window.toast.text == said, timeout=10_000)
    with (tmp_path / "b.csv").open(newline="") as file:
        assert [row["caption"] for row in csv.DictReader(file)] == ["Caption 1.", "Caption 2."]
    assert len(json.loads((tmp_path / "a.geojson").read_text())["features"]) == 2


def test_progress_is_shown_and_can_be_cancelled(described, captioning, qtbot):
    started, go_on = threading.Event(), threading.Event()
    captioning.before = lambda _request: (started.set(), go_on.wait(10))
    described.view.captions.set_visible(True)
    described.session.captions.describe(Where.SCENE)
    panel = described.window.captions
    qtbot.waitUntil(lambda: panel.progress.isVisible() and started.is_set(), timeout=10_000)
    assert panel.progress.text().startswith("Describing the scene")
    panel._cancel.click()
    go_on.set()
    qtbot.waitUntil(lambda: not panel.progress.isVisible(), timeout=10_000)
    assert described.session.captions.captions == ()
    assert panel.sentence.isVisible()


def test_a_missing_model_is_one_sentence_in_the_panel_as_soon_as_it_comes_up(opened, captioning, qtbot):
    def missing():
        raise ModelError("The captioning decoder “x” is missing: install SARVLM Desktop again.")

    opened.session.captions._model = CaptionModel(missing, captioning)
    opened.actions["show_captions"].trigger()
    panel = opened.window.captions
    qtbot.waitUntil(panel.fault.isVisible, timeout=10_000)
    assert "is missing" in panel.fault.text()
    assert not panel.sentence.isVisible()
    assert not opened.window.toast.isVisible()


@pytest.mark.parametrize("stay", [True, False])
def test_captions_that_cannot_be_saved_do_not_go_silently(described, qtbot, monkeypatch, stay):
    (data_dir() / "captions").write_text("a file where the folder should be")
    describe(qtbot, described)
    asked = []

    def answer(box):
        asked.append(box.text())
        button = box.buttons()[0] if stay == (box.buttonRole(box.buttons()[0]) is box.ButtonRole.RejectRole) else None
        (button or box.buttons()[1]).click()

    monkeypatch.setattr(QMessageBox, "exec", answer)
    described.window.close()
    assert len(asked) == 1
    assert "captions" in asked[0]
    assert described.window.isVisible() == stay
    (data_dir() / "captions").unlink()
    described.window.close()
    assert not described.window.isVisible()
    assert (data_dir() / "captions").is_dir() == stay


def test_each_caption_has_room_for_all_its_words(described, qtbot):
    caption = describe(qtbot, described)
    view = described.window.captions.list
    low = view.visualRect(view.model().index(0, 0)).height()
    described.session.captions.edit(caption.id, "A long caption of the scene. " * 20)
    qtbot.waitUntil(lambda: view.visualRect(view.model().index(0, 0)).height() > 2 * low, timeout=5_000)
    tall = view.visualRect(view.model().index(0, 0)).height()
    view.resize(view.width() // 2, view.height())
    qtbot.waitUntil(lambda: view.visualRect(view.model().index(0, 0)).height() > tall, timeout=5_000)
