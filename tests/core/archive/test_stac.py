"""Local STAC catalogues: what an item says fills what its file leaves open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sarvlm_app.core.archive.search import Where
from sarvlm_app.core.archive.stac import collect_stac
from sarvlm_app.errors import SceneError
from tests.core.archive.made import ask, fill
from tests.core.scene_files import speckle, write_tif

pytest.importorskip("pystac")


def item(name: str, assets: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "bbox": [10.0, 50.0, 11.0, 51.0],
        "geometry": {"type": "Polygon", "coordinates": [[[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]]},
        "properties": {"datetime": "2022-05-06T07:08:09Z", **properties}, "assets": assets, "links": [],
    }  # fmt: skip


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Three items: one that can be taken, one that is far away, one without an image."""
    place = tmp_path / "stac"
    place.mkdir()
    pixels = speckle((300, 300))
    pixels[100:140, 100:140] = 3000.0
    write_tif(place / "vv.tif", pixels)
    kind = "image/tiff; application=geotiff"
    good = {
        "vh": {"href": "./vh.tif", "type": kind, "roles": ["data"]},
        "vv": {"href": "./vv.tif", "type": kind, "roles": ["data"]},
        "thumbnail": {"href": "./small.png", "type": "image/png", "roles": ["thumbnail"]},
    }
    sar = {"platform": "Umbra-04", "sar:instrument_mode": "SPOTLIGHT", "sar:polarizations": ["VV"]}
    items = {
        "good.json": item("good", good, **sar),
        "far.json": item("far", {"data": {"href": "https://example.org/far.tif", "type": kind}}),
        "empty.json": item("empty", {}),
    }
    for name, content in items.items():
        (place / name).write_text(json.dumps(content))
    links = [{"rel": "item", "href": f"./{name}", "type": "application/geo+json"} for name in items]
    root = {"type": "Catalog", "stac_version": "1.0.0", "id": "all", "description": "all", "links": links}
    (place / "catalog.json").write_text(json.dumps(root))
    return place / "catalog.json"


def test_items_become_scenes_with_what_they_say(catalogue: Path, tmp_path: Path) -> None:
    report = fill(tmp_path / "archive", stac=catalogue)
    assert report.added == 1
    assert sorted(fault.path for fault in report.faults) == ["empty", "far"]
    assert any("not local" in fault.reason for fault in report.faults)
    where = Where(bbox=(10.5, 50.5, 10.6, 50.6), sensor="umbra", polarisation="VV")
    hits = ask(tmp_path / "archive", "bright things", where=where).hits
    assert hits and hits[0].scene.name == "vv.tif" and hits[0].acquired == "2022-05-06T07:08:09+00:00"
    assert fill(tmp_path / "archive", stac=catalogue).skipped == 1


def test_an_item_file_alone_is_taken(catalogue: Path) -> None:
    found = collect_stac(catalogue.with_name("good.json"))
    assert [source.path.name for source in found.sources] == ["vv.tif"]
    assert found.sources[0].hints["mode"] == "SPOTLIGHT"


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"type": "Catalog"}', "no json"])
def test_what_is_no_stac_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(SceneError, match=r"wrong.json is no local STAC"):
        collect_stac(tmp_path / "wrong.json")
    with pytest.raises(SceneError, match="does not exist"):
        collect_stac(tmp_path / "none.json")


def test_a_link_that_leads_nowhere_is_told(catalogue: Path) -> None:
    catalogue.with_name("far.json").unlink()
    with pytest.raises(SceneError, match=r"catalog.json is no local STAC"):
        collect_stac(catalogue)
