"""The same scene asked by two processes at once, and a question broken off."""

import signal
import subprocess
import sys

import pytest

from sarvlm_app.core import scene_index
from sarvlm_app.core.scene import open_scene
from sarvlm_app.core.scene_index import find_index, layout_of, open_or_create
from tests.cli.conftest import finished
from tests.cli.spots import SpotEncoder
from tests.cli.test_query import near_spots

WINDOWS = 20


@pytest.fixture(autouse=True)
def interruptible():
    """Interruptions arrive, also where the tests were started in the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def layout(scene):
    return layout_of(open_scene(scene), 1, SpotEncoder.spec)


def test_who_comes_second_uses_the_index_of_who_came_first(scene, layout, tmp_path, monkeypatch):
    allocate, rivals = scene_index._allocate, []

    def allocate_while_another_does(*arguments):
        if not rivals:
            rivals.append(None)
            rivals[0] = open_or_create(open_scene(scene), layout, tmp_path)
            rivals[0].vectors[0, 0, 0] = 1
        allocate(*arguments)

    monkeypatch.setattr(scene_index, "_allocate", allocate_while_another_does)
    second = open_or_create(open_scene(scene), layout, tmp_path)
    assert second.vectors[0, 0, 0] == 1, "the other's work is not overwritten"
    rivals[0].vectors[0, 0, 1] = 2
    assert second.vectors[0, 0, 1] == 2, "both write one file"
    assert [path.name for path in (tmp_path / "indices").iterdir()] == [layout.key.folder_name()]


def test_an_index_appears_whole(scene, layout, tmp_path, monkeypatch):
    allocate = scene_index._allocate

    def look(*arguments):
        assert find_index(layout, tmp_path) is None
        allocate(*arguments)

    monkeypatch.setattr(scene_index, "_allocate", look)
    assert len(layout.tiles()) == WINDOWS
    assert open_or_create(open_scene(scene), layout, tmp_path).share == 0


def test_two_processes_ask_the_same_scene_at_once(spawn, sarvlm, scene, encoder):
    both = [spawn("met", "query", scene, "ships", "--json") for _ in range(2)]
    for process in both:
        assert process.stderr.readline() == "window 0\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [finished(process).json for process in both]
    assert all(near_spots(answer) for answer in answers) and answers[0]["candidates"] == answers[1]["candidates"]
    (entry,) = sarvlm("cache", "info", "--json").json["kept"]
    assert entry["complete"] is True
    assert sarvlm("query", scene, "ships", "--json").json["candidates"] == answers[0]["candidates"]
    assert encoder.windows == 0


def test_an_interrupted_question_is_taken_up_where_it_stopped(sarvlm, scene, monkeypatch):
    def interrupt(number):
        if number == 7:
            signal.raise_signal(signal.SIGINT)

    first, second = SpotEncoder(interrupt), SpotEncoder()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: first)
    ran = sarvlm("query", scene, "ships", "--json")
    assert ran.code == 130 and ran.out == "" and "Interrupted" in ran.err and "Traceback" not in ran.err
    assert sarvlm("cache", "info", "--json").json["kept"][0]["complete"] is False
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: second)
    assert near_spots(sarvlm("query", scene, "ships", "--json").json)
    assert second.windows == WINDOWS - 7


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_leaves_what_it_finished(spawn, sarvlm, scene, encoder, number):
    process: subprocess.Popen[str] = spawn("held", "query", scene, "ships", "--json")
    for window in range(4):
        assert process.stderr.readline() == f"window {window}\n"
        if window < 3:
            process.stdin.write("go\n")
            process.stdin.flush()
    process.send_signal(number)
    ran = finished(process)
    assert ran.code == (130 if number == signal.SIGINT else -signal.SIGKILL) and ran.out == ""
    assert "Traceback" not in ran.err
    assert near_spots(sarvlm("query", scene, "ships", "--json").json)
    assert encoder.windows == WINDOWS - 3
