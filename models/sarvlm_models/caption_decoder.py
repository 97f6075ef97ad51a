"""The captioning decoder of the compact model: words from the features of its image tower.

A pre-norm transformer with causal self-attention and cross-attention to a
memory of 8 x 8 places and one whole. `forward` and `step` are one code path;
`step` keeps the keys and values of what was said before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .caption_words import PAD, WordList, facts_text, prefix_tokens, training_tokens

__all__ = [
    "Cache",
    "CaptionDecoder",
    "DecoderConfig",
    "WordList",
    "caption_loss",
    "facts_text",
    "prefix_tokens",
    "training_tokens",
]

KeyValue = tuple[Tensor, Tensor]
LABEL_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes of the decoder; stored in the metadata of its weights.

    Attributes
    ----------
    words : int
        Length of the word list.
    dim, depth, heads, hidden : int
        Width, number of blocks, attention heads, width inside the feed-forward part.
    memory : int
        Channels of the fused features and length of the whole vector.
    most_tokens : int
        Longest sequence, facts included.
    grid : int
        Places along each edge of the memory.
    dropout : float
        0..1, in training only.
    """

    words: int
    dim: int = 192
    depth: int = 3
    heads: int = 4
    hidden: int = 512
    memory: int = 128
    most_tokens: int = 64
    grid: int = 8
    dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values (n, heads, t, dim / heads) of every block.

    Attributes
    ----------
    own : tuple of (keys, values)
        Of the tokens so far.
    across : tuple of (keys, values)
        Of the memory; one row may serve all sequences.
    """

    own: tuple[KeyValue, ...]
    across: tuple[KeyValue, ...]

    @property
    def length(self) -> int:
        """Number of tokens seen."""
        return self.own[0][0].shape[2]

    def select(self, rows: Tensor) -> Cache:
        """The cache of the sequences `rows` (int64 (k,)), in that order."""
        own = tuple((keys[rows], values[rows]) for keys, values in self.own)
        if self.across[0][0].shape[0] == 1:
            return Cache(own, self.across)
        return Cache(own, tuple((keys[rows], values[rows]) for keys, values in self.across))


class Attention(nn.Module):
    """Multi-head attention whose keys and values may come from a cache."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def keys(self, source: Tensor) -> KeyValue:
        """Keys and values (n, heads, t, dim / heads) of `source` (n, t, dim)."""
        keys, values = self.key_value(source).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(self, x: Tensor, known: KeyValue, mask: Tensor | None = None) -> Tensor:
        """What `x` (n, t, dim) gathers from `known`; `mask` (t, keys) is True where it may look."""
        n, t, dim = x.shape
        keys, values = (part.expand(n, -1, -1, -1) for part in known)
        dropout = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(self._split(self.query(x)), keys, values, mask, dropout)
        gathered: Tensor = self.out(found.transpose(1, 2).reshape(n, t, dim))
        return gathered

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Block(nn.Module):
    """Self-attention, cross-attention and a feed-forward part, each on normalised input and added."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(config.dim) for _ in range(3))
        self.own = Attention(config.dim, config.heads, config.dropout)
        self.across = Attention(config.dim, config.heads, config.dropout)
        self.feed = nn.Sequential(
            nn.Linear(config.dim, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.dim),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, past: KeyValue | None, across: KeyValue, mask: Tensor | None
    ) -> tuple[Tensor, KeyValue]:
        """New features of the tokens `x` and the keys and values of all tokens so far."""
        normed = self.norms[0](x)
        keys, values = self.own.keys(normed)
        if past is not None:
            keys, values = torch.cat((past[0], keys), dim=2), torch.cat((past[1], values), dim=2)
        x = x + self.dropout(self.own(normed, (keys, values), mask))
        x = x + self.dropout(self.across(self.norms[1](x), across))
        return x + self.dropout(self.feed(self.norms[2](x))), (keys, values)


class CaptionDecoder(nn.Module):
    """Words of a caption, one after another, from image features."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.words, config.dim)
        self.place = nn.Parameter(torch.randn(config.most_tokens, config.dim) * 0.02)
        self.ground = nn.Parameter(torch.randn(config.grid**2, config.dim) * 0.02)
        self.from_fused = nn.Sequential(nn.LayerNorm(config.memory), nn.Linear(config.memory, config.dim))
        self.from_whole = nn.Sequential(nn.LayerNorm(config.memory), nn.Linear(config.memory, config.dim))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.embed.weight, std=0.02)

    def memory(self, fused: Tensor, whole: Tensor) -> Tensor:
        """What the decoder looks at.

        Parameters
        ----------
        fused : float (n, memory, h, w)
            Fused features of the image tower.
        whole : float (n, memory)
            The vector of the whole image.

        Returns
        -------
        float32 (n, grid * grid + 1, dim): the places row by row, then the whole.
        """
        grid = F.adaptive_avg_pool2d(fused.float(), self.config.grid).flatten(2).transpose(1, 2)
        places = self.from_fused(grid) + self.ground
        return torch.cat((places, self.from_whole(whole.float())[:, None]), dim=1)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """Logits (n, t, words) of the word after each of `tokens` (int64 (n, t)).

        Parameters
        ----------
        tokens : int64 (n, t)
            Padded at the end; t is at most `config.most_tokens`.
        memory : float (n or 1, m, dim)
            From `memory`.
        """
        return self.step(tokens, memory, None)[0]

    def step(self, token: Tensor, memory: Tensor, cache: Cache | None) -> tuple[Tensor, Cache]:
        """Logits (n, t, words) after new tokens (n, t), mostly t = 1, and the grown cache.

        Raises
        ------
        ValueError
            The sequence would be longer than `config.most_tokens`.
        """
        start, new = (cache.length if cache else 0), token.shape[1]
        if start + new > self.config.most_tokens:
            raise ValueError(f"tokens: expected at most {self.config.most_tokens}, got {start + new}")
        across = cache.across if cache else tuple(block.across.keys(memory) for block in self.blocks)  # type: ignore[operator, union-attr]
        mask = torch.ones(new, start + new, dtype=torch.bool, device=token.device).tril(start) if new > 1 else None
        x = self.dropout(self.embed(token) + self.place[start : start + new])
        own: list[KeyValue] = []
        for place, block in enumerate(self.blocks):
            x, known = block(x, cache.own[place] if cache else None, across[place], mask)
            own.append(known)
        return F.linear(self.norm(x), self.embed.weight), Cache(tuple(own), across)


def caption_loss(logits: Tensor, tokens: Tensor, first: Tensor) -> Tensor:
    """Mean cross-entropy of the captions' words, label smoothing 0.05; facts and padding do not count.

    Parameters
    ----------
    logits : float (n, t, words)
        Of `CaptionDecoder.forward` on `tokens`.
    tokens : int64 (n, t)
        Whole sequences of `training_tokens`, padded at the end with <pad>.
    first : int64 (n,)
        Where the caption begins in each.
    """
    places = torch.arange(1, tokens.shape[1], device=tokens.device)
    targets = tokens[:, 1:].masked_fill(places < first[:, None], PAD)
    return F.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), targets.flatten(), ignore_index=PAD, label_smoothing=LABEL_SMOOTHING
    )
