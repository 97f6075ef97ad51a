"""How much room a folder takes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def bytes_of(folder: Path) -> int:
    """Bytes of all files under a folder; what is moved or removed meanwhile, by who adds to it, counts as nothing."""
    total = 0
    for base, _folders, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(base, name)).st_size
    return total
