"""The boxes of one scene as a struct of arrays: what was found, and what the analyst made of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields, replace
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.types import Detections, Float32

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


class Touch(IntFlag):
    """What was done to a box by hand."""

    NONE = 0
    EDITED = 1
    ADDED = 2
    CONFIRMED = 4
    STRUCK = 8


class Source(IntEnum):
    """Where a box came from."""

    RUN = 0
    FILE = 1
    HAND = 2


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rows of boxes; arrays are read-only.

    Attributes
    ----------
    ids : int64 (n,)
        Stay with a box for good; no two are alike.
    corners_px : float32 (n, 4, 2)
        As of `Detections`: (col, row), clockwise, corner 0 to 1 a long side.
    bbox_px : float32 (n, 4)
        As of `Detections`.
    scores : float32 (n,)
        1 for a box that was drawn by hand.
    classes : int32 (n,)
        Into the names of the list.
    touches : uint8 (n,)
        `Touch` of each.
    sources : uint8 (n,)
        `Source` of each.
    origins : int32 (n,)
        Into the origins of the list: a detector's model_id or the file that they were imported from.
    """

    ids: Int64
    corners_px: Float32
    bbox_px: Float32
    scores: Float32
    classes: NDArray[np.int32]
    touches: NDArray[np.uint8]
    sources: NDArray[np.uint8]
    origins: NDArray[np.int32]

    def __post_init__(self) -> None:
        n = len(self.ids)
        for field in fields(self):
            array = getattr(self, field.name)
            kind, rest = LAYOUT[field.name]
            if array.shape != (n, *rest) or array.dtype != kind:
                raise ValueError(f"Boxes.{field.name}: expected {kind} {(n, *rest)}, got {array.dtype} {array.shape}")
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def empty(cls) -> Boxes:
        """No boxes."""
        return cls(**{name: np.zeros((0, *rest), kind) for name, (kind, rest) in LAYOUT.items()})

    @property
    def touched(self) -> Bool:
        """Which were worked on by hand, in whatever way: bool (n,)."""
        return np.asarray(self.touches != Touch.NONE)

    @property
    def struck(self) -> Bool:
        """Which were struck out: bool (n,)."""
        return np.asarray((self.touches & Touch.STRUCK) != 0)

    @property
    def centres(self) -> Float32:
        """(col, row) of their middles: float32 (n, 2)."""
        return np.asarray(self.corners_px.mean(axis=1, dtype=np.float32), np.float32)

    def take(self, chosen: Bool | NDArray[np.intp] | slice) -> Boxes:
        """Some rows: by a mask (n,) or by positions, in their order."""
        return Boxes(**{name: getattr(self, name)[chosen] for name in LAYOUT})

    def joined(self, other: Boxes) -> Boxes:
        """These rows, then those of another."""
        if not len(other):
            return self
        return Boxes(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in LAYOUT})

    def with_rows(self, places: NDArray[np.intp], rows: Boxes) -> Boxes:
        """The same with other rows at some places."""
        arrays = {}
        for name in LAYOUT:
            array = getattr(self, name).copy()
            array[places] = getattr(rows, name)
            arrays[name] = array
        return Boxes(**arrays)

    def changed(self, **columns: Any) -> Boxes:
        """The same with other columns; a scalar holds for every row."""
        shaped = {}
        for name, value in columns.items():
            kind, rest = LAYOUT[name]
            shaped[name] = np.broadcast_to(np.asarray(value, kind), (len(self), *rest)).copy()
        return replace(self, **shaped)

    def place_of(self, box: int) -> int | None:
        """Row of an id."""
        found = np.flatnonzero(self.ids == box)
        return int(found[0]) if found.size else None

    def by_ids(self, ids: Int64) -> Boxes:
        """The rows of some ids, in the order of the table; unknown ids are left out."""
        return self.take(np.isin(self.ids, ids))


LAYOUT: dict[str, tuple[Any, tuple[int, ...]]] = {
    "ids": (np.int64, ()),
    "corners_px": (np.float32, (4, 2)),
    "bbox_px": (np.float32, (4,)),
    "scores": (np.float32, ()),
    "classes": (np.int32, ()),
    "touches": (np.uint8, ()),
    "sources": (np.uint8, ()),
    "origins": (np.int32, ()),
}
"""Type and shape of a row of every column."""


def fresh_ids(count: int) -> Int64:
    """Numbers that no other box has, in this program or another: int64 (count,), positive."""
    return np.frombuffer(secrets.token_bytes(8 * count), np.int64).copy() & np.int64(2**62 - 1)


def boxes_of(found: Detections, classes: NDArray[np.int32], source: Source, origin: int) -> Boxes:
    """Rows for what a detector found or a file held; `classes` are their ids in the list's names."""
    n = len(found)
    return Boxes(
        ids=fresh_ids(n),
        corners_px=found.corners_px.astype(np.float32),
        bbox_px=found.bbox_px.astype(np.float32),
        scores=found.scores.astype(np.float32),
        classes=classes.astype(np.int32),
        touches=np.zeros(n, np.uint8),
        sources=np.full(n, int(source), np.uint8),
        origins=np.full(n, origin, np.int32),
    )


def exchange(table: Boxes, leaving: Boxes, coming: Boxes) -> Boxes:
    """Take rows out of a table and put others in; those of one id change in place, new ones go to the end."""
    gone = np.setdiff1d(leaving.ids, coming.ids)
    if gone.size:
        table = table.take(~np.isin(table.ids, gone))
    if not len(coming):
        return table
    order = np.argsort(table.ids, kind="stable")
    place = np.searchsorted(table.ids, coming.ids, sorter=order)
    inside = place < len(table)
    rows = order[np.where(inside, place, 0)] if len(table) else np.zeros(len(coming), np.intp)
    known = inside & (table.ids[rows] == coming.ids) if len(table) else np.zeros(len(coming), np.bool_)
    if known.any():
        table = table.with_rows(rows[known], coming.take(known))
    return table.joined(coming.take(~known))
