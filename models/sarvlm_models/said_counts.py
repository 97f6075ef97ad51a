"""Whether a caption of the compact decoder states what was counted: its words are few, so a short reading does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from .caption_words import LARGEST_NUMBER, WordList

_NUMBER_WORDS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_NUMBERS: Final = {word: number for number, word in enumerate(_NUMBER_WORDS)} | {"a": 1, "an": 1, "no": 0}
_DENIALS: Final = frozenset(("no", "not", "without", "nor"))
_INEXACT: Final = frozenset(("than", "over"))
_MANY: Final = frozenset(("many", "several", "some", "few", "numerous"))
_HEADS: Final = {
    "ship": "ship vessel boat watercraft tanker freighter ferry barge trawler",
    "aircraft": "aircraft airplane plane aeroplane jet airliner dreamliner a220 a320 a321 a330 arj21 737 b737 b787 787",
    "vehicle": "vehicle truck lorry car carrier bulldozer dozer howitzer gun tank t-72 t72 t-62 t62 bmp-2 bmp2 brdm-2 "
    "brdm2 btr-60 btr60 btr-70 btr70 d7 2s1 zil-131 zsu-23-4",
    "bridge": "bridge viaduct",
}
_KIND: Final = {form: kind for kind, words in _HEADS.items() for word in words.split() for form in (word, f"{word}s")}
_KIND["lorries"], _KIND["ferries"] = "vehicle", "ship"
_STORED: Final = frozenset(("storage", "oil", "fuel", "petrol", "gas"))
_ENDS: Final = frozenset((
    "in", "at", "on", "of", "to", "and", "with", "near", "by", "from", "above", "below", "beside", "that", "which",
    "is", "are", "lies", "lie", "can", "the", ",", ".", ";", ":", "image", "scene", "picture", "view", "left", "right",
    "middle", "centre", "center", "upper", "lower", "corner",
))  # fmt: skip
_REACH: Final = 5
"""Most words between a number and its noun."""


def said_counts(raw: str) -> dict[str, int | None]:
    """Numbers of counted kinds in a caption.

    Parameters
    ----------
    raw : str
        Lower-case words with blanks between them; digits may be said one by one.

    Returns
    -------
    dict of concept key to int or None
        Summed over the phrases that name a kind with a number; None where a
        number is vague or more than twenty in words; kinds without are missing.
    """
    words = re.sub(r"(?<=\b\d) (?=\d\b)", "", raw).split()
    found: dict[str, int | None] = {}
    for place in range(len(words)):
        number = _number(words, place)
        kind = None if number is None else _kind_after(words, place)
        if number is None or kind is None:
            continue
        known = found.get(kind, 0)
        found[kind] = None if number < 0 or known is None else known + number
    return found


def agrees(raw: str, counts: Mapping[str, int]) -> bool:
    """Whether a caption states every counted number, and no other of the kinds that were looked for."""
    said = said_counts(raw)
    for kind, number in counts.items():
        if number == 0 and said.get(kind, 0) != 0:
            return False
        if 0 < number <= LARGEST_NUMBER and said.get(kind) != number:
            return False
        if number > LARGEST_NUMBER and not (kind in said and said[kind] in (None, number)):
            return False
    return True


def other_numbers(words: WordList, counts: Mapping[str, int]) -> list[int]:
    """Tokens of the numbers, in digits and in words, that none of the counts is."""
    told = {str(number) for number in counts.values()}
    told |= {_NUMBER_WORDS[number] for number in counts.values() if number < len(_NUMBER_WORDS)}
    if any(number > LARGEST_NUMBER for number in counts.values()):
        told |= {digit for number in counts.values() for digit in str(number)} | {_NUMBER_WORDS[LARGEST_NUMBER]}
    every = {*_NUMBER_WORDS, *(str(number) for number in range(LARGEST_NUMBER + 1))}
    return [place for place, word in enumerate(words.words) if word in every - told]


def _number(words: Sequence[str], place: int) -> int | None:
    """The number that a word says; -1 for a vague one."""
    word, before = words[place], words[max(0, place - 2) : place]
    if word in _MANY:
        return -1
    number = int(word) if word.isascii() and word.isdigit() else _NUMBERS.get(word)
    if number is None or before[-1:] in (["type"], ["boeing"], ["airbus"]):
        return None
    if before[-1:] and before[-1] in _INEXACT:
        return -1
    return 0 if _DENIALS.intersection(before) else number


def _kind_after(words: Sequence[str], place: int) -> str | None:
    """The kind that the noun behind a number names."""
    for next_place in range(place + 1, min(len(words), place + 2 + _REACH)):
        word = words[next_place]
        if word in _ENDS or word in _NUMBERS:
            return None
        if word in ("tank", "tanks") and words[next_place - 1] in _STORED:
            return "storage_tank"
        if word in _KIND:
            return _KIND[word]
    return None
