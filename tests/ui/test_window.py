"""The window as an analyst meets it: open, ask, choose, show and hide, export, close."""

import json
import warnings

import numpy as np
import pytest
import rasterio
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QSlider, QToolButton

from sarvlm_app.errors import SceneError
from sarvlm_app.ui.actions import ACTIONS


def press(qtbot, window, key, modifier=Qt.KeyboardModifier.NoModifier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        QApplication.setActiveWindow(window)  # no window manager does it on a virtual display
    window.canvas.setFocus()
    qtbot.keyClick(window, key, modifier)


def test_without_a_scene_the_window_says_what_to_do(workplace):
    assert workplace.window.results.headline.text() == "No scene open"
    assert not workplace.window.query.button.isEnabled()


def test_an_open_scene_invites_questions_with_examples(opened):
    assert "question" in opened.window.results.headline.text()
    assert opened.window.canvas.layer_names == ("SAR",)
    facts = [label.text() for label in opened.window.facts.findChildren(QLabel)]
    assert any("576 × 640 px" in fact for fact in facts)


def test_a_question_gives_a_heat_map_and_numbered_places(opened, ask):
    answer = ask("ships at anchor")
    assert len(answer.candidates) == 3
    assert opened.window.canvas.layer_names == ("SAR", "Heat map")
    assert opened.window.results.headline.text() == "3 places stand out"
    assert len(opened.window.canvas.overlay.state.markers) == 3
    assert opened.window.results.list.model().rowCount() == 3


def test_what_is_not_there_gives_no_places_and_advice(opened, ask):
    answer = ask("a column of tanks")
    assert not answer.stands_out
    assert opened.window.results.headline.text() == "Nothing stands out"
    assert not opened.window.canvas.overlay.state.markers


def test_typing_on_a_read_scene_moves_the_answer_without_return(opened, ask, qtbot):
    ask("a column of tanks")
    line = opened.window.query.line
    line.selectAll()
    qtbot.keyClicks(line, "ships")
    qtbot.waitUntil(lambda: opened.session.answer.query.text == "ships", timeout=10_000)
    assert len(opened.session.answer.candidates) == 3
    assert line.text() == "ships"


def test_words_after_a_minus_become_chips_that_can_be_removed(opened, ask):
    ask("ships -open water")
    query = opened.window.query
    assert (query.line.text(), query.negatives) == ("ships", ("open water",))
    assert opened.session.negatives == ("open water",)
    chip = next(button for button in query.findChildren(type(query.button)) if button.objectName() == "chip")
    chip.click()
    assert opened.session.negatives == ()


def test_an_empty_question_is_answered_under_the_line(opened):
    opened.window.query.line.clear()
    opened.window.query.ask()
    assert opened.window.query.error.isVisible()
    assert opened.window.query.error.text().endswith(".")


def test_next_and_previous_keys_walk_the_places_and_the_view_follows(opened, ask, qtbot):
    answer = ask("ships")
    press(qtbot, opened.window, Qt.Key.Key_N)
    assert opened.session.selected == answer.candidates[0]
    first = answer.candidates[0]
    qtbot.waitUntil(lambda: abs(opened.window.canvas.camera().col - first.col) < 1, timeout=5_000)
    press(qtbot, opened.window, Qt.Key.Key_P)
    assert opened.session.selected == answer.candidates[-1]
    assert opened.window.canvas.overlay.state.selected == 3


def test_keys_toggle_heat_map_and_numbers(opened, ask, qtbot):
    ask("ships")
    press(qtbot, opened.window, Qt.Key.Key_H)
    assert not opened.window.canvas.heatmap_visible
    press(qtbot, opened.window, Qt.Key.Key_M)
    assert not opened.window.canvas.overlay.state.markers_visible
    press(qtbot, opened.window, Qt.Key.Key_H)
    assert opened.window.canvas.heatmap_visible


def test_letters_typed_into_the_question_are_no_commands(opened, ask, qtbot):
    ask("ships")
    opened.window.query.focus()
    qtbot.keyClicks(opened.window.query.line, "hmn")
    assert opened.window.query.line.text() == "hmn"
    assert opened.window.canvas.heatmap_visible


def test_the_legend_goes_and_comes_with_the_heat_map(opened, ask):
    ask("ships")
    shown = opened.window.canvas.overlay.state.legend_threshold
    assert shown is not None
    opened.actions["toggle_heatmap"].trigger()
    assert opened.window.canvas.overlay.state.legend_threshold is None
    opened.actions["toggle_heatmap"].trigger()
    assert opened.window.canvas.overlay.state.legend_threshold == shown


def test_a_click_on_a_number_selects_its_place(opened, ask):
    ask("ships")
    overlay, camera = opened.window.canvas.overlay, opened.window.canvas.camera()
    place = opened.session.answer.candidates[1]
    assert overlay.marker_at(*camera.to_screen(place.col, place.row)) == 2
    opened.window.canvas.marker_clicked.emit(2)
    assert opened.session.selected == place


def test_the_threshold_slider_thins_the_places(opened, ask, qtbot):
    ask("ships")
    opened.window.results.slider.setValue(95)
    qtbot.waitUntil(lambda: opened.session.answer.query.threshold == 0.95, timeout=5_000)
    assert opened.window.canvas.overlay.state.legend_threshold == 0.95
    assert all(place.score > 0.95 for place in opened.session.answer.candidates)


def test_the_pointer_reads_row_column_value_and_ground_position(opened, qtbot):
    opened.window.canvas.pointer_moved.emit((100.5, 140.5))
    pointer = opened.window.pointer
    assert pointer.place.text() == "row 140  col 100"
    assert pointer.lonlat.text().endswith("W")
    qtbot.waitUntil(lambda: pointer.value.text().endswith("dB"), timeout=5_000)
    assert float(pointer.value.text().split()[0]) == pytest.approx(20 * np.log10(250), abs=0.1)
    opened.window.canvas.pointer_moved.emit(None)
    assert pointer.place.text() == pointer.value.text() == ""


def test_the_stretch_changes_the_display_and_not_the_answer(opened, ask, qtbot):
    answer = ask("ships")
    display = opened.window.display
    low = display.histogram.low
    low.setValue(low.value() + 3)
    assert opened.session.stretch.mode == "manual"
    assert opened.session.answer.heatmap is answer.heatmap


def test_exports_are_written_and_open_again(opened, ask, qtbot, tmp_path, monkeypatch):
    answer = ask("ships")
    for name, kind in (("heat.tif", "export_heatmap"), ("places", "export_candidates"), ("view.png", "export_picture")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, chosen=name: (str(tmp_path / chosen), ""))
        opened.actions[kind].trigger()
    written = [tmp_path / "heat.tif", tmp_path / "places.geojson", tmp_path / "view.png"]
    qtbot.waitUntil(lambda: all(path.exists() for path in written), timeout=15_000)
    with rasterio.open(written[0]) as dataset:
        assert dataset.shape == answer.heatmap.scores.shape
    assert len(json.loads(written[1].read_text())["features"]) == 3


def test_coordinates_are_copied_as_latitude_and_longitude(opened, ask):
    place = ask("ships").candidates[0]
    opened.session.select(1)
    opened.window.selected.copy.click()
    assert QGuiApplication.clipboard().text() == f"{place.lat:.6f}, {place.lon:.6f}"


def test_files_dropped_on_the_canvas_open_as_scenes(workplace, qtbot, scene_file):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(scene_file))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    workplace.window.canvas.dropEvent(QDropEvent(QPointF(10, 10), copy, mime, left, none))
    qtbot.waitUntil(lambda: workplace.session.active is not None, timeout=10_000)
    assert workplace.session.active.path == scene_file


def test_a_file_that_is_open_is_not_opened_again_beside_its_copy(opened, qtbot, scene_file):
    copy = scene_file.with_name("copy.tif")
    copy.write_bytes(scene_file.read_bytes())
    for path in (copy, scene_file, copy):
        opened.commands.open_paths([path])
        qtbot.waitUntil(lambda path=path: opened.session.active.path == path, timeout=10_000)
    assert [scene.path for scene in opened.session.scenes] == [scene_file, copy]


def test_a_file_that_is_no_scene_is_told_in_one_sentence_and_the_window_goes_on(opened, qtbot, tmp_path):
    bad = tmp_path / "notes.tif"
    bad.write_text("not a picture")
    opened.commands.open_paths([bad])
    qtbot.waitUntil(opened.window.toast.isVisible, timeout=5_000)
    assert "notes.tif" in opened.window.toast.text
    assert opened.session.active is not None


def test_a_scene_without_georeference_says_so(workplace, qtbot, tmp_path):
    from PIL import Image

    path = tmp_path / "plain.png"
    Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (200, 1))).save(path)
    workplace.start([path])
    qtbot.waitUntil(lambda: "SAR" in workplace.window.canvas.layer_names, timeout=10_000)
    assert "no georeference" in workplace.window.canvas.overlay.state.badges
    assert workplace.window.canvas.overlay.state.north is None


def test_a_scene_that_holds_nothing_says_so(workplace, qtbot, tmp_path):
    from PIL import Image

    path = tmp_path / "zeros.png"
    Image.fromarray(np.zeros((200, 256), np.uint8)).save(path)
    workplace.start([path])
    badges = lambda: workplace.window.canvas.overlay.state.badges  # noqa: E731
    qtbot.waitUntil(lambda: "no pixel above zero was seen" in badges(), timeout=10_000)


def test_parts_of_the_column_fold_and_are_remembered(opened, qtbot):
    from sarvlm_app.settings import load_settings

    layers = opened.window.layers
    assert not layers.folded and layers.findChild(QSlider).isVisible()
    qtbot.mouseClick(layers.findChild(QToolButton, "section"), Qt.MouseButton.LeftButton)
    assert layers.folded and not layers.findChild(QSlider).isVisible()
    opened.window.close()
    assert load_settings().settings.folded == ("Layers",)
    opened.window.fold(("Facts",))
    assert opened.window.folded() == ("Facts",)


def test_in_the_narrowest_window_every_menu_can_be_reached(workplace, qtbot):
    window, menu = workplace.window, workplace.window.menuBar()
    window.show_model("sarclip-compact", "CPU · fp32 · 2 cores")
    extension = menu.findChild(QToolButton, "qt_menubar_ext_button")
    for width in (900, 1280, 900):
        window.resize(width, 600)
        qtbot.waitUntil(lambda: not extension.isVisible(), timeout=2000)
        assert menu.actionGeometry(menu.actions()[-1]).right() < menu.width()
    assert not window.model_label.isVisible()
    window.resize(1280, 800)
    qtbot.waitUntil(window.model_label.isVisible, timeout=2000)


def test_theme_changes_at_run_time_and_is_remembered(opened):
    from sarvlm_app.settings import load_settings

    assert opened.theme.palette.name == "dark"
    opened.actions["theme"].trigger()
    assert opened.theme.palette.name == "light"
    opened.window.close()
    assert load_settings().settings.theme == "light"


def test_every_command_of_the_table_has_a_handler_and_its_own_key(workplace):
    assert set(workplace.actions) == {spec.name for spec in ACTIONS}
    for column in (None, workplace.view.detections, workplace.view.measures):  # some keys mean other things in each
        workplace.view.show_places()
        if column is not None:
            column.set_visible(True)
        keys = [key.toString() for action in workplace.actions.values() for key in action.shortcuts()]
        assert len(keys) == len(set(keys))


def test_an_unforeseen_error_gives_a_report_and_the_window_goes_on(opened, qtbot):
    from sarvlm_app.ui.dialogs.report import ReportDialog

    opened.runner.crashed.emit("Reading", ValueError("boom"))
    dialog = opened.window.findChild(ReportDialog)
    assert "ValueError: boom" in dialog.view.toPlainText()
    dialog.accept()
    opened.session.failed.emit(SceneError("a.tif cannot be read: it is empty; choose another file."))
    assert opened.window.toast.isVisible()


def test_closing_while_a_scene_is_read_ends_every_lane(opened, qtbot):
    opened.window.query.ask_words("ships")
    opened.window.close()
    assert not [job for job in opened.runner.statuses() if job.state == "running"]


def test_a_products_folder_is_opened_whole(workplace, qtbot, tmp_path, monkeypatch):
    from tests.core.products.safe_files import Safe, write_safe

    folder = write_safe(Safe(tmp_path))
    monkeypatch.setattr("PySide6.QtWidgets.QFileDialog.getExistingDirectory", lambda *_given: str(folder))
    workplace.actions["open_folder"].trigger()
    qtbot.waitUntil(lambda: workplace.session.active is not None, timeout=10_000)
    assert workplace.session.active.product == "Sentinel-1 IW GRD"
