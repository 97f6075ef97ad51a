"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import errno
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sarvlm_app.errors import SarvlmError, StorageError

_FAULTS = {
    errno.ENOSPC: "the disk is full; free some space or choose a folder on another disk",
    errno.EDQUOT: "your disk quota is used up; free some space or choose a folder on another disk",
    errno.EFBIG: "the file grows larger than this disk allows; choose a folder on another disk",
    errno.EACCES: "you may not write there; choose a folder that you may write to",
    errno.EPERM: "you may not write there; choose a folder that you may write to",
    errno.EROFS: "the disk is read-only; choose a folder that you may write to",
    errno.ENOENT: "its folder does not exist; create the folder or choose another",
    errno.ENOTDIR: "a part of its path is a file and not a folder; choose another folder",
    errno.EISDIR: "there is a folder of that name; choose another file name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}


def storage_error(path: Path, fault: OSError) -> StorageError:
    """The sentence for a failed write to `path`: the file, the fault and the remedy."""
    reason = _FAULTS.get(fault.errno or 0)
    if reason is None:
        reason = f"the system says '{fault.strerror or fault}'; choose another folder or file name"
    return StorageError(f"{path} cannot be written because {reason}.")


@contextmanager
def replace_when_done(path: Path) -> Iterator[Path]:
    """Lend a temporary sibling of `path`; move it to `path` once the block has ended well.

    The sibling is named ``stem.<random>.part.suffix``: in the same folder, so
    that the move is one step, and with the same suffix, because some drivers
    choose by it. It exists (empty) when the block starts. A link at `path` is
    followed. Whatever ends the block early, neither the sibling nor a side
    file of it stays behind, and a file that was at `path` is as it was.

    Parameters
    ----------
    path : Path
        Where the finished file shall be.

    Yields
    ------
    Path
        The file to write.

    Raises
    ------
    StorageError
        When the place cannot be written to, with the fault and the remedy.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{target.stem[:40]}.{secrets.token_hex(4)}.part{target.suffix}")
    try:
        _require_replaceable(target)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield part
        _flush_to_disk(part)
        os.replace(part, target)
    except SarvlmError:
        raise
    except OSError as fault:
        raise storage_error(path, fault) from fault
    finally:
        _remove_leftovers(part)


def _require_replaceable(target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if target.exists() and not os.access(target, os.W_OK):
        raise StorageError(f"{target} cannot be written because it is write-protected; choose another file name.")


def _flush_to_disk(part: Path) -> None:
    with part.open("r+b") as file:
        os.fsync(file.fileno())


def _remove_leftovers(part: Path) -> None:
    """Remove the temporary file and side files (``.aux.xml``) that a driver put next to it."""
    for leftover in glob.glob(glob.escape(str(part)) + "*"):
        try:
            os.unlink(leftover)
        except OSError:  # the disk went away: the fault itself is already on its way to the user
            continue
