"""Measures of one scene: what each holds, and their list with undo."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sarvlm_app.core.instruments import AreaMeasure, Basis, LineMeasure, PointResponse, Profile, RegionStatistics
from sarvlm_app.core.instruments.ground import Float64
from sarvlm_app.core.scene import Scene


class Tool(StrEnum):
    """What measures; its value is the word for it in files."""

    LINE = "line"
    PROFILE = "profile"
    AREA = "region"
    BOX = "rectangle"
    POINT = "point"


class Stage(StrEnum):
    """How far a measure is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A measure, frozen; what is read from pixels comes a moment after what is known from its points.

    Attributes
    ----------
    number : int
        From 1; unique in the scene.
    points_px : float64 (n, 2)
        (col, row): a polyline, the ring of a region without its first point again, or the place that was clicked.
    band : int
        From 1.
    width_px : float
        Of a profile.
    line : LineMeasure or None
        Of lines and profiles.
    area : AreaMeasure or None
        Of regions.
    profile, region, point
        What the pixels say.
    """

    number: int
    tool: Tool
    points_px: Float64
    band: int
    stage: Stage = Stage.DONE
    width_px: float = 1.0
    line: LineMeasure | None = None
    area: AreaMeasure | None = None
    profile: Profile | None = None
    region: RegionStatistics | None = None
    point: PointResponse | None = None

    @property
    def closed(self) -> bool:
        """Whether the points are a ring."""
        return self.tool in (Tool.AREA, Tool.BOX)

    @property
    def basis(self) -> Basis | None:
        """What metres rest on; None for a point."""
        known = self.line or self.area
        return None if known is None else known.basis

    @property
    def empty(self) -> bool:
        """Whether pixels were asked and none of them holds data."""
        if self.region is not None:
            return self.region.count == 0
        return self.profile is not None and not bool(np.isfinite(self.profile.intensity).any())


@dataclass(frozen=True, slots=True)
class _Step:
    """The order before a change, and the name of the change."""

    name: str
    order: tuple[int, ...]


class MeasureList:
    """The measures of a scene in their order.

    Undo gives back orders, not values: a value that comes late belongs to its
    measure wherever that stands.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.selected: int | None = None
        self._known: dict[int, Measured] = {}
        self._order: tuple[int, ...] = ()
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []

    @property
    def entries(self) -> tuple[Measured, ...]:
        """The oldest first."""
        return tuple(self._known[number] for number in self._order)

    @property
    def next_number(self) -> int:
        """Of the next measure; a number that was once given stays with its measure."""
        return max(self._known, default=0) + 1

    @property
    def undo_name(self) -> str:
        """What `undo` takes back: "measure", "removal", "clearing", or nothing."""
        return self._undo[-1].name if self._undo else ""

    @property
    def redo_name(self) -> str:
        """What `redo` does again."""
        return self._redo[-1].name if self._redo else ""

    def get(self, number: int | None) -> Measured | None:
        """The measure of a number while it is in the list."""
        return self._known[number] if number is not None and number in self._order else None

    def known(self, number: int) -> Measured | None:
        """The same, also where it was removed and can come back."""
        return self._known.get(number)

    def add(self, measured: Measured) -> None:
        """Append a measure and select it."""
        self._known[measured.number] = measured
        self._step("measure", (*self._order, measured.number))
        self.selected = measured.number

    def put(self, measured: Measured) -> None:
        """Take a newer state of a measure."""
        if measured.number in self._known:
            self._known[measured.number] = measured

    def forget(self, number: int) -> None:
        """Strike a measure that came to nothing out of the list and its history."""
        self._known.pop(number, None)
        self._order = _without(self._order, number)
        for steps in (self._undo, self._redo):
            steps[:] = [_Step(step.name, _without(step.order, number)) for step in steps]
        order = self._order
        while self._undo and self._undo[-1].order == order:
            self._undo.pop()
        self._select_near()

    def remove(self, number: int) -> bool:
        """Take one away; whether it was there."""
        if number not in self._order:
            return False
        place = self._order.index(number)
        self._step("removal", _without(self._order, number))
        if self.selected == number:
            self.selected = self._order[min(place, len(self._order) - 1)] if self._order else None
        return True

    def clear(self) -> bool:
        """Take all away; whether there were any."""
        if not self._order:
            return False
        self._step("clearing", ())
        self.selected = None
        return True

    def undo(self) -> bool:
        """Take the last change back."""
        return self._swap(self._undo, self._redo)

    def redo(self) -> bool:
        """Make it again."""
        return self._swap(self._redo, self._undo)

    def _step(self, name: str, order: tuple[int, ...]) -> None:
        self._undo.append(_Step(name, self._order))
        self._redo.clear()
        self._order = order

    def _swap(self, source: list[_Step], target: list[_Step]) -> bool:
        if not source:
            return False
        step = source.pop()
        target.append(_Step(step.name, self._order))
        came = [number for number in step.order if number not in self._order]
        self._order = step.order
        if came:
            self.selected = came[-1]
        self._select_near()
        return True

    def _select_near(self) -> None:
        if self.selected not in self._order:
            self.selected = self._order[-1] if self._order else None


def _without(order: tuple[int, ...], number: int) -> tuple[int, ...]:
    return tuple(one for one in order if one != number)
