"""What is kept of scenes: seen, removed, made anew when it is damaged."""

import errno
import os
import shutil

import pytest

from tests.cli.spots import spot_scene
from tests.cli.test_query import near_spots
from tests.core.blob_detector import BlobDetector


@pytest.fixture
def kept(sarvlm, scene, encoder, own_folders):
    """The folder that is kept of an encoded scene."""
    sarvlm("query", scene, "ships")
    (folder,) = (own_folders / "cache" / "indices").iterdir()
    return folder


def test_info_tells_what_is_kept_where_and_how_large(sarvlm, scene, kept, own_folders, encoder):
    told = sarvlm("cache", "info", "--json").json
    (entry,) = told["kept"]
    assert told["folder"] == str(own_folders / "cache") and told["bytes"] == entry["bytes"] > 0
    assert (entry["kind"], entry["scene"], entry["path"]) == ("index", str(scene), str(kept))
    assert entry["model"] == encoder.spec.model_id and entry["complete"] is True
    assert str(scene) in sarvlm("cache", "info").out


def test_an_empty_cache(sarvlm):
    told = sarvlm("cache", "info", "--json").json
    assert told["kept"] == [] and told["bytes"] == 0
    assert sarvlm("cache", "clear", "--json").json["removed"] == 0


def test_clear_removes_all_or_that_of_one_scene(sarvlm, scene, kept, encoder, tmp_path):
    other = spot_scene(tmp_path / "other.tif", compress="deflate")
    sarvlm("query", other, "ships")
    told = sarvlm("cache", "clear", other, "--json").json
    assert told["removed"] == 1 and told["bytes_freed"] > 0 and kept.is_dir()
    assert sarvlm("cache", "clear").out.startswith("Removed 1 item")
    assert not kept.exists() and sarvlm("cache", "info", "--json").json["kept"] == []


def test_boxes_of_windows_are_told_and_removed_too(sarvlm, scene, monkeypatch):
    detector = BlobDetector()
    monkeypatch.setattr("sarvlm_models.registry.load_detector", lambda *_: detector)
    sarvlm("detect", scene)
    (entry,) = sarvlm("cache", "info", "--json").json["kept"]
    assert (entry["kind"], entry["scene"]) == ("boxes", str(scene))
    assert entry["model"] == detector.spec.model_id and entry["bytes"] > 0
    assert sarvlm("cache", "clear", scene, "--json").json["removed"] == 1
    assert sarvlm("cache", "info", "--json").json["kept"] == []


def test_a_file_of_boxes_that_does_not_tell_where_it_is_from(sarvlm, own_folders):
    path = own_folders / "cache" / "detections" / "0123.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"from an earlier release, or damaged")
    (entry,) = sarvlm("cache", "info", "--json").json["kept"]
    assert (entry["kind"], entry["scene"], entry["bytes"]) == ("boxes", None, len(path.read_bytes()))
    assert sarvlm("cache", "clear").out.startswith("Removed 1 item") and not path.exists()


def test_a_scene_that_is_gone_is_known_by_its_path(sarvlm, scene, kept):
    scene.unlink()
    assert len(sarvlm("cache", "info", scene, "--json").json["kept"]) == 1
    assert sarvlm("cache", "clear", scene, "--json").json["removed"] == 1 and not kept.exists()


def test_a_scene_that_never_was(sarvlm, kept, tmp_path):
    assert "never.tif does not exist" in sarvlm("cache", "clear", tmp_path / "never.tif").fault
    assert kept.is_dir()


@pytest.mark.parametrize("name", ["vectors.npy", "done.npy", "meta.json"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "another's"])
def test_a_damaged_index_is_made_anew(sarvlm, scene, kept, encoder, name, damage):
    path = kept / name
    if damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "garbage":
        path.write_bytes(b"\x93NUMPY\x01\x00garbage" * 40)
    elif damage == "gone":
        path.unlink()
    elif name != "meta.json":
        shutil.copy(kept / ("done.npy" if name == "vectors.npy" else "vectors.npy"), path)
    assert near_spots(sarvlm("query", scene, "ships", "--json").json)
    assert sarvlm("query", scene, "ships", "--json").json["cached"] is True
    assert len(list(kept.parent.iterdir())) == 1


@pytest.mark.parametrize("name", ["vectors.npy", "done.npy"])
def test_an_index_file_cut_to_nothing_is_made_anew(sarvlm, scene, kept, encoder, name):
    (kept / name).write_bytes(b"")
    assert near_spots(sarvlm("query", scene, "ships", "--json").json)


def test_a_cache_folder_that_is_a_file(sarvlm, scene, encoder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SARVLM_CACHE_DIR", str(tmp_path / "file"))
    for words in (["query", scene, "ships"], ["cache", "info"], ["cache", "clear"]):
        assert "SARVLM_CACHE_DIR" in sarvlm(*words, "--json").fault


def test_a_cache_folder_without_permission(sarvlm, scene, encoder, own_folders, monkeypatch):
    allowed = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: str(path) != str(own_folders / "cache") and allowed(path, mode)
    )
    assert "SARVLM_CACHE_DIR" in sarvlm("query", scene, "ships").fault


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "may not write")])
@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system does not reserve space")
def test_a_disk_without_room_for_the_index(sarvlm, scene, encoder, own_folders, monkeypatch, number, words):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    assert words in sarvlm("query", scene, "ships", "--json").fault
    assert encoder.windows == 0 and not [path for path in own_folders.rglob("*") if path.is_file()]


def test_the_limit_drops_the_oldest_and_never_the_scene_just_asked(sarvlm, scene, kept, tmp_path):
    from dataclasses import replace

    from sarvlm_app.settings import Settings, save_settings

    save_settings(replace(Settings(), cache_limit_gb=1e-9))
    other = spot_scene(tmp_path / "other.tif", compress="deflate")
    sarvlm("query", other, "ships")
    assert [entry["scene"] for entry in sarvlm("cache", "info", "--json").json["kept"]] == [str(other)]
