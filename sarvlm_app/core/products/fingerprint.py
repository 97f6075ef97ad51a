"""A scene's identity: follows what is in the file, wherever the file is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

BLOCK = 64 * 1024
INTERIOR = 16
DIGITS = 32
_SEED = 11


def fingerprint_file(path: Path) -> str:
    """32 hexadecimal digits of the file's size, ends and 16 seeded blocks between: milliseconds at any size.

    A change that keeps the size and spares all those blocks goes unseen; a
    product written anew does not.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= BLOCK * (INTERIOR + 2):
            digest.update(file.read())
        else:
            inner = np.random.default_rng(_SEED).integers(BLOCK, size - 2 * BLOCK, INTERIOR)
            for offset in [0, *sorted(inner.tolist()), size - BLOCK]:
                file.seek(offset)
                digest.update(file.read(BLOCK))
    return digest.hexdigest()[:DIGITS]
