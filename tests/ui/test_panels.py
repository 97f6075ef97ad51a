"""Panels in the window: bands, scenes without data, the list of places, the toast."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from PySide6.QtGui import QImage
from rasterio.transform import from_origin

from sarvlm_app.ui.panels.cards import Card, CardModel
from tests.ui.focus import activate


def write_bands(path, *, count=2, value=None):
    """VV and VH (dim, with a bright spot only in VH); all `value` where that is given."""
    rng = np.random.default_rng(3)
    profile = {"driver": "GTiff", "width": 320, "height": 256, "count": count, "dtype": "uint8", "nodata": 0}
    profile |= {"crs": "EPSG:32611", "transform": from_origin(380_000, 3_740_000, 10, 10)}
    with rasterio.open(path, "w", **profile) as dataset:
        for band in range(1, count + 1):
            pixels = np.clip(np.sqrt(rng.exponential(900.0, (256, 320))), 1, 255)
            if band == 2:
                pixels[100:124, 60:84] = 250
            dataset.write((pixels if value is None else np.full_like(pixels, value)).astype(np.uint8), band)
            dataset.set_band_description(band, ("VV", "VH")[band - 1])
    return path


@pytest.fixture
def open_file(workplace, qtbot):
    def run(path):
        workplace.start([path])
        qtbot.waitUntil(lambda: "SAR" in workplace.window.canvas.layer_names, timeout=10_000)
        return workplace

    return run


def ask(place, qtbot, text):
    before = place.session.answer
    place.window.query.ask_words(text)

    def answered():
        answer = place.session.answer
        return answer is not None and answer is not before and answer.complete

    qtbot.waitUntil(answered, timeout=15_000)
    return place.session.answer


def test_a_scene_of_two_bands_lets_one_choose_which_is_shown_and_asked(open_file, qtbot, tmp_path):
    place = open_file(write_bands(tmp_path / "two.tif"))
    bands = place.window.facts.bands
    assert bands.isVisible()
    assert [bands.itemText(row) for row in range(bands.count())] == ["VV  (1 of 2)", "VH  (2 of 2)"]
    assert not ask(place, qtbot, "ships").stands_out
    bands.activated.emit(1)
    qtbot.waitUntil(lambda: place.session.band == 2, timeout=10_000)
    qtbot.waitUntil(lambda: "SAR" in place.window.canvas.layer_names, timeout=10_000)
    assert bands.currentData() == 2
    answer = ask(place, qtbot, "ships")
    assert (answer.band, answer.stands_out) == (2, True)


def test_a_scene_of_one_band_offers_no_choice(opened):
    assert not opened.window.facts.bands.isVisible()


def test_a_scene_without_data_says_so_instead_of_nothing_stands_out(open_file, qtbot, tmp_path):
    place = open_file(write_bands(tmp_path / "empty.tif", count=1, value=0))
    ask(place, qtbot, "ships")
    results = place.window.results
    assert results.headline.text() == "No data to look at"
    assert not results._examples.isVisible()
    assert not results.list.isVisible()


def test_the_answer_line_tells_encoding_from_the_cache(opened, ask):
    ask("ships")
    assert opened.window.results.timing.text().startswith("encoded in ")
    ask("sea")
    assert opened.window.results.timing.text().endswith(" s · cached")


def test_words_typed_before_the_scene_is_encoded_are_answered_when_it_is(opened, qtbot):
    line = opened.window.query.line
    activate(opened.window)
    line.setFocus()
    opened.session.encode()
    qtbot.keyClicks(line, "ships")
    qtbot.waitUntil(lambda: opened.session.answer is not None and opened.session.answer.complete, timeout=15_000)
    assert opened.session.answer.query.text == "ships"


def test_a_toast_is_no_higher_than_its_words(workplace):
    toast = workplace.window.toast
    toast.show_fault("harbour.tif is empty; copy or download it again.")
    assert toast.height() < 4 * toast.fontMetrics().height()
    low = toast.height()
    toast.show_fault("A very long path in the sentence. " * 12)
    assert low < toast.height() < 8 * toast.fontMetrics().height()


def test_rows_that_stay_keep_their_picture_and_the_others_come_and_go(qtbot):
    model = CardModel()
    rows = [Card(rank, f"place {rank}", "", 0.9) for rank in range(1, 6)]
    model.set_cards(rows)
    model.set_image(1, QImage(4, 4, QImage.Format.Format_Grayscale8))
    with qtbot.assertNotEmitted(model.modelReset):
        model.set_cards(rows[:2])
        model.set_cards(rows[:4])
    assert model.rowCount() == 4
    assert model.cards[0].image is not None
    with qtbot.waitSignal(model.modelReset):
        model.set_cards([replace(rows[1], title="another place"), *rows[2:]])
    assert all(card.image is None for card in model.cards)


def test_the_list_tells_a_scene_from_what_was_made_of_it_though_its_name_is_cut_off(open_file, tmp_path):
    place = open_file(write_bands(tmp_path / f"{'a_long_name_' * 6}.tif"))
    scene = place.session.active
    plain = place.window.scenes._card(scene)
    made = place.window.scenes._card(replace(scene, name=f"{scene.name} sigma0", fingerprint="other"))
    assert "sigma0" not in plain.line and made.line.startswith("sigma0 · ")
    assert made.tip.splitlines() == [f"{scene.name} sigma0", str(scene.path)]
