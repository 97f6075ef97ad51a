"""Display settings of open scenes: changed by verbs, kept on disk, fitting the scene and band on view."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.display import DisplaySettings, Mode, presets
from sarvlm_app.core.display.composites import bands_as_colours
from sarvlm_app.core.display_session import CYCLE, DisplaySession
from sarvlm_app.core.display_store import DisplayStore
from sarvlm_app.core.jobs import JobRunner
from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import Scene, open_scene
from tests.core.display.scenes import complex_planes, dual, quad
from tests.core.scene_files import speckle, write_tif

pytestmark = pytest.mark.usefixtures("no_leaked_threads")
SMALL = (60, 70)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.store = DisplayStore(folder / "display")
        self.display = DisplaySession(self.runner, self.store)
        self.changes: list[DisplaySettings | None] = []
        self.display.changed.connect(lambda: self.changes.append(self.display.settings))

    def settle(self) -> None:
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=20)()

    def show(self, scene: Scene | None, band: int = 1) -> DisplaySession:
        self.display.show(scene, band)
        self.settle()
        return self.display


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.runner.close()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return dual(tmp_path_factory.mktemp("two"), SMALL)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return quad(tmp_path_factory.mktemp("three"), complex_planes(SMALL))


def test_a_scene_begins_with_the_defaults_and_the_default_stretch(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    assert display.settings == DisplaySettings()
    assert display.stretch(Stretch(-20, 0)) == Stretch(-20, 0)
    assert bench.show(None).settings is None


def test_settings_are_there_again_for_the_next_session_and_follow_the_content(
    bench: Bench, two: Scene, tmp_path: Path
) -> None:
    bench.show(two).set_mode(Mode.NRL)
    bench.display.set_colours("magma")
    bench.settle()
    later = Bench(tmp_path)
    assert later.show(two).settings == DisplaySettings(Mode.NRL, colours="magma")
    later.display.reset()
    later.settle()
    assert not list((tmp_path / "display").iterdir())
    later.runner.close()


def test_damaged_settings_are_the_defaults(bench: Bench, two: Scene, tmp_path: Path) -> None:
    (tmp_path / "display").mkdir()
    (tmp_path / "display" / f"{two.fingerprint}.json").write_text('{"mode": "nonsense"}')
    assert bench.show(two).settings == DisplaySettings()


def test_dragging_a_line_makes_the_limits_manual_and_only_for_that_band(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    display.set_limits((-18.0, -2.0))
    assert display.settings == DisplaySettings(Mode.MANUAL, (-18.0, -2.0), band=1)
    assert display.stretch(Stretch(-20, 0)) == Stretch(-18.0, -2.0, "dB", "manual")
    assert bench.show(two, 2).settings == DisplaySettings()
    assert bench.show(two, 1).settings == DisplaySettings(Mode.MANUAL, (-18.0, -2.0), band=1)


def test_limits_of_a_linear_display_stay_linear_and_remaps_have_none(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    display.set_mode(Mode.GAMMA)
    display.set_limits((0.1, 0.9))
    assert (display.settings.mode, display.settings.limits, display.settings.gamma) == (Mode.GAMMA, (0.1, 0.9), 0.5)
    assert display.stretch(Stretch(-20, 0)).unit == "linear"
    display.set_mode(Mode.NRL)
    before = display.settings
    display.set_limits((0.0, 1.0))
    assert display.settings == before


def test_the_key_goes_round_the_modes_and_colours(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    seen = []
    for _ in CYCLE:
        display.next_mode()
        seen.append(display.settings.mode)
    assert seen == [*CYCLE[1:], CYCLE[0]]
    display.next_colours()
    assert display.settings.colours == "viridis"


def test_composites_go_round_and_back_to_the_band(bench: Bench, three: Scene) -> None:
    display = bench.show(three)
    names = []
    for _ in range(4):
        display.next_composite()
        names.append(display.settings.composite.name if display.settings.composite else None)
    assert names == ["Pauli", "HH / HV / VV", "HH / HV / ratio", None]


def test_phase_is_for_complex_bands_only_and_a_composite_ends_it(bench: Bench, two: Scene, three: Scene) -> None:
    display = bench.show(two)
    display.toggle_phase()
    assert not display.has_phase and not display.settings.phase
    display = bench.show(three)
    display.toggle_phase()
    assert display.settings.phase
    display.show_composite(display.composites[0])
    assert not display.settings.phase


def test_channel_limits_are_those_of_one_colour_and_reset_keeps_the_composite(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    display.show_composite(display.composites[0])
    display.set_limits((-9.0, 3.0), channel=1)
    assert [channel.limits for channel in display.settings.composite.channels] == [None, (-9.0, 3.0), None]
    assert display.stretch(Stretch(-20, 0)) == Stretch(-20, 0)
    display.reset()
    assert display.settings == DisplaySettings(composite=presets(two)[0])


def test_other_scenes_take_what_they_can_show(bench: Bench, two: Scene, three: Scene, tmp_path: Path) -> None:
    single = open_scene(write_tif(tmp_path / "one.tif", speckle(SMALL), descriptions=("VV",)))
    said: list[str] = []
    bench.display.message.connect(said.append)
    display = bench.show(three)
    display.show_composite(bands_as_colours("Free", 1, 2, 3))
    display.apply_to((two, three, single))
    assert said == ["Display applied to 2 other scenes."]
    assert bench.show(two).settings.composite is None
    bench.show(two).set(DisplaySettings(Mode.LINEAR, (0.0, 0.5), colours="magma"))
    bench.display.apply_to((two, single))
    assert bench.show(single, 1).settings == DisplaySettings(Mode.LINEAR, (0.0, 0.5), colours="magma")
    assert said[-1] == "Display applied to 1 other scene."


def test_only_what_changes_is_told(bench: Bench, two: Scene) -> None:
    display = bench.show(two)
    bench.changes.clear()
    display.set(display.settings)
    display.set_gamma(1.0)
    assert bench.changes == []
    display.set_gamma(99.0)
    assert [settings.gamma for settings in bench.changes] == [3.0]


def test_nothing_of_the_scene_changes(bench: Bench, two: Scene) -> None:
    before = replace(two)
    bench.show(two).show_composite(presets(two)[0])
    assert two == before == open_scene(two.path)
    assert np.array_equal(np.array(before.bands[0].index), 1)
