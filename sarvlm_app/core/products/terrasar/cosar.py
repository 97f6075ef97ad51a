"""COSAR: complex samples of one or more bursts, most significant byte first.

A burst is TNL records of RTNB bytes; the first four hold annotation, every
other one a line: two numbers that tell which samples are valid, then I and Q
of each. Version 1 has 16 bit integers, version 2 half floats.
"""

from __future__ import annotations

import struct
from pathlib import Path

from sarvlm_app.core.products.dataset import broken
from sarvlm_app.core.products.raw import RawPlane, require_inside
from sarvlm_app.errors import SceneError

MAGIC = b"CSAR"
MAX_BURSTS = 4096
_HEADER = struct.Struct(">7I4sI")
_ANNOTATION_LINES, _VALIDITY_BYTES = 4, 8
_TYPES = {1: ">i2", 2: ">f2"}


def bursts_of(path: Path) -> tuple[RawPlane, ...]:
    """Where the samples of each burst lie.

    Raises
    ------
    SceneError
        It is no COSAR file, of an unknown version, or cut short.
    """
    try:
        size = path.stat().st_size
        planes: list[RawPlane] = []
        offset = 0
        with path.open("rb") as file:
            while offset < size and len(planes) < MAX_BURSTS:
                file.seek(offset)
                plane, length = _burst(path, file.read(_HEADER.size), offset)
                planes.append(plane)
                offset += length
    except OSError as error:
        reason = error.strerror or str(error)
        raise SceneError(f"{path} cannot be read ({reason}); check that its disk is still there.") from error
    if not planes:
        raise broken(path)
    require_inside(path, tuple(planes))
    return tuple(planes)


def _burst(path: Path, header: bytes, offset: int) -> tuple[RawPlane, int]:
    if len(header) < _HEADER.size:
        raise broken(path)
    length, _, samples, lines, _, record, records, magic, version = _HEADER.unpack(header)
    if magic != MAGIC:
        raise SceneError(f"{path} is no COSAR file; copy or download the product again.")
    if version not in _TYPES:
        raise SceneError(f"{path} is COSAR of version {version}, which is not known here; ask for version 1 or 2.")
    if samples < 1 or lines < 1 or record < _VALIDITY_BYTES + 4 * samples or records < _ANNOTATION_LINES + lines:
        raise broken(path)
    if length < record * records:
        raise broken(path)
    first = offset + _ANNOTATION_LINES * record + _VALIDITY_BYTES
    return RawPlane(first, lines, samples, _TYPES[version], items=2, row_bytes=record), length
