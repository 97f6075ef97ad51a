"""`sarvlm detect`: boxes as a script is promised them, with a detector of a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.core.blob_detector import BlobDetector, add_hull, sea
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

Run = Any


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> BlobDetector:
    found = BlobDetector()
    monkeypatch.setattr("sarvlm_models.registry.load_detector", lambda *_: found)
    return found


def harbour(path: Path, **more: Any) -> Path:
    pixels = sea(300, 300)
    for place, angle in (((60, 70), 0.0), ((200, 210), 0.9)):
        add_hull(pixels, *place, 50, 12, angle)
    return write_tif(path, pixels, tags={"UNITS": "amplitude"}, **more)


def test_boxes_have_place_size_and_heading(sarvlm: Run, detector: BlobDetector, tmp_path: Path) -> None:
    scene = harbour(tmp_path / "a.tif", transform=TRANSFORM, crs=UTM33)
    found = sarvlm("detect", scene, "--json", "--out", tmp_path / "ships.geojson").json
    assert found["model"] == "blob@000000000000" and found["n"] == 2 and found["rotated"] is True
    east_west = min(found["detections"], key=lambda one: one["polygon_px"][0][0])
    assert east_west["label"] == "ship" and len(east_west["polygon_px"]) == 4 and len(east_west["bbox_px"]) == 4
    assert east_west["length_m"] == pytest.approx(500, rel=0.05) and east_west["width_m"] == pytest.approx(120, rel=0.1)
    assert east_west["heading_deg"] == pytest.approx(90, abs=2) and -180 <= east_west["lon"] <= 180
    written = json.loads((tmp_path / "ships.geojson").read_text())
    assert len(written["features"]) == 2 and written["features"][0]["properties"]["label"] == "ship"


def test_several_scenes_go_into_files_of_their_names(sarvlm: Run, detector: BlobDetector, tmp_path: Path) -> None:
    scenes = [harbour(tmp_path / f"{name}.tif", transform=TRANSFORM, crs=UTM33) for name in ("monday", "tuesday")]
    found = sarvlm("detect", *scenes, "--out", tmp_path / "ships.csv", "--json").json
    assert [Path(one["out"]).name for one in found["scenes"]] == ["ships-monday.csv", "ships-tuesday.csv"]
    assert {Path(one["scene"]).name for one in found["detections"]} == {"monday.tif", "tuesday.tif"}
    assert all((tmp_path / f"ships-{name}.csv").is_file() for name in ("monday", "tuesday"))


def test_words_of_ones_own_name_the_boxes(sarvlm: Run, detector: BlobDetector, tmp_path: Path) -> None:
    scene = harbour(tmp_path / "a.tif", transform=TRANSFORM, crs=UTM33)
    found = sarvlm("detect", scene, "--text", "a ferry", "--json").json
    assert {one["label"] for one in found["detections"]} == {"a ferry"}


def test_without_georeference_boxes_are_pixels_and_the_notes_say_so(
    sarvlm: Run, detector: BlobDetector, tmp_path: Path
) -> None:
    ran = sarvlm("detect", harbour(tmp_path / "a.tif"), "--upright", "--json")
    one = ran.json["detections"][0]
    assert one["lon"] is None and one["length_m"] is None and len(ran.json["notes"]) == 2
    assert "no georeference" in ran.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--classes", "submarine"), "no class “submarine” (it has ship, lorry)"),
        (("--out", "ships.shp"), "written as .geojson"),
        (("--out", "ships.kml"), "has no georeference"),
        (("--window", "900,900,10,10"), "lies outside"),
        (("--text", ""), "empty"),
    ],
)
def test_bad_input_gets_a_sentence(
    sarvlm: Run, detector: BlobDetector, tmp_path: Path, words: tuple[str, str], sentence: str
) -> None:
    option, value = words
    given = tmp_path / value if option == "--out" else value
    ran = sarvlm("detect", harbour(tmp_path / "a.tif"), option, given)
    assert ran.code == 1 and sentence.casefold() in ran.err.casefold() and "Traceback" not in ran.err


def test_an_empty_sea_holds_no_boxes(sarvlm: Run, detector: BlobDetector, tmp_path: Path) -> None:
    scene = write_tif(tmp_path / "a.tif", sea(120, 120) + np.float32(0.5), tags={"UNITS": "amplitude"})
    ran = sarvlm("detect", scene, "--json")
    assert ran.code == 0 and ran.json["detections"] == []
