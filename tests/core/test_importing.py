"""Boxes of other programs: there and back by our own files, and every fault as a sentence or a note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import bbox_of, corners_from, in_order, polygon_iou
from sarvlm_app.core.export.detections import write_detections
from sarvlm_app.core.importing import detections as importing
from sarvlm_app.core.importing import read_detections, read_detections_noted
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Detections
from tests.core.export_answers import degree_georef, gcp_georef, make_scene, utm_georef

SCENES = {
    "utm": make_scene(georef=utm_georef()),
    "ground control": make_scene(georef=gcp_georef(640, 400)),
    "antimeridian": make_scene(georef=degree_georef(179.9, -17.0, 5e-4)),
    "pixels": make_scene(georef=None),
}
PLAIN = SCENES["pixels"]
NAMES = ("ship", "fishing boat", "Schlepper “Ärmel”")


@st.composite
def some_detections(draw: Any) -> Detections:
    """Boxes with their middle in the scene of 640 x 400 px."""
    n = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = rng.uniform(4, 90, n)
    corners = corners_from(
        rng.uniform(5, 635, n),
        rng.uniform(5, 395, n),
        length,
        length * rng.uniform(0.1, 0.95, n),
        rng.uniform(0, 3.14, n),
    ).astype(np.float32)
    extents = bbox_of(corners) + rng.uniform(0, 1, (n, 4)).astype(np.float32)
    ids = rng.integers(0, len(NAMES), n).astype(np.int32)
    return Detections(in_order(corners), extents, rng.random(n, dtype=np.float32), ids, NAMES, "spotter@0123456789ab")


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("ending", [".geojson", ".coco.json", ".dota.txt"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=some_detections())
def test_what_was_written_is_read_again(tmp_path, name, ending, found):
    path = tmp_path / f"boxes{ending}"
    write_detections(found, SCENES[name], path)
    back = read_detections_noted(path, SCENES[name])
    assert back.detections.model_id == path.name
    labels = found.labels() if ending != ".dota.txt" else ["-".join(label.split()) for label in found.labels()]
    assert back.detections.labels() == labels and back.notes == ()
    assert np.allclose(back.detections.scores, found.scores, atol=1e-6)
    assert np.allclose(back.detections.corners_px, found.corners_px, atol=0.02)
    if ending != ".dota.txt":
        assert np.allclose(back.detections.bbox_px, found.bbox_px, atol=0.002)


@pytest.mark.parametrize("name", ["utm", "ground control", "antimeridian"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=some_detections())
def test_geojson_of_another_program_lies_where_its_degrees_say(tmp_path, name, found):
    path = tmp_path / "boxes.geojson"
    write_detections(found, SCENES[name], path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for feature in content["features"]:
        feature["properties"] = {"class": feature["properties"]["label"], "confidence": feature["properties"]["score"]}
    back = read_detections(put(tmp_path / "other.json", content), SCENES[name])
    assert back.labels() == found.labels()
    assert polygon_iou(back.corners_px, found.corners_px).min() > 0.97


def put(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def coco(*annotations: dict[str, Any], name: str = "scene.tif", size: tuple[int, int] = (640, 400)) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": name, "width": size[0], "height": size[1]}],
        "categories": [{"id": 1, "name": "ship"}],
        "annotations": [{"image_id": 7, "category_id": 1, "score": 0.5, **entry} for entry in annotations],
    }


BOX = {"bbox": [10, 20, 30, 8]}


def noted(tmp_path: Path, content: object, scene=PLAIN, name: str = "b.json"):
    return read_detections_noted(put(tmp_path / name, content), scene)


def fault(tmp_path: Path, content: object, scene=PLAIN, name: str = "b.json") -> str:
    with pytest.raises(QueryError) as caught:
        noted(tmp_path, content, scene, name)
    text = str(caught.value)
    assert text.endswith(".") and str(tmp_path / name) in text and any(mark in text for mark in (";", ": "))
    return text


def test_coco_boxes_without_outlines_are_upright(tmp_path):
    back = noted(tmp_path, coco(BOX))
    assert back.detections.bbox_px[0].tolist() == [10, 20, 30, 8] and back.notes == ()
    assert back.detections.corners_px[0].tolist() == [[10, 20], [40, 20], [40, 28], [10, 28]]


@pytest.mark.parametrize("name", ["folder/scene.tif", "D:\\data\\SCENE.TIF", "scene.png", "scene"])
def test_the_image_is_found_by_its_name_wherever_it_lay(tmp_path, name):
    content = coco(BOX, name=name)
    content["images"].insert(0, {"id": 1, "file_name": "other.tif", "width": 9, "height": 9})
    content["annotations"].append({"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]})
    assert len(noted(tmp_path, content).detections) == 1


def test_an_image_of_another_name_or_size(tmp_path):
    assert "only image of the file" in noted(tmp_path, coco(BOX, name="crop.png")).notes[0]
    assert "none of scene.tif" in fault(tmp_path, coco(BOX, name="crop.png", size=(300, 300)))
    assert "300 x 300 px, but" in fault(tmp_path, coco(BOX, size=(300, 300)))
    two = coco(BOX, name="a.png")
    two["images"].append({"id": 8, "file_name": "c.png", "width": 640, "height": 400})
    assert "“a.png” and 1 more" in fault(tmp_path, two)


def test_lists_of_results(tmp_path):
    one = {"image_id": 3, "category_id": 2, "bbox": [10, 20, 30, 8], "score": 0.9}
    back = noted(tmp_path, [one])
    assert back.detections.labels() == ["class 2"]
    assert all(any(words in note for note in back.notes) for words in ("does not name the scene", "class 2"))
    assert "2 images (3, 4 ...)" in fault(tmp_path, [one, {**one, "image_id": 4}])
    named = noted(tmp_path, [{**one, "image_id": "scene"}, {**one, "image_id": "other"}])
    assert len(named.detections) == 1
    assert noted(tmp_path, [{**one, "category_name": "tug"}]).detections.labels() == ["tug"]
    assert len(noted(tmp_path, []).detections) == 0


def test_unknown_classes_missing_scores_and_crowds_are_noted(tmp_path):
    content = coco({**BOX, "category_id": 9, "score": None}, {**BOX, "iscrowd": 1}, BOX)
    back = noted(tmp_path, content)
    assert back.detections.labels() == ["class 9", "ship"] and back.detections.scores.tolist() == [1.0, 0.5]
    text = " ".join(back.notes)
    assert "does not name class 9" in text and "1 box that stand for a crowd" in text and "given the score 1" in text


def test_outlines_of_any_kind_become_boxes(tmp_path):
    bow_tie = [10, 10, 50, 30, 50, 10, 10, 30]
    many = [100, 100, 140, 100, 150, 110, 140, 120, 100, 120]
    crossing = [200, 100, 240, 140, 240, 100, 200, 140, 190, 120]
    arrow = [300, 100, 340, 120, 300, 140, 310, 120]
    triangle = [400, 100, 440, 100, 420, 130]
    closed = [500, 100, 540, 100, 540, 110, 500, 110, 500, 100]
    outlines = (bow_tie, many, crossing, arrow, triangle, closed)
    back = noted(tmp_path, coco(*({"segmentation": [outline]} for outline in outlines)))
    assert back.detections.bbox_px[0] == pytest.approx([10, 10, 40, 20], abs=1e-3)
    assert back.detections.bbox_px[1] == pytest.approx([100, 100, 50, 20], abs=1e-3)
    assert back.detections.bbox_px[5] == pytest.approx([500, 100, 40, 10])
    assert any(note.startswith("2 boxes with an outline that crosses itself") for note in back.notes)
    assert any(note.startswith("3 boxes with an outline that is no convex") for note in back.notes)
    parts = noted(
        tmp_path, coco({"segmentation": [[10, 10, 30, 10, 30, 20, 10, 20], [40, 10, 60, 10, 60, 20, 40, 20]]})
    )
    assert parts.detections.bbox_px[0] == pytest.approx([10, 10, 50, 10], abs=1e-3)
    masks = noted(tmp_path, coco({**BOX, "segmentation": {"counts": "abc", "size": [4, 4]}}))
    assert "mask instead of an outline" in masks.notes[0] and len(masks.detections) == 1


def test_what_is_no_box_is_left_out_and_counted(tmp_path):
    text = json.dumps(coco(BOX, {"bbox": [1, 2, 0, 5]}, {"bbox": [900, 900, 5, 5]}, {"bbox": [1, 2, -3, 5]}))
    text = text.replace("[900, 900, 5, 5]", "[NaN, 900, 5, 5]", 1)
    text = text.replace(
        '"annotations": [', '"annotations": [{"image_id": 7, "category_id": 1, "bbox": [900, 900, 5, 5]},'
    )
    back = noted(tmp_path, text)
    assert len(back.detections) == 1
    told = " ".join(back.notes)
    assert "1 box with coordinates that are no finite numbers left out." in told
    assert "2 boxes without area left out." in told and "1 box outside the scene left out." in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (coco({"bbox": [900, 900, 5, 5]}), "None of the 1 boxes"),
        (coco({"bbox": [0.1, 0.2, 0.3, 0.1]}), "shares of the picture (0 to 1)"),
        (coco({"bbox": [1, 2, 0, 0]}), "has an area"),
        (coco({"bbox": [1, 2, 3]}), "not [x, y, width, height]"),
        (coco({"bbox": [1, 2, 3, 4, 0.5]}), "not [x, y, width, height]"),
        (coco({"bbox": "none"}), "not [x, y, width, height]"),
        (coco({}), "not [x, y, width, height]"),
        (coco({**BOX, "score": -0.5}), "score of -0.5"),
        (coco({**BOX, "score": 1e6}), "score of 1e+06"),
        (coco({**BOX, "score": "good"}), "score that is no number"),
        ({"annotations": [1, 2]}, "no list of objects"),
        ([1, 2], "no list of objects"),
        ({"shapes": []}, "neither COCO nor GeoJSON"),
        ("[", "holds no JSON"),
        ("[" * 100_000, "holds no JSON"),
        ("", "is empty"),
        ("null", "neither COCO nor GeoJSON"),
    ],
)
def test_each_fault_of_a_coco_file_is_one_sentence(tmp_path, content, told):
    assert told in fault(tmp_path, content)


def test_scores_of_percent_are_understood(tmp_path):
    back = noted(tmp_path, coco({**BOX, "score": 87}, {**BOX, "score": 1}))
    assert back.detections.scores.tolist() == pytest.approx([0.87, 0.01]) and "percent" in back.notes[0]


def test_files_that_cannot_be_read_at_all(tmp_path, monkeypatch):
    for path, told in ((tmp_path / "no.json", "cannot be read"), (tmp_path, "is a folder")):
        with pytest.raises(QueryError, match=told):
            read_detections(path, PLAIN)
    assert "is no COCO (.json)" in fault(tmp_path, "x", name="boxes.shp")
    (tmp_path / "latin.txt").write_bytes(b"10 10 20 10 20 20 10 20 schl\xe4pper 0\n")
    with pytest.raises(QueryError, match="is no text"):
        read_detections(tmp_path / "latin.txt", PLAIN)
    monkeypatch.setattr(importing, "MOST_BYTES", 10)
    assert "too large" in fault(tmp_path, coco(BOX))


DOTA = "imagesource:GoogleEarth\ngsd:0.5\n10 10 50 10 50 20 10 20 large-vehicle 1\n\n60,60,90,60,90,70,60,70,ship,0\n"


def test_dota_labels(tmp_path):
    back = noted(tmp_path, DOTA, name="P1.txt")
    assert back.detections.labels() == ["large-vehicle", "ship"]
    assert back.detections.corners_px[0].tolist() == [[10, 10], [50, 10], [50, 20], [10, 20]]
    assert "given the score 1" in back.notes[0]
    assert len(noted(tmp_path, "", name="none.txt").detections) == 0


def test_dota_results_of_one_class(tmp_path):
    rows = "scene 0.9 10 10 50 10 50 20 10 20\nother 0.8 10 10 50 10 50 20 10 20\n"
    back = noted(tmp_path, rows, name="Task1_large-ship.txt")
    assert back.detections.labels() == ["large-ship"] and back.detections.scores[0] == pytest.approx(0.9)
    assert "2 images" in fault(tmp_path, rows.replace("scene", "third"), name="Task1_ship.txt")
    one = noted(tmp_path, rows.splitlines()[1], name="ship.txt")
    assert len(one.detections) == 1 and any("only image" in note for note in one.notes)
    assert "line 3" in fault(tmp_path, rows + "x y", name="b.txt")


@pytest.mark.parametrize(
    "line", ["1 2 3", "a b c d e f g h ship 0", "1 2 3 4 5 6 7 nan ship 0", "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8 "]
)
def test_a_wrong_line_of_dota_is_named(tmp_path, line):
    assert "line 3" in fault(tmp_path, f"imagesource:x\n10 10 50 10 50 20 10 20 ship 0\n{line}\n", name="b.txt")


def feature(coordinates: object, kind: str = "Polygon", **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def collection(*features: object, **members: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **members}


SQUARE = [[[10, 10], [50, 10], [50, 20], [10, 20], [10, 10]]]
PIXELS = {"coordinates_are": "pixels"}


def test_geojson_in_pixels(tmp_path):
    back = noted(tmp_path, collection(feature(SQUARE, label="ship", score=0.7), **PIXELS), name="b.geojson")
    assert back.detections.corners_px[0].tolist() == [[10, 10], [50, 10], [50, 20], [10, 20]]
    bare = noted(tmp_path, {**feature(SQUARE), **PIXELS}, name="b.geojson")
    assert bare.detections.labels() == ["object"] and len(bare.notes) == 2
    other = collection(feature(SQUARE), size_px=[300, 300], **PIXELS)
    assert "300 x 300 px, but" in fault(tmp_path, other, name="b.geojson")


def test_geojson_of_a_map_in_metres_is_understood(tmp_path):
    ring = [[380_100, 3_739_900], [380_500, 3_739_900], [380_500, 3_739_800], [380_100, 3_739_800]]
    back = noted(tmp_path, collection(feature([ring], label="ship", score=1)), SCENES["utm"], "b.geojson")
    assert back.detections.bbox_px[0] == pytest.approx([10, 10, 40, 10], abs=1e-3) and "EPSG:32611" in back.notes[0]
    named = {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32611"}}}
    again = noted(tmp_path, collection(feature([ring], label="ship"), **named), SCENES["utm"], "b.geojson")
    assert again.detections.bbox_px[0] == pytest.approx([10, 10, 40, 10], abs=1e-3)


@pytest.mark.parametrize(
    ("content", "scene", "told"),
    [
        (collection(feature(SQUARE)), "pixels", "has no georeference"),
        (collection(feature(SQUARE)), "utm", "None of the 1 boxes"),
        (collection(feature([[0, 0], [1, 1]], "LineString"), **PIXELS), "pixels", "is a LineString"),
        (collection(feature([5, 5], "Point"), **PIXELS), "pixels", "has an area"),
        (collection(feature([[[1, "a"], [2, 3], [4, 5]]]), **PIXELS), "pixels", "no numbers"),
        (collection(feature([]), **PIXELS), "pixels", "without coordinates"),
        (collection(3, **PIXELS), "pixels", "no GeoJSON feature"),
        (collection(feature(SQUARE, score="high"), **PIXELS), "pixels", "no number"),
        ({"type": "FeatureCollection"}, "utm", "no list of features"),
        (collection(feature(SQUARE), crs={"properties": {"name": "EPSG:0"}}), "utm", "not known"),
    ],
)
def test_each_fault_of_a_geojson_file_is_one_sentence(tmp_path, content, scene, told):
    assert told in fault(tmp_path, content, SCENES[scene], "b.geojson")


def test_features_without_a_place_are_passed_over(tmp_path):
    content = collection({"type": "Feature", "geometry": None, "properties": None}, feature(SQUARE), **PIXELS)
    assert len(noted(tmp_path, content, name="b.geojson").detections) == 1
    assert len(noted(tmp_path, collection(), SCENES["utm"], "b.geojson").detections) == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["images", "annotations", "bbox", "segmentation", "features", "geometry", "type", "coordinates"]
            )
            | st.sampled_from(
                ["properties", "id", "image_id", "category_id", "score", "coordinates_are", "crs", "size_px"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=json_values, kind=st.sampled_from(["bare", "coco", "geojson"]))
def test_no_json_whatever_ends_in_anything_but_boxes_or_a_sentence(tmp_path, content, kind):
    if kind == "coco":
        content = {"images": [{"id": 1, "file_name": "scene.tif"}], "annotations": [{"image_id": 1, "bbox": content}]}
    if kind == "geojson":
        content = {"type": "FeatureCollection", "features": [{"geometry": content}], **PIXELS}
    try:
        read_detections(put(tmp_path / "b.json", content), PLAIN)
    except QueryError as told:
        assert str(told).endswith(".")
