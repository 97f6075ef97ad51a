"""Records of CEOS files: the image file's descriptor and lines, the leader file's summary and calibration."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.dataset import broken
from sarvlm_app.core.products.place import read_bytes
from sarvlm_app.core.products.raw import RawPlane, require_inside
from sarvlm_app.core.products.stated import number
from sarvlm_app.errors import SceneError

_HEADER = struct.Struct(">IBBBBI")
_DESCRIPTOR_BYTES, _LINE_BYTES = 720, 240
_IMAGE_CODE, _LEADER_CODE = 50, 11
_SUMMARY, _RADIOMETRIC = 10, 50
MAX_LEADER_BYTES = 64 * 2**20
_TYPES = {
    "C*8": (">f4", 2),
    "CI*8": (">f4", 2),
    "IU2": (">u2", 1),
    "CIS4": (">i2", 2),
    "CI*4": (">i2", 2),
    "COMPLEX*8": (">f4", 2),
}


@dataclass(frozen=True, slots=True)
class ImageRecords:
    """An image file: where its samples lie, and where its line records begin."""

    path: Path
    plane: RawPlane
    first: int

    @property
    def is_complex(self) -> bool:
        return self.plane.items == 2

    def line(self, number: int) -> bytes:
        """The first bytes of a line's record, which tell of its time and place.

        Raises
        ------
        SceneError
            The file ends before it.
        """
        with self.path.open("rb") as file:
            file.seek(self.first + number * self.plane.row_bytes)
            content = file.read(_LINE_BYTES)
        if len(content) < _LINE_BYTES:
            raise broken(self.path)
        return content


def image_records(path: Path) -> ImageRecords:
    """What the descriptor of an image file says.

    Raises
    ------
    SceneError
        It is no image file, of an unknown kind of samples, or cut short.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_DESCRIPTOR_BYTES)
    except OSError as error:
        raise SceneError(f"{path} cannot be read ({error.strerror or error}); check its permissions.") from error
    if len(head) < _DESCRIPTOR_BYTES or _HEADER.unpack_from(head)[:2] != (1, _IMAGE_CODE):
        raise SceneError(f"{path} is no image file of CEOS, or cut short; copy or download the product again.")
    code = _text(head, 428, 4) or _text(head, 400, 28)
    kind = next((found for name, found in _TYPES.items() if code.startswith(name)), None)
    if kind is None:
        raise SceneError(f"{path} holds samples of the kind {code[:12]!r}, which are not read here; ask for level 1.5.")
    record, lines, columns = (_whole(head, at, size) for at, size in ((186, 6), (236, 8), (248, 8)))
    prefix, descriptor = _whole(head, 276, 4), _HEADER.unpack_from(head)[5]
    plane = RawPlane(descriptor + prefix, lines, columns, kind[0], kind[1], record)
    if min(lines, columns) < 1 or prefix < 12 or prefix + columns * plane.pixel_bytes > record:
        raise broken(path)
    require_inside(path, (plane,))
    return ImageRecords(path, plane, descriptor)


def _text(record: bytes, at: int, size: int) -> str:
    return record[at : at + size].decode("ascii", "replace").strip("\x00 ")


def _whole(record: bytes, at: int, size: int) -> int:
    text = _text(record, at, size)
    return int(text) if text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Leader:
    """The leader file, as far as scenes need it; what is not stated is None."""

    centre_time: datetime | None
    mission: str | None
    sensor: str | None
    orbit: int | None
    right: bool
    angle: float | None
    """Incidence in degrees at the centre."""
    off_nadir: float | None
    sampling_mhz: float | None
    angle_terms: tuple[float, ...]
    """Polynomial of the incidence angle (radians) over slant range (km)."""
    factor_db: float | None

    def angle_at(self, slant_m: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Incidence in degrees at slant ranges, where the polynomial is stated and means something."""
        if not any(self.angle_terms):
            return None
        angle = np.rad2deg(np.polynomial.polynomial.polyval(slant_m / 1000.0, self.angle_terms))
        return np.asarray(angle) if ((angle > 0.0) & (angle < 90.0)).all() else None


def leader(path: Path) -> Leader:
    """What a leader file says.

    Raises
    ------
    SceneError
        It is missing, no leader file, or cut short.
    """
    content = read_bytes(path, MAX_LEADER_BYTES)
    records = list(_records(path, content))
    if not records or records[0][0] != _LEADER_CODE:
        raise SceneError(f"{path} is no leader file of CEOS; copy or download the product again.")
    summary = next((record for kind, record in records[1:] if kind == _SUMMARY), None)
    radiometric = next((record for kind, record in records[1:] if kind == _RADIOMETRIC), None)
    if summary is None:
        raise SceneError(f"{path} is cut short; copy or download the product again.")
    terms = [number(_text(summary, 1886 + 20 * index, 20)) for index in range(6)]
    clock = number(_text(summary, 476, 8))
    orbit = _whole(summary, 444, 8)
    return Leader(
        centre_time=_moment(_text(summary, 68, 32)),
        mission=_text(summary, 396, 16) or None,
        sensor=_text(summary, 412, 32) or None,
        orbit=orbit or None,
        right=clock is None or clock >= 0.0,
        angle=number(_text(summary, 484, 8)),
        off_nadir=number(_text(summary, 1838, 16)),
        sampling_mhz=number(_text(summary, 710, 16)),
        angle_terms=tuple(value for value in terms if value is not None) if None not in terms else (),
        factor_db=None if radiometric is None else number(_text(radiometric, 20, 16)),
    )


def _records(path: Path, content: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and bytes of each record of a file."""
    at = 0
    while at + _HEADER.size <= len(content):
        _, _, kind, _, _, length = _HEADER.unpack_from(content, at)
        first_kind = _HEADER.unpack_from(content, at)[1]
        if length < _HEADER.size or at + length > len(content):
            raise SceneError(f"{path} is damaged or cut short; copy or download the product again.")
        yield (first_kind if at == 0 else kind), content[at : at + length]
        at += length


def _moment(text: str) -> datetime | None:
    """A time written as YYYYMMDDhhmmssttt, as UTC."""
    if len(text) < 14 or not text.isdigit():
        return None
    try:
        whole = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return whole + timedelta(milliseconds=int(text[14:17].ljust(3, "0")))
