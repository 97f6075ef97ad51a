"""Two scenes linked: side by side, swiped, flickering, and their change as a layer and a file."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.link_session import LinkMode
from sarvlm_app.core.scene import open_scene, read_values
from sarvlm_app.ui.viewer.geometry import ScaleBar
from sarvlm_app.ui.viewer.link_marks import legend_lines
from sarvlm_models.types import Window
from tests.core.linking.pairs import write_ground

PATIENCE = 20_000
SECOND = "Other scene"
CHANGED = (250.0, 1050.0, 450.0, 400.0)
"""Metres from the first scene's corner where the other one is ten times as bright."""
MIDDLE = (47.0, 125.0)
"""A pixel of the first scene in the middle of that, where it is dark."""


def layers(place):
    return place.window.canvas.layer_names


def idle(place):
    return not any(job.active for job in place.runner.statuses())


@pytest.fixture
def pair(workplace, qtbot, tmp_path):
    """The first scene on view (10 m), the other open: 8 m, shifted, turned, a bright field in it, a year later."""
    other = write_ground(
        tmp_path / "later.tif", (460, 420), spacing=8.0, shift=(-300.0, -260.0), turn=5.0, changed=CHANGED,
        tags={"SARVLM_ACQUIRED": "2024-05-01T12:00:00+00:00"},
    )  # fmt: skip
    first = write_ground(tmp_path / "first.tif", tags={"SARVLM_ACQUIRED": "2023-05-01T12:00:00+00:00"})
    for path in (other, first):
        workplace.commands.open_paths([path])
        qtbot.waitUntil(lambda path=path: shown(workplace, path), timeout=PATIENCE)
    qtbot.waitUntil(lambda: idle(workplace), timeout=PATIENCE)
    return workplace


def shown(place, path):
    picture = place.presenter.pictures.picture
    return picture is not None and picture.scene.path == path and "SAR" in layers(place)


def compare(place, qtbot, how):
    place.actions[f"compare_{how}"].trigger()
    qtbot.waitUntil(lambda: place.comparer.ready, timeout=PATIENCE)


def grabbed(canvas):
    """What a canvas shows, float (h, w, 3)."""
    image = canvas.grab().toImage()
    image = image.convertToFormat(image.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(float)


def colour_about(canvas, col, row, reach=4):
    """The mean colour that a canvas shows about a pixel of its scene."""
    x, y = (round(value) for value in canvas.camera().to_screen(col, row))
    return grabbed(canvas)[y - reach : y + reach, x - reach : x + reach].mean(axis=(0, 1))


def is_bright(canvas, place, above=140):
    return bool(colour_about(canvas, *place).min() > above)


def test_the_panel_comes_with_the_second_scene_and_says_why_two_cannot_be_compared(opened, qtbot, tmp_path):
    panel = opened.window.compare
    assert not panel.isVisible()
    assert not opened.actions["compare_swipe"].isEnabled()
    assert "second scene" in opened.actions["compare_swipe"].toolTip()
    second = write_ground(tmp_path / "elsewhere.tif")
    opened.commands.open_paths([second])
    qtbot.waitUntil(lambda: shown(opened, second), timeout=PATIENCE)
    assert panel.isVisible() and panel.other.currentText() == "harbour"
    assert panel.other.toolTip().startswith("harbour")  # a long name is cut off in the narrow panel
    assert opened.actions["compare_swipe"].isEnabled()
    panel.modes[LinkMode.SIDE].click()
    qtbot.waitUntil(lambda: "does not lie on the ground of" in opened.window.toast.text, timeout=PATIENCE)
    assert opened.session.linking.mode is LinkMode.OFF
    assert not panel.modes[LinkMode.SIDE].isChecked() and not opened.comparer.ready


def test_side_by_side_shows_the_same_ground_and_follows(pair, qtbot):
    compare(pair, qtbot, "side")
    canvas, side = pair.window.canvas, pair.comparer.side
    second = side.second
    qtbot.waitUntil(lambda: second.isVisible() and canvas.width() < 600, timeout=PATIENCE)
    pairing = pair.session.linking.pairing
    canvas.look_at(*MIDDLE, 2.0)
    wanted = tuple(float(part) for part in pairing.to_other(*MIDDLE))
    there = second.camera()
    assert (there.col, there.row) == pytest.approx(wanted, abs=1e-3)
    assert there.zoom == pytest.approx(2.0 * 0.8, rel=0.01)
    qtbot.waitUntil(lambda: is_bright(second, wanted), timeout=PATIENCE)
    assert not is_bright(canvas, MIDDLE)
    side.leads = lambda: True
    second.look_at(200.0, 150.0, 1.0)
    here = canvas.camera()
    assert (here.col, here.row) == pytest.approx([float(v) for v in pairing.to_one(200.0, 150.0)], abs=1e-3)
    second.pointer_moved.emit((200.0, 150.0))
    assert pair.comparer.marks.cross == pytest.approx((here.col, here.row), abs=1e-3)
    canvas.pointer_moved.emit(MIDDLE)
    assert side.second_marks.cross == pytest.approx(wanted)
    pair.actions["compare_side"].trigger()
    assert not second.isVisible() and pair.session.linking.mode is LinkMode.OFF


def test_swipe_shows_the_other_scene_right_of_the_divider(pair, qtbot):
    compare(pair, qtbot, "swipe")
    canvas, divider = pair.window.canvas, pair.comparer.divider
    canvas.look_at(*MIDDLE, 2.0)
    assert divider.isVisible() and divider.share == pytest.approx(0.5)
    left, right = (MIDDLE[0] - 15, MIDDLE[1]), (MIDDLE[0] + 15, MIDDLE[1])
    qtbot.waitUntil(lambda: is_bright(canvas, right), timeout=PATIENCE)
    assert not is_bright(canvas, left)
    divider.set_share(0.2)
    qtbot.waitUntil(lambda: is_bright(canvas, left), timeout=PATIENCE)
    assert divider.geometry().center().x() == pytest.approx(0.2 * canvas.width(), abs=2)
    divider.set_share(0.9)
    qtbot.waitUntil(lambda: not is_bright(canvas, right), timeout=PATIENCE)
    pair.window.resize(1100, 760)
    qtbot.waitUntil(lambda: abs(divider.geometry().center().x() - 0.9 * canvas.width()) < 2, timeout=PATIENCE)
    pair.actions["compare_toggle"].trigger()
    assert not divider.isVisible() and SECOND not in layers(pair)
    pair.actions["compare_toggle"].trigger()
    qtbot.waitUntil(lambda: pair.comparer.ready and divider.isVisible(), timeout=PATIENCE)
    qtbot.mousePress(divider, Qt.MouseButton.LeftButton, pos=QPoint(11, 40))
    qtbot.mouseMove(divider, QPoint(11 - 100, 40))
    moved = divider.share
    assert moved == pytest.approx(0.9 - 100 / canvas.width(), abs=0.01)
    qtbot.keyClick(divider, Qt.Key.Key_Left)
    assert divider.share == pytest.approx(moved - 0.02)
    own = second_limits(canvas)
    pair.window.compare.same.click()
    assert second_limits(canvas) == pytest.approx(pair.presenter.pictures.picture.limits)
    assert second_limits(canvas) != pytest.approx(own)
    pair.window.compare.same.click()
    assert second_limits(canvas) == pytest.approx(own)


def test_flicker_shows_one_and_the_other_at_its_pace_and_by_hand(pair, qtbot):
    compare(pair, qtbot, "flicker")
    canvas, panel = pair.window.canvas, pair.window.compare
    canvas.look_at(*MIDDLE, 2.0)
    assert panel.rate.isVisible()
    panel.rate.setValue(10.0)
    assert pair.session.linking.settings.rate_hz == 10.0
    qtbot.waitUntil(lambda: is_bright(canvas, MIDDLE), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not is_bright(canvas, MIDDLE), timeout=PATIENCE)
    qtbot.waitUntil(lambda: is_bright(canvas, MIDDLE), timeout=PATIENCE)
    pair.actions["compare_blink"].trigger()
    named = pair.comparer.marks.names[0]
    qtbot.wait(250)  # two of its turns
    assert pair.comparer.marks.names[0] == named
    pair.actions["compare_blink"].trigger()
    assert {named, pair.comparer.marks.names[0]} == {"first · 2023-05-01", "later · 2024-05-01"}


def test_change_is_red_where_the_later_scene_is_brighter_and_clear_elsewhere(pair, qtbot, tmp_path, monkeypatch):
    compare(pair, qtbot, "change")
    canvas, panel = pair.window.canvas, pair.window.compare
    canvas.look_at(*MIDDLE, 2.0)

    def redness(place):
        red, green, _blue = colour_about(canvas, *place)
        return red - green

    qtbot.waitUntil(lambda: redness(MIDDLE) > 80, timeout=PATIENCE)
    elsewhere = (MIDDLE[0] + 60, MIDDLE[1])
    assert abs(redness(elsewhere)) < 3
    value = pair.comparer.change_at(*MIDDLE)
    assert value == pytest.approx(10.0, abs=0.3)
    panel.threshold.setValue(panel.threshold.maximum())
    assert pair.session.linking.settings.threshold_db == pytest.approx(11.9)
    qtbot.waitUntil(lambda: abs(redness(MIDDLE)) < 3, timeout=PATIENCE)
    panel.threshold.setValue(30)
    panel.cell.setValue(9)
    qtbot.waitUntil(lambda: pair.comparer.ready and redness(MIDDLE) > 80, timeout=PATIENCE)
    assert "read as change" in panel.caveats.text()
    assert layers(pair)[:2] == ("SAR", SECOND)
    out = tmp_path / "change.tif"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    pair.actions["export_change"].trigger()
    qtbot.waitUntil(lambda: "Written" in pair.window.toast.text, timeout=PATIENCE)
    written = open_scene(out)
    db = read_values(written, Window(int(MIDDLE[0] / 9), int(MIDDLE[1] / 9), 1, 1), 1)
    assert float(np.squeeze(db)) == pytest.approx(10.0, abs=0.3)
    pair.session.close(pair.session.linking.other)
    assert SECOND not in layers(pair) and pair.session.linking.mode is LinkMode.OFF
    assert not panel.isVisible()


def test_the_two_change_places_and_a_cancelled_comparison_ends(pair, qtbot):
    compare(pair, qtbot, "swipe")
    linking = pair.session.linking
    first, other = pair.session.active, linking.other
    pair.session.activate(other)
    qtbot.waitUntil(lambda: pair.comparer.ready and linking.pairing is not None, timeout=PATIENCE)
    assert (linking.pairing.one, linking.pairing.other) == (other, first)
    assert pair.comparer.divider.isVisible()
    pair.actions["compare_change"].trigger()
    assert not pair.comparer.ready
    pair.runner.cancel_key("compared picture")
    qtbot.waitUntil(lambda: linking.mode is LinkMode.OFF, timeout=PATIENCE)
    compare(pair, qtbot, "change")


def second_limits(canvas):
    return tuple(canvas.second._layer.contrast_limits)


def test_the_legend_of_a_change_always_says_what_stands_over_what():
    metrics = QFontMetrics(QFont())
    assert legend_lines(metrics, "2024-05-01", "2023-05-01", 240) == ("2024-05-01 over 2023-05-01",)
    above, below = legend_lines(metrics, "harbour_" + 60 * "a", "demo_" + 60 * "b", 240)
    assert above.startswith("harbour_") and below.startswith("over demo_")
    assert all(metrics.horizontalAdvance(line) <= 240 for line in (above, below))


def test_the_legend_of_a_change_lies_above_the_scale_bar_and_the_legend_of_an_answer(pair, qtbot):
    overlay, marks = pair.window.canvas.overlay, pair.comparer.marks
    assert marks.foot(1000.0) == 0.0
    assert marks.foot(60.0) > 40.0
    overlay.change(legend_threshold=0.6)
    assert marks.foot(1000.0) > 40.0
    bar = ScaleBar(120.0, "1 km")
    assert overlay.scale_lift(bar) == 0.0
    pair.window.resize(900, 600)
    qtbot.waitUntil(lambda: overlay.width() < 340, timeout=2000)
    assert overlay.scale_lift(bar) > 40.0  # the two legends do not share a line with the scale bar there
