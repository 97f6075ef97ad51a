"""The display panel: bands, composites, phase, stretches, histogram; and that answers stay as they are."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from sarvlm_app.core.display import DisplaySettings, Mode, PictureKind
from tests.core.display.scenes import complex_planes, dual, quad
from tests.ui.test_window import press


@pytest.fixture
def show(workplace, qtbot):
    def run(scene):
        workplace.start([scene.path])
        qtbot.waitUntil(lambda: workplace.presenter.pictures.picture is not None, timeout=20_000)
        return workplace

    return run


def kind_is(place, kind):
    def check():
        picture = place.presenter.pictures.picture
        return picture is not None and picture.kind is kind and place.window.canvas.layer_names == ("SAR",)

    return check


def mean_colour(place):
    image = place.window.canvas.grab().toImage()
    middle = [
        image.pixelColor(x, y)
        for x in range(image.width() * 2 // 5, image.width() * 3 // 5, 5)
        for y in range(image.height() * 2 // 5, image.height() * 3 // 5, 5)
    ]
    return np.mean([(colour.red(), colour.green(), colour.blue()) for colour in middle], axis=0)


def choose(combo, text):
    combo.setCurrentIndex(combo.findText(text))
    combo.activated.emit(combo.currentIndex())


def test_a_composite_is_shown_in_colour_and_the_band_that_is_asked_stays(show, qtbot, tmp_path):
    place = show(dual(tmp_path, (300, 300)))
    panel, display = place.window.display, place.session.display
    assert panel.source.isVisible()
    items = [panel.source.itemText(row) for row in range(panel.source.count())]
    assert items == ["VV", "VH", "VV / VH / ratio", "Three bands…"]
    fingerprint = place.session.active.fingerprint
    choose(panel.source, "VV / VH / ratio")
    qtbot.waitUntil(kind_is(place, PictureKind.COLOUR), timeout=20_000)
    assert place.session.band == 1
    assert place.session.active.fingerprint == fingerprint
    assert "Display only: answers do not change." in panel.note.text()
    assert panel.note.text().endswith("Asked: VV.")
    assert [combo.currentText() for combo in panel.channels.combos] == ["VV", "VH", "VV/VH"]
    for channel, limits in enumerate(((-80.0, -60.0), (20.0, 40.0), (60.0, 80.0))):
        display.set_limits(limits, channel)
    qtbot.waitUntil(lambda: mean_colour(place)[0] > 200 and mean_colour(place)[1:].max() < 60, timeout=20_000)
    panel.channels.buttons.button(1).click()
    assert float(panel.histogram.low.value()) == 20.0
    panel.histogram.low.setValue(-5.0)
    assert display.settings.composite.channels[1].limits == (-5.0, 40.0)
    choose(panel.channels.combos[2], "VH")
    assert display.settings.composite.name == "Free"
    choose(panel.source, "VH")
    qtbot.waitUntil(lambda: place.session.band == 2 and kind_is(place, PictureKind.DB)(), timeout=20_000)
    assert panel.note.text().endswith("Asked: VH.")


def test_modes_change_the_picture_in_place_and_the_key_goes_round(show, qtbot, tmp_path):
    place = show(dual(tmp_path, (300, 300)))
    panel, display = place.window.display, place.session.display
    place.window.canvas.look_at(100, 100, 3.0)
    choose(panel.mode, "Gamma")
    qtbot.waitUntil(kind_is(place, PictureKind.AMPLITUDE), timeout=20_000)
    assert place.window.canvas.camera().zoom == 3.0
    layer = place.window.canvas._image
    assert layer.gamma == 0.5
    assert panel.low.suffix() == ""
    panel.high.setValue(0.5)
    assert display.settings.limits == pytest.approx((0.0, 0.5))
    assert tuple(layer.contrast_limits) == pytest.approx((0.0, 0.5))
    panel.gamma.setValue(80)
    assert layer.gamma == 0.8
    choose(panel.colours, "magma")
    assert layer.colormap.name == "magma"
    choose(panel.mode, "SICD NRL")
    qtbot.waitUntil(kind_is(place, PictureKind.REMAP), timeout=30_000)
    assert place.window.canvas._image.dtype == np.uint8
    assert not panel.low.isVisible()
    panel.reset.click()
    qtbot.waitUntil(kind_is(place, PictureKind.DB), timeout=20_000)
    assert display.settings == DisplaySettings()
    press(qtbot, place.window, Qt.Key.Key_T)
    assert display.settings.mode is Mode.LOG
    press(qtbot, place.window, Qt.Key.Key_K)
    assert display.settings.colours == "viridis"


def test_phase_and_pauli_of_complex_data(show, qtbot, tmp_path):
    place = show(quad(tmp_path, complex_planes((300, 300))))
    panel, display = place.window.display, place.session.display
    assert panel.phase.isVisible()
    panel.phase.click()
    qtbot.waitUntil(kind_is(place, PictureKind.PHASE), timeout=20_000)
    layer = place.window.canvas._image
    assert (layer.colormap.name, str(layer.interpolation2d)) == ("twilight", "nearest")
    assert not panel.histogram.isVisible()
    place.window.canvas.pointer_moved.emit((10.5, 20.5))
    value = np.degrees(np.angle(complex_planes((300, 300))[0, 20, 10]))
    qtbot.waitUntil(lambda: place.window.pointer.value.text().endswith("°"), timeout=5_000)
    assert float(place.window.pointer.value.text()[:-2].replace("−", "-")) == pytest.approx(value, abs=0.06)
    press(qtbot, place.window, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(kind_is(place, PictureKind.COLOUR), timeout=20_000)
    assert display.settings.composite.name == "Pauli"
    assert not panel.phase.isVisible()


def test_the_histogram_follows_the_view_when_asked_to(show, qtbot, tmp_path):
    place = show(dual(tmp_path, (300, 300)))
    panel = place.window.display
    qtbot.waitUntil(lambda: bool(panel.histogram._shown), timeout=10_000)
    whole = panel.histogram._shown[0]
    place.window.canvas.look_at(20, 20, 40.0)
    panel.view.click()
    qtbot.waitUntil(lambda: panel.histogram._shown[0] is not whole, timeout=10_000)
    assert panel.histogram._shown[0].counts.sum() < whole.counts.sum()


def test_the_answer_and_the_index_stay_whatever_is_shown(opened, ask, qtbot):
    answer = ask("ships")
    display = opened.session.display
    for mode in (Mode.NRL, Mode.LINEAR):
        display.set_mode(mode)
        qtbot.waitUntil(lambda: len(opened.window.canvas.layer_names) == 2, timeout=20_000)
    again = ask("ships at anchor")
    assert again.cached
    assert [place.score for place in again.candidates] == [place.score for place in answer.candidates]
    assert opened.window.canvas.heatmap_visible
