"""The Phoenix header of MSTAR files: "Name= value" lines between two words in brackets.

`PhoenixHeaderLength` and, in full scenes, `native_header_length` (a binary
header of the sensor) lead to the pixels, and `PhoenixSigSize` is the size of the
whole file. Chips hold magnitude and phase as float32, full scenes and clutter
as uint16, a phase of 4096 being a whole turn; all big-endian (AFRL, MSTAR data
conversion programs `mstar2raw` and `mstar2tiff`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sarvlm_app.core.products.place import Slice
from sarvlm_app.core.products.raw import RawPlane, require_inside
from sarvlm_app.core.products.stated import number
from sarvlm_app.errors import SceneError

START = b"[PhoenixHeaderVer"
END = b"[EndofPhoenixHeader]"
MAX_HEADER = 64 * 1024
"""Headers of the public releases are under 2 kB."""

MAX_EDGE = 10**6
_DTYPES = {8: ">f4", 4: ">u2"}


@dataclass(frozen=True, slots=True)
class PhoenixFile:
    """What a header says, and where its pixels lie.

    Attributes
    ----------
    fields : mapping of str to str
    document : Slice
        The header's text.
    magnitude, phase : RawPlane
    full_scene : bool
        uint16 samples, and a phase in 4096ths of a turn; else float32 and radians.
    """

    fields: Mapping[str, str] = field(compare=False)
    document: Slice
    magnitude: RawPlane
    phase: RawPlane
    full_scene: bool

    def value(self, *names: str) -> float | None:
        """The first of these fields that is a number."""
        return next((found for found in (number(self.fields.get(name)) for name in names) if found is not None), None)


def read_phoenix(path: Path) -> PhoenixFile:
    """The header of an MSTAR file.

    Raises
    ------
    SceneError
        The header has no end, states no sizes, or more pixels than the file holds.
    """
    with path.open("rb") as file:
        start = file.read(MAX_HEADER)
    end = start.find(END)
    if end < 0:
        raise SceneError(f"{path} is damaged: its Phoenix header has no end; copy or download it again.")
    fields = _fields(start[:end])
    rows, cols = _whole(path, fields, "NumberOfRows", 1), _whole(path, fields, "NumberOfColumns", 1)
    first = _first_byte(path, fields, start, end + len(END))
    size = _signal_size(path, fields, path.stat().st_size)
    each = _pixel_bytes(fields, size - first, rows * cols)
    if max(rows, cols) > MAX_EDGE or each is None:
        raise SceneError(
            f"{path} is damaged: {rows} rows and {cols} columns do not fit the {max(size - first, 0)} bytes that its "
            "header leaves for them; copy or download it again."
        )
    dtype = _DTYPES[each]
    magnitude = RawPlane(first, rows, cols, dtype)
    phase = RawPlane(magnitude.end, rows, cols, dtype)
    require_inside(path, (magnitude, phase))
    lines = start.find(b"]", 0, end) + 1  # after the word in brackets
    document = Slice(path, lines, end - lines, "Phoenix header.txt")
    return PhoenixFile(fields, document, magnitude, phase, each == 4)


def _fields(text: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.decode("latin-1").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip(), value.strip())
    return found


def _first_byte(path: Path, fields: Mapping[str, str], start: bytes, end: int) -> int:
    """Where the pixels begin; the header's own length must agree with where it ends."""
    stated = _whole(path, fields, "PhoenixHeaderLength", len(START))
    closed = end + len(start[end : end + 2]) - len(start[end : end + 2].lstrip(b"\r\n"))
    if not end <= stated <= closed:
        raise SceneError(
            f"{path} is damaged: its header states a length of {stated} bytes and has {closed}; copy it "
            "again in binary mode."
        )
    native = _whole(path, fields, "native_header_length", 0) if "native_header_length" in fields else 0
    return stated + native


def _pixel_bytes(fields: Mapping[str, str], room: int, pixels: int) -> int | None:
    """Bytes of magnitude and phase together: what fills the stated size, else what such a header goes with."""
    if "PhoenixSigSize" in fields:
        each, rest = divmod(room, pixels)
        return each if rest == 0 and each in _DTYPES else None
    each = 4 if fields.get("native_header_length", "0").strip("0") else 8
    return each if each * pixels <= room else None


def _signal_size(path: Path, fields: Mapping[str, str], there: int) -> int:
    if "PhoenixSigSize" not in fields:
        return there
    stated = _whole(path, fields, "PhoenixSigSize", 1)
    if stated > there:
        raise SceneError(
            f"{path} is cut short: its header announces {stated} bytes and it has {there}; copy or download it again."
        )
    return stated


def _whole(path: Path, fields: Mapping[str, str], name: str, least: int) -> int:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 15 or int(text) < least:
        said = f"{name} is {text[:30]!r}" if name in fields else f"{name} is missing"
        raise SceneError(f"{path} is damaged: in its header {said}; copy or download it again.")
    return int(text)
