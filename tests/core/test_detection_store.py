"""Boxes on disk: there again the next time, whatever happened to the file in between."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.box_table import Boxes, Source
from sarvlm_app.core.detection_list import DetectionList
from sarvlm_app.core.detection_store import DetectionStore, KeptBoxes
from sarvlm_app.errors import StorageError
from tests.core.export_answers import make_scene
from tests.core.fake_detecting import SHIPS, some
from tests.core.test_detection_list import rows

SCENE = make_scene()


@pytest.fixture
def store(tmp_path: Path) -> DetectionStore:
    return DetectionStore(tmp_path / "detections")


def worked_on(found=SHIPS) -> DetectionList:
    known = DetectionList(SCENE)
    known.arrive(found, Source.RUN)
    known.move(int(known.boxes.ids[0]), 5, 5)
    known.relabel(known.boxes.ids[:1], "Fähre «Ωmega»")
    known.strike_out(known.boxes.ids[1:2])
    return known


def save(store: DetectionStore, known: DetectionList, turn: int = 1) -> None:
    store.save(SCENE, KeptBoxes(known.boxes, known.names, known.origins), known.note_seen(), turn)


def test_what_is_saved_is_read_again_bit_for_bit(store: DetectionStore) -> None:
    known = worked_on()
    save(store, known)
    kept = store.load(SCENE.fingerprint)
    assert rows(kept.boxes) == rows(known.boxes) and kept.message is None
    assert (kept.names, kept.origins) == (known.names, known.origins)


def test_without_a_file_there_are_no_boxes_and_without_boxes_no_file(store: DetectionStore) -> None:
    assert len(store.load(SCENE.fingerprint).boxes) == 0
    save(store, worked_on())
    store.save(SCENE, KeptBoxes(Boxes.empty()), store.load(SCENE.fingerprint).boxes.ids, 2)
    assert not store.path_of(SCENE.fingerprint).exists()


def test_corrections_of_another_program_stay_in_the_file(store: DetectionStore) -> None:
    other = worked_on(some((50, 50, 0.6, "aircraft"), (80, 300, 0.7, "ship"), names=("aircraft", "ship")))
    save(store, other)
    mine = worked_on()
    save(store, mine, 2)
    kept = store.load(SCENE.fingerprint)
    touched = other.boxes.take(other.boxes.touched)
    assert set(kept.boxes.ids) == set(mine.boxes.ids) | set(touched.ids)
    labels = dict(zip(kept.boxes.ids.tolist(), (kept.names[k] for k in kept.boxes.classes), strict=True))
    assert all(labels[box] == other.names[k] for box, k in zip(touched.ids.tolist(), touched.classes, strict=True))


def test_a_save_that_comes_too_late_does_nothing(store: DetectionStore) -> None:
    first, second = worked_on(), worked_on()
    save(store, second, 5)
    save(store, first, 4)
    assert set(store.load(SCENE.fingerprint).boxes.ids) == set(second.boxes.ids)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not boxes")


def _foreign_classes(path: Path) -> None:
    with np.load(path) as file:
        columns = dict(file)
    columns["classes"] = np.full_like(columns["classes"], 99)
    with path.open("wb") as file:
        np.savez(file, **columns)


def _no_number(path: Path) -> None:
    with np.load(path) as file:
        columns = dict(file)
    columns["corners_px"] = np.full_like(columns["corners_px"], np.nan)
    with path.open("wb") as file:
        np.savez(file, **columns)


@pytest.mark.parametrize("damage", [_cut, _empty, _text, _foreign_classes, _no_number])
def test_a_damaged_file_is_moved_aside_and_told_of(store: DetectionStore, damage) -> None:
    save(store, worked_on())
    path = store.path_of(SCENE.fingerprint)
    damage(path)
    content = path.read_bytes()
    kept = store.load(SCENE.fingerprint)
    assert len(kept.boxes) == 0 and kept.message is not None and path.name in kept.message
    assert path.with_name(path.name + ".bad").read_bytes() == content and not path.exists()


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_sentence(store: DetectionStore) -> None:
    save(store, worked_on())
    store.path_of(SCENE.fingerprint).chmod(0)
    with pytest.raises(StorageError, match="cannot be read"):
        store.load(SCENE.fingerprint)


def test_a_folder_in_the_place_of_the_file_is_a_sentence(store: DetectionStore) -> None:
    store.path_of(SCENE.fingerprint).mkdir(parents=True)
    with pytest.raises(StorageError, match=SCENE.fingerprint):
        store.load(SCENE.fingerprint)
