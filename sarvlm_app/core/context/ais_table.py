"""Rows of an AIS table that matter for one scene: read by blocks, whatever the table's size."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from sarvlm_app.core.context.ais_columns import Columns, find_columns
from sarvlm_app.core.context.ground import Box
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError

BLOCK_BYTES = 8 * 2**20
MOST_ROWS = 2_000_000
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WORDS = ("name", "kind")
"""Columns of free text, in whatever encoding."""
_ORDERS = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (2, 0, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """Position reports: one array (n,) a field. Numbers are NaN and texts empty where nothing was sent.

    `seconds` counts from the acquisition; `mmsi` is int64.
    """

    mmsi: NDArray[np.int64]
    seconds: NDArray[np.float64]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    numbers: dict[str, NDArray[np.float64]]
    texts: dict[str, list[str]]
    rows_read: int


def read_reports(path: Path, boxes: tuple[Box, ...], acquired: datetime, within_s: float, ctx: JobContext) -> Reports:
    """The reports from one of some boxes within so many seconds of a moment.

    Raises
    ------
    QueryError
        The table cannot be read, lacks a column, has no time that can be read, or too many rows match.
    JobCancelled
        At the next block after a cancel.
    """
    headings, delimiter = _head(path)
    columns = find_columns(path, headings)
    size, read = max(1, path.stat().st_size), 0
    parts: list[dict[str, Any]] = []
    clock = _Clock(path, acquired, within_s, columns.danish)
    kept = 0
    for number, block in enumerate(_blocks(path, columns, delimiter)):
        read += block.num_rows
        ctx.step(min(size, number * BLOCK_BYTES) // 1024, size // 1024, f"Reading {path.name}")
        part = _matching(block, columns, boxes, clock)
        kept += len(part["mmsi"])
        parts.append(part)
        if kept > MOST_ROWS:
            raise QueryError(f"{path} has more than {MOST_ROWS} reports in this scene and time; choose a shorter time.")
    if not read:
        raise QueryError(f"{path} holds no rows; download or export it again.")
    clock.require_times()
    return _joined(parts, columns, read)


def _head(path: Path) -> tuple[list[str], str]:
    """The headings and the delimiter."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            line = file.readline(65_536)
    except OSError as fault:
        raise QueryError(f"{path} cannot be read ({fault.strerror}); check its permissions and the disk.") from fault
    if not line.strip():
        raise QueryError(f"{path} is empty; download or export it again.")
    delimiter = max(",;\t|", key=line.count)
    return next(csv.reader([line], delimiter=delimiter)), delimiter


def _blocks(path: Path, columns: Columns, delimiter: str) -> Iterator[pa.RecordBatch]:
    types = {name: pa.binary() if field in _WORDS else pa.string() for field, name in columns.present.items()}
    convert = pacsv.ConvertOptions(include_columns=list(types), column_types=types, check_utf8=False)
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=False, invalid_row_handler=lambda _row: "skip")
    try:
        with pacsv.open_csv(
            path, pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, encoding="utf8"), parse, convert
        ) as reader:
            yield from reader
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as fault:
        reason = str(fault).split("\n")[0].rstrip(".")
        raise QueryError(f"{path} cannot be read as a table ({reason[:160]}); save it as CSV in UTF-8.") from fault


def _numbers(block: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where it holds none."""
    text = pc.utf8_trim_whitespace(block.column(name))
    good = pc.match_substring_regex(text, _NUMBER)
    number = pc.cast(pc.if_else(good, text, pa.scalar(None, pa.string())), pa.float64())
    return np.asarray(number.to_numpy(zero_copy_only=False), np.float64)


def _matching(block: pa.RecordBatch, columns: Columns, boxes: tuple[Box, ...], clock: _Clock) -> dict[str, Any]:
    lat, lon = _numbers(block, columns.lat), _numbers(block, columns.lon)
    inside = np.zeros(len(lat), np.bool_)
    with np.errstate(invalid="ignore"):
        for west, south, east, north in boxes:
            inside |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    clock.look(block.column(columns.time))
    places = np.flatnonzero(inside)
    near = block.take(pa.array(places))
    seconds = clock.seconds(near.column(columns.time).to_pylist())
    mmsi = _numbers(near, columns.mmsi)
    with np.errstate(invalid="ignore"):
        good = (np.abs(seconds) <= clock.within_s) & np.isfinite(mmsi) & (mmsi > 0) & (mmsi < 1e15)
    rows = np.flatnonzero(good)
    near = near.take(pa.array(rows))
    part: dict[str, Any] = {
        "mmsi": mmsi[rows].astype(np.int64), "seconds": seconds[rows],
        "lat": lat[places][rows], "lon": lon[places][rows],
    }  # fmt: skip
    for field, name in columns.present.items():
        if field in ("sog", "cog", "heading", "length", "width"):
            part[field] = _numbers(near, name)
        elif field in _WORDS:
            part[field] = [value.decode("utf-8", "replace").strip() for value in near.column(name).to_pylist()]
    return part


def _joined(parts: list[dict[str, Any]], columns: Columns, read: int) -> Reports:
    def numbers(field: str) -> Any:
        return np.concatenate([part[field] for part in parts])

    there = columns.present
    return Reports(
        numbers("mmsi"), numbers("seconds"), numbers("lat"), numbers("lon"),
        {f: numbers(f) for f in ("sog", "cog", "heading", "length", "width") if f in there},
        {f: [text for part in parts for text in part[f]] for f in _WORDS if f in there}, read,
    )  # fmt: skip


class _Clock:
    """Turns the texts of a time column into seconds from the acquisition."""

    def __init__(self, path: Path, acquired: datetime, within_s: float, danish: bool) -> None:
        self.within_s = within_s
        self._path = path
        self._zero = acquired.replace(tzinfo=None) - (acquired.utcoffset() or (acquired - acquired))
        self._danish = danish
        self._order: str | None = None
        self._example = ""
        self._readable = False

    def look(self, texts: Any) -> None:
        """Learn from a block how its times are written."""
        if len(texts) and not self._example:
            self._example = str(texts[0].as_py())
        if self._readable and self._order is not None:
            return
        step = max(1, len(texts) // 2000)
        sample = [str(texts[at].as_py()) for at in range(0, len(texts), step)]
        self._readable = self._readable or any(_seconds(text, "ymd", self._zero) is not None for text in sample)
        slashed = [fields for fields in map(_date_fields, sample) if fields is not None and fields[0] < 1000]
        if slashed:
            self._readable = True
            self._order = self._order_of(slashed)

    def _order_of(self, dates: list[tuple[int, int, int]]) -> str | None:
        """Day or month first: as a number above 12 tells, else as the acquisition's day suggests."""
        if self._danish or any(first > 12 for first, _, _ in dates):
            return "dmy"
        if any(second > 12 for _, second, _ in dates):
            return "mdy"
        day = (self._zero.month, self._zero.day)
        return "dmy" if (dates[0][1], dates[0][0]) == day and (dates[0][0], dates[0][1]) != day else "mdy"

    def seconds(self, texts: list[str]) -> NDArray[np.float64]:
        known: dict[str, float] = {}
        out = np.full(len(texts), np.nan)
        for at, text in enumerate(texts):
            if text not in known:
                value = _seconds(text, self._order or "ymd", self._zero)
                known[text] = np.nan if value is None else value
            out[at] = known[text]
        return out

    def require_times(self) -> None:
        """Refuse a table none of whose times could be read."""
        if not self._readable:
            raise QueryError(
                f"{self._path} has times that cannot be read, such as {self._example[:40]!r}; "
                "write them as 2024-05-01T12:30:00 in UTC."
            )


def _date_fields(text: str) -> tuple[int, int, int] | None:
    parts = text.strip()[:10].replace("-", "/").replace(".", "/").split("/")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def _seconds(text: str, order: str, zero: datetime) -> float | None:
    """Seconds from `zero` of an ISO time, one with slashes, or seconds (or milliseconds) since 1970."""
    text = text.strip()
    try:
        if text.replace(".", "", 1).isdigit():
            number = float(text)
            number = number / 1000.0 if number > 1e11 else number
            return number - (zero - datetime(1970, 1, 1)).total_seconds() if number > 1e8 else None  # noqa: DTZ001
        fields = _date_fields(text)
        if fields is not None and fields[0] < 1000:
            year, month, day = (fields[place] for place in _ORDERS["mdy" if order == "ymd" else order])
            text = f"{year:04d}-{month:02d}-{day:02d}T{text[10:].strip().lstrip('T')}"
        moment = datetime.fromisoformat(text.removesuffix("UTC").strip().replace("/", "-"))
        offset = moment.utcoffset()
        plain = moment.replace(tzinfo=None)
        return (plain - zero).total_seconds() - (offset.total_seconds() if offset is not None else 0.0)
    except (ValueError, OverflowError):
        return None
