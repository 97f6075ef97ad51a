"""Level arrays under display settings: single bands, composites, phase; the data stay as they are."""

import numpy as np
import pytest

from sarvlm_app.core.display import ChannelKind, DisplaySettings, Mode, Picture, PictureKind, levels_of, presets
from sarvlm_app.core.display.composites import bands_as_colours, channel_text, choices, fits
from sarvlm_app.core.display.levels import channel_levels, histogram
from sarvlm_app.core.display.phase import PhasePyramid
from sarvlm_app.core.display.picture import grey_levels, kind_of
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.radiometry import to_db
from sarvlm_app.core.scene import default_stretch, open_scene, read_chip
from sarvlm_app.errors import JobCancelled, SceneError
from sarvlm_models.types import Window
from tests.core.display.scenes import complex_planes, dual, quad
from tests.core.scene_files import speckle, write_tif


class Steps:
    def __init__(self, cancel_at=None):
        self.calls, self._cancel_at = 0, cancel_at

    def step(self, done, total, message):
        if self.calls == self._cancel_at:
            raise JobCancelled("cancelled")
        self.calls += 1


@pytest.fixture(scope="module")
def dual_scene(tmp_path_factory):
    return dual(tmp_path_factory.mktemp("dual"))


@pytest.fixture(scope="module")
def quad_scene(tmp_path_factory):
    return quad(tmp_path_factory.mktemp("quad"))


def pixels(scene, band, rows, cols):
    window = Window(cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start)
    return read_chip(scene, window, band).intensity


# ---- single band ----------------------------------------------------------------
def test_decibels_are_those_of_the_pyramid_with_the_limits_of_the_scene(dual_scene):
    picture = Picture(dual_scene, 1, DisplaySettings())
    arrays = picture.level_arrays()
    assert [array.shape for array in arrays] == list(ScenePyramid(dual_scene, 1).levels)
    assert np.array_equal(arrays[0][10:40, 5:9], ScenePyramid(dual_scene, 1).read(0, 10, 40, 5, 9))
    stretch = default_stretch(dual_scene, 1)
    assert picture.look.limits == pytest.approx((stretch.low, stretch.high), abs=0.3)


def test_linear_and_gamma_show_amplitude_from_zero(dual_scene):
    picture = Picture(dual_scene, 1, DisplaySettings().with_mode(Mode.GAMMA))
    shown = picture.level_arrays()[0][0:60, 0:60]
    assert np.allclose(shown, np.sqrt(pixels(dual_scene, 1, slice(0, 60), slice(0, 60))), rtol=1e-4)
    low, high = picture.look.limits
    assert (low, picture.look.gamma) == (0.0, 0.5)
    assert np.mean(shown < high) == pytest.approx(0.98, abs=0.01)


def test_the_logarithmic_mode_spans_nearly_all_values(dual_scene):
    low, high = Picture(dual_scene, 1, DisplaySettings(Mode.LOG)).limits
    db = levels_of(dual_scene, 1).db
    assert np.mean((db > low) & (db < high)) == pytest.approx(0.998, abs=5e-4)


def test_other_limits_need_no_new_arrays_but_another_kind_does(dual_scene):
    picture = Picture(dual_scene, 1, DisplaySettings())
    picture.change(DisplaySettings(Mode.MANUAL, (-30.0, -3.0), 0.8, "magma"))
    assert (picture.look.limits, picture.look.gamma, picture.look.colours) == ((-30.0, -3.0), 0.8, "magma")
    with pytest.raises(ValueError, match="kind"):
        picture.change(DisplaySettings(Mode.LINEAR))


def test_a_scene_without_data_has_limits_all_the_same(tmp_path):
    scene = open_scene(write_tif(tmp_path / "none.tif", np.zeros((40, 50), np.float32), nodata=0.0))
    for mode in Mode:
        picture = Picture(scene, 1, DisplaySettings(mode))
        assert picture.look.limits[0] < picture.look.limits[1]
        picture.level_arrays()[0][:, :]


# ---- histogram -------------------------------------------------------------------
def test_the_histogram_peaks_where_the_values_are(dual_scene):
    shown = histogram(levels_of(dual_scene, 1).db)
    peak = shown.edges[np.argmax(shown.counts)]
    assert peak == pytest.approx(to_db(np.array([0.3**2]))[0], abs=2.0)
    linear = histogram(levels_of(dual_scene, 1).db, "amplitude")
    assert linear.edges[0] == 0.0
    assert histogram(np.array([1.0], np.float32)) is None


# ---- composites ------------------------------------------------------------------
def test_composites_follow_the_polarisations(dual_scene, quad_scene, tmp_path):
    assert [composite.name for composite in presets(dual_scene)] == ["VV / VH / ratio"]
    assert [composite.name for composite in presets(quad_scene)] == ["Pauli", "HH / HV / VV", "HH / HV / ratio"]
    red, green, blue = presets(quad_scene)[0].channels
    assert [channel_text(quad_scene, channel) for channel in (red, green, blue)] == ["|HH−VV|", "2|HV|", "|HH+VV|"]
    single = open_scene(write_tif(tmp_path / "one.tif", speckle((40, 40)), descriptions=("VV",)))
    assert presets(single) == ()
    assert not fits(single, presets(dual_scene)[0])
    assert not fits(dual_scene, presets(quad_scene)[0])
    assert [channel_text(dual_scene, channel) for channel in choices(dual_scene)] == ["VV", "VH", "VV/VH", "VH/VV"]


def test_a_dual_composite_stretches_each_channel_by_its_own_limits(dual_scene):
    composite = presets(dual_scene)[0].with_limits(0, (-20.0, -4.0)).with_limits(2, (0.0, 16.0))
    picture = Picture(dual_scene, 1, DisplaySettings(composite=composite))
    shown = picture.level_arrays()[0][50:90, 60:130]
    assert shown.shape == (40, 70, 3)
    vv, vh = (to_db(pixels(dual_scene, band, slice(50, 90), slice(60, 130))) for band in (1, 2))
    green = channel_levels(dual_scene, composite.channels[1].of_scene).limits()
    for plane, db, limits in ((0, vv, (-20.0, -4.0)), (1, vh, green), (2, vv - vh, (0.0, 16.0))):
        expected = np.clip((db - limits[0]) / (limits[1] - limits[0]), 0, 1) * 255
        assert np.abs(shown[..., plane] - expected).max() <= 1.0
    assert picture.channel_limits == ((-20.0, -4.0), green, (0.0, 16.0))


def test_limits_that_move_change_what_the_same_arrays_give(dual_scene):
    composite = presets(dual_scene)[0]
    picture = Picture(dual_scene, 1, DisplaySettings(composite=composite))
    coarsest = picture.level_arrays()[-1]
    before = coarsest[:, :]
    picture.change(DisplaySettings(composite=composite.with_limits(0, (-60.0, -50.0))))
    after = coarsest[:, :]
    assert (after[..., 0] == 255).all()
    assert np.array_equal(before[..., 1:], after[..., 1:])


def test_pauli_adds_and_subtracts_before_it_squares(quad_scene):
    picture = Picture(quad_scene, 1, DisplaySettings(composite=presets(quad_scene)[0]))
    hh, hv, vv = complex_planes()
    wanted = [np.abs(hh - vv), 2 * np.abs(hv), np.abs(hh + vv)]
    shown = picture.level_arrays()[0][:, :]
    for plane, amplitude in enumerate(wanted):
        expected = grey_levels(to_db(amplitude**2), picture.channel_limits[plane])
        assert np.abs(shown[..., plane].astype(int) - expected.astype(int)).max() <= 1


def test_even_and_odd_bounce_go_to_red_and_blue(tmp_path):
    planes = 0.05 * complex_planes((300, 300))
    planes[0, :, :150] += 2
    planes[2, :, :150] -= 2  # a dihedral: HH and VV in opposite phase
    planes[[0, 2], :, 150:] += 2  # a trihedral
    scene = quad(tmp_path, planes)
    composite = presets(scene)[0]
    for channel in range(3):
        composite = composite.with_limits(channel, (-20.0, 12.0))
    shown = Picture(scene, 1, DisplaySettings(composite=composite)).level_arrays()[0][:, :]
    left, right = shown[:, :150].mean((0, 1)), shown[:, 150:].mean((0, 1))
    assert left[0] > left[2] + 80
    assert right[2] > right[0] + 80


def test_a_channel_of_one_band_in_all_colours_is_grey(dual_scene):
    picture = Picture(dual_scene, 2, DisplaySettings(composite=bands_as_colours("Free", 2, 2, 2)))
    shown = picture.level_arrays()[0][:50, :50]
    assert np.array_equal(shown[..., 0], shown[..., 1])
    assert np.array_equal(shown[..., 1], shown[..., 2])


def test_what_is_no_data_in_a_composite_is_black(tmp_path):
    planes = np.stack([speckle((60, 70), 10, 1), speckle((60, 70), 10, 2)]) + 1
    planes[:, :20] = 0
    path = write_tif(tmp_path / "rim.tif", planes, descriptions=("VV", "VH"), nodata=0.0)
    scene = open_scene(path)
    shown = Picture(scene, 1, DisplaySettings(composite=presets(scene)[0])).level_arrays()[0][:, :]
    assert not shown[:20].any()
    assert shown[20:].any()


@pytest.mark.parametrize("key", [(3, 4), (slice(2, 9, 2), slice(None)), (..., 1), (-1, slice(0, 5)), 4, slice(1, 3)])
def test_a_level_in_colour_is_indexed_as_its_array_would_be(dual_scene, key):
    level = Picture(dual_scene, 1, DisplaySettings(composite=presets(dual_scene)[0])).level_arrays()[-1]
    assert (level.ndim, level.dtype, level.size) == (3, np.uint8, level.shape[0] * level.shape[1] * 3)
    assert np.array_equal(level[key], np.asarray(level)[key])


# ---- phase -----------------------------------------------------------------------
def test_phase_is_that_of_single_samples_at_every_level(tmp_path):
    rows, cols = np.mgrid[0:1500, 0:1400]
    wave = np.exp(1j * (0.011 * rows - 0.023 * cols)).astype(np.complex64)
    scene = quad(tmp_path, np.stack([wave] * 3))
    pyramid = PhasePyramid(scene, 1)
    for number, shape in enumerate(pyramid.levels):
        factor = 2**number
        shown = pyramid.read(number, 0, shape[0], 0, shape[1])
        r = np.minimum(np.arange(shape[0]) * factor + factor // 2, 1499)
        c = np.minimum(np.arange(shape[1]) * factor + factor // 2, 1399)
        assert np.allclose(np.exp(1j * shown), wave[np.ix_(r, c)], atol=1e-3)


@pytest.mark.parametrize("layout", [{}, {"tiled": False, "blockysize": 1, "blockxsize": None}])
def test_far_levels_of_the_phase_are_samples_from_one_walk_that_can_be_cancelled(tmp_path, layout):
    """By strips or, where the file is stored by rows, by the rows that are wanted only."""
    shape = (9000, 300)
    values = np.exp(1j * np.random.default_rng(2).uniform(-3, 3, shape)).astype(np.complex64)
    options = {key: value for key, value in layout.items() if value is not None}
    profile = options or {"tiled": True, "blockxsize": 128, "blockysize": 128}
    path = write_tif(tmp_path / "long.tif", values, **profile)
    scene = open_scene(path)
    pyramid = PhasePyramid(scene, 1)
    with pytest.raises(JobCancelled):
        pyramid.prepare(Steps(cancel_at=0))
    steps = Steps()
    pyramid.prepare(steps)
    assert steps.calls > 0
    number = len(pyramid.levels) - 1
    assert number > 3
    shown = pyramid.read(number, 0, 9999, 0, 9999)
    assert shown.shape == pyramid.levels[number]
    step = 2**number
    all_phases = np.angle(values)
    for row in (0, 3, shown.shape[0] - 1):
        cell = all_phases[row * step : (row + 1) * step, :step]
        assert np.isclose(cell, shown[row, 0], atol=1e-5).any()


def test_phase_is_shown_from_minus_to_plus_pi_in_cyclic_colours_without_smoothing(quad_scene):
    look = Picture(quad_scene, 1, DisplaySettings(phase=True)).look
    assert look.limits == pytest.approx((-np.pi, np.pi))
    assert (look.colours, look.smooth) == ("twilight", False)


def test_detected_data_have_no_phase(dual_scene):
    with pytest.raises(SceneError, match="no phase"):
        Picture(dual_scene, 1, DisplaySettings(phase=True))


# ---- what the model sees ---------------------------------------------------------
@pytest.mark.parametrize(
    "settings",
    [
        DisplaySettings(Mode.NRL),
        DisplaySettings(Mode.MANUAL, (-3.0, 3.0)),
        DisplaySettings(Mode.LINEAR, colours="magma"),
    ],
)
def test_a_display_changes_neither_the_fingerprint_nor_the_pixels_that_the_model_reads(dual_scene, settings):
    before = pixels(dual_scene, 1, slice(0, 300), slice(0, 300)).copy()
    name, stretch = dual_scene.fingerprint, default_stretch(dual_scene, 1)
    picture = Picture(dual_scene, 1, settings)
    picture.prepare(Steps())
    assert picture.scene.fingerprint == name == open_scene(dual_scene.path).fingerprint
    assert np.array_equal(before, pixels(dual_scene, 1, slice(0, 300), slice(0, 300)))
    assert default_stretch(dual_scene, 1) == stretch


def test_a_composite_goes_before_phase_and_phase_before_the_mode():
    composite = bands_as_colours("Free", 1, 1, 1)
    assert kind_of(DisplaySettings(composite=composite, phase=True)) is PictureKind.COLOUR
    assert kind_of(DisplaySettings(Mode.NRL, phase=True)) is PictureKind.PHASE
    assert kind_of(DisplaySettings(Mode.NRL)) is PictureKind.REMAP
    assert composite.channels[0].kind is ChannelKind.BAND
