"""What is remembered, and what happens to a damaged memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.errors import StorageError
from sarvlm_app.paths import config_dir
from sarvlm_app.settings import RECENT_SCENES, Settings, load_settings, save_settings

SETTINGS = st.builds(
    Settings,
    theme=st.sampled_from(["dark", "light"]),
    threshold=st.floats(0, 1),
    top=st.integers(1, 100_000),
    heatmap_opacity=st.floats(0, 1),
    cache_limit_gb=st.floats(0, 1e6),
    device=st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
    coordinates=st.sampled_from(["degrees", "dms", "mgrs", "map"]),
    recent_scenes=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=RECENT_SCENES).map(tuple),
    last_folder=st.text(st.characters(exclude_categories=["Cs"])),
)


@given(settings=SETTINGS, geometry=st.binary(max_size=80), state=st.binary(max_size=80))
def test_what_is_saved_comes_back(tmp_path_factory, settings, geometry, state):
    path = tmp_path_factory.mktemp("s") / "settings.json"
    settings = settings.with_window(geometry, state)
    save_settings(settings, path)
    loaded = load_settings(path)
    assert loaded.settings == settings
    assert loaded.message is None
    assert loaded.settings.window_bytes() == (geometry, state)
    assert [entry.name for entry in path.parent.iterdir()] == ["settings.json"]


def test_the_first_start_has_the_defaults_and_no_message():
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert loaded.message is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe\x00", b'"' + b"[" * 5, b"[" * 100_000])
def test_a_damaged_file_is_moved_aside_and_the_defaults_are_used(damage):
    path = config_dir() / "settings.json"
    path.write_bytes(damage)
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert "settings.json.bad" in loaded.message
    assert not path.exists()
    assert path.with_name("settings.json.bad").read_bytes() == damage
    assert load_settings().message is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theme", "pink"),
        ("theme", ["dark"]),
        ("threshold", 1.5),
        ("threshold", True),
        ("threshold", "0.6"),
        ("top", 0),
        ("top", 1.5),
        ("cache_limit_gb", -1),
        ("device", "cuda:x"),
        ("device", "cpu:0"),
        ("coordinates", "furlongs"),
        ("recent_scenes", "a.tif"),
        ("recent_scenes", [1]),
        ("last_folder", None),
        ("window_geometry", "no base64!"),
        ("window_geometry", "ü"),
    ],
)
def test_one_bad_value_costs_only_itself(name, value):
    path = config_dir() / "settings.json"
    path.write_text(json.dumps({"heatmap_opacity": 0.25, name: value}))
    loaded = load_settings()
    assert loaded.settings == Settings(heatmap_opacity=0.25)
    assert name in loaded.message
    assert path.exists()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_lets_the_program_start(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("s") / "settings.json"
    path.write_text(json.dumps(dict.fromkeys(("theme", "top", "threshold", "recent_scenes", "device"), value)))
    assert isinstance(load_settings(path).settings, Settings)


def test_values_of_a_later_version_are_ignored():
    (config_dir() / "settings.json").write_text(json.dumps({"hologram": True, "theme": "light"}))
    assert load_settings().settings.theme == "light"
    assert load_settings().message is None


def test_a_settings_folder_that_cannot_be_made_does_not_stop_the_start(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SARVLM_CONFIG_DIR", str(tmp_path / "file"))
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert "SARVLM_CONFIG_DIR" in loaded.message


def test_a_folder_in_the_place_of_the_file_is_a_message():
    (config_dir() / "settings.json").mkdir()
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert "cannot be read" in loaded.message


def test_saving_that_fails_leaves_the_old_file_and_no_part(tmp_path):
    path = tmp_path / "settings.json"
    path.mkdir()
    with pytest.raises(StorageError, match="settings were not saved"):
        save_settings(Settings(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]
    with pytest.raises(StorageError):
        save_settings(Settings(), tmp_path / "none" / "settings.json")


def test_recent_scenes_are_unique_latest_first_and_few():
    settings = Settings()
    for number in range(RECENT_SCENES + 5):
        settings = settings.with_recent(Path(f"/data/{number}.tif"))
    settings = settings.with_recent(Path("/data/8.tif"))
    assert len(settings.recent_scenes) == RECENT_SCENES
    assert settings.recent_scenes[:2] == ("/data/8.tif", f"/data/{RECENT_SCENES + 4}.tif")
    assert settings.last_folder == "/data"
    assert replace(settings, theme="light").recent_scenes == settings.recent_scenes
