"""Where the parts of a NITF 2.1 file lie (MIL-STD-2500C, STANAG 4545), and what its headers say of them.

Only what is needed to reach pixels and documents is read, and only a bounded
number of bytes. (jbpy, which writes the files of the tests, takes time with the
square of the number of bands a header claims, so a hostile one holds it for hours.)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.products.nitf.fields import Fields, NitfError
from sarvlm_app.errors import SceneError

MAGIC = (b"NITF02.10", b"NSIF01.00")
MAX_BANDS = 64
"""No SAR image has more; a header that claims more is left to GDAL."""

_SECURITY = 167
_MAX_SUBHEADER = 999_999


@dataclass(frozen=True, slots=True)
class ImageSegment:
    """One image of a NITF.

    Attributes
    ----------
    number : int
        From 0, in the file's order.
    name, title, category, representation, source : str
        IID1, IID2, ICAT, IREP, ISORCE.
    rows, cols, bands : int
    kind : str
        PVTYPE: "INT", "SI", "R", "C", "B".
    bits : int
        NBPP.
    compression, mode : str
        IC ("NC" for none) and IMODE.
    blocks : (int, int)
        Down and across.
    purposes : tuple of str
        ISUBCAT of each band: "I" and "Q", "M" and "P".
    tables : tuple of bytes
        Look-up tables of the first band.
    offset, size : int
        Of the pixels, bytes.
    taken : str
        IDATIM, "YYYYMMDDhhmmss".
    """

    number: int
    name: str
    title: str
    category: str
    representation: str
    source: str
    rows: int
    cols: int
    bands: int
    kind: str
    bits: int
    compression: str
    mode: str
    blocks: tuple[int, int]
    purposes: tuple[str, ...]
    tables: tuple[bytes, ...]
    offset: int
    size: int
    taken: str

    @property
    def plain(self) -> bool:
        """Whether the pixels lie there as numbers, in one block."""
        return self.compression == "NC" and self.blocks == (1, 1) and self.bits in (8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Extension:
    """A data extension segment: its DESID, the name space of its XML (DESSHTN, or empty) and where the content lies."""

    kind: str
    namespace: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class NitfHeader:
    """What the headers say."""

    title: str
    station: str
    classification: str
    images: tuple[ImageSegment, ...]
    extensions: tuple[Extension, ...]
    end: int


def read_header(path: Path) -> NitfHeader:
    """The headers of a NITF 2.1 or NSIF 1.0 file.

    Raises
    ------
    SceneError
        It is no such file, contradicts itself, or ends before what its headers announce.
    """
    size = path.stat().st_size
    try:
        header = _read(path, size)
    except NitfError as error:
        raise SceneError(f"{path} is damaged ({error}); copy or download it again.") from error
    if header.end > size:
        raise SceneError(
            f"{path} is damaged or cut short: its headers announce {header.end} bytes and it has {size}; "
            "copy or download it again."
        )
    return header


def looks_like(path: Path, prefix: str) -> bool:
    """Whether an image of the file has an IID1 of that beginning; False for anything that cannot be read."""
    try:
        with path.open("rb") as file:
            if file.read(9) not in MAGIC:
                return False
        return any(image.name.startswith(prefix) for image in _read(path, path.stat().st_size).images)
    except (OSError, NitfError):
        return False


@dataclass(frozen=True, slots=True)
class _Lengths:
    """Lengths of the subheader and of the content, of each segment of each kind."""

    images: list[tuple[int, int]]
    others: list[tuple[int, int]]
    extensions: list[tuple[int, int]]
    first: int


def _read(path: Path, size: int) -> NitfHeader:
    with path.open("rb") as file:
        fields = Fields(file.read(360))
        if fields.raw(9) not in MAGIC:
            raise NitfError("it is no NITF 2.1")
        fields.skip(6)
        station = fields.text(10)
        fields.skip(14)
        title, classification = fields.text(80), fields.text(1)
        fields.skip(_SECURITY - 1 + 5 + 5 + 1 + 3 + 24 + 18 + 12)
        length = fields.number(6, "the header length HL")
        if length > size:
            raise NitfError("the header is longer than the file")
        lengths = _lengths(Fields(file.read(length - 360) if length > 360 else b""), length)
        images, extensions = [], []
        at = lengths.first
        for number, (subheader, content) in enumerate(lengths.images):
            file.seek(min(at, size))
            there = file.read(min(subheader, _MAX_SUBHEADER))
            if len(there) == subheader:  # else it is cut off, which the end tells
                images.append(_image(Fields(there), number, at + subheader, content))
            at += subheader + content
        at += sum(map(sum, lengths.others))
        for subheader, content in lengths.extensions:
            file.seek(min(at, size))
            there = file.read(min(subheader, _MAX_SUBHEADER))
            if len(there) == subheader:
                extensions.append(_extension(Fields(there), at + subheader, content))
            at += subheader + content
    return NitfHeader(title, station, classification, tuple(images), tuple(extensions), at)


def _lengths(fields: Fields, header: int) -> _Lengths:
    images = _pairs(fields, "images", 6, 10)
    graphics = _pairs(fields, "graphics", 4, 6)
    fields.skip(3)
    texts = _pairs(fields, "texts", 4, 5)
    return _Lengths(images, graphics + texts, _pairs(fields, "extensions", 4, 9), header)


def _pairs(fields: Fields, name: str, subheader: int, content: int) -> list[tuple[int, int]]:
    count = fields.number(3, f"the number of {name}")
    what = f"a length of the {name}"
    return [(fields.number(subheader, what), fields.number(content, what)) for _ in range(count)]


def _image(fields: Fields, number: int, offset: int, size: int) -> ImageSegment:
    if fields.raw(2) != b"IM":
        raise NitfError("an image does not begin where the header says")
    name, taken = fields.text(10), fields.text(14)
    fields.skip(17)
    title = fields.text(80)
    fields.skip(_SECURITY + 1)
    source = fields.text(42)
    rows, cols = fields.number(8, "the number of rows"), fields.number(8, "the number of columns")
    kind, representation, category = fields.text(3), fields.text(8), fields.text(8)
    fields.skip(3)
    if fields.raw(1) != b" ":
        fields.skip(60)
    fields.skip(80 * fields.number(1, "the number of comments"))
    compression = fields.text(2)
    if compression not in ("NC", "NM"):
        fields.skip(4)
    bands, purposes, tables = _bands(fields)
    fields.skip(1)
    mode = fields.text(1)
    across, down = fields.number(4, "the number of blocks"), fields.number(4, "the number of blocks")
    fields.skip(8)
    bits = fields.number(2, "the number of bits")
    return ImageSegment(
        number=number, name=name, title=title, category=category, representation=representation, source=source,
        rows=rows, cols=cols, bands=bands, kind=kind, bits=bits, compression=compression, mode=mode,
        blocks=(down, across), purposes=purposes, tables=tables, offset=offset, size=size, taken=taken,
    )  # fmt: skip


def _bands(fields: Fields) -> tuple[int, tuple[str, ...], tuple[bytes, ...]]:
    """Their number, what each is for, and the look-up tables of the first."""
    count = fields.number(1, "the number of bands") or fields.number(5, "the number of bands")
    if not 0 < count <= MAX_BANDS:
        raise NitfError(f"it claims {count} bands")
    purposes, tables = [], []
    for band in range(count):
        fields.skip(2)
        purposes.append(fields.text(6))
        fields.skip(4)
        luts = fields.number(1, "the number of tables")
        entries = fields.number(5, "the length of the tables") if luts else 0
        found = [fields.raw(entries) for _ in range(luts)]
        if band == 0:
            tables = found
    return count, tuple(purposes), tuple(tables)


def _extension(fields: Fields, offset: int, size: int) -> Extension:
    if fields.raw(2) != b"DE":
        raise NitfError("an extension does not begin where the header says")
    kind = fields.text(25)
    fields.skip(2 + _SECURITY)
    if kind == "TRE_OVERFLOW":
        return Extension(kind, "", offset, size)
    namespace = ""
    if fields.number(4, "the length of an extension's fields") >= 283:
        fields.skip(5 + 8 + 20 + 40 + 60 + 10 + 20)
        namespace = fields.text(120)
    return Extension(kind, namespace, offset, size)
