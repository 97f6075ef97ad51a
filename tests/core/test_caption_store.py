"""Captions on disk: what is written is read again, nothing of another program is lost, nothing damaged thrown away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.caption_list import SceneCaption, Where
from sarvlm_app.core.caption_store import CaptionStore
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Window
from tests.core.export_answers import make_scene
from tests.core.made_captions import make_caption

SCENE = make_scene()
NAME = f"{SCENE.fingerprint}.json"
numbers = st.integers(-(10**6), 10**6)
sizes = st.integers(1, 10**6)
captions = st.builds(
    SceneCaption,
    id=st.text("0123456789abcdef", min_size=16, max_size=16),
    where=st.sampled_from(Where),
    window=st.builds(Window, numbers, numbers, sizes, sizes),
    band=st.integers(1, 9),
    text=st.text(),
    said=st.text(),
    raw=st.text(),
    logprob=st.none() | st.floats(-1e6, 0),
    counts=st.lists(st.tuples(st.text(), st.integers(0, 999))).map(tuple),
    cover=st.lists(st.tuples(st.text(), st.floats(0, 1))).map(tuple),
    model_id=st.text(),
    made=st.datetimes(timezones=st.just(UTC)),
)


@pytest.fixture
def store(tmp_path: Path) -> CaptionStore:
    return CaptionStore(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@given(st.lists(captions, unique_by=lambda caption: caption.id, max_size=4).map(tuple))
def test_what_is_kept_is_read_again(kept: Path, made: tuple[SceneCaption, ...]) -> None:
    store = CaptionStore(kept)
    store.save(SCENE, made, {entry.id for entry in store.load(SCENE.fingerprint).captions}, 1)
    assert CaptionStore(kept).load(SCENE.fingerprint).captions == made


def test_words_that_are_no_unicode_and_a_path_that_is_none_are_kept(store: CaptionStore) -> None:
    caption = make_caption(text="half a \ud83d sign")
    store.save(make_scene(path=Path("/data/\udce4.tif")), (caption,), {caption.id}, 1)
    assert store.load(SCENE.fingerprint).captions == (caption,)


def test_without_a_file_there_are_no_captions(store: CaptionStore, tmp_path: Path) -> None:
    assert store.load(SCENE.fingerprint).captions == ()
    store.save(SCENE, (), set(), 1)
    assert list(tmp_path.iterdir()) == []


def test_what_another_program_keeps_of_the_scene_stays(tmp_path: Path) -> None:
    one, other = CaptionStore(tmp_path), CaptionStore(tmp_path)
    mine, theirs = make_caption(1), make_caption(2)
    one.save(SCENE, (mine,), {mine.id}, 1)
    other.save(SCENE, (theirs,), {theirs.id}, 1)
    assert set(one.load(SCENE.fingerprint).captions) == {mine, theirs}
    one.save(SCENE, (), {mine.id}, 2)
    assert one.load(SCENE.fingerprint).captions == (theirs,)


def test_a_save_that_comes_too_late_does_not_undo_a_later_one(store: CaptionStore) -> None:
    new, old = make_caption(1, text="New."), make_caption(1, text="Old.")
    store.save(SCENE, (new,), {new.id}, 2)
    store.save(SCENE, (old,), {old.id}, 1)
    assert store.load(SCENE.fingerprint).captions == (new,)


def entry(**changes: Any) -> dict[str, Any]:
    good = {
        "id": "1", "where": "view", "window": [0, 0, 8, 8], "band": 1, "text": "a", "said": "a", "raw": "a",
        "logprob": None, "counts": [["ship", 1]], "cover": [["water", 0.5]], "model": "m",
        "made": "2026-11-24T12:00:00+00:00",
    }  # fmt: skip
    return good | changes


def content(**changes: Any) -> str:
    return json.dumps({"version": 1, "captions": [entry(**changes)]})


def test_the_form_on_disk_is_read(store: CaptionStore, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content(made="2026-11-24T12:00:00"))
    (caption,) = store.load(SCENE.fingerprint).captions
    assert caption.window == Window(0, 0, 8, 8) and caption.counts == (("ship", 1),)
    assert caption.made == datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", '{"version": 2, "captions": []}', '{"version": 1, "captions": [1]}', "[" * 100_000,
        content(window=[0, 0, 0, 8]), content(window=[0, 0, 8]), content(window=[0, 0, 8.5, 8]), content(text=1),
        content(where="nowhere"), content(logprob="low"), content(logprob=True), content(counts=[["ship"]]),
        content(counts={"ship": 1}), content(made="yesterday"), content(band=None),
        content(cover=[["water", float("nan")]]),
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_moved_aside_and_told(store: CaptionStore, tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    (tmp_path / f"{NAME}.bad").write_text("an older one")
    loaded = store.load(SCENE.fingerprint)
    assert loaded.captions == () and loaded.message is not None and f"{NAME}.bad2" in loaded.message
    assert (tmp_path / f"{NAME}.bad2").read_text() == text
    assert (tmp_path / f"{NAME}.bad").read_text() == "an older one" and not (tmp_path / NAME).exists()
    assert store.load(SCENE.fingerprint).message is None


def test_bytes_that_are_no_text_are_moved_aside(store: CaptionStore, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    assert store.load(SCENE.fingerprint).message is not None
    assert (tmp_path / f"{NAME}.bad").read_bytes() == b"\xff\xfe\x00"


def test_a_file_that_cannot_be_read_is_a_sentence_and_is_not_written_over(store: CaptionStore, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        store.load(SCENE.fingerprint)
    with pytest.raises(StorageError, match="cannot be read"):
        store.save(SCENE, (make_caption(),), set(), 1)
    assert (tmp_path / NAME).is_dir()
