"""What is kept of scenes: listed, removed, held within a limit."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.kept import PYRAMIDS, Kept, keep_within, list_kept, remove
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.scene_index import FOLDER, layout_of, open_or_create
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Window
from tests.core.export_answers import write_scene
from tests.core.fake_encoder import FakeEncoder
from tests.core.scene_files import speckle


def keep_scene(tmp_path: Path, number: int, used: float, only: Window | None = None) -> Scene:
    """Encode a scene of its own content; `used` is the time of its last use."""
    scene = write_scene(tmp_path / f"scene{number}.tif", speckle((64, 64 + number), seed=number))
    encoder = FakeEncoder()
    index = open_or_create(scene, layout_of(scene, 1, encoder.spec), tmp_path / "cache")
    index.encode(scene, encoder, JobContext(), only=only)
    os.utime(index.folder / "meta.json", (used, used))
    return scene


def keep_overviews(cache: Path, fingerprint: str, size: int, used: float) -> Path:
    folder = cache / PYRAMIDS / f"{fingerprint}-1"
    folder.mkdir(parents=True)
    (folder / "level1.raw").write_bytes(bytes(size))
    os.utime(folder, (used, used))
    return folder


def test_an_empty_or_missing_cache_holds_nothing(tmp_path: Path) -> None:
    assert list_kept(tmp_path / "nowhere") == ()
    (tmp_path / FOLDER).mkdir()
    assert list_kept(tmp_path) == ()
    assert keep_within(tmp_path, 0.0) == 0


def test_what_is_kept_is_told_with_its_scene_and_size(tmp_path: Path) -> None:
    whole = keep_scene(tmp_path, 1, 2000.0)
    part = keep_scene(tmp_path, 2, 1000.0, Window(0, 0, 8, 8))
    keep_overviews(tmp_path / "cache", "abc-def", 777, 3000.0)
    first, second, third = list_kept(tmp_path / "cache")
    assert (first.kind, first.scene, first.fingerprint) == ("index", str(part.path), part.fingerprint)
    assert (second.scene, second.model, second.used) == (str(whole.path), "fake@0", 2000.0)
    assert not first.complete and second.complete
    assert (third.kind, third.fingerprint, third.bytes) == ("overviews", "abc-def", 777)
    assert second.bytes == sum(path.stat().st_size for path in second.path.iterdir())


@pytest.mark.parametrize("name", ["meta.json", "done.npy"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"key": 3}', b"\x93NUMPY\xff"])
def test_a_damaged_index_is_listed_and_goes_first(tmp_path: Path, name: str, content: bytes | None) -> None:
    keep_scene(tmp_path, 1, 1000.0)
    keep_scene(tmp_path, 2, 2000.0)
    damaged = list_kept(tmp_path / "cache")[1].path
    if content is None:
        (damaged / name).unlink()
    else:
        (damaged / name).write_bytes(content)
    first, second = list_kept(tmp_path / "cache")
    assert first.path == damaged and not first.complete and first.fingerprint == "" and first.bytes > 0
    assert second.complete
    assert keep_within(tmp_path / "cache", second.bytes) == first.bytes
    assert [entry.path for entry in list_kept(tmp_path / "cache")] == [second.path]


def test_removing_frees_what_it_says(tmp_path: Path) -> None:
    keep_scene(tmp_path, 1, 1000.0)
    keep_scene(tmp_path, 2, 2000.0)
    first, second = list_kept(tmp_path / "cache")
    assert remove([first]) == first.bytes
    assert remove([first]) == 0  # gone already
    assert list_kept(tmp_path / "cache") == (second,)


def test_what_cannot_be_removed_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "no folder"
    file.write_bytes(b"x")
    with pytest.raises(StorageError) as info:
        remove([Kept("index", "", "", "", file, 1, False, 0.0)])
    assert str(file) in str(info.value) and str(info.value).endswith(".")


def test_the_least_recently_used_go_until_the_rest_fits(tmp_path: Path) -> None:
    for number, used in ((1, 3000.0), (2, 1000.0), (3, 2000.0)):
        keep_scene(tmp_path, number, used)
    cache = tmp_path / "cache"
    kept = list_kept(cache)
    total = sum(entry.bytes for entry in kept)
    assert keep_within(cache, total) == 0
    assert keep_within(cache, total - 1) == kept[0].bytes
    assert list_kept(cache) == kept[1:]
    assert keep_within(cache, 0) == total - kept[0].bytes
    assert list_kept(cache) == ()


def test_open_scenes_are_spared(tmp_path: Path) -> None:
    spared = keep_scene(tmp_path, 1, 1000.0)
    keep_scene(tmp_path, 2, 2000.0)
    overviews = keep_overviews(tmp_path / "cache", spared.fingerprint, 100, 500.0)
    keep_within(tmp_path / "cache", 0.0, frozenset([spared.fingerprint]))
    assert {entry.fingerprint for entry in list_kept(tmp_path / "cache")} == {spared.fingerprint}
    assert overviews.is_dir()


def test_an_index_lives_on_when_it_is_dropped_while_it_is_asked(tmp_path: Path) -> None:
    scene = keep_scene(tmp_path, 1, 1000.0)
    index = open_or_create(scene, layout_of(scene, 1, FakeEncoder().spec), tmp_path / "cache")
    before = np.array(index.vectors)
    keep_within(tmp_path / "cache", 0.0)
    assert (index.vectors == before).all() and index.complete
