"""Detections in files of other programs: each is read back by its own kind of reader."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from pycocotools import mask
from pycocotools.coco import COCO

from sarvlm_app.core.boxes import bbox_of, corners_from, quad_areas
from sarvlm_app.core.export.detections import FORMATS, NEED_PLACE, require_format, write_detections
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Detections
from tests.core.export_answers import degree_georef, gcp_georef, make_scene, utm_georef

MODEL, SHA = "spotter@0123456789ab", "ab" * 32
KML = {"k": "http://www.opengis.net/kml/2.2"}


def found(corners: np.ndarray | None = None, names: tuple[str, ...] = ("ship", "fishing boat")) -> Detections:
    corners = corners_from([100, 300], [200, 150], [40, 12], [8, 5], [0.4, 2.0]) if corners is None else corners
    n = len(corners)
    scores = np.linspace(0.9, 0.6, n, dtype=np.float32)
    boxes = corners.astype(np.float32)
    return Detections(boxes, bbox_of(boxes), scores, np.arange(n, dtype=np.int32) % len(names), names, MODEL)


SCENES = {
    "utm": make_scene(georef=utm_georef()),
    "ground control": make_scene(georef=gcp_georef(640, 400)),
    "pixels": make_scene(georef=None, simulated=True),
}


def written(tmp_path: Path, scene, ending: str, **options) -> Path:
    path = tmp_path / f"boxes{ending}"
    write_detections(found(), scene, path, SHA, **options)
    return path


@pytest.mark.parametrize("ending", [".geojson", ".gpkg"])
@pytest.mark.parametrize("name", ["utm", "ground control"])
def test_other_programs_open_the_boxes_at_the_right_place(tmp_path, name, ending):
    scene = SCENES[name]
    path = written(tmp_path, scene, ending)
    meta, _, shapes, fields = pyogrio.raw.read(path)
    columns = dict(zip(meta["fields"], fields, strict=True))
    assert meta["crs"] == "EPSG:4326" and meta["geometry_type"] == "Polygon"
    outline = shapely.get_coordinates(shapely.from_wkb(shapes)[0])
    cols, rows = scene.georef.from_lonlat(*outline.T)
    back = shapely.Polygon(np.stack([cols, rows], axis=1))
    assert back.symmetric_difference(shapely.Polygon(found().corners_px[0])).area < 0.5
    lon, lat = scene.georef.to_lonlat(100, 200)
    assert (columns["lon"][0], columns["lat"][0]) == pytest.approx((float(lon), float(lat)), abs=1e-6)
    assert columns["label"].tolist() == ["ship", "fishing boat"] and columns["score"][1] == pytest.approx(0.6)
    assert columns["length_m"][0] > 300 > columns["width_m"][0] and 0 <= columns["heading_deg"][0] < 180
    assert columns["model"][0] == MODEL and columns["weights_sha256"][0] == SHA
    assert not columns["simulated"].any() and str(columns["time"][0]).startswith("2020-11-07")
    told = columns["polygon_px"][0]
    assert np.allclose(json.loads(told) if isinstance(told, str) else told, found().corners_px[0], atol=1e-3)


def test_geojson_without_georeference_says_that_it_holds_pixels(tmp_path):
    content = json.loads(written(tmp_path, SCENES["pixels"], ".geojson").read_text(encoding="utf-8"))
    assert content["coordinates_are"] == "pixels" and content["simulated"] is True
    first = content["features"][0]
    ring = first["geometry"]["coordinates"][0]
    assert len(ring) == 5 and np.allclose(sorted(ring[:4]), sorted(found().corners_px[0].tolist()), atol=1e-3)
    told = first["properties"]
    assert told["lon"] is told["length_m"] is told["heading_deg"] is None
    assert told["bbox_px"] == pytest.approx(found().bbox_px[0].tolist(), abs=1e-3)
    assert told["weights_sha256"] == SHA


@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".kml"])
def test_a_box_across_the_antimeridian_is_cut_there(tmp_path, ending):
    scene = make_scene(georef=degree_georef(179.9, -17.0))
    path = tmp_path / f"b{ending}"
    write_detections(found(), scene, path)  # the first box lies about column 100, which is the antimeridian
    shapes = pyogrio.raw.read(path, layer=0)[2]
    shape = shapely.from_wkb(shapes[0])
    assert shape.geom_type in ("MultiPolygon", "GeometryCollection") and len(shape.geoms) == 2
    west, _, east, _ = shape.bounds
    assert (west, east) == pytest.approx((-180, 180)) and shape.area == pytest.approx(40 * 8 * 1e-6, rel=0.01)


def test_kml_has_a_style_for_each_class_and_tells_all(tmp_path):
    boxes = found(names=("ship & boat", "fishing <boat>"))
    path = tmp_path / "b.kml"
    write_detections(boxes, SCENES["utm"], path, SHA, {"checked": [True, None]})
    root = ET.parse(path).getroot()
    styles = [style.get("id") for style in root.iterfind(".//k:Style", KML)]
    marks = root.findall(".//k:Placemark", KML)
    assert [mark.findtext("k:styleUrl", namespaces=KML) for mark in marks] == [f"#{style}" for style in styles]
    assert marks[1].findtext("k:name", namespaces=KML) == "fishing <boat> 0.60"
    data = {d.get("name"): d.findtext("k:value", namespaces=KML) for d in marks[0].iterfind(".//k:Data", KML)}
    assert data["model"] == MODEL and data["simulated"] == "False" and data["checked"] == "True"
    assert "checked" not in {d.get("name") for d in marks[1].iterfind(".//k:Data", KML)}
    numbers = marks[0].findtext(".//k:coordinates", namespaces=KML).split()
    lon, lat = SCENES["utm"].georef.to_lonlat(*found().corners_px[0].T)
    assert len(numbers) == 5 and numbers[0] == numbers[-1]
    assert min(float(n.split(",")[0]) for n in numbers) == pytest.approx(lon.min(), abs=1e-6)
    assert max(float(n.split(",")[1]) for n in numbers) == pytest.approx(lat.max(), abs=1e-6)


@pytest.mark.parametrize("name", SCENES)
def test_csv_tells_the_same_in_columns(tmp_path, name):
    with written(tmp_path, SCENES[name], ".csv", extra={"note": ["a, b", None]}).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["label"] == "fishing boat" and rows[0]["note"] == "a, b"
    corners = [[float(rows[0][f"{axis}{k}"]) for axis in "xy"] for k in (1, 2, 3, 4)]
    assert np.allclose(corners, found().corners_px[0], atol=1e-3)
    shape = shapely.from_wkt(rows[0]["wkt"])
    assert shape.is_valid and rows[0]["coordinates"] == ("pixels" if name == "pixels" else "EPSG:4326")
    assert (rows[0]["lon"] == "") == (name == "pixels")
    empty = tmp_path / "none.csv"
    write_detections(Detections.empty(("ship",), MODEL), SCENES[name], empty)
    head = empty.read_text(encoding="utf-8").splitlines()
    assert len(head) == 1 and head[0].split(",") == [key for key in rows[0] if key != "note"]


def test_coco_is_read_by_pycocotools(tmp_path, capsys):
    scene = SCENES["pixels"]
    coco = COCO(written(tmp_path, scene, ".coco.json"))
    assert coco.imgs[1]["file_name"] == "scene.tif" and (coco.imgs[1]["width"], coco.imgs[1]["height"]) == (640, 400)
    boxes = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    assert [coco.cats[box["category_id"]]["name"] for box in boxes] == ["ship", "fishing boat"]
    assert boxes[0]["area"] == pytest.approx(float(quad_areas(found().corners_px)[0]), abs=0.01)
    assert boxes[0]["bbox"] == pytest.approx(found().bbox_px[0].tolist(), abs=1e-3)
    assert mask.area(coco.annToRLE(boxes[0])) == pytest.approx(320, rel=0.05)
    assert coco.dataset["info"]["simulated"] is True and boxes[0]["heading_deg"] is None
    capsys.readouterr()


def test_dota_has_eight_coordinates_a_class_without_blanks_and_the_spacing(tmp_path):
    lines = written(tmp_path, SCENES["utm"], ".dota.txt").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["imagesource:scene", "gsd:10"]
    cells = lines[3].split()
    assert cells[8:] == ["fishing-boat", "0", "0.6"]
    assert np.allclose(np.array(cells[:8], float).reshape(4, 2), found().corners_px[1], atol=1e-3)
    plain = written(tmp_path, SCENES["pixels"], ".dota.txt").read_text(encoding="utf-8").splitlines()
    assert plain[:2] == ["imagesource:scene (simulated)", "gsd:null"]


@pytest.mark.parametrize("ending", NEED_PLACE)
def test_without_georeference_formats_of_places_are_refused_and_others_named(tmp_path, ending):
    with pytest.raises(StorageError, match=r"has no georeference; choose .geojson, .csv, .coco.json or .dota.txt"):
        write_detections(found(), SCENES["pixels"], tmp_path / f"b{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["boxes.shp", "boxes.json", "boxes", ".geojson", "boxes.txt"])
def test_another_ending_is_refused(name):
    with pytest.raises(StorageError, match=r"written as .geojson, .gpkg"):
        require_format(Path(name), SCENES["utm"])
    assert require_format(Path("A.Coco.JSON"), SCENES["pixels"]) == ".coco.json"


@pytest.mark.parametrize("ending", FORMATS)
def test_no_boxes_make_a_file_too_and_an_old_one_is_replaced(tmp_path, ending):
    path = tmp_path / f"b{ending}"
    path.write_text("old")
    write_detections(Detections.empty(("ship",), MODEL), SCENES["utm"], path, SHA)
    assert path.stat().st_size > 4 and [p.name for p in tmp_path.iterdir()] == [path.name]
    if ending in (".geojson", ".gpkg"):
        assert pyogrio.read_info(path)["features"] == 0


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, ending):
    with pytest.raises(StorageError, match="its folder does not exist"):
        write_detections(found(), SCENES["utm"], tmp_path / "no" / f"b{ending}")


@pytest.mark.parametrize("ending", FORMATS)
def test_a_box_off_the_map_keeps_its_pixels(tmp_path, ending):
    far = np.concatenate([found().corners_px, corners_from(1e12, 0, 4e5, 2e5, 0)])
    path = tmp_path / f"b{ending}"
    write_detections(found(far.astype(np.float32)), SCENES["utm"], path)
    assert "NaN" not in path.read_text(encoding="utf-8", errors="replace") or ending == ".gpkg"
    if ending in (".geojson", ".gpkg"):
        shapes = pyogrio.raw.read(path)[2]
        assert [shape is None for shape in shapes] == [False, False, True]


def test_a_column_of_another_length_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="expected 2 values of 'note', got 1"):
        written(tmp_path, SCENES["utm"], ".csv", extra={"note": ["x"]})
