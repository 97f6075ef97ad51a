"""Measuring as an analyst does: drawn by clicks and keys, told in rows and plots, taken back, stopped, written."""

from __future__ import annotations

import json
import math
import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core import measure_work
from sarvlm_app.core.instruments import (
    measure_line,
    measure_polygon,
    point_response,
    profile,
    region_statistics,
)
from sarvlm_app.core.measure_list import Stage, Tool
from sarvlm_app.ui.measure_words import area_text, azimuth_text, copied, db_text, length_text, live_text
from sarvlm_app.ui.viewer.geometry import Camera
from sarvlm_app.ui.viewer.measure_marks import clipped
from sarvlm_models.types import Window
from tests.ui.conftest import SPOTS, write_scene
from tests.ui.focus import activate

LEFT, NONE, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
PATIENCE = 15_000


def press(qtbot, place, key, modifier=NONE):
    activate(place.window)
    place.window.canvas.setFocus()
    qtbot.keyClick(place.window, key, modifier)


def screen(place, col, row):
    x, y = place.window.canvas.camera().to_screen(col, row)
    return QPoint(round(x), round(y))


def click(qtbot, place, col, row):
    """Clicks on the map; gives the place that was really met, on whole pixels of the screen."""
    spot = screen(place, col, row)
    qtbot.mouseClick(place.window.canvas._native, LEFT, NONE, spot)
    qtbot.wait(10)
    return place.window.canvas.camera().to_scene(spot.x(), spot.y())


def drag(qtbot, place, start, end):
    native = place.window.canvas._native
    qtbot.mousePress(native, LEFT, NONE, start)
    for share in (0.5, 1.0):
        qtbot.mouseMove(native, start + (end - start) * share)
        qtbot.wait(30)
    qtbot.mouseRelease(native, LEFT, NONE, end)
    qtbot.wait(30)


def idle(qtbot, place):
    qtbot.waitUntil(lambda: not place.session.measures.running, timeout=PATIENCE)
    return place.session.measures.selected


def values(place):
    return place.window.measures.card.values


def test_a_line_is_clicked_told_live_and_ended_by_a_double_click(opened, ask, qtbot):
    ask("ships")
    place, scene = opened, opened.session.active
    press(qtbot, place, Qt.Key.Key_U)
    assert place.window.measures.isVisible() and not place.window.results.isVisible()
    press(qtbot, place, Qt.Key.Key_1)
    canvas, zoom = place.window.canvas, place.window.canvas.camera().zoom
    assert canvas.overlay.state.hint.startswith("Click points of the line")
    col, row = SPOTS[0]
    points = [click(qtbot, place, col, row), click(qtbot, place, 400, 200)]
    assert place.session.selected is None, "a number that lies there is not picked"
    canvas.pointer_moved.emit((450.0, 420.0))
    marks = place.measuring.presenter.marks
    wanted = measure_line(scene, [*points, (450, 420)])
    assert length_text(wanted.segments_m[1], 0) in marks.draft.words
    assert (
        azimuth_text(wanted.azimuth_deg[1]) in marks.draft.words and length_text(wanted.total_m, 0) in marks.draft.words
    )
    points.append(click(qtbot, place, 420, 500))
    qtbot.mouseDClick(canvas._native, LEFT, NONE, screen(place, 420, 500))
    (measured,) = place.session.measures.entries
    assert canvas.camera().zoom == zoom, "the double click does not zoom in"
    line = measure_line(scene, points)
    np.testing.assert_allclose(measured.line.segments_m, line.segments_m)
    told = values(place)
    assert told["Length"].startswith(length_text(line.total_m, 0)) and "px" in told["Length"]
    assert told["Segment 2"] == f"{length_text(line.segments_m[1], 0)} · {azimuth_text(line.azimuth_deg[1])}"
    assert told["Ground"] == "geodesic on WGS 84"
    assert marks.marks[0].label == f"1  {length_text(line.total_m, 0)}" and not marks.draft.points
    assert not place.window.measures.card.plot.isVisible()
    press(qtbot, place, Qt.Key.Key_Escape)
    assert place.session.measures.tool is None and canvas.tool is place.detector.mouse and not canvas.overlay.state.hint
    click(qtbot, place, col, row)
    assert place.session.selected is not None and len(place.session.measures.entries) == 1


def test_a_profile_is_plotted_and_linked_with_the_map(opened, qtbot):
    place, scene = opened, opened.session.active
    press(qtbot, place, Qt.Key.Key_U)
    press(qtbot, place, Qt.Key.Key_2)
    points = [click(qtbot, place, 60, 140), click(qtbot, place, 300, 150)]
    press(qtbot, place, Qt.Key.Key_Return)
    measured, plot = idle(qtbot, place), place.window.measures.card.plot
    wanted = profile(scene, 1, points)
    np.testing.assert_array_equal(measured.profile.db, wanted.db)
    assert plot.isVisible() and plot.unit == "m"
    curve = plot.plotItem.listDataItems()[0]
    np.testing.assert_array_equal(curve.xData, wanted.distance_m)
    np.testing.assert_array_equal(curve.yData, wanted.db)
    told = values(place)
    assert told["Highest"] == db_text(float(wanted.db.max())) and told["Samples"].startswith(f"{len(wanted.db)},")
    marks = place.measuring.presenter.marks
    across = float(wanted.distance_m[30])
    plot.scene().sigMouseMoved.emit(plot.plotItem.vb.mapViewToScene(plot.plotItem.vb.viewRect().center()))
    assert marks.spot is not None
    plot.hovered.emit(30)
    assert marks.spot == tuple(wanted.points_px[30])
    press(qtbot, place, Qt.Key.Key_Escape)
    place.window.canvas.pointer_moved.emit(tuple(wanted.points_px[30]))
    assert plot._mark.isVisible() and plot._mark.value() == pytest.approx(across)
    place.window.canvas.pointer_moved.emit((500.0, 600.0))
    assert not plot._mark.isVisible() and marks.spot is None
    place.window.measures.card.across.setValue(9)
    wide = idle(qtbot, place)
    np.testing.assert_array_equal(wide.profile.db, profile(scene, 1, points, width_px=9).db)
    assert values(place)["Averaged over"] == "9 px across"
    axis = plot.getAxis("bottom")
    assert axis.tickStrings([1000.0, 2000.0], axis.scale * axis.autoSIPrefixScale, 1000.0) == ["1000", "2000"]


def test_a_region_by_clicks_and_a_box_by_a_drag_give_statistics(opened, qtbot):
    place, scene, canvas = opened, opened.session.active, opened.window.canvas
    press(qtbot, place, Qt.Key.Key_U)
    press(qtbot, place, Qt.Key.Key_3)
    before = canvas.camera()
    drag(qtbot, place, screen(place, 300, 300), screen(place, 330, 320))
    assert canvas.camera().col == pytest.approx(before.col - 30, abs=2), "a drag moves the view and draws nothing"
    assert not place.session.measures.draft
    ring = [click(qtbot, place, col, row) for col, row in ((200, 200), (360, 210), (300, 330))]
    qtbot.mouseClick(canvas._native, Qt.MouseButton.RightButton, NONE, screen(place, 400, 400))
    measured = idle(qtbot, place)
    area, found = measure_polygon(scene, ring), region_statistics(scene, 1, ring)
    assert measured.region == found
    told = values(place)
    assert told["Area"].startswith(area_text(area.area_m2, 0)) and told["Perimeter"] == length_text(area.perimeter_m, 0)
    assert (told["Mean"], told["Maximum"]) == (db_text(found.mean_db), db_text(10 * math.log10(found.maximum)))
    assert told["ENL"] == f"{found.enl:.3g}" and told["Variation"].startswith(f"{found.variation:.3g}")
    plot = place.window.measures.card.plot
    counts = plot.plotItem.listDataItems()[0].yData
    np.testing.assert_allclose(counts * found.histogram.counts.max(), found.histogram.counts)
    press(qtbot, place, Qt.Key.Key_4)
    drag(qtbot, place, screen(place, 100, 400), screen(place, 180, 460))
    box = idle(qtbot, place)
    assert box.tool is Tool.BOX and len(place.session.measures.entries) == 2
    col, row = (int(value) for value in box.points_px.min(axis=0))
    width, height = (int(value) for value in np.ptp(box.points_px, axis=0))
    assert abs(width - 80) <= 3 and abs(height - 60) <= 3
    assert box.region == region_statistics(scene, 1, Window(col, row, width, height))
    assert values(place)["Mean"] == db_text(box.region.mean_db)
    assert not place.measuring.presenter.marks.draft.points


def test_keys_mend_remove_and_bring_back(opened, qtbot):
    place, measures = opened, opened.session.measures
    panel = place.window.measures
    press(qtbot, place, Qt.Key.Key_U)
    press(qtbot, place, Qt.Key.Key_3)
    for point in ((100, 100), (200, 200), (200, 100), (100, 200)):
        click(qtbot, place, *point)
    press(qtbot, place, Qt.Key.Key_Return)
    assert "cross" in panel.fault.text() and len(measures.draft) == 4
    press(qtbot, place, Qt.Key.Key_Backspace)
    assert len(measures.draft) == 3
    click(qtbot, place, -20, 300)
    assert "outside the scene" in panel.fault.text() and len(measures.draft) == 3
    press(qtbot, place, Qt.Key.Key_Return)
    idle(qtbot, place)
    assert not panel.fault.isVisible() and panel.headline.text() == "1 measure"
    press(qtbot, place, Qt.Key.Key_1)
    click(qtbot, place, 50, 50)
    press(qtbot, place, Qt.Key.Key_Escape)
    assert not measures.draft and measures.tool is Tool.LINE, "Esc gives the draft up first"
    click(qtbot, place, 50, 50)
    click(qtbot, place, 90, 50)
    press(qtbot, place, Qt.Key.Key_Return)
    assert panel.list.count() == 2 and panel.list.currentRow() == 1
    press(qtbot, place, Qt.Key.Key_Delete)
    assert [one.number for one in measures.entries] == [1]
    press(qtbot, place, Qt.Key.Key_Z, CTRL)
    assert [one.number for one in measures.entries] == [1, 2] and len(place.measuring.presenter.marks.marks) == 2
    panel.clear.click()
    assert not panel.list.isVisible() and not panel.card.isVisible() and not panel.copy.isEnabled()
    panel.undo.click()
    press(qtbot, place, Qt.Key.Key_Z, CTRL | SHIFT)
    assert not measures.entries
    panel.undo.click()
    panel.list.setCurrentRow(0)
    assert measures.selected.number == 1 and panel.card.title.text() == "REGION 1"
    press(qtbot, place, Qt.Key.Key_U, SHIFT)
    assert not place.measuring.presenter.marks.marks, "hidden on the map, kept in the list"
    place.window.caption_mode.click()
    assert measures.tool is None and len(measures.entries) == 2
    place.window.query.line.setFocus()
    qtbot.keyClicks(place.window.query.line, "1")
    assert place.window.query.line.text() == "1" and measures.tool is None


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_point_target_and_places_where_there_is_none(workplace, qtbot, tmp_path):
    path = write_scene(tmp_path / "bare.tif", georeferenced=False)
    workplace.start([path])
    qtbot.waitUntil(lambda: "SAR" in workplace.window.canvas.layer_names, timeout=10_000)
    place, panel, scene = workplace, workplace.window.measures, workplace.session.active
    press(qtbot, place, Qt.Key.Key_U)
    assert "in pixels" in panel.ground.text() and panel.ground.isVisible()
    press(qtbot, place, Qt.Key.Key_5)
    col, row = click(qtbot, place, *SPOTS[1])
    found, wanted = idle(qtbot, place).point, point_response(scene, 1, col, row)
    assert found == wanted
    told = values(place)
    assert told["Range width"] == f"{wanted.range.width_px:.2f} px"
    assert told["Azimuth PSLR"] == db_text(wanted.azimuth.pslr_db)
    assert told["Range ISLR"] == db_text(wanted.range.islr_db)
    cuts = panel.card.plot.plotItem.listDataItems()
    np.testing.assert_array_equal(cuts[0].yData, wanted.range.level_db)
    assert panel.card.plot.unit == "px"
    click(qtbot, place, 3, 3)
    idle(qtbot, place)
    assert "of the rim" in panel.fault.text() and len(place.session.measures.entries) == 1
    press(qtbot, place, Qt.Key.Key_1)
    points = [click(qtbot, place, 100, 100), click(qtbot, place, 200, 100)]
    press(qtbot, place, Qt.Key.Key_Return)
    assert values(place)["Length"] == f"{math.dist(*points):.1f} px" and "Azimuth" not in values(place)


def test_reading_is_shown_and_stopped_by_esc(opened, qtbot, monkeypatch):
    place, panel = opened, opened.window.measures
    go_on = threading.Event()

    def slow(scene, band, ring, context):
        context.step(3, 10, "Measuring")
        go_on.wait(20)
        context.step(4, 10, "Measuring")

    monkeypatch.setattr(measure_work, "region_statistics", slow)
    press(qtbot, place, Qt.Key.Key_U)
    place.session.measures.add_box(Window(10, 10, 100, 100))
    qtbot.waitUntil(lambda: panel.progress.isVisible() and panel.bar.maximum() == 10, timeout=PATIENCE)
    assert "measuring…" in panel.list.item(0).text() and values(place)["Area"]
    press(qtbot, place, Qt.Key.Key_Escape)
    go_on.set()
    idle(qtbot, place)
    assert not panel.progress.isVisible() and "cancelled" in panel.fault.text()
    (measured,) = place.session.measures.entries
    assert measured.stage is Stage.CANCELLED and values(place)["Pixels"] == "reading them was cancelled"


def test_measures_are_copied_and_written(opened, qtbot, monkeypatch, tmp_path):
    place, measures = opened, opened.session.measures
    press(qtbot, place, Qt.Key.Key_U)
    measures.choose(Tool.PROFILE)
    measures.add_point(50, 60)
    measures.add_point(250, 60)
    measures.finish()
    measured = idle(qtbot, place)
    press(qtbot, place, Qt.Key.Key_C, CTRL | SHIFT)
    text = QGuiApplication.clipboard().text()
    assert text == copied(place.session.active, measures.entries) and "Length\t2.0" in text
    for wanted, act in (
        ("all.json", place.window.measures.export.click),
        ("along.csv", place.window.measures.card.samples.click),
    ):
        path = tmp_path / wanted
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, path=path: (str(path), ""))
        act()
        qtbot.waitUntil(path.exists, timeout=PATIENCE)
    told = json.loads((tmp_path / "all.json").read_text())
    assert told["measures"][0]["samples"]["db"] == measured.profile.db.tolist()
    assert (tmp_path / "along.csv").read_text().count("\n") == len(measured.profile.db) + 1


def test_live_words_for_what_has_no_area_yet(opened):
    scene = opened.session.active
    assert live_text(scene, Tool.AREA, [(1, 1)]) == "" and "·" in live_text(scene, Tool.AREA, [(1, 1), (30, 30)])
    assert live_text(scene, Tool.AREA, [(1, 1), (30, 30), (30, 1), (1, 30)]) == "the sides cross"
    words = live_text(scene, Tool.BOX, [(10, 10), (60, 10), (60, 40), (10, 40)])
    sides = measure_line(scene, [(10, 10), (60, 10), (60, 40)]).segments_m
    assert words.startswith(f"{length_text(sides[0], 0)} × {length_text(sides[1], 0)}")


def test_lengths_and_areas_read_in_fitting_units():
    assert [length_text(value, 0) for value in (0.5, 12.34, 1234.5, 250_000)] == [
        "0.50 m",
        "12.3 m",
        "1.234 km",
        "250.0 km",
    ]
    assert length_text(None, 12.34) == "12.3 px"
    assert area_text(512.3, 0) == "512.3 m²" and area_text(2_500_000, 0) == "2.500 km²"
    assert area_text(None, 12_345.6) == "12\u202f346 px²" and db_text(math.nan) == "–" and db_text(-3.1) == "−3.10 dB"


def test_only_the_part_of_a_line_near_the_view_is_drawn():
    view = Camera(0, 0, 1.0, 800, 600)
    start, end = clipped(np.array([-1e6, 300.0]), np.array([1e6, 300.0]), view)
    assert (start.x(), end.x(), start.y()) == pytest.approx((-60, 860, 300))
    assert clipped(np.array([-500.0, -300.0]), np.array([900.0, -300.0]), view) is None
    inside = clipped(np.array([10.0, 20.0]), np.array([30.0, 40.0]), view)
    assert (inside[0].x(), inside[1].y()) == (10, 40)
