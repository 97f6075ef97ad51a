"""CIDEr and CIDEr-D (Vedantam et al. 2015), document frequencies from the references."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .caption_tokens import Words
from .ngrams import LONGEST, ngram_counts

SIGMA: Final = 6.0
SCALE: Final = 10.0
Weights = dict[Words, float]


@dataclass(frozen=True)
class Cider:
    """Scores of captions over one set of references; a picture is one document.

    Attributes
    ----------
    references : n sequences of at least one word tuple

    Notes
    -----
    With a single picture every document frequency is 1 of 1, all weights are
    ln 1 = 0, and so is every score.
    """

    references: Sequence[Sequence[Words]]

    @cached_property
    def _documents(self) -> Counter[Words]:
        found: Counter[Words] = Counter()
        for own in self.references:
            found.update({run for words in own for n in range(1, LONGEST + 1) for run in ngram_counts(words, n)})
        return found

    def _weights(self, words: Words, length: int) -> Weights:
        """Term frequency times inverse document frequency; a run in no reference counts as in one."""
        pictures = math.log(len(self.references))
        counts = ngram_counts(words, length)
        return {run: n * (pictures - math.log(max(1, self._documents[run]))) for run, n in counts.items()}

    def plain(self, candidates: Sequence[Words]) -> float:
        """CIDEr without clipping and without a length penalty (times 10, without stemming)."""
        return self._mean(candidates, clipped=False)

    def d(self, candidates: Sequence[Words]) -> float:
        """CIDEr-D, which COCO's code and those that use it call CIDEr: repeated words are clipped, lengths compared.

        Lengths are numbers of word pairs, as in COCO's code.
        """
        return self._mean(candidates, clipped=True)

    def _mean(self, candidates: Sequence[Words], clipped: bool) -> float:
        scores = [
            sum(self._similarity(candidate, reference, clipped) for reference in own) / len(own)
            for candidate, own in zip(candidates, self.references, strict=True)
        ]
        return SCALE * sum(scores) / len(scores)

    def _similarity(self, candidate: Words, reference: Words, clipped: bool) -> float:
        """Mean cosine of the weights over one to four words."""
        cosines = (
            _cosine(self._weights(candidate, n), self._weights(reference, n), clipped) for n in range(1, LONGEST + 1)
        )
        off = max(0, len(candidate) - 1) - max(0, len(reference) - 1)
        penalty = math.exp(-(off**2) / (2.0 * SIGMA**2)) if clipped else 1.0
        return penalty * sum(cosines) / LONGEST


def _cosine(candidate: Weights, reference: Weights, clipped: bool) -> float:
    lengths = math.hypot(*candidate.values()) * math.hypot(*reference.values())
    if not lengths:
        return 0.0
    common = candidate.keys() & reference.keys()
    seen = {run: min(candidate[run], reference[run]) if clipped else candidate[run] for run in common}
    return sum(weight * reference[run] for run, weight in seen.items()) / lengths
