"""The pair of scenes that is compared: which, how, and what happens when scenes come, go and change places."""

from __future__ import annotations

import queue

import numpy as np
import pytest

from sarvlm_app.core.jobs import JobRunner
from sarvlm_app.core.link_session import LinkMode, LinkSession, LinkSettings
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene
from tests.core.linking.pairs import ground
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif

pytestmark = pytest.mark.usefixtures("no_leaked_threads")


class Bench:
    """A link session over a list of scenes, and a main thread that runs when it is told to."""

    def __init__(self):
        self.posted = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.scenes = []
        self.linking = LinkSession(self.runner, lambda: tuple(self.scenes))
        self.faults, self.messages = [], []
        self.linking.failed.connect(self.faults.append)
        self.linking.message.connect(self.messages.append)

    def settle(self):
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=20)()

    def open(self, scene):
        self.scenes.append(scene)
        self.linking.look_around()
        self.linking.show(scene, 1)
        self.settle()

    def mode(self, mode):
        self.linking.set_mode(mode)
        self.settle()


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.runner.close()


@pytest.fixture
def scenes(tmp_path):
    return (
        ground(tmp_path / "one.tif"),
        ground(tmp_path / "two.tif", spacing=8.0, shift=(100.0, 100.0)),
        ground(tmp_path / "away.tif", shift=(90_000.0, 0.0)),
    )


def test_the_first_other_scene_is_taken_until_one_is_chosen(bench, scenes):
    two, one = scenes[1], scenes[0]
    bench.open(two)
    bench.mode(LinkMode.SWIPE)
    assert "no second scene" in str(bench.faults.pop()) and bench.linking.mode is LinkMode.OFF
    bench.open(one)
    bench.mode(LinkMode.SWIPE)
    pairing = bench.linking.pairing
    assert (pairing.one, pairing.other) == (one, two) and bench.linking.candidates == (two,)
    bench.mode(LinkMode.CHANGE)
    assert bench.linking.pairing is pairing
    bench.mode(LinkMode.CHANGE)
    assert bench.linking.mode is LinkMode.OFF and bench.linking.pairing is None
    bench.linking.toggle()
    assert bench.linking.mode is LinkMode.CHANGE and bench.linking.pairing is pairing
    assert not bench.faults


def test_scenes_apart_are_refused_and_the_comparison_ends(bench, scenes):
    one, two, away = scenes
    for scene in (away, two, one):
        bench.open(scene)
    bench.linking.choose(two)
    bench.mode(LinkMode.SIDE)
    bench.linking.choose(away)
    bench.settle()
    assert "does not lie on the ground of" in str(bench.faults.pop())
    assert bench.linking.mode is LinkMode.OFF and bench.linking.other == away


def test_the_two_change_places_when_the_other_comes_on_view(bench, scenes):
    one, two, _ = scenes
    bench.open(two)
    bench.open(one)
    bench.mode(LinkMode.FLICKER)
    bench.linking.show(two, 1)
    bench.settle()
    assert bench.linking.mode is LinkMode.FLICKER
    assert (bench.linking.pairing.one, bench.linking.pairing.other) == (two, one)


def test_a_scene_that_is_closed_leaves_the_comparison(bench, scenes):
    one, two, _ = scenes
    bench.open(two)
    bench.open(one)
    bench.mode(LinkMode.SIDE)
    bench.scenes.remove(two)
    bench.linking.look_around()
    assert bench.linking.mode is LinkMode.OFF and bench.linking.other is None and bench.linking.caveats == ()
    bench.linking.show(None, 1)
    assert bench.linking.pairing is None


def test_closing_the_scene_on_view_ends_the_comparison_without_a_word(bench, scenes):
    one, two, _ = scenes
    bench.open(two)
    bench.open(one)
    bench.mode(LinkMode.SIDE)
    bench.scenes.remove(one)
    bench.linking.look_around()
    bench.linking.show(two, 1)
    bench.settle()
    assert bench.linking.mode is LinkMode.OFF and not bench.faults


def test_a_third_scene_on_view_is_compared_with_the_same_other(bench, scenes, tmp_path):
    one, two, _ = scenes
    third = ground(tmp_path / "third.tif", shift=(40.0, 0.0))
    for scene in (two, third, one):
        bench.open(scene)
    bench.linking.choose(two)
    bench.mode(LinkMode.SWIPE)
    bench.linking.show(third, 1)
    bench.settle()
    assert (bench.linking.pairing.one, bench.linking.pairing.other) == (third, two)


def test_settings_keep_their_limits(bench):
    bench.linking.adjust(cell_px=9, threshold_db=2.0)
    assert bench.linking.settings == LinkSettings(cell_px=9, threshold_db=2.0)
    for wrong in ({"rate_hz": 0.0}, {"cell_px": 0}, {"range_db": float("nan")}, {"threshold_db": -1.0}):
        with pytest.raises(ValueError, match="within their limits"):
            bench.linking.adjust(**wrong)
    assert bench.linking.settings.cell_px == 9
    bench.linking.adjust(range_db=1.5)
    assert bench.linking.settings.threshold_db == 1.5


def test_the_change_is_written_and_only_while_two_are_compared(bench, scenes, tmp_path):
    out = tmp_path / "change.tif"
    bench.linking.export(out)
    assert "choose a second one" in str(bench.faults.pop())
    bench.open(scenes[1])
    bench.open(scenes[0])
    bench.mode(LinkMode.CHANGE)
    bench.linking.export(out)
    bench.settle()
    assert bench.messages == [f"Written: {out}"]
    written = open_scene(out)
    assert written.value_type is ValueType.DB and (written.width, written.height) == (60, 48)
    bench.linking.export(tmp_path / "no such folder" / "change.tif")
    bench.settle()
    assert len(bench.faults) == 1
    bench.linking.export(scenes[1].path)
    bench.settle()
    assert "is not overwritten" in str(bench.faults[1])


def test_of_several_bands_the_same_polarisation_is_compared(bench, tmp_path):
    planes = speckle((40, 50))
    made = []
    for number, names in enumerate((("VV", "VH"), ("VH", "VV"))):
        pixels = np.stack([planes, planes * (2 + number)])
        path = write_tif(tmp_path / f"{number}.tif", pixels, crs=UTM33, transform=TRANSFORM, descriptions=names)
        made.append(open_scene(path))
    bench.open(made[1])
    bench.open(made[0])
    bench.linking.choose(made[1])
    assert bench.linking.bands == (1, 2)
    bench.linking.show(made[0], 2)
    assert bench.linking.bands == (2, 1)
