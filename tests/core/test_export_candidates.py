"""Candidates come out as GeoJSON that other software places right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.export.candidates import candidates_geojson, write_candidates
from sarvlm_app.core.export.footprints import cut_at_antimeridian
from sarvlm_app.errors import StorageError
from tests.core.export_answers import Place, degree_georef, gcp_georef, make_answer, make_scene, utm_georef

PLACES = [Place(0.91, (80, 96, 24, 16)), Place(0.72, (300, 200, 40, 40))]


def area(ring: list[list[float]]) -> float:
    return 0.5 * sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, ring[1:], strict=False))


def written(path: Path, **kwargs: Any) -> dict[str, Any]:
    scene = make_scene(georef=kwargs.pop("georef", None))
    write_candidates(make_answer(scene, **kwargs), path)
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("georef", [utm_georef(), gcp_georef(640, 400)], ids=["affine", "gcps"])
def test_footprints_lie_on_the_boxes(tmp_path: Path, georef: Any) -> None:
    made = written(tmp_path / "c.geojson", georef=georef, places=PLACES)
    assert [f["properties"]["rank"] for f in made["features"]] == [1, 2]
    for feature, place in zip(made["features"], PLACES, strict=True):
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1] and len(ring) == 5
        assert area(ring) > 0, "exterior rings are counter-clockwise"
        col, row, width, height = place.bbox_px
        corners = {(col, row), (col + width, row), (col, row + height), (col + width, row + height)}
        expected = sorted(tuple(map(float, georef.to_lonlat(float(x), float(y)))) for x, y in corners)
        np.testing.assert_allclose(sorted(map(tuple, ring[:-1])), expected, rtol=0, atol=1e-7)
        assert feature["properties"]["bbox_px"] == list(place.bbox_px)


def test_properties_carry_the_question(tmp_path: Path) -> None:
    made = written(
        tmp_path / "c.geojson", georef=utm_georef(), places=PLACES, text="Schiffe – naïve", negatives=("open water",)
    )
    first = made["features"][0]["properties"]
    assert first["query"] == "Schiffe – naïve"
    assert first["negatives"] == ["open water"]
    assert (first["model"], first["scene"], first["threshold"]) == ("toy@0123", "scene", 0.6)
    assert first["time"] == "2020-11-07T01:52:03+00:00"
    assert (first["col"], first["row"], first["score"]) == (92.0, 104.0, 0.91)
    assert first["lon"] == pytest.approx(-118.289, abs=1e-2) and first["lat"] == pytest.approx(33.785, abs=1e-2)


def test_the_bounding_box_holds_all_footprints(tmp_path: Path) -> None:
    made = written(tmp_path / "c.geojson", georef=utm_georef(), places=PLACES)
    points = np.array([p for f in made["features"] for p in f["geometry"]["coordinates"][0]])
    assert made["bbox"] == pytest.approx([*points.min(axis=0), *points.max(axis=0)])


def test_no_candidates_is_a_valid_empty_collection(tmp_path: Path) -> None:
    made = written(tmp_path / "c.geojson", georef=utm_georef())
    assert made["type"] == "FeatureCollection"
    assert made["features"] == []
    assert made["stands_out"] is False
    assert "bbox" not in made


def test_without_georeference_the_file_says_that_it_holds_pixels(tmp_path: Path) -> None:
    made = written(tmp_path / "c.geojson", places=PLACES[:1])
    assert made["coordinates_are"] == "pixels"
    (feature,) = made["features"]
    assert sorted(map(tuple, feature["geometry"]["coordinates"][0][:-1])) == [
        (80.0, 96.0),
        (80.0, 112.0),
        (104.0, 96.0),
        (104.0, 112.0),
    ]
    assert feature["properties"]["lon"] is None


def test_a_footprint_across_the_antimeridian_is_cut() -> None:
    scene = make_scene(georef=degree_georef(179.9, 10.0))
    made = candidates_geojson(make_answer(scene, [Place(0.9, (80, 96, 40, 16))]))
    geometry = made["features"][0]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    west, east = (np.array(part[0]) for part in geometry["coordinates"])
    assert west[:, 0].min() == pytest.approx(179.98) and west[:, 0].max() == 180.0
    assert east[:, 0].min() == -180.0 and east[:, 0].max() == pytest.approx(-179.98)
    assert area(west.tolist()) > 0 and area(east.tolist()) > 0
    assert made["bbox"] == pytest.approx([179.98, 9.888, -179.98, 9.904])


@given(
    centre=st.floats(-180, 180),
    half=st.tuples(st.floats(1e-4, 5.0), st.floats(1e-4, 5.0)),
    turn=st.floats(0, np.pi / 2),
)
def test_cutting_keeps_the_area_and_the_range(centre: float, half: tuple[float, float], turn: float) -> None:
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ring = [(centre + x, y) for x, y in corners @ spin.T]
    parts = cut_at_antimeridian(ring)
    assert all(-180 <= x <= 180 for part in parts for x, _ in part)
    total = sum(area([[*p] for p in [*part, part[0]]]) for part in parts)
    assert total == pytest.approx(4 * half[0] * half[1], rel=1e-6, abs=1e-9)


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        write_candidates(make_answer(make_scene()), tmp_path / "no" / "c.geojson")
