"""CSV tables: rows read with sentences for what is wrong, and written whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import QueryError


def read_rows(table: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line number and the cells of `columns`, stripped, of each row of a CSV file with a header.

    Raises
    ------
    QueryError
        The table cannot be read, is no CSV text, or lacks a column.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            found = tuple(reader.fieldnames or ())
            if not set(columns) <= set(found):
                listed = ", ".join(found) or "none"
                wanted = f"column{'s' if len(columns) > 1 else ''} {' and '.join(columns)}"
                raise QueryError(f"{table} needs the {wanted}, but has {listed}; name them so.")
            for row in reader:
                yield reader.line_num, tuple((row[column] or "").strip() for column in columns)
    except OSError as fault:
        raise QueryError(f"{table} cannot be read ({fault.strerror}); check its name and permissions.") from fault
    except (UnicodeDecodeError, csv.Error) as fault:
        raise QueryError(f"{table} is no CSV text in UTF-8 ({fault}); save it as such.") from fault


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV table, whole or not at all.

    Raises
    ------
    StorageError
        The place cannot be written to.
    """
    with replace_when_done(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
