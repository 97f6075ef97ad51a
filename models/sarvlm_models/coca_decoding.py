"""Word by word through open_clip's CoCa, with a key/value cache.

open_clip runs the whole sentence anew for every word, and its beam search
needs a class that the transformers library has dropped. Here the text tower
and the multimodal decoder are walked block by block; the numbers are those of
open_clip's own forward pass (tests hold them together).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sarvlm_app.errors import ModelError

KeyValue = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class CocaState:
    """What was seen of the captions so far.

    Attributes
    ----------
    tokens : int64 (k, t)
        Said so far.
    alone, joint : tuple of (keys, values)
        (k, heads, t, width / heads) of the text tower's and the decoder's blocks.
    """

    tokens: Tensor
    alone: tuple[KeyValue, ...]
    joint: tuple[KeyValue, ...]


class CocaDecoding:
    """`Decoding` of one image.

    Parameters
    ----------
    network : open_clip.CoCa
        In evaluation mode.
    image_tokens : float (1, m, width)
        Second output of the image tower.

    Raises
    ------
    ModelError
        The text tower has blocks of another kind than CoCa's.
    """

    def __init__(self, network: nn.Module, image_tokens: Tensor) -> None:
        parts: Any = network
        self._text: Any = parts.text
        self._decoder: Any = parts.text_decoder
        blocks = [*self._text.transformer.resblocks, *self._decoder.resblocks, *self._decoder.cross_attn]
        if not all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks):
            raise ModelError("The text tower of this CoCa has blocks of another kind: use an official CoCa checkpoint.")
        self._across = [_keys(block.attn, block.ln_1_kv(image_tokens)) for block in self._decoder.cross_attn]

    def step(self, tokens: Tensor, state: CocaState | None) -> tuple[Tensor, CocaState]:
        """Logits (k, words) after the new `tokens` (k, t)."""
        start = state.tokens.shape[1] if state else 0
        said = torch.cat((state.tokens, tokens), dim=1) if state else tokens
        x = self._text.token_embedding(tokens) + self._text.positional_embedding[start : said.shape[1]]
        causal = torch.ones(tokens.shape[1], said.shape[1], dtype=torch.bool, device=said.device).tril(start)
        seen = causal & ~self._padding(said)[:, None, None, :]
        alone: list[KeyValue] = []
        for place, block in enumerate(self._text.transformer.resblocks):
            x, known = _own_block(block, x, state.alone[place] if state else None, seen)
            alone.append(known)
        if self._text.cls_emb is None:
            x = self._text.ln_final(x)
        joint: list[KeyValue] = []
        for place, (block, cross) in enumerate(zip(self._decoder.resblocks, self._decoder.cross_attn, strict=True)):
            x, known = _own_block(block, x, state.joint[place] if state else None, causal)
            joint.append(known)
            x = x + cross.ls_1(_attend(cross.attn, cross.ln_1(x), self._across[place], None))
            x = x + cross.ls_2(cross.mlp(cross.ln_2(x)))
        last = self._decoder.ln_final(x[:, -1])
        if self._decoder.text_projection is not None:
            last = last @ self._decoder.text_projection
        return last, CocaState(said, tuple(alone), tuple(joint))

    def select(self, state: CocaState, rows: Tensor) -> CocaState:
        """The state of the captions `rows`."""
        alone = tuple((keys[rows], values[rows]) for keys, values in state.alone)
        joint = tuple((keys[rows], values[rows]) for keys, values in state.joint)
        return CocaState(state.tokens[rows], alone, joint)

    def _padding(self, said: Tensor) -> Tensor:
        """Tokens (bool (k, t)) that the text tower looks past: those of the padding, which open_clip shifts by one."""
        padding: Tensor = said == self._text.pad_id
        if self._text.cls_emb is None:
            return padding if self._text.use_pad_mask else torch.zeros_like(padding)
        return padding if self._text.correct_cls_mask else F.pad(padding, (1, 0))[:, :-1]


def _own_block(block: Any, x: Tensor, past: KeyValue | None, seen: Tensor) -> tuple[Tensor, KeyValue]:
    """A block of causal self-attention: new features and all keys and values."""
    normed = block.ln_1(x)
    keys, values = _keys(block.attn, normed)
    if past is not None:
        keys, values = torch.cat((past[0], keys), dim=2), torch.cat((past[1], values), dim=2)
    x = x + block.ls_1(_attend(block.attn, normed, (keys, values), seen))
    return x + block.ls_2(block.mlp(block.ln_2(x))), (keys, values)


def _keys(attention: nn.MultiheadAttention, source: Tensor) -> KeyValue:
    """Keys and values (n, heads, t, width / heads) of `source` (n, t, width)."""
    width = attention.embed_dim
    weight, bias = attention.in_proj_weight[width:], attention.in_proj_bias[width:]
    keys, values = F.linear(source, weight, bias).chunk(2, dim=-1)
    return _split(keys, attention.num_heads), _split(values, attention.num_heads)


def _attend(attention: nn.MultiheadAttention, x: Tensor, known: KeyValue, seen: Tensor | None) -> Tensor:
    width = attention.embed_dim
    queries = F.linear(x, attention.in_proj_weight[:width], attention.in_proj_bias[:width])
    keys, values = (part.expand(x.shape[0], -1, -1, -1) for part in known)
    found = F.scaled_dot_product_attention(_split(queries, attention.num_heads), keys, values, seen)
    gathered: Tensor = attention.out_proj(found.transpose(1, 2).reshape(x.shape))
    return gathered


def _split(x: Tensor, heads: int) -> Tensor:
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)
