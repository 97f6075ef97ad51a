"""Labels lie where the pixels are: turned, mirrored, painted, batched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_training.concepts import Vocabulary, load_vocabulary
from sarvlm_training.data.augment import hide_spacing, vary_radiometry
from sarvlm_training.data.mixture import Mixture, collate
from sarvlm_training.data.samples import (
    CELL_PX,
    CELLS,
    CROP_PX,
    IGNORE,
    NEGATIVE,
    POSITIVE,
    LabelMap,
    Sample,
    amplitude_levels,
    cell_mean,
    disc_share,
    polygon_share,
    turn,
)
from sarvlm_training.data.scenes import beyond, crop_at

VOCABULARY = load_vocabulary()
SHIP = VOCABULARY.index["ship"]


def marked_sample(cells: list[tuple[int, int]], block: tuple[int, int, int, int]) -> Sample:
    """A sample whose bright cells are ships."""
    labels = LabelMap.knowing(VOCABULARY, "ship")
    relative = np.ones((CROP_PX, CROP_PX), np.float32)
    for row, col in cells:
        relative[row * CELL_PX : (row + 1) * CELL_PX, col * CELL_PX : (col + 1) * CELL_PX] = 9.0
        labels.values[SHIP, row, col] = POSITIVE
    return Sample(relative, 3.0, 5.0, labels, [block])


cells = st.tuples(st.integers(0, CELLS - 1), st.integers(0, CELLS - 1))


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(cells, min_size=1, max_size=6), corners=st.tuples(cells, cells), quarters=st.integers(-4, 7),
    mirror=st.booleans(),
)  # fmt: skip
def test_labels_and_blocks_turn_with_the_pixels(
    places: list[tuple[int, int]],
    corners: tuple[tuple[int, int], tuple[int, int]],
    quarters: int,
    mirror: bool,
) -> None:
    (r0, r1), (c0, c1) = (sorted(pair) for pair in zip(*corners, strict=True))
    sample = marked_sample(places, (r0, r1 + 1, c0, c1 + 1))
    turned = turn(sample, quarters, mirror)
    bright = cell_mean(turned.relative) > 5
    assert (bright == (turned.labels.values[SHIP] == POSITIVE)).all()
    assert bright.sum() == len(set(places))
    ((a0, a1, b0, b1),) = turned.blocks
    assert 0 <= a0 < a1 <= CELLS and 0 <= b0 < b1 <= CELLS
    before = cell_mean(sample.relative)[r0 : r1 + 1, c0 : c1 + 1]
    after = np.rot90(before, quarters)
    assert (cell_mean(turned.relative)[a0:a1, b0:b1] == (after[:, ::-1] if mirror else after)).all()
    assert (turned.ratio, turned.spacing_m) == (sample.ratio, sample.spacing_m)
    assert turned.relative.flags.c_contiguous and turned.labels.values.flags.c_contiguous


def test_the_eight_orientations_differ_and_come_back() -> None:
    sample = marked_sample([(2, 5), (9, 1)], (0, 4, 2, 9))
    seen = {turn(sample, quarters, mirror).relative.tobytes() for quarters in range(4) for mirror in (False, True)}
    assert len(seen) == 8
    again = turn(turn(sample, 3, False), 1, False)
    assert (again.relative == sample.relative).all() and again.blocks == sample.blocks
    again = turn(turn(sample, 0, True), 0, True)
    assert (again.labels.values == sample.labels.values).all() and again.blocks == sample.blocks


# ---- masks -----------------------------------------------------------------------
@settings(max_examples=40)
@given(
    col=st.floats(-20, 250), row=st.floats(-20, 250), width=st.floats(0.5, 120), height=st.floats(0.5, 120)
)  # fmt: skip
def test_the_share_of_a_box_is_right_to_a_pixel(col: float, row: float, width: float, height: float) -> None:
    box = np.array([(col, row), (col + width, row), (col + width, row + height), (col, row + height)])
    share = polygon_share([box])
    edges = np.arange(CELLS + 1) * CELL_PX

    def covered(low: float, high: float) -> np.ndarray:
        return np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, CELL_PX) / CELL_PX

    least = covered(row + 1, row + height - 1)[:, None] * covered(col + 1, col + width - 1)
    most = covered(row - 1.5, row + height + 1.5)[:, None] * covered(col - 1.5, col + width + 1.5)
    assert share.dtype == np.float32 and share.shape == (CELLS, CELLS)
    assert (share >= least - 1e-5).all() and (share <= most + 1e-5).all()


def test_polygons_add_up_without_counting_twice() -> None:
    box = np.array([(16, 16), (32, 16), (32, 32), (16, 32)], float)
    assert (polygon_share([box, box]) == polygon_share([box])).all()
    assert (polygon_share([]) == 0).all()
    assert polygon_share([box])[2:4, 2:4].min() == 1.0


def test_painting_marks_a_concept_and_all_that_it_is() -> None:
    labels = LabelMap.knowing(VOCABULARY, "ship")
    share = np.zeros((CELLS, CELLS), np.float32)
    share[4, 4:7] = (1.0, 0.5, 0.1)
    labels.paint("ship_moored", share, least=0.3)
    for key in ("ship_moored", "ship"):
        layer = labels.values[VOCABULARY.index[key]]
        assert layer[4, 4:7].tolist() == [POSITIVE, POSITIVE, IGNORE] and layer[4, 7] == NEGATIVE
    assert (labels.values[VOCABULARY.index["ship_at_sea"]] == NEGATIVE).all()
    assert (labels.values[VOCABULARY.index["forest"]] == IGNORE).all()


def test_the_most_covered_cell_of_a_small_thing_is_present() -> None:
    labels = LabelMap.knowing(VOCABULARY, "ship")
    share = np.zeros((CELLS, CELLS), np.float32)
    share[3, 3:5] = (0.05, 0.02)
    labels.paint("ship", share)
    assert labels.values[SHIP][3, 3:5].tolist() == [POSITIVE, IGNORE]
    before = labels.values.copy()
    labels.paint("ship", np.zeros((CELLS, CELLS), np.float32))
    assert (labels.values == before).all()


def test_what_is_present_is_not_made_unknown_again() -> None:
    labels = LabelMap.knowing(VOCABULARY, "ship")
    share = np.zeros((CELLS, CELLS), np.float32)
    share[0, 0] = 1.0
    labels.paint("ship", share)
    share[0, :2] = (0.1, 1.0)
    labels.paint("ship", share)
    assert labels.values[SHIP][0, :2].tolist() == [POSITIVE, POSITIVE]


def test_cells_are_written_everywhere_or_where_they_are_told() -> None:
    labels = LabelMap.knowing(VOCABULARY)
    assert (labels.values == IGNORE).all()
    where = disc_share(64.0, 64.0, 12.0)
    labels.set(["sea", "lake"], NEGATIVE, where)
    labels.set(["forest"], POSITIVE)
    assert ((labels.values[VOCABULARY.index["sea"]] == NEGATIVE) == where).all()
    assert (labels.values[VOCABULARY.index["forest"]] == POSITIVE).all()
    assert where.sum() == 4 and where[7:9, 7:9].all()


def test_levels_are_those_of_the_pixels_that_hold_data() -> None:
    amplitude = np.concatenate([np.zeros(500), np.linspace(1, 101, 101)]).astype(np.float32).reshape(1, -1)
    assert amplitude_levels(amplitude) == (pytest.approx(51.0), pytest.approx(99.0 / 51.0))
    assert amplitude_levels(np.zeros((3, 3), np.float32)) == (1.0, 1.2)
    assert amplitude_levels(np.ones((3, 3), np.float32))[1] == pytest.approx(1.2)


def test_what_lies_beyond_a_picture_is_mirrored_and_known_to_be_so() -> None:
    image = np.arange(200 * 300, dtype=np.float32).reshape(200, 300)
    crop = crop_at(image, 40, 100)
    assert crop.shape == (CROP_PX, CROP_PX)
    assert (crop[:160, :200] == image[40:, 100:]).all() and (crop[160] == crop[159]).all()
    mirrored = beyond(image.shape, 40, 100)
    assert not mirrored[:20, :25].any() and mirrored[20:].all() and mirrored[:, 25:].all()
    assert crop_at(image[:5, :7], 0, 0).shape == (CROP_PX, CROP_PX)


# ---- augmentation and batches --------------------------------------------------------
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), strength=st.sampled_from([0.3, 0.8, 1.0]))
def test_varied_radiometry_keeps_the_order_of_pixels_and_the_labels(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    sample = marked_sample([(1, 2)], (0, CELLS, 0, CELLS))
    sample.relative = rng.rayleigh(1.0, (CROP_PX, CROP_PX)).astype(np.float32)
    order = np.argsort(sample.relative, axis=None)
    labels = sample.labels.values.copy()
    varied = hide_spacing(vary_radiometry(sample, rng, strength), rng)
    assert varied.relative.dtype == np.float32 and np.isfinite(varied.relative).all() and varied.relative.min() >= 0
    assert (np.diff(varied.relative.ravel()[order]) >= 0).all()
    assert 1.2 <= varied.ratio <= 40.0 and varied.spacing_m >= 0
    assert (varied.labels.values == labels).all()


class Constant:
    """A source whose samples are all of one value."""

    def __init__(self, value: float, vocabulary: Vocabulary) -> None:
        self.value, self.vocabulary = value, vocabulary

    def draw(self, rng: np.random.Generator) -> Sample:
        relative = np.full((CROP_PX, CROP_PX), self.value + rng.random(), np.float32)
        return Sample(relative, 2.0, 3.0, LabelMap.knowing(self.vocabulary, "ship"))


def test_a_batch_stacks_samples_and_numbers_their_blocks() -> None:
    samples = [marked_sample([(1, 1)], (0, 4, 0, 5)), marked_sample([(2, 2)], (3, 9, 4, 8))]
    samples[0].blocks = []
    batch = collate(samples)
    assert batch["relative"].shape == (2, 1, CROP_PX, CROP_PX)
    assert batch["labels"].shape == (2, len(VOCABULARY), CELLS, CELLS) and batch["labels"].dtype == torch.int8
    assert batch["ratio"].shape == (2, 1, 1, 1) and batch["spacing_m"].tolist() == [5.0, 5.0]
    assert batch["blocks"].tolist() == [[1, 3, 9, 4, 8]]
    samples[1].blocks = []
    assert collate(samples)["blocks"].shape == (0, 5)


def test_sources_come_in_their_shares_and_equal_seeds_give_equal_batches() -> None:
    sources = {"a": Constant(0.0, VOCABULARY), "b": Constant(10.0, VOCABULARY), "unused": Constant(99.0, VOCABULARY)}
    first = next(iter(Mixture(sources, {"b": 3.0, "a": 1.0}, 40, seed=5)))
    again = next(iter(Mixture(sources, {"b": 3.0, "a": 1.0}, 40, seed=5)))
    assert torch.equal(first["relative"], again["relative"])
    means = first["relative"].mean(dim=(1, 2, 3))
    assert 20 <= int((means > 5).sum()) < 40 and means.max() < 50
