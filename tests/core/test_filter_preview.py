"""A filter is previewed as the whole scene would be filtered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.derived.filtered import filtered
from sarvlm_app.core.derived.preview import preview, preview_window
from sarvlm_app.core.filters import Lee, Multilook
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_models.types import Window
from tests.core.scene_files import speckle, write_tif


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    tags = {"SARVLM_VALUE_TYPE": "amplitude"}
    return open_scene(write_tif(tmp_path_factory.mktemp("preview") / "a.tif", speckle((500, 600)), tags=tags))


def test_a_preview_is_a_window_of_the_filtered_scene(scene):
    window = Window(130, 90, 300, 280)
    shown = preview(scene, 1, Lee(), window)
    assert np.array_equal(shown.before.intensity, read_chip(scene, window, 1).intensity)
    assert np.array_equal(shown.after.intensity, read_chip(filtered(scene, Lee()), window, 1).intensity)
    assert shown.looks_before == pytest.approx(1, rel=0.2)
    assert shown.looks_after > 3


def test_multilooked_previews_have_fewer_pixels(scene):
    shown = preview(scene, 1, Multilook(azimuth=2, range=3), Window(0, 0, 300, 200))
    assert shown.after.intensity.shape == (100, 100)


@given(st.integers(0, 700), st.integers(0, 700), st.integers(1, 900), st.integers(1, 900), st.integers(8, 900))
def test_a_preview_lies_in_the_scene_and_at_the_middle_of_the_view(scene, col, row, width, height, edge):
    window = preview_window(scene, Window(col, row, width, height), edge)
    assert Window(0, 0, scene.width, scene.height).intersection(window) == window
    assert max(window.width, window.height) <= max(edge, 8)
    assert preview_window(scene, None, 100) == Window(250, 200, 100, 100)
