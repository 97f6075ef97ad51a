"""SICD remaps equal those of sarpy, called on its own and with its own statistics."""

import subprocess
import sys

import numpy as np
import pytest

from sarvlm_app.core.display import Mode, Picture
from sarvlm_app.core.display.levels import levels_of
from sarvlm_app.core.display.remaps import _sarpy, remapped
from sarvlm_app.core.display.settings import REMAPS, DisplaySettings
from sarvlm_app.core.scene import open_scene
from tests.core.scene_files import speckle, write_tif

sarpy = _sarpy()  # not imported here: that would have its effects on all other tests
AMPLITUDE = speckle((300, 260), 0.4, 9)
THEIRS = {mode: sarpy.get_registered_remap("log" if mode is Mode.SICD_LOG else str(mode)) for mode in REMAPS}


def alone(mode, amplitude):
    """sarpy by itself; its `nrl` no longer finds the statistics that it means to compute."""
    if mode is Mode.NRL:
        return THEIRS[mode](amplitude, stats=(amplitude.min(), amplitude.max(), np.percentile(amplitude, 99)))
    return THEIRS[mode](amplitude)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("remaps") / "a.tif"
    return open_scene(write_tif(path, AMPLITUDE**2, tags={"SARVLM_VALUE_TYPE": "intensity"}))


@pytest.mark.parametrize("mode", REMAPS)
def test_a_remap_is_bit_for_bit_that_of_sarpy_given_the_statistics_of_the_scene(scene, mode):
    levels = levels_of(scene, 1)  # of every pixel: the scene is small
    ours = remapped(AMPLITUDE, mode, levels)
    assert ours.dtype == np.uint8
    given = {"data_mean": levels.mean}
    if mode is Mode.NRL:
        given = {"stats": (levels.least, levels.most, levels.p99)}
    elif mode is Mode.SICD_LOG:
        given = {"min_value": levels.least, "max_value": levels.most}
    assert np.array_equal(ours, THEIRS[mode](AMPLITUDE, **given))


@pytest.mark.parametrize("mode", REMAPS)
def test_the_picture_of_a_scene_is_what_sarpy_makes_of_the_whole_image_by_itself(scene, mode):
    """Within one grey level: the display goes through decibels of float32."""
    shown = Picture(scene, 1, DisplaySettings(mode)).level_arrays()[0][:, :]
    difference = np.abs(shown.astype(int) - alone(mode, AMPLITUDE).astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 5e-3


@pytest.mark.parametrize("mode", REMAPS)
def test_what_is_no_data_is_black_and_an_empty_scene_too(scene, mode):
    levels = levels_of(scene, 1)
    holed = AMPLITUDE.copy()
    holed[40:60, 50:90] = np.nan
    ours = remapped(holed, mode, levels)
    assert not ours[40:60, 50:90].any()
    assert np.array_equal(ours[100:], remapped(AMPLITUDE[100:], mode, levels))
    assert not remapped(np.full((4, 4), np.nan, np.float32), mode, levels).any()


def test_pictures_that_are_cut_short_stay_refused_after_sarpy_came_in():
    code = (
        "from PIL import ImageFile; from sarvlm_app.core.display import remaps; remaps._sarpy(); "
        "assert ImageFile.LOAD_TRUNCATED_IMAGES is False"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
