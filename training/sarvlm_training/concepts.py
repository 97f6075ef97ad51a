"""The things a model is taught to name, and the many words for each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

CONCEPTS_FILE = Path(__file__).with_name("concepts.toml")
ABSENT_FILE = Path(__file__).with_name("absent.txt")
OWN_GROUP = "own"
"""Of a user's concepts that belong to no other group: nothing is known to be apart from them."""

TEMPLATES = (
    "{}",
    "{}",
    "a SAR image of {}",
    "a radar image of {}",
    "a synthetic aperture radar image showing {}",
    "{} seen by radar",
    "find {}",
    "where is {}",
    "SAR backscatter of {}",
    "a satellite picture with {}",
)


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing: its words, its more general concepts and its group.

    `nouns` (singular, plural) and `ground` are what captions call a concept of
    a user's set; those of `concepts.toml` have theirs in `counted_nouns.toml`.
    """

    key: str
    group: str
    names: tuple[str, ...]
    phrases: tuple[str, ...]
    parents: tuple[str, ...]
    nouns: tuple[tuple[str, str], ...] = ()
    ground: tuple[str, ...] = ()


class Vocabulary:
    """All concepts in file order; `index[key]` is the row of a label map."""

    def __init__(self, concepts: tuple[Concept, ...]) -> None:
        self.concepts = concepts
        self.index = {concept.key: i for i, concept in enumerate(concepts)}

    def __len__(self) -> int:
        return len(self.concepts)

    def extended(self, further: Iterable[Concept]) -> Vocabulary:
        """With further concepts at the end; their words are theirs alone and taken from the others."""
        added = tuple(further)
        taken = {name.casefold() for concept in added for name in concept.names}

        def left(concept: Concept) -> Concept:
            names = tuple(name for name in concept.names if name.casefold() not in taken) or concept.names
            return concept if len(names) == len(concept.names) else replace(concept, names=names)

        return Vocabulary((*map(left, self.concepts), *added)) if added else self

    @cached_property
    def ancestors(self) -> dict[str, tuple[int, ...]]:
        """Rows that are true wherever a concept is: itself and all its parents."""
        by_key = {concept.key: concept for concept in self.concepts}

        def climb(key: str) -> set[str]:
            return {key}.union(*(climb(parent) for parent in by_key[key].parents))

        return {key: tuple(sorted(self.index[k] for k in climb(key))) for key in by_key}

    def group_rows(self, *groups: str) -> np.ndarray:
        """Rows int64 of all concepts of the given groups."""
        return np.array([i for i, c in enumerate(self.concepts) if c.group in groups], dtype=np.int64)

    def never_together(self) -> np.ndarray:
        """Pairs of concepts that never name the same place, bool (concepts, concepts).

        Vehicles and everything that is no vehicle, aircraft and structures:
        their words may be alike (tank and storage tank) where the things are not.
        """
        groups = np.array([concept.group for concept in self.concepts])
        vehicle, aircraft = groups == "vehicle", groups == "aircraft"
        structure = (groups == "structure") & np.array([concept.key != "runway" for concept in self.concepts])
        other = ~vehicle & (groups != OWN_GROUP)
        pairs = (vehicle[:, None] & other[None]) | (aircraft[:, None] & structure[None])
        return np.asarray(pairs | pairs.T)

    def wordings(self) -> tuple[list[str], np.ndarray]:
        """Every wording of every concept and the concept row int64 of each."""
        texts: list[str] = []
        rows: list[int] = []
        for row, concept in enumerate(self.concepts):
            own = [template.format(name) for name in concept.names for template in TEMPLATES[1:]]
            own += list(concept.phrases) * 3
            texts += own
            rows += [row] * len(own)
        return texts, np.array(rows, dtype=np.int64)


def load_vocabulary(path: Path = CONCEPTS_FILE) -> Vocabulary:
    """Read concepts from TOML; see the head of `concepts.toml`."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Vocabulary(
        tuple(
            Concept(
                key,
                entry["group"],
                tuple(entry["names"]),
                tuple(entry.get("phrases", ())),
                tuple(entry.get("parents", ())),
            )
            for key, entry in table.items()
        )
    )


def absent_phrases(path: Path = ABSENT_FILE) -> list[str]:
    """Phrases for things that no training picture shows."""
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
