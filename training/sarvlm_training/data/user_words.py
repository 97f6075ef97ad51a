"""The classes of users' sets as concepts: those of `concepts.toml`, or concepts of their own with the user's words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sarvlm_app.errors import ModelError
from sarvlm_training.caption_words import load_nouns
from sarvlm_training.concepts import OWN_GROUP, Concept, Vocabulary
from sarvlm_training.evaluate.coco_boxes import read_names
from sarvlm_training.evaluate.count_nouns import one_and_many

from .user_sets import UserSet

GROUND_GROUP: Final = "cover"
HEADS: Final = (
    "ship", "aircraft", "vehicle", "bridge", "building", "storage_tank", "pier", "runway", "dam", "wind_turbine"
)  # fmt: skip
"""What ends with a noun of these is a kind of it: a moored ship is a ship (but a water tank is no battle tank)."""


@dataclass(slots=True)
class Lexicon:
    """The vocabulary of a recipe with the classes of its sets.

    Attributes
    ----------
    vocabulary : Vocabulary
        Concepts of `concepts.toml`, those of the user behind them.
    keys : dict of str to dict of str to str
        Concept key of each class of each set, by the set's name.
    """

    vocabulary: Vocabulary
    keys: dict[str, dict[str, str]] = field(default_factory=dict)


def read_lexicon(base: Vocabulary, sets: Iterable[tuple[UserSet, Sequence[str]]]) -> Lexicon:
    """Find a concept for every class of every set (given with the set).

    A class is the concept that `concepts` names; else, where no words are
    given for it, the one whose key or name it is, if no other class of the
    set would be the same; else one of its own, which is a kind of what `is_a`
    names ("" for nothing) or, without it, of the concept that has one of its
    words or whose noun one of them ends with (`HEADS`).

    Raises
    ------
    ModelError
        A setting names a class or a concept that does not exist, or two sets differ about a concept.
    """
    lexicon, own = Lexicon(base), dict[str, Concept]()
    by_name = {word: concept.key for concept in reversed(base.concepts) for word in _names_of(concept)}
    for one, classes in sets:
        _require_known(one, classes, base)
        words = read_names(one.names, classes) | one.words
        spoken = {label for label in classes if label in one.words or (one.names and words[label] != (label,))}
        matched = {label: by_name[plain(label)] for label in classes if plain(label) in by_name and label not in spoken}
        often = Counter(matched.values())
        keys = lexicon.keys[one.name] = {}
        for label in classes:
            if label in one.concepts:
                keys[label] = one.concepts[label]
            elif label not in one.is_a and label in matched and often[matched[label]] == 1:
                keys[label] = matched[label]
            else:
                concept = _own_concept(label, words[label], one, (base, by_name))
                keys[label] = concept.key
                _require_same(own.setdefault(concept.key, concept), concept, one)
                own[concept.key] = _joined(own[concept.key], concept)
    lexicon.vocabulary = base.extended(own.values())
    return lexicon


def plain(text: str) -> str:
    """Lower case, with blanks for what is neither letter nor digit."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _names_of(concept: Concept) -> list[str]:
    return [plain(text) for text in (concept.key, *concept.names)]


def _own_concept(
    label: str, given: Sequence[str], one: UserSet, known: tuple[Vocabulary, Mapping[str, str]]
) -> Concept:
    base, by_name = known
    words = tuple(dict.fromkeys(word.replace("_", " ") for word in given))
    parent = one.is_a[label] if label in one.is_a else _parent_of((label, *words), by_name)
    key = plain(label).replace(" ", "_")
    while key in base.index:  # the class is not that concept: it has words of its own
        key = f"own_{key}"
    group = base.concepts[base.index[parent]].group if parent else OWN_GROUP
    group = GROUND_GROUP if label in one.ground else group
    if group == GROUND_GROUP:
        return Concept(key, group, words, (), (parent,) if parent else (), ground=tuple(word.lower() for word in words))
    pairs = [pair for word in words if (pair := one_and_many(word))] or [one_and_many(label) or (label, label)]
    return Concept(key, group, words, (), (parent,) if parent else (), nouns=tuple(dict.fromkeys(pairs)))


def _parent_of(words: Sequence[str], by_name: Mapping[str, str]) -> str:
    """The concept of one of the words, or of the noun that one ends with; "" where there is none."""
    named = next((by_name[plain(word)] for word in words if plain(word) in by_name), "")
    if named:
        return named
    heads = {plain(noun): key for key in HEADS for pair in load_nouns().counted[key] for noun in pair}
    ends = [plain(word) for word in words]
    return next((key for noun, key in heads.items() for end in ends if end.endswith(f" {noun}")), "")


def _joined(first: Concept, second: Concept) -> Concept:
    """One concept with the words of both."""

    def both(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*a, *b)))

    nouns = tuple(dict.fromkeys((*first.nouns, *second.nouns)))
    ground = both(first.ground, second.ground)
    return Concept(first.key, first.group, both(first.names, second.names), (), first.parents, nouns, ground)


def _require_same(first: Concept, second: Concept, one: UserSet) -> None:
    if (first.group, first.parents) != (second.group, second.parents):
        raise ModelError(
            f"The set {one.name!r} and one before it differ about {second.key!r} ({second.group} or {first.group}); "
            "give is_a and ground alike in both."
        )


def _require_known(one: UserSet, classes: Sequence[str], base: Vocabulary) -> None:
    """Refuse settings about classes that the set does not have, and concepts that there are not."""
    settings: Mapping[str, Iterable[str]] = {
        "words": one.words, "concepts": one.concepts, "is_a": one.is_a, "ground": one.ground
    }  # fmt: skip
    for setting, labels in settings.items():
        strange = sorted(set(labels) - set(classes))
        if strange:
            listed = ", ".join(classes[:20])
            raise ModelError(
                f"The set {one.name!r} has no class {strange[0]!r}, which {setting} names; its classes are {listed}."
            )
    groups = {concept.group for concept in base.concepts}
    named_by = {"concepts": one.concepts.values(), "is_a": one.is_a.values(), "complete": one.complete}
    for setting, named in named_by.items():
        _require_concepts(one, setting, set(named) - base.index.keys() - {""})
    _require_concepts(one, "absent", set(one.absent) - base.index.keys() - groups)


def _require_concepts(one: UserSet, setting: str, strange: set[str]) -> None:
    if strange:
        raise ModelError(
            f"The set {one.name!r} names {min(strange)!r} in {setting}, which is no concept; "
            "use a key of training/sarvlm_training/concepts.toml."
        )
