"""Batches drawn from several sources in fixed shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from .samples import CROP_PX, Sample


class Source(Protocol):
    """Anything that draws labelled crops."""

    def draw(self, rng: np.random.Generator) -> Sample: ...


Batch = dict[str, Tensor]


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples; blocks become rows (sample, row0, row1, col0, col1)."""
    blocks = [(i, *block) for i, sample in enumerate(samples) for block in sample.blocks]
    paired = [(i, sample.optical) for i, sample in enumerate(samples) if sample.optical is not None]
    optical = np.stack([picture for _, picture in paired]) if paired else np.zeros((0, CROP_PX, CROP_PX), np.float32)
    return {
        "relative": torch.from_numpy(np.stack([s.relative for s in samples]))[:, None],
        "ratio": torch.tensor([s.ratio for s in samples], dtype=torch.float32)[:, None, None, None],
        "spacing_m": torch.tensor([s.spacing_m for s in samples], dtype=torch.float32),
        "labels": torch.from_numpy(np.stack([s.labels.values for s in samples])),
        "blocks": torch.tensor(blocks, dtype=torch.int64).reshape(-1, 5),
        "optical": torch.from_numpy(optical)[:, None],
        "optical_rows": torch.tensor([i for i, _ in paired], dtype=torch.int64),
    }


class Mixture(IterableDataset[Batch]):
    """Endless batches; `shares` maps a source name to its weight."""

    def __init__(self, sources: Mapping[str, Source], shares: Mapping[str, float], batch: int, seed: int) -> None:
        self.sources = [sources[name] for name in shares]
        weights = np.array(list(shares.values()), float)
        self.weights = weights / weights.sum()
        self.batch, self.seed = batch, seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            picks = rng.choice(len(self.sources), self.batch, p=self.weights)
            yield collate([self.sources[i].draw(rng) for i in picks])
