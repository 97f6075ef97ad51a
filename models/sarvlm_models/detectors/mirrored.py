"""A window and its mirror images looked at together: what the network says of each place, averaged.

Averaged place by place before boxes are chosen, so that a ship is found once and its box is the mean of what is seen of
it from several sides. Test-time augmentation of dense predictors, as for keypoints (Newell et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .network import STRIDES, Found

ROWS, COLS = 2, 3
Mirror = tuple[int, ...]
"""Dimensions of planes (n, 3, h, w) that are turned about: `(COLS,)` is left to right."""


def seen_from(network: Callable[[Tensor], Found], planes: Tensor, mirrors: Sequence[Mirror]) -> Found:
    """What is found in planes float32 (n, 3, h, w), the mean over them and their mirror images.

    Presence and axis are averaged as they are, embeddings as directions, sides of rotated boxes by their logarithms.
    """
    height, width = planes.shape[-2:]
    found = [network(planes)]
    found += [_turned_back(network(planes.flip(mirror)), (height, width), mirror) for mirror in mirrors]
    return found[0] if len(found) == 1 else _mean(found)


def _turned_back(found: Found, shape: tuple[int, int], mirror: Mirror) -> Found:
    """What was found in a mirror image, at the places and in the coordinates of the window."""
    height, width = shape
    levels = [(height // stride, width // stride) for stride in STRIDES]
    presence, embedding, rotated, upright, axis = (_places_back(values, levels, mirror) for values in found)
    left, top, right, bottom = upright.unbind(-1)
    col, row = rotated[..., 0], rotated[..., 1]
    if COLS in mirror:
        col, left, right = width - col, width - right, width - left
    if ROWS in mirror:
        row, top, bottom = height - row, height - bottom, height - top
    turn = 1.0 if {ROWS, COLS} <= set(mirror) else -1.0  # one mirror turns the axis about, two do not
    axis = torch.stack((axis[..., 0], turn * axis[..., 1]), dim=-1)
    rotated = torch.cat((col[..., None], row[..., None], rotated[..., 2:4], turn * rotated[..., 4:]), dim=-1)
    return Found(presence, embedding, rotated, torch.stack((left, top, right, bottom), dim=-1), axis)


def _places_back(values: Tensor, levels: list[tuple[int, int]], mirror: Mirror) -> Tensor:
    """Values (n, places, ...) of all strides, each place where it lies in the window."""
    parts = values.split([rows * cols for rows, cols in levels], dim=1)
    maps = (part.unflatten(1, level) for part, level in zip(parts, levels, strict=True))
    return torch.cat([one.flip([dim - 1 for dim in mirror]).flatten(1, 2) for one in maps], dim=1)


def _mean(found: list[Found]) -> Found:
    presence, embedding, rotated, upright, axis = (torch.stack(values).mean(0) for values in zip(*found, strict=True))
    sides = torch.stack([one.rotated[..., 2:4].log() for one in found]).mean(0).exp()
    angle = torch.atan2(axis[..., 1], axis[..., 0] + 1e-9) / 2
    rotated = torch.cat((rotated[..., :2], sides, angle[..., None]), dim=-1)
    return Found(presence, F.normalize(embedding, dim=-1), rotated, upright, axis)
