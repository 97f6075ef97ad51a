"""The boxes in the window: a run by keys and buttons, the table and the map linked, corrections by mouse and keys."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.box_facts import box_facts
from sarvlm_app.core.box_table import Source, Touch
from sarvlm_app.core.boxes import bbox_of, corners_from, sides_px
from sarvlm_app.core.detection_request import Area
from sarvlm_app.errors import ModelError
from sarvlm_app.ui.actions import ACTIONS
from sarvlm_app.ui.panels.box_rows import HEADING, LABEL, LATITUDE, LENGTH, SCORE, WIDTH
from sarvlm_app.ui.viewer.box_frame import BoxFrame
from sarvlm_models.types import Detections
from tests.ui.conftest import SPOTS, SpotLoader, write_scene
from tests.ui.fake_detector import CLASSES, BlobDetector
from tests.ui.focus import activate

LEFT, NONE, SHIFT, CTRL = (
    Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)  # fmt: skip
PATIENCE = 60_000


class MissingDetector:
    def __call__(self):
        raise ModelError("No detector is installed: install the program again; the rest works without.")


def make_workplace(qapp, qtbot, detector):
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.workplace import Workplace

    place = Workplace(qapp, Settings(), SpotLoader(), detector=detector)
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
def blobs():
    return BlobDetector()


@pytest.fixture
def detecting(qapp, qtbot, no_leaked_threads, blobs, scene_file):
    """The window with a detector of blobs, the small scene open and the boxes in the right column."""
    place = make_workplace(qapp, qtbot, lambda: blobs)
    place.start([scene_file])
    qtbot.waitUntil(lambda: "SAR" in place.window.canvas.layer_names, timeout=PATIENCE)
    place.actions["show_boxes"].trigger()
    qtbot.waitUntil(lambda: place.session.detections.spec is not None, timeout=PATIENCE)
    place.window.canvas.setFocus()
    yield place
    put_away(place, qtbot)


@pytest.fixture
def found(detecting, qtbot):
    """The same after a run over the scene."""
    detecting.window.detections.run.set_area(Area.SCENE)
    press(qtbot, detecting, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: table(detecting).rowCount() == len(SPOTS), timeout=PATIENCE)
    qtbot.waitUntil(lambda: text(detecting, 0, LENGTH) != "–", timeout=PATIENCE)
    return detecting


def press(qtbot, place, key, modifiers=NONE):
    activate(place.window)
    place.window.canvas.setFocus()
    qtbot.keyClick(place.window.canvas, key, modifiers)


def table(place):
    return place.window.detections.model


def text(place, row, column):
    return table(place).data(table(place).index(row, column))


def many(n=20_000, size=3000.0, seed=1):
    rng = np.random.default_rng(seed)
    corners = corners_from(
        rng.uniform(20, size - 20, n), rng.uniform(20, size - 20, n), rng.uniform(10, 40, n), 8.0, rng.uniform(0, 3, n)
    ).astype(np.float32)
    scores = rng.uniform(0.1, 1, n).astype(np.float32)
    return Detections(corners, bbox_of(corners), scores, rng.integers(0, 2, n).astype(np.int32), ("a", "b"), "x@0")


# ---- runs -------------------------------------------------------------------------------
def test_d_runs_on_the_compute_lane_and_lists_what_was_found(found, blobs):
    assert blobs.threads == {"compute_0"}
    panel = found.window.detections
    assert panel.headline.text() == "3 boxes" and panel.run.detector.text().startswith("blobs")
    assert [row.name for row in panel.class_model.rows] == [one.name for one in CLASSES]
    assert sum(row.count for row in panel.class_model.rows) == 3
    assert float(text(found, 0, LENGTH)) == pytest.approx(240, abs=60), "24 pixels of 10 m"
    assert text(found, 0, LATITUDE).startswith("33.")
    assert "Boxes" in found.window.canvas.layer_names and found.window.canvas.boxes.count == 3


def test_the_estimate_stands_there_before_the_run(detecting, qtbot):
    run = detecting.window.detections.run
    qtbot.waitUntil(lambda: "window" in run.estimate.text(), timeout=PATIENCE)
    assert "Mpx" in run.estimate.text()


def test_words_take_the_place_of_classes(detecting, qtbot, blobs):
    panel = detecting.window.detections
    panel.run.set_area(Area.SCENE)
    panel.run.words.setText("oil tanker, tug")
    qtbot.keyClick(panel.run.words, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: table(detecting).rowCount() == 3, timeout=PATIENCE)
    assert set(blobs.asked) == {("oil tanker", "tug")}
    assert "tug" in [row.name for row in panel.class_model.rows]


def test_only_ticked_classes_are_looked_for_and_shown(found, qtbot, blobs):
    panel = found.window.detections
    blobs.asked.clear()
    for row, one in enumerate(panel.class_model.rows):
        if one.name != "aircraft":
            panel.class_model.setData(panel.class_model.index(row), 0, int(Qt.ItemDataRole.CheckStateRole))
    assert found.detector.wish().classes == (CLASSES[1],)
    shown = {found.session.detections.names[k] for k in found.session.detections.boxes.classes[
        found.session.detections.shown]}  # fmt: skip
    assert shown <= {"aircraft"}
    panel._none.click()
    assert not found.session.detections.shown.any() and panel.sentence.isVisible()
    found.actions["detect"].trigger()
    assert "tick" in panel.fault.text() and panel.fault.isVisible()
    panel._all.click()
    assert found.session.detections.shown.all()


def test_stop_keeps_what_was_found_and_the_button_changes(detecting, qtbot, blobs):
    panel, go_on = detecting.window.detections, threading.Event()
    blobs.before = lambda: None if go_on.wait(15) else None
    panel.run.set_area(Area.SCENE)
    panel.run.run.click()
    qtbot.waitUntil(lambda: panel.run.stop.isVisible() and not panel.run.run.isVisible(), timeout=PATIENCE)
    panel.run.stop.click()
    go_on.set()
    qtbot.waitUntil(lambda: not detecting.session.detections.running, timeout=PATIENCE)
    qtbot.waitUntil(panel.run.run.isVisible, timeout=PATIENCE)


def test_a_region_is_drawn_and_looked_at(detecting, qtbot):
    canvas, panel = detecting.window.canvas, detecting.window.detections
    press(qtbot, detecting, Qt.Key.Key_R)
    assert canvas.drawing and "look at" in canvas.overlay.state.hint
    camera = canvas.camera()
    start, end = camera.to_screen(40, 80), camera.to_screen(200, 220)
    drag(qtbot, canvas, QPoint(*map(round, start)), QPoint(*map(round, end)))
    assert panel.run.area is Area.REGION and canvas.overlay.state.frame is not None
    panel.run.run.click()
    qtbot.waitUntil(lambda: table(detecting).rowCount() == 1, timeout=PATIENCE)
    col, row = detecting.session.detections.boxes.centres[0]
    assert (col, row) == pytest.approx(SPOTS[0], abs=3)
    assert not detecting.session.captions.captions, "it is not described as well"


def test_leaving_the_drawing_goes_back_to_the_view(detecting, qtbot):
    panel = detecting.window.detections
    press(qtbot, detecting, Qt.Key.Key_R)
    press(qtbot, detecting, Qt.Key.Key_Escape)
    assert not detecting.window.canvas.drawing and panel.run.area is Area.VIEW


# ---- without this or that ---------------------------------------------------------------
def test_a_missing_detector_is_a_sentence_and_the_rest_works(qapp, qtbot, no_leaked_threads, scene_file, tmp_path):
    place = make_workplace(qapp, qtbot, MissingDetector())
    place.start([scene_file])
    qtbot.waitUntil(lambda: "SAR" in place.window.canvas.layer_names, timeout=PATIENCE)
    place.actions["show_boxes"].trigger()
    panel = place.window.detections
    qtbot.waitUntil(lambda: "No detector is installed" in panel.fault.text(), timeout=PATIENCE)
    assert panel.fault.isVisible() and panel.bring.isEnabled()
    place.session.detections._on_view.arrive(many(50, 500), Source.FILE)
    place.session.detections.changed.emit()
    qtbot.waitUntil(lambda: table(place).rowCount() > 0, timeout=PATIENCE)
    put_away(place, qtbot)


def test_without_a_scene_the_panel_says_how_to_open_one(qapp, qtbot, no_leaked_threads, blobs):
    place = make_workplace(qapp, qtbot, lambda: blobs)
    place.actions["show_boxes"].trigger()
    panel = place.window.detections
    assert panel.headline.text() == "No scene open" and "Ctrl+O" in panel.sentence.text()
    assert not panel.run.run.isEnabled() and not panel.bring.isEnabled()
    for action in ("detect", "next_box", "strike_box", "box_left", "turn_left", "draw_box", "confirm_box"):
        place.actions[action].trigger()
    assert not place.window.canvas.drawing
    put_away(place, qtbot)


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_without_georeference_sizes_and_places_are_pixels(qapp, qtbot, no_leaked_threads, blobs, tmp_path):
    place = make_workplace(qapp, qtbot, lambda: blobs)
    place.start([write_scene(tmp_path / "bare.tif", georeferenced=False)])
    qtbot.waitUntil(lambda: "SAR" in place.window.canvas.layer_names, timeout=PATIENCE)
    place.window.detections.run.set_area(Area.SCENE)
    place.actions["detect"].trigger()
    qtbot.waitUntil(lambda: table(place).rowCount() == 3, timeout=PATIENCE)
    panel = place.window.detections
    said = panel.notes.text() + panel.sentence.text()
    assert said.count("no georeference") == 1 and "spacing" in said
    header = [table(place).headerData(k, Qt.Orientation.Horizontal) for k in range(7)]
    assert header[LENGTH] == "Length\npx" and header[LATITUDE] == "Col"
    assert float(text(place, 0, LENGTH)) == pytest.approx(24, abs=6) and text(place, 0, HEADING) == "–"
    put_away(place, qtbot)


# ---- table and map ----------------------------------------------------------------------
def test_the_slider_filters_list_and_map_at_once(found, qtbot):
    panel = found.window.detections
    lowest = min(found.session.detections.boxes.scores)
    panel.slider.setValue(int(100 * lowest) + 2)
    assert table(found).rowCount() < 3
    qtbot.waitUntil(lambda: found.window.canvas.boxes.count == table(found).rowCount())
    assert panel.headline.text() == f"{table(found).rowCount()} of 3 boxes"
    panel.slider.setValue(99)
    assert table(found).rowCount() == 0 and "slider" in panel.sentence.text()


def test_columns_sort_and_the_selection_stays(found):
    detections, view = found.session.detections, found.window.detections.table
    detections.select_next(1)
    chosen = detections.selected
    for column in (LABEL, SCORE, LENGTH, WIDTH, HEADING, LATITUDE):
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            view.sortByColumn(column, order)
            values = [text(found, row, column) for row in range(3)]
            keys = values if column == LABEL else [float(value) for value in values]
            assert keys == sorted(keys, reverse=order is Qt.SortOrder.DescendingOrder)
            rows = view.selectionModel().selectedRows()
            assert [table(found).id_of(index.row()) for index in rows] == [chosen] and detections.selected == chosen


def test_a_row_selects_on_the_map_and_a_click_on_the_map_selects_the_row(found, qtbot):
    panel, canvas, detections = found.window.detections, found.window.canvas, found.session.detections
    panel.table.selectRow(1)
    assert detections.selected == table(found).id_of(1)
    assert canvas.overlay.state.picked is not None and canvas.overlay.state.picked.handles
    assert panel.card.isVisible() and "axis" in panel.card.words.text()
    canvas.fit()
    other = table(found).id_of(2)
    click_box(qtbot, found, other)
    assert detections.selected == other and panel.table.currentIndex().row() == 2
    camera = canvas.camera()
    x, y = (round(value) for value in camera.to_screen(300, 30))
    qtbot.mouseClick(canvas._native, LEFT, NONE, QPoint(x, y))
    qtbot.waitUntil(lambda: detections.selected is None)
    assert canvas.overlay.state.picked is None and not panel.card.isVisible()


def test_the_box_under_the_mouse_is_brought_out_with_its_words(found, qtbot):
    found.window.canvas.fit()
    found.detector._on_pointer(tuple(float(v) for v in SPOTS[1]))
    mark = found.window.canvas.overlay.state.hovered
    assert mark is not None and " m" in mark.label
    found.detector._on_pointer(None)
    assert found.window.canvas.overlay.state.hovered is None


def test_a_click_on_a_box_opens_the_panel(found, qtbot):
    found.view.show_places()
    found.window.canvas.fit()
    click_box(qtbot, found, table(found).id_of(0))
    assert found.view.detections.visible and found.window.detect_mode.isChecked()


def test_b_hides_the_boxes(found, qtbot):
    press(qtbot, found, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: not found.window.canvas.boxes._layer.visible)
    found.detector._on_pointer(tuple(float(v) for v in SPOTS[1]))
    assert found.window.canvas.overlay.state.hovered is None
    press(qtbot, found, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: found.window.canvas.boxes._layer.visible)


# ---- corrections ------------------------------------------------------------------------
def chosen(place):
    detections = place.session.detections
    return detections.boxes.take(detections.boxes.ids == detections.selected)


def test_keys_move_turn_confirm_strike_out_and_take_back(found, qtbot):
    detections = found.session.detections
    press(qtbot, found, Qt.Key.Key_Tab)
    before = chosen(found)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down):
        press(qtbot, found, key)
    press(qtbot, found, Qt.Key.Key_Left, SHIFT)
    assert np.allclose(chosen(found).centres, before.centres + (-8, 1), atol=1e-3)
    _, _, angle = sides_px(chosen(found).corners_px)
    press(qtbot, found, Qt.Key.Key_BracketRight)
    turned = sides_px(chosen(found).corners_px)[2]
    assert np.degrees(turned - angle)[0] % 180 == pytest.approx(1, abs=0.05)
    press(qtbot, found, Qt.Key.Key_A)
    assert chosen(found).touches[0] == Touch.EDITED | Touch.CONFIRMED
    press(qtbot, found, Qt.Key.Key_Delete)
    assert detections.boxes.struck.sum() == 1 and detections.selected is None
    for _ in range(4):  # delete, confirm, turn, and the moves as one
        press(qtbot, found, Qt.Key.Key_Z, CTRL)
    assert detections.undo_name == "run" and np.allclose(chosen(found).corners_px, before.corners_px)
    press(qtbot, found, Qt.Key.Key_Z, CTRL | SHIFT)
    assert detections.undo_name == "move"


def test_tab_goes_through_the_boxes_and_back(found, qtbot):
    seen = []
    for _ in range(4):
        press(qtbot, found, Qt.Key.Key_Tab)
        seen.append(found.session.detections.selected)
    assert len(set(seen)) == 3 and seen[3] == seen[0]
    press(qtbot, found, Qt.Key.Key_Backtab, SHIFT)
    assert found.session.detections.selected == seen[2]


def test_the_mouse_moves_resizes_and_turns_the_selected_box(found, qtbot):
    detections, canvas = found.session.detections, found.window.canvas
    detections.select(table(found).id_of(0))
    col, row = (float(v) for v in chosen(found).centres[0])
    canvas.look_at(col, row, 3.0)
    before = chosen(found)
    middle = QPoint(round(canvas.camera().width / 2), round(canvas.camera().height / 2))
    drag(qtbot, canvas, middle, middle + QPoint(30, -15))
    assert np.allclose(chosen(found).centres - before.centres, (10, -5), atol=0.5)
    assert detections.undo_name == "move" and canvas.camera().col == pytest.approx(col), "the view stays"
    frame = BoxFrame.of(chosen(found).corners_px[0], canvas.camera())
    grip = frame.handles()[5]
    out = np.array(frame.along) * 30
    drag(qtbot, canvas, point(grip), point(grip + out))
    assert detections.undo_name == "resize"
    assert sides_px(chosen(found).corners_px)[0][0] == pytest.approx(sides_px(before.corners_px)[0][0] + 10, abs=1)
    frame = BoxFrame.of(chosen(found).corners_px[0], canvas.camera())
    end = np.array(frame.arm()[1])
    centre = np.array(frame.centre)
    quarter = centre + np.array([[0, -1], [1, 0]]) @ (end - centre)
    drag(qtbot, canvas, point(end), point(quarter))
    assert detections.undo_name == "turn"
    for _ in range(3):
        detections.undo()
    assert np.allclose(chosen(found).corners_px, before.corners_px)


def test_a_missing_box_is_drawn_and_labelled(found, qtbot):
    canvas, detections = found.window.canvas, found.session.detections
    canvas.fit()
    press(qtbot, found, Qt.Key.Key_W)
    assert canvas.drawing and found.window.detections.draw.isChecked()
    camera = canvas.camera()
    drag(qtbot, canvas, point(camera.to_screen(300, 60)), point(camera.to_screen(360, 90)))
    assert len(detections.boxes) == 4 and chosen(found).touches[0] == Touch.ADDED
    assert np.allclose(chosen(found).centres[0], (330, 75), atol=3)
    label = found.window.detections.card.label
    label.setEditText("pilot boat")
    qtbot.keyClick(label.lineEdit(), Qt.Key.Key_Return)
    assert detections.names[chosen(found).classes[0]] == "pilot boat"


def test_several_rows_are_struck_out_together(found, qtbot):
    panel = found.window.detections
    panel.table.selectAll()
    activate(found.window)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert found.session.detections.boxes.struck.all()
    qtbot.waitUntil(lambda: "struck out" in panel.corrected.text(), timeout=PATIENCE)
    found.session.detections.undo()
    assert not found.session.detections.boxes.struck.any()


def test_corrections_are_there_again_in_a_new_window(qapp, qtbot, found, scene_file, blobs):
    press(qtbot, found, Qt.Key.Key_Tab)
    press(qtbot, found, Qt.Key.Key_Right, SHIFT)
    corrected = chosen(found)
    assert found.keep_work()
    again = make_workplace(qapp, qtbot, lambda: blobs)
    again.start([scene_file])
    qtbot.waitUntil(lambda: len(again.session.detections.boxes) == 3, timeout=PATIENCE)
    boxes = again.session.detections.boxes
    assert np.array_equal(boxes.corners_px[boxes.touched], corrected.corners_px)
    put_away(again, qtbot)


# ---- files ------------------------------------------------------------------------------
def test_export_and_import_by_the_dialogs(found, qtbot, tmp_path, monkeypatch):
    out = tmp_path / "ships.geojson"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), "GeoJSON (*.geojson)"))
    found.actions["export_boxes"].trigger()
    qtbot.waitUntil(out.exists, timeout=PATIENCE)
    found.session.detections.strike_out(found.session.detections.boxes.ids.tolist())
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(out), ""))
    found.actions["undo_box"].trigger()
    found.actions["clear_boxes"].trigger()
    assert len(found.session.detections.boxes) == 0
    found.actions["import_boxes"].trigger()
    qtbot.waitUntil(lambda: table(found).rowCount() == 3, timeout=PATIENCE)
    facts = box_facts(found.session.detections.boxes.corners_px, found.session.active)
    assert facts.length_m == pytest.approx(240, abs=60)


def test_a_file_of_another_kind_is_a_sentence_in_the_panel(found, qtbot, tmp_path, monkeypatch):
    bad = tmp_path / "boxes.json"
    bad.write_text("{}")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(bad), ""))
    found.actions["import_boxes"].trigger()
    fault = found.window.detections.fault
    qtbot.waitUntil(lambda: "boxes.json" in fault.text(), timeout=PATIENCE)
    assert fault.isVisible()


# ---- keys -------------------------------------------------------------------------------
def test_no_two_commands_have_one_key_at_a_time(detecting):
    for boxes in (True, False):
        detecting.view.detections.set_visible(boxes)
        held = [key.toString() for spec in ACTIONS for key in detecting.actions[spec.name].shortcuts()]
        assert len(held) == len(set(held)), sorted(key for key in held if held.count(key) > 1)
    assert [key.toString() for key in detecting.actions["describe_place"].shortcuts()] == ["D"]


def test_arrows_go_through_the_table_where_it_has_the_focus(found, qtbot):
    view = found.window.detections.table
    activate(found.window)
    view.selectRow(0)
    view.setFocus()
    before = chosen(found).corners_px
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert found.session.detections.selected == table(found).id_of(1)
    assert found.session.detections.undo_name == "run" and len(before) == 1


def test_escape_first_lets_the_box_go(found, qtbot):
    found.window.toast.hide()
    found.session.detections.select_next(1)
    press(qtbot, found, Qt.Key.Key_Escape)
    assert found.session.detections.selected is None


# ---- many -------------------------------------------------------------------------------
@pytest.mark.slow
def test_thousands_of_boxes_come_and_go_fifty_times(found, qtbot):
    detections, canvas = found.session.detections, found.window.canvas
    known, names = detections._on_view, canvas.layer_names
    several = [many(3_000, 600, seed=seed) for seed in range(3)]  # 20 000 in bench_detections_window.py
    known.clear()
    for number in range(50):
        known.arrive(several[number % 3], Source.FILE)
        detections.changed.emit()
        qtbot.waitUntil(lambda: canvas.boxes.count > 100, timeout=PATIENCE)
        canvas._native.repaint()
        detections.set_confidence(0.2 + 0.01 * number)
        canvas._native.repaint()
        known.clear()
        detections.changed.emit()
        qtbot.waitUntil(lambda: canvas.boxes.count == 0, timeout=PATIENCE)
        canvas._native.repaint()
    assert canvas.layer_names == names, "one layer that stays"


# ---- helpers ----------------------------------------------------------------------------
def point(place):
    return QPoint(round(float(place[0])), round(float(place[1])))


def drag(qtbot, canvas, start, end):
    native = canvas._native
    qtbot.mousePress(native, LEFT, NONE, start)
    for share in (0.4, 0.8, 1.0):
        qtbot.mouseMove(native, start + (end - start) * share)
        qtbot.wait(30)  # vispy takes the mouse from the event loop
    qtbot.mouseRelease(native, LEFT, NONE, end)
    qtbot.wait(30)


def click_box(qtbot, place, box):
    boxes = place.session.detections.boxes
    col, row = (float(v) for v in boxes.centres[boxes.ids == box][0])
    x, y = place.window.canvas.camera().to_screen(col, row)
    qtbot.mouseClick(place.window.canvas._native, LEFT, NONE, point((x, y)))
    qtbot.waitUntil(lambda: place.session.detections.selected == box, timeout=PATIENCE)
