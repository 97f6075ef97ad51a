import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.overviews.plan import Overview, plan_levels
from sarvlm_app.core.overviews.reduce import halve, weighted
from sarvlm_app.core.overviews.tiles import TileCache
from sarvlm_app.core.pyramid import LevelArray, ScenePyramid
from sarvlm_app.core.radiometry import mean_intensity
from sarvlm_app.core.scene import Scene, open_scene
from sarvlm_app.errors import JobCancelled, StorageError
from tests.core.scene_files import speckle, write_tif

SHAPE = (2200, 2600)
PIXELS = (speckle(SHAPE, 400.0) + 1).astype(np.uint16)
INTENSITY = PIXELS.astype(np.float32) ** 2
TILED = {"tiled": True, "blockxsize": 128, "blockysize": 128}


class Steps:
    """Counts steps; cancels at one of them when asked to."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.calls: list[tuple[int, int]] = []
        self._cancel_at = cancel_at

    def step(self, done: int, total: int, message: str) -> None:
        if len(self.calls) == self._cancel_at:
            raise JobCancelled("cancelled")
        self.calls.append((done, total))


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    return open_scene(write_tif(tmp_path_factory.mktemp("pyramid") / "a.tif", PIXELS, **TILED))


def expected_db(level: int, intensity=INTENSITY) -> np.ndarray:
    image = weighted(intensity, np.ones(intensity.shape, np.bool_))
    for _ in range(level):
        image = halve(image)
    return 10 * np.log10(image[0])


# ---- levels -------------------------------------------------------------------
@given(st.integers(1, 50000), st.integers(1, 50000))
def test_levels_halve_until_the_longer_edge_is_at_most_512(height, width):
    levels = plan_levels(height, width)
    assert levels[0].shape == (height, width)
    assert max(levels[-1].shape) <= 512
    for finer, coarser in zip(levels, levels[1:], strict=False):
        assert max(finer.shape) > 512
        assert coarser.shape == tuple(-(-n // 2) for n in finer.shape)


def test_overviews_of_the_file_serve_their_levels_and_nothing_is_built():
    size = (4000, 6000)
    overviews = [Overview(k, f, (-(-size[0] // f), -(-size[1] // f))) for k, f in enumerate((2, 8))]
    levels = plan_levels(*size, overviews)
    assert [(level.overview, level.factor) for level in levels] == [(None, 1), (0, 1), (0, 2), (1, 1), (1, 2)]
    assert all(level.direct for level in levels)


def test_overviews_of_another_size_or_too_few_are_not_used():
    levels = plan_levels(4000, 6000, [Overview(0, 2, (1999, 3000))])
    assert all(level.overview is None for level in levels)
    assert not levels[-1].direct


def test_halving_equals_the_mean_over_boxes_and_leaves_out_what_is_not_data():
    rng = np.random.default_rng(3)
    intensity = rng.exponential(1.0, (64, 48)).astype(np.float32)
    valid = rng.random((64, 48)) > 0.3
    image = weighted(np.where(valid, intensity, 0), valid)
    for _ in range(3):
        image = halve(image)
    mean, ok = mean_intensity(intensity, valid, (8, 6))
    assert image[1] is not None and np.array_equal(image[1] >= 0.5, ok)
    assert np.allclose(image[0][ok], mean[ok], rtol=1e-4)


# ---- reading ------------------------------------------------------------------
def test_full_resolution_is_the_file_in_decibels(scene, tmp_path):
    pyramid = ScenePyramid(scene, 1, tmp_path)
    assert np.allclose(pyramid.read(0, 500, 700, 1000, 1300), expected_db(0)[500:700, 1000:1300], atol=1e-4)
    assert pyramid.unit == "dB" and not list(tmp_path.iterdir())


def test_before_it_is_built_the_whole_scene_can_be_seen_coarsely(tmp_path, monkeypatch):
    monkeypatch.setattr("sarvlm_app.core.overviews.coarse.BUDGET_PIXELS", 2**20)
    pixels = np.full((4000, 5000), 10, np.uint16)
    pixels[2000:] = 1000
    pixels[:, :1000] = 0
    pyramid = ScenePyramid(open_scene(write_tif(tmp_path / "a.tif", pixels, nodata=0, **TILED)), 1, tmp_path / "cache")
    assert not pyramid.complete
    whole = np.asarray(pyramid.level_arrays()[-1])
    height, width = whole.shape
    middle = slice(int(0.35 * width), None)
    assert np.allclose(whole[: int(0.4 * height), middle], 20.0, atol=0.01)
    assert np.allclose(whole[int(0.6 * height) :, middle], 60.0, atol=0.01)
    assert np.isnan(whole[:, : int(0.1 * width)]).all()


@pytest.mark.parametrize("options", [TILED, {"blockysize": 1}, {"compress": "deflate", "blockysize": 16}])
def test_built_levels_are_the_mean_intensity_of_their_boxes(tmp_path, options):
    pyramid = ScenePyramid(open_scene(write_tif(tmp_path / "a.tif", PIXELS, **options)), 1, tmp_path / "cache")
    pyramid.build(Steps())
    assert pyramid.complete
    for number, array in enumerate(pyramid.level_arrays()):
        assert np.allclose(np.asarray(array), expected_db(number), atol=0.04)


def test_chunks_and_strips_meet_without_a_seam(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("sarvlm_app.core.pyramid.STRIP_ROWS", 64)
    monkeypatch.setattr("sarvlm_app.core.pyramid.CHUNK_COLS", 128)
    pyramid = ScenePyramid(scene, 1, tmp_path)
    pyramid.build(Steps())
    assert np.allclose(np.asarray(pyramid.level_arrays()[-1]), expected_db(len(pyramid.levels) - 1), atol=0.04)


def test_no_data_stays_open_on_every_level(tmp_path):
    pixels = PIXELS.astype(np.float32)
    pixels[:1024, :512] = np.nan
    pyramid = ScenePyramid(open_scene(write_tif(tmp_path / "a.tif", pixels)), 1, tmp_path / "cache")
    pyramid.build(Steps())
    for number, array in enumerate(pyramid.level_arrays()):
        nan = np.isnan(np.asarray(array))
        assert nan[: 1024 >> number, : 512 >> number].all()
        assert nan.sum() == (1024 >> number) * (512 >> number)


def test_a_file_with_overviews_needs_no_building(tmp_path):
    path = write_tif(tmp_path / "a.tif", PIXELS, overviews=(2, 4, 8), **TILED)
    pyramid = ScenePyramid(open_scene(path), 1, tmp_path / "cache")
    assert pyramid.complete and pyramid.rows_done == SHAPE[0]
    pyramid.build(Steps(cancel_at=0))
    assert np.median(np.abs(np.asarray(pyramid.level_arrays()[-1]) - expected_db(3))) < 1.5
    assert not (tmp_path / "cache").exists()


def test_overviews_of_complex_data_are_not_believed(tmp_path):
    iq = (PIXELS * np.exp(2j * np.pi * np.random.default_rng(0).random(SHAPE))).astype(np.complex64)
    path = write_tif(tmp_path / "a.tif", iq, overviews=(2, 4, 8), **TILED)
    pyramid = ScenePyramid(open_scene(path), 1, tmp_path / "cache")
    assert not pyramid.complete
    pyramid.build(Steps())
    assert np.allclose(np.asarray(pyramid.level_arrays()[-1]), expected_db(3), atol=0.04)


def test_windows_are_clipped_to_the_level_and_may_be_empty(scene, tmp_path):
    pyramid = ScenePyramid(scene, 1, tmp_path)
    assert pyramid.read(0, -10, 20, 2590, 9999).shape == (20, 10)
    assert pyramid.read(0, 50, 50, 0, 10).shape == (0, 10)
    assert pyramid.read(1, 5000, 6000, 0, 10).size == 0


def test_peek_tells_what_is_in_memory_and_never_reads(scene, tmp_path):
    pyramid = ScenePyramid(scene, 1, tmp_path)
    assert pyramid.peek(100, 200) is None
    pyramid.read(0, 200, 201, 100, 101)
    assert pyramid.peek(100, 200) == pytest.approx(10 * np.log10(INTENSITY[200, 100]), abs=1e-4)
    assert pyramid.peek(-1, 0) is None and pyramid.peek(0, SHAPE[0]) is None
    pyramid.release()
    assert pyramid.peek(100, 200) is None


def test_threads_that_read_while_it_is_built_see_true_pixels(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("sarvlm_app.core.pyramid.STRIP_ROWS", 64)
    pyramid = ScenePyramid(scene, 1, tmp_path)
    truth = expected_db(2)

    def look(_: int) -> bool:
        return np.allclose(pyramid.read(2, 100, 300, 100, 400), truth[100:300, 100:400], atol=0.04)

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look, k) for k in range(30)]
        pool.submit(pyramid.build, Steps()).result()
        assert all(each.result() for each in looks)


# ---- building -----------------------------------------------------------------
def test_a_build_that_was_cut_off_goes_on_where_it_stopped(scene, tmp_path):
    first = ScenePyramid(scene, 1, tmp_path)
    with pytest.raises(JobCancelled):
        first.build(Steps(cancel_at=2))
    assert first.rows_done == 1024
    second, steps, told = ScenePyramid(scene, 1, tmp_path), Steps(), []
    assert second.rows_done == 1024
    second.build(steps, told.append)
    assert [done for done, _ in steps.calls] == [1024, 1536, 2048, 2200]
    assert told == [1536, 2048, 2200]
    assert np.allclose(np.asarray(second.level_arrays()[-1]), expected_db(3), atol=0.04)


def test_what_was_built_once_is_there_the_next_time(scene, tmp_path):
    ScenePyramid(scene, 1, tmp_path).build(Steps())
    again = ScenePyramid(scene, 1, tmp_path)
    assert again.complete
    again.build(Steps(cancel_at=0))
    (folder,) = tmp_path.iterdir()
    assert folder.name == f"{scene.fingerprint}-1"
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["state", "json", "cut", "gone"])
def test_a_damaged_cache_is_built_anew(scene, tmp_path, damage):
    ScenePyramid(scene, 1, tmp_path).build(Steps())
    state, level = next(tmp_path.rglob("state.json")), next(tmp_path.rglob("level-3.npy"))
    if damage == "state":
        state.write_text(state.read_text().replace('"version": 1', '"version": 0'))
    elif damage == "json":
        state.write_text("{")
    elif damage == "cut":
        level.write_bytes(level.read_bytes()[:1000])
    else:
        level.unlink()
    pyramid = ScenePyramid(scene, 1, tmp_path)
    assert pyramid.rows_done == 0
    pyramid.build(Steps())
    assert np.allclose(np.asarray(pyramid.level_arrays()[-1]), expected_db(3), atol=0.04)


def test_built_levels_are_plain_npy_files(scene, tmp_path):
    ScenePyramid(scene, 1, tmp_path).build(Steps())
    array = np.load(next(tmp_path.rglob("level-3.npy")))
    assert (array.shape, array.dtype) == ((275, 325), np.float16)


def test_a_full_disk_is_told_in_a_sentence_and_the_scene_can_still_be_read(scene, tmp_path, monkeypatch):
    pyramid = ScenePyramid(scene, 1, tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sarvlm_app.core.overviews.store.os.replace", full)
    with pytest.raises(StorageError, match=r"overviews .*No space left on device.*; free some space"):
        pyramid.build(Steps())
    assert pyramid.rows_done == 0 and not list(tmp_path.rglob("*.part"))
    assert np.isfinite(np.asarray(pyramid.level_arrays()[-1])).all()


def test_a_cache_folder_that_cannot_be_made_is_told_in_a_sentence(scene, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        ScenePyramid(scene, 1, tmp_path / "file").build(Steps())


# ---- array-likes --------------------------------------------------------------
steps = st.one_of(st.none(), st.integers(-3, 3).filter(bool))
bounds = st.one_of(st.none(), st.integers(-12, 12))
one_index = st.one_of(st.builds(slice, bounds, bounds, steps), st.integers(-6, 5))


@given(st.one_of(one_index, st.just(Ellipsis), st.tuples(one_index), st.tuples(one_index, one_index)))
def test_slicing_a_level_is_slicing_an_array(key):
    whole = np.arange(48, dtype=np.float32).reshape(6, 8)
    level = LevelArray(lambda r0, r1, c0, c1: whole[r0:r1, c0:c1].copy(), whole.shape)
    assert np.array_equal(level[key], whole[key])


def test_a_level_has_what_napari_asks_for(scene, tmp_path):
    level = ScenePyramid(scene, 1, tmp_path).level_arrays()[1]
    assert (level.shape, level.ndim, level.size, level.dtype) == ((1100, 1300), 2, 1100 * 1300, np.float32)
    assert len(level) == 1100 and level.nbytes == level.size * 4
    assert np.asarray(level, dtype=np.float64).dtype == np.float64
    for wrong in (1100, (0, 0, 0), "x", (0, -1301)):
        with pytest.raises(IndexError):
            level[wrong]


def test_the_tile_cache_never_holds_much_more_than_its_limit():
    cache = TileCache(10 * 400)
    for k in range(50):
        cache.put((0, 0, k % 20), np.zeros((10, 10), np.float32))
        assert cache.held_bytes <= 10 * 400
    assert cache.get((0, 0, 9)) is not None and cache.get((0, 0, 10)) is None


def test_the_default_cache_is_the_users_cache_folder(scene, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("SARVLM_CACHE_DIR", str(tmp_path))
    ScenePyramid(scene, 1).build(Steps())
    assert next(tmp_path.rglob("state.json")).parent.parent.name == "pyramids"
