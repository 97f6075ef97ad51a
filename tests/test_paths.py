"""Where things lie."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from sarvlm_app import logs, paths
from sarvlm_app.errors import StorageError

DIRS = {
    "SARVLM_CACHE_DIR": paths.cache_dir,
    "SARVLM_DATA_DIR": paths.data_dir,
    "SARVLM_CONFIG_DIR": paths.config_dir,
}


@pytest.mark.parametrize("variable", DIRS)
def test_own_folder_follows_its_variable_and_is_made_on_demand(variable, tmp_path, monkeypatch):
    wanted = tmp_path / "Ünï-日本" / "deep"
    monkeypatch.setenv(variable, str(wanted))
    assert DIRS[variable]() == wanted
    assert wanted.is_dir()


@pytest.mark.parametrize("variable", DIRS)
def test_own_folder_without_a_variable_is_the_users(variable, tmp_path, monkeypatch):
    monkeypatch.delenv(variable)
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = DIRS[variable]()
    assert folder.is_relative_to(tmp_path) or sys.platform == "win32"
    assert paths.APP_NAME in folder.parts


@pytest.mark.parametrize("variable", DIRS)
def test_a_file_where_the_folder_should_be_is_one_sentence_with_the_remedy(variable, tmp_path, monkeypatch):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    monkeypatch.setenv(variable, str(in_the_way / "below"))
    with pytest.raises(StorageError) as caught:
        DIRS[variable]()
    message = str(caught.value)
    assert str(in_the_way) in message
    assert variable in message
    assert "\n" not in message


def test_a_folder_without_write_permission_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    monkeypatch.setenv("SARVLM_CACHE_DIR", str(folder))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(StorageError, match="no permission to write; set SARVLM_CACHE_DIR"):
        paths.cache_dir()


def test_resource_finds_what_lies_in_the_checkout(repo_root):
    assert paths.resource("weights") == repo_root / "resources" / "weights"


def test_resource_prefers_the_folder_inside_the_package(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "sarvlm_app"
    (package / "_resources" / "icons").mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.resource("icons") == package / "_resources" / "icons"


@pytest.mark.parametrize("name", ["no/such/thing", "weights/none.safetensors"])
def test_a_missing_resource_names_itself(name):
    with pytest.raises(StorageError, match="install the program again"):
        paths.resource(name)


@pytest.mark.parametrize("name", ["../pyproject.toml", "/etc/hostname", "icons/../../LICENSE"])
def test_a_resource_name_stays_inside_the_folder(name):
    with pytest.raises(StorageError, match="must stay inside"):
        paths.resource(name)


def test_foreign_geo_folders_are_forgotten_and_own_ones_stay(monkeypatch):
    own = str(Path(sys.prefix) / "share" / "proj")
    monkeypatch.setenv("PROJ_LIB", "/opt/postgis/share/proj")
    monkeypatch.setenv("PROJ_DATA", own)
    monkeypatch.setenv("GDAL_DATA", os.pathsep.join([own, "/usr/share/gdal"]))
    monkeypatch.delenv("GDAL_DRIVER_PATH", raising=False)
    assert paths.scrub_geo_environment() == ("PROJ_LIB", "GDAL_DATA")
    assert "PROJ_LIB" not in os.environ
    assert os.environ["PROJ_DATA"] == own


def test_an_empty_geo_variable_is_foreign_too(monkeypatch):
    for name in ("PROJ_LIB", "GDAL_DATA", "GDAL_DRIVER_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROJ_DATA", "")
    assert paths.scrub_geo_environment() == ("PROJ_DATA",)


def test_log_goes_to_the_data_folder_and_the_file_is_closed_afterwards():
    logger = logging.getLogger("sarvlm_app.something")
    with logs.log_to_file() as path:
        assert path is not None
        logger.info("opened %s", "scene.tif")
    logger.info("not any more")
    text = path.read_text(encoding="utf-8")
    assert "opened scene.tif" in text
    assert "not any more" not in text
    assert path.is_relative_to(paths.data_dir())


def test_a_log_that_cannot_be_written_does_not_stop_the_program(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SARVLM_DATA_DIR", str(tmp_path / "file"))
    with logs.log_to_file() as path:
        assert path is None
