"""Measures of the open scenes: drawn, measured as the instruments do, taken back, stopped, written."""

import csv
import json
import queue
import threading
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine

from sarvlm_app.core.export.measures import measures_csv, measures_json
from sarvlm_app.core.georef import AffineGeoref
from sarvlm_app.core.instruments import (
    Basis,
    measure_line,
    measure_polygon,
    point_response,
    profile,
    region_statistics,
)
from sarvlm_app.core.jobs import JobRunner
from sarvlm_app.core.measure_list import Measured, MeasureList, Stage, Tool
from sarvlm_app.core.measure_session import MeasureSession
from sarvlm_app.core.radiometry import ValueType
from sarvlm_models.types import Window
from tests.core.instruments.made import Pixels, scene_of

pytestmark = pytest.mark.usefixtures("no_leaked_threads")
UTM = AffineGeoref(Affine(10, 0, 500000, 0, -10, 5300000), "EPSG:32633", (300, 200))
IMAGE = np.random.default_rng(0).gamma(4, 0.05 / 4, (200, 300)).astype(np.float32)
IMAGE[100, 150] = 200.0
CORNERS = ((20.0, 20.0), (90.0, 25.0), (60.0, 80.0))


class Gate(Pixels):
    """Pixels that come once the gate is open."""

    opened = threading.Event()
    asked = threading.Event()

    def native(self, window, overview=None):
        self.asked.set()
        assert self.opened.wait(20)
        return super().native(window, overview)


class Bench:
    def __init__(self):
        self.posted = queue.Queue()
        self.runner = JobRunner(self.posted.put)
        self.measures = MeasureSession(self.runner)
        self.failed, self.said, self.crashed = [], [], []
        self.measures.failed.connect(self.failed.append)
        self.measures.message.connect(self.said.append)
        self.runner.crashed.connect(lambda _title, error: self.crashed.append(error))

    def settle(self):
        while any(status.active for status in self.runner.statuses()) or not self.posted.empty():
            self.posted.get(timeout=20)()

    def draw(self, tool, points):
        self.measures.choose(tool)
        for point in points:
            self.measures.add_point(*point)
        self.measures.finish()
        self.settle()
        return self.measures.selected


@pytest.fixture
def bench():
    made = Bench()
    yield made
    Gate.opened.set()
    made.runner.close()
    assert not made.crashed


@pytest.fixture
def shown(bench):
    bench.measures.show(scene_of(IMAGE, georef=UTM), 1)
    return bench


@pytest.fixture
def gated(bench):
    Gate.opened.clear()
    Gate.asked.clear()
    bench.measures.show(scene_of(Gate(IMAGE.tobytes(), "<f4", IMAGE.shape, ValueType.INTENSITY)), 1)
    return bench


def test_each_tool_gives_what_its_instrument_gives(shown):
    scene, measures = shown.measures.scene, shown.measures
    line = shown.draw(Tool.LINE, CORNERS)
    np.testing.assert_array_equal(line.line.segments_m, measure_line(scene, CORNERS).segments_m)
    along = shown.draw(Tool.PROFILE, CORNERS[:2])
    np.testing.assert_array_equal(along.profile.db, profile(scene, 1, CORNERS[:2]).db)
    area = shown.draw(Tool.AREA, CORNERS)
    assert area.area == measure_polygon(scene, CORNERS) and area.region == region_statistics(scene, 1, CORNERS)
    measures.add_box(Window(10, 20, 30, 40))
    shown.settle()
    box = measures.selected
    assert box.region == region_statistics(scene, 1, Window(10, 20, 30, 40)) and box.area.area_px == 1200
    spot = shown.draw(Tool.POINT, [(147.0, 103.0)])
    assert spot.point == point_response(scene, 1, 147.0, 103.0) and int(spot.point.col) == 150
    assert [one.number for one in measures.entries] == [1, 2, 3, 4, 5]
    assert {one.stage for one in measures.entries} == {Stage.DONE} and not measures.fault


def test_a_draft_is_mended_given_up_and_never_measured_half(shown):
    measures = shown.measures
    measures.choose(Tool.LINE)
    assert not measures.drop_point()
    measures.add_point(10, 10)
    measures.add_point(10, 10)
    assert measures.draft == ((10, 10),), "the same place twice is one point"
    measures.finish()
    assert "at least two points" in measures.fault and measures.draft
    measures.add_point(20, 10)
    assert not measures.fault
    measures.add_point(400, 10)
    assert "outside the scene" in measures.fault and len(measures.draft) == 2
    assert measures.drop_point() and measures.draft == ((10, 10),)
    assert measures.abandon() and measures.tool is Tool.LINE and not measures.draft
    assert measures.abandon() and measures.tool is None
    assert not measures.abandon() and not measures.entries


def test_a_region_whose_sides_cross_stays_to_be_mended(shown):
    shown.draw(Tool.AREA, [(10, 10), (50, 50), (50, 10), (10, 50)])
    assert "cross" in shown.measures.fault and len(shown.measures.draft) == 4 and not shown.measures.entries


@pytest.mark.parametrize("spacing, basis", [(None, Basis.PIXELS), ((2.0, 3.0), Basis.SPACING)])
def test_without_georeference_the_basis_says_so(bench, spacing, basis):
    bench.measures.show(scene_of(IMAGE, spacing_m=spacing), 1)
    found = bench.draw(Tool.LINE, [(10, 10), (40, 50)])
    assert found.basis is basis and found.line.total_px == 50
    assert found.line.total_m == (None if spacing is None else pytest.approx(np.hypot(60, 120)))


def test_places_without_data_give_a_sentence(bench):
    image = IMAGE.copy()
    image[:, :100] = np.nan
    bench.measures.show(scene_of(image), 1)
    found = bench.draw(Tool.AREA, CORNERS)
    assert found.region.count == 0 and "No pixel of region 1 holds data" in bench.measures.fault
    bench.draw(Tool.PROFILE, CORNERS[:2])
    assert "No pixel of profile 2 holds data" in bench.measures.fault
    bench.draw(Tool.POINT, [(30, 40)])
    assert "There is no data at 30, 40" in bench.measures.fault
    assert [one.number for one in bench.measures.entries] == [1, 2]
    bench.measures.undo()
    assert [one.number for one in bench.measures.entries] == [1], "what came to nothing is no step"


def test_undo_and_redo_of_measures_removals_and_clearing(shown):
    measures = shown.measures
    for step in (10.0, 20.0, 30.0):
        shown.draw(Tool.LINE, [(0.0, 0.0), (step, 0.0)])
    measures.remove(2)
    assert [one.number for one in measures.entries] == [1, 3] and measures.undo_name == "removal"
    measures.clear()
    assert not measures.entries and measures.selected is None and measures.undo_name == "clearing"
    measures.undo()
    measures.undo()
    assert [one.number for one in measures.entries] == [1, 2, 3] and measures.selected.number == 2
    measures.undo()
    assert [one.number for one in measures.entries] == [1, 2] and measures.redo_name == "measure"
    measures.redo()
    assert measures.selected.number == 3
    measures.select(1)
    shown.draw(Tool.LINE, [(0.0, 0.0), (5.0, 0.0)])
    assert measures.selected.number == 4 and not measures.redo_name


def test_what_is_stopped_keeps_its_area_and_a_point_goes(gated):
    measures = gated.measures
    measures.add_box(Window(0, 0, 50, 50))
    measures.choose(Tool.POINT)
    measures.add_point(150, 100)
    assert measures.running and [one.stage for one in measures.entries] == [Stage.RUNNING] * 2
    assert Gate.asked.wait(20)
    measures.cancel()
    Gate.opened.set()
    gated.settle()
    assert not measures.running and "cancelled" in measures.fault
    (box,) = measures.entries
    assert box.stage is Stage.CANCELLED and box.region is None and box.area.area_px == 2500


def test_a_measure_taken_away_while_it_is_read_comes_back_without_its_pixels(gated):
    measures = gated.measures
    measures.add_box(Window(0, 0, 50, 50))
    assert Gate.asked.wait(20)
    measures.remove(1)
    Gate.opened.set()
    gated.settle()
    assert not measures.entries and not measures.fault
    measures.undo()
    assert measures.selected.stage is Stage.CANCELLED


def test_another_width_measures_the_profile_anew(shown):
    measures = shown.measures
    shown.draw(Tool.PROFILE, [(10.0, 60.0), (200.0, 60.0)])
    narrow = measures.selected.profile
    measures.set_width(9)
    assert measures.selected.profile is narrow, "the old one stays until the new one is there"
    shown.settle()
    wanted = profile(measures.scene, 1, [(10.0, 60.0), (200.0, 60.0)], width_px=9)
    np.testing.assert_array_equal(measures.selected.profile.db, wanted.db)
    assert measures.selected.width_px == 9


def test_each_scene_has_its_own_measures_until_it_is_closed(shown):
    measures, first = shown.measures, shown.measures.scene
    shown.draw(Tool.LINE, CORNERS)
    measures.add_point(5, 5)
    other = replace(scene_of(IMAGE), fingerprint="1" * 32)
    measures.show(other, 1)
    assert not measures.entries and not measures.draft and measures.tool is Tool.LINE
    measures.show(first, 1)
    assert len(measures.entries) == 1
    measures.show(None, 1)
    measures.close(first)
    assert measures.tool is None
    measures.choose(Tool.AREA)
    assert "No scene is open" in measures.fault and measures.tool is None
    measures.show(first, 1)
    assert not measures.entries


def test_json_and_csv_hold_the_numbers_of_the_instruments(shown, tmp_path):
    measures, scene = shown.measures, shown.measures.scene
    shown.draw(Tool.PROFILE, CORNERS[:2])
    measures.export_profile(tmp_path / "along.csv")
    shown.draw(Tool.AREA, CORNERS)
    shown.draw(Tool.POINT, [(150.0, 100.0)])
    measures.export(tmp_path / "all.json")
    measures.export(tmp_path / "all.csv")
    measures.export(tmp_path / "all.txt")
    shown.settle()
    assert len(shown.said) == 3 and len(shown.failed) == 1 and ".json or .csv" in str(shown.failed[0])
    told = json.loads((tmp_path / "all.json").read_text())
    assert told == measures_json(scene, measures.entries)
    along, region, spot = told["measures"]
    assert along["samples"]["db"] == profile(scene, 1, CORNERS[:2]).db.tolist()
    assert region["mean_db"] == region_statistics(scene, 1, CORNERS).mean_db and region["basis"] == "geodesic"
    assert spot["range"]["width_px"] == point_response(scene, 1, 150, 100).range.width_px
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert [row["kind"] for row in rows] == ["profile", "region", "point"]
    assert float(rows[1]["enl"]) == region["enl"] and float(rows[2]["azimuth_width_m"]) == spot["azimuth"]["width_m"]
    samples = list(csv.DictReader((tmp_path / "along.csv").read_text().splitlines()))
    assert [float(row["db"]) for row in samples] == along["samples"]["db"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.csv", "all.json", "along.csv"]


def test_what_is_no_number_is_null_and_an_empty_cell():
    image = np.full((60, 60), np.nan, np.float32)
    scene = scene_of(image)
    ring = np.array([(1.0, 1.0), (20.0, 1.0), (20.0, 20.0)])
    found = region_statistics(scene, 1, ring)
    entry = Measured(1, Tool.AREA, ring, 1, area=measure_polygon(scene, ring), region=found)
    assert entry.empty
    (told,) = json.loads(json.dumps(measures_json(scene, [entry]), allow_nan=False))["measures"]
    assert told["mean_db"] is None and told["area_m2"] is None and told["histogram"] is None
    (row,) = csv.DictReader(measures_csv(scene, [entry]).splitlines())
    assert row["mean_db"] == "" and row["area_px"] == "180.5"


def test_an_empty_list_has_nothing_to_take_back():
    known = MeasureList(scene_of(IMAGE))
    assert not (known.undo() or known.redo() or known.clear() or known.remove(1)) and known.next_number == 1
