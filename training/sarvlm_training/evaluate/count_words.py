"""Words that the reading of numbers in captions hangs on, from `count_words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from sarvlm_training.caption_words import NUMBER_WORDS

_TABLE: Final = tomllib.loads(Path(__file__).with_name("count_words.toml").read_text(encoding="utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_TABLE[name].split())


ONE, NONE, NOT, ABSENT, SIGNS = (_words(name) for name in ("one", "none", "not", "absent", "signs"))
DEFINITE, VAGUE, COLLECTIVES = (_words(name) for name in ("definite", "vague", "collectives"))
UNITS, LABELS, MASSES = (_words(name) for name in ("units", "labels", "masses"))
SUBSETS: Final = tuple(tuple(mark.split()) for mark in _TABLE["subsets"])
SETS: Final = {"pair": 2, "pairs": 2, "couple": 2, "trio": 3, "trios": 3, "quartet": 4, "dozen": 12}
_CLOSED, _BEHIND = _words("closed"), _words("behind")

_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS: Final = (
    {word: n for n, word in enumerate(NUMBER_WORDS)}
    | {ten: 10 * t for t, ten in enumerate(_TENS, 2)}
    | {f"{ten}-{NUMBER_WORDS[n]}": 10 * t + n for t, ten in enumerate(_TENS, 2) for n in range(1, 10)}
    | {"hundred": 100, "dozen": 12, "half-dozen": 6, "both": 2}
)


def ends_phrase(word: str) -> bool:
    """Whether no noun phrase holds the word or mark: punctuation, prepositions, verbs and the like."""
    return not word[0].isalnum() or word in _CLOSED


def starts_anew(word: str) -> bool:
    """Whether the word or mark behind a noun in the singular makes no one thing with it."""
    return ends_phrase(word) or word in _BEHIND or word.endswith(("ing", "ed", "ly")) or number_of(word) is not None


def number_of(word: str) -> int | None:
    """The whole number that a word or digits say, else None."""
    digits = word.replace(",", "")
    return int(digits) if digits.isascii() and digits.isdigit() else _NUMBERS.get(word)
