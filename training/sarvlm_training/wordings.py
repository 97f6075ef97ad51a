"""Sentence vectors of everything that is said in training, computed once by the frozen sentence encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file
from torch import Tensor

from sarvlm_models.compact import TEXT_FILE, TOKENIZER_FILE
from sarvlm_models.text_tower import TextTower, load_tokenizer, tokenize

from .concepts import Vocabulary, absent_phrases


class SentenceEncoder:
    """The frozen sentence encoder of `directory`."""

    def __init__(self, directory: Path) -> None:
        self.tower = TextTower()
        state = load_file(str(directory / TEXT_FILE))
        self.tower.load_state_dict({k: v.float() for k, v in state.items()})
        self.tower.eval()
        self.tokenizer = load_tokenizer(directory / TOKENIZER_FILE)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors float32 (n, 384); texts of like length go together."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = torch.empty(len(texts), 384)
        for start in range(0, len(order), 256):
            rows = order[start : start + 256]
            found[rows] = self.tower(*tokenize(self.tokenizer, [texts[i] for i in rows]))
        return found.clone()


class Wordings:
    """Vectors of all wordings of all concepts; draws some for each."""

    def __init__(self, vocabulary: Vocabulary, encoder: SentenceEncoder) -> None:
        texts, rows = vocabulary.wordings()
        every = texts + absent_phrases()
        distinct = list(dict.fromkeys(every))
        place = {text: i for i, text in enumerate(distinct)}
        vectors = encoder(distinct)[[place[text] for text in every]]
        self.absent = vectors[len(texts) :]
        self.apart = torch.from_numpy(vocabulary.never_together())
        self.by_concept = [vectors[: len(texts)][torch.from_numpy(rows == row)] for row in range(len(vocabulary))]

    def draw(self, generator: torch.Generator, absent: int, noise: float) -> Tensor:
        """Sentence vectors float32 (concepts + absent, 384), one wording a concept."""
        picked = [v[torch.randint(len(v), (1,), generator=generator)] for v in self.by_concept]
        order = torch.randperm(len(self.absent), generator=generator)[:absent]
        return noisy(torch.cat((*picked, self.absent[order])), generator, noise)


def noisy(vectors: Tensor, generator: torch.Generator, noise: float) -> Tensor:
    """Unit vectors with Gaussian noise of `noise` a component."""
    return F.normalize(vectors + noise * torch.randn(vectors.shape, generator=generator).to(vectors.device), dim=-1)
