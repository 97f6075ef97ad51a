"""Adding: only what is new or changed is done, and wherever it ends nothing is lost, doubled or left over."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.archive import archive as archive_module
from sarvlm_app.core.archive.archive import Archive, changing
from sarvlm_app.core.archive.care import compact, info, verify
from sarvlm_app.core.archive.schema import MIGRATIONS
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import JobCancelled, SceneError, StorageError
from tests.core.archive.made import Provide, ask, chip, fill, geo_scene, touch_later

ROOT = Path(__file__).resolve().parents[3]


def problems(archive: Path) -> list[str]:
    with Archive(archive) as opened:
        return verify(opened, JobContext()).problems


def counts(archive: Path) -> tuple[int, int, int]:
    with Archive(archive) as opened:
        found = info(opened)
    return found.scenes, found.tiles, found.vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three chips, a scene, a text, and a chip in a folder below."""
    place = tmp_path / "data Ünï-日本"
    (place / "below").mkdir(parents=True)
    for seed in range(3):
        chip(place / f"chip{seed}.tif", seed, bright=seed == 2)
    geo_scene(place / "S1A_20201107_scene_vv.tif")
    (place / "notes.txt").write_text("not an image")
    chip(place / "below" / "deep.tif", 9)
    return place


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive 日本"


def test_a_folders_own_files_are_taken_and_deeper_ones_when_asked(folder: Path, archive: Path) -> None:
    report = fill(archive, folder)
    assert (report.added, report.skipped, report.faults) == (4, 0, [])
    assert counts(archive)[0] == 4 and counts(archive)[1] == report.tiles
    assert fill(archive, folder, recursive=True).added == 1
    assert counts(archive)[0] == 5 and problems(archive) == []


def test_what_is_unchanged_costs_nothing(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    encoder = Provide()()
    before = encoder.pictures, len(encoder.windows)  # type: ignore[attr-defined]
    report = fill(archive, folder)
    assert (report.added, report.skipped, report.tiles) == (0, 4, 0)
    assert (encoder.pictures, len(encoder.windows)) == before  # type: ignore[attr-defined]


def test_a_file_that_was_only_touched_or_moved_is_known_by_its_content(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    touch_later(folder / "chip0.tif")
    (folder / "chip1.tif").rename(folder / "elsewhere.tif")
    report = fill(archive, folder)
    assert (report.added, report.skipped, report.moved, report.gone) == (0, 4, 1, 1)
    assert {hit.scene.name for hit in ask(archive, "bright things").hits} >= {"chip2.tif"}
    assert problems(archive) == [] and counts(archive)[0] == 4


def test_a_changed_file_is_done_again_and_its_old_tiles_are_not_found(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    assert "chip2.tif" in {hit.scene.name for hit in ask(archive, "bright things").hits}
    chip(folder / "chip2.tif", 77)
    touch_later(folder / "chip2.tif")
    report = fill(archive, folder)
    assert (report.added, report.skipped) == (1, 3)
    assert "chip2.tif" not in {hit.scene.name for hit in ask(archive, "bright things").hits}
    assert problems(archive) == []


def test_a_deleted_file_is_marked_and_comes_back_without_work(folder: Path, archive: Path, tmp_path: Path) -> None:
    fill(archive, folder)
    shutil.move(folder / "chip2.tif", tmp_path / "away.tif")
    assert fill(archive, folder).gone == 1
    assert "chip2.tif" not in {hit.scene.name for hit in ask(archive, "bright things").hits}
    assert counts(archive)[0] == 3 and problems(archive) == []
    shutil.move(tmp_path / "away.tif", folder / "chip2.tif")
    report = fill(archive, folder)
    assert (report.added, report.skipped) == (0, 4)
    assert "chip2.tif" in {hit.scene.name for hit in ask(archive, "bright things").hits}


def test_copies_of_one_content_are_one_hit(folder: Path, archive: Path) -> None:
    shutil.copy(folder / "chip2.tif", folder / "copy.tif")
    report = fill(archive, folder)
    assert report.added == 5 and counts(archive)[0] == 5
    hits = [hit for hit in ask(archive, "bright things").hits if hit.scene.name in ("chip2.tif", "copy.tif")]
    assert len(hits) == 1
    assert fill(archive, folder).skipped == 5 and problems(archive) == []


def test_bad_files_are_lines_in_the_report(folder: Path, archive: Path) -> None:
    (folder / "cut.tif").write_bytes((folder / "chip0.tif").read_bytes()[:300])
    (folder / "nothing.png").write_bytes(b"")
    (folder / "text.jpg").write_text("hello")
    report = fill(archive, folder)
    assert report.added == 4
    assert {Path(fault.path).name for fault in report.faults} == {"cut.tif", "nothing.png", "text.jpg"}
    for fault in report.faults:
        assert Path(fault.path).name in fault.reason and fault.reason.endswith(".") and ";" in fault.reason
    assert problems(archive) == []


def test_a_scene_tells_the_catalogue_when_where_and_how_it_was_seen(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    hit = next(hit for hit in ask(archive, "bright things").hits if hit.scene.name.startswith("S1A"))
    assert hit.acquired == "2020-11-07T00:00:00+00:00" and hit.polarisation == "VV" and hit.sensor == "Sentinel-1"
    assert hit.lon == pytest.approx(10.42, abs=0.2) and hit.lat == pytest.approx(49.68, abs=0.2)
    with Archive(archive) as opened:
        assert len(opened.catalogue.in_area((10.1, 49.0, 10.2, 49.9))) == 1
        assert opened.catalogue.in_area((20.0, 49.0, 21.0, 49.9)) == []


@pytest.mark.parametrize("stop", range(12))
def test_cancelled_anywhere_it_goes_on_from_there(
    folder: Path, archive: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sarvlm_app.core.archive import ingest

    monkeypatch.setattr(ingest, "FILES_A_SHARD", 1)

    class Stopping(JobContext):
        steps = 0

        def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
            super().step(done, total, message)
            Stopping.steps += 1
            if Stopping.steps > 2 * stop + 1:
                self.cancel()

    with suppress(JobCancelled):
        fill(archive, folder, ctx=Stopping())
    fill(archive, folder)
    assert counts(archive)[0] == 4 and problems(archive) == []
    with Archive(archive) as opened:
        assert not opened.notes, "nothing is left over"


KILLED = """
import sys
from pathlib import Path
from tests.core.archive.made import Provide
from sarvlm_app.core.archive import ingest
from sarvlm_app.core.jobs import JobContext
ingest.FILES_A_SHARD = 3
ingest.SHARDS_AN_UPSERT = 2
print("ready", flush=True)
request = ingest.AddRequest((Path(sys.argv[2]),), workers=int(sys.argv[3]))
ingest.add(Path(sys.argv[1]), request, Provide(0.02), JobContext())
print("done", flush=True)
"""


def start(archive: Path, folder: Path, workers: int) -> subprocess.Popen[str]:
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "models", "training"))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(archive), str(folder), str(workers)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths}, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def begun(archive: Path) -> bool:
    """Whether a process came so far as to make the catalogue's tables."""
    if not (archive / "archive.sqlite").exists():
        return False
    with closing(sqlite3.connect(archive / "archive.sqlite")) as connection:
        return bool(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.mark.slow
def test_killed_at_many_moments_it_reopens_verifies_and_resumes(tmp_path: Path) -> None:
    folder, archive = tmp_path / "data", tmp_path / "archive"
    folder.mkdir()
    for seed in range(24):
        chip(folder / f"{seed:02d}.tif", seed, bright=seed % 5 == 0)
    moments = np.random.default_rng(7).uniform(0.0, 0.8, 12)
    killed = 0
    for moment in moments:
        process = start(archive, folder, 1)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate()
        if begun(archive):
            assert [text for text in problems(archive) if "unfinished" not in text] == []
        if process.returncode == 0 and moment != moments[-1]:
            shutil.rmtree(archive)  # it was done before its moment: the next one begins anew
    assert killed >= 3, "on a machine of any speed some are caught at work"
    fill(archive, folder)
    assert counts(archive) == (24, 24, 24) and problems(archive) == []
    parquet = {path.stem for path in (archive / "shards").iterdir()}
    with Archive(archive) as opened:
        assert parquet == set(opened.catalogue.shards())


def alive(process: int) -> bool:
    """Whether a process is there and not merely waits to be collected."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    folder, archive = tmp_path / "data", tmp_path / "archive"
    folder.mkdir()
    for seed in range(60):
        chip(folder / f"{seed:02d}.tif", seed)
    process = start(archive, folder, 2)
    children: list[int] = []
    tick = threading.Event()
    for _ in range(300):
        children = [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        if len(children) >= 3:  # two workers and multiprocessing's own helper
            break
        tick.wait(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for _ in range(200):
        left = [child for child in children if alive(child)]
        if not left:
            break
        tick.wait(0.1)
    assert children and not left
    fill(archive, folder)
    assert counts(archive)[0] == 60 and problems(archive) == []


def test_a_second_add_waits_for_the_first(folder: Path, archive: Path) -> None:
    fill(archive, folder / "chip0.tif")
    told, done = threading.Event(), []

    class Told(JobContext):
        def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
            super().step(done, total, message)
            if message.startswith("Waiting"):
                told.set()

    second = threading.Thread(target=lambda: done.append(fill(archive, folder, ctx=Told())))
    with changing(archive, JobContext(), create=False):
        second.start()
        assert told.wait(60)
        assert done == []
    second.join(120)
    assert done[0].added == 3 and done[0].skipped == 1


def test_a_full_disk_is_told_and_loses_nothing(folder: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    fill(archive, folder / "chip0.tif", folder / "chip1.tif")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        fill(archive, folder)
    monkeypatch.undo()
    assert problems(archive) == []
    assert fill(archive, folder).added == 2 and problems(archive) == []


def test_a_full_database_is_told(folder: Path, archive: Path) -> None:
    fill(archive, folder / "chip0.tif")
    with changing(archive, JobContext(), create=False) as opened:
        pages = opened.catalogue._all("PRAGMA page_count")[0][0]
        opened.catalogue._all(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StorageError, match="free some space"), opened.catalogue.changes():
            for number in range(2000):
                opened.catalogue.set_meta(f"filler {number}", "x" * 500)
    assert problems(archive) == []


@pytest.mark.parametrize("what", ["shard", "index", "store"])
def test_what_is_damaged_is_made_again(folder: Path, archive: Path, what: str) -> None:
    fill(archive, folder)
    hits = [(hit.scene, hit.score) for hit in ask(archive, "bright things").hits]
    if what == "shard":
        next((archive / "shards").iterdir()).write_bytes(b"PAR1 nonsense")
        assert problems(archive)
        (archive / "shards" / next((archive / "shards").iterdir()).name).unlink()
        assert fill(archive, folder).added == 4
    elif what == "index":
        shutil.rmtree(archive / "index")
    else:
        next(archive.rglob("whole/store.json")).write_text("{")
        answer = ask(archive, "bright things")
        assert "damaged" in answer.notes[0], "searching works meanwhile, from the shards"
        assert [(hit.scene, hit.score) for hit in answer.hits] == hits
        with changing(archive, JobContext(), create=False) as opened:
            compact(opened, JobContext())
    assert [(hit.scene, hit.score) for hit in ask(archive, "bright things").hits] == hits
    assert problems(archive) == []


def test_vectors_that_differ_from_their_shard_are_found_and_mended(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    path = next(archive.rglob("whole/segment-*/vectors.npy"))
    np.save(path, -np.load(path))
    assert any("other vectors" in text for text in problems(archive))
    with changing(archive, JobContext(), create=False) as opened:
        compact(opened, JobContext())
    assert problems(archive) == []


def test_compacting_gives_back_what_is_gone(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    before = counts(archive)
    (folder / "S1A_20201107_scene_vv.tif").unlink()
    fill(archive, folder)
    with changing(archive, JobContext(), create=False) as opened:
        assert compact(opened, JobContext()) > 0
    assert counts(archive) == (3, 3, 3) and before[2] > 10 and problems(archive) == []
    geo_scene(folder / "S1A_20201107_scene_vv.tif")
    assert fill(archive, folder).added == 1 and counts(archive) == before


def test_every_row_is_held_against_the_files(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    chip(folder / "chip0.tif", 50)
    (folder / "chip1.tif").unlink()
    found = problems(archive)
    assert len(found) == 2 and "chip0.tif has changed" in found[0] and "chip1.tif is gone" in found[1]


def test_an_archive_moves_with_its_data_or_is_told_where_it_is(folder: Path, archive: Path, tmp_path: Path) -> None:
    fill(archive, folder)
    moved = tmp_path / "another machine"
    moved.mkdir()
    shutil.move(archive, moved / "archive")
    shutil.move(folder, moved / folder.name)
    hits = ask(moved / "archive", "bright things").hits
    assert hits and all(not hit.missing and hit.scene.is_relative_to(moved) for hit in hits)
    far = tmp_path / "far" / "away"
    shutil.move(moved / folder.name, far)
    assert all(hit.missing for hit in ask(moved / "archive", "bright things").hits)
    with changing(moved / "archive", JobContext(), create=False) as opened, opened.catalogue.changes():
        opened.catalogue.roots.move(folder.name, far)
    assert not any(hit.missing for hit in ask(moved / "archive", "bright things").hits)
    assert problems(moved / "archive") == []
    report = fill(moved / "archive", far)
    assert (report.added, report.skipped) == (0, 4)


def test_a_database_of_a_newer_program_or_none_at_all_is_refused(folder: Path, archive: Path, tmp_path: Path) -> None:
    fill(archive, folder / "chip0.tif")
    with closing(sqlite3.connect(archive / "archive.sqlite", isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    for action in (lambda: ask(archive, "bright things"), lambda: fill(archive, folder)):
        with pytest.raises(StorageError, match="newer program"):
            action()
    (archive / "archive.sqlite").write_bytes(b"nonsense" * 500)
    with pytest.raises(StorageError, match="is damaged"):
        fill(archive, folder)
    with pytest.raises(StorageError, match="is not an archive"):
        ask(tmp_path / "nowhere", "bright things")
    with pytest.raises(StorageError, match="holds other things"):
        fill(folder, folder)
    with pytest.raises(SceneError, match="does not exist"):
        fill(tmp_path / "new", tmp_path / "gone.tif")
    assert not (tmp_path / "new").exists()


def test_a_database_of_an_older_version_is_brought_up_to_date(folder: Path, archive: Path) -> None:
    fill(archive, folder)
    with closing(sqlite3.connect(archive / "archive.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TABLE footprint")
        connection.execute("PRAGMA user_version=1")
    assert fill(archive, folder).skipped == 4
    with Archive(archive) as opened:
        assert len(opened.catalogue.in_area((10.1, 49.0, 10.2, 49.9))) == 1


def test_another_model_gets_its_own_index_and_takes_over_when_it_is_complete(folder: Path, archive: Path) -> None:
    from dataclasses import replace

    from sarvlm_app.core.archive.ingest import AddRequest, add
    from sarvlm_app.core.archive.search import ArchiveQuery, Searching
    from tests.core.archive.made import PictureEncoder

    fill(archive, folder)
    other = PictureEncoder()
    other.spec = replace(other.spec, model_id="other@1")
    report = add(archive, AddRequest((folder / "chip0.tif",)), lambda: other, JobContext())
    assert report.added == 1 and "still searched with fake@0" in report.notes[0]
    assert ask(archive, "bright things").hits, "the old index is as usable as before"
    with Archive(archive) as opened:
        assert info(opened).model == "fake@0"
        assert Searching(opened, other).search(ArchiveQuery("bright things")).model_id == "other@1"
    add(archive, AddRequest((folder,)), lambda: other, JobContext())
    with Archive(archive) as opened:
        assert info(opened).model == "other@1" and info(opened).models == ("fake@0", "other@1")
    assert problems(archive) == []


def test_only_readable_it_can_be_searched(folder: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(archive, folder)
    if os.geteuid() == 0:  # permissions bind nobody here: stand in for what the system would say
        real = sqlite3.connect

        def connect(address: str, **options: object) -> sqlite3.Connection:
            if "immutable" not in str(address):
                raise sqlite3.OperationalError("unable to open database file")
            return real(address, **options)

        monkeypatch.setattr(sqlite3, "connect", connect)
    else:
        for path in [archive, *archive.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
    assert ask(archive, "bright things").hits
    monkeypatch.setattr(archive_module, "FileLock", _forbidden)
    with pytest.raises(StorageError, match="may not write there"):
        fill(archive, folder)
    for path in [archive, *archive.rglob("*")]:
        path.chmod(0o755)


def _forbidden(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))
