"""Semantic localization: how cells become a probability map, and a set measured with a model of a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import Prompts, TextVectors
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.types import EncoderSpec
from sarvlm_training.evaluate.localize import Localizing, localize, text_shares, to_probability
from sarvlm_training.evaluate.seloset import Item
from tests.core.fake_encoder import FakeEncoder


def test_shares_are_a_softmax_over_the_query_and_its_rivals() -> None:
    query, rivals = np.array([1, 0], np.float32), np.array([[0, 1], [0.6, 0.8]], np.float32)
    vectors = np.array([[[1, 0], [0, 1], [0, 0]]], np.float16)
    shares = text_shares(vectors, Prompts(query, rivals, 2.0, None))
    # cosines (1, 0, 0.6) and (0, 1, 0.8), times 2
    assert shares[0, 0] == pytest.approx(np.exp(2) / (np.exp(2) + 1 + np.exp(1.2)), rel=1e-3)
    assert shares[0, 1] == pytest.approx(1 / (1 + np.exp(2) + np.exp(1.6)), rel=1e-3)
    assert np.isnan(shares[0, 2])


def test_maps_are_scaled_to_their_own_range_and_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_training.evaluate.localize.MEDIAN_PX", 1)
    cells = np.array([[0.2, 0.3, 0.6]], np.float32)
    grey = to_probability(cells, 4, (4, 12), stepped=True)
    assert grey[0].tolist() == [0] * 4 + [int(255 * 0.25)] * 4 + [255] * 4
    between = to_probability(cells, 4, (4, 12))
    # the middle of cell 0 lies at 2 px: pixel 2, whose middle is 2.5, is an eighth of the way to the next cell
    assert between[0, 2] == int(255 * 0.125 * 0.25) and between[0, 0] == 0 and between[0, 11] == 255


def test_a_map_without_contrast_is_zero_and_no_data_is_the_lowest() -> None:
    assert not to_probability(np.full((2, 3), 0.4, np.float32), 8, (16, 24)).any()
    cells = np.full((40, 40), 0.2, np.float32)
    cells[:, 20:] = 0.8
    cells[:, :4] = np.nan
    grey = to_probability(cells, 8, (320, 320), stepped=True)
    assert grey[160, 0] == 0 and grey[160, 319] == 255


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 90), st.integers(1, 90))
def test_strips_join(seed: int, height: int, width: int) -> None:
    cells = np.random.default_rng(seed).uniform(size=(-(-height // 8), -(-width // 8))).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sarvlm_training.evaluate.localize.MEDIAN_PX", 1)
        whole = to_probability(cells, 8, (height, width))
        patch.setattr("sarvlm_training.evaluate.localize.ROWS_AT_ONCE", 7)
        assert np.array_equal(whole, to_probability(cells, 8, (height, width)))


def wide_encoder() -> FakeEncoder:
    return FakeEncoder(spec=EncoderSpec("fake@0", 16, 8, window_px=512, margin_px=8))


def square(col: float, row: float, edge: float) -> np.ndarray:
    return np.array([(col, row), (col + edge, row), (col + edge, row + edge), (col, row + edge)], np.float64)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A bright block of 320 px at the lower left of a dark field."""
    pixels = np.random.default_rng(0).integers(20, 40, (800, 900)).astype(np.uint8)
    pixels[400:720, 80:400] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize("reference", [False, True])
def test_the_right_region_reads_better_than_a_wrong_one(image: Path, tmp_path: Path, reference: bool) -> None:
    items = [
        Item(image, "bright things", (square(80, 400, 320),)),
        Item(image, "bright things", (square(500, 0, 320),)),
    ]
    model = wide_encoder()
    if reference:
        model.encode_chips = by_brightness  # type: ignore[method-assign]
    how = Localizing(model, TextVectors(model), tmp_path / "cache", reference)
    steps: list[int] = []
    found, seconds = localize(items, how, JobContext(lambda done, _total, _what: steps.append(done)))
    right, wrong = (each.measures for each in found)
    assert [each.item for each in found] == items and seconds > 0 and steps[-1] == 2
    assert right.rmi > wrong.rmi and right.rsu > 0.8 > 2 * wrong.rsu
    if not reference:
        encoded = len(model.windows)
        localize(items, how, JobContext())
        assert encoded > 1 and len(model.windows) == encoded  # a scene is encoded once


def by_brightness(chips: list[np.ndarray], stats: object, spacing_m: float | None) -> np.ndarray:
    vectors = np.zeros((len(chips), 16), np.float32)
    for vector, chip in zip(vectors, chips, strict=True):
        share = float((np.sqrt(chip) > 120).mean())
        vector[0], vector[2] = share, 1 - share
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_regions_outside_the_image_and_images_without_data_get_a_sentence(image: Path, tmp_path: Path) -> None:
    model = wide_encoder()
    how = Localizing(model, TextVectors(model), tmp_path / "cache")
    with pytest.raises(QueryError, match="The regions of “bright things” lie outside .*a.png"):
        localize([Item(image, "bright things", (square(5000, 0, 320),))], how, JobContext())
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(SceneError, match="b.png is empty"):
        localize([Item(tmp_path / "b.png", "bright", (square(0, 0, 32),))], how, JobContext())
