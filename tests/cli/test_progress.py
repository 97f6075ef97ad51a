"""Progress on standard error: nothing for five seconds, then a line now and then, or a bar on a terminal."""

import sys

import pytest

from sarvlm_app.cli.progress import Progress


class Clock:
    """Seconds that the test moves."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told(capsys):
    return lambda: capsys.readouterr().err


def test_short_work_says_nothing(clock, told):
    with Progress("Working", clock) as progress:
        for step in range(5):
            clock.now += 0.99
            progress.step(step, 5, "Encoding")
    assert told() == ""


def test_the_first_line_comes_after_five_seconds_and_then_one_every_ten(clock, told):
    progress = Progress("Working", clock)
    lines = []
    for second in range(1, 31):
        clock.now += 1
        progress.step(second, 30, "Encoding a")
        lines.append(told())
    assert [second for second, line in enumerate(lines, 1) if line] == [5, 15, 25]
    assert lines[4] == "Encoding a: 5 of 30, about 25 s left\n"


def test_one_long_step_is_told_too(clock, told):
    progress = Progress("Loading the model", clock)
    clock.now += 4.9
    progress.show()
    assert told() == ""
    clock.now += 0.2
    progress.show()
    assert told() == "Loading the model, 5 s so far\n"


def test_the_rest_is_reckoned_from_where_this_run_took_up(clock, told):
    progress = Progress("Loading the model", clock)
    clock.now += 4
    progress.step(90, 100, "Encoding")
    clock.now += 5
    progress.step(95, 100, "Encoding")
    assert told() == "Encoding: 95 of 100, about 5 s left\n"


def test_a_terminal_gets_a_bar_that_leaves_no_trace(clock, told, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress("Working", clock) as progress:
        progress.step(0, 4, "Encoding")
        clock.now += 1
        progress.step(2, 4, "Encoding")
    text = told()
    assert "###" in text and "2/4" in text and "\n" not in text
    assert text.endswith("\r") and not text.split("\r")[-2].strip()


def test_without_standard_error_there_is_no_progress(clock, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with Progress("Working", clock) as progress:
        clock.now += 60
        progress.step(1, 2, "Encoding")


def test_the_line_is_there_for_a_command_that_takes_long(sarvlm, scene, monkeypatch):
    from tests.cli.spots import SpotEncoder

    monkeypatch.setattr("sarvlm_app.cli.progress.FIRST_LINE_S", 0.0)
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: SpotEncoder())
    ran = sarvlm("query", scene, "ships", "--json")
    assert ran.json["stands_out"] and ran.err.startswith(("Loading the model", "Encoding harbour"))
