"""The exported heat map lines up with its scene and says what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from sarvlm_app.core.export import heatmap as module
from sarvlm_app.core.export.heatmap import write_heatmap
from sarvlm_app.core.georef import AffineGeoref, Gcp, GcpGeoref
from sarvlm_app.errors import StorageError
from tests.core.export_answers import Place, gcp_georef, make_answer, make_scene, utm_georef

SHA = "ab" * 32


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    cell_px=st.sampled_from([2.0, 8.0, 10.5, 16.0, 64.0]),
    pixel=st.tuples(st.floats(0.2, 100), st.floats(-100, -0.2)),
    shear=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    origin=st.tuples(st.floats(-1.3e7, 1.3e7), st.floats(-1e7, 1e7)),
)
def test_cell_corners_lie_where_the_pixels_of_the_scene_lie(
    tmp_path: Path,
    size: tuple[int, int],
    cell_px: float,
    pixel: tuple[float, float],
    shear: tuple[float, float],
    origin: tuple[float, float],
) -> None:
    transform = Affine(pixel[0], shear[0], origin[0], shear[1], pixel[1], origin[1])
    scene = make_scene(*size, AffineGeoref(transform, "EPSG:3395"))
    answer = make_answer(replace(scene, georef=None), cell_px=cell_px)
    write_heatmap(replace(answer, scene=scene), tmp_path / "h.tif", SHA)
    with rasterio.open(tmp_path / "h.tif") as dataset:
        assert dataset.crs == CRS.from_epsg(3395)
        assert dataset.shape == answer.heatmap.scores.shape
        for row in (0, 1, dataset.height):
            for col in (0, 1, dataset.width):
                there = transform @ (col * cell_px, row * cell_px)
                assert dataset.transform @ (col, row) == pytest.approx(there, rel=1e-9, abs=1e-6)


def test_scores_come_back_bit_for_bit_and_nan_is_no_data(tmp_path: Path) -> None:
    answer = make_answer(make_scene(georef=utm_georef()), [Place(0.9, (80, 96, 24, 16))])
    write_heatmap(answer, tmp_path / "h.tif", SHA)
    with rasterio.open(tmp_path / "h.tif") as dataset:
        assert (dataset.count, dataset.dtypes) == (1, ("float32",))
        assert np.isnan(dataset.nodata)
        assert dataset.profile["tiled"] and dataset.profile["compress"] == "deflate"
        np.testing.assert_array_equal(dataset.read(1), answer.heatmap.scores)
        assert not dataset.read_masks(1)[0, 0]
    assert [p.name for p in tmp_path.iterdir()] == ["h.tif"]


def test_control_points_are_scaled_to_cells(tmp_path: Path) -> None:
    georef = gcp_georef(640, 400)
    write_heatmap(make_answer(make_scene(640, 400, georef)), tmp_path / "h.tif", SHA)
    with rasterio.open(tmp_path / "h.tif") as dataset:
        points, crs = dataset.gcps
        assert crs.to_epsg() == 4326
        again = GcpGeoref(tuple(Gcp(p.col, p.row, p.x, p.y) for p in points), crs.to_string())
        cols, rows = np.meshgrid(np.arange(0, 81, 16), np.arange(0, 51, 10))
        there = georef.to_lonlat(cols.ravel() * 8.0, rows.ravel() * 8.0)
        here = again.to_lonlat(cols.ravel().astype(float), rows.ravel().astype(float))
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-9)


def test_without_georeference_cells_map_to_pixels_of_the_scene_and_nothing_warns(tmp_path: Path) -> None:
    write_heatmap(make_answer(make_scene(100, 60)), tmp_path / "h.tif", SHA)
    with rasterio.open(tmp_path / "h.tif") as dataset:
        assert dataset.crs is None
        assert dataset.gcps[0] == []
        assert dataset.transform @ (3, 2) == (24.0, 16.0)


def test_tags_name_the_question_the_model_and_the_scene(tmp_path: Path) -> None:
    scene = make_scene(georef=utm_georef(), simulated=True)
    text, negatives = 'a "pier" <with> ships & waves – naïve', ("open water; calm", "forest")
    answer = make_answer(scene, text=text, negatives=negatives, threshold=0.65)
    write_heatmap(replace(answer, complete=False), tmp_path / "h.tif", SHA)
    with rasterio.open(tmp_path / "h.tif") as dataset:
        tags = dataset.tags()
        assert dataset.descriptions == ("score",)
    assert tags["QUERY"] == text
    assert tuple(json.loads(tags["NEGATIVES"])) == negatives
    assert tags["MODEL"] == "toy@0123"
    assert tags["WEIGHTS_SHA256"] == SHA
    assert float(tags["THRESHOLD"]) == 0.65
    assert "0.5 is background" in tags["SCORE_MEANING"]
    assert tags["SCENE"] == "scene"
    assert tags["SCENE_FINGERPRINT"] == scene.fingerprint
    assert tags["SOFTWARE"].startswith("SARVLM Desktop")
    assert tags["SIMULATED"] == "yes"
    assert tags["COMPLETE"].startswith("no")


def test_a_full_disk_is_a_sentence_and_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "h.tif"
    target.write_bytes(b"older")

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"h\.tif cannot be written because the disk is full; free"):
        write_heatmap(make_answer(make_scene()), target, SHA)
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]
