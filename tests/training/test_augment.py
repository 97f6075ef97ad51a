"""What training does to chips keeps what must be kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.data.augment import hide_part, scintillate
from sarvlm_training.recipe import Recipe
from sarvlm_training.sources import chip_sources

SEEDS = st.integers(0, 2**32 - 1)
EDGES = st.integers(16, 140)


def speckle(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).rayleigh(1.0, (height, width)).astype(np.float32)


@given(EDGES, EDGES, SEEDS)
def test_scintillation_is_a_smooth_gain(height: int, width: int, seed: int) -> None:
    chip = speckle(height, width, seed)
    seen = scintillate(chip, np.random.default_rng(seed), 0.4)
    assert seen.shape == chip.shape and seen.dtype == np.float32
    gain = np.log(seen / chip)
    assert gain.std() > 0.01  # something was done
    steps = max(np.abs(np.diff(gain, axis=axis)).max() for axis in (0, 1))
    assert steps < 24.0 / min(height, width)  # no grain of its own: several pixels from one level to another


def test_scintillation_by_nothing_is_nothing() -> None:
    chip = speckle(40, 60, 3)
    np.testing.assert_array_equal(scintillate(chip, np.random.default_rng(1), 0.0), chip)


@given(EDGES, EDGES, SEEDS)
def test_a_hidden_part_is_a_rectangle_of_the_same_picture(height: int, width: int, seed: int) -> None:
    chip = speckle(height, width, seed)
    before = chip.copy()
    seen = hide_part(chip, np.random.default_rng(seed))
    np.testing.assert_array_equal(chip, before)  # the chip of the set stays as it is
    assert np.isin(seen, chip).all()
    changed = np.argwhere(seen != chip)
    if len(changed):
        rows, cols = np.ptp(changed, axis=0) + 1
        assert rows <= round(0.4 * height) and cols <= round(0.4 * width)


def test_a_part_is_hidden() -> None:
    rng = np.random.default_rng(0)
    chip = speckle(64, 64, 1)
    assert sum((hide_part(chip, rng) != chip).any() for _ in range(20)) >= 19


def test_a_recipe_says_how_many_chips_are_seen_anew(shared_data: Path) -> None:
    vocabulary = load_vocabulary()

    def drawn(**settings: dict[str, float]) -> dict[str, np.ndarray]:
        recipe = Recipe(data=shared_data, chip_shares={"mstar": 1.0, "aircraft": 1.0}, **settings)  # type: ignore[arg-type]
        sources = chip_sources(recipe, vocabulary)
        return {name: source.draw(np.random.default_rng(4), 6).relative for name, source in sources.items()}

    plain, same = drawn(), drawn(scintillation={"mstar": 0.0})
    np.testing.assert_array_equal(plain["mstar"], same["mstar"])
    anew = drawn(scintillation={"mstar": 1.0})
    assert not np.array_equal(plain["mstar"], anew["mstar"])
    np.testing.assert_array_equal(plain["aircraft"], anew["aircraft"])
    covered = drawn(hidden_parts={"aircraft": 1.0})
    assert not np.array_equal(plain["aircraft"], covered["aircraft"])
