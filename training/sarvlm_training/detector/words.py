"""The texts of a step of the detector, and which of them each source knows to be right or wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from sarvlm_training.concepts import Concept, Vocabulary, absent_phrases
from sarvlm_training.wordings import SentenceEncoder, noisy

TAUGHT: Final = ("ship", "aircraft")
ELSEWHERE: Final = (
    "sea", "lake", "river", "beach", "harbour", "urban", "suburb", "industrial", "airport", "runway", "road", "field",
    "forest", "scrub", "mountain", "desert", "pier", "breakwater", "bridge", "storage_tank", "building",
)  # fmt: skip
"""Ground and structures: their words name no box."""
NEGATIVES: Final = 14
GENERAL_WEIGHT: Final = 0.3
"""Of texts for what has kinds: an object of a kind has several of them."""
VEHICLES_UNKNOWN: Final = ("airports",)
"""Sources in which vehicles are not labelled."""


@dataclass(frozen=True, slots=True)
class StepTexts:
    """Sentence vectors float32 (k, 384) of a step; the first `len(keys)` are those of `Words.keys`."""

    sentences: Tensor


class Words:
    """Wordings of what is taught.

    Attributes
    ----------
    keys : tuple of str
        Concepts whose boxes are taught, and those that are more general.
    """

    def __init__(self, vocabulary: Vocabulary, encoder: SentenceEncoder) -> None:
        vehicles = [c.key for c in vocabulary.concepts if c.group == "vehicle"]
        self.keys = (*TAUGHT, *vehicles)
        self.row = {key: i for i, key in enumerate(self.keys)}
        self._vehicles = torch.tensor([self.row[key] for key in vehicles])
        self._kinds = torch.tensor([self.row[key] for key in vehicles if key != "vehicle"])
        by_key = {c.key: c for c in vocabulary.concepts}
        general = {parent for c in vocabulary.concepts if c.group == "vehicle" for parent in c.parents}
        self._general = torch.tensor([self.row[key] for key in sorted(general)])
        self._parents = {key: self._climb(key, by_key) for key in self.keys}
        self._taught = [encoder(_texts(by_key[key])) for key in self.keys]
        self._others = encoder([t for key in ELSEWHERE for t in _texts(by_key[key])] + absent_phrases())

    def _climb(self, key: str, by_key: dict[str, Concept]) -> list[int]:
        rows = [self.row[key]]
        for parent in by_key[key].parents:
            rows += self._climb(parent, by_key)
        return rows

    def draw(self, generator: torch.Generator, noise: float) -> StepTexts:
        """One wording of each key, and some that name no box."""
        own = [v[torch.randint(len(v), (1,), generator=generator)] for v in self._taught]
        others = self._others[torch.randperm(len(self._others), generator=generator)[:NEGATIVES]]
        return StepTexts(noisy(torch.cat((*own, others)), generator, noise))

    def names(self, keys: list[str], texts: int) -> Tensor:
        """Which texts name each object: bool (m, texts)."""
        found = torch.zeros(len(keys), texts, dtype=torch.bool)
        for i, key in enumerate(keys):
            found[i, self._parents[key]] = True
        return found

    def weights(self, source: str, keys: list[str], texts: int) -> Tensor:
        """How much each text counts in a crop of a source, 0 where it is not known where it is: float32 (texts,)."""
        found = torch.ones(texts)
        found[self._general] = GENERAL_WEIGHT
        if source in VEHICLES_UNKNOWN:
            found[self._vehicles] = 0.0
        elif "vehicle" in keys:  # of a kind that is not told
            found[self._kinds] = 0.0
            found[self.row["vehicle"]] = 1.0
        return found


def _texts(concept: Concept) -> list[str]:
    """Names, some in a sentence, and phrases."""
    names = [form.format(name) for name in concept.names for form in ("{}", "a SAR image of {}", "{} seen by radar")]
    return names + list(concept.phrases)
