"""The facts card, the tree of metadata, parts, and scenes that are made of others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication

from sarvlm_app.core.metadata import MetadataNode
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import open_scene
from sarvlm_app.ui.metadata_model import MetadataModel
from sarvlm_app.ui.panels.facts import FactsPanel
from tests.core.scene_files import speckle, write_tif

TREE = MetadataNode("root", "", (MetadataNode("a", "", (MetadataNode("b", "1"),)), MetadataNode("c", "2\n3")))


@dataclass(frozen=True)
class Flat:
    """A product's tables: everything times four."""

    kinds: tuple[Calibration, ...] = (Calibration.SIGMA0,)
    has_noise: bool = False

    def gain(self, window, kind):
        return np.full((1, 1), 4.0, np.float32)

    def noise(self, window):
        return np.zeros((1, 1), np.float32)


def texts(menu_actions):
    return {action.text(): action.isEnabled() for action in menu_actions}


def test_the_model_knows_rows_parents_and_paths(qapp):
    model = MetadataModel()
    model.show_tree(TREE)
    assert (model.rowCount(), model.columnCount()) == (2, 2)
    a = model.index(0, 0)
    b = model.index(0, 1, a)
    assert b.data() == "1"
    assert model.parent(b) == a
    assert model.parent(a) == QModelIndex()
    assert model.path(b) == "a/b"
    assert model.index(1, 1).data() == "2 3"
    assert model.node(model.index(1, 1)).value == "2\n3"
    assert not model.index(5, 0).isValid()
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Value"


def test_a_choice_of_part_asks_for_the_other_one_and_stays(qtbot, qapp, tmp_path):
    panel = FactsPanel()
    qtbot.addWidget(panel)
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((40, 50))))
    panel.show_scene(replace(scene, part="IW1", parts=("IW1", "IW2", "IW3"), missing=("a/b.xml",)))
    panel.show()
    assert panel.parts.isVisible()
    assert panel.missing.text().replace("\u200b", "") == "Missing part: b.xml"
    with qtbot.waitSignal(panel.part_chosen) as signal:
        panel.parts.setCurrentIndex(1)
        panel.parts.activated.emit(1)
    assert signal.args == ["IW2"]
    assert panel.parts.currentText() == "IW1"
    panel.show_scene(scene)
    assert not panel.parts.isVisible()
    assert not panel.missing.isVisible()


def test_metadata_open_by_the_button_and_are_searched_and_copied(opened, qtbot):
    opened.window.facts.metadata.click()
    dialog = opened.scene.dialog
    qtbot.waitUntil(lambda: dialog.model.rowCount() > 0, timeout=10_000)
    whole = dialog.said.text()
    dialog.filter.setText("width_px")
    qtbot.waitUntil(lambda: dialog.said.text() != whole, timeout=10_000)
    group = dialog.model.index(0, 0)
    found = dialog.model.index(0, 0, group)
    assert found.siblingAtColumn(1).data() == "576"
    dialog.view.setCurrentIndex(found)
    dialog.copy_value.click()
    assert QGuiApplication.clipboard().text() == "576"
    dialog.copy_path.click()
    assert QGuiApplication.clipboard().text() == "Scene/width_px"
    dialog.filter.setText("nothing like this")
    qtbot.waitUntil(lambda: dialog.said.text() == "No entry has these words", timeout=10_000)
    dialog.reject()
    assert opened.scene.dialog is None


def test_a_product_with_tables_opens_calibrated_as_another_scene(opened, qtbot, tmp_path):
    actions = opened.actions
    assert not actions["calibrate_sigma0"].isEnabled()
    assert "calibration tables" in actions["calibrate_sigma0"].toolTip()
    scene = open_scene(write_tif(tmp_path / "grd.tif", speckle((200, 220), 20.0)))
    tabled = replace(scene, bands=tuple(replace(band, calibrator=Flat()) for band in scene.bands))
    opened.session.open_derived("Opening", lambda: tabled)
    qtbot.waitUntil(lambda: opened.session.active == tabled, timeout=10_000)
    assert actions["calibrate_sigma0"].isEnabled()
    assert actions["calibrate_gamma0"].toolTip() == "The product's tables give sigma0 only."
    assert actions["calibrate_sigma0_denoised"].toolTip() == "The product states no thermal noise."
    before = opened.session.stretch
    actions["calibrate_sigma0"].trigger()
    qtbot.waitUntil(lambda: opened.session.active.name == "grd sigma0", timeout=10_000)
    made = opened.session.active
    assert (made.calibration, made.origin) == (Calibration.SIGMA0, "sigma0")
    assert made.fingerprint != tabled.fingerprint
    assert opened.session.stretch.low == pytest.approx(before.low + 10 * np.log10(4), abs=0.1)
    assert actions["calibrate_sigma0"].toolTip() == "The scene holds sigma0 already."
    assert len(opened.session.scenes) == 3


def test_a_filter_is_tried_and_opens_as_another_scene(opened, qtbot):
    from sarvlm_app.ui.dialogs.filter import FilterDialog

    opened.actions["filter"].trigger()
    dialog = opened.window.findChild(FilterDialog)
    qtbot.waitUntil(lambda: "before" in dialog.said.text(), timeout=20_000)
    assert not dialog.pictures[1].pixmap().isNull()
    assert set(dialog.fields) == {"size", "looks"}
    qtbot.waitUntil(lambda: "about" in dialog.looks.text(), timeout=20_000)
    told = float(dialog.looks.text().split()[4])
    assert dialog.fields["looks"][1].value() == pytest.approx(told), "the scene's own looks, unasked"
    dialog.fields["looks"][1].setValue(3.0)
    dialog._on_looks(True, told)
    assert dialog.fields["looks"][1].value() == 3.0, "an estimate leaves the user's number alone"
    dialog.estimate.click()
    qtbot.waitUntil(lambda: dialog.fields["looks"][1].value() == pytest.approx(told), timeout=20_000)
    before = dialog.said.text()
    dialog.fields["size"][1].setValue(9)
    qtbot.waitUntil(lambda: dialog.said.text() != before, timeout=20_000)
    dialog.fields["size"][1].setValue(8)
    assert dialog.chosen() is None
    assert "odd" in dialog._fault.text()
    dialog.fields["size"][1].setValue(5)
    dialog.choice.setCurrentIndex(dialog.choice.findData("boxcar"))
    assert dialog.fields["size"][1].value() == 5
    original = opened.session.active
    dialog.make.click()
    qtbot.waitUntil(lambda: opened.session.active != original, timeout=20_000)
    made = opened.session.active
    assert made.name == f"{original.name} Boxcar"
    assert "Boxcar" in made.origin
