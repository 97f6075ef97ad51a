"""Users' labels are read as they are meant, and what is wrong with a file is told with its name and line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import QueryError, SarvlmError, SceneError
from sarvlm_training.data.labelled import Mark, box_corners, shrunk
from sarvlm_training.data.read_geojson import read_geojson_places
from sarvlm_training.data.read_places import read_coco_places, read_dota_places, read_folders
from sarvlm_training.data.user_data import read_content
from sarvlm_training.data.user_sets import UserSet
from tests.training.user_files import (
    TRANSFORM,
    picture_with,
    save_png,
    write_captions,
    write_chips,
    write_coco,
    write_geojson,
    write_scene,
)

PLACE = st.floats(5, 250)


def rotated(col: float, row: float, length: float, width: float, angle: float) -> np.ndarray:
    along = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    across = np.array([-np.sin(angle), np.cos(angle)]) * width / 2
    middle = np.array([col, row])
    return np.array([middle + a * along + b * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))])


# ---- marks -----------------------------------------------------------------------------
@given(PLACE, PLACE, st.floats(4, 90), st.floats(2, 40), st.floats(-3.2, 3.2), st.floats(-9e5, 9e5))
def test_the_centre_of_a_box_is_its_centre(
    col: float, row: float, length: float, width: float, angle: float, far: float
) -> None:
    mark = Mark("ship", rotated(col + far, row - far, length, width, angle))
    assert mark.centre == pytest.approx((col + far, row - far), abs=1e-4)


def test_the_centre_of_an_outline_is_that_of_its_area() -> None:
    corner = np.array([(0, 0), (4, 0), (4, 2), (2, 2), (2, 6), (0, 6)], float)  # 8 at (2, 1) and 8 at (1, 4)
    assert Mark("x", corner).centre == pytest.approx((1.5, 2.5))
    assert Mark("x", np.array([(3.0, 7.0)])).centre == (3.0, 7.0)
    assert Mark("x", np.array([(0.0, 0.0), (4.0, 4.0)])).centre == (2.0, 2.0)
    assert shrunk(box_corners(10, 20, 40, 20), 0.5).tolist() == [[20, 25], [40, 25], [40, 35], [20, 35]]


# ---- COCO ------------------------------------------------------------------------------
def test_coco_boxes_outlines_and_crowds(tmp_path: Path) -> None:
    path = write_coco(tmp_path, [[("ship", (10, 20, 30, 8))], []])
    content = json.loads(path.read_text())
    turned = rotated(100, 90, 40, 10, 0.4).ravel().tolist()
    content["annotations"] += [
        {"id": 7, "image_id": 2, "category_id": 1, "bbox": [80, 70, 40, 40], "segmentation": [turned[:6], turned]},
        {
            "id": 8,
            "image_id": 2,
            "category_id": 1,
            "bbox": [0, 0, 50, 50],
            "iscrowd": 1,
            "segmentation": {"counts": []},
        },
        {"id": 9, "image_id": 2, "category_id": 1, "bbox": [5, 5, 0, 3]},
    ]
    path.write_text(json.dumps(content))
    first, second = read_coco_places(path, tmp_path)
    assert first.marks[0].outline.tolist() == box_corners(10, 20, 30, 8).tolist()
    assert second.marks[0].outline.ravel().tolist() == turned and second.marks[0].centre == pytest.approx((100, 90))
    assert [mark.unsure for mark in second.marks] == [False, True]


# ---- DOTA ------------------------------------------------------------------------------
@settings(max_examples=30)
@given(
    st.lists(st.tuples(PLACE, PLACE, st.floats(4, 60), st.sampled_from(["ship", "storage-tank", "large vehicle"]),
                       st.sampled_from(["", " 0", " 1", " 2"])), max_size=5), st.booleans()
)  # fmt: skip
def test_dota_files_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[float, float, float, str, str]], head: bool
) -> None:
    folder = tmp_path_factory.mktemp("dota")
    save_png(folder / "images/p.png", picture_with([]))
    corners = [rotated(col, row, length, 6, length) for col, row, length, _, _ in boxes]
    lines = [
        f"{' '.join(f'{v:.3f}' for v in c.ravel())} {label}{mark}"
        for c, (*_, label, mark) in zip(corners, boxes, strict=True)
    ]
    (folder / "labelTxt").mkdir()
    text = "imagesource:GoogleEarth\ngsd:0.75\n" if head else ""
    (folder / "labelTxt/p.txt").write_text(text + "\n".join(lines) + "\n")
    (found,) = read_content(UserSet("dota", folder)).places
    assert found.spacing_m == (0.75 if head else 0.0) and len(found.marks) == len(boxes)
    for mark, c, (*_, label, hard) in zip(found.marks, corners, boxes, strict=True):
        assert (mark.label, mark.unsure) == (label, hard.strip() in ("1", "2"))
        np.testing.assert_allclose(mark.outline, c, atol=1e-3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1 2 3 4 5 6 7 ship 0", "line 2 is not “x1 y1"),
        ("1 2 3 4 5 6 7 eight ship 0", "line 2 is not"),
        ("1 2 3 4 5 6 7 nan ship 0", "line 2 is not"),
        ("1 2 3 4 5 6 7 8", "line 2 is not"),
    ],
)
def test_a_line_that_is_no_dota_is_told(tmp_path: Path, line: str, told: str) -> None:
    save_png(tmp_path / "p.png", picture_with([]))
    (tmp_path / "p.txt").write_text(f"gsd:null\n{line}\n")
    with pytest.raises(QueryError, match=r"p\.txt") as fault:
        read_dota_places(tmp_path, tmp_path)
    assert told in str(fault.value)


def test_a_picture_without_a_dota_file_is_told(tmp_path: Path) -> None:
    save_png(tmp_path / "p.png", picture_with([]))
    with pytest.raises(QueryError, match=r"p\.txt cannot be read .* an empty one where it shows nothing"):
        read_dota_places(tmp_path, tmp_path)
    with pytest.raises(SceneError, match="holds no pictures"):
        read_dota_places(tmp_path, (tmp_path / "empty").mkdir() or tmp_path / "empty")


# ---- GeoJSON ---------------------------------------------------------------------------
def to_map(outline: np.ndarray) -> list[list[float]]:
    return [[TRANSFORM.c + TRANSFORM.a * col, TRANSFORM.f + TRANSFORM.e * row] for col, row in outline.tolist()]


def to_lonlat(scene: Path, outline: np.ndarray) -> list[list[float]]:
    georef = open_scene(scene).georef
    assert georef is not None
    return np.stack(georef.to_lonlat(*outline.T), axis=1).tolist()


@settings(max_examples=20)
@given(
    PLACE, PLACE, st.floats(4, 60), st.floats(2, 20), st.floats(-3, 3), st.sampled_from(["lonlat", "scene", "named"])
)
def test_polygons_on_the_ground_come_back_in_pixels(
    tmp_path_factory: pytest.TempPathFactory,
    col: float,
    row: float,
    length: float,
    width: float,
    angle: float,
    system: str,
) -> None:
    folder = tmp_path_factory.mktemp("geo")
    scene = write_scene(folder / "s.tif", picture_with([]))
    outline = rotated(col, row, length, width, angle)
    ring = to_lonlat(scene, outline) if system == "lonlat" else to_map(outline)
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]], ring[:3]]}
    crs = "urn:ogc:def:crs:EPSG::32611" if system == "named" else None
    file = write_geojson(folder / "s.labels.geojson", [({"label": "ship"}, polygon)], crs)
    (found,) = read_geojson_places(file, folder, "label")
    assert found.path == scene and found.marks[0].label == "ship"
    np.testing.assert_allclose(found.marks[0].outline, outline, atol=1e-4)


def test_points_and_parts_are_marks_and_what_lies_outside_is_left_out(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", picture_with([]))
    square = box_corners(40, 50, 20, 10)
    rings = [to_map(square), to_map(square + 100), to_map(square + 5000)]
    features = [
        ({"kind": "pier"}, {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}),
        ({"kind": "buoy"}, {"type": "Point", "coordinates": to_map(np.array([(30.0, 60.0)]))[0]}),
        ({"kind": "buoy"}, {"type": "MultiPoint", "coordinates": to_map(square)}),
        ({"kind": "buoy"}, None),
    ]
    write_geojson(tmp_path / "s.geojson", features)
    content = read_content(UserSet("geojson", tmp_path, label="kind"))
    (found,) = content.places
    assert found.path == scene and [mark.label for mark in found.marks] == ["pier"] * 2 + ["buoy"] * 5
    assert found.marks[2].outline == pytest.approx(np.array([(30.0, 60.0)])) and content.classes == ["buoy", "pier"]


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ([({"name": "ship"}, {"type": "Point", "coordinates": [-118.1, 33.7]})], "feature 1 has no property 'label'"),
        ([({"label": 3}, {"type": "Point", "coordinates": [-118.1, 33.7]})], "feature 1 has no property 'label'"),
        (
            [({"label": "ship"}, {"type": "LineString", "coordinates": [[0, 0], [1, 1]]})],
            "is a LineString; use polygons",
        ),
        ([({"label": "ship"}, {"type": "Polygon", "coordinates": []})], "has a Polygon without coordinates"),
        ([({"label": "ship"}, {"type": "Point", "coordinates": ["a", "b"]})], "coordinates that are no numbers"),
        ([({"label": "ship"}, {"type": "Point", "coordinates": [3.0]})], "coordinates that are no pairs"),
        ([({"label": "ship"}, {"type": "Point", "coordinates": [10.0, 50.0]})], "None of the 1 features"),
    ],
)
def test_features_that_cannot_be_used_are_told(tmp_path: Path, features: list, told: str) -> None:
    write_scene(tmp_path / "s.tif", picture_with([]))
    file = write_geojson(tmp_path / "s.geojson", features)
    with pytest.raises(QueryError) as fault:
        read_geojson_places(file, tmp_path, "label")
    assert told in str(fault.value) and "s.geojson" in str(fault.value)


def test_scenes_that_cannot_be_laid_under_labels_are_told(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    file = write_geojson(tmp_path / "s.geojson", [])
    with pytest.raises(SceneError, match=r"holds no scene for .*s\.geojson; name both alike"):
        read_geojson_places(file, tmp_path, "label")
    save_png(tmp_path / "s.png", picture_with([]))
    with pytest.raises(SceneError, match="has no georeference"):
        read_geojson_places(file, tmp_path, "label")
    scene = write_scene(tmp_path / "t.tif", picture_with([]))
    file.write_text("[1, 2]")
    with pytest.raises(QueryError, match="no GeoJSON FeatureCollection"):
        read_geojson_places(file, scene, "label")
    write_geojson(file, [({"label": "a"}, {"type": "Point", "coordinates": [1, 2]})], "EPSG:999999")
    with pytest.raises(QueryError, match="'EPSG:999999' is not known"):
        read_geojson_places(file, scene, "label")
    with pytest.raises(QueryError, match="holds no GeoJSON file"):
        read_geojson_places((tmp_path / "none").mkdir() or tmp_path / "none", scene, "label")


def test_the_demo_scene_of_the_program_reads_with_its_truth(tmp_path: Path) -> None:
    from sarvlm_app.core.simulate import SimulationSpec, simulate_scene, write_geotiff, write_truth

    scene = simulate_scene(SimulationSpec(256, 256, 5.0, "harbour", 3.0, -24.0, "right", 3))
    write_geotiff(scene, tmp_path / "demo.tif")
    write_truth(scene, tmp_path / "demo.truth.geojson")
    (found,) = read_content(UserSet("geojson", tmp_path)).places
    assert len(found.marks) == len(scene.objects) > 3
    for mark, thing in zip(found.marks, scene.objects, strict=True):
        assert mark.label == thing.label
        assert mark.centre == pytest.approx(Mark("", thing.polygon_px).centre, abs=0.02)


# ---- folders and captions -----------------------------------------------------------------
def test_folders_are_classes(tmp_path: Path) -> None:
    write_chips(tmp_path, ["ferry", "tug boat"], count=2)
    assert [(p.name, label) for p, label in read_folders(tmp_path)] == [
        ("0.png", "ferry"), ("1.png", "ferry"), ("0.png", "tug boat"), ("1.png", "tug boat")
    ]  # fmt: skip
    (tmp_path / "empty").mkdir()
    with pytest.raises(SceneError, match="empty holds no pictures"):
        list(read_folders(tmp_path))
    for wrong in (tmp_path / "ferry", tmp_path / "nowhere"):
        with pytest.raises(SceneError, match="holds no folders"):
            list(read_folders(wrong))


@pytest.mark.parametrize(
    ("rows", "columns", "told"),
    [
        ([("a.png", "two ships")], ("path", "text"), "needs the columns imgpath and caption, but has path, text"),
        ([("a.png", "two ships"), ("a.png", " ")], ("imgpath", "caption"), "has an empty caption in line 3"),
        ([("a.png", "two ships"), ("", "one")], ("imgpath", "caption"), "has an empty imgpath in line 3"),
        ([], ("imgpath", "caption"), "has no rows"),
    ],
)
def test_a_table_of_captions_that_cannot_be_used_is_told(
    tmp_path: Path, rows: list[tuple[str, str]], columns: tuple[str, str], told: str
) -> None:
    path = write_captions(tmp_path, rows, columns)
    with pytest.raises(QueryError, match=r"captions\.csv") as fault:
        read_content(UserSet("captions", path))
    assert told in str(fault.value)


def test_pictures_of_a_table_that_are_missing_are_told(tmp_path: Path) -> None:
    path = write_captions(tmp_path, [("a.png", "two ships"), ("b.png", "a pier")])
    (tmp_path / "b.png").unlink()
    with pytest.raises(SceneError, match=r"b\.png is not there \(1 of the 2 pictures"):
        read_content(UserSet("captions", path))


def test_captions_in_the_form_of_coco(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", picture_with([]))
    path = tmp_path / "captions.json"
    good = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [
        {"image_id": 1, "caption": " two ships "}, {"image_id": 1, "caption": "ships"}]}  # fmt: skip
    path.write_text(json.dumps(good))
    assert read_content(UserSet("captions", path)).captions == {tmp_path / "a.png": ("two ships", "ships")}
    wrong: list[tuple[object, str]] = [
        ({"images": []}, "no COCO captions file"),
        ({"images": [], "annotations": []}, "has no captions"),
        (good | {"annotations": [{"image_id": 2, "caption": "x"}]}, "lacks something"),
        (good | {"annotations": [{"image_id": 1, "caption": ""}]}, "has an empty caption of"),
        (good | {"images": [{"id": 1, "file_name": "b.png"}]}, "b.png is not there"),
    ]
    for content, told in wrong:
        path.write_text(json.dumps(content))
        with pytest.raises(SarvlmError) as fault:
            read_content(UserSet("captions", path))
        assert told in str(fault.value)


def test_texts_of_json_and_of_lines(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps([{"id": 1, "Terrain": "hilly", "more": ["steep slopes"]}]))
    (tmp_path / "t.txt").write_text("one line\nanother\n")
    assert list(read_content(UserSet("wording", tmp_path / "t.json")).wording) == ["hilly", "steep slopes"]
    assert list(read_content(UserSet("wording", tmp_path / "t.txt")).wording) == ["one line", "another"]
    with pytest.raises(QueryError, match="cannot be read as text"):
        read_content(UserSet("wording", tmp_path / "no.txt"))
