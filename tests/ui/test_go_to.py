"""Coordinates in the window: their notation in the status line, and going to one."""

import warnings

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from sarvlm_app.core.coordinates import Notation
from sarvlm_app.ui.dialogs.go_to import GoToDialog
from sarvlm_app.ui.panels.status import PointerLine


@pytest.fixture
def asked(opened, qtbot):
    """The dialog as Ctrl+G opens it."""
    opened.actions["go_to"].trigger()
    dialog = opened.window.findChild(GoToDialog)
    qtbot.waitExposed(dialog)
    return dialog


def arrived(opened, qtbot, col, row):
    def there():
        camera = opened.window.canvas.camera()
        assert (camera.col, camera.row) == pytest.approx((col, row), abs=0.5)

    qtbot.waitUntil(there, timeout=5_000)


@pytest.mark.parametrize("text", ["col 420 row 300", "384200 3737000", "11S 384200 3737000", "x 384200 y 3737000"])
def test_the_view_flies_to_what_was_typed_and_marks_it(opened, asked, qtbot, text):
    qtbot.keyClicks(asked.line, text)
    qtbot.keyClick(asked.line, Qt.Key.Key_Return)
    assert not asked.isVisible()
    pin = opened.window.canvas.overlay.state.pin
    assert (pin.col, pin.row) == pytest.approx((420, 300), abs=0.01) and pin.label == text
    arrived(opened, qtbot, 420, 300)


def test_what_the_status_line_says_leads_to_the_same_place(opened, qtbot):
    opened.window.canvas.pointer_moved.emit((100.5, 140.5))
    text = opened.window.pointer.lonlat.text()
    opened.commands.coordinates.go_to(text)
    pin = opened.window.canvas.overlay.state.pin
    assert (pin.col, pin.row) == pytest.approx((100.5, 140.5), abs=0.2)


@pytest.mark.parametrize(
    ("text", "said"), [("harbour", "no coordinate that can be read"), ("34.5, -118", "km"), ("", "No")]
)
def test_what_cannot_be_gone_to_is_told_where_it_was_typed(opened, asked, qtbot, text, said):
    asked.line.setText(text)
    qtbot.keyClick(asked.line, Qt.Key.Key_Return)
    assert asked.isVisible() and asked.error.isVisible() and said in asked.error.text()
    assert opened.window.canvas.overlay.state.pin is None
    qtbot.keyClick(asked.line, Qt.Key.Key_1)
    assert not asked.error.isVisible(), "typing takes the sentence away"
    asked.reject()


def test_the_last_coordinate_stands_there_again(opened, asked, qtbot):
    asked.line.setText("col 10 row 20")
    asked.accept()
    opened.actions["go_to"].trigger()
    again = [dialog for dialog in opened.window.findChildren(GoToDialog) if dialog.isVisible()][0]
    assert again.line.text() == again.line.selectedText() == "col 10 row 20"
    again.reject()


def test_escape_takes_the_pin_away_and_so_does_another_scene(opened, qtbot):
    overlay = opened.window.canvas.overlay
    opened.commands.coordinates.go_to("col 10 row 20")
    opened.window.toast.hide()
    opened.commands.escape()
    assert overlay.state.pin is None
    opened.commands.coordinates.go_to("col 10 row 20")
    opened.session.close(opened.session.active)
    assert overlay.state.pin is None
    opened.actions["go_to"].trigger()
    assert not [dialog for dialog in opened.window.findChildren(GoToDialog) if dialog.isVisible()]


def test_the_pin_is_drawn(opened, qtbot):
    canvas = opened.window.canvas
    canvas.look_at(300, 300, 1.0)
    before = canvas.overlay.grab().toImage()
    opened.commands.coordinates.go_to("col 300 row 300")
    canvas.look_at(300, 300, 1.0)
    assert canvas.overlay.grab().toImage() != before


def test_a_click_changes_the_notation_and_it_is_remembered(opened, qtbot):
    line, shown = opened.window.pointer, []
    for _ in Notation:
        opened.window.canvas.pointer_moved.emit((100.5, 140.5))
        shown.append(line.lonlat.text())
        qtbot.mouseClick(line.lonlat, Qt.MouseButton.LeftButton)
    assert shown[0].endswith("W") and "°" in shown[1] and shown[2].startswith("11S") and "EPSG:32611" in shown[3]
    assert opened.commands.settings.coordinates == "degrees", "once round"
    qtbot.mouseClick(line.lonlat, Qt.MouseButton.LeftButton)
    assert opened.commands.settings.coordinates == "dms"
    opened.window.canvas.pointer_moved.emit(None)
    assert line.lonlat.text() == "Degrees, minutes, seconds"


def test_without_georeference_there_is_no_notation_to_choose(qtbot):
    line = PointerLine()
    qtbot.addWidget(line)
    line.show()
    line.show_place((3.0, 4.0), None)
    assert not line.lonlat.isVisible() and line.place.text() == "row 4  col 3"


def test_the_key_opens_the_dialog(opened, qtbot):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        QApplication.setActiveWindow(opened.window)
    opened.window.canvas.setFocus()
    qtbot.keyClick(opened.window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    dialog = opened.window.findChild(GoToDialog)
    assert dialog is not None and dialog.isVisible()
    dialog.reject()
