"""Objects of whole scenes: once each, in the pixels of the scene, whatever the windows, spacing and interruptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine

from sarvlm_app.core.box_facts import box_facts
from sarvlm_app.core.boxes import polygon_iou, sides_px
from sarvlm_app.core.detection import Detected, Detecting, DetectionRequest
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import Scene, open_scene
from sarvlm_app.errors import JobCancelled, QueryError, SceneError
from sarvlm_models.types import StoredClass, Window
from tests.core.blob_detector import LORRY, SHIP, BlobDetector, add_hull, sea
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

STEP = 256 - 2 * 48
"""Pixels from one window to the next of the stand-in detector."""


class Bench:
    """A detector and its memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.detector = BlobDetector()
        self.detecting = Detecting(lambda: self.detector, folder / "cache")

    def scene(self, pixels: np.ndarray, name: str = "scene.tif", spacing_m: float | None = 10.0, **more: Any) -> Scene:
        if spacing_m is not None:
            place = TRANSFORM @ Affine.scale(spacing_m / 10.0)
            more = {"transform": place, "crs": UTM33, **more}
        return open_scene(write_tif(self.folder / name, pixels, tags={"UNITS": "amplitude"}, **more))

    def find(self, scene: Scene, ctx: JobContext | None = None, **how: Any) -> Detected:
        return self.detecting.detect(DetectionRequest(scene, 1, **how), ctx or JobContext())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def centres(found: Detected) -> list[tuple[int, int]]:
    return sorted((round(c), round(r)) for c, r in found.detections.corners_px.mean(axis=1).tolist())


def test_a_scene_of_unknown_spacing_is_looked_at_in_every_magnification(bench: Bench) -> None:
    """Objects on borders of windows are found once, at their place and size."""
    bench.detector.looks = (1.0, 1.25)
    pixels = sea(600, 600)
    border = 256 - 48
    places = [(border, 60), (60, border), (border, border), (400, 410)]
    for col, row in places:
        add_hull(pixels, col, row, 40, 10, 0.4)
    found = bench.find(bench.scene(pixels, "unknown.tif", spacing_m=None))
    assert centres(found) == sorted(places)
    assert np.allclose(sides_px(found.detections.corners_px)[0], 40, atol=2)
    looked = len(bench.detector.seen)
    bench.find(bench.scene(pixels, "known.tif"))
    assert len(bench.detector.seen) == looked + looked // 2


def test_an_object_on_a_border_of_windows_is_found_once(bench: Bench) -> None:
    """On the borders of what is kept, on corners of four windows, and where one window sees only its bow."""
    pixels = sea(600, 600)
    border = 256 - 48
    places = [
        (border, 60),
        (60, border),
        (border, border),
        (border + STEP, border),
        (border - 30, 400),
        (420, border + 20),
    ]
    for number, (col, row) in enumerate(places):
        add_hull(pixels, col, row, 60, 12, 0.5 * number)
    found = bench.find(bench.scene(pixels), classes=(SHIP,))
    assert centres(found) == sorted(places)
    assert found.complete and len(bench.detector.seen) > 4


def test_a_scene_turned_by_a_quarter_has_the_same_objects_with_headings_turned_by_90_degrees(bench: Bench) -> None:
    pixels = sea(400, 520)
    for col, row, angle in ((90, 80, 0.3), (300, 260, 1.2), (450, 120, -0.7)):
        add_hull(pixels, col, row, 70, 14, angle)
    scenes = bench.scene(pixels, "a.tif"), bench.scene(np.ascontiguousarray(np.rot90(pixels)), "b.tif")
    upright, turned = (bench.find(scene, classes=(SHIP,)) for scene in scenes)
    before, after = (box_facts(one.detections.corners_px, s) for one, s in zip((upright, turned), scenes, strict=True))
    # counter-clockwise on the screen: (col, row) goes to (row, width - col)
    moved = np.stack((upright.detections.corners_px[..., 1], 520 - upright.detections.corners_px[..., 0]), axis=-1)
    for i, outline in enumerate(moved):
        overlap = polygon_iou(np.repeat(outline[None], 3, axis=0), turned.detections.corners_px)
        j = int(overlap.argmax())
        assert overlap[j] > 0.9
        change = (after.heading_deg[j] - before.heading_deg[i] + 90.0) % 180.0
        assert min(change, 180.0 - change) < 1.0
        assert after.length_m[j] == pytest.approx(before.length_m[i], rel=0.02)


def test_pixels_finer_than_a_class_needs_are_averaged_and_boxes_come_back_in_the_scenes_pixels(bench: Bench) -> None:
    pixels = sea(600, 800)
    add_hull(pixels, 401, 203, 120, 24, 0.4)
    found = bench.find(bench.scene(pixels, spacing_m=0.25), classes=(SHIP,))
    assert {shape for shape, _ in bench.detector.seen} == {(150, 200)}  # of 600 x 800
    length, width, _ = sides_px(found.detections.corners_px)
    assert centres(found) == [(401, 203)]
    assert length[0] == pytest.approx(120, abs=8) and width[0] == pytest.approx(24, abs=8)


def test_without_classes_those_are_looked_for_that_the_pixels_can_show(bench: Bench) -> None:
    pixels = sea(100, 100)
    add_hull(pixels, 50, 50, 30, 8, 0.0)
    coarse = bench.find(bench.scene(pixels, "coarse.tif"))
    assert bench.detector.seen[-1][1] == ("ship",)
    assert any("lorry" in note and "10 m" in note for note in coarse.notes)
    bench.find(bench.scene(pixels, "fine.tif", spacing_m=0.5))
    assert [names for _, names in bench.detector.seen[1:]] == [("lorry",), ("ship",)]


def test_a_class_that_was_asked_for_by_name_is_looked_for_at_any_spacing_with_a_word_of_doubt(bench: Bench) -> None:
    pixels = sea(100, 100)
    add_hull(pixels, 50, 50, 30, 8, 0.0)
    found = bench.find(bench.scene(pixels), classes=(LORRY,))
    assert found.detections.labels() == ["lorry"]
    assert any("too coarse to tell lorry" in note for note in found.notes)


def test_free_words_take_the_spacing_of_what_they_mean_most_nearly(bench: Bench) -> None:
    pixels = sea(600, 600)
    add_hull(pixels, 300, 300, 200, 40, 0.0)
    asked = (StoredClass("a ferry", ("a ferry",)),)
    scene = bench.scene(pixels, spacing_m=0.5)
    found = bench.find(scene, classes=asked)
    assert found.detections.labels() == ["a ferry"] and centres(found) == [(300, 300)]
    assert bench.detecting.estimate(found.request).megapixels < 0.25 * 600 * 600 / 1e6 * 2


def test_unknown_spacing_and_georeference_are_said(bench: Bench) -> None:
    pixels = sea(90, 90)
    add_hull(pixels, 45, 45, 30, 8, 0.0)
    notes = " ".join(bench.find(bench.scene(pixels, spacing_m=None)).notes)
    assert "pixel spacing is not known" in notes and "no georeference" in notes


def test_upright_boxes_are_the_corners_of_the_upright_extent(bench: Bench) -> None:
    pixels = sea(120, 120)
    add_hull(pixels, 60, 60, 60, 10, 0.6)
    found = bench.find(bench.scene(pixels), classes=(SHIP,), rotated=False).detections
    col, row, width, height = found.bbox_px[0]
    outline = {(round(float(c), 2), round(float(r), 2)) for c, r in found.corners_px[0]}
    ends = [round(float(v), 2) for v in (col, row, col + width, row + height)]
    assert outline == {(ends[0], ends[1]), (ends[2], ends[1]), (ends[2], ends[3]), (ends[0], ends[3])}


def test_only_what_lies_in_the_area_is_given(bench: Bench) -> None:
    pixels = sea(500, 500)
    for place in ((100, 100), (400, 400)):
        add_hull(pixels, *place, 40, 10, 0.2)
    scene = bench.scene(pixels)
    assert centres(bench.find(scene, classes=(SHIP,), area=Window(0, 0, 250, 250))) == [(100, 100)]
    with pytest.raises(QueryError, match="lies outside"):
        bench.find(scene, classes=(SHIP,), area=Window(900, 900, 10, 10))


def test_a_cancelled_run_goes_on_where_it_stopped(bench: Bench) -> None:
    pixels = sea(600, 600)
    for place in ((100, 100), (300, 300), (500, 500)):
        add_hull(pixels, *place, 40, 10, 0.2)
    scene = bench.scene(pixels)

    class Stops(JobContext):
        def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
            if done == 4:
                self.cancel()
            super().step(done, total, message)

    with pytest.raises(JobCancelled):
        bench.find(scene, Stops(), classes=(SHIP,))
    looked_at = len(bench.detector.seen)
    assert looked_at == 4
    again = Detecting(lambda: bench.detector, bench.folder / "cache")
    found = again.detect(DetectionRequest(scene, 1, (SHIP,)), JobContext())
    total = again.estimate(DetectionRequest(scene, 1, (SHIP,))).windows
    assert len(bench.detector.seen) == total and centres(found) == [(100, 100), (300, 300), (500, 500)]


def test_kept_boxes_that_are_damaged_are_found_anew(bench: Bench) -> None:
    pixels = sea(100, 100)
    add_hull(pixels, 50, 50, 30, 8, 0.0)
    scene = bench.scene(pixels)
    bench.find(scene, classes=(SHIP,))
    for file in (bench.folder / "cache/detections").iterdir():
        file.write_bytes(b"PK\x03\x04 cut short")
    assert centres(bench.find(scene, classes=(SHIP,))) == [(50, 50)]
    assert len(bench.detector.seen) == 2


def test_kept_boxes_that_other_weights_named_are_found_anew(bench: Bench) -> None:
    pixels = sea(100, 100)
    add_hull(pixels, 50, 50, 30, 8, 0.0)
    scene = bench.scene(pixels)
    bench.find(scene, classes=(SHIP,))
    bench.find(scene, classes=(SHIP,))
    assert len(bench.detector.seen) == 1
    bench.detector.named_by = "other"
    bench.find(scene, classes=(SHIP,))
    assert len(bench.detector.seen) == 2


def test_what_is_on_view_is_looked_at_first_and_partial_results_grow(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarvlm_app.core.detection.PARTIAL_EVERY_S", 0.0)
    pixels = sea(600, 600)
    for place in ((80, 80), (520, 520)):
        add_hull(pixels, *place, 40, 10, 0.2)
    parts: list[Detected] = []
    ctx = JobContext(on_partial=parts.append)
    request = DetectionRequest(bench.scene(pixels), 1, (SHIP,))
    whole = bench.detecting.detect(request, ctx, visible=Window(450, 450, 100, 100))
    assert centres(parts[0]) == [(520, 520)]
    assert not parts[0].complete and whole.complete and len(whole.detections) == 2


def test_boxes_on_no_data_are_not_found_and_a_scene_of_no_data_is_refused(bench: Bench) -> None:
    pixels = sea(200, 200)
    add_hull(pixels, 60, 60, 40, 10, 0.2)
    pixels[:, 100:] = 0
    scene = bench.scene(pixels, "half.tif", nodata=0)
    assert centres(bench.find(scene, classes=(SHIP,))) == [(60, 60)]
    empty = bench.scene(np.zeros((80, 80), np.float32), "empty.tif", nodata=0)
    with pytest.raises(SceneError, match=r"empty\.tif holds no data"):
        bench.find(empty, classes=(SHIP,))
