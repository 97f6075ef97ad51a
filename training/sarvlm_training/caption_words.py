"""Words that captions are made of: counted nouns, numbers, places of a 3x3 grid, and lists."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from .concepts import Vocabulary, load_vocabulary

NOUNS_FILE = Path(__file__).with_name("counted_nouns.toml")
NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
CELL_NAMES = (
    "upper left", "upper centre", "upper right", "centre left", "centre", "centre right", "lower left",
    "lower centre", "lower right",
)  # fmt: skip
PLACES: Mapping[str, tuple[str, ...]] = {
    "upper left": ("in the upper left", "in the upper left corner", "at the top left"),
    "upper centre": ("in the upper centre", "in the upper middle", "at the top centre"),
    "upper right": ("in the upper right", "in the upper right corner", "at the top right"),
    "centre left": ("in the centre left", "in the middle left"),
    "centre": ("in the centre", "in the center", "in the middle"),
    "centre right": ("in the centre right", "in the middle right"),
    "lower left": ("in the lower left", "in the lower left corner", "at the bottom left"),
    "lower centre": ("in the lower centre", "in the lower middle", "at the bottom centre"),
    "lower right": ("in the lower right", "in the lower right corner", "at the bottom right"),
}
RELATIONS: Mapping[str, tuple[str, ...]] = {
    "left": ("to the left of", "further left than"),
    "right": ("to the right of", "further right than"),
    "above": ("above", "higher up than"),
    "below": ("below", "lower down than"),
}

Noun = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Nouns:
    """Counted nouns (singular, plural) and ground phrases of each concept; the kinship of concepts.

    Attributes
    ----------
    ancestors : mapping of str to frozenset of str
        Each concept with everything that is also true of it, itself included.
    parents : mapping of str to tuple of str
    """

    counted: Mapping[str, tuple[Noun, ...]]
    cover: Mapping[str, tuple[str, ...]]
    ancestors: Mapping[str, frozenset[str]]
    parents: Mapping[str, tuple[str, ...]]

    def nearest_counted(self, key: str) -> str | None:
        """The concept itself or its nearest parent that can be counted."""
        rank = [key]
        for candidate in rank:
            if candidate in self.counted:
                return candidate
            rank += self.parents[candidate]
        return None

    def counted_kin(self, key: str) -> list[str]:
        """More general concepts of `key` that can be counted, in order of name."""
        return sorted(k for k in self.ancestors[key] if k in self.counted and k != key)

    def root(self, key: str) -> str:
        """The most general counted concept of `key`."""
        kin = [key, *self.counted_kin(key)]
        return next(k for k in kin if not self.counted_kin(k))


@lru_cache(maxsize=1)
def load_nouns() -> Nouns:
    """Nouns of `counted_nouns.toml` with the parents of `concepts.toml`."""
    table = tomllib.loads(NOUNS_FILE.read_text(encoding="utf-8"))
    vocabulary = load_vocabulary()
    keys = [concept.key for concept in vocabulary.concepts]
    return Nouns(
        {key: tuple((one, many) for one, many in pairs) for key, pairs in table["counted"].items()},
        {key: tuple(phrases) for key, phrases in table["cover"].items()},
        {key: frozenset(keys[row] for row in rows) for key, rows in vocabulary.ancestors.items()},
        {concept.key: concept.parents for concept in vocabulary.concepts},
    )


@lru_cache(maxsize=256)
def nouns_of(vocabulary: Vocabulary, complete: frozenset[str] | None = None) -> Nouns:
    """The nouns of a vocabulary that may know a user's concepts too.

    Parameters
    ----------
    vocabulary : Vocabulary
    complete : frozenset of str, optional
        Concepts all of whose objects are known: a general word ("two ships")
        is then said only where it is one of these. None: all are.
    """
    base = load_nouns()
    own = [concept for concept in vocabulary.concepts if concept.key not in base.ancestors]
    if not own and complete is None:
        return base
    keys = [concept.key for concept in vocabulary.concepts]
    ancestors = {key: frozenset(keys[row] for row in rows) for key, rows in vocabulary.ancestors.items()}
    if complete is not None:
        ancestors = {key: (kin & complete) | {key} for key, kin in ancestors.items()}
    nearest_first = {
        key: tuple(sorted(kin - {key}, key=lambda name: (-len(ancestors[name]), name)))
        for key, kin in ancestors.items()
    }
    taken = {word for concept in own for pair in concept.nouns for word in pair}
    left = {key: tuple(pair for pair in pairs if not taken & set(pair)) or pairs for key, pairs in base.counted.items()}
    return Nouns(
        {**left, **{concept.key: concept.nouns for concept in own if concept.nouns}},
        {**base.cover, **{concept.key: concept.ground for concept in own if concept.ground}},
        ancestors,
        nearest_first,
    )


def pick(options: Sequence[T], rng: np.random.Generator) -> T:
    """One option, all alike likely."""
    return options[int(rng.integers(len(options)))]


def with_article(words: str) -> str:
    """The words behind "a" or "an"."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def counted(number: int, noun: Noun, rng: np.random.Generator, *, digits: bool) -> str:
    """A number and its noun: "1 ship", "two ships", "an aircraft", "more than twenty tanks"."""
    one, many = noun
    if number == 1:
        return f"1 {one}" if digits else pick((f"one {one}", with_article(one), f"a single {one}"), rng)
    if number < len(NUMBER_WORDS):
        return f"{number if digits else NUMBER_WORDS[number]} {many}"
    return f"{number} {many}" if digits else f"{pick(('more than', 'over'), rng)} twenty {many}"


def listed(items: Sequence[str]) -> str:
    """Items joined as "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def cell_of(x: float, y: float) -> str:
    """Cell of the 3x3 grid that holds a point given in shares of width and height (y down)."""
    col, row = (min(max(int(place * 3), 0), 2) for place in (x, y))
    return CELL_NAMES[3 * row + col]
