"""`sarvlm archive`: what a script is promised, from good input to bad, with a model of a few lines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.core.archive.made import PictureEncoder, chip, geo_scene, touch_later

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> PictureEncoder:
    """The made encoder in the place of the shipped one."""
    model = PictureEncoder()
    monkeypatch.setattr("sarvlm_app.cli.archive._loaded", lambda *_: model)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    (place / "below").mkdir(parents=True)
    for seed in range(3):
        chip(place / f"chip{seed}.tif", seed, bright=seed == 2)
    geo_scene(place / "S1A_20201107_scene_vv.tif", west=-118.0, north=34.0)
    (place / "bad.tif").write_bytes(b"II*\0")
    chip(place / "below" / "deep.tif", 8)
    return place


@pytest.fixture
def archive(folder: Path, tmp_path: Path, sarvlm: Run) -> Path:
    sarvlm("archive", "add", tmp_path / "archive", folder)
    return tmp_path / "archive"


def test_add_reports_what_it_did(sarvlm: Run, folder: Path, tmp_path: Path) -> None:
    first = sarvlm("archive", "add", tmp_path / "a", folder, "--json").json
    assert (first["scenes_added"], first["scenes_skipped"]) == (4, 0)
    assert [Path(fault["path"]).name for fault in first["scenes_failed"]] == ["bad.tif"]
    assert first["tiles"] > 4 and first["seconds"] > 0
    second = sarvlm("archive", "add", tmp_path / "a", folder, "--recursive", "--json").json
    assert (second["scenes_added"], second["scenes_skipped"], second["tiles"]) == (1, 4, 1)
    plain = sarvlm("archive", "add", tmp_path / "a", folder)
    assert plain.code == 0 and "0 added" in plain.out and "bad.tif" in plain.out


def test_search_by_words(sarvlm: Run, archive: Path, tmp_path: Path) -> None:
    answer = sarvlm("archive", "search", archive, "--text", "bright things", "--out", tmp_path / "o.geojson", "--json")
    hits = answer.json["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2][: len(hits)]
    assert {Path(hit["scene"]).name for hit in hits} == {"chip2.tif", "S1A_20201107_scene_vv.tif"}
    for hit in hits:
        assert 0.5 < hit["score"] <= 1.0 and len(hit["window"]) == 4
        assert {"rank", "score", "scene", "window", "lon", "lat"} <= set(hit)
    assert answer.json["seconds"] < 60
    assert len(json.loads((tmp_path / "o.geojson").read_text())["features"]) == len(hits)
    assert len(sarvlm("archive", "search", archive, "--text", "bright things", "--top", 1, "--json").json["hits"]) == 1
    second = sarvlm("archive", "search", archive, "--text", "bright things", "--top", 1, "--page", 2, "--json").json
    assert [hit["rank"] for hit in second["hits"]] == [2]


def test_filters_take_areas_west_of_greenwich_as_they_are_typed(sarvlm: Run, archive: Path) -> None:
    search = ("archive", "search", archive, "--text", "bright things", "--json")
    assert len(sarvlm(*search, "--bbox", "-118.5,33,-117,34.5").json["hits"]) == 1
    assert len(sarvlm(*search, "--bbox=-118.5,33,-117,34.5", "--after", "2020-11-07").json["hits"]) == 1
    assert sarvlm(*search, "--bbox", "100,33,110,34.5").json["hits"] == []
    assert sarvlm(*search, "--before", "2020-11-06").json["hits"] == []
    assert len(sarvlm(*search, "--sensor", "sentinel", "--polarisation", "VV").json["hits"]) == 1


def test_nothing_found_is_an_answer(sarvlm: Run, archive: Path) -> None:
    answer = sarvlm("archive", "search", archive, "--text", "dark things", "--json").json
    assert answer["hits"] == [] and answer["stands_out"] is False and answer["best"] <= 0.5
    said = sarvlm("archive", "search", archive, "--text", "dark things")
    assert said.code == 0 and "Nothing in the archive stands out" in said.out


def test_search_by_example_alone_and_with_words(sarvlm: Run, archive: Path, folder: Path) -> None:
    scene = folder / "S1A_20201107_scene_vv.tif"
    hits = sarvlm("archive", "search", archive, "--image", folder / "chip2.tif", "--json").json["hits"]
    assert Path(hits[0]["scene"]).name == "chip2.tif" and hits[0]["score"] > 0.9
    hits = sarvlm("archive", "search", archive, "--image", scene, "--window", "380,280,80,80", "--json").json["hits"]
    assert hits and Path(hits[0]["scene"]).name in ("chip2.tif", scene.name)
    both = ("--image", folder / "chip0.tif", "--text", "bright things", "--negative", "dark things")
    assert sarvlm("archive", "search", archive, *both, "--weight", 0.3, "--json").code == 0


def test_info_verify_and_compact(sarvlm: Run, archive: Path, folder: Path) -> None:
    info = sarvlm("archive", "info", archive, "--json").json
    assert info["scenes"] == 4 and info["tiles"] > 4 and info["bytes"] > 0
    assert info["model"] == "fake@0" and "FAISS" in info["index"]
    assert sarvlm("archive", "verify", archive, "--json").json["ok"] is True
    chip(folder / "chip0.tif", 40)
    touch_later(folder / "chip0.tif")
    wrong = sarvlm("archive", "verify", archive, "--json")
    assert wrong.code == 1 and "chip0.tif has changed" in json.loads(wrong.out)["problems"][0]
    assert wrong.err.rstrip().splitlines()[-1].startswith(str(archive))
    assert sarvlm("archive", "verify", archive, "--fast").code == 1
    sarvlm("archive", "add", archive, folder)
    assert sarvlm("archive", "compact", archive, "--json").json["bytes"] > 0
    assert sarvlm("archive", "verify", archive).code == 0


def test_a_root_that_moved_is_told(sarvlm: Run, archive: Path, folder: Path, tmp_path: Path) -> None:
    shutil.move(folder, tmp_path / "moved")
    hits = sarvlm("archive", "search", archive, "--text", "bright things", "--json").json["hits"]
    assert hits and all(hit["missing"] for hit in hits)
    sarvlm("archive", "root", archive, "data", tmp_path / "moved")
    hits = sarvlm("archive", "search", archive, "--text", "bright things", "--json").json["hits"]
    assert hits and not any(hit["missing"] for hit in hits)
    assert "no root “x”" in sarvlm("archive", "root", archive, "x", tmp_path).fault


def test_the_ending_of_out_decides_the_format(sarvlm: Run, archive: Path, tmp_path: Path) -> None:
    json_start = b'{\n "type"'
    starts = {
        "hits.geojson": json_start,
        "hits.txt": json_start,
        "hits.csv": b"rank,score",
        "hits.png": b"\x89PNG",
        "hits.PDF": b"%PDF-",
    }
    for name, start in starts.items():
        ran = sarvlm("archive", "search", archive, "--text", "bright things", "--out", tmp_path / name, "--json")
        assert ran.code == 0 and ran.json["hits"] and (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("search", "ARCHIVE"), "--text T or --image"),
        (("search", "ARCHIVE", "--text", "x", "--window", "0,0,5,5"), "--window"),
        (("search", "ARCHIVE", "--text", "x", "--bbox", "1,2,3"), "W,S,E,N"),
        (("search", "ARCHIVE", "--text", "x", "--after", "yesterday"), "no date"),
        (("add", "ARCHIVE"), "give a file, a folder or --stac"),
        ((), "add"),
    ],
)
def test_wrong_usage(sarvlm: Run, archive: Path, words: tuple[str, ...], told: str) -> None:
    ran = sarvlm("archive", *(archive if word == "ARCHIVE" else word for word in words))
    assert ran.code == 2 and told in ran.err and ran.out == ""


def test_bad_input_is_one_sentence(sarvlm: Run, archive: Path, folder: Path, tmp_path: Path) -> None:
    assert "is not an archive" in sarvlm("archive", "search", tmp_path / "none", "--text", "ships").fault
    assert "is not an archive" in sarvlm("archive", "info", tmp_path / "none").fault
    assert "does not exist" in sarvlm("archive", "add", archive, tmp_path / "gone").fault
    assert "holds other things" in sarvlm("archive", "add", folder, folder / "chip0.tif").fault
    assert "does not exist" in sarvlm("archive", "search", archive, "--image", tmp_path / "gone.tif").fault
    assert (
        "folder does not exist"
        in sarvlm(
            "archive", "search", archive, "--text", "bright things", "--out", tmp_path / "no" / "hits.geojson"
        ).fault
    )
    assert sarvlm("archive", "search", archive, "--text", "   ").code == 1
    assert "wrong.json" in sarvlm("archive", "add", archive, "--stac", folder / "wrong.json").fault


def test_a_file_in_the_archives_place_is_refused(sarvlm: Run, folder: Path) -> None:
    assert sarvlm("archive", "add", folder / "chip0.tif", folder).code == 1
