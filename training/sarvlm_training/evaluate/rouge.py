"""ROUGE-L (Lin 2004) as COCO takes it: beta 1.2, best precision and best recall over the references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .caption_tokens import Words

BETA: Final = 1.2


def common_subsequence(one: Words, other: Words) -> int:
    """Number of words of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for j, against in enumerate(other, start=1):
            longest = diagonal + 1 if word == against else max(row[j], row[j - 1])
            diagonal, row[j] = row[j], longest
    return row[-1]


def rouge_l(candidate: Words, references: Sequence[Words], beta: float = BETA) -> float:
    """F measure, 0..1, of precision and recall of the longest common subsequence.

    ``(1 + beta^2) P R / (R + beta^2 P)``; P and R may come from different references.
    """
    common = [common_subsequence(candidate, reference) for reference in references]
    if not any(common):
        return 0.0
    precision = max(common) / len(candidate)
    recall = max(n / len(reference) for n, reference in zip(common, references, strict=True) if reference)
    return (1.0 + beta**2) * precision * recall / (recall + beta**2 * precision)


def mean_rouge_l(candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
    """Mean over the pictures."""
    return sum(rouge_l(*pair) for pair in zip(candidates, references, strict=True)) / len(candidates)
