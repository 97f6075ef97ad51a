"""Slices reach the layers in step with the view: one drawing shows a move and what was read meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def relay(qapp: Any) -> Any:
    from sarvlm_app.ui.viewer.slice_relay import SliceRelay

    given: list[dict[str, int]] = []
    made = SliceRelay(lambda slices: given.append(dict(slices)))
    made.given = given
    yield made
    made.stop()


def arrive(relay: Any, **slices: int) -> None:
    relay(SimpleNamespace(value=slices))
    relay._post._run()


def test_a_slice_of_a_still_view_is_given_at_once(relay):
    arrive(relay, scene=1)
    assert relay.given == [{"scene": 1}]


def test_slices_of_a_moving_view_wait_for_the_next_move_and_the_newest_of_each_layer_is_given(relay):
    relay.view_moved()
    arrive(relay, scene=1, heat=5)
    arrive(relay, scene=2)
    assert relay.given == []
    relay.view_moved()
    assert relay.given == [{"scene": 2, "heat": 5}]
    relay.view_moved()
    assert len(relay.given) == 1  # nothing twice


def test_the_last_slices_come_when_the_view_has_stopped(relay, qtbot):
    relay.view_moved()
    arrive(relay, scene=3)
    assert relay.given == []
    qtbot.waitUntil(lambda: relay.given == [{"scene": 3}], timeout=5000)


def test_a_relay_that_has_ended_gives_nothing_more(relay, qtbot):
    relay.view_moved()
    arrive(relay, scene=1)
    relay.stop()
    arrive(relay, scene=2)  # was on its way
    qtbot.wait(150)
    assert relay.given == []
