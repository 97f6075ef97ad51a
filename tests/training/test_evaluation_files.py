"""Files of evaluations: COCO boxes, words for classes, SeLo sets and maps, and sentences for what is wrong in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.evaluate.coco_boxes import read_coco, read_names
from sarvlm_training.evaluate.map_file import read_map
from sarvlm_training.evaluate.seloset import parse_regions, read_annotations, read_regions
from sarvlm_training.evaluate.sentinel_seloset import CAPTIONS, main, outlines
from tests.training.toy_encoder import grey_picture


def coco(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "1.png"}, {"id": "b", "file_name": "2.png"}],
        "categories": [{"id": 7, "name": "ship"}, {"id": 9, "name": "tank"}],
        "annotations": [
            {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "segmentation": [[0, 0, 4, 0, 4, 4]]},
            {"image_id": 1, "category_id": 9, "bbox": [1, 2, 3.5, 4], "iscrowd": 1, "segmentation": {"counts": "x"}},
        ],
    } | changes


@pytest.fixture
def write(tmp_path: Path) -> Any:
    for level in (1, 2):
        grey_picture(tmp_path / f"{level}.png", level)

    def to_file(content: object) -> Path:
        path = tmp_path / "c.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return to_file


def test_boxes_by_image(write: Any, tmp_path: Path) -> None:
    data = read_coco(write(coco()), tmp_path)
    first, second = data.images
    assert data.categories == {7: "ship", 9: "tank"} and (first.id, second.id, second.boxes) == ("1", "b", ())
    assert [(b.category, b.bbox, b.crowd) for b in first.boxes] == [
        (7, (1, 2, 3, 4), False),
        (9, (1, 2, 3.5, 4), True),
    ]
    assert first.boxes[0].polygons[0].tolist() == [[0, 0], [4, 0], [4, 4]] and first.boxes[1].polygons == ()


def note(**fields: Any) -> list[dict[str, Any]]:
    return [{"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]} | fields]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "holds no JSON"),
        ([], "no JSON object"),
        ({}, "no list “images”"),
        (coco(images={}), "no list “images”"),
        (coco(images=[]), "names no images"),
        (coco(categories=[]), "names no categories"),
        (coco(categories=[{"id": "x", "name": "ship"}]), "category without a usable “id”"),
        (coco(images=[{"id": 1}], annotations=[]), "image without a usable “file_name”"),
        (coco(annotations=note(category_id=8)), "category 8, which it does not name"),
        (coco(annotations=note(image_id=5)), "image 5, which it does not list"),
        (coco(annotations=note(bbox=[1, 2, 3])), "not \\[x, y, width, height\\]"),
        (coco(annotations=note(bbox=[1, 2, -3, 4])), "not \\[x, y, width, height\\]"),
        (coco(annotations=note(bbox=[1, 2, 3, None])), "not \\[x, y, width, height\\]"),
    ],
)
def test_wrong_boxes_get_a_sentence(write: Any, tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(QueryError, match=words) as fault:
        read_coco(write(content), tmp_path)
    assert "c.json" in str(fault.value) and str(fault.value).endswith(".")


def test_an_image_that_is_not_there_is_named(write: Any, tmp_path: Path) -> None:
    (tmp_path / "2.png").unlink()
    with pytest.raises(SceneError, match="2.png is not there"):
        read_coco(write(coco()), tmp_path)


def test_words_of_classes(write: Any) -> None:
    path = write({"ship": ["a vessel", "ship "], "plane": "aircraft"})
    assert read_names(path, ["ship", "tank"]) == {"ship": ("a vessel", "ship"), "tank": ("tank",)}
    assert read_names(None, ["ship"]) == {"ship": ("ship",)}
    with pytest.raises(QueryError, match="no JSON object"):
        read_names(write([1]), ["ship"])


def item(**fields: Any) -> list[dict[str, Any]]:
    return [{"jpg_name": "1.png", "caption": "a pier\n", "points": [[[0, 0], [9, 0], [9, 9]]]} | fields]


def test_items_of_a_selo_set(write: Any, tmp_path: Path) -> None:
    (found,) = read_annotations(write(item()), tmp_path)
    assert (found.image, found.caption) == (tmp_path / "1.png", "a pier")
    assert found.regions[0].tolist() == [[0, 0], [9, 0], [9, 9]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "no list of items"),
        ({}, "no list of items"),
        (["x"], "has no jpg_name or no caption"),
        (item(caption=" "), "has no jpg_name or no caption"),
        (item(points=[]), "has no regions"),
        (item(points=[[]]), "Region 1 of .* is no list of corners"),
        (item(points=[[[0, 0], [1]]]), "Region 1 of"),
        (item(points=[[[0, 0], [1e7, 3]]]), "Region 1 of"),
    ],
)
def test_wrong_items_get_a_sentence(write: Any, tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(QueryError, match=words) as fault:
        read_annotations(write(content), tmp_path)
    assert "c.json" in str(fault.value)


def test_an_item_without_its_image(write: Any, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="5.png is not there"):
        read_annotations(write(item(jpg_name="5.png")), tmp_path)


corner = st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)).map(list)


@settings(deadline=None)
@given(st.lists(st.lists(corner, min_size=1, max_size=6), min_size=1, max_size=4))
def test_regions_come_back_as_they_were_written(regions: list[list[list[float]]]) -> None:
    found = parse_regions(json.loads(json.dumps(regions)), "r.json")
    assert [region.tolist() for region in found] == regions


def test_regions_of_a_file(write: Any) -> None:
    assert read_regions(write([[[1, 2], [3, 4]]]))[0].tolist() == [[1, 2], [3, 4]]


def test_maps_are_eight_bit_grey(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "m.png")
    assert np.array_equal(read_map(tmp_path / "m.png"), grey)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "rgb.png")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    (tmp_path / "text.png").write_text("no map")
    (tmp_path / "cut.png").write_bytes((tmp_path / "m.png").read_bytes()[:300])
    for name, words in {
        "rgb.png": "no 8-bit grey", "deep.png": "no 8-bit grey", "text.png": "cannot be read as a picture",
        "cut.png": "cannot be read", "none.png": "is not there",
    }.items():  # fmt: skip
        with pytest.raises(SceneError, match=words) as fault:
            read_map(tmp_path / name)
        assert name in str(fault.value)


def test_touching_rectangles_become_one_region() -> None:
    from shapely.geometry import box

    (one,) = outlines([box(0, 0, 10, 10), box(10, 0, 20, 10)])
    assert sorted({tuple(point) for point in one} & {(0, 0), (20, 0), (20, 10), (0, 10)}) == [
        (0, 0), (0, 10), (20, 0), (20, 10),
    ]  # fmt: skip
    assert len(outlines([box(0, 0, 10, 10), box(30, 0, 40, 10)])) == 2 and outlines([]) == []


def test_the_sentinel_set_reads(tmp_path: Path, shared_data: Path) -> None:
    assert main([str(tmp_path / "s1.json")]) == 0
    items = read_annotations(tmp_path / "s1.json", shared_data)
    captions = {caption for pair in CAPTIONS.values() for caption in pair}
    assert len(items) > 40 and len({each.image for each in items}) >= 5
    assert any(each.caption in captions for each in items)
