"""Jobs: two lanes, the latest of a key wins, cancel, and faults that come back as sentences."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sarvlm_app.core import jobs
from sarvlm_app.core.jobs import JobContext, JobRunner, JobState, JobStatus, Lane, Work
from sarvlm_app.errors import JobCancelled, SarvlmError, SceneError

LONG_S = 20.0
pytestmark = pytest.mark.usefixtures("no_leaked_threads")


class MainThread:
    """The main thread's event loop: what is posted waits until it is run."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()

    def __call__(self, call: Callable[[], None]) -> None:
        self.posted.put(call)

    def run_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.posted.get(timeout=LONG_S)()

    def run_all(self) -> None:
        while not self.posted.empty():
            self.posted.get_nowait()()


@pytest.fixture
def main() -> MainThread:
    return MainThread()


@pytest.fixture
def runner(main: MainThread) -> Iterator[JobRunner]:
    runner = JobRunner(main)
    yield runner
    runner.close()


def state_of(runner: JobRunner, job: int) -> JobState:
    return next(status.state for status in runner.statuses() if status.id == job)


class Gate:
    """A job that tells when it has begun and goes on when it is let."""

    def __init__(self, result: Any = None) -> None:
        self.begun, self.let = threading.Event(), threading.Event()
        self.result = result

    def __call__(self, ctx: JobContext) -> Any:
        self.begun.set()
        assert self.let.wait(LONG_S)
        return self.result


def test_a_result_comes_back_on_the_main_thread(runner: JobRunner, main: MainThread) -> None:
    got: list[tuple[int, threading.Thread]] = []
    workers: list[threading.Thread] = []

    def work(_ctx: JobContext) -> int:
        workers.append(threading.current_thread())
        return 42

    job = runner.submit(Work("x", work, on_done=lambda v: got.append((v, threading.current_thread()))))
    main.run_until(lambda: bool(got))
    assert got == [(42, threading.current_thread())]
    assert workers != [threading.current_thread()]
    assert state_of(runner, job) is JobState.DONE


def test_every_change_is_told_in_order(runner: JobRunner, main: MainThread) -> None:
    seen: list[JobStatus] = []
    runner.changed.connect(seen.append)
    runner.submit(Work("Encoding", lambda ctx: ctx.step(5, 5, "five"), Lane.COMPUTE))
    main.run_until(lambda: bool(seen) and not seen[-1].active)
    states = [status.state for status in seen]
    assert states[0] is JobState.QUEUED and states[1] is JobState.RUNNING and states[-1] is JobState.DONE
    assert (seen[-1].done, seen[-1].total, seen[-1].message) == (5, 5, "five")


def test_one_job_at_a_time_computes_while_others_read(runner: JobRunner, main: MainThread) -> None:
    first, second, read = Gate(), Gate(), Gate("read")
    got: list[str] = []
    runner.submit(Work("first", first, Lane.COMPUTE))
    runner.submit(Work("second", second, Lane.COMPUTE))
    runner.submit(Work("read", read, Lane.IO, on_done=got.append))
    assert first.begun.wait(LONG_S) and read.begun.wait(LONG_S)
    assert not second.begun.is_set()
    read.let.set()
    main.run_until(lambda: got == ["read"])
    assert not second.begun.is_set()
    first.let.set()
    assert second.begun.wait(LONG_S)
    second.let.set()


def test_the_older_answer_of_a_key_is_dropped_even_when_it_arrives(runner: JobRunner, main: MainThread) -> None:
    older, newer = Gate("old"), Gate("new")
    got: list[str] = []
    runner.submit(Work("old", older, Lane.IO, "query", on_done=got.append))
    assert older.begun.wait(LONG_S)
    runner.submit(Work("new", newer, Lane.IO, "query", on_done=got.append))
    newer.let.set()
    main.run_until(lambda: got == ["new"])
    older.let.set()  # it takes no step any more, so it ends with an answer
    runner.close()
    main.run_all()
    assert got == ["new"]


def test_an_answer_that_waits_on_the_main_thread_is_dropped_for_a_newer_question(
    runner: JobRunner, main: MainThread
) -> None:
    got: list[str] = []
    done = threading.Event()

    def answer(ctx: JobContext) -> str:
        ctx.partial("partly")
        return "old"

    old = runner.submit(Work("old", answer, Lane.COMPUTE, "query", on_done=got.append, on_partial=got.append))
    runner.submit(Work("", lambda _ctx: done.set(), Lane.COMPUTE))
    assert done.wait(LONG_S)
    assert state_of(runner, old) is JobState.DONE
    runner.submit(Work("new", lambda _ctx: "new", Lane.COMPUTE, "query", on_done=got.append))
    main.run_until(lambda: "new" in got)
    assert got == ["new"]


def test_jobs_of_other_keys_and_of_none_do_not_disturb_each_other(runner: JobRunner, main: MainThread) -> None:
    got: set[str] = set()
    for name, key in (("a", "one"), ("b", "two"), ("c", ""), ("d", "")):
        runner.submit(Work(name, lambda _ctx, name=name: name, Lane.IO, key, on_done=got.add))
    main.run_until(lambda: got == {"a", "b", "c", "d"})


def test_a_queued_job_that_is_cancelled_never_runs(runner: JobRunner, main: MainThread) -> None:
    gate, ran = Gate(), threading.Event()
    got: list[object] = []
    runner.submit(Work("blocks", gate, Lane.COMPUTE))
    assert gate.begun.wait(LONG_S)
    job = runner.submit(Work("waits", lambda _ctx: ran.set(), Lane.COMPUTE, on_done=got.append, on_failed=got.append))
    runner.cancel(job)
    assert state_of(runner, job) is JobState.CANCELLED
    gate.let.set()
    runner.close()
    main.run_all()
    assert not ran.is_set() and got == []


def test_a_running_job_that_is_cancelled_stops_at_its_next_step(runner: JobRunner, main: MainThread) -> None:
    begun, told, after = threading.Event(), threading.Event(), threading.Event()
    got: list[object] = []

    def work(ctx: JobContext) -> None:
        begun.set()
        assert told.wait(LONG_S)
        ctx.step(1, 2)
        after.set()

    job = runner.submit(Work("x", work, on_done=got.append, on_failed=got.append))
    assert begun.wait(LONG_S)
    runner.cancel(job)
    told.set()
    main.run_until(lambda: state_of(runner, job) is JobState.CANCELLED)
    main.run_all()
    assert not after.is_set() and got == []


def test_cancelling_what_is_over_or_was_never_there_changes_nothing(runner: JobRunner, main: MainThread) -> None:
    got: list[int] = []
    job = runner.submit(Work("x", lambda _ctx: 1, key="k", on_done=got.append))
    main.run_until(lambda: got == [1])
    runner.cancel(job)
    runner.cancel(999)
    runner.cancel_key("k")
    runner.cancel_key("unknown")
    assert state_of(runner, job) is JobState.DONE


def test_a_fault_with_a_sentence_goes_to_on_failed(runner: JobRunner, main: MainThread) -> None:
    got: list[SarvlmError] = []
    crashes: list[object] = []
    runner.crashed.connect(lambda title, error: crashes.append(error))

    def work(_ctx: JobContext) -> None:
        raise SceneError("a.tif is damaged; copy it again.")

    job = runner.submit(Work("x", work, on_failed=got.append))
    main.run_until(lambda: bool(got))
    assert isinstance(got[0], SceneError) and str(got[0]) == "a.tif is damaged; copy it again."
    assert state_of(runner, job) is JobState.FAILED and crashes == []


def test_a_fault_of_a_superseded_job_is_not_shown(runner: JobRunner, main: MainThread) -> None:
    begun, let = threading.Event(), threading.Event()
    got: list[object] = []

    def fails(_ctx: JobContext) -> None:
        begun.set()
        assert let.wait(LONG_S)
        raise SceneError("old")

    old = runner.submit(Work("old", fails, Lane.IO, "k", on_failed=got.append))
    assert begun.wait(LONG_S)
    runner.submit(Work("new", lambda _ctx: "new", Lane.IO, "k", on_done=got.append))
    let.set()
    main.run_until(lambda: "new" in got and state_of(runner, old) is JobState.FAILED)
    main.run_all()
    assert got == ["new"]


def test_anything_else_is_a_crash_that_is_told_and_the_lane_lives_on(runner: JobRunner, main: MainThread) -> None:
    crashes: list[tuple[str, BaseException]] = []
    failed: list[SarvlmError] = []
    got: list[str] = []
    runner.crashed.connect(lambda title, error: crashes.append((title, error)))

    def work(_ctx: JobContext) -> None:
        raise ZeroDivisionError("by zero")

    runner.submit(Work("Encoding", work, Lane.COMPUTE, on_failed=failed.append))
    runner.submit(Work("next", lambda _ctx: "done", Lane.COMPUTE, on_done=got.append))
    main.run_until(lambda: got == ["done"])
    ((title, error),) = crashes
    assert title == "Encoding" and isinstance(error, ZeroDivisionError) and failed == []


def test_closing_leaves_no_thread_and_drops_what_comes_late(main: MainThread) -> None:
    before = set(threading.enumerate())
    runner = JobRunner(main)
    begun, closing = threading.Event(), threading.Event()
    late: list[object] = []

    def work(ctx: JobContext) -> None:
        begun.set()
        while not ctx.cancelled:
            closing.wait(0.01)
        raise ValueError("in the middle of it")

    runner.crashed.connect(lambda *args: late.append(args))
    runner.submit(Work("x", work, Lane.COMPUTE, on_done=late.append, on_failed=late.append))
    queued = runner.submit(Work("y", lambda _ctx: late.append("ran"), Lane.COMPUTE))
    assert begun.wait(LONG_S)
    runner.close()
    main.run_all()
    assert late == []
    assert state_of(runner, queued) is JobState.CANCELLED
    assert set(threading.enumerate()) <= before


def test_what_is_submitted_after_closing_is_not_run(runner: JobRunner, main: MainThread) -> None:
    runner.close()
    ran: list[object] = []
    runner.submit(Work("late", ran.append, on_done=ran.append))
    runner.close()
    main.run_all()
    assert ran == []


def test_a_step_reports_and_a_partial_result_arrives(runner: JobRunner, main: MainThread) -> None:
    partials: list[int] = []
    got: list[str] = []

    def work(ctx: JobContext) -> str:
        ctx.partial(1)
        ctx.partial(2)
        return "all"

    runner.submit(Work("x", work, on_partial=partials.append, on_done=got.append))
    main.run_until(lambda: bool(got))
    assert partials == [1, 2]


def test_a_cancelled_context_shows_nothing_more() -> None:
    steps: list[tuple[int, int, str]] = []
    partials: list[object] = []
    ctx = JobContext(lambda *args: steps.append(args), partials.append)
    ctx.step(1, 2, "m")
    ctx.cancel()
    ctx.partial("late")
    with pytest.raises(JobCancelled):
        ctx.step(2, 2)
    assert steps == [(1, 2, "m")] and partials == [] and ctx.cancelled


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(jobs.time, "monotonic", lambda: self.now)


def run_steps(runner: JobRunner, main: MainThread, work: Callable[[JobContext], None]) -> list[JobStatus]:
    seen: list[JobStatus] = []
    runner.changed.connect(seen.append)
    runner.submit(Work("x", work, Lane.COMPUTE))
    main.run_until(lambda: bool(seen) and not seen[-1].active)
    assert seen[-1].state is JobState.DONE
    return seen


def test_progress_is_told_ten_times_a_second_and_at_the_end(
    runner: JobRunner, main: MainThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    def work(ctx: JobContext) -> None:
        for done in range(1001):
            clock.now += 0.01
            ctx.step(done, 1000)

    told = [status.done for status in run_steps(runner, main, work) if status.total]
    assert 90 <= len(told) <= 120 and told[-1] == 1000 and told == sorted(told)


def test_progress_of_unknown_length_does_not_flood_and_its_messages_arrive(
    runner: JobRunner, main: MainThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)  # no time passes at all

    def work(ctx: JobContext) -> None:
        for _ in range(500):
            ctx.step(0, 0, "Simulating")

    seen = run_steps(runner, main, work)
    assert len(seen) < 10
    assert "Simulating" in [status.message for status in seen]


def test_the_time_left_of_a_resumed_job_counts_only_what_was_done_now(
    runner: JobRunner, main: MainThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    def work(ctx: JobContext) -> None:
        clock.now += 30.0  # the model is loaded first
        ctx.step(90, 100, "Encoding")
        clock.now += 2.0
        ctx.step(91, 100, "Encoding")

    (status,) = [status for status in run_steps(runner, main, work) if status.done == 91 and status.active]
    assert status.eta_s == pytest.approx(18.0)


def test_a_paused_job_waits_at_its_next_step_and_loses_nothing(runner: JobRunner, main: MainThread) -> None:
    seen: list[int] = []
    first, let = threading.Event(), threading.Event()

    def work(ctx: JobContext) -> list[int]:
        for number in range(4):
            seen.append(number)
            first.set()
            assert let.wait(LONG_S)
            ctx.step(number + 1, 4)
        return seen

    got: list[list[int]] = []
    told: list[bool] = []
    runner.changed.connect(lambda status: told.append(status.paused))
    job = runner.submit(Work("x", work, Lane.BACKGROUND, on_done=got.append))
    assert first.wait(LONG_S)
    runner.pause(job)
    runner.pause(job)
    let.set()
    main.run_until(lambda: True in told)
    assert seen == [0] and not got
    runner.resume(job)
    runner.resume(job)
    main.run_until(lambda: bool(got))
    assert got == [[0, 1, 2, 3]] and told[-1] is False


def test_a_paused_job_can_be_cancelled(runner: JobRunner, main: MainThread) -> None:
    begun = threading.Event()

    def work(ctx: JobContext) -> None:
        begun.set()
        while True:
            ctx.step()

    job = runner.submit(Work("x", work, Lane.BACKGROUND))
    assert begun.wait(LONG_S)
    runner.pause(job)
    runner.cancel(job)
    main.run_until(lambda: state_of(runner, job) is JobState.CANCELLED)


def test_the_time_of_a_pause_is_not_the_jobs(
    runner: JobRunner, main: MainThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    at_half, go_on = threading.Event(), threading.Event()

    def work(ctx: JobContext) -> None:
        ctx.step(0, 10)
        now[0] += 5.0
        ctx.step(5, 10)
        at_half.set()
        assert go_on.wait(LONG_S)
        now[0] += 1.0
        ctx.step(6, 10)

    left: list[float | None] = []
    runner.changed.connect(lambda status: left.append(status.eta_s) if status.done == 6 and status.active else None)
    job = runner.submit(Work("x", work, Lane.BACKGROUND))
    assert at_half.wait(LONG_S)
    runner.pause(job)
    now[0] += 5000.0
    runner.resume(job)
    go_on.set()
    main.run_until(lambda: bool(left))
    assert left[0] == pytest.approx(4.0)


def test_background_work_stands_back_while_another_computes(runner: JobRunner, main: MainThread) -> None:
    gate, steps = Gate(), []
    computing = runner.submit(Work("c", gate, Lane.COMPUTE))
    assert gate.begun.wait(LONG_S)

    def work(ctx: JobContext) -> None:
        ctx.step()
        steps.append(state_of(runner, computing))

    done: list[object] = []
    runner.submit(Work("b", work, Lane.BACKGROUND, on_done=done.append))
    assert not runner.turn.acquire(blocking=False), "who computes has the turn"
    gate.let.set()
    main.run_until(lambda: bool(done))
    assert steps == [JobState.DONE]
    assert runner.turn.acquire(timeout=LONG_S)
    runner.turn.release()
