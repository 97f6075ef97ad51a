"""Which files to take: of folders, files given by name, and local STAC catalogues."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sarvlm_app.core.archive.catalogue import FILE as CATALOGUE
from sarvlm_app.core.archive.shard import Fault
from sarvlm_app.core.products import FAMILIES
from sarvlm_app.errors import SceneError

SIDE_SUFFIXES: Final = frozenset({".json", ".xml", ".safe"})
"""Files that describe an image beside them, which is what is taken."""

SUFFIXES: Final = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".j2k", ".ntf", ".nitf", ".nsf", ".bmp"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file or product to take; `hints` are what a STAC item says of it."""

    path: Path
    hints: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Collected:
    """What was found.

    Attributes
    ----------
    sources : list of Source
        In the order of their paths, each once.
    scopes : list of (Path, bool)
        Folders that were looked through, and whether with all below: a known file in them that is not among the
        sources is gone.
    faults : list of Fault
        Folders that cannot be read.
    """

    sources: list[Source] = field(default_factory=list)
    scopes: list[tuple[Path, bool]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def covers(self, path: Path) -> bool:
        """Whether a known file at `path` would have been found if it were there."""
        if any(path.is_relative_to(Path(fault.path)) for fault in self.faults):
            return False
        return any(path.is_relative_to(folder) if deep else path.parent == folder for folder, deep in self.scopes)


def collect(paths: Sequence[Path], *, recursive: bool) -> Collected:
    """The files of folders (their own always, deeper ones where `recursive`) and those given by name.

    A product that is a folder (such as .SAFE) is one scene. Hidden files and folders, and
    archives of ours, are passed over.

    Raises
    ------
    SceneError
        A path does not exist.
    """
    found = Collected()
    for given in paths:
        path = Path(os.path.abspath(given.expanduser()))
        if not path.exists():
            raise SceneError(f"{path} does not exist; check the name and that its disk is mounted.")
        if path.is_dir() and not is_product(path):
            found.scopes.append((path, recursive))
            found.sources += [Source(file) for file in _within(path, recursive, found.faults)]
        else:
            found.sources.append(Source(path))
    found.sources = [*{source.path: source for source in sorted(found.sources, key=lambda one: one.path)}.values()]
    return found


def is_product(folder: Path) -> bool:
    """Whether a folder is one scene."""
    return any(family.recognises(folder) for family in FAMILIES)


def _within(folder: Path, recursive: bool, faults: list[Fault]) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        faults.append(Fault(str(folder), f"{folder} cannot be read ({error.strerror}); check its permissions."))
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if is_product(path):
                yield path
            elif recursive and not (path / CATALOGUE).exists():
                yield from _within(path, recursive, faults)
        elif entry.is_file() and looks_like_image(path):
            yield path


def looks_like_image(path: Path) -> bool:
    """By its suffix, or by its first bytes; an image by name that is none is for the report."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if path.suffix.lower() in SIDE_SUFFIXES:
        return False
    try:
        return any(family.recognises(path) for family in FAMILIES)
    except OSError:
        return False
