"""What is seen in a picture, and how its objects are put into groups that sentences name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .caption_words import CELL_NAMES, Noun, Nouns, cell_of, load_nouns, pick

HYPERNYM_SHARE = 0.3
CLEAR_GAP = 0.06
SPOT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One object: its concept key and its box (x0, y0, x1, y1) in shares of the picture, y down."""

    key: str
    box: tuple[float, float, float, float]

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y) of the box."""
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def cell(self) -> str:
        """Cell of the 3x3 grid that holds the centre."""
        return cell_of(*self.centre)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known of a picture.

    Attributes
    ----------
    objects : sequence of SeenObject
        Every object of the kinds that are named; none means that there are none.
    cover : sequence of (concept key, share)
        Ground by its share 0..1 of the picture; what is not known is left out.
    spot : str or None
        Cell (`CELL_NAMES`) in which the second largest ground lies, if it lies in one.
    nouns : Nouns
        What things are called, and what is a kind of what.
    complete : bool
        There are no objects but those that are told; otherwise "only" and "no ships" are not said.
    ground_known : bool
        Shares are those of the whole picture, of all of which the ground is known; otherwise no percentage is said.
    """

    objects: Sequence[SeenObject] = ()
    cover: Sequence[tuple[str, float]] = ()
    spot: str | None = None
    nouns: Nouns = field(default_factory=load_nouns, repr=False)
    complete: bool = True
    ground_known: bool = True

    def __post_init__(self) -> None:
        known = self.nouns.ancestors
        for key in (*(thing.key for thing in self.objects), *(key for key, _ in self.cover)):
            if key not in known:
                raise ValueError(f"“{key}” is no concept of concepts.toml; use one of its keys.")
        if self.spot is not None and self.spot not in CELL_NAMES:
            raise ValueError(f"“{self.spot}” is no cell of the 3x3 grid; use one of {', '.join(CELL_NAMES)}.")


@dataclass(frozen=True, slots=True)
class Group:
    """Objects that one of `nouns` names together; `cell` is set where they are all those of a cell."""

    key: str
    objects: tuple[SeenObject, ...]
    nouns: tuple[Noun, ...]
    cell: str | None = None

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Least and largest x, least and largest y of the centres."""
        xs, ys = zip(*(thing.centre for thing in self.objects), strict=True)
        return min(xs), max(xs), min(ys), max(ys)


def named_groups(seen: Seen, rng: np.random.Generator) -> list[Group]:
    """Group the objects under their own or a more general concept, so that every number told is the whole number.

    Where a concept is named, it names all objects of which it is true: "two
    tanks" is never said of two T-72 beside which a T-62 stands.
    """
    nouns = seen.nouns
    counted = [(thing, key) for thing in seen.objects if (key := nouns.nearest_counted(thing.key))]
    level = _levels(sorted({key for _, key in counted}), nouns, rng)
    members: dict[str, list[SeenObject]] = {}
    for thing, key in counted:
        members.setdefault(level[key], []).append(thing)
    return [Group(key, tuple(things), tuple(nouns.counted[key])) for key, things in members.items()]


def _levels(keys: Sequence[str], nouns: Nouns, rng: np.random.Generator) -> dict[str, str]:
    level = {key: key for key in keys}
    for key in keys:
        kin = nouns.counted_kin(key)
        if kin and rng.random() < HYPERNYM_SHARE:
            level[key] = pick(kin, rng)
    for _ in keys:
        for key in keys:
            above = [name for name in set(level.values()) if name in nouns.ancestors[level[key]]]
            level[key] = min(above, key=lambda name: (len(nouns.ancestors[name]), name))
    whole = all((level[key] == name) == (name in nouns.ancestors[key]) for name in set(level.values()) for key in keys)
    return level if whole else {key: nouns.root(key) for key in keys}


def by_cell(groups: Sequence[Group]) -> list[Group]:
    """The groups taken apart by cells of the 3x3 grid, cells in reading order."""
    return [
        Group(group.key, tuple(thing for thing in group.objects if thing.cell == cell), group.nouns, cell)
        for group in groups
        for cell in CELL_NAMES
        if any(thing.cell == cell for thing in group.objects)
    ]


def relations(first: Group, second: Group) -> list[str]:
    """What holds between all centres of two groups with a clear gap: "left", "right", "above", "below"."""
    ax0, ax1, ay0, ay1 = first.extent
    bx0, bx1, by0, by1 = second.extent
    holds = {"left": bx0 - ax1, "right": ax0 - bx1, "above": by0 - ay1, "below": ay0 - by1}
    return [name for name, gap in holds.items() if gap >= CLEAR_GAP]


def spot_of(mask: NDArray[np.floating]) -> str | None:
    """The cell that holds most of a mask (h, w) of shares, or None where no cell holds 60 %."""
    rows, cols = (np.minimum((np.arange(size) + 0.5) * 3 // size, 2).astype(np.int64) for size in mask.shape)
    sums = np.zeros(len(CELL_NAMES))
    np.add.at(sums, 3 * rows[:, None] + cols[None], mask)
    best = int(sums.argmax())
    return CELL_NAMES[best] if 0 < SPOT_SHARE * sums.sum() <= sums[best] else None
