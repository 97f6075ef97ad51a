"""The nouns by which the classes of a set are counted, in all their forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sarvlm_training.caption_words import load_nouns
from sarvlm_training.concepts import Concept, load_vocabulary

from .count_words import MASSES, ends_phrase

Tokens = tuple[str, ...]
_TOKEN: Final = re.compile(r"\d+(?:,\d{3})+(?!\d)|\d+\.\d+|[^\W_]+(?:[-'][^\W_]+)*|[^\w\s]")
_PLAIN: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2010": "-", "\u2011": "-", "_": " "})
_INVARIANT: Final = frozenset({"aircraft", "watercraft", "craft", "hovercraft", "rotorcraft", "spacecraft"})


@dataclass(frozen=True, slots=True)
class Noun:
    """One form of a noun.

    Attributes
    ----------
    label : str or None
        The class it counts; None for things that are none of the classes.
    singular, plural : bool
        Both for forms such as "aircraft".
    """

    words: Tokens
    label: str | None
    singular: bool
    plural: bool


def tokens_of(text: str) -> Tokens:
    """Lower-case words, numbers and punctuation marks."""
    return tuple(_TOKEN.findall(text.lower().translate(_PLAIN)))


class Lexicon:
    """Noun forms of the counted classes, and of what could be mistaken for them.

    Parameters
    ----------
    names : mapping of label to words
        As NAMES.json gives them, in the singular or the plural. Where a word or
        the label itself is one of a concept of `concepts.toml`, all nouns of
        that concept and of its kinds count too, unless another label is nearer.
    """

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._nouns: dict[Tokens, Noun] = {}
        owners = _owners(names)
        self._add((words, label) for label, given in names.items() for words in given)
        concepts = load_vocabulary().concepts
        self._add((noun, owner) for c in concepts if (owner := owners.get(c.key)) for noun in _names(c))
        self._add((noun, None) for c in concepts for noun in _names(c))
        self._longest = max(map(len, self._nouns))

    def match(self, tokens: Tokens, start: int) -> Noun | None:
        """The longest noun that begins at `start`."""
        for stop in range(min(len(tokens), start + self._longest), start, -1):
            noun = self._nouns.get(tokens[start:stop])
            if noun is not None:
                return noun
        return None

    def _add(self, names: Iterable[tuple[str, str | None]]) -> None:
        for name, label in names:
            for words, singular, plural in _forms(tokens_of(name)):
                self._nouns.setdefault(words, Noun(words, label, singular, plural))


def _owners(names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Concept key to the label that counts it: its own, or that of its nearest ancestor with one."""
    vocabulary = load_vocabulary()
    known = {
        _bare(word): concept.key
        for concept in reversed(vocabulary.concepts)
        for word in (*_names(concept), concept.key)
    }
    own = {
        known[_bare(word)]: label for label, given in names.items() for word in (*given, label) if _bare(word) in known
    }
    keys = [concept.key for concept in vocabulary.concepts]
    owners: dict[str, str] = {}
    for key in keys:
        above = [keys[row] for row in vocabulary.ancestors[key] if keys[row] in own]
        if above:
            owners[key] = own[max(above, key=lambda k: (k == key, len(vocabulary.ancestors[k])))]
    return owners


def _names(concept: Concept) -> Iterator[str]:
    """Names of a concept that can stand behind a number."""
    for one, many in load_nouns().counted.get(concept.key, ()):
        yield one
        yield many
    for name in concept.names:
        words = tokens_of(name)
        if not any(ends_phrase(word) for word in words) and words[-1] not in MASSES:
            yield name


def one_and_many(name: str) -> tuple[str, str] | None:
    """One and several of a name ("ferries": "ferry", "ferries"); None where it cannot stand behind a number."""
    words = tokens_of(name)
    while words and words[0] in ("a", "an", "the"):
        words = words[1:]
    if not words or any(ends_phrase(word) for word in words) or words[-1] in MASSES:
        return None
    one, many = (next(forms for forms, *number in _forms(words) if number[several]) for several in (0, 1))
    return " ".join(one), " ".join(many)


def _bare(name: str) -> str:
    """A name without case, marks and the s of the plural, to compare by: "T-72s" is "t72"."""
    words = tokens_of(name)
    return re.sub(r"[^a-z0-9]", "", " ".join((*words[:-1], _singular(words[-1])))) if words else ""


def _forms(words: Tokens) -> Iterator[tuple[Tokens, bool, bool]]:
    """All forms of a noun as (words, singular, plural)."""
    if not words:
        return
    head, last = words[:-1], words[-1]
    if last in _INVARIANT:
        yield words, True, True
        return
    one = _singular(last)
    yield (*head, one), True, False
    yield (*head, _plural(one)), False, True


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word == "wharves":
        return "wharf"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _plural(word: str) -> str:
    if word == "wharf":
        return "wharves"
    if word.endswith("y") and word[-2:-1] not in ("a", "e", "o", "u", ""):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("ss", "sh", "ch", "x", "us")) else f"{word}s"
