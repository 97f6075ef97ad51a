"""Tables of labelled pictures: files by path, or arrays by row."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.types import Float32

from .tables import read_rows


@dataclass(frozen=True, slots=True)
class ChipSource:
    """Where labelled pictures lie.

    Attributes
    ----------
    table : Path
        CSV file.
    root : Path or None
        Folder that its paths are relative to; None for the table's own.
    path_column, label_column : str
    npz : Path or None
        Arrays instead of files: `iq`, complex (n, h, w) or I and Q as
        (n, 2, h, w) or (n, h, w, 2), with `scale` (n) by which it is multiplied
        (without it 1).
    row_column : str
        Which of the arrays, from 0.
    """

    table: Path
    root: Path | None = None
    path_column: str = "path"
    label_column: str = "label"
    npz: Path | None = None
    row_column: str = "row"


@dataclass(frozen=True, slots=True)
class ChipTable:
    """Labelled pictures that are read one at a time.

    Attributes
    ----------
    names : tuple of str
        Path or row as the table has it.
    labels : tuple of str
    read : callable
        Linear amplitude float32 (h, w) of the picture of that number; raises
        SceneError where it cannot be read.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    read: Callable[[int], Float32]


def read_chip_table(source: ChipSource) -> ChipTable:
    """The rows of a table, held against the files or arrays that they name.

    Raises
    ------
    QueryError
        The table or the arrays cannot be used.
    SceneError
        A file is not there.
    """
    table = source.table
    column = source.path_column if source.npz is None else source.row_column
    rows = list(read_rows(table, (column, source.label_column)))
    if not rows:
        raise QueryError(f"{table} has no rows; give one for each picture, with {column} and {source.label_column}.")
    for line, cells in rows:
        if not all(cells):
            missing = column if not cells[0] else source.label_column
            raise QueryError(f"{table} has an empty {missing} in line {line}; fill it in or take the row out.")
    names, labels = (tuple(column) for column in zip(*(cells for _, cells in rows), strict=True))
    if source.npz is not None:
        return ChipTable(names, labels, _of_arrays(source.npz, rows, table))
    root = table.parent if source.root is None else source.root
    return ChipTable(names, labels, _of_files([root / name for name in names], table))


def _of_files(paths: Sequence[Path], table: Path) -> Callable[[int], Float32]:
    absent = [path for path in paths if not path.is_file()]
    if absent:
        raise SceneError(
            f"{absent[0]} is not there ({len(absent)} of the {len(paths)} pictures of {table} are not); "
            "check --root or take their rows out."
        )
    return lambda number: read_picture(paths[number])


def _of_arrays(npz: Path, rows: Sequence[tuple[int, tuple[str, ...]]], table: Path) -> Callable[[int], Float32]:
    iq, scale = _read_npz(npz)
    places: list[int] = []
    for line, (text, _) in rows:
        if not text.isascii() or not text.isdigit() or int(text) >= len(iq):
            raise QueryError(f"{table} names row “{text}” in line {line}, but {npz} has rows 0 to {len(iq) - 1}.")
        places.append(int(text))

    def read(number: int) -> Float32:
        place = places[number]
        amplitude = _modulus(iq[place]) * scale[place if len(scale) > 1 else 0]
        amplitude[~np.isfinite(amplitude)] = 0.0
        if not amplitude.any():
            raise SceneError(f"Row {place} of {npz} holds no data, every value is zero or NaN; take it out.")
        return np.asarray(amplitude, np.float32)

    return read


def _read_npz(path: Path) -> tuple[NDArray[np.generic], Float32]:
    """Complex (n, h, w) or real (n, 2, h, w) or (n, h, w, 2) samples and their scale (n) or (1)."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise QueryError(f"{path} holds a single array; give an .npz file with “iq”.")
            with archive:
                if "iq" not in archive.files:
                    raise QueryError(f"{path} has no array “iq” (it has {', '.join(archive.files) or 'none'}); add it.")
                iq: NDArray[np.generic] = archive["iq"]
                scale = archive["scale"] if "scale" in archive.files else np.ones(1)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, ValueError) as fault:
        if isinstance(fault, QueryError):
            raise
        reason = getattr(fault, "strerror", None) or "it is no .npz file, damaged, or holds Python objects"
        raise QueryError(f"{path} cannot be read ({reason}); check its name and copy it again.") from fault
    if not _is_iq(iq):
        raise QueryError(
            f"{path} has “iq” of {iq.dtype} {iq.shape}; give complex (n, h, w), or I and Q as (n, 2, h, w)."
        )
    if scale.dtype.kind not in "fiu" or scale.size not in (1, len(iq)):
        raise QueryError(f"{path} has “scale” of {scale.dtype} {scale.shape} for {len(iq)} arrays; give one for each.")
    return iq, np.asarray(scale, np.float32).ravel()


def _is_iq(iq: NDArray[np.generic]) -> bool:
    if not iq.size:
        return False
    if iq.dtype.kind == "c":
        return iq.ndim == 3
    return iq.dtype.kind in "fi" and iq.ndim == 4 and 2 in (iq.shape[1], iq.shape[3])


def _modulus(iq: NDArray[np.generic]) -> Float32:
    """Amplitude float32 (h, w) of one complex or two real planes."""
    if iq.dtype.kind == "c":
        return np.asarray(np.abs(iq), np.float32)
    i, q = (iq[0], iq[1]) if iq.shape[0] == 2 else (iq[..., 0], iq[..., 1])
    return np.asarray(np.hypot(i.astype(np.float32), q.astype(np.float32)), np.float32)
