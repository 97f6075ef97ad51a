"""One process, several, or a cluster: the same archive bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.ingest import AddRequest, add
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import JobCancelled, StorageError
from tests.core.archive.made import Provide, chip, fill, geo_scene


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    for seed in range(10):
        chip(place / f"{seed}.tif", seed, bright=seed % 3 == 0)
    geo_scene(place / "scene.tif")
    (place / "bad.tif").write_bytes(b"II*\0")
    return place


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_app.core.archive.ingest.FILES_A_SHARD", 4)


def contents(archive: Path) -> tuple[list[str], list[object], dict[str, bytes]]:
    """Shards by their hash, rows of the catalogue, bytes of the vectors."""
    with Archive(archive) as opened:
        embedded = [(one.sha, one.shard, one.first_tile, one.tiles) for one in opened.catalogue.embedded(1)]
        shards = opened.catalogue.shards()
    vectors = {path.parent.parent.name: path.read_bytes() for path in archive.rglob("vectors.npy")}
    return shards, embedded, vectors


@pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed", "ignore::DeprecationWarning:tornado")
def test_a_cluster_makes_the_same_archive_as_this_machine(folder: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    local = fill(tmp_path / "local", folder)
    options = {"processes": False, "n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(protocol="tcp://", host="127.0.0.1", **options) as cluster:
        report = fill(tmp_path / "far", folder, dask=cluster.scheduler_address)
    assert (report.added, report.tiles, report.faults) == (local.added, local.tiles, local.faults)
    assert contents(tmp_path / "local") == contents(tmp_path / "far")


def test_a_cluster_that_is_not_there_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("sarvlm_app.core.archive.runners.CONNECT_S", 1)
    with pytest.raises(StorageError, match=r"tcp://127.0.0.1:1 does not answer"):
        fill(tmp_path / "far", folder, dask="tcp://127.0.0.1:1")


def test_without_the_library_the_sentence_names_what_to_install(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(StorageError, match="pip install"):
        fill(tmp_path / "far", folder, dask="tcp://127.0.0.1:1")


@pytest.mark.slow
def test_two_processes_make_the_same_archive_as_one(folder: Path, tmp_path: Path) -> None:
    fill(tmp_path / "one", folder)
    fill(tmp_path / "two", folder, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
def test_cancelled_workers_leave_at_once_and_the_next_run_goes_on(folder: Path, tmp_path: Path) -> None:
    class Stopping(JobContext):
        def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
            super().step(done, total, message)
            if message.startswith("Embedding"):
                self.cancel()

    with pytest.raises(JobCancelled):
        add(tmp_path / "two", AddRequest((folder,), workers=2), Provide(0.5), Stopping())
    assert fill(tmp_path / "two", folder).added + 0 <= 11
    fill(tmp_path / "one", folder)
    assert contents(tmp_path / "one")[0] == contents(tmp_path / "two")[0]
