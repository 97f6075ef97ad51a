"""The main job in the real window with the shipped model: words in, places out, files on disk.

What the model finds is measured elsewhere; here an answer has to come, be shown, be walked through and be written.
"""

import json
import math

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

QUESTIONS = ("ships moored at a pier", "a ship", "open sea")
ANSWER_MS = 240_000
"""A slow machine loads the model and encodes a small scene within this."""


def ask(place, qtbot, text):
    """Types a question key by key, presses Return, waits for the whole answer to it."""
    before, line = place.session.answer, place.window.query.line
    place.window.query.focus()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)

    def answered():
        answer = place.session.answer
        return answer is not None and answer is not before and answer.complete and answer.query.text == text

    qtbot.waitUntil(answered, timeout=ANSWER_MS)
    # the typing itself asks, too, once the scene is encoded: wait for the last of these answers
    qtbot.waitUntil(lambda: not any(job.active for job in place.runner.statuses()), timeout=ANSWER_MS)
    return place.session.answer


def find_places(place, qtbot):
    """An answer with a place in it: lowers the threshold, then tries plainer words."""
    slider = place.window.results.slider
    for text in QUESTIONS:
        answer = place.session.answer
        if answer is None or answer.query.text != text:
            ask(place, qtbot, text)
        while not place.session.answer.candidates and slider.value() > slider.minimum():
            slider.setValue(slider.value() - 2)
            wanted = place.session.threshold
            qtbot.waitUntil(lambda wanted=wanted: place.session.answer.query.threshold == wanted, timeout=20_000)
        if place.session.answer.candidates:
            return place.session.answer
    raise AssertionError("no score is above 0.5 anywhere, for any of the questions")


def click_row(qtbot, view, row):
    spot = view.visualRect(view.model().index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)


@pytest.fixture
def opened(workplace, qtbot, harbour):
    workplace.start([harbour])
    qtbot.waitUntil(lambda: "SAR" in workplace.window.canvas.layer_names, timeout=60_000)
    return workplace


def test_from_typed_words_to_files_that_open_again(opened, qtbot, harbour, tmp_path, monkeypatch):
    window, session = opened.window, opened.session
    assert "simulated" in window.canvas.overlay.state.badges

    first = ask(opened, qtbot, QUESTIONS[0])
    assert not first.cached
    assert window.results.timing.text().startswith("encoded in")
    assert np.isfinite(first.heatmap.scores).all()
    assert window.canvas.layer_names == ("SAR", "Heat map")
    assert window.canvas.heatmap_visible

    answer = find_places(opened, qtbot)
    assert window.results.list.model().rowCount() == len(answer.candidates)
    click_row(qtbot, window.results.list, 0)
    chosen = session.selected
    assert chosen == answer.candidates[0]

    def arrived() -> bool:
        camera = window.canvas.camera()
        return abs(camera.col - chosen.col) < 1 and abs(camera.row - chosen.row) < 1

    qtbot.waitUntil(arrived, timeout=20_000)

    written = {"export_heatmap": "heat.tif", "export_candidates": "places.geojson", "export_picture": "view.png"}
    for action, name in written.items():
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, name=name: (str(tmp_path / name), ""))
        opened.actions[action].trigger()
    qtbot.waitUntil(lambda: all((tmp_path / name).exists() for name in written.values()), timeout=60_000)
    check_heatmap(tmp_path / "heat.tif", harbour, answer)
    check_places(tmp_path / "places.geojson", answer, window.results.list.model().rowCount())
    check_picture(tmp_path / "view.png", answer)
    assert not list(tmp_path.glob("*.part"))


def check_heatmap(path, scene_path, answer):
    with rasterio.open(path) as heat, rasterio.open(scene_path) as scene:
        cell = answer.heatmap.cell_px
        assert heat.crs == scene.crs
        assert heat.transform.almost_equals(scene.transform @ Affine.scale(cell))
        assert heat.shape == (math.ceil(scene.height / cell), math.ceil(scene.width / cell))
        assert heat.dtypes == ("float32",)
        assert heat.tags()["QUERY"] == answer.query.text
        assert heat.tags()["MODEL"] == answer.query.model_id
        np.testing.assert_array_equal(heat.read(1), answer.heatmap.scores)


def check_places(path, answer, listed):
    places = json.loads(path.read_text(encoding="utf-8"))
    assert places["query"] == answer.query.text
    assert len(places["features"]) == listed == len(answer.candidates)
    best = places["features"][0]["properties"]
    assert best["rank"] == 1
    assert (best["lon"], best["lat"]) == pytest.approx((answer.candidates[0].lon, answer.candidates[0].lat), abs=1e-6)


def check_picture(path, answer):
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.text["Title"] == answer.query.text
        assert min(picture.size) > 200
        assert np.asarray(picture.convert("L")).std() > 5


def test_a_second_question_is_answered_from_what_is_encoded(opened, qtbot):
    ask(opened, qtbot, "storage tanks")
    second = ask(opened, qtbot, "a breakwater")
    assert second.cached
    assert second.seconds.encode == 0
    assert opened.window.results.timing.text().endswith("cached")


def test_typing_on_an_encoded_scene_moves_the_heat_map_without_return(opened, qtbot):
    before = ask(opened, qtbot, "storage tanks")
    opened.window.query.focus()
    qtbot.keyClicks(opened.window.query.line, "forest")
    qtbot.waitUntil(lambda: opened.session.answer.query.text == "forest", timeout=60_000)
    assert not np.array_equal(opened.session.answer.heatmap.scores, before.heatmap.scores)
    assert opened.window.canvas.heatmap_visible


def test_a_bad_file_is_told_in_one_sentence_and_the_window_lives_on(opened, qtbot, tmp_path):
    bad = tmp_path / "cut_short.tif"
    bad.write_bytes((tmp_path / "harbour.tif").read_bytes()[:300])
    shown = opened.session.active
    opened.commands.open_paths([bad])
    toast = opened.window.toast
    qtbot.waitUntil(toast.isVisible, timeout=20_000)
    assert "cut_short.tif" in toast.text
    assert toast.text.count("\n") == 0
    assert toast.text.endswith(".")
    assert opened.session.active == shown
    assert opened.window.isVisible()
    assert ask(opened, qtbot, "a ship").complete
