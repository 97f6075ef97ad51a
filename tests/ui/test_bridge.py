"""Calls from other threads arrive on the main one, in order, and nothing of Qt is touched on the way."""

from __future__ import annotations

import sys
import threading
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal


def test_calls_of_many_threads_all_arrive_on_the_main_thread_each_in_its_order(qapp, qtbot):
    from sarvlm_app.ui.bridge import MainThreadPost

    post, seen, where = MainThreadPost(), [], set()

    def take(call: tuple[int, int]) -> None:
        seen.append(call)
        where.add(threading.current_thread())

    def send(number: int) -> None:
        for count in range(3000):
            post(partial(take, (number, count)))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    qtbot.waitUntil(lambda: len(seen) == 12_000, timeout=20_000)
    assert where == {threading.main_thread()}
    assert all([count for number, count in seen if number == n] == list(range(3000)) for n in range(4))


def test_a_call_that_fails_does_not_hold_up_those_behind_it(qapp, qtbot):
    from sarvlm_app.ui.bridge import MainThreadPost

    post, seen = MainThreadPost(), []

    def fail() -> None:
        raise LookupError("of one call")

    with qtbot.captureExceptions() as caught:
        for number in range(3):
            post(fail)
            post(lambda number=number: seen.append(number))
        qtbot.waitUntil(lambda: seen == [0, 1, 2], timeout=5000)
    assert [kind for kind, _error, _trace in caught] == [LookupError] * 3


def test_what_a_call_adds_waits_for_the_next_turn(qapp, qtbot):
    from sarvlm_app.ui.bridge import MainThreadPost

    post, seen = MainThreadPost(), []

    def again() -> None:
        seen.append(len(seen))
        post(again)

    post(again)
    post._run()
    assert seen == [0]
    qtbot.waitUntil(lambda: len(seen) > 5, timeout=5000)
    post._calls.clear()


def test_slices_reach_the_window_without_qt_objects_made_on_the_reading_thread(opened, qtbot, monkeypatch):
    from superqt.utils import _ensure_thread

    def refuse(*_given: object) -> None:
        raise AssertionError("a Qt object was made on a worker thread")

    monkeypatch.setattr(_ensure_thread, "CallCallable", refuse)
    canvas = opened.window.canvas
    for col in (100, 200, 300):
        canvas.look_at(col, 200, 2.0)
    canvas.refresh_scene()
    qtbot.waitUntil(lambda: canvas._image.loaded and np.asarray(canvas._image._slice.image.view).size > 0, timeout=5000)


def test_signals_keep_the_references_they_were_given():
    """PySide6 6.12.0 lost one to True with every signal: Python 3.11 ended after some ten thousand of them."""

    class Sender(QObject):
        sent = Signal(object)

    sender = Sender()
    sender.sent.connect(lambda _value: None)
    before = sys.getrefcount(True)
    for _ in range(500):
        sender.sent.emit(1)
    assert sys.getrefcount(True) > before - 250
