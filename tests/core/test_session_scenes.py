"""Several scenes and several bands in one session: each keeps what is its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio

from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import open_scene
from tests.core.scene_files import TRANSFORM, UTM33, write_tif
from tests.core.session_bench import LONG_S, Bench, count, harbour

pytestmark = pytest.mark.usefixtures("no_leaked_threads")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.runner.close()


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    return harbour(tmp_path / "a.tif")


# ---- several scenes --------------------------------------------------------------
def test_each_scene_keeps_its_answer(bench: Bench, scene_file: Path, tmp_path: Path) -> None:
    first = bench.open(scene_file)
    one = bench.ask()
    second = bench.open(harbour(tmp_path / "b.tif", 1))
    assert bench.session.answer is None and not bench.session.encoded
    other = bench.ask("dark things")
    bench.session.activate(first)
    bench.settle()
    assert bench.session.answer is one and bench.session.encoded
    bench.session.activate(second)
    bench.settle()
    assert bench.session.answer is other


def held(bench: Bench) -> tuple[threading.Event, threading.Event]:
    """Events: the encoder is at its third window; it may go on."""
    begun, let = threading.Event(), threading.Event()

    def wait(number: int) -> None:
        if number == 2:
            begun.set()
            assert let.wait(LONG_S)

    bench.encoder.before = wait
    return begun, let


def test_an_answer_that_comes_after_another_scene_was_chosen_goes_to_its_own(
    bench: Bench, scene_file: Path, tmp_path: Path
) -> None:
    second = bench.open(harbour(tmp_path / "b.tif", 1))
    first = bench.open(scene_file)
    begun, let = held(bench)
    bench.session.ask("bright things")
    assert begun.wait(LONG_S)
    bench.session.activate(second)
    let.set()
    bench.settle()
    assert bench.session.active == second and bench.session.answer is None
    bench.session.activate(first)
    assert bench.session.answer is not None and bench.session.answer.scene == first


@pytest.mark.parametrize("on_view", [True, False])
def test_closing_a_scene_while_its_question_runs_stops_it(
    bench: Bench, scene_file: Path, tmp_path: Path, on_view: bool
) -> None:
    other = bench.open(harbour(tmp_path / "b.tif", 1))
    scene = bench.open(scene_file)
    begun, let = held(bench)
    bench.session.ask("bright things")
    assert begun.wait(LONG_S)
    if not on_view:
        bench.session.activate(other)
    bench.session.close(scene)
    let.set()
    bench.settle()
    assert bench.session.scenes == (other,) and bench.session.active == other and bench.session.answer is None
    assert bench.failed == [] and len(bench.encoder.windows) == 3


def test_closing_one_scene_leaves_the_question_of_another_alone(bench: Bench, scene_file: Path, tmp_path: Path) -> None:
    scene = bench.open(scene_file)
    begun, let = held(bench)
    bench.session.ask("bright things")
    assert begun.wait(LONG_S)
    bench.session.open(harbour(tmp_path / "b.tif", 1))
    bench.run_until(lambda: len(bench.session.scenes) == 2)
    other = bench.session.active
    assert other is not None and other != scene
    bench.session.close(other)
    let.set()
    bench.settle()
    assert bench.session.active == scene and bench.session.answer is not None and bench.session.answer.complete


def test_closing_the_last_scene_and_one_that_is_not_open(bench: Bench, scene_file: Path) -> None:
    scene = bench.open(scene_file)
    bench.ask()
    bench.session.select(1)
    bench.session.close(scene)
    bench.session.close(scene)
    bench.session.activate(scene)
    assert bench.session.scenes == () and bench.session.active is None
    assert bench.session.answer is None and bench.session.selected is None and not bench.session.encoded


def test_the_neighbour_of_a_closed_scene_comes_on_view(bench: Bench, tmp_path: Path) -> None:
    scenes = [bench.open(harbour(tmp_path / f"{name}.tif", seed)) for seed, name in enumerate("abc")]
    bench.session.activate(scenes[1])
    bench.session.close(scenes[1])
    assert bench.session.active == scenes[2]
    bench.session.close(scenes[2])
    assert bench.session.active == scenes[0]
    bench.settle()


# ---- bands and display --------------------------------------------------------------
@pytest.fixture
def two_bands(tmp_path: Path) -> Path:
    co = open_scene(harbour(tmp_path / "co.tif"))
    with rasterio.open(co.path) as file:
        first = file.read(1)
    return write_tif(
        tmp_path / "two.tif", np.stack((first, np.full_like(first, 10.0))), descriptions=("VV", "VH"),
        crs=UTM33, transform=TRANSFORM,
    )  # fmt: skip


def test_another_band_is_another_question(bench: Bench, two_bands: Path) -> None:
    bench.open(two_bands)
    stretch = bench.session.stretch
    assert bench.ask().stands_out and bench.session.band == 1
    bench.session.set_band(2)
    bench.settle()
    assert bench.session.band == 2 and bench.session.answer is None and not bench.session.encoded
    assert bench.session.stretch != stretch
    assert not bench.ask().stands_out
    bench.session.set_band(1)
    bench.settle()
    assert bench.session.encoded


def test_the_answer_of_the_band_before_does_not_count_for_the_new_one(bench: Bench, two_bands: Path) -> None:
    bench.open(two_bands)
    begun, let = held(bench)
    bench.session.ask("bright things")
    assert begun.wait(LONG_S)
    bench.session.set_band(2)
    bench.run_until(lambda: bench.session.band == 2)
    let.set()
    bench.settle()
    assert bench.session.answer is None and not bench.session.encoded


def test_a_band_that_is_chosen_and_left_at_once_is_not_shown(bench: Bench, two_bands: Path) -> None:
    bench.open(two_bands)
    bench.session.set_band(2)
    bench.session.set_band(1)
    bench.settle()
    assert bench.session.band == 1


def test_a_band_that_is_not_there_is_a_sentence(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    bench.session.set_band(7)
    bench.settle()
    assert len(bench.failed) == 1 and bench.session.band == 1


def test_the_display_does_not_change_the_answer(bench: Bench, scene_file: Path) -> None:
    bench.open(scene_file)
    before = bench.ask()
    events: list[str] = []
    count(events, bench.session)
    bench.session.set_stretch(Stretch(-3.0, 5.0))
    bench.session.set_stretch(Stretch(-3.0, 5.0))
    assert bench.session.stretch == Stretch(-3.0, 5.0, mode="manual") and events == ["stretch_changed"]
    again = bench.ask()
    assert (again.heatmap.scores == before.heatmap.scores).all()
