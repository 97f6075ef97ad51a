"""Files and entries of zip archives: where something of a product lies."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sarvlm_app.errors import SceneError

MAX_TEXT_BYTES = 256 * 2**20
"""Side files larger than this are not read: no annotation is."""

_ZIP_FAULTS = (
    KeyError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error,
    lzma.LZMAError,
)  # fmt: skip
"""What `zipfile` raises over archives that are damaged, encrypted or packed in an unknown way."""


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of a zip archive; it is read where it lies and never unpacked.

    Attributes
    ----------
    archive : Path
    name : str
        Of the entry, with forward slashes.
    """

    archive: Path
    name: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of bytes within a file that is a document of its own: the XML inside a NITF.

    Attributes
    ----------
    archive : Path
        The file.
    offset, size : int
        Bytes.
    name : str
        What to call it, ending as a file of its kind would.
    """

    archive: Path
    offset: int
    size: int
    name: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix


@dataclass(frozen=True, slots=True)
class NitfImage:
    """One image segment of a NITF, as GDAL opens it; `number` counts from 0."""

    archive: Path
    number: int

    def __str__(self) -> str:
        return f"{self.archive} (image {self.number + 1})"

    @property
    def stem(self) -> str:
        return self.archive.stem

    @property
    def suffix(self) -> str:
        return self.archive.suffix


Place = Path | Member | Slice | NitfImage
"""A file on disk, or something within one."""


def gdal_name(place: Place) -> str:
    """The name by which GDAL opens it."""
    if isinstance(place, Path):
        return str(place)
    if isinstance(place, Slice):
        return f"/vsisubfile/{place.offset}_{place.size},{place.archive}"
    if isinstance(place, NitfImage):
        return f"NITF_IM:{place.number}:{place.archive}"
    return f"/vsizip/{{{place.archive}}}/{place.name}"


def read_bytes(place: Place, limit: int = MAX_TEXT_BYTES) -> bytes:
    """The content of a side file.

    Raises
    ------
    SceneError
        It is missing, damaged, or larger than `limit`.
    """
    try:
        if isinstance(place, Path):
            if place.stat().st_size > limit:
                raise _too_large(place, limit)
            return place.read_bytes()
        if not isinstance(place, Member):
            return _within(place, limit)
        with zipfile.ZipFile(place.archive) as archive, archive.open(place.name) as entry:
            content = entry.read(limit + 1)
    except (zlib.error, lzma.LZMAError) as error:
        raise SceneError(f"{place} is damaged in its archive; copy or download the product again.") from error
    except (OSError, *_ZIP_FAULTS) as error:
        raise SceneError(f"{place} cannot be read ({error}); copy or download the product again.") from error
    if len(content) > limit:
        raise _too_large(place, limit)
    return content


def head(place: Place, size: int) -> bytes:
    """The first bytes."""
    if not isinstance(place, Member):
        with (place if isinstance(place, Path) else place.archive).open("rb") as file:
            if isinstance(place, Slice):
                file.seek(place.offset)
                size = min(size, place.size)
            return file.read(size)
    try:
        with zipfile.ZipFile(place.archive) as archive, archive.open(place.name) as entry:
            return entry.read(size)
    except _ZIP_FAULTS as error:
        raise OSError(f"not a readable entry: {error}") from error


def _within(place: Slice | NitfImage, limit: int) -> bytes:
    size = place.size if isinstance(place, Slice) else place.archive.stat().st_size
    if size > limit:
        raise _too_large(place, limit)
    content = head(place, size)
    if len(content) < size:
        raise SceneError(f"{place} ends before its last byte; copy or download the product again.")
    return content


def _too_large(place: Place, limit: int) -> SceneError:
    return SceneError(
        f"{place} is larger than {limit // 2**20} MB, which no side file of a product is; it is left alone."
    )
