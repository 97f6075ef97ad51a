"""The files of a product that lie in one folder: the image that a side file belongs to, and the other way round."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from sarvlm_app.errors import SceneError

MAX_ENTRIES = 20_000
"""A folder with more is none of a product; it is not listed to its end."""


def files_in(folder: Path, pattern: re.Pattern[str]) -> tuple[Path, ...]:
    """Files of a folder whose whole name fits, in the order of their names; empty where it cannot be read."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= MAX_ENTRIES:
                    break
                if pattern.fullmatch(entry.name) and entry.is_file():
                    found.append(entry.name)
    except OSError:
        return ()
    return tuple(folder / name for name in sorted(found))


def the_one(folder: Path, images: Sequence[Path], what: str) -> Path:
    """The only image of a folder.

    Raises
    ------
    SceneError
        There are several, or none.
    """
    if not images:
        raise SceneError(f"{folder} holds no image of {what}; copy or download the whole product again.")
    if len(images) > 1:
        names = ", ".join(path.name for path in images[:6])
        raise SceneError(f"{folder} holds {len(images)} images of {what} ({names}); open one of them.")
    return images[0]


def inside(folder: Path, name: str | None) -> Path | None:
    """A file that an annotation names, relative to `folder`; None where the name leads out of the product.

    The annotation may lie one folder down ("../imagery/a.tif" in RCM), so one
    step up is allowed, and no more.
    """
    if not name or "\x00" in name or "\\" in name:
        return None
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if name.startswith("/") or not steps or ".." in steps[1:]:
        return None
    return folder.parent.joinpath(*steps[1:]) if steps[0] == ".." else folder.joinpath(*steps)


def exists(path: Path) -> bool:
    """Whether it is a file; False where that cannot be told."""
    try:
        return path.is_file()
    except OSError:
        return False
