"""Sentences about what was found: shares of the ground, counted objects and where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sarvlm_app.core.counting import COUNTABLES, Countable

Share = tuple[float, float]
"""A place (x, y) in shares of width and height, y down."""

CELLS: Final = (
    "upper left", "upper centre", "upper right", "centre left", "centre", "centre right", "lower left",
    "lower centre", "lower right",
)  # fmt: skip
THROUGHOUT: Final = 0.95
MOSTLY: Final = 0.6
WORTH_TELLING: Final = 0.03
"""Smaller shares of the ground are not named."""
MOST_COVERS: Final = 4
MOST_PLACES: Final = 3
ALL_NAMED: Final = 0.9
"""Where less of the ground has a name, it is said so."""


def summary(
    subject: str, cover: Sequence[tuple[str, float]], found: Mapping[str, Sequence[Share]], *, counted: bool = True
) -> str:
    """All that was found, in one to three sentences.

    Parameters
    ----------
    subject : str
        What they are about: "The scene".
    cover : sequence of (name, share)
        Of `landcover.cover_shares`; empty where no ground could be named.
    found : mapping of concept key to places
        Of the kinds that were looked for.
    counted : bool
        Whether objects were looked for at all.
    """
    sentences = [f"{subject} is {cover_words(cover)}." if cover else "What covers the ground is unclear."]
    sentences += count_sentences(found) if counted else []
    return " ".join(sentences)


def cover_words(cover: Sequence[tuple[str, float]]) -> str:
    """Shares of the ground in words: "mostly water (72 %), with forest (20 %) and farmland (8 %)".

    Parameters
    ----------
    cover : sequence of (name, share)
        At least one, the largest first.
    """
    rest = "; the rest is unclear" if sum(share for _, share in cover) < ALL_NAMED else ""
    return f"{_grounds(cover)}{rest}"


def _grounds(cover: Sequence[tuple[str, float]]) -> str:
    (first, share), *others = cover
    told = [f"{name} ({percent(part)})" for name, part in others if part >= WORTH_TELLING][: MOST_COVERS - 1]
    main = f"{first} ({percent(share)})"
    if share >= THROUGHOUT or not told:
        return f"almost all {main}" if share >= THROUGHOUT else f"partly {main}"
    if share >= MOSTLY:
        return f"mostly {main}, with {listed(told)}"
    return listed([main, *told])


def percent(share: float) -> str:
    """A share as whole percent; what is not all is never called 100, what is not nothing never 0."""
    if 0.0 < share < 0.01:
        return "under 1 %"
    return f"{min(round(100 * share), 99) if share < 1.0 else 100} %"


def picture_of(found: Mapping[str, Sequence[Share]]) -> str:
    """A caption of a picture that states what was counted, and nothing else."""
    there = [kind for kind in COUNTABLES if found.get(kind.key)]
    if there:
        return f"A SAR image with {'; '.join(counted_words(kind, found[kind.key]) for kind in there)}."
    nouns = [kind.names[1] for kind in COUNTABLES if kind.key in found]
    return f"A SAR image without {', '.join(nouns[:-1])} or {nouns[-1]}." if nouns[1:] else "A SAR image."


def count_sentences(found: Mapping[str, Sequence[Share]]) -> list[str]:
    """What was counted and where it is; that nothing stands out where nothing does."""
    kinds = [kind for kind in COUNTABLES if kind.key in found]
    there = [kind for kind in kinds if found[kind.key]]
    if there:
        return [f"Counted: {'; '.join(counted_words(kind, found[kind.key]) for kind in there)}."]
    if not kinds:
        return []
    nouns = [kind.names[1] for kind in kinds]
    return [f"No {', '.join(nouns[:-1])} or {nouns[-1]} stand out." if nouns[1:] else f"No {nouns[0]} stand out."]


def counted_words(kind: Countable, places: Sequence[Share]) -> str:
    """A number and where: "1 bridge in the centre", "12 ships, 8 of them in the lower left"."""
    what = kind.named(len(places))
    cells = Counter(cell_of(*place) for place in places).most_common()
    best, most = cells[0]
    if len(places) == 1:
        return f"{what} in the {best}"
    if most == len(places):
        return f"{what}, all in the {best}"
    if 2 * most > len(places):
        return f"{what}, {most} of them in the {best}"
    if len(cells) <= MOST_PLACES:
        return f"{what} in the {listed(sorted((cell for cell, _ in cells), key=CELLS.index))}"
    return f"{what}, scattered"


def cell_of(x: float, y: float) -> str:
    """Cell of the 3x3 grid that holds a place."""
    col, row = (min(max(int(3 * share), 0), 2) for share in (x, y))
    return CELLS[3 * row + col]


def listed(items: Sequence[str]) -> str:
    """Items joined as "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
