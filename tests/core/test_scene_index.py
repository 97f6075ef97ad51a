"""The index of a scene: made once, resumed wherever it stopped, and never taken for another's."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core import scene_index
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import Scene, scene_stats
from sarvlm_app.core.scene_index import FOLDER, SceneIndex, find_index, layout_of, open_or_create
from sarvlm_app.errors import JobCancelled, StorageError
from sarvlm_models.types import Window
from tests.core.export_answers import write_scene
from tests.core.fake_encoder import CELL, DIM, FakeEncoder
from tests.core.scene_files import speckle

SIZE = (130, 100)  # 17 x 13 cells, 4 x 3 windows of 48 px that keep 32


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return write_scene(tmp_path_factory.mktemp("index") / "scene.tif", speckle(SIZE[::-1]))


def build(scene: Scene, encoder: FakeEncoder, cache: Path, ctx: JobContext | None = None, **how: Any) -> SceneIndex:
    index = open_or_create(scene, layout_of(scene, 1, encoder.spec), cache)
    index.encode(scene, encoder, ctx or JobContext(), **how)
    return index


@pytest.fixture(scope="module")
def whole(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The vectors of an index that was made in one go."""
    return np.array(build(scene, FakeEncoder(), tmp_path_factory.mktemp("whole")).vectors)


def test_every_cell_gets_its_vector_and_a_second_time_costs_nothing(scene: Scene, tmp_path: Path) -> None:
    encoder = FakeEncoder()
    index = build(scene, encoder, tmp_path)
    assert index.complete and index.share == 1.0 and len(encoder.windows) == 12
    assert index.vectors.shape == (13, 17, DIM) and index.vectors.dtype == np.float16
    # at the right border a cell has 2 of 8 columns, at the lower one 4 of 8 rows: half is enough, a quarter is not
    filled = index.vectors.any(axis=-1)
    assert filled[:, :16].all() and not filled[:, 16].any()
    build(scene, encoder, tmp_path)
    assert len(encoder.windows) == 12


def test_windows_join_to_what_one_large_window_gives(scene: Scene, whole: np.ndarray, tmp_path: Path) -> None:
    spec = replace(FakeEncoder().spec, window_px=1024, margin_px=64)
    assert (np.array(build(scene, FakeEncoder(spec), tmp_path).vectors) == whole).all()


@pytest.mark.parametrize("stop", range(12))
def test_a_build_cancelled_at_any_window_resumes(scene: Scene, whole: np.ndarray, tmp_path: Path, stop: int) -> None:
    ctx = JobContext()
    encoder = FakeEncoder(before=lambda count: ctx.cancel() if count == stop else None)
    with pytest.raises(JobCancelled):
        build(scene, encoder, tmp_path, ctx)
    left = find_index(layout_of(scene, 1, encoder.spec), tmp_path)
    assert left is not None and left.share == pytest.approx((stop + 1) / 12)
    again = FakeEncoder()
    index = build(scene, again, tmp_path)
    assert len(again.windows) == 12 - (stop + 1)
    assert index.complete and (np.array(index.vectors) == whole).all()


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("stop", [0, 5, 11])
def test_a_build_killed_between_vectors_and_mark_does_that_window_again(
    scene: Scene, whole: np.ndarray, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = SceneIndex._encode_tile
    encoder = FakeEncoder()

    def and_die(self: SceneIndex, *args: Any) -> None:
        plain(self, *args)
        if len(encoder.windows) == stop + 1:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SceneIndex, "_encode_tile", and_die)
        with pytest.raises(Killed):
            build(scene, encoder, tmp_path)
    left = find_index(layout_of(scene, 1, encoder.spec), tmp_path)
    assert left is not None and left.share == pytest.approx(stop / 12)
    index = build(scene, encoder, tmp_path)
    assert len(encoder.windows) == 13 and (np.array(index.vectors) == whole).all()


def test_what_is_on_view_is_encoded_first(scene: Scene, tmp_path: Path) -> None:
    view = Window(100, 70, 20, 20)
    seen: list[bool] = []
    index = open_or_create(scene, layout_of(scene, 1, FakeEncoder().spec), tmp_path)
    index.encode(scene, FakeEncoder(), JobContext(), view, lambda: seen.append(index.covers(view)))
    assert seen.index(True) < 4 and len(seen) == 12


@given(col=st.integers(0, 129), row=st.integers(0, 99), width=st.integers(1, 130), height=st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_a_part_is_encoded_alone_and_all_of_it(
    scene: Scene,
    whole: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
    col: int,
    row: int,
    width: int,
    height: int,
) -> None:
    area = Window(col, row, width, height).intersection(Window(0, 0, *SIZE))
    assert area is not None
    index = build(scene, FakeEncoder(), tmp_path_factory.mktemp("part"), only=area)
    assert index.covers(area)
    cells = np.s_[area.row // CELL : -(-area.row_end // CELL), area.col // CELL : -(-area.col_end // CELL)]
    assert (np.array(index.vectors)[cells] == whole[cells]).all()


def test_progress_counts_what_was_there_before(scene: Scene, tmp_path: Path) -> None:
    build(scene, FakeEncoder(), tmp_path, only=Window(0, 0, 40, 1))
    steps: list[tuple[int, int, str]] = []
    build(scene, FakeEncoder(), tmp_path, JobContext(lambda *args: steps.append(args)))
    assert [(done, total) for done, total, _ in steps] == [(n, 12) for n in range(1, 13)]
    assert scene.name in steps[0][2]


# ---- damaged, foreign, full ------------------------------------------------
def spoil(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: max(1, path.stat().st_size // 2)])
    elif how == "overwritten":
        path.write_bytes(b"\x00\xff" * (path.stat().st_size // 2))
    elif how == "zip":
        path.write_bytes(b"PK\x03\x04" + path.read_bytes()[4:])
    else:
        path.write_bytes(b"[]" if path.suffix == ".json" else _npy(np.zeros((2, 2), np.float64)))


def _npy(array: np.ndarray) -> bytes:
    import io

    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("name", ["meta.json", "vectors.npy", "done.npy"])
@pytest.mark.parametrize("how", ["missing", "empty", "cut", "overwritten", "zip", "other"])
def test_a_damaged_index_is_made_anew(scene: Scene, whole: np.ndarray, tmp_path: Path, name: str, how: str) -> None:
    encoder = FakeEncoder()
    folder = build(scene, encoder, tmp_path).folder
    spoil(folder / name, how)
    assert find_index(layout_of(scene, 1, encoder.spec), tmp_path) is None
    index = build(scene, encoder, tmp_path)
    assert (np.array(index.vectors) == whole).all() and len(encoder.windows) == 24
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == [folder.name]


def test_an_index_of_something_else_is_never_used(scene: Scene, tmp_path: Path) -> None:
    spec = FakeEncoder().spec
    layout = layout_of(scene, 1, spec)
    folder = build(scene, FakeEncoder(), tmp_path).folder
    others = [
        layout_of(scene, 1, replace(spec, model_id="fake@1")),
        layout_of(scene, 1, replace(spec, window_px=64)),
        layout_of(scene, 1, replace(spec, margin_px=16)),
        layout_of(replace(scene, spacing_m=(5.0, 5.0)), 1, spec),
        layout_of(replace(scene, spacing_m=None), 1, spec),
        layout_of(replace(scene, fingerprint="other"), 1, spec),
        replace(layout, key=replace(layout.key, band=2)),
        replace(layout, key=replace(layout.key, median_amplitude=layout.key.median_amplitude * (1 + 1e-7))),
        replace(layout, key=replace(layout.key, p98_amplitude=1.0)),
        replace(layout, key=replace(layout.key, layout=scene_index.LAYOUT_VERSION + 1)),
    ]
    names = {other.key.folder_name() for other in (layout, *others)}
    assert len(names) == len(others) + 1
    for other in others:
        assert find_index(other, tmp_path) is None
        # not even where a folder was renamed to the place of the other
        place = tmp_path / FOLDER / other.key.folder_name()
        shutil.copytree(folder, place)
        assert find_index(other, tmp_path) is None
    assert find_index(layout, tmp_path) is not None
    assert find_index(replace(layout, dim=DIM // 2), tmp_path) is None


def test_meta_names_what_it_was_made_from(scene: Scene, tmp_path: Path) -> None:
    index = build(scene, FakeEncoder(), tmp_path)
    meta = json.loads((index.folder / "meta.json").read_text())
    assert meta["scene"] == str(scene.path) and meta["model"] == "fake@0" and meta["cell_px"] == CELL
    stats = scene_stats(scene, 1)
    assert meta["key"]["median_amplitude"] == stats.median_amplitude


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("call", [0, 1])
def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, call: int
) -> None:
    calls: list[int] = []

    def full(_file: int, _offset: int, _size: int) -> None:
        calls.append(1)
        if len(calls) > call:
            raise OSError(fault, os.strerror(fault))

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(StorageError) as info:
            open_or_create(scene, layout_of(scene, 1, FakeEncoder().spec), tmp_path)
    assert str(tmp_path) in str(info.value) and "choose" in str(info.value) and str(info.value).endswith(".")
    assert [path for path in tmp_path.rglob("*") if path != tmp_path / FOLDER] == []
    assert build(scene, FakeEncoder(), tmp_path).complete  # and once there is room, all is well


def test_a_cache_that_is_a_file_is_a_sentence(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(StorageError):
        open_or_create(scene, layout_of(scene, 1, FakeEncoder().spec), tmp_path / "cache")


def test_the_space_is_there_when_the_index_is_made(scene: Scene, tmp_path: Path) -> None:
    index = open_or_create(scene, layout_of(scene, 1, FakeEncoder().spec), tmp_path)
    status = (index.folder / "vectors.npy").stat()
    assert status.st_blocks * 512 >= 13 * 17 * DIM * 2
    assert index.share == 0.0 and not index.complete and not index.covers(Window(0, 0, 1, 1))


def test_a_second_process_uses_the_index_of_the_first(scene: Scene, tmp_path: Path) -> None:
    layout = layout_of(scene, 1, FakeEncoder().spec)
    first = open_or_create(scene, layout, tmp_path)
    second = open_or_create(scene, layout, tmp_path)
    first.encode(scene, FakeEncoder(), JobContext())
    assert second.complete and (second.vectors == first.vectors).all()


# ---- no data, small scenes, fine scenes --------------------------------------
def test_cells_without_data_have_no_vector(tmp_path: Path) -> None:
    pixels = speckle((96, 96))
    pixels[16:32] = np.nan
    pixels[48:56, 0:3] = np.nan  # 5 of 8 columns hold data
    pixels[64:72, 0:5] = np.nan  # 3 of 8 do
    scene = write_scene(tmp_path / "gaps.tif", pixels)
    index = build(scene, FakeEncoder(), tmp_path)
    empty = ~index.vectors.any(axis=-1)
    expected = np.zeros((12, 12), bool)
    expected[2:4] = True
    expected[8, 0] = True
    assert (empty == expected).all() and np.isfinite(index.vectors).all()


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_empty_and_constant_scenes_are_encoded_without_a_warning(tmp_path: Path, value: float) -> None:
    scene = write_scene(tmp_path / "flat.tif", np.full((64, 72), value, np.float32))
    encoder = FakeEncoder()
    index = build(scene, encoder, tmp_path)
    assert index.complete and np.isfinite(index.vectors).all()
    assert bool(encoder.windows) == (value == 7.0)  # zeros are no data where the file does not say otherwise


@pytest.mark.parametrize(("height", "width"), [(5, 7), (8, 8), (1, 1), (9, 200), (47, 49)])
def test_small_and_odd_scenes_are_whole_cells_to_the_encoder(tmp_path: Path, height: int, width: int) -> None:
    scene = write_scene(tmp_path / "small.tif", speckle((height, width)) + 1.0)
    encoder = FakeEncoder()
    index = build(scene, encoder, tmp_path)
    assert index.complete and index.vectors.shape[:2] == (-(-height // CELL), -(-width // CELL))
    assert all(h % CELL == 0 and w % CELL == 0 for h, w in encoder.windows)


def test_a_scene_of_finer_pixels_than_the_model_wants_is_averaged(tmp_path: Path) -> None:
    spec = replace(FakeEncoder().spec, finest_spacing_m=0.3)
    scene = write_scene(tmp_path / "fine.tif", speckle((201, 333)), pixel_m=0.1)
    encoder = FakeEncoder(spec)
    layout = layout_of(scene, 1, spec)
    assert layout.key.factor == 3 and layout.cell_px == 24 and layout.reduced == (111, 67)
    index = build(scene, encoder, tmp_path)
    assert index.vectors.shape[:2] == (9, 14) and index.complete
    assert all(spacing == pytest.approx(layout.key.spacing_m) for spacing in encoder.spacings)
    assert layout.key.spacing_m == pytest.approx(0.3, rel=0.02)
    coarse = layout_of(replace(scene, spacing_m=(10.0, 10.0)), 1, spec)
    assert coarse.key.factor == 1 and coarse.cell_px == 8
    assert layout_of(replace(scene, spacing_m=None), 1, spec).key.factor == 1


def test_averaging_a_fine_scene_keeps_its_places(tmp_path: Path) -> None:
    pixels = np.full((240, 240), 1.0, np.float32)
    pixels[100:124, 148:172] = 9.0  # close to the cell (4, 6) of 24 px
    scene = write_scene(tmp_path / "fine.tif", pixels, pixel_m=0.1)
    index = build(scene, FakeEncoder(replace(FakeEncoder().spec, finest_spacing_m=0.3)), tmp_path)
    assert np.unravel_index(index.vectors[..., 0].argmax(), index.vectors.shape[:2]) == (4, 6)


def test_the_use_of_an_index_is_remembered(scene: Scene, tmp_path: Path) -> None:
    index = build(scene, FakeEncoder(), tmp_path)
    os.utime(index.folder / "meta.json", (1, 1))
    open_or_create(scene, index.layout, tmp_path)
    assert (index.folder / "meta.json").stat().st_mtime > 1
    shutil.rmtree(index.folder)
    index.touch()  # dropped meanwhile: no fault
