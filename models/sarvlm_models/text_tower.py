"""The sentence encoder of the compact SARCLIP: a small BERT, mean pooled.

Its weights are all-MiniLM-L6-v2 (Apache-2.0), kept frozen in training; the
architecture is BERT (Devlin et al. 2019) with post-layer normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from tokenizers import Tokenizer
from torch import Tensor, nn

WIDTH = 384
LAYERS = 6
HEADS = 12
VOCABULARY = 30522
MAX_TOKENS = 128
NORM_EPS = 1e-12


class BertBlock(nn.Module):
    """One encoder layer: self-attention, then a feed-forward net, each post-normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.out_norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.down_norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, t, _ = x.shape
        q, k, v = (layer(x).view(n, t, HEADS, -1).transpose(1, 2) for layer in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        x = self.out_norm(x + self.out(mixed.transpose(1, 2).reshape(n, t, WIDTH)))
        return self.down_norm(x + self.down(F.gelu(self.up(x))))  # type: ignore[no-any-return]


class TextTower(nn.Module):
    """Token ids to unit sentence vectors (n, 384)."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(MAX_TOKENS, WIDTH)
        self.segment = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)
        self.blocks = nn.ModuleList(BertBlock() for _ in range(LAYERS))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit vectors float (n, 384) of token ids int64 (n, t); mask bool (n, t), True at tokens."""
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]] + self.segment)
        for block in self.blocks:
            x = block(x, mask)
        weight = mask.to(x.dtype)[..., None]
        return F.normalize((x * weight).sum(1) / weight.sum(1), dim=-1)


def load_tokenizer(path: Path) -> Tokenizer:
    """The WordPiece tokenizer, cut at `MAX_TOKENS` and padded to the longest text."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def tokenize(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token ids int64 (n, t) and mask bool (n, t) of `texts`."""
    encoded = tokenizer.encode_batch(list(texts))
    ids = torch.tensor([e.ids for e in encoded], dtype=torch.int64)
    mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
    return ids, mask


def state_from_huggingface(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename a Hugging Face BERT state dict to this module's keys."""
    parts = {
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "out",
        "attention.output.LayerNorm": "out_norm",
        "intermediate.dense": "up",
        "output.dense": "down",
        "output.LayerNorm": "down_norm",
    }
    renamed = {
        "words.weight": state["embeddings.word_embeddings.weight"],
        "positions.weight": state["embeddings.position_embeddings.weight"][:MAX_TOKENS],
        "segment": state["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": state["embeddings.LayerNorm.weight"],
        "norm.bias": state["embeddings.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        for theirs, ours in parts.items():
            for kind in ("weight", "bias"):
                renamed[f"blocks.{layer}.{ours}.{kind}"] = state[f"encoder.layer.{layer}.{theirs}.{kind}"]
    return renamed
