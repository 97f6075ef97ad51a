"""A question as it is typed: what to look for, and after each ` -` what not."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MINUS = re.compile(r"(?:^|\s)[-\u2212](?=\S)")


@dataclass(frozen=True, slots=True)
class Question:
    """Words to look for and words that the answer must not be."""

    text: str
    negatives: tuple[str, ...] = ()


def parse_question(line: str) -> Question:
    """Splits `ships at a pier -open water -land` into its words and negatives.

    A hyphen inside a word (`X-band`) is part of the word.
    """
    first, *rest = _MINUS.split(line)
    negatives = dict.fromkeys(word for word in (" ".join(part.split()) for part in rest) if word)
    return Question(" ".join(first.split()), tuple(negatives))
