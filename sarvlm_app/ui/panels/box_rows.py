"""The table of boxes: rows are read from the arrays when they are painted, so that twenty thousand cost nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPixmap

from sarvlm_app.core.box_facts import BoxFacts
from sarvlm_app.core.box_table import Bool, Boxes
from sarvlm_app.core.boxes import sides_px
from sarvlm_app.ui.detection_words import UNKNOWN, metres, touch_text

_Index = QModelIndex | QPersistentModelIndex
Float64 = NDArray[np.float64]
LABEL, SCORE, LENGTH, WIDTH, HEADING, LATITUDE, LONGITUDE = range(7)
_ROLE = Qt.ItemDataRole


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of boxes on the ground, by id; `metric`, `placed`: whether the scene tells sizes and places."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    facts: BoxFacts | None = None
    metric: bool = True
    placed: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    """What the table shows: all boxes, which of them, and their names."""

    boxes: Boxes = field(default_factory=Boxes.empty)
    shown: Bool = field(default_factory=lambda: np.zeros(0, np.bool_))
    names: tuple[str, ...] = ()
    ground: Ground = field(default_factory=Ground)


class BoxModel(QAbstractTableModel):
    """Boxes as rows, sorted by a column; the best first at the beginning.

    Parameters
    ----------
    colour : callable
        Gives #rrggbb of a class.
    """

    def __init__(self, colour: Callable[[str], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._colour = colour
        self._rows = Rows()
        self._columns: dict[int, Float64] = {}
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._sorted_by = (SCORE, Qt.SortOrder.DescendingOrder)
        self._swatches: dict[str, QIcon] = {}

    # ---- content ---------------------------------------------------------
    def set_rows(self, rows: Rows) -> None:
        """Shows other boxes, or the same through another filter."""
        self.beginResetModel()
        if rows.boxes is not self._rows.boxes or rows.ground is not self._rows.ground:
            self._columns = _numbers(rows)
        self._rows = rows
        self._sort_rows()
        self.endResetModel()

    def id_of(self, row: int) -> int:
        """Id of the box in a row."""
        return int(self._rows.boxes.ids[self._order[row]])

    def row_of(self, box: int) -> int | None:
        """The row of a box, None where it is not shown."""
        found = np.flatnonzero(self._rows.boxes.ids[self._order] == box)
        return int(found[0]) if found.size else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts by a column; what is unknown comes last."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        boxes = [self.id_of(index.row()) for index in before]
        self._sorted_by = (column, order)
        self._sort_rows()
        places = dict(zip(self._rows.boxes.ids[self._order].tolist(), range(len(self._order)), strict=True))
        self.changePersistentIndexList(
            before, [self.index(places[box], index.column()) for box, index in zip(boxes, before, strict=True)]
        )
        self.layoutChanged.emit()

    def _sort_rows(self) -> None:
        column, order = self._sorted_by
        places = np.flatnonzero(self._rows.shown)
        keys = self._keys(column)[places]
        if order is Qt.SortOrder.DescendingOrder:
            keys = -keys
        self._order = places[np.argsort(keys, kind="stable")]  # NaN goes to the end either way

    def _keys(self, column: int) -> Float64:
        if column != LABEL:
            return self._columns.get(column, np.zeros(len(self._rows.boxes)))
        rank = np.argsort(np.argsort(np.array([name.casefold() for name in self._rows.names] or [""])))
        return rank[self._rows.boxes.classes].astype(np.float64)

    # ---- Qt --------------------------------------------------------------
    def rowCount(self, parent: _Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: _Index | None = None) -> int:  # noqa: N802 - Qt's name
        return 0 if parent is not None and parent.isValid() else LONGITUDE + 1

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = int(_ROLE.DisplayRole)
    ) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        unit = "m" if self._rows.ground.metric else "px"
        short, long = {
            LABEL: ("Label", "What it was called"),
            SCORE: ("Score", "0.50 is the background"),
            LENGTH: (f"Length\n{unit}", "Along the long side" + (", on the ground" if unit == "m" else ", in pixels")),
            WIDTH: (f"Width\n{unit}", "Across it"),
            HEADING: ("Axis\n°", "Of the long side, clockwise from true north, 0 to 180: bow and stern not told apart"),
            LATITUDE: ("Lat\n°", "Latitude of the middle") if self._rows.ground.placed else ("Col", "Of the middle"),
            LONGITUDE: ("Lon\n°", "Longitude of the middle") if self._rows.ground.placed else ("Row", "Of the middle"),
        }[section]
        if role == _ROLE.DisplayRole:
            return short
        if role == _ROLE.ToolTipRole:
            return f"{long}. Click to sort."
        if role == _ROLE.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = int(_ROLE.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        place, column = int(self._order[index.row()]), index.column()
        boxes = self._rows.boxes
        if role == _ROLE.DisplayRole:
            return self._text(place, column)
        if role == _ROLE.TextAlignmentRole:
            return _alignment(column)
        if role == _ROLE.FontRole and boxes.touches[place]:
            font = QFont()
            font.setPixelSize(12)
            font.setItalic(True)
            return font
        if role == _ROLE.DecorationRole and column == LABEL:
            return self._swatch(self._rows.names[boxes.classes[place]])
        if role == _ROLE.ToolTipRole:
            said = (self._rows.names[boxes.classes[place]], touch_text(int(boxes.touches[place])))
            return ": ".join(part for part in said if part)
        return None

    def _text(self, place: int, column: int) -> str:
        boxes = self._rows.boxes
        if column == LABEL:
            name = self._rows.names[boxes.classes[place]]
            return f"{name} ✓" if boxes.touches[place] else name
        value = float(self._columns[column][place])
        if not math.isfinite(value):
            return UNKNOWN
        if column == SCORE:
            return f"{value:.2f}"
        if column in (LENGTH, WIDTH):
            return metres(value)
        if column == HEADING or not self._rows.ground.placed:
            return f"{value:.0f}"
        return f"{value:.5f}".replace("-", "−")

    def _swatch(self, name: str) -> QIcon:
        colour = self._colour(name)
        if colour not in self._swatches:
            self._swatches[colour] = _square(colour)
        return self._swatches[colour]


def _square(colour: str) -> QIcon:
    """A small square of a colour, the same in a selected row."""
    pixmap = QPixmap(10, 10)
    pixmap.fill(QColor(colour))
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(pixmap, mode)
    return icon


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column == LABEL else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _numbers(rows: Rows) -> dict[int, Float64]:
    """The columns of numbers, NaN where not known (yet)."""
    boxes, ground = rows.boxes, rows.ground
    columns: dict[int, Float64] = {SCORE: boxes.scores.astype(np.float64)}
    place = _places_in(ground.ids, boxes.ids) if ground.facts is not None else np.full(len(boxes), -1)
    for column, name in ((LENGTH, "length_m"), (WIDTH, "width_m"), (HEADING, "heading_deg"),
                         (LATITUDE, "lat"), (LONGITUDE, "lon")):  # fmt: skip
        values = np.full(len(boxes), np.nan)
        if ground.facts is not None:
            values[place >= 0] = getattr(ground.facts, name)[place[place >= 0]]
        columns[column] = values
    if not ground.metric and len(boxes):
        columns[LENGTH], columns[WIDTH], _ = sides_px(boxes.corners_px)
    if not ground.placed:
        centres = boxes.centres.astype(np.float64)
        columns[LATITUDE], columns[LONGITUDE] = centres[:, 0], centres[:, 1]
    return columns


def _places_in(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions of ids in others, -1 where they are not there."""
    if not len(known):
        return np.full(len(wanted), -1)
    order = np.argsort(known)
    place = np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)
    found = order[place]
    return np.where(known[found] == wanted, found, -1)
