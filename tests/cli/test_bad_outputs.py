"""Places that cannot be written: told before the work where that can be known, and never half a file."""

import errno
import os
import sys

import pytest

from tests.cli.conftest import finished

OPTIONS = (("--heatmap", "h.tif"), ("--candidates", "c.geojson"), ("--png", "p.png"))
FAULTS = [
    (errno.EACCES, "may not write"),
    (errno.EROFS, "read-only"),
    (errno.ENOSPC, "disk is full"),
    (errno.EDQUOT, "quota"),
]


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("option", "name"), OPTIONS)
def test_a_folder_that_is_not_there(sarvlm, encoder, scene, tmp_path, option, name):
    fault = sarvlm("query", scene, "ships", option, tmp_path / "no" / name, "--json").fault
    assert name in fault and "does not exist" in fault and not (tmp_path / "no").exists()


@pytest.mark.parametrize(("option", "name"), OPTIONS)
def test_a_folder_that_is_a_file(sarvlm, encoder, scene, option, name):
    assert "not a folder" in sarvlm("query", scene, "ships", option, scene / name).fault


@pytest.mark.parametrize(("option", "name"), OPTIONS)
def test_a_name_that_is_a_folder(sarvlm, encoder, scene, tmp_path, option, name):
    (tmp_path / name).mkdir()
    assert "there is a folder of that name" in sarvlm("query", scene, "ships", option, tmp_path / name).fault


@pytest.mark.parametrize(("number", "words"), FAULTS)
def test_a_folder_that_takes_nothing(sarvlm, encoder, scene, tmp_path, monkeypatch, number, words):
    really_open = os.open

    def refuse(path, flags, *rest, **options):
        if flags & os.O_CREAT and str(path).endswith(".part"):
            raise OSError(number, os.strerror(number), path)
        return really_open(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert words in sarvlm("query", scene, "ships", "--heatmap", tmp_path / "h.tif").fault
    assert words in sarvlm("demo", tmp_path / "d.tif").fault
    assert encoder.windows == 0 and files(tmp_path) == ["harbour.tif"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_a_place_where_not_even_root_may_write(sarvlm, encoder, scene):
    assert "/proc/h.tif cannot be written" in sarvlm("query", scene, "ships", "--heatmap", "/proc/h.tif").fault


@pytest.mark.parametrize("output", OPTIONS, ids=lambda output: output[1])
@pytest.mark.parametrize("fault", FAULTS[2:], ids=lambda fault: fault[1])
def test_a_disk_that_fills_while_the_results_are_written(sarvlm, encoder, scene, tmp_path, monkeypatch, output, fault):
    (option, name), (number, words) = output, fault
    (tmp_path / name).write_text("what was there")

    def fail(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    told = sarvlm("query", scene, "ships", option, tmp_path / name, "--json").fault
    assert words in told and name in told
    assert files(tmp_path) == sorted(["harbour.tif", name]) and (tmp_path / name).read_text() == "what was there"


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
@pytest.mark.parametrize(("limit", "left"), [(5_000, []), (60_000, ["c.geojson", "h.tif"])], ids=["index", "picture"])
def test_a_real_limit_on_what_can_be_written(spawn, scene, tmp_path, own_folders, limit, left):
    import resource

    out = tmp_path / "out"
    out.mkdir()
    words = [word for option, name in OPTIONS for word in (option, out / name)]
    ran = finished(
        spawn(
            "plain", "query", scene, "ships", *words, "--json",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    )  # fmt: skip
    assert "cannot be written" in ran.fault and files(out) == left
    assert not list(own_folders.rglob("*.part"))


def test_the_scene_is_never_overwritten(sarvlm, encoder, scene, tmp_path):
    before = scene.read_bytes()
    (tmp_path / "link.tif").symlink_to(scene)
    for path in (scene, tmp_path / "." / "harbour.tif", tmp_path / "link.tif"):
        assert "is the scene itself" in sarvlm("query", scene, "ships", "--heatmap", path).fault
    assert scene.read_bytes() == before


def test_two_results_need_two_files(sarvlm, encoder, scene, tmp_path):
    fault = sarvlm("query", scene, "ships", "--heatmap", tmp_path / "x", "--png", tmp_path / "x").fault
    assert "two outputs" in fault


@pytest.mark.parametrize("place", ["no/d.tif", "", "file.txt/d.tif"])
def test_the_demo_scene_is_not_simulated_for_a_place_that_is_not_there(sarvlm, tmp_path, place, monkeypatch):
    (tmp_path / "file.txt").touch()
    monkeypatch.setattr("sarvlm_app.core.simulate.demo.demo_scene", lambda: pytest.fail("simulated for nothing"))
    assert "cannot be written" in sarvlm("demo", tmp_path / place).fault


def test_demo_tells_what_it_wrote(sarvlm, tmp_path, monkeypatch):
    def write(path):
        path.touch()
        truth = path.with_name(path.stem + ".truth.geojson")
        truth.touch()
        return truth

    monkeypatch.setattr("sarvlm_app.core.simulate.demo.write_demo", write)
    answer = sarvlm("demo", tmp_path / "d.tif", "--json").json
    assert answer["scene"] == str(tmp_path / "d.tif") and answer["simulated"] is True
    assert files(tmp_path) == ["d.tif", "d.truth.geojson"]
