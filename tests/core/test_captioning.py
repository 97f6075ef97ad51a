"""Descriptions of scenes: parts seen at once, large ones summed up, and what there is nothing to say of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sarvlm_app.core import patches
from sarvlm_app.core.answering import Answering
from sarvlm_app.core.captioning import Captioned, Captioning, CaptionRequest, caption_picture
from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import Question, TextVectors
from sarvlm_app.core.scene import open_scene, scene_stats
from sarvlm_app.errors import JobCancelled, ModelError, QueryError, SceneError
from sarvlm_models.types import TextQuery, Window
from tests.core.ground_models import WATER, GroundEncoder, ToldCaptioner, harbour, harbour_file
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

SHIPS = ((200, 48), (240, 200), (96, 200))
SIZE = (256, 320)


class Bench:
    """A scene, its models and their memory."""

    def __init__(self, folder: Path, captioner: Any = None, encoder: GroundEncoder | None = None) -> None:
        self.encoder = encoder or GroundEncoder()
        self.captioner = captioner or ToldCaptioner()
        self.answering = Answering(lambda: self.encoder, folder / "cache")
        self.captioning = Captioning(lambda: self.captioner, self.answering)
        self.folder = folder

    def scene(self, pixels: np.ndarray, name: str = "harbour.tif", **options: object) -> Any:
        return open_scene(harbour_file(self.folder / name, pixels, **options))

    def caption(self, scene: Any, window: Window | None = None, ctx: JobContext | None = None, **how: Any) -> Captioned:
        return self.captioning.caption(CaptionRequest(scene, 1, window, **how), ctx or JobContext())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def small_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 64 px are seen at once, so that small scenes are summed up."""
    monkeypatch.setattr(patches, "ALONE_PX", 64)


def test_a_part_is_described_by_the_model_which_is_told_what_was_counted_in_it(bench):
    scene = bench.scene(harbour(SIZE, SHIPS, forest_cols=64))
    found = bench.caption(scene, Window(160, 0, 160, 256), beams=5)
    assert found.text == "A view of 2 ships." and found.raw == "a view of 2 ships ." and found.logprob == -2.5
    assert found.counts == {kind.key: 2 if kind.key == "ship" else 0 for kind in COUNTABLES}
    assert found.cover[0][0] == "water" and sum(share for _, share in found.cover) == pytest.approx(1.0)
    assert found.model_id == bench.captioner.model_id
    (call,) = bench.captioner.calls
    assert call["shape"] == (256, 160) and call["beams"] == 5 and call["stats"] == scene_stats(scene, 1)


def test_a_part_is_encoded_alone_and_leaves_no_index_behind(bench, tmp_path):
    scene = bench.scene(harbour(SIZE, SHIPS))
    bench.caption(scene, Window(160, 0, 64, 64))
    assert bench.encoder.windows == [(128, 192)] and not (tmp_path / "cache").exists()


def test_a_scene_that_is_encoded_is_not_encoded_again(bench):
    scene = bench.scene(harbour(SIZE, SHIPS))
    bench.answering.answer(Question(TextQuery("ships"), scene, 1), JobContext())
    known = len(bench.encoder.windows)
    assert bench.caption(scene, Window(160, 0, 160, 256)).counts["ship"] == 2
    assert bench.caption(scene).counts["ship"] == 3 and len(bench.encoder.windows) == known


def test_an_object_at_the_rim_counts_where_its_middle_lies(bench):
    scene = bench.scene(harbour(SIZE, [(160, 104)], forest_cols=40))
    halves = [bench.caption(scene, Window(col, 0, 160, 256)).counts["ship"] for col in (0, 160)]
    assert sum(halves) == 1
    assert bench.caption(scene, Window(0, 0, 170, 256)).counts["ship"] == 1
    assert bench.caption(scene, Window(0, 0, 150, 256)).counts["ship"] == 0


def test_words_that_do_not_state_the_counts_give_way_to_what_was_found(tmp_path):
    bench = Bench(tmp_path, ToldCaptioner(agrees=False))
    found = bench.caption(bench.scene(harbour(SIZE, SHIPS, forest_cols=64)))
    assert found.raw == "a view of 3 ships ."
    assert found.text == "A SAR image with 3 ships in the upper centre, lower left and lower right."
    assert found.counts["ship"] == 3 and dict(found.cover)["forest"] > 0


def test_a_model_that_cannot_be_told_counts_is_not_and_none_are_given(tmp_path, small_sight):
    bench = Bench(tmp_path, ToldCaptioner(agrees=None, uses_counts=False))
    scene = bench.scene(harbour(SIZE, SHIPS))
    part = bench.caption(scene, Window(180, 0, 64, 64))
    assert part.text == "A view of nothing." and part.counts == {} and part.cover
    whole = bench.caption(scene)
    assert whole.counts == {} and "Counted" not in whole.text and "stand out" not in whole.text


def test_a_file_of_the_size_of_a_chip_is_described_as_a_picture_of_its_own(bench):
    found = bench.caption(bench.scene(harbour((120, 160), [(64, 64)])))
    assert bench.captioner.calls[0]["picture"] and bench.captioner.calls[0]["counts"] is None
    assert found.counts == {} and found.cover == () and bench.encoder.windows == []


def test_a_large_scene_is_summed_up_from_all_of_it(bench, small_sight):
    scene = bench.scene(harbour(SIZE, [*SHIPS, (280, 208), (232, 240)], forest_cols=80))
    found = bench.caption(scene)
    assert found.logprob is None and found.raw == found.text and bench.captioner.calls == []
    assert found.text.startswith("The scene is mostly water (") and "with forest (2" in found.text
    assert found.text.endswith("Counted: 5 ships, 3 of them in the lower right.")
    assert dict(found.cover)["forest"] == pytest.approx(0.25, abs=0.02)
    assert len(bench.encoder.windows) > 1


def test_of_a_large_part_only_that_part_is_encoded_and_told(bench, small_sight):
    scene = bench.scene(harbour(SIZE, SHIPS, forest_cols=80))
    found = bench.caption(scene, Window(0, 100, 140, 156))
    part = len(bench.encoder.windows)
    assert found.counts["ship"] == 1 and found.text.startswith("This part of the scene is ")
    bench.caption(scene)
    assert part < len(bench.encoder.windows)


def test_nothing_that_stands_out_is_said_so(bench, small_sight):
    pixels = harbour(SIZE, [], forest_cols=80)
    found = bench.caption(bench.scene(pixels))
    assert found.text.endswith("No ships, aircraft, vehicles, storage tanks or bridges stand out.")
    assert set(found.counts.values()) == {0}


def test_fine_pixels_are_averaged_to_what_the_model_wants(tmp_path):
    encoder = GroundEncoder()
    encoder.spec = type(encoder.spec)("ground@1", 4, 8, window_px=64, margin_px=8, finest_spacing_m=20.0)
    bench = Bench(tmp_path, encoder=encoder)
    pixels = np.kron(harbour((128, 160), [(104, 64)]), np.ones((2, 2), np.float32))
    scene = bench.scene(pixels, crs=UTM33, transform=TRANSFORM)
    found = bench.caption(scene)
    assert found.counts["ship"] == 1 and bench.captioner.calls[0]["shape"] == (128, 160)
    assert bench.captioner.calls[0]["spacing_m"] == pytest.approx(20.0, rel=0.01)


def test_no_data_is_neither_ground_nor_dark_sea(bench, small_sight):
    pixels = harbour(SIZE, SHIPS, forest_cols=160)
    pixels[:128] = 0
    scene = bench.scene(pixels, nodata=0)
    found = bench.caption(scene)
    assert dict(found.cover)["forest"] == pytest.approx(0.5, abs=0.04)


def test_no_data_in_a_part_is_filled_with_the_median_for_the_captioner(bench):
    pixels = harbour(SIZE, SHIPS)
    pixels[:100] = 0
    bench.caption(bench.scene(pixels, nodata=0))
    assert bench.captioner.calls[0]["least"] == pytest.approx(WATER**2)


@pytest.mark.parametrize("sight", [64, 1024])
def test_there_is_nothing_to_say_of_no_data_or_of_one_value(bench, monkeypatch, sight):
    monkeypatch.setattr(patches, "ALONE_PX", sight)
    pixels = harbour(SIZE, [(280, 200)])
    pixels[:, :160] = 0
    half = bench.scene(pixels, nodata=0)
    with pytest.raises(SceneError, match=r"window 0,0,160,256 of .*harbour.tif holds too little .*another"):
        bench.caption(half, Window(0, 0, 160, 256))
    with pytest.raises(SceneError, match=r"has one value in all of .*choose another"):
        bench.caption(half, Window(160, 0, 100, 100))
    flat = bench.scene(np.full(SIZE, 77, np.float32), "flat.tif")
    with pytest.raises(SceneError, match=r"flat.tif has one value"):
        bench.caption(flat)
    assert bench.captioner.calls == []


def test_a_window_outside_the_scene_is_refused_and_one_across_its_edge_is_cut(bench):
    scene = bench.scene(harbour(SIZE, SHIPS))
    with pytest.raises(QueryError, match=r"320,0,10,10 lies outside .*320 x 256 px"):
        bench.caption(scene, Window(320, 0, 10, 10))
    assert bench.caption(scene, Window(160, 0, 5000, 900)).counts["ship"] == 2
    assert bench.captioner.calls[-1]["shape"] == (256, 160)


def test_the_smallest_window_is_described(bench):
    scene = open_scene(write_tif(bench.folder / "rough.tif", np.arange(1, 90001, dtype=np.float32).reshape(300, 300)))
    assert bench.caption(scene, Window(299, 299, 1, 1)).text
    assert bench.captioner.calls[-1]["shape"] == (1, 1)


def test_a_cancel_stops_between_windows_and_what_is_encoded_stays(tmp_path, small_sight):
    ctx = JobContext()
    encoder = GroundEncoder(before=lambda number: ctx.cancel() if number == 3 else None)
    bench = Bench(tmp_path, encoder=encoder)
    scene = bench.scene(harbour(SIZE, SHIPS))
    with pytest.raises(JobCancelled):
        bench.caption(scene, ctx=ctx)
    assert len(encoder.windows) == 4
    encoder.before = lambda number: None
    assert bench.caption(scene).counts["ship"] == 3
    again = len(encoder.windows)
    Bench(tmp_path, encoder=encoder).caption(scene)
    assert len(encoder.windows) == again


def test_progress_is_told_of_every_stage(bench, small_sight):
    said: list[str] = []
    bench.caption(bench.scene(harbour(SIZE, SHIPS)), ctx=JobContext(lambda done, total, text: said.append(text)))
    stages = [text for number, text in enumerate(said) if number == 0 or text != said[number - 1]]
    assert stages == ["Loading the captioner", "Encoding harbour", "Naming the ground", "Counting"]


def test_a_model_that_is_not_there_is_told_before_anything_is_read(tmp_path):
    def missing() -> Any:
        raise ModelError("The compact captioner is not installed: install it.")

    bench = Bench(tmp_path)
    scene = bench.scene(harbour(SIZE, SHIPS))
    with pytest.raises(ModelError, match="not installed"):
        Captioning(missing, bench.answering).caption(CaptionRequest(scene, 1), JobContext())
    assert bench.encoder.windows == []


def test_a_picture_is_described_like_a_scene_of_it(bench):
    pixels = harbour(SIZE, SHIPS)
    found = caption_picture(pixels, bench.captioner, bench.encoder, TextVectors(bench.encoder), beams=2)
    assert found.counts["ship"] == 3 and found.text == "A view of 3 ships." == bench.caption(bench.scene(pixels)).text
    assert bench.captioner.calls[0]["beams"] == 2
    wrong = caption_picture(pixels, ToldCaptioner(agrees=False), bench.encoder, TextVectors(bench.encoder))
    assert wrong.text.startswith("A SAR image with 3 ships")
    chip = caption_picture(pixels[:100, :100], bench.captioner, bench.encoder, TextVectors(bench.encoder))
    assert chip.counts == {} and bench.captioner.calls[-1]["counts"] is None
