"""BLEU of a corpus (Papineni et al. 2002), with the closest reference length as COCO takes it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import reduce
from operator import or_

from .caption_tokens import Words
from .ngrams import LONGEST, ngram_counts


def clipped_matches(candidate: Words, references: Sequence[Words], length: int) -> int:
    """Runs of the candidate that are in a reference, each counted at most as often as in one of them."""
    most: Counter[Words] = reduce(or_, (ngram_counts(reference, length) for reference in references))
    return (ngram_counts(candidate, length) & most).total()


def closest_length(candidate: Words, references: Sequence[Words]) -> int:
    """Length of the reference nearest to the candidate's; the shorter of two equally near ones."""
    return min((len(reference) for reference in references), key=lambda n: (abs(n - len(candidate)), n))


def bleu(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> tuple[float, ...]:
    """BLEU-1 to BLEU-4, 0..1: geometric means of the clipped precisions of the corpus, times the brevity penalty.

    Parameters
    ----------
    candidates : sequence of n word tuples
    references : n sequences of at least one word tuple

    Notes
    -----
    COCO's code adds 1e-15 to the matches so that a corpus without a match
    of some length scores about 1e-4 and not 0; here it is 0.
    """
    pairs = list(zip(candidates, references, strict=True))
    written = sum(len(candidate) for candidate in candidates)
    wanted = sum(closest_length(candidate, own) for candidate, own in pairs)
    if written == 0:
        return (0.0,) * LONGEST
    brevity = min(1.0, math.exp(1.0 - wanted / written))
    precisions = []
    for length in range(1, LONGEST + 1):
        matches = sum(clipped_matches(candidate, own, length) for candidate, own in pairs)
        runs = sum(max(0, len(candidate) - length + 1) for candidate in candidates)
        precisions.append(matches / runs if runs else 0.0)
    return tuple(brevity * math.prod(precisions[:n]) ** (1.0 / n) for n in range(1, LONGEST + 1))
