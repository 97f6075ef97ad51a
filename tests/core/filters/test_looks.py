"""The equivalent number of looks, told from the pixels."""

import numpy as np
import pytest

from sarvlm_app.core.filters import estimate_looks


def speckled(backscatter, looks, seed=0):
    return (backscatter * np.random.default_rng(seed).gamma(looks, 1 / looks, backscatter.shape)).astype(np.float32)


def everywhere(image):
    return np.ones(image.shape, dtype=bool)


@pytest.mark.parametrize("looks", [1, 3, 4.4, 10, 60])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_looks_of_clutter_are_found(looks, seed):
    image = speckled(np.full((512, 512), 0.05), looks, seed)
    assert estimate_looks(image, everywhere(image)) == pytest.approx(looks, rel=0.03)


@pytest.mark.parametrize("looks", [1, 4.4, 10])
def test_forest_town_and_ships_beside_the_clutter_change_little(looks):
    rng = np.random.default_rng(7)
    ground = np.ones((512, 512))
    ground[:, 300:] *= rng.gamma(2.0, 0.5, (512, 212))
    ground[400:] *= np.exp(rng.normal(0, 1, (28, 128))).repeat(4, 0).repeat(4, 1)
    ground[rng.random(ground.shape) < 2e-4] *= 100
    image = speckled(ground, looks)
    assert estimate_looks(image, everywhere(image)) == pytest.approx(looks, rel=0.05)


def test_pixels_without_data_do_not_count():
    image = speckled(np.ones((400, 400)), 4)
    valid = everywhere(image)
    valid[:, :150] = False
    image[:, :150] = np.nan
    assert estimate_looks(image, valid) == pytest.approx(4, rel=0.05)
    assert estimate_looks(image, everywhere(image)) == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("image", [np.ones((400, 400), np.float32), np.zeros((400, 400), np.float32)])
def test_where_nothing_varies_nothing_is_said(image):
    assert estimate_looks(image, everywhere(image)) is None


def test_too_small_an_image_says_nothing():
    image = speckled(np.ones((30, 30)), 1)
    assert estimate_looks(image, everywhere(image)) is None
