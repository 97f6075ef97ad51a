"""The small map of the archive panel: hits, selection both ways, an area drawn, folding, looks."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from sarvlm_app.core.archive_question import Filters
from sarvlm_app.settings import Settings
from tests.core.archive.made import PictureEncoder, chip, fill, geo_scene
from tests.ui.test_archive_panel import ask, make_workplace, put_away, quiet

PATIENCE = 60_000
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """An archive of two scenes at both sides of the antimeridian, one far away, and a bright chip without a place."""
    folder = tmp_path_factory.mktemp("data")
    geo_scene(folder / "S1A_20201107_west_vv.tif", 1, west=179.2, north=-10.0)
    geo_scene(folder / "S1A_20211107_east_vv.tif", 2, west=-179.5, north=-10.0)
    geo_scene(folder / "S1A_20221107_land_vv.tif", 3, west=150.0, north=-30.0)
    chip(folder / "chip.tif", 4, bright=True)
    archive = tmp_path_factory.mktemp("held") / "a"
    fill(archive, folder)
    return archive


@pytest.fixture
def place(qapp, qtbot, no_leaked_threads, held):
    """The window with that archive open in the right column."""
    place = make_workplace(qapp, qtbot, PictureEncoder(), Settings())
    place.actions["show_archive"].trigger()
    place.session.archive.open(held)
    qtbot.waitUntil(lambda: place.session.archive.facts is not None, timeout=PATIENCE)
    yield place
    put_away(place, qtbot)


def archive(place):
    return place.session.archive


def card(place):
    return place.window.archive.map


@pytest.fixture
def asked(place, qtbot):
    """The same after a question that has hits in every scene."""
    ask(place, qtbot, "bright things")
    qtbot.waitUntil(lambda: archive(place).map.backdrop is not None, timeout=PATIENCE)
    quiet(place, qtbot)
    return place


def pixel(place, rank):
    """Where a hit is shown."""
    shown = card(place).map
    outline = next(hit.outline for hit in shown.hits if hit.rank == rank)
    x, y = outline.middle
    west, _, east, _ = shown.view.box
    turn = next(turn for turn in (0.0, 360.0, -360.0) if west <= x + turn <= east)
    return QPoint(*(round(value) for value in shown.view.at(x + turn, y)))


def rank_in(place, word):
    return next(hit.rank for hit in archive(place).answer.hits if word in hit.scene.name)


def wheel(shown, at, notches):
    event = QWheelEvent(
        QPointF(at), QPointF(shown.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(shown, event)


def drag(qtbot, shown, start, end, modifier=NONE):
    qtbot.mousePress(shown, LEFT, modifier, start)
    qtbot.mouseMove(shown, (start + end) / 2)
    qtbot.mouseMove(shown, end)
    qtbot.mouseRelease(shown, LEFT, modifier, end)


def test_hits_lie_on_the_map_in_view_and_those_without_a_place_are_counted(asked):
    shown = card(asked).map
    placed = [hit.rank for hit in archive(asked).answer.hits if hit.footprint is not None]
    assert shown.isVisible() and [hit.rank for hit in shown.hits] == placed
    assert card(asked).note.text() == "1 hit has no place"
    for rank in placed:
        assert shown.rect().contains(pixel(asked, rank))
    assert shown.view.box[2] - shown.view.box[0] < 60, "the short way across the antimeridian"
    assert len(archive(asked).map.backdrop.outlines) == 3


def test_a_click_on_the_map_selects_in_the_list_and_opens_the_scene(asked, qtbot):
    rank = rank_in(asked, "land")
    qtbot.mouseClick(card(asked).map, LEFT, NONE, pixel(asked, rank))
    assert "land" in archive(asked).selected.scene.name
    qtbot.waitUntil(lambda: asked.session.active is not None, timeout=PATIENCE)
    assert "land" in asked.session.active.name
    hits = asked.window.archive.hits
    assert hits.model.cards[hits.list.currentIndex().row()].key == archive(asked).selected.rank


def test_what_is_selected_in_the_list_is_brought_out_and_into_view(asked, qtbot):
    shown = card(asked).map
    rank = rank_in(asked, "land")
    for _ in range(12):
        wheel(shown, pixel(asked, rank_in(asked, "west")), 2)
    before = shown.view
    archive(asked).select(rank)
    assert shown.view != before and shown.view.zoom == before.zoom
    assert shown.rect().contains(pixel(asked, rank))
    from sarvlm_app.ui.theme import DARK

    picture = shown.grab().toImage()
    accent = DARK.accent
    assert any(
        picture.pixelColor(col, row).name() == accent
        for col in range(0, picture.width())
        for row in range(picture.height() // 2 - 40, picture.height() // 2 + 40)
    )


def test_a_wheel_zooms_about_the_pointer_a_drag_moves_and_a_double_click_fits(asked, qtbot):
    shown = card(asked).map
    fitted, at = shown.view, QPoint(60, 50)
    before = shown.view.world(60, 50)
    wheel(shown, at, 3)
    assert shown.view.zoom > 1.5 * fitted.zoom
    assert np.allclose(shown.view.world(60, 50), before)
    near = shown.view
    drag(qtbot, shown, QPoint(80, 60), QPoint(110, 90))
    assert np.allclose(shown.view.at(*near.world(80, 60)), (110, 90)) or shown.view.x * near.x < 0
    qtbot.mouseDClick(shown, LEFT, NONE, QPoint(5, 100))
    assert shown.view.zoom == pytest.approx(fitted.zoom)
    for key, zoom in ((Qt.Key.Key_Plus, 2.0), (Qt.Key.Key_Minus, 1.0)):
        qtbot.keyClick(shown, key)
        assert shown.view.zoom == pytest.approx(zoom * fitted.zoom)
    qtbot.keyClick(shown, Qt.Key.Key_Left)
    assert shown.view != fitted
    card(asked).fit_button.click()
    assert shown.view.zoom == pytest.approx(fitted.zoom) and shown.view.x == pytest.approx(fitted.x)


@pytest.mark.parametrize("by_button", [True, False])
def test_a_rectangle_becomes_the_area_and_searches_again_across_the_antimeridian(asked, qtbot, by_button):
    shown, before = card(asked).map, archive(asked).answer
    corners = [pixel(asked, rank_in(asked, word)) for word in ("west", "east")]
    start = QPoint(min(p.x() for p in corners) - 14, min(p.y() for p in corners) - 14)
    end = QPoint(max(p.x() for p in corners) + 14, max(p.y() for p in corners) + 14)
    if by_button:
        card(asked).draw.click()
        assert shown.drawing
    drag(qtbot, shown, start, end, NONE if by_button else SHIFT)
    assert not shown.drawing and not card(asked).draw.isChecked()
    qtbot.waitUntil(lambda: archive(asked).answer is not before, timeout=PATIENCE)
    west, _, east, _ = archive(asked).answer.query.where.bbox
    assert west > 170 and east < -170
    names = {hit.scene.name for hit in archive(asked).answer.hits}
    assert names == {"S1A_20201107_west_vv.tif", "S1A_20211107_east_vv.tif"}
    assert asked.window.archive.question.area.text().count(",") == 3
    assert card(asked).note.text() == ""


def test_esc_leaves_the_drawing_and_nothing_is_searched(asked, qtbot):
    shown, before = card(asked).map, archive(asked).question
    card(asked).draw.click()
    shown.setFocus()
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, NONE)
    assert shown.event(override) and override.isAccepted()
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.drawing and not card(asked).draw.isChecked()
    qtbot.mouseClick(shown, LEFT, SHIFT, QPoint(3, 100))
    assert archive(asked).question == before, "a click is no rectangle"


def test_without_a_hit_that_has_a_place_the_map_folds_away(asked, qtbot):
    archive(asked).set_filters(Filters(sensor="none of them"))
    quiet(asked, qtbot)
    qtbot.waitUntil(card(asked).map.isHidden, timeout=PATIENCE)
    assert not archive(asked).answer.hits and card(asked).toggle.isVisible()
    archive(asked).set_filters(Filters())
    qtbot.waitUntil(card(asked).map.isVisible, timeout=PATIENCE)
    card(asked).toggle.click()
    assert card(asked).map.isHidden() and not card(asked).draw.isVisible()
    ask(asked, qtbot, "bright things again")
    assert card(asked).map.isHidden(), "it stays folded as the user wants it"


def test_an_area_in_which_nothing_is_found_stays_on_view(asked, qtbot):
    archive(asked).set_bounds((0.0, 0.0, 10.0, 10.0))
    quiet(asked, qtbot)
    qtbot.waitUntil(lambda: archive(asked).answer.hits == (), timeout=PATIENCE)
    shown = card(asked).map
    assert shown.isVisible() and shown.view.box[0] < 0 and shown.view.box[2] > 10


def test_before_a_question_the_map_unfolds_to_the_scenes_of_the_archive(place, qtbot):
    shown = card(place).map
    assert card(place).isVisible() and shown.isHidden()
    card(place).toggle.click()
    qtbot.waitUntil(lambda: "3 scenes" in card(place).note.text(), timeout=PATIENCE)
    west, _, east, _ = shown.view.box
    assert shown.isVisible() and west < 150.0 and east > 181.0
    assert shown.grab().toImage().pixelColor(20, 20).isValid()


def test_there_is_no_map_without_an_archive(qapp, qtbot, no_leaked_threads):
    empty = make_workplace(qapp, qtbot, PictureEncoder(), Settings())
    empty.actions["show_archive"].trigger()
    assert card(empty).isHidden()
    put_away(empty, qtbot)


def test_reading_stays_off_the_main_thread(place, qtbot, monkeypatch):
    threads = set()
    from sarvlm_app.core import archive_map

    real = archive_map.read_places
    monkeypatch.setattr(
        archive_map, "read_places", lambda folder: (threads.add(threading.current_thread().name), real(folder))[1]
    )
    card(place).toggle.click()
    qtbot.waitUntil(lambda: archive(place).map.count == 3, timeout=PATIENCE)
    assert threads and threading.main_thread().name not in threads


@pytest.mark.parametrize("ending", [".png", ".pdf"])
def test_hits_leave_as_a_contact_sheet(asked, qtbot, tmp_path, monkeypatch, ending):
    from PySide6.QtWidgets import QFileDialog

    out, kinds = tmp_path / f"sheet{ending}", []

    def ask_name(_window, _title, _proposed, offered):
        kinds.append(offered)
        return str(out.with_suffix("")), next(kind for kind in offered.split(";;") if ending in kind)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask_name)
    asked.actions["export_hits"].trigger()
    qtbot.waitUntil(lambda: out.exists() and asked.window.toast.isVisible(), timeout=PATIENCE)
    assert out.read_bytes()[:4] in (b"\x89PNG", b"%PDF") and "Contact sheet" in kinds[0]
    assert [path.name for path in tmp_path.iterdir() if "sheet" in path.name] == [out.name]


def test_light_and_narrow_it_is_whole(asked, qtbot):
    asked.window.resize(900, 600)
    asked.theme.apply("light")
    qtbot.wait(50)
    panel = asked.window.archive
    assert card(asked).width() <= panel.width() and card(asked).map.accessibleName()
    row = (card(asked).toggle, card(asked).note, card(asked).draw, card(asked).fit_button)
    assert all(one.geometry().right() < other.geometry().left() for one, other in zip(row, row[1:], strict=False))
    asked.theme.apply("dark")
