"""What is asked of an archive as an analyst gives it: words, examples, filters as they are typed."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

from sarvlm_app.core.archive.search import ArchiveHit, ArchiveQuery, Example, Where
from sarvlm_app.core.query import check_text
from sarvlm_app.core.scene import Scene, open_scene
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window

EVEN: Final = 0.5
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_SMALL: Final = 0.01
"""An area narrower than so many degrees is written more finely."""
_SPLIT = re.compile(r"[\s,;]+")


class ExampleKind(StrEnum):
    """Where an example is from."""

    VIEW = "view"
    REGION = "region"
    PLACE = "place"
    FILE = "file"
    HIT = "hit"


@dataclass(frozen=True, slots=True)
class ExampleOf:
    """A picture to search by.

    Attributes
    ----------
    window : Window or None
        Part of the file; None for all of it.
    scene : Scene or None
        Where it is open already.
    likes : bool
        False: the answer must not be like it.
    """

    kind: ExampleKind
    path: Path
    window: Window | None = None
    scene: Scene | None = None
    likes: bool = True

    @classmethod
    def of_hit(cls, hit: ArchiveHit, *, likes: bool = True) -> ExampleOf:
        """The place that a hit shows."""
        return cls(ExampleKind.HIT, hit.scene, hit.window, None, likes)


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters as they are typed; an empty text asks nothing.

    Attributes
    ----------
    area : str
        W,S,E,N in degrees; W > E crosses the antimeridian.
    after, before : str
        A day, a month or a year: 2020-11-07, 2020-11, 2020; both included.
    sensor, polarisation : str
    """

    area: str = ""
    after: str = ""
    before: str = ""
    sensor: str = ""
    polarisation: str = ""

    @property
    def count(self) -> int:
        """How many ask something."""
        return sum(bool(getattr(self, name).strip()) for name in self.__slots__)

    def where(self) -> Where:
        """The same as the search takes it.

        Raises
        ------
        QueryError
            An area or a day cannot be read.
        """
        after, before = day_of(self.after), day_of(self.before, end=True)
        if after is not None and before is not None and after > before:
            raise QueryError(f"No day is after {self.after.strip()} and before {self.before.strip()}: swap the two.")
        return Where(area_of(self.area), after, before, self.sensor.strip() or None, self.polarisation.strip() or None)


@dataclass(frozen=True, slots=True)
class ArchiveQuestion:
    """A question to an archive.

    Attributes
    ----------
    weight : float
        Part of the examples against that of the words, 0..1, where there are both.
    """

    text: str = ""
    negatives: tuple[str, ...] = ()
    examples: tuple[ExampleOf, ...] = ()
    weight: float = EVEN
    filters: Filters = Filters()

    @property
    def asks(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.text) or any(example.likes for example in self.examples)

    @property
    def mixes(self) -> bool:
        """Whether words and an example are asked together."""
        return bool(self.text) and any(example.likes for example in self.examples)

    def check(self) -> Where:
        """Make sure that it can be asked; gives the filters.

        Raises
        ------
        QueryError
            There is nothing to look for, the text cannot be asked, or a filter cannot be read.
        """
        if self.text:
            check_text(self.text, self.negatives)
        if not self.asks:
            raise QueryError(
                "There is nothing to look for: type words above, or choose an example: a region, the view, a place, "
                "a picture."
            )
        return self.filters.where()

    def query(self, top: int) -> ArchiveQuery:
        """As the search takes it; opens the files of examples (not for the main thread).

        Raises
        ------
        SceneError
            An example cannot be opened.
        """
        weight = self.weight if self.mixes else 1.0
        examples = tuple(
            Example(one.scene or open_scene(one.path), one.window, weight if one.likes else -1.0)
            for one in self.examples
        )
        words = 1.0 - weight if self.mixes else 1.0
        return ArchiveQuery(self.text, self.negatives, examples, words, self.filters.where(), top)

    def only_like(self, example: ExampleOf) -> ArchiveQuestion:
        """What is like this, within the same filters."""
        return ArchiveQuestion(examples=(example,), filters=self.filters)

    def without(self, example: ExampleOf) -> ArchiveQuestion:
        """The same without one of its examples."""
        return replace(self, examples=tuple(other for other in self.examples if other is not example))


def area_of(text: str) -> tuple[float, float, float, float] | None:
    """W,S,E,N in degrees from a text; None for an empty one.

    Raises
    ------
    QueryError
        It is no area.
    """
    words = [word for word in _SPLIT.split(text.strip().replace("\u2212", "-")) if word]
    if not words:
        return None
    try:
        west, south, east, north = (float(word) for word in words)
    except ValueError:
        raise QueryError(
            f"The area “{text.strip()}” cannot be read: give west, south, east, north in degrees, such as "
            "-118.5, 33.5, -118, 34."
        ) from None
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise QueryError(
            f"The area “{text.strip()}” is none: west and east lie between -180 and 180, and south below north "
            "between -90 and 90."
        )
    return west, south, east, north


def area_text(bounds: tuple[float, float, float, float]) -> str:
    """Bounds as `area_of` reads them; an east beyond 180 is brought back."""
    west, south, east, north = bounds
    small = min((east - west) % 360.0 or 360.0, north - south) < _SMALL
    values = (_turned(west), south, _turned(east), north)
    return ", ".join(f"{value:.{6 if small else 4}f}" for value in values)


def _turned(lon: float) -> float:
    return lon if abs(lon) <= 180.0 else (lon + 180.0) % 360.0 - 180.0


def day_of(text: str, *, end: bool = False) -> date | None:
    """The day that a text names, the first (or the last) of a month or year; None for an empty one.

    Raises
    ------
    QueryError
        It is no day.
    """
    given = text.strip()
    if not given:
        return None
    found = _DAY.fullmatch(given)
    try:
        if found is None:
            raise ValueError
        year, month = int(found[1]), int(found[2] or (12 if end else 1))
        last = calendar.monthrange(year, month)[1] if end and 1 <= month <= 12 else 1
        return date(year, month, int(found[3] or last))
    except (ValueError, calendar.IllegalMonthError):
        raise QueryError(f"“{given}” is no date: write a day, a month or a year, such as 2020-11-07.") from None
