"""Pictures by captions and captions by pictures, as PAPER.md B.2 has it: the right answer is the diagonal.

Each row of the table is a pair, and only its own caption is right for its
picture, though another row may say the same or show the same picture. What
such ties hide is told: a recall is the mean over all orders of the equal
ones, and beside it stands the strict one, which counts only what is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.pictures import read_picture
from sarvlm_models.api import DenseEncoder, TextEncoder
from sarvlm_models.types import Float32

from .features import encode_pictures, picture_encoder

DEPTHS: Final = (1, 5, 10)
TEXTS_AT_ONCE: Final = 64
_ROWS: Final = 512

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which picture and which caption belong together.

    Attributes
    ----------
    pictures, captions : int64 (n)
        Indices among the different pictures and the different captions.
    """

    pictures: Indices
    captions: Indices


@dataclass(frozen=True, slots=True)
class Recalls:
    """Shares 0..1 of the queries whose right answer is among the first 1, 5 and 10.

    Attributes
    ----------
    i2t, t2i : tuple of float
        Picture to caption and caption to picture, at `DEPTHS`.
    """

    i2t: tuple[float, ...]
    t2i: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean of all six."""
        return float(np.mean(self.i2t + self.t2i))

    @property
    def by_name(self) -> dict[str, float]:
        """`i2t_r1` to `t2i_r10`, `r1` to `r10` (means of both ways) and `mean_recall`."""
        named = {f"i2t_r{depth}": value for depth, value in zip(DEPTHS, self.i2t, strict=True)}
        named |= {f"t2i_r{depth}": value for depth, value in zip(DEPTHS, self.t2i, strict=True)}
        both = {f"r{depth}": (self.i2t[i] + self.t2i[i]) / 2 for i, depth in enumerate(DEPTHS)}
        return named | both | {"mean_recall": self.mean}


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found.

    Attributes
    ----------
    recalls : Recalls
        Where answers are equal, the mean over all orders of them.
    strict : Recalls
        The right answer counts before all its equals.
    ties_i2t, ties_t2i : int
        Queries whose right answer has equals.
    ties : int
        Pairs with ties one way or the other.
    n : int
        Pairs.
    """

    recalls: Recalls
    strict: Recalls
    ties_i2t: int
    ties_t2i: int
    ties: int
    n: int


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The figures, and the pictures that could not be read with what is wrong with them (their pairs do not count)."""

    figures: Retrieval
    faults: dict[Path, str]


def retrieve(
    encoder: DenseEncoder, table: Sequence[tuple[Path, str]], spacing_m: float | None, ctx: JobContext
) -> Retrieved:
    """Encode every picture and caption once and rank them.

    Parameters
    ----------
    encoder : DenseEncoder
    table : sequence of (Path, str)
        Pairs of picture and caption, at least one.
    spacing_m : float or None
        Ground metres per pixel, None where unknown.
    ctx : JobContext

    Raises
    ------
    ModelError
        The encoder takes no whole pictures.
    SceneError
        Not a single picture can be read.
    """
    paths = list(dict.fromkeys(path for path, _ in table))
    found = encode_pictures(
        picture_encoder(encoder), lambda number: read_picture(paths[number]), len(paths), spacing_m, ctx
    )
    place_of = {paths[number]: place for place, number in enumerate(found.numbers)}
    kept = [(place_of[path], caption) for path, caption in table if path in place_of]
    captions = {caption: place for place, caption in enumerate(dict.fromkeys(caption for _, caption in kept))}
    texts = _encode_texts(encoder, list(captions), ctx)
    pairs = Pairs(np.array([place for place, _ in kept]), np.array([captions[caption] for _, caption in kept]))
    faults = {paths[number]: reason for number, reason in found.faults.items()}
    return Retrieved(score_pairs(found.vectors @ texts.T, pairs), faults)


def _encode_texts(encoder: TextEncoder, texts: Sequence[str], ctx: JobContext) -> Float32:
    parts = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        ctx.step(start, len(texts), "Encoding captions")
        parts.append(encoder.encode_text(texts[start : start + TEXTS_AT_ONCE]))
    return np.concatenate(parts)


def score_pairs(similarity: Float32, pairs: Pairs) -> Retrieval:
    """Recalls of pairs from similarities float32 (different pictures, different captions)."""
    better, equal = _standings(similarity, pairs.pictures, pairs.captions)
    better_back, equal_back = _standings(similarity.T, pairs.captions, pairs.pictures)
    tied, tied_back = equal > 1, equal_back > 1
    return Retrieval(
        recalls=Recalls(_expected(better, equal), _expected(better_back, equal_back)),
        strict=Recalls(_strict(better), _strict(better_back)),
        ties_i2t=int(tied.sum()),
        ties_t2i=int(tied_back.sum()),
        ties=int((tied | tied_back).sum()),
        n=len(pairs.pictures),
    )


def _standings(similarity: Float32, queries: Indices, answers: Indices) -> tuple[Indices, Indices]:
    """For each pair, how many pairs' answers are better than its own, and how many are equal (its own included)."""
    weights = np.bincount(answers, minlength=similarity.shape[1])
    better, equal = np.zeros(len(queries), np.int64), np.zeros(len(queries), np.int64)
    for start in range(0, len(queries), _ROWS):
        part = np.s_[start : start + _ROWS]
        rows = similarity[queries[part]]
        own = np.take_along_axis(rows, answers[part, None], axis=1)
        better[part], equal[part] = (rows > own) @ weights, (rows == own) @ weights
    return better, equal


def _expected(better: Indices, equal: Indices) -> tuple[float, ...]:
    return tuple(float(np.clip((depth - better) / equal, 0.0, 1.0).mean()) for depth in DEPTHS)


def _strict(better: Indices) -> tuple[float, ...]:
    return tuple(float((better < depth).mean()) for depth in DEPTHS)
