"""From cosines to scores with a fixed meaning: 0.5 is as far as this archive's own background reaches.

A vector is compared with the words and with prompts for what else it might be,
as a place of a scene is (core.query). How far texts that name nothing a radar
sees come in the whole archive is its background: a logit for each kind of
vector, measured after every change. An example is compared with a sample of
the archive instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from sarvlm_app.core.archive.store import VectorStore
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import Prompts, TextVectors
from sarvlm_models.types import Float32, TextQuery

NOTHING_SEEN: Final = (
    "a birthday cake", "an elephant", "a cup of coffee", "a violin", "the smile of a child", "a red dress",
    "a pair of shoes", "a wedding photograph", "a dog asleep on a sofa", "a cartoon mouse", "a plate of pasta",
    "a guitar player", "a bottle of wine", "handwriting on paper", "a bouquet of roses", "a cat's whiskers",
    "a chess board", "a portrait of a lady", "an open book", "a laptop on a desk", "a toothbrush", "a glass of beer",
    "a bowl of fruit", "a football player's shirt", "a spoon", "a movie poster", "a butterfly", "a knitted scarf",
    "the sound of rain", "a coral reef", "a waterfall in a jungle", "penguins",
)  # fmt: skip
SHARE: Final = 0.9
"""Of those texts that stay below the background at their best place in the archive."""
LEVELS: Final = (-1.6, 0.0)
"""Logits between which a background is believed: in a small archive even nonsense finds nothing like it."""
NEAREST: Final = 50
SAMPLE: Final = 4096
SPREADS: Final = 2.0
"""Median deviations above the median of a sample at which an example's background ends."""
BACKGROUND_COSINE: Final = (0.2, 0.97)
SAME_LOGIT: Final = 4.0
"""Logit of the very picture that was asked with."""


class Component(Protocol):
    """One part of a question."""

    @property
    def weight(self) -> float:
        """How much it counts; below 0: what the answer must not be like."""
        ...

    def questions(self, kind: str) -> Float32:
        """Unit vectors float32 (q, d) to look up; none where a kind says nothing to it."""
        ...

    def logits(self, kind: str, vectors: Float32) -> Float32:
        """Above 0 where vectors (n, d) are more like it than the background: float32 (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """A text with its negatives.

    Attributes
    ----------
    levels : mapping of str to float
        Background of the archive by kind.
    """

    prompts: Prompts
    levels: Mapping[str, float]
    weight: float = 1.0

    def questions(self, kind: str) -> Float32:
        return self.prompts.query[None]

    def logits(self, kind: str, vectors: Float32) -> Float32:
        return margins(vectors, self.prompts) - np.float32(self.levels.get(kind, LEVELS[0]))


@dataclass(frozen=True, slots=True)
class Like:
    """An example: its vectors by kind, and the cosine up to which the archive's background comes to each kind."""

    vectors: Mapping[str, Float32]
    background: Mapping[str, float] = field(default_factory=dict)
    weight: float = 1.0

    def questions(self, kind: str) -> Float32:
        return self.vectors.get(kind, np.zeros((0, 1), np.float32))

    def logits(self, kind: str, vectors: Float32) -> Float32:
        level = self.background.get(kind, BACKGROUND_COSINE[0])
        cosines = (vectors @ self.questions(kind).T).max(axis=1)
        return np.asarray(SAME_LOGIT * (cosines - level) / (1.0 - level), np.float32)


def margins(vectors: Float32, prompts: Prompts) -> Float32:
    """Logits of vectors (n, d) against a question's rivals and the point of absence, as `query.relative_scores`."""
    own = vectors @ prompts.query
    found = np.full(len(vectors), np.inf, np.float32)
    if len(prompts.rivals):
        found = prompts.scale * (own - (vectors @ prompts.rivals.T).max(axis=1))
    if prompts.bias is not None:
        found = np.minimum(found, prompts.scale * own + prompts.bias)
    return np.asarray(np.where(np.isfinite(found), found, 0.0), np.float32)


def score_of(logits: Float32) -> Float32:
    """0..1; 0.5 is the background."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))), np.float32)


def calibrate(stores: Mapping[str, VectorStore], texts: TextVectors, ctx: JobContext) -> dict[str, float]:
    """The background of an archive: for each kind the logit that texts that nobody can see reach in it."""
    questions = [texts.prompts(TextQuery(text)) for text in NOTHING_SEEN]
    levels = {}
    for kind, store in stores.items():
        ctx.step(message="Measuring the background")
        answers = store.search(np.stack([prompts.query for prompts in questions]), NEAREST)
        best = [
            float(margins(store.vectors(answer.ids), prompts).max())
            for answer, prompts in zip(answers, questions, strict=True)
            if len(answer.ids)
        ]
        levels[kind] = float(np.clip(np.quantile(best, SHARE), *LEVELS)) if best else LEVELS[0]
    return levels


def background_of(question: Float32, sample: Float32) -> float:
    """Cosine up to which a sample (n, d) of an archive comes to an example's vectors (q, d)."""
    if not len(sample) or not len(question):
        return BACKGROUND_COSINE[0]
    cosines = (sample @ question.T).max(axis=1)
    median = float(np.median(cosines))
    spread = 1.4826 * float(np.median(np.abs(cosines - median)))
    return float(np.clip(median + SPREADS * spread, *BACKGROUND_COSINE))


def combined(components: Sequence[Component], kind: str, vectors: Float32) -> Float32:
    """Logits of a mixture: the weighted mean of what is wanted, less what comes too near to what is not."""
    wanted = [component for component in components if component.weight > 0]
    total = sum(component.weight for component in wanted)
    logits = np.zeros(len(vectors), np.float32)
    for component in wanted:
        logits += np.float32(component.weight / total) * component.logits(kind, vectors)
    for component in components:
        if component.weight < 0 and len(component.questions(kind)):
            logits += np.float32(component.weight) * np.maximum(component.logits(kind, vectors), 0.0)
    return logits
