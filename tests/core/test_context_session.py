"""Context files of open scenes: added, styled, remembered, read again, and their faults."""

from __future__ import annotations

import json
import queue

import pytest

from sarvlm_app.core.context.layers import COLOURS, Reading, Style
from sarvlm_app.core.context.store import ContextStore
from sarvlm_app.core.context_session import ContextSession
from sarvlm_app.core.jobs import JobRunner, JobState
from tests.core.context.made import line, report, scene, write_shapes, write_table

pytestmark = pytest.mark.usefixtures("no_leaked_threads")


class Bench:
    """A context session on a folder of its own, and a main thread that runs when it is told to."""

    def __init__(self, folder):
        self.posted = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.store = ContextStore(folder / "context")
        self.context = self.fresh()
        self.faults = []
        self.context.failed.connect(self.faults.append)

    def fresh(self):
        return ContextSession(self.runner, self.store)

    def settle(self):
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=20)()

    def show(self, one):
        self.context.show(one)
        self.settle()
        return self.context


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.runner.close()


@pytest.fixture
def coast(tmp_path):
    return write_shapes(tmp_path / "coast.gpkg", [line((20, 30), (380, 30))])


def test_files_are_kept_with_their_scene_and_read_again_the_next_time(bench, tmp_path, coast):
    one = scene(tmp_path)
    context = bench.show(one)
    context.add(coast)
    bench.settle()
    (layer,) = context.layers
    assert layer.state is Reading.READY and layer.data.summary == "1 feature" and layer.style.colour == COLOURS[0]
    context.set_style(layer.number, visible=False, colour=COLOURS[3])
    with pytest.raises(ValueError, match="#rrggbb"):
        context.set_style(layer.number, colour="red")
    bench.settle()
    bench.context = bench.fresh()
    (again,) = bench.show(one).layers
    assert again.path == coast and again.style == Style(COLOURS[3], visible=False) and again.state is Reading.READY


def test_a_file_that_is_added_before_the_old_ones_are_known_joins_them(bench, tmp_path, coast):
    one = scene(tmp_path)
    bench.show(one).add(coast)
    bench.settle()
    other = write_shapes(tmp_path / "other.gpkg", [line((20, 60), (380, 60))])
    bench.context = bench.fresh()
    bench.context.show(one)
    bench.context.add(other)
    bench.settle()
    assert [layer.path for layer in bench.context.layers] == [coast, other]
    assert [path for path, _style in bench.store.load(one.fingerprint)] == [coast, other]


def test_the_same_file_twice_is_one_layer_that_is_read_anew(bench, tmp_path, coast):
    context = bench.show(scene(tmp_path))
    context.add(coast)
    bench.settle()
    write_shapes(coast, [line((20, 30), (380, 30)), line((20, 90), (380, 90))])
    context.add(coast)
    bench.settle()
    assert [layer.data.summary for layer in context.layers] == ["2 features"]


def test_a_fault_is_told_once_and_stands_with_the_layer(bench, tmp_path, coast):
    one = scene(tmp_path)
    context = bench.show(one)
    context.add(coast)
    bench.settle()
    coast.unlink()
    bench.context = bench.fresh()
    told = []
    bench.context.failed.connect(told.append)
    (layer,) = bench.show(one).layers
    assert layer.state is Reading.FAILED and "does not exist" in layer.fault and told == []
    bench.context.add(coast)
    bench.settle()
    assert len(told) == 1


def test_layers_belong_to_one_scene_and_go_when_they_are_taken_away(bench, tmp_path, coast):
    one = scene(tmp_path)
    two = scene(tmp_path, "two.tif", tags={"SARVLM_ACQUIRED": "2025-01-01T00:00:00"})
    context = bench.show(one)
    context.add(coast)
    bench.settle()
    bench.show(two)
    assert context.layers == ()
    bench.show(one)
    context.remove(context.layers[0].number)
    bench.settle()
    assert context.layers == () and not list((tmp_path / "context").glob("*.json"))


def test_other_minutes_have_the_reports_read_again(bench, tmp_path):
    one = scene(tmp_path)
    lon, lat = (float(value) for value in one.georef.to_lonlat(200.0, 150.0))
    table = write_table(tmp_path / "ais.csv", [report(211, seconds, lon, lat) for seconds in (-3000, 3000)])
    context = bench.show(one)
    context.add(table)
    bench.settle()
    (layer,) = context.layers
    assert layer.is_table and layer.data.ships == ()
    context.set_style(layer.number, minutes=60.0)
    assert context.layers[0].state is Reading.READING
    bench.settle()
    assert len(context.layers[0].data.ships) == 1


def test_a_reading_that_is_cancelled_says_so(bench, tmp_path, coast):
    context = bench.show(scene(tmp_path))
    cancelled = []
    bench.runner.changed.connect(lambda job: cancelled.append(job.key) if job.state is JobState.CANCELLED else None)
    context.add(coast)
    number = context.layers[0].number
    bench.runner.cancel_key(f"context {number}")
    context.cancelled(f"context {number}")
    assert context.layers[0].fault == "Reading was cancelled."
    context.cancelled("query")
    bench.settle()


def test_without_a_scene_it_is_told_to_open_one(bench, coast):
    bench.context.add(coast)
    assert "open one first" in str(bench.faults.pop())


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"layers": [{"path": 3}]}', '{"layers": [{"path": "a", "colour": "x"}]}']
)
def test_a_list_that_cannot_be_read_is_none(tmp_path, text):
    store = ContextStore(tmp_path)
    (tmp_path / "abc.json").write_text(text)
    assert store.load("abc") == ()


def test_a_list_is_written_as_plain_json(tmp_path):
    store = ContextStore(tmp_path)
    store.save("abc", [(tmp_path / "a.gpkg", Style())])
    assert json.loads((tmp_path / "abc.json").read_text())["layers"][0]["colour"] == COLOURS[0]
    assert store.load("abc") == ((tmp_path / "a.gpkg", Style()),)
