"""Captions come out as GeoJSON and CSV that other software reads and places right."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from sarvlm_app.core.caption_list import SceneCaption, Where
from sarvlm_app.core.export.captions import write_captions
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Window
from tests.core.export_answers import degree_georef, gcp_georef, make_scene, utm_georef
from tests.core.made_captions import make_caption

EDITED = make_caption(2, where=Where.VIEW, window=Window(0, 0, 300, 200), text="Drei „Schiffe“, am Kai.", logprob=None)


def as_geojson(path: Path, scene: Scene, *captions: SceneCaption) -> dict[str, Any]:
    write_captions(scene, captions, path)
    return json.loads(path.read_text(encoding="utf-8"))


def as_rows(path: Path, scene: Scene, *captions: SceneCaption) -> list[dict[str, str]]:
    write_captions(scene, captions, path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_feature_tells_all_of_its_caption(tmp_path: Path) -> None:
    made = as_geojson(tmp_path / "c.geojson", make_scene(georef=utm_georef()), make_caption(), EDITED)
    assert [feature["id"] for feature in made["features"]] == [1, 2]
    assert (made["scene"], made["time"], made["simulated"]) == ("scene", "2020-11-07T01:52:03+00:00", False)
    first, second = (feature["properties"] for feature in made["features"])
    assert (first["caption"], first["said"], first["raw"]) == ("Caption 1.", "Caption 1.", "caption 1")
    assert (first["edited"], first["logprob"], first["model"]) == (False, -1.5, "fake@0123456789ab")
    assert (first["where"], first["band"], first["window_px"]) == ("region", "VV", [80, 96, 64, 32])
    assert first["size_m"] == pytest.approx([640, 320], rel=2e-3)
    assert (first["lon"], first["lat"]) == pytest.approx((-118.2845, 33.7821), abs=2e-3)
    assert first["counts"] == {"ship": 3, "bridge": 0} and first["cover"] == {"water": 0.62, "built-up": 0.2}
    assert first["made"] == "2026-11-24T12:00:00+00:00"
    assert (second["caption"], second["said"], second["edited"]) == (EDITED.text, "Caption 2.", True)
    assert second["logprob"] is None


@pytest.mark.parametrize("georef", [utm_georef(), gcp_georef(640, 400)], ids=["affine", "gcps"])
def test_footprints_lie_on_the_windows(tmp_path: Path, georef: Any) -> None:
    made = as_geojson(tmp_path / "c.geojson", make_scene(georef=georef), make_caption(), EDITED)
    for feature, caption in zip(made["features"], (make_caption(), EDITED), strict=True):
        shape, window = shapely.geometry.shape(feature["geometry"]), caption.window
        assert shape.is_valid and shape.exterior.is_ccw
        inside = georef.to_lonlat(window.col + window.width / 2, window.row + window.height / 2)
        assert shape.contains(shapely.Point(*map(float, inside)))
        cols, rows = [window.col, window.col_end], [window.row, window.row_end]
        corners = {
            (round(float(x), 7), round(float(y), 7)) for c in cols for r in rows for x, y in [georef.to_lonlat(c, r)]
        }
        assert corners <= set(shape.exterior.coords)
    points = np.array([p for feature in made["features"] for p in feature["geometry"]["coordinates"][0]])
    assert made["bbox"] == pytest.approx([*points.min(axis=0), *points.max(axis=0)])


def test_without_georeference_the_file_says_that_it_holds_pixels(tmp_path: Path) -> None:
    made = as_geojson(tmp_path / "c.geojson", make_scene(), make_caption())
    assert made["coordinates_are"] == "pixels"
    (feature,) = made["features"]
    assert shapely.geometry.shape(feature["geometry"]).bounds == (80, 96, 144, 128)
    told = feature["properties"]
    assert told["lon"] is None and told["lat"] is None and told["size_m"] is None


def test_a_window_across_the_antimeridian_is_cut(tmp_path: Path) -> None:
    made = as_geojson(tmp_path / "c.json", make_scene(georef=degree_georef(179.9, 10.0)), make_caption())
    geometry = made["features"][0]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert shapely.geometry.shape(geometry).area == pytest.approx(0.064 * 0.032, rel=1e-6)
    (row,) = as_rows(tmp_path / "c.csv", make_scene(georef=degree_georef(179.9, 10.0)), make_caption())
    assert shapely.from_wkt(row["wkt"]).equals(shapely.geometry.shape(geometry))


def test_a_table_tells_the_same(tmp_path: Path) -> None:
    scene = make_scene(georef=utm_georef())
    said = make_caption(1, text='She said "two ships", twice;\tthen left.')
    rows = as_rows(tmp_path / "c.CSV", scene, said, EDITED)
    features = as_geojson(tmp_path / "c.geojson", scene, said, EDITED)["features"]
    for row, feature in zip(rows, features, strict=True):
        told = feature["properties"]
        assert {row["caption"], row["raw"]} == {told["caption"], told["raw"]}
        assert row["edited"] == str(told["edited"])
        assert row["logprob"] == ("" if told["logprob"] is None else str(told["logprob"]))
        assert [int(row[name]) for name in ("col", "row", "width", "height")] == told["window_px"]
        assert [float(row[name]) for name in ("width_m", "height_m")] == told["size_m"]
        assert (float(row["lon"]), float(row["lat"])) == (told["lon"], told["lat"])
        assert (json.loads(row["counts"]), json.loads(row["cover"])) == (told["counts"], told["cover"])
        assert shapely.from_wkt(row["wkt"]).equals(shapely.geometry.shape(feature["geometry"]))


def test_a_table_of_a_scene_without_georeference_has_no_shape(tmp_path: Path) -> None:
    (row,) = as_rows(tmp_path / "c.csv", make_scene(), make_caption())
    assert (row["wkt"], row["lon"], row["width_m"], row["width"]) == ("", "", "", "64")


@pytest.mark.parametrize("name", ["c.txt", "c", "c.geojson.zip"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match=re.escape(".geojson or .csv")):
        write_captions(make_scene(), [make_caption()], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        write_captions(make_scene(), [make_caption()], tmp_path / "no" / "c.csv")


def test_half_a_sign_does_not_stop_an_export(tmp_path: Path) -> None:
    made = as_geojson(tmp_path / "c.geojson", make_scene(), make_caption(text="half a \ud83d sign"))
    assert made["features"][0]["properties"]["caption"] == "half a ? sign"
