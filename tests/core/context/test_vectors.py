"""Lines, areas and points of files, in the pixels of a scene."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.context.ground import ground_of
from sarvlm_app.core.context.reading import read_context
from sarvlm_app.core.context.strokes import Strokes, level_for, stroke_levels
from sarvlm_app.core.georef import GridGeoref
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import JobCancelled, QueryError
from tests.core.context.made import line, map_xy, scene, write_shapes
from tests.core.geometries import KINDS, grid_points
from tests.core.linking.test_pairing import placed


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_a_line_lies_where_it_was_drawn(tmp_path, ending):
    one = scene(tmp_path)
    path = write_shapes(tmp_path / f"coast.{ending}", [line((10.5, 20.25), (200, 20.25), (200, 280))], ["Shore"])
    data = read_context(one, path, JobContext())
    found = data.lines[0].xy
    np.testing.assert_allclose(found[[0, -1]], [(10.5, 20.25), (200, 280)], atol=0.01)
    away = shapely.LineString([(10.5, 20.25), (200, 20.25), (200, 280)])
    assert shapely.distance(shapely.points(found), away).max() < 0.01
    assert data.names == ("Shore",)
    assert data.lines[0].nearest(200.5, 100.0, 3.0) == 0
    assert data.lines[0].nearest(240.0, 100.0, 3.0) is None


def test_points_and_areas_of_one_file_are_both_drawn(tmp_path):
    square = shapely.Polygon(
        np.stack(map_xy(np.array([50, 150, 150, 50]), np.array([50, 50, 150, 150])), axis=1),
        [np.stack(map_xy(np.array([80, 120, 120, 80]), np.array([80, 80, 120, 120])), axis=1)],
    )
    spots = shapely.MultiPoint(np.stack(map_xy([5.5, 390.0], [6.5, 290.0]), axis=1))
    path = write_shapes(tmp_path / "mixed.gpkg", [square, spots, shapely.GeometryCollection([line((1, 1), (9, 1))])])
    data = read_context(scene(tmp_path), path, JobContext())
    np.testing.assert_allclose(data.spots.xy, [(5.5, 6.5), (390, 290)], atol=0.01)
    total = sum(
        shapely.length(shapely.LineString(data.lines[0].xy[a:b]))
        for a, b in zip(data.lines[0].starts[:-1], data.lines[0].starts[1:], strict=True)
    )
    assert total == pytest.approx(400 + 160 + 8, rel=1e-3)


def test_only_what_lies_in_the_scene_is_kept_and_cutting_an_area_draws_no_edge(tmp_path):
    around = shapely.box(*(c for xy in zip(*map_xy([-9000, 9000], [9000, -9000]), strict=True) for c in xy))
    far = line((5000, 5000), (6000, 5000))
    path = write_shapes(tmp_path / "land.gpkg", [around, far, line((10, 10), (50, 10))])
    data = read_context(scene(tmp_path), path, JobContext())
    assert len(data.names) == 1
    assert data.lines[0].xy[:, 1].max() < 11


def test_a_straight_line_of_the_file_curves_with_the_swath(tmp_path):
    swath = placed("swath", GridGeoref(grid_points(11.5, 48.0), (600, 400)))
    lon, lat = swath.georef.to_lonlat([50.0, 550.0], [60.0, 330.0])
    path = write_shapes(tmp_path / "road.geojson", [shapely.LineString(np.stack([lon, lat], axis=1))], crs="EPSG:4326")
    found = read_context(swath, path, JobContext()).lines[0].xy
    share = np.linspace(0, 1, 500)
    truth = np.stack(
        swath.georef.from_lonlat(lon[0] + share * (lon[1] - lon[0]), lat[0] + share * (lat[1] - lat[0])), 1
    )
    assert shapely.distance(shapely.points(truth), shapely.LineString(found)).max() < 0.1


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(KINDS)), st.sampled_from([(11.5, 48.0), (179.99, -20.0), (-180.0, 60.0), (30.0, 89.95)]))
def test_the_box_of_a_scene_holds_its_places(kind, at):
    one = placed("scene", KINDS[kind](*at, "R"))
    lon, lat = one.georef.to_lonlat(*np.meshgrid(np.linspace(0, 600, 9), np.linspace(0, 400, 9)))
    boxes = ground_of(one).boxes
    for x, y in zip(np.ravel(lon), np.ravel(lat), strict=True):
        if np.isfinite(x) and np.isfinite(y):
            assert any(w <= x <= e and s <= y <= n for w, s, e, n in boxes), (x, y, boxes)


def test_lines_on_both_sides_of_the_antimeridian_are_found(tmp_path):
    one = placed("dateline", KINDS["gcps"](180.0, -20.0, "R"))
    shapes = [
        shapely.LineString([(179.99, -20.0), (179.995, -20.0)]),
        shapely.LineString([(-179.995, -20.0), (-179.99, -20.0)]),
    ]
    data = read_context(one, write_shapes(tmp_path / "d.gpkg", shapes, crs="EPSG:4326"), JobContext())
    assert len(data.names) == 2
    assert np.isfinite(data.lines[0].xy).all()
    assert np.ptp(data.lines[0].xy[:, 0]) < 400


def test_a_shapefile_without_its_system_is_refused_with_what_to_do(tmp_path):
    path = write_shapes(tmp_path / "coast.shp", [line((1, 1), (9, 9))])
    (tmp_path / "coast.prj").unlink()
    with pytest.raises(QueryError, match=r"coast\.shp has no reference system; put its \.prj file beside it"):
        read_context(scene(tmp_path), path, JobContext())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.gpkg", b"PK this is no GeoPackage", "cannot be read as a map"),
        ("x.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read as a map"),
        ("x.geojson", b"", "is empty"),
        ("x.mbtiles", b"not a database at all, but long enough", "is not an MBTiles file"),
        ("none.gpkg", None, "does not exist"),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(QueryError, match=words) as told:
        read_context(scene(tmp_path), path, JobContext())
    assert name in str(told.value) and str(told.value).count("\n") == 0


def test_a_file_without_features_is_refused(tmp_path):
    path = tmp_path / "none.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    with pytest.raises(QueryError, match="holds no"):
        read_context(scene(tmp_path), path, JobContext())


def test_a_scene_without_place_takes_no_context(tmp_path):
    path = write_shapes(tmp_path / "coast.gpkg", [line((1, 1), (9, 9))])
    with pytest.raises(QueryError, match="has no georeference"):
        read_context(scene(tmp_path, "plain.tif", place={}), path, JobContext())


def test_an_address_is_never_fetched(tmp_path):
    from pathlib import Path

    with pytest.raises(QueryError, match="is not a local file"):
        read_context(scene(tmp_path), Path("/vsicurl/https/example.org/coast.gpkg"), JobContext())


def test_reading_stops_when_it_is_cancelled(tmp_path):
    path = write_shapes(tmp_path / "coast.gpkg", [line((1, 1), (9, 9))])
    ctx = JobContext()
    ctx.cancel()
    with pytest.raises(JobCancelled):
        read_context(scene(tmp_path), path, ctx)


def test_the_index_gives_what_meets_the_view_and_joins_only_what_belongs_together():
    rng = np.random.default_rng(3)
    lines = [np.cumsum(rng.normal(size=(rng.integers(2, 400), 2)), axis=0) + rng.uniform(0, 2000, 2) for _ in range(60)]
    strokes = Strokes.of(lines, list(range(60)))
    xy, joined = strokes.within(500, 500, 900, 900)
    inside = np.concatenate(lines)
    inside = inside[((inside >= 500) & (inside <= 900)).all(axis=1)]
    assert {tuple(p) for p in inside} <= {tuple(p) for p in xy}
    assert len(joined) == len(xy) and not joined[-1]
    assert np.hypot(*np.diff(xy, axis=0)[joined[:-1]].T).max() < 8  # no bridge between pieces
    assert strokes.within(-100, -100, -50, -50)[0].shape == (0, 2)


def test_far_views_take_simpler_lines_that_stay_within_half_a_pixel():
    turn = np.linspace(0, 60 * np.pi, 30_000)
    spiral = np.stack([turn * 20 * np.cos(turn), turn * 20 * np.sin(turn)], axis=1)
    levels = stroke_levels([spiral], [0])
    assert len(levels) > 1
    far = level_for(levels, 32.0)
    assert far.tolerance_px <= 16 and len(far.xy) < len(spiral) / 5
    assert (
        shapely.hausdorff_distance(
            shapely.LineString(far.xy[np.concatenate([[True], np.any(np.diff(far.xy, axis=0), axis=1)])]),
            shapely.LineString(spiral),
        )
        < 17
    )
    assert level_for(levels, 0.1) is levels[0]
