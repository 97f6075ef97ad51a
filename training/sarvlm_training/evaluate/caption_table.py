"""Tables of pictures and their captions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sarvlm_app.errors import QueryError, SceneError

from .tables import read_rows

COLUMNS: Final = ("imgpath", "caption")


def read_caption_table(table: Path, root: Path) -> dict[Path, tuple[str, ...]]:
    """Captions of each picture in the order of a CSV file with the columns `imgpath` and `caption`.

    Parameters
    ----------
    table : Path
        Several rows of one picture are several captions of it.
    root : Path
        Folder that `imgpath` is relative to.

    Raises
    ------
    QueryError
        The table cannot be read, lacks a column, has no rows or an empty cell.
    SceneError
        A picture is not there.
    """
    captions: dict[Path, list[str]] = {}
    for line, (name, caption) in read_rows(table, COLUMNS):
        if not name or not caption:
            missing = COLUMNS[0 if not name else 1]
            raise QueryError(f"{table} has an empty {missing} in line {line}; fill it in or take the row out.")
        captions.setdefault(root / name, []).append(caption)
    if not captions:
        raise QueryError(f"{table} has no rows; give one for each caption, with {' and '.join(COLUMNS)}.")
    absent = [path for path in captions if not path.is_file()]
    if absent:
        raise SceneError(
            f"{absent[0]} is not there ({len(absent)} of the {len(captions)} pictures of {table} are not); "
            "check --root or take their rows out."
        )
    return {path: tuple(own) for path, own in captions.items()}
