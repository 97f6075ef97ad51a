"""Runs of one to four words, counted."""

from __future__ import annotations

from collections import Counter
from typing import Final

from .caption_tokens import Words

LONGEST: Final = 4


def ngram_counts(words: Words, length: int) -> Counter[Words]:
    """How often each run of `length` words occurs."""
    return Counter(words[i : i + length] for i in range(len(words) - length + 1))
