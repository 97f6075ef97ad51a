"""A file is written beside its place and moved into it, or not there at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import JobCancelled, StorageError


def test_the_file_appears_only_when_the_block_has_ended(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    with replace_when_done(target) as part:
        part.write_text("new")
        assert part.parent == tmp_path
        assert part.suffix == ".txt"
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with replace_when_done(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"


def test_a_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with replace_when_done(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_side_files_of_a_driver_do_not_stay(tmp_path: Path) -> None:
    with replace_when_done(tmp_path / "out.tif") as part:
        part.write_bytes(b"x")
        Path(f"{part}.aux.xml").write_text("<PAMDataset/>")
    assert [p.name for p in tmp_path.iterdir()] == ["out.tif"]


@pytest.mark.parametrize("fault", [ValueError("bug"), KeyboardInterrupt(), JobCancelled("stopped")])
def test_any_other_end_leaves_the_older_file_and_nothing_else(tmp_path: Path, fault: BaseException) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(type(fault)), replace_when_done(target) as part:
        part.write_text("half")
        raise fault
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "disk is full; free some space"),
        (errno.EDQUOT, "quota is used up; free some space"),
        (errno.EACCES, "may not write there; choose a folder"),
        (errno.EROFS, "read-only; choose a folder"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_failed_write_becomes_one_sentence_and_leaves_nothing(tmp_path: Path, number: int, words: str) -> None:
    target = tmp_path / "out.txt"
    with pytest.raises(StorageError) as caught, replace_when_done(target) as part:
        part.write_text("half")
        raise OSError(number, os.strerror(number))
    message = str(caught.value)
    assert str(target) in message and words in message and "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    reached = False
    with (
        pytest.raises(StorageError, match="folder does not exist; create"),
        replace_when_done(tmp_path / "no" / "x.txt"),
    ):
        reached = True
    assert not reached


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match="is a file and not a folder"),
        replace_when_done(tmp_path / "file" / "x.txt"),
    ):
        pass


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is a folder of that name"), replace_when_done(tmp_path):
        pass


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="too long"), replace_when_done(tmp_path / ("x" * 300)) as part:
        part.write_text("")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so the refusal of the system is simulated."""

    def refuse(*_args: object, **_kwargs: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="may not write there"), replace_when_done(tmp_path / "out.txt"):
        pass


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may write to a write-protected file")
def test_a_write_protected_file_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    target.chmod(0o444)
    with pytest.raises(StorageError, match="write-protected"), replace_when_done(target):
        pass
    assert target.read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file size")
def test_a_disk_that_stops_taking_bytes_leaves_nothing(tmp_path: Path) -> None:
    """The system's own limit on file size stands in for a full disk (in a child process)."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from sarvlm_app.core.export.atomic import replace_when_done
        from sarvlm_app.errors import StorageError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with replace_when_done(Path(sys.argv[1])) as part:
                part.write_bytes(bytes(1 << 20))
        except StorageError as fault:
            sys.exit(str(fault))
        """
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(tmp_path / "out.bin")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "larger than this disk allows" in done.stderr
    assert list(tmp_path.iterdir()) == []
