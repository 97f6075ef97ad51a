"""The crop method of the paper: its boxes, and the mean of their cosines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core import reference
from sarvlm_app.core.reference import (
    CELL_PX,
    reference_boxes,
    reference_cosines,
    reference_heatmap,
    scale_note,
    usable_scales,
)
from sarvlm_app.errors import JobCancelled, QueryError
from sarvlm_models.types import Chip, EncoderSpec, Float16, Float32, SceneStats, TextQuery, Window
from tests.core.export_answers import make_scene, write_scene

SIZES = st.tuples(st.integers(1, 2600), st.integers(1, 2600))


@given(size=SIZES)
def test_boxes_cover_the_scene_lie_inside_and_are_there_once(size: tuple[int, int]) -> None:
    width, height = size
    boxes = reference_boxes(width, height)
    assert len(set(boxes)) == len(boxes)
    covered = np.zeros((height, width), dtype=bool)
    for box in boxes:
        assert box.col >= 0 and box.col_end <= width and box.row >= 0 and box.row_end <= height
        assert box.width == box.height and box.width in (256, 512, 768)
        covered[box.row : box.row_end, box.col : box.col_end] = True
    assert covered.all() or not usable_scales(width, height)


@given(size=SIZES)
def test_boxes_are_those_of_the_paper(size: tuple[int, int]) -> None:
    """Written out from PAPER.md D.2, step by step, with corners as the paper's file names have them."""
    width, height = size
    expected = set()
    for s in (256, 512, 768):
        if s > width or s > height:
            continue
        for o in (0, s - math.floor(s / 2)):
            c = o
            while c < width:
                c0, c1 = (width - s, width) if c + s >= width else (c, c + s)
                r = o
                while r < height:
                    r0, r1 = (height - s, height) if r + s >= height else (r, r + s)
                    expected.add((c0, r0, c1, r1))
                    r += s
                c += s
    assert {(b.col, b.row, b.col_end, b.row_end) for b in reference_boxes(width, height)} == expected


@given(columns=st.integers(1, 12), rows=st.integers(1, 12), scale=st.sampled_from([256, 512, 768]))
def test_the_number_of_boxes_of_whole_grids(columns: int, rows: int, scale: int) -> None:
    """Both grids have columns x rows boxes; only the last box of the moved one falls on one of the first."""
    assert len(reference_boxes(columns * scale, rows * scale, [scale])) == 2 * columns * rows - 1


def test_scales_larger_than_the_scene_are_named() -> None:
    assert usable_scales(600, 800) == (256, 512)
    note = scale_note(600, 800)
    assert note is not None and "768" in note and "600 x 800" in note
    assert scale_note(768, 768) is None


@dataclass
class Job:
    """A job that may be cancelled after some steps."""

    stop_at: int | None = None
    steps: list[tuple[int, int, str]] = field(default_factory=list)

    def step(self, done: int, total: int, message: str = "") -> None:
        self.steps.append((done, total, message))
        if self.stop_at is not None and len(self.steps) > self.stop_at:
            raise JobCancelled("stopped")


@dataclass
class MeanEncoder:
    """Sees a chip as the unit vector of (mean intensity, 1)."""

    spec: EncoderSpec = EncoderSpec("mean@0", 2, 8)
    logit_scale: float = 10.0
    seen: list[tuple[tuple[int, ...], float | None]] = field(default_factory=list)

    def encode_text(self, texts: Sequence[str]) -> Float32:
        """Whatever speaks of brightness is the first axis, all else the second."""
        return np.array([[1.0, 0.0] if "bright" in text else [0.0, 1.0] for text in texts], dtype=np.float32)

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        raise AssertionError("the crop method looks at whole chips only")

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        self.seen += [(chip.shape, spacing_m) for chip in chips]
        means = np.array([chip.mean() for chip in chips])
        vectors = np.stack([means, np.ones_like(means)], axis=1)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


VECTORS = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], dtype=np.float32)


def show(monkeypatch: pytest.MonkeyPatch, pixels: Float32, valid: Any = None) -> Any:
    """A scene of these pixels, read at full resolution whatever was asked for."""
    ok = np.ones(pixels.shape, dtype=bool) if valid is None else valid

    def read_chip(scene: Any, window: Window, band: int, shape: tuple[int, int] | None = None) -> Chip:
        view = np.s_[window.row : window.row_end, window.col : window.col_end]
        return Chip(window, np.where(ok[view], pixels[view], 0).astype(np.float32), ok[view].copy())

    monkeypatch.setattr(reference, "read_chip", read_chip)
    monkeypatch.setattr(reference, "scene_stats", lambda scene, band: SceneStats(1.0, 2.0))
    return make_scene(pixels.shape[1], pixels.shape[0])


def slow_cosines(pixels: Float32, vectors: Float32, scales: Sequence[int]) -> Float32:
    """Per pixel, at full resolution, as the paper says; then the mean over each cell."""
    height, width = pixels.shape
    heat, count = np.zeros((height, width, len(vectors))), np.zeros((height, width, 1))
    for box in reference_boxes(width, height, scales):
        view = np.s_[box.row : box.row_end, box.col : box.col_end]
        vector = np.array([pixels[view].mean(), 1.0])
        heat[view] += vectors @ (vector / np.linalg.norm(vector))
        count[view] += 1
    heat /= count
    rows, cols = math.ceil(height / CELL_PX), math.ceil(width / CELL_PX)
    cells = [
        [heat[r * CELL_PX : (r + 1) * CELL_PX, c * CELL_PX : (c + 1) * CELL_PX].mean(axis=(0, 1)) for c in range(cols)]
        for r in range(rows)
    ]
    return np.array(cells, dtype=np.float32)


@settings(deadline=None, max_examples=25)
@given(width=st.integers(256, 900), height=st.integers(256, 900), seed=st.integers(0, 99))
def test_cells_hold_the_mean_of_the_pixels_of_the_paper(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).gamma(1.0, 1.0, (height, width)).astype(np.float32)
    pixels[: height // 2] *= 9
    with pytest.MonkeyPatch.context() as patch:
        got = reference_cosines(show(patch, pixels), 1, VECTORS, MeanEncoder(), Job())
    np.testing.assert_allclose(got, slow_cosines(pixels, VECTORS, (256, 512, 768)), rtol=0, atol=2e-5)


def test_cells_without_data_are_nan_and_empty_crops_are_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.ones((1024, 1024), dtype=np.float32)
    valid = np.zeros_like(pixels, dtype=bool)
    valid[:, 700:] = True
    encoder = MeanEncoder()
    got = reference_cosines(show(monkeypatch, pixels, valid), 1, VECTORS, encoder, Job(), (256,))
    borders = 640  # of the crops: 128, 256 ... 640, 768; data begins inside the field 640..768
    assert np.isnan(got[:, : borders // CELL_PX]).all()
    assert np.isfinite(got[:, borders // CELL_PX :]).all()
    assert len(encoder.seen) < len(reference_boxes(1024, 1024, (256,)))


def test_a_scene_without_any_data_is_all_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros((300, 300))
    got = reference_cosines(show(monkeypatch, nothing, nothing > 0), 1, VECTORS, MeanEncoder(), Job())
    assert got.shape == (5, 5, 3)
    assert np.isnan(got).all()


def test_a_scene_smaller_than_every_crop_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = show(monkeypatch, np.ones((100, 400), dtype=np.float32))
    with pytest.raises(QueryError, match=r"scene\.tif has 400 x 100 px, smaller than .*256 px"):
        reference_cosines(scene, 1, VECTORS, MeanEncoder(), Job())


def test_progress_is_told_and_a_cancel_stops_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = show(monkeypatch, np.ones((1000, 700), dtype=np.float32))
    job = Job()
    reference_cosines(scene, 1, VECTORS, MeanEncoder(), job)
    total = len(reference_boxes(700, 1000))
    done = [d for d, _, _ in job.steps]
    assert done == sorted(done) and done[0] == 0 and done[-1] == total
    assert all(t == total for _, t, _ in job.steps)
    assert "768" in job.steps[0][2], "left out scales are said"
    encoder = MeanEncoder()
    with pytest.raises(JobCancelled):
        reference_cosines(scene, 1, VECTORS, encoder, Job(stop_at=1))
    assert 0 < len(encoder.seen) <= 16


def test_crops_are_averaged_to_256_px_and_the_model_is_told_their_spacing(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 200, (800, 900)).astype(np.uint16)
    scene = write_scene(tmp_path / "s.tif", pixels, pixel_m=10.0)
    encoder = MeanEncoder()
    got = reference_cosines(scene, 1, VECTORS, encoder, Job())
    assert {shape for shape, _ in encoder.seen} == {(256, 256)}
    spacings = sorted({spacing for _, spacing in encoder.seen if spacing is not None})
    assert spacings == pytest.approx([10.0, 20.0, 30.0], rel=2e-3)
    np.testing.assert_allclose(got, slow_cosines(pixels.astype(np.float32) ** 2, VECTORS, (256, 512, 768)), atol=1e-5)


def test_scores_have_the_meaning_of_dense_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mean intensity 1 is as much "bright" as background for this model: 0.5; more is more."""
    pixels = np.ones((700, 1400), dtype=np.float32)
    pixels[:, 700:] = 6.0
    scene = show(monkeypatch, pixels)
    heatmap = reference_heatmap(scene, 1, TextQuery("something bright"), MeanEncoder(), Job())
    assert heatmap.cell_px == CELL_PX
    assert heatmap.query.scales == (256, 512), "768 px crops do not fit"
    assert heatmap.scores[5, 1] == pytest.approx(0.5, abs=1e-5)
    assert heatmap.scores[5, -2] > 0.9
    rows = heatmap.scores[:, 3:-3]
    assert (np.diff(rows, axis=1) >= -1e-6).all(), "rises from the dark to the bright side"


def test_a_negative_that_fits_better_takes_the_score_down(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = show(monkeypatch, np.full((400, 400), 6.0, dtype=np.float32))
    query = TextQuery("something bright", negatives=("a bright field",))
    scores = reference_heatmap(scene, 1, query, MeanEncoder(), Job()).scores
    np.testing.assert_allclose(scores, 0.5, atol=1e-5)
