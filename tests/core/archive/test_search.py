"""Searching: words, examples and both, within filters; nothing found is an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import shapely

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.geojson import write_hits
from sarvlm_app.core.archive.search import ArchiveQuery, Example, Searching, Where, centre_of
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window
from tests.core.archive.made import Provide, chip, fill, geo_scene
from tests.core.scene_files import speckle, write_tif


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright and plain chips, and scenes at several places and times, one across the antimeridian."""
    place = tmp_path_factory.mktemp("found")
    for seed in range(12):
        chip(place / f"chip{seed:02d}.tif", seed, bright=seed < 4)
    dark = speckle((64, 64), 100.0, 50)
    dark[10:50, 10:50] = 1.0
    write_tif(place / "dark.tif", dark)
    geo_scene(place / "S1A_20200101_west_vv.tif", 1, west=-120.0, north=35.0)
    geo_scene(place / "S1A_20210615_east_vh.tif", 2, west=30.0, north=60.0)
    geo_scene(place / "TSX_20220301_pacific.tif", 3, west=179.7, north=-10.0, tags={"PRODUCT": "TerraSAR-X SM"})
    return place


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("archives") / "a"
    fill(place, folder)
    return place


@pytest.fixture(scope="module")
def searching(archive: Path) -> Iterator[Searching]:
    with Archive(archive) as opened:
        yield Searching(opened, Provide()())


def names(searching: Searching, text: str = "", **options: object) -> list[str]:
    return [hit.scene.name for hit in searching.search(ArchiveQuery(text, **options)).hits]  # type: ignore[arg-type]


BRIGHT = {f"chip{seed:02d}.tif" for seed in range(4)} | {
    "S1A_20200101_west_vv.tif", "S1A_20210615_east_vh.tif", "TSX_20220301_pacific.tif",
}  # fmt: skip


def test_words_find_what_they_name_and_nothing_else(searching: Searching) -> None:
    answer = searching.search(ArchiveQuery("bright things"))
    assert {hit.scene.name for hit in answer.hits} == BRIGHT
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True) and min(scores) > 0.5 and answer.best == scores[0]
    assert [hit.rank for hit in answer.hits] == list(range(1, len(scores) + 1))
    assert names(searching, "dark things") == ["dark.tif"]


def test_nothing_found_is_an_answer(searching: Searching, tmp_path: Path) -> None:
    place = tmp_path / "plain"
    place.mkdir()
    for seed in range(3):
        chip(place / f"{seed}.tif", 30 + seed)
    fill(tmp_path / "b", place)
    with Archive(tmp_path / "b") as opened:
        answer = Searching(opened, Provide()()).search(ArchiveQuery("bright things"))
    assert answer.hits == () and answer.best <= 0.5 and not answer.more


def test_an_example_finds_itself_first_and_its_like_next(searching: Searching, folder: Path) -> None:
    answer = searching.search(ArchiveQuery(examples=(Example(open_scene(folder / "chip01.tif")),)))
    assert answer.hits[0].scene.name == "chip01.tif" and answer.hits[0].score > 0.95
    assert {hit.scene.name for hit in answer.hits[1:4]} <= BRIGHT


def test_a_window_of_a_scene_is_an_example_too(searching: Searching, folder: Path) -> None:
    scene = open_scene(folder / "S1A_20200101_west_vv.tif")
    answer = searching.search(ArchiveQuery(examples=(Example(scene, Window(390, 290, 60, 60)),)))
    assert answer.hits and answer.hits[0].scene.name in BRIGHT
    with pytest.raises(QueryError, match="lies outside"):
        searching.search(ArchiveQuery(examples=(Example(scene, Window(5000, 0, 10, 10)),)))


def test_words_and_examples_mix(searching: Searching, folder: Path) -> None:
    plain = Example(open_scene(folder / "chip09.tif"), None, 0.5)
    both = searching.search(ArchiveQuery("bright things", examples=(plain,), text_weight=0.5))
    words = searching.search(ArchiveQuery("bright things"))
    assert both.query.examples and [hit.score for hit in both.hits] != [hit.score for hit in words.hits]
    unlike = Example(open_scene(folder / "chip00.tif"), None, -1.0)
    less = {
        hit.scene.name: hit.score for hit in searching.search(ArchiveQuery("bright things", examples=(unlike,))).hits
    }
    more = {hit.scene.name: hit.score for hit in words.hits}
    assert less.get("chip00.tif", 0.0) < more["chip00.tif"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(bbox=(-121.0, 34.0, -119.0, 36.0)), {"S1A_20200101_west_vv.tif"}),
        (Where(bbox=(179.0, -20.0, -179.0, 0.0)), {"TSX_20220301_pacific.tif"}),
        (Where(bbox=(-180.0, -20.0, -179.9, 0.0)), {"TSX_20220301_pacific.tif"}),
        (Where(bbox=(0.0, 0.0, 1.0, 1.0)), set()),
        (Where(after=date(2021, 6, 15)), {"S1A_20210615_east_vh.tif", "TSX_20220301_pacific.tif"}),
        (Where(before=date(2021, 6, 15)), {"S1A_20200101_west_vv.tif", "S1A_20210615_east_vh.tif"}),
        (Where(after=datetime(2021, 6, 15, 1, tzinfo=UTC)), {"TSX_20220301_pacific.tif"}),
        (Where(sensor="terrasar"), {"TSX_20220301_pacific.tif"}),
        (Where(polarisation="vh"), {"S1A_20210615_east_vh.tif"}),
        (Where(sensor="sentinel", bbox=(20.0, 50.0, 40.0, 70.0)), {"S1A_20210615_east_vh.tif"}),
        (Where(sensor="no such"), set()),
    ],
)
def test_filters_leave_only_what_fits(searching: Searching, where: Where, expected: set[str]) -> None:
    assert set(names(searching, "bright things", where=where)) == expected


def test_overlapping_tiles_of_all_sizes_are_one_hit(searching: Searching) -> None:
    hits = searching.search(ArchiveQuery("bright things")).hits
    for one in hits:
        for other in hits:
            if one is not other and one.scene == other.scene:
                common = one.window.intersection(other.window)
                least = min(one.window.width * one.window.height, other.window.width * other.window.height)
                assert common is None or common.width * common.height <= 0.5 * least


def test_pages_follow_each_other(searching: Searching) -> None:
    whole = searching.search(ArchiveQuery("bright things", top=50)).hits
    paged = []
    for page in range(1, 10):
        answer = searching.search(ArchiveQuery("bright things", top=3, page=page))
        paged += answer.hits
        if not answer.more:
            break
    assert paged == list(whole) and page == -(-len(whole) // 3)


def test_a_scene_that_vanished_is_shown_as_missing(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "some"
    place.mkdir()
    chip(place / "one.tif", 1, bright=True)
    fill(tmp_path / "c", place)
    (place / "one.tif").unlink()
    with Archive(tmp_path / "c") as opened:
        hits = Searching(opened, Provide()()).search(ArchiveQuery("bright things")).hits
    assert [(hit.scene.name, hit.missing) for hit in hits] == [("one.tif", True)]


@pytest.mark.parametrize("query", [ArchiveQuery(), ArchiveQuery("  "), ArchiveQuery("", ("dark things",))])
def test_a_question_without_anything_to_look_for_is_refused(searching: Searching, query: ArchiveQuery) -> None:
    with pytest.raises(QueryError):
        searching.search(query)


def test_another_model_cannot_be_asked(archive: Path) -> None:
    from dataclasses import replace

    encoder = Provide()()
    from tests.core.archive.made import PictureEncoder

    other = PictureEncoder(spec=replace(encoder.spec, model_id="other@1"))
    with Archive(archive) as opened, pytest.raises(QueryError, match="not indexed with other@1 but with fake@0"):
        Searching(opened, other)


def test_hits_leave_as_geojson(searching: Searching, tmp_path: Path) -> None:
    answer = searching.search(ArchiveQuery("bright things"))
    write_hits(answer, tmp_path / "hits.geojson")
    read = json.loads((tmp_path / "hits.geojson").read_text(encoding="utf-8"))
    assert len(read["features"]) == len(answer.hits)
    for feature, hit in zip(read["features"], answer.hits, strict=True):
        assert feature["properties"]["rank"] == hit.rank and feature["properties"]["scene"] == str(hit.scene)
        assert (feature["geometry"] is None) == (hit.lon is None)
        if feature["geometry"] is not None:
            west, south, east, north = shapely.from_geojson(json.dumps(feature["geometry"])).bounds
            assert south - 1e-6 <= hit.lat <= north + 1e-6
            assert east - west > 180 or west - 1e-6 <= hit.lon <= east + 1e-6


def test_the_middle_of_an_outline_across_the_antimeridian_lies_at_it() -> None:
    parts = shapely.MultiPolygon([shapely.box(179.0, 0.0, 180.0, 2.0), shapely.box(-180.0, 0.0, -179.5, 2.0)])
    lon, lat = centre_of(shapely.to_wkb(parts))
    assert lon == pytest.approx(179.75, abs=0.01) and lat == pytest.approx(1.0)
    assert centre_of(None) == (None, None)
    assert np.isfinite(centre_of(shapely.to_wkb(shapely.box(0, 0, 1, 1)))[0])
