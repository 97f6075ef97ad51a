"""Ships at the time of acquisition, from tables of their reports."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sarvlm_app.core.context.ais import WGS84
from sarvlm_app.core.context.reading import read_context
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError
from tests.core.context.made import ACQUIRED, HEADINGS, report, scene, write_table


@pytest.fixture
def here(tmp_path):
    return scene(tmp_path)


def lonlat(here, col, row):
    return tuple(float(part) for part in here.georef.to_lonlat(col, row))


def read(here, path, minutes=30.0):
    return read_context(here, path, JobContext(), minutes)


def test_a_ship_stands_where_it_was_between_its_reports(tmp_path, here):
    rows = [
        report(211, -90, *lonlat(here, 100, 100), SOG="10.0", COG="90.0", Heading="88", VesselName="ADA", Length="120"),
        report(211, 30, *lonlat(here, 160, 100), SOG="10.0", COG="90.0", Heading="88", VesselName="ADA", Length="120"),
    ]
    data = read(here, write_table(tmp_path / "ais.csv", rows))
    (ship,) = data.ships
    assert ship.place == pytest.approx((145.0, 100.0), abs=0.05)
    assert (ship.label, ship.length_m, ship.gap_s, ship.between) == ("ADA", 120.0, 30.0, True)
    lon, lat, _ = WGS84.fwd(*lonlat(here, *ship.place), 90.0, 10 * 1852 / 10)  # six minutes at ten knots
    assert ship.ahead == pytest.approx(tuple(float(v) for v in here.georef.from_lonlat(lon, lat)), abs=0.1)


def test_a_ship_heard_on_one_side_only_is_carried_on_for_a_while(tmp_path, here):
    start = lonlat(here, 100, 100)
    rows = [report(1, -60, *start, SOG="12", COG="180"), report(2, -1700, *start, SOG="12", COG="180")]
    data = read(here, write_table(tmp_path / "ais.csv", rows))
    (ship,) = data.ships
    assert not ship.between
    assert ship.place[1] == pytest.approx(100 + 12 * 1852 / 3600 * 60 / 10, abs=0.3)
    assert "2 heard" in data.summary


def test_what_is_not_available_is_not_drawn(tmp_path, here):
    rows = [report(5, 0, *lonlat(here, 50, 60), SOG="102.3", COG="360.0", Heading="511", VesselName="")]
    (ship,) = read(here, write_table(tmp_path / "ais.csv", rows)).ships
    assert (ship.speed_kn, ship.course_deg, ship.heading_deg, ship.ahead, ship.axis) == (None,) * 5
    assert ship.label == "MMSI 5"


def test_only_the_scene_and_the_chosen_time_count(tmp_path, here):
    inside, outside = lonlat(here, 50, 60), (30.0, 10.0)
    rows = [report(1, 0, *inside), report(2, 0, *outside), report(3, 4000, *inside), report(4, 10, *inside)]
    rows += [report(6, 0, "n/a", 12.0), report(7, 0, 200.0, 95.0), report("x", 0, *inside)]
    path = write_table(tmp_path / "ais.csv", rows)
    assert sorted(ship.mmsi for ship in read(here, path).ships) == [1, 4]
    assert "no report within 1e-05 min" not in read(here, path, 0.01).summary
    assert [ship.mmsi for ship in read(here, path, 0.01).ships] == [1]


@pytest.mark.parametrize(
    ("heading", "form"),
    [
        ("# Timestamp", "%d/%m/%Y %H:%M:%S"), ("timestamp", "%Y-%m-%d %H:%M:%S"),
        ("BaseDateTime", "%Y-%m-%dT%H:%M:%SZ"),
        ("BaseDateTime", "%m/%d/%Y %H:%M:%S"), ("base_date_time", "%Y-%m-%dT%H:%M:%S+00:00"), ("t", "%s"),
    ],
)  # fmt: skip
def test_times_are_read_as_archives_write_them(tmp_path, here, heading, form):
    moment = ACQUIRED + timedelta(seconds=5)
    text = str(int(moment.timestamp())) if form == "%s" else moment.strftime(form)
    row = report(9, 0, *lonlat(here, 50, 60)) | {"BaseDateTime": text}
    headings = tuple(heading if name == "BaseDateTime" else name for name in HEADINGS)
    (ship,) = read(here, write_table(tmp_path / "ais.csv", [row], headings, ";")).ships
    assert ship.gap_s == pytest.approx(5.0)


def test_columns_that_are_not_known_are_listed(tmp_path, here):
    headings = ("ship", "when", "LAT", "LON", *HEADINGS[4:])
    with pytest.raises(QueryError, match=r"lacks MMSI, BaseDateTime or timestamp; its columns are ship, when, LAT"):
        read(here, write_table(tmp_path / "ais.csv", [report(1, 0, 1, 1)], headings))


def test_times_that_cannot_be_read_are_shown(tmp_path, here):
    row = report(1, 0, *lonlat(here, 5, 6)) | {"BaseDateTime": "yesterday at noon"}
    with pytest.raises(QueryError, match=r"such as 'yesterday at noon'; write them as"):
        read(here, write_table(tmp_path / "ais.csv", [row]))


def test_a_scene_without_time_is_refused_with_what_to_do(tmp_path):
    path = write_table(tmp_path / "ais.csv", [report(1, 0, 1, 1)])
    with pytest.raises(QueryError, match="states no acquisition time"):
        read(scene(tmp_path, "timeless.tif", tags={}), path)


def test_an_empty_table_is_told(tmp_path, here):
    with pytest.raises(QueryError, match="holds no rows"):
        read(here, write_table(tmp_path / "ais.csv", []))


def test_broken_lines_and_foreign_letters_do_not_stop_the_reading(tmp_path, here):
    lon, lat = lonlat(here, 50, 60)
    lines = [",".join(HEADINGS), "1,2,3", f"7,2024-05-01T12:00:00,{lat},{lon},1,2,3,,,,", ""]
    path = tmp_path / "ais.csv"
    path.write_bytes(
        "\n".join(lines).encode() + f"8,2024-05-01T12:00:00,{lat},{lon},1,2,3,".encode() + b"SK\xd6LD,,,\n"
    )
    ships = read(here, path).ships
    assert [ship.mmsi for ship in ships] == [7, 8]
    assert ships[1].name.startswith("SK")


def test_a_table_larger_than_a_block_is_read_piece_by_piece(tmp_path, here, monkeypatch):
    from sarvlm_app.core.context import ais_table

    monkeypatch.setattr(ais_table, "BLOCK_BYTES", 4096)
    rng = np.random.default_rng(1)
    rows = [report(100 + k % 50, float(rng.uniform(-900, 900)), *lonlat(here, 8 * (k % 50), 30)) for k in range(600)]
    steps = []
    data = read_context(here, write_table(tmp_path / "ais.csv", rows), JobContext(lambda *s: steps.append(s)), 30.0)
    assert len(data.ships) == 50
    assert len([step for step in steps if "Reading" in step[2]]) > 5
