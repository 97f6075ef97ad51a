"""Reads from a caption how many things of each class it says there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from .count_nouns import Lexicon, Noun, Tokens, tokens_of
from .count_words import (
    ABSENT,
    COLLECTIVES,
    DEFINITE,
    LABELS,
    NONE,
    NOT,
    ONE,
    SETS,
    SIGNS,
    SUBSETS,
    UNITS,
    VAGUE,
    ends_phrase,
    number_of,
    starts_anew,
)

MODIFIERS: Final = 5
"""Most adjectives between a number and its noun."""
_INEXACT: Final = (("more", "than"), ("less", "than"), ("fewer", "than"), ("at", "least"), ("at", "most"), ("up", "to"))
_STOPS: Final = frozenset(".!?")
_COPULA: Final = frozenset({":", "(", "=", "is", "are", "was", "were", "equals"})


@dataclass(frozen=True, slots=True)
class _Said:
    """What stands before a noun: `number` None where none is said; `start` is where the noun phrase begins."""

    start: int
    number: int | None = None
    vague: bool = False
    definite: bool = False
    further: bool = False


@dataclass(frozen=True, slots=True)
class _Mention:
    """A noun with its number, in the sentence of that index; `part`: of something counted before in it."""

    noun: Noun
    said: _Said
    sentence: int
    part: bool


def read_counts(caption: str, lexicon: Lexicon) -> dict[str, int | None]:
    """The number of things of each class that a caption names.

    Parameters
    ----------
    caption : str
        Its readable form (joined digits).
    lexicon : Lexicon
        The nouns of the classes.

    Returns
    -------
    dict of label to int or None
        Numbers of several noun phrases are added ("two ships ... and a boat" is
        three); None where only a vague number is said ("several ships");
        labels that the caption does not name are missing.
    """
    totals: dict[str, list[_Mention]] = {}
    for mention in _mentions(tokens_of(caption), lexicon):
        if mention.noun.label is not None:
            totals.setdefault(mention.noun.label, []).append(mention)
    return {label: _total(mentions) for label, mentions in totals.items()}


def _total(mentions: list[_Mention]) -> int | None:
    """The sum over the mentions of one class that are neither repetitions nor parts of earlier ones."""
    first = mentions[0]
    counted = [first] + [m for m in mentions[1:] if not _repeats(m, first)]
    numbers = [m.said.number for m in counted if m.said.number is not None]
    if any(m.said.vague for m in counted) or not numbers:
        return None
    return sum(numbers)


def _repeats(mention: _Mention, first: _Mention) -> bool:
    later = mention.sentence > first.sentence
    return mention.part or (later and mention.said.definite and not mention.said.further)


def _mentions(tokens: Tokens, lexicon: Lexicon) -> Iterator[_Mention]:
    """Noun phrases from left to right."""
    place, last_stop, last_number, described = 0, 0, None, (0, 0)
    while place < len(tokens):
        noun = lexicon.match(tokens, place)
        if noun is None:
            place += 1
            continue
        stop = place + len(noun.words)
        begin = described[0] if described[1] == place else place
        said = _said(tokens, begin, stop, noun)
        if said.number is None and last_number == 0 and _joined(tokens[last_stop : said.start]):
            said = replace(said, number=0, vague=False)
        if _belongs_to_next(tokens, stop, noun, said.number):
            described = begin, stop
        else:
            yield _Mention(noun, said, _sentence(tokens, place), _is_part(tokens, place, said))
            last_stop, last_number = stop, said.number
        place = stop


def _joined(between: Tokens) -> bool:
    """Whether two noun phrases stand in one list ("no ships, boats or bridges")."""
    return 0 < len(between) <= 2 and all(word in {"or", "nor", "and", ","} for word in between)


def _sentence(tokens: Tokens, place: int) -> int:
    return sum(token in _STOPS for token in tokens[:place])


def _is_part(tokens: Tokens, place: int, said: _Said) -> bool:
    """Whether the phrase tells of some of the things that its sentence has counted before."""
    begin = max((i + 1 for i in range(place) if tokens[i] in _STOPS), default=0)
    clause = tokens[begin : said.start + 1]
    opened = any(clause[i : i + len(mark)] == mark for mark in SUBSETS for i in range(len(clause)))
    before = tokens[max(0, said.start - 2) : said.start]
    share = len(before) == 2 and before[1] == "of" and (number_of(before[0]) is not None or before[0] in VAGUE)
    return opened or (said.definite and share)


def _belongs_to_next(tokens: Tokens, stop: int, noun: Noun, number: int | None) -> bool:
    """Whether the noun only describes the next one ("ship yard", "two aircraft hangars", "the ships' wakes")."""
    following = tokens[stop : stop + 2]
    if following[:1] == ("'",):
        return len(following) == 2 and following[1][0].isalnum()
    if not following or not noun.singular or starts_anew(following[0]):
        return False
    word = following[0]
    agrees = number in (None, 1) or noun.plural
    return not (agrees and word.endswith("s") and not word.endswith("ss") and not noun.plural)


def _said(tokens: Tokens, start: int, stop: int, noun: Noun) -> _Said:
    """What is said about the number of the noun at `start`..`stop`."""
    said = _before(tokens, start, noun)
    if _denied(tokens, said, stop):
        return replace(said, number=0, vague=False)
    if said.number is None or said.number == 1 and said.start == start:
        behind = _behind(tokens, stop)
        return said if behind is None else replace(said, number=behind, vague=False)
    return said


def _before(tokens: Tokens, start: int, noun: Noun) -> _Said:
    """Walks left over adjectives to the word that tells the number."""
    place, further = start - 1, False
    bare = 1 if noun.singular and not noun.plural else None
    for _ in range(MODIFIERS + 1):
        if place < 0:
            break
        word, number = tokens[place], number_of(tokens[place])
        if word in UNITS and place > 0 and _is_measure(tokens[place - 1]):
            place -= 2
        elif number is not None:
            return _numbered(tokens, place, number, further)
        elif word in ONE:
            many = noun.plural and not noun.singular
            return _Said(place, None if many else 1, further=word == "another")
        elif word in NONE:
            return _Said(place, 0)
        elif word in VAGUE and not (word == "more" and place and number_of(tokens[place - 1]) is not None):
            return _Said(place, vague=True)
        elif word in DEFINITE:
            return _Said(place, bare, definite=True, further=further)
        elif word == "of":
            return _of(tokens, place, bare)
        elif ends_phrase(word):
            return _Said(place + 1, bare)
        else:
            further |= word in {"other", "further", "additional", "more"}
            place -= 1
    return _Said(max(0, place + 1), bare)


def _is_measure(word: str) -> bool:
    return word.replace(".", "").replace(",", "").isdigit() or number_of(word) is not None


def _numbered(tokens: Tokens, place: int, number: int, further: bool) -> _Said:
    """The number at `place`, unless it is a name, a multiple or inexact."""
    before = tokens[max(0, place - 2) : place]
    if before[-1:] and before[-1] in LABELS:
        return _Said(place)
    if tokens[place] in ("dozen", "hundred") and before:
        if before[-1] == "a":
            half = before[0] == "half"
            return _Said(place - 1 - half, number // 2 if half else number)
        factor = number_of(before[-1])
        number, place = (number * factor, place - 1) if factor is not None else (number, place)
    inexact = before in _INEXACT or (before[-1:] in (("over",), ("nearly",), ("almost",)) and number >= 10)
    if inexact or _is_range(tokens[max(0, place - 3) : place]):
        return _Said(place, vague=True)
    definite = before[-1:] != () and (before[-1] in DEFINITE or before[-1] == "all")
    both = tokens[place] == "both"
    return _Said(place - definite, number, definite=definite or both, further=further)


def _is_range(before: Tokens) -> bool:
    """Whether it ends in "two or", "three to" or "between two and"."""
    if len(before) < 2 or number_of(before[-2]) is None:
        return False
    return before[-1] in ("or", "to", "-") or (before[-1] == "and" and before[0] == "between")


def _of(tokens: Tokens, place: int, bare: int | None) -> _Said:
    """What stands before "of": a pair, a group, the absence, a picture."""
    word = tokens[place - 1] if place else ""
    ahead = tokens[place - 2] if place > 1 else ""
    if word in SETS:
        factor = number_of(ahead)
        return _Said(place - 2 if ahead else 0, SETS[word] * (1 if factor is None else factor))
    if word in ABSENT or (word in SIGNS and ahead in NOT):
        return _Said(place - 1, 0)
    if word in COLLECTIVES:
        return _Said(place - 1, vague=True)
    return _Said(place + 1, bare)


def _denied(tokens: Tokens, said: _Said, stop: int) -> bool:
    """Whether the phrase is negated: "not a single ship", "no sign of a ship", "ships are absent"."""
    before = tokens[max(0, said.start - 3) : said.start]
    if before[-1:] and (before[-1] in NOT or before[-1] in NONE):
        return True
    if len(before) == 3 and before[2] == "of" and before[1] in SIGNS and before[0] in NOT:
        return True
    behind = tokens[stop : stop + 2]
    return behind in {(be, no) for be in ("is", "are") for no in ("absent", "missing", "not")} | {("cannot", "be")}


def _behind(tokens: Tokens, stop: int) -> int | None:
    """A number after the noun: "ships: 3", "the number of ships is four"."""
    following = tokens[stop : stop + 3]
    if len(following) < 2 or following[0] not in _COPULA:
        return None
    ends = len(following) == 2 or not following[2][0].isalnum()
    return number_of(following[1]) if ends else None
