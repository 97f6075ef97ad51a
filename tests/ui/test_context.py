"""Files laid over the scene on view: dropped, chosen, drawn, styled, remembered, and faults told in their row."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.context.layers import COLOURS, Reading
from sarvlm_app.ui.dialogs.layer_look import LayerLookDialog
from tests.core.context.made import line, map_xy, report, scene, write_shapes, write_table
from tests.core.context.test_tiles import write_mbtiles
from tests.core.scene_files import write_tif

PATIENCE = 20_000


@pytest.fixture
def laid(workplace, qtbot, tmp_path):
    """The window with a plain scene of 400 x 300 px in it."""
    show(workplace, qtbot, scene(tmp_path).path)
    return workplace


def show(place, qtbot, path):
    place.commands.open_paths([path])

    def there():
        picture = place.presenter.pictures.picture
        return picture is not None and picture.scene.path == path and place.session.context.known

    qtbot.waitUntil(there, timeout=PATIENCE)


def drop(place, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    place.window.canvas.dropEvent(event)
    assert event.isAccepted()


def settle(place, qtbot, count=1):
    """Waits until so many layers are read or failed; gives their rows, the lowest first."""
    context = place.session.context

    def done():
        return len(context.layers) == count and all(one.state is not Reading.READING for one in context.layers)

    qtbot.waitUntil(done, timeout=PATIENCE)
    return [place.window.context.rows[layer.number] for layer in context.layers]


def colour_at(place, col, row, reach=3):
    """The colour that the canvas shows nearest to the first layer's, about a pixel of the scene."""
    canvas = place.window.canvas
    x, y = (round(value) for value in canvas.camera().to_screen(col, row))
    image = canvas.grab().toImage()
    around = [image.pixelColor(x + dx, y + dy) for dx in range(-reach, reach + 1) for dy in range(-reach, reach + 1)]
    return np.array([[colour.red(), colour.green(), colour.blue()] for colour in around], float)


def seen(place, colour, col, row, off=60):
    """Whether that colour is to be seen about a pixel."""
    wanted = QColor(colour)
    away = np.abs(colour_at(place, col, row) - (wanted.red(), wanted.green(), wanted.blue())).sum(axis=1)
    return bool(away.min() < off)


def test_a_dropped_coastline_is_drawn_where_it_lies(laid, qtbot, tmp_path):
    path = write_shapes(tmp_path / "coast.gpkg", [line((20, 30), (380, 30), (380, 250))], ["Long shore"])
    drop(laid, path)
    (row,) = settle(laid, qtbot)
    assert row.isVisible() and row.words.text() == "1 feature"
    assert len(laid.session.scenes) == 1
    colour = COLOURS[0]
    for place in ((200, 30), (380, 140)):
        assert seen(laid, colour, *place)
    assert not seen(laid, colour, 200, 140)
    row.eye.click()
    assert not seen(laid, colour, 200, 30)
    row.eye.click()
    laid.window.canvas.pointer_moved.emit((200.0, 30.0))
    assert laid.surroundings.marks.hint[2] == "Long shore"
    laid.window.canvas.pointer_moved.emit((200.0, 140.0))
    assert laid.surroundings.marks.hint is None
    row.remove.click()
    assert not laid.session.context.layers and not laid.window.context.rows
    assert not seen(laid, colour, 200, 30)
    assert laid.window.context.sentence.isVisible() and path.exists()


def test_colour_width_and_opacity_act_at_once_and_come_back_with_the_scene(laid, qtbot, tmp_path, monkeypatch):
    path = write_shapes(tmp_path / "coast.geojson", [line((20, 30), (380, 30))], crs="EPSG:32633")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], ""))
    laid.actions["add_context"].trigger()
    (row,) = settle(laid, qtbot)
    row.colour.click()
    dialog = row.findChild(LayerLookDialog)
    dialog.colours[COLOURS[6]].click()
    dialog.width_px.setValue(10)
    dialog.opacity.setValue(100)
    style = laid.session.context.layers[0].style
    assert (style.colour, style.width_px, style.opacity) == (COLOURS[6], 5.0, 1.0)
    assert seen(laid, COLOURS[6], 200, 30, 12)
    dialog.accept()
    first = laid.session.active
    qtbot.waitUntil(lambda: not any(job.active for job in laid.runner.statuses()), timeout=PATIENCE)
    laid.commands.close_scene()
    assert not laid.window.context.isVisible() and not laid.actions["add_context"].isEnabled()
    show(laid, qtbot, first.path)
    (row,) = settle(laid, qtbot)
    assert laid.session.context.layers[0].style == style
    assert seen(laid, COLOURS[6], 200, 30, 12)


def test_ships_are_drawn_and_named_and_their_minutes_can_be_changed(laid, qtbot, tmp_path):
    one = laid.session.active
    rows = []
    for mmsi, (col, line_), seconds, name in (
        (211000001, (150, 120), (-300, 300), "NORTH STAR"), (211000002, (300, 200), (-7200, 7200), "FAR BETWEEN"),
    ):  # fmt: skip
        lon, lat = (float(value) for value in one.georef.to_lonlat(float(col), float(line_)))
        rows += [report(mmsi, s, lon, lat, SOG=9.0, COG=90.0, Length=150, Width=25, VesselName=name) for s in seconds]
    drop(laid, write_table(tmp_path / "ais.csv", rows))
    (row,) = settle(laid, qtbot)
    assert "1 ship (1 between reports)" in row.words.text()
    assert row.minutes.isVisible() and row.minutes.value() == 30
    assert seen(laid, COLOURS[0], 150, 120) and not seen(laid, COLOURS[0], 300, 200)
    laid.window.canvas.pointer_moved.emit((150.0, 120.0))
    assert laid.surroundings.marks.hint[2] == "NORTH STAR · 150 m · 9.0 kn · 90° · between reports"
    row.minutes.setValue(180)
    qtbot.waitUntil(lambda: "2 ships" in row.words.text(), timeout=PATIENCE)
    assert seen(laid, COLOURS[0], 300, 200)


def test_tiles_lie_below_lines(laid, qtbot, tmp_path):
    one = laid.session.active
    tiles = write_mbtiles(tmp_path / "map.mbtiles", one)
    x, y = map_xy([50], [50])
    places = write_shapes(tmp_path / "places.gpkg", [shapely.Point(x[0], y[0])], ["Berth"])
    drop(laid, tiles, places)
    upper = settle(laid, qtbot, 2)[1]
    assert laid.session.context.layers[0].path == tiles
    red, _green, blue = colour_at(laid, 100, 150).mean(axis=0)
    assert red > 120 and blue < 80
    assert seen(laid, COLOURS[1], 50, 50)
    panel = laid.window.context
    assert next(iter(panel.rows.values())) is upper  # the uppermost first


def test_faults_stand_in_their_rows_and_a_file_can_be_read_again(laid, qtbot, tmp_path):
    path = tmp_path / "ais.csv"
    path.write_text("a,b\n1,2\n")
    drop(laid, path)
    (row,) = settle(laid, qtbot)
    assert "ais.csv is not an AIS table" in row.words.text() and "rename them" in row.words.text()
    assert "is not an AIS table" in laid.window.toast.text
    assert row.again.isVisible()
    write_table(path, [])
    row.again.click()
    qtbot.waitUntil(lambda: "holds no rows" in row.words.text(), timeout=PATIENCE)
    path = write_tif(tmp_path / "plain.tif", np.ones((40, 50), np.float32))
    show(laid, qtbot, path)
    panel = laid.window.context
    assert not panel.add.isEnabled() and "no georeference" in panel.sentence.text()
    assert not laid.actions["add_context"].isEnabled()
    assert "no georeference" in laid.actions["add_context"].toolTip()
    drop(laid, write_shapes(tmp_path / "coast.gpkg", [line((20, 30), (380, 30))]))
    (row,) = settle(laid, qtbot)
    assert "has no georeference" in row.words.text()


def test_scenes_that_are_dropped_with_context_take_it(laid, qtbot, tmp_path):
    other = scene(tmp_path, "other.tif", tags={"SARVLM_ACQUIRED": "2025-05-01T12:00:00"}).path
    coast = write_shapes(tmp_path / "coast.gpkg", [line((20, 30), (380, 30))])
    before = laid.session.active
    drop(laid, other, coast)
    settle(laid, qtbot)
    assert laid.session.active.path == other
    laid.session.activate(before)
    assert not laid.session.context.layers
