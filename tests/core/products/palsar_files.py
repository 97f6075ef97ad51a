"""Small PALSAR products in CEOS after JAXA's format descriptions; no real file is at hand.

Byte numbers are those of the descriptions of levels 1.1 and 1.5; GDAL's
SAR_CEOS reader opens the images as well.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.core.scene_files import speckle

SIZE = (70, 50)
ID11, ID15 = "ALPSRP269576750-H1.1__A", "ALOS2044980740-150324-FBDR1.5RUD"
CF = -83.0
ANGLE = (0.1, 5.0e-4, 1.0e-8)
NEAR, SAMPLING = 850_000, 32.0
LIGHT = 299_792_458.0


def put(record: bytearray, at: int, text: str, size: int) -> None:
    record[at : at + size] = text.rjust(size).encode()[:size]


def header(number: int, first: int, kind: int, second: int, third: int, length: int) -> bytearray:
    return bytearray(struct.pack(">IBBBBI", number, first, kind, second, third, length).ljust(length, b" "))


def place(col: float, row: float) -> tuple[float, float]:
    """Longitude and latitude of a sample, for the lines' records."""
    return 139.0 + 2e-4 * col, 35.0 - 1e-4 * row


def samples(complex_: bool, seed: int) -> np.ndarray:
    if not complex_:
        return (speckle(SIZE[::-1], 3000, seed) + 1).clip(1, 65535).astype(">u2")
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1000, (SIZE[1], SIZE[0])) + 1j * rng.normal(0, 1000, (SIZE[1], SIZE[0]))).astype(np.complex64)


def image_file(complex_: bool, seed: int = 0, filled: bool = True) -> bytes:
    values = samples(complex_, seed)
    prefix, pixel = (412, 8) if complex_ else (192, 2)
    length = prefix + pixel * SIZE[0]
    head = header(1, 50, 192, 18, 18, 720)
    head[12:14] = b"A "
    put(head, 16, "CEOS-SAR-CCT", 12)
    head[48:64] = f"AL2 PSM{'B' if complex_ else 'C'}IMOP".ljust(16).encode()
    fields = {
        180: (SIZE[1], 6), 186: (length, 6), 216: (32 if complex_ else 16, 4), 220: (2 if complex_ else 1, 4),
        224: (pixel, 4), 232: (1, 4), 236: (SIZE[1], 8), 244: (0, 4), 248: (SIZE[0], 8), 256: (0, 4), 260: (0, 4),
        264: (0, 4), 272: (1, 2), 274: (1, 2), 276: (prefix, 4), 280: (pixel * SIZE[0], 8), 288: (0, 4),
    }  # fmt: skip
    for at, (value, size) in fields.items():
        put(head, at, str(value), size)
    put(head, 268, "BSQ", 4)
    head[400:428] = ("COMPLEX*8" if complex_ else "UNSIGNED INTEGER*2").ljust(28).encode()
    head[428:432] = b"C*8 " if complex_ else b"IU2 "
    parts = [bytes(head)]
    for row in range(SIZE[1]):
        line = bytearray(
            struct.pack(">IBBBBI", row + 2, 50, 10 if complex_ else 11, 18, 20, length).ljust(prefix, b"\0")
        )
        struct.pack_into(">5i", line, 12, row + 1, 1, 0, SIZE[0], 0)
        struct.pack_into(">3i", line, 36, 2015, 83, 1000 + row)
        corners = [place(col, row) for col in (0.0, (SIZE[0] - 1) / 2, SIZE[0] - 1.0)]
        numbers = [round(lat * 1e6) for _, lat in corners] + [round(lon * 1e6) for lon, _ in corners]
        if filled:
            struct.pack_into(">6i", line, 192 if complex_ else 132, *numbers)
        if complex_:
            struct.pack_into(">I", line, 116, NEAR)
            pairs = np.stack([values[row].real, values[row].imag], axis=-1).astype(">f4")
        else:
            struct.pack_into(">3I", line, 64, NEAR, NEAR + 300, NEAR + 620)
            pairs = values[row]
        parts.append(bytes(line) + pairs.tobytes())
    return b"".join(parts)


def leader_file(factor: float | str = CF, clock: float = 90.0) -> bytes:
    head = header(1, 11, 192, 18, 18, 720)
    summary = header(2, 18, 10, 18, 20, 4096)
    put(summary, 12, "1", 4)
    summary[68:100] = b"20150324123456789".ljust(32)
    summary[396:412] = b"ALOS".ljust(16)
    summary[412:444] = b"ALOS  -L -14HHS".ljust(32)
    for at, text, size in (
        (444, "26957", 8), (476, f"{clock:.3f}", 8), (484, "38.700", 8), (710, f"{SAMPLING:.7f}", 16),
        (1838, "34.3000000", 16),
    ):  # fmt: skip
        put(summary, at, text, size)
    for index, value in enumerate((*ANGLE, 0.0, 0.0, 0.0)):
        put(summary, 1886 + 20 * index, f"{value:.10E}", 20)
    position = header(3, 18, 30, 18, 20, 4680)
    radiometric = header(5, 18, 50, 18, 20, 9860)
    put(radiometric, 12, "1", 4)
    put(radiometric, 20, factor if isinstance(factor, str) else f"{factor:.7f}", 16)
    return bytes(head + summary + position + radiometric)


def write_palsar(
    folder: Path, complex_: bool = False, pols: tuple[str, ...] = ("HH", "HV"), filled: bool = True
) -> Path:
    """A product's files; returns its first image."""
    identity = ID11 if complex_ else ID15
    for seed, pol in enumerate(pols):
        (folder / f"IMG-{pol}-{identity}").write_bytes(image_file(complex_, seed, filled))
    (folder / f"LED-{identity}").write_bytes(leader_file())
    (folder / f"VOL-{identity}").write_bytes(bytes(header(1, 192, 192, 18, 18, 360)))
    return folder / f"IMG-{pols[0]}-{identity}"
