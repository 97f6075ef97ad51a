"""Text-aligned features per patch from a ViT that was trained on whole pictures only.

The training-free recipe of the SegEarth-OV family, re-implemented from its
description: the last blocks contribute their attention alone (no residual, no
MLP), with queries attending to queries and keys to keys, which keeps a patch's
vector about the patch itself; then the tower's own norm and projection.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAST_BLOCKS = 2  # as the family's SAR configurations have it


def has_dense_features(visual: Any) -> bool:
    """Whether `dense_features` can serve this image tower."""
    blocks = getattr(getattr(visual, "transformer", None), "resblocks", None)
    if not blocks or not all(isinstance(getattr(block, "attn", None), nn.MultiheadAttention) for block in blocks):
        return False
    return getattr(visual, "attn_pool_contrastive", None) is None


def dense_features(visual: Any, images: Tensor, last_blocks: int = LAST_BLOCKS) -> Tensor:
    """Unit vectors of every patch.

    Parameters
    ----------
    visual : open_clip VisionTransformer
    images : Tensor (b, 3, h, w)
        Normalised as the tower expects; h and w are multiples of its patch.
        The position table is interpolated (bicubic) where the size is not
        the tower's own.
    last_blocks : int
        Blocks whose attention is added up.

    Returns
    -------
    Tensor (b, h / patch, w / patch, d), float32
    """
    x = visual.conv1(images)  # b, width, rows, cols
    count, _, rows, cols = x.shape
    x = x.flatten(2).transpose(1, 2)  # b, rows * cols, width
    start = visual.class_embedding.to(x.dtype).expand(count, 1, -1)
    x = torch.cat([start, x], dim=1) + _positions(visual.positional_embedding, rows, cols).to(x.dtype)
    x = visual.ln_pre(x)
    blocks = list(visual.transformer.resblocks)
    first = max(len(blocks) - last_blocks, 0)
    for block in blocks[:first]:
        x = block(x)
    gathered = torch.zeros_like(x)
    for index, block in enumerate(blocks[first:], start=first):
        gathered = gathered + _self_self_attention(block.attn, block.ln_1(x))
        if index + 1 < len(blocks):
            x = block(x)
    patches = gathered[:, 1:]
    if visual.attn_pool is not None:
        patches = _value_path(visual.attn_pool, patches)
    patches = visual.ln_post(patches)
    if visual.proj is not None:
        patches = patches @ visual.proj
    return F.normalize(patches.float(), dim=-1).reshape(count, rows, cols, -1)


def _positions(table: Tensor, rows: int, cols: int) -> Tensor:
    """Position table (1 + rows * cols, width) for a grid of that size."""
    edge = int((table.shape[0] - 1) ** 0.5)
    if (rows, cols) == (edge, edge):
        return table
    grid = table[1:].float().reshape(1, edge, edge, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(rows, cols), mode="bicubic", align_corners=False)
    return torch.cat([table[:1].float(), grid.flatten(2).transpose(1, 2)[0]])


def _self_self_attention(attention: nn.MultiheadAttention, x: Tensor) -> Tensor:
    """(softmax(q q') + softmax(k k')) v, then the output projection; (b, n, width) to the same."""
    split = F.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    heads = (*x.shape[:2], attention.num_heads, -1)
    q, k, v = (part.reshape(heads).transpose(1, 2) for part in split.chunk(3, dim=-1))
    mixed = F.scaled_dot_product_attention(q, q, v) + F.scaled_dot_product_attention(k, k, v)
    out: Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
    return out


def _value_path(pooler: Any, patches: Tensor) -> Tensor:
    """CoCa's pooler seen from one patch: what it would return if it attended to that patch alone."""
    attention = pooler.attn
    width = attention.embed_dim
    weight = attention.v_proj_weight if attention.v_proj_weight is not None else attention.in_proj_weight[2 * width :]
    out: Tensor = attention.out_proj(F.linear(pooler.ln_k(patches), weight, attention.in_proj_bias[2 * width :]))
    return out
