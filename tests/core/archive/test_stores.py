"""What FAISS and Qdrant must do alike, held against NumPy; and what only files can suffer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.archive import faiss_segment, faiss_store
from sarvlm_app.core.archive.faiss_store import DamagedStoreError, FaissStore
from sarvlm_app.core.archive.store import NO_TIME, Filter, Rows, VectorStore, fits
from sarvlm_app.errors import StorageError

DIM = 24
Open = Callable[[], VectorStore]


def made(n: int, first: int = 0, seed: int = 0) -> Rows:
    """Vectors in a few heaps; a third without place, a fifth without time, some across the antimeridian."""
    rng = np.random.default_rng(seed)
    heaps = np.random.default_rng(99).normal(size=(12, DIM))
    vectors = heaps[rng.integers(0, 12, n)] + 0.6 * rng.normal(size=(n, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    west, south = rng.uniform(-180, 180, n), rng.uniform(-80, 79, n)
    boxes = np.column_stack((west, south, west + 1.5, south + 1)).astype(np.float32)
    boxes[rng.random(n) < 0.33] = np.nan
    times = rng.integers(1_000_000_000, 1_700_000_000, n)
    times[rng.random(n) < 0.2] = NO_TIME
    return Rows(
        np.arange(first, first + n), vectors.astype(np.float16), np.arange(first, first + n) // 7, boxes, times,
        [("Sentinel-1", "TerraSAR-X", "")[i] for i in rng.integers(0, 3, n)],
        [("VV", "VV VH", "")[i] for i in rng.integers(0, 3, n)],
    )  # fmt: skip


@pytest.fixture(params=["faiss", "qdrant"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the store; again after it was closed."""
    if request.param == "faiss":
        return lambda: FaissStore(tmp_path / "Ünï-日本", DIM, writable=True)
    qdrant_client = pytest.importorskip("qdrant_client")
    from sarvlm_app.core.archive.qdrant_store import QdrantStore

    client = qdrant_client.QdrantClient(":memory:")
    return lambda: QdrantStore(client, ":memory:", "tiles", DIM, tmp_path / "state.json")


def brute(
    rows: Rows,
    question: np.ndarray,
    k: int,
    wanted: Filter | None = None,
    hidden: frozenset[int] | set[int] = frozenset(),
) -> list[int]:
    keep = ~np.isin(rows.scenes, list(hidden))
    if wanted is not None:
        keep &= fits(rows.boxes, rows.times, wanted)
        for words, own in ((wanted.sensors, rows.sensors), (wanted.polarisations, rows.polarisations)):
            keep &= np.ones(len(rows), bool) if words is None else np.isin(own, list(words))
    scores = rows.vectors.astype(np.float32) @ question
    order = [i for i in np.lexsort((rows.ids, -scores)) if keep[i]]
    return rows.ids[order[:k]].tolist()


FILTERS = [
    Filter(),
    Filter(bbox=(-20.0, -10.0, 60.0, 50.0)),
    Filter(bbox=(170.0, -60.0, -170.0, 60.0)),
    Filter(after=1_200_000_000),
    Filter(after=1_200_000_000, before=1_400_000_000),
    Filter(sensors=frozenset({"Sentinel-1"})),
    Filter(polarisations=frozenset({"VV", "VV VH"}), bbox=(-180.0, -90.0, 180.0, 90.0)),
    Filter(sensors=frozenset()),
    Filter(bbox=(0.0, 0.0, 0.01, 0.01), before=1_000_000_001),
]


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_the_nearest_within_a_filter_are_those_of_numpy(opened: Open, wanted: Filter) -> None:
    store, rows = opened(), made(300)
    store.upsert([("one", rows)])
    questions = made(4, seed=5).vectors.astype(np.float32)
    found = store.search(questions, 10, wanted)
    assert [answer.ids.tolist() for answer in found] == [brute(rows, one, 10, wanted) for one in questions]
    for answer, question in zip(found, questions, strict=True):
        np.testing.assert_allclose(answer.scores, store.vectors(answer.ids) @ question, atol=2e-3)


def test_an_empty_store_finds_nothing(opened: Open) -> None:
    store = opened()
    assert store.search(np.eye(1, DIM, dtype=np.float32), 5)[0].ids.size == 0
    assert store.stats().vectors == 0 and store.sample(10).shape == (0, DIM)


def test_what_was_taken_is_there_when_it_is_opened_again(opened: Open) -> None:
    store = opened()
    store.upsert([("one", made(50)), ("two", made(40, first=50, seed=1))])
    store.hide({2, 3})
    store.close()
    again = opened()
    assert again.shards == {"one", "two"} and again.hidden == {2, 3}
    assert again.stats().vectors + again.stats().hidden == 90 and again.stats().hidden == 14


def test_taking_a_shard_twice_changes_nothing(opened: Open) -> None:
    store, rows = opened(), made(60)
    store.upsert([("one", rows)])
    store.upsert([("one", rows)])
    store.upsert([("again", rows)])  # the same ids under another name, as after a fault
    assert store.stats().vectors == 60
    question = rows.vectors[3].astype(np.float32)
    assert store.search(question, 5)[0].ids.tolist() == brute(rows, question, 5)


def test_hidden_scenes_are_not_found_until_they_are_shown(opened: Open) -> None:
    store, rows = opened(), made(100)
    store.upsert([("one", rows)])
    question = rows.vectors[10].astype(np.float32)
    store.hide({1, 4})
    assert store.search(question, 20)[0].ids.tolist() == brute(rows, question, 20, hidden={1, 4})
    store.hide(set())
    assert store.search(question, 20)[0].ids.tolist() == brute(rows, question, 20)


def test_rows_added_to_a_hidden_scene_are_hidden_as_well(opened: Open) -> None:
    store, rows = opened(), made(20)
    store.upsert([("one", rows)])
    store.hide({0})
    more = made(5, first=20, seed=3)
    store.upsert([("two", replace(more, scenes=np.zeros(5, np.int64)))])
    found = store.search(more.vectors[0].astype(np.float32), 25)[0].ids
    assert len(found) == 13 and found.min() >= 7 and found.max() < 20


def test_compacting_drops_what_is_hidden_for_good(opened: Open) -> None:
    store, rows = opened(), made(70)
    store.upsert([("one", rows)])
    store.hide({0, 9})
    store.compact(["one-rewritten"])
    assert store.shards == {"one-rewritten"} and store.hidden == frozenset()
    assert store.stats().vectors == 56 and store.stats().hidden == 0
    assert not store.vectors(np.arange(7)).any() and store.vectors(np.asarray([8])).any()


def test_vectors_and_samples_are_as_they_were_given(opened: Open) -> None:
    store, rows = opened(), made(80)
    store.upsert([("one", rows)])
    ids = np.asarray([5, 999, 0, 79])
    found = store.vectors(ids)
    np.testing.assert_allclose(found[[0, 2, 3]], rows.vectors[[5, 0, 79]].astype(np.float32), atol=1e-6)
    assert not found[1].any()
    sample = store.sample(30)
    assert 20 <= len(sample) <= 30 and (sample == store.sample(30)).all()
    store.clear()
    assert store.stats().vectors == 0 and store.shards == frozenset()


# -- FAISS alone: files


@pytest.fixture
def small_ivf(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (faiss_segment, faiss_store):
        monkeypatch.setattr(module, "IVF_ROWS", 3000)
    monkeypatch.setattr(faiss_segment, "LIST_FACTOR", 0.7)
    monkeypatch.setattr(faiss_segment, "FEW", 50)


@pytest.mark.usefixtures("small_ivf")
def test_beyond_a_size_an_inverted_file_finds_nearly_the_same(tmp_path: Path) -> None:
    store, rows = FaissStore(tmp_path / "store", DIM, writable=True), made(5000)
    store.upsert([("one", rows)])
    assert "inverted" in store.stats().kind
    questions = made(20, seed=8).vectors.astype(np.float32)
    for wanted in (None, Filter(bbox=(-100.0, -60.0, 100.0, 60.0))):
        found = store.search(questions, 20, wanted)
        truth = [brute(rows, one, 20, wanted) for one in questions]
        recall = np.mean([len(set(a.ids.tolist()) & set(b)) / 20 for a, b in zip(found, truth, strict=True)])
        assert recall > 0.97
    store.upsert([("two", made(30, first=5000, seed=2))])  # beside it a small segment, searched at once
    newest = made(30, first=5000, seed=2).vectors[7].astype(np.float32)
    assert store.search(newest, 1)[0].ids.tolist() == [5007]
    store.hide({0})
    store.compact(["one", "two"])
    again = FaissStore(tmp_path / "store", DIM, writable=False)
    assert again.stats().vectors == 5023 and len(list((tmp_path / "store").glob("segment-*"))) == 1


def test_without_the_right_to_write_new_rows_stay_in_memory(tmp_path: Path) -> None:
    FaissStore(tmp_path, DIM, writable=True).upsert([("one", made(20))])
    before = sorted(path.name for path in tmp_path.rglob("*"))
    reader = FaissStore(tmp_path, DIM, writable=False)
    reader.upsert([("two", made(10, first=20, seed=1))])
    reader.hide({0})
    assert reader.stats().vectors == 23
    assert sorted(path.name for path in tmp_path.rglob("*")) == before
    assert FaissStore(tmp_path, DIM, writable=False).shards == {"one"}


@pytest.mark.parametrize("name", ["store.json", "payload.npy", "vectors.npy"])
@pytest.mark.parametrize("how", ["cut", "gone", "nonsense"])
def test_a_damaged_store_says_so(tmp_path: Path, name: str, how: str) -> None:
    FaissStore(tmp_path, DIM, writable=True).upsert([("one", made(20))])
    path = next(tmp_path.rglob(name))
    if how == "gone" and name == "store.json":
        path.write_text("{}")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:60] if how == "cut" else b"nonsense" * 40)
    with pytest.raises(DamagedStoreError, match="damaged index"):
        FaissStore(tmp_path, DIM, writable=False)


@pytest.mark.parametrize("stop", range(6))
def test_a_process_that_ends_while_it_writes_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    FaissStore(tmp_path, DIM, writable=True).upsert([("one", made(30))])
    steps = iter(range(100))

    class Killed(BaseException):
        pass

    def step(function: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: object, **options: object) -> None:
            if next(steps) == stop:
                raise Killed
            function(*arguments, **options)

        return run

    for module, name in ((np, "save"), (os, "rename"), (os, "replace"), (os, "fsync")):
        monkeypatch.setattr(module, name, step(getattr(module, name)))
    try:
        FaissStore(tmp_path, DIM, writable=True).upsert([("two", made(10, first=30, seed=1))])
        ended = False
    except Killed:
        ended = True
    monkeypatch.undo()
    left = FaissStore(tmp_path, DIM, writable=True)
    assert left.shards == ({"one"} if ended else {"one", "two"})
    left.upsert([("two", made(10, first=30, seed=1))])
    assert left.stats().vectors == 40
    left.compact(["one", "two"])
    assert len(list(tmp_path.glob("segment-*"))) == 1, "nothing half made is left"


# -- Qdrant alone: a server that is not there


def test_a_server_that_does_not_answer_is_told_and_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("qdrant_client")
    from qdrant_client.http.exceptions import ResponseHandlingException

    from sarvlm_app.core.archive import qdrant_store

    monkeypatch.setattr(qdrant_store, "WAIT_S", 0.0)
    asked = []

    class Down:
        def collection_exists(self, name: str) -> bool:
            asked.append(name)
            raise ResponseHandlingException(ConnectionRefusedError("connection refused"))

    with pytest.raises(StorageError, match=r"http://far:6333 does not answer.*nothing is lost"):
        qdrant_store.QdrantStore(Down(), "http://far:6333", "tiles", DIM, tmp_path / "state.json")  # type: ignore[arg-type]
    assert len(asked) == qdrant_store.TRIES


def test_a_server_that_goes_down_in_the_middle_gets_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qdrant_client = pytest.importorskip("qdrant_client")
    from qdrant_client.http.exceptions import ResponseHandlingException

    from sarvlm_app.core.archive import qdrant_store

    monkeypatch.setattr(qdrant_store, "WAIT_S", 0.0)
    monkeypatch.setattr(qdrant_store, "POINTS_AT_ONCE", 8)
    client = qdrant_client.QdrantClient(":memory:")
    store = qdrant_store.QdrantStore(client, ":memory:", "tiles", DIM, tmp_path / "state.json")
    real, calls = client.upsert, iter(range(1000))

    def falls(*arguments: object, **options: object) -> object:
        if next(calls) >= 2:
            raise ResponseHandlingException(ConnectionResetError("gone"))
        return real(*arguments, **options)

    monkeypatch.setattr(client, "upsert", falls)
    with pytest.raises(StorageError):
        store.upsert([("one", made(40))])
    assert store.shards == frozenset()
    monkeypatch.setattr(client, "upsert", real)
    store.upsert([("one", made(40))])
    assert store.stats().vectors == 40 and json.loads((tmp_path / "state.json").read_text())["shards"] == ["one"]
