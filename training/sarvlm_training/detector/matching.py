"""Which places of the network stand for which object (dynamic soft assignment, RTMDet, Lyu et al. 2022).

A place is a candidate where it lies in an object's box or beside its centre.
The cost joins how well the place names the object, how well its box fits, how
far it lies from the centre, and whether its stride suits the object's size.
As many places are taken as the best boxes fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sarvlm_models.detectors.network import STRIDES, places

MOST_PLACES: Final = 13
SIDES_PER_STRIDE: Final = 6.0
"""An object whose mean side is this many strides suits a stride best."""
FAR: Final = 1e8


@dataclass(frozen=True, slots=True)
class Targets:
    """The objects of one crop.

    Attributes
    ----------
    rotated : float32 (m, 5)
        NaN where only the upright box is known.
    upright : float32 (m, 4)
        NaN where not known (then the rotated one is).
    names : bool (m, k)
        Which of the step's texts name the object.
    """

    rotated: Tensor
    upright: Tensor
    names: Tensor


@dataclass(frozen=True, slots=True)
class Grid:
    """Centres (places, 2) and strides (places,) of all places of an input of one size."""

    centres: Tensor
    strides: Tensor

    @classmethod
    def of(cls, height: int, width: int, device: torch.device) -> Grid:
        parts = [places((height // s, width // s), s, device) for s in STRIDES]
        strides = [torch.full((len(p),), float(s), device=device) for p, s in zip(parts, STRIDES, strict=True)]
        return cls(torch.cat(parts), torch.cat(strides))


def covariance(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of the Gaussian that stands for rotated boxes (..., 5): variances along the axes and their covariance."""
    length, width, angle = boxes[..., 2], boxes[..., 3], boxes[..., 4]
    a, b = length.square() / 12, width.square() / 12
    cos, sin = angle.cos(), angle.sin()
    return a * cos**2 + b * sin**2, a * sin**2 + b * cos**2, (a - b) * cos * sin


def gaussian_overlap(a: Tensor, b: Tensor) -> Tensor:
    """1 minus the Hellinger distance of the Gaussians of rotated boxes (..., 5): ProbIoU (Llerena et al. 2021)."""
    a1, b1, c1 = covariance(a)
    a2, b2, c2 = covariance(b)
    dx, dy = a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]
    sa, sb, sc = a1 + a2, b1 + b2, c1 + c2
    det = (sa * sb - sc * sc).clamp(min=1e-6)
    far = (sa * dy * dy + sb * dx * dx - 2 * sc * dx * dy) / det / 4
    own = ((a1 * b1 - c1 * c1).clamp(min=1e-9) * (a2 * b2 - c2 * c2).clamp(min=1e-9)).sqrt()
    distance = (far + 0.5 * (det / (4 * own) + 1e-7).log()).clamp(1e-7, 60.0)
    return 1 - (1 - (-distance).exp() + 1e-6).sqrt()


def upright_overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al. 2019) of upright boxes (..., 4)."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (a, b)]
    union = (areas[0] + areas[1] - shared).clamp(min=1e-6)
    around = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull = around.clamp(min=0).prod(-1).clamp(min=1e-6)
    iou = shared / union
    return iou, iou - (hull - union) / hull


def as_rotated(upright: Tensor) -> Tensor:
    """Upright boxes (..., 4) as rotated ones (..., 5) with the axis along the columns or the rows."""
    size = upright[..., 2:] - upright[..., :2]
    tall = size[..., 1] > size[..., 0]
    angle = torch.where(tall, torch.full_like(size[..., 0], torch.pi / 2), torch.zeros_like(size[..., 0]))
    sides = torch.stack((size.max(-1).values, size.min(-1).values), dim=-1)
    return torch.cat(((upright[..., :2] + upright[..., 2:]) / 2, sides, angle[..., None]), dim=-1)


@torch.no_grad()
def match(grid: Grid, rotated: Tensor, upright: Tensor, presence: Tensor, targets: Targets) -> Tensor:
    """Object of each place: int64 (places,), -1 for none.

    Parameters
    ----------
    rotated, upright, presence : float32 (places, 5), (places, 4), (places,)
        What the network says.
    """
    taken = torch.full((len(rotated),), -1, dtype=torch.int64, device=rotated.device)
    if not len(targets.names):
        return taken
    is_rotated = ~targets.rotated[:, 0].isnan()
    boxes = torch.where(is_rotated[:, None], targets.rotated, as_rotated(targets.upright))
    near = _distance_inside(grid, boxes)
    rows = near.any(1).nonzero()[:, 0]
    near = near[rows]
    fit = _fit(rotated[rows], upright[rows], targets, boxes, is_rotated)
    cost = _presence_cost(presence[rows], fit) - 3.0 * (fit + 1e-6).log()
    offset = (grid.centres[rows][:, None] - boxes[None, :, :2]).norm(dim=-1) / grid.strides[rows][:, None]
    cost = cost + torch.pow(10.0, offset - 3.0).clamp(max=10.0)
    mean_side = (boxes[:, 2] * boxes[:, 3]).sqrt()
    suits = (mean_side[None] / (SIDES_PER_STRIDE * grid.strides[rows][:, None])).log2().abs()
    cost = torch.where(near, cost + 2.0 * (suits - 0.8).clamp(min=0), torch.full_like(cost, FAR))
    count = fit.masked_fill(~near, 0).topk(min(MOST_PLACES, len(rows)), dim=0).values.sum(0).int().clamp(min=1)
    chosen = torch.zeros_like(near)
    for column in range(cost.shape[1]):
        k = min(int(count[column]), int(near[:, column].sum()))
        if k:
            chosen[cost[:, column].topk(k, largest=False).indices, column] = True
    best = cost.masked_fill(~chosen, 2 * FAR).min(1)
    taken[rows[best.values < FAR]] = best.indices[best.values < FAR]
    return taken


def _distance_inside(grid: Grid, boxes: Tensor) -> Tensor:
    """Whether a place lies in a box, or within a stride and a half of its centre: bool (places, m)."""
    offset = grid.centres[:, None] - boxes[None, :, :2]
    cos, sin = boxes[:, 4].cos(), boxes[:, 4].sin()
    along = (offset[..., 0] * cos + offset[..., 1] * sin).abs()
    across = (offset[..., 1] * cos - offset[..., 0] * sin).abs()
    inside = (along <= boxes[:, 2] / 2) & (across <= boxes[:, 3] / 2)
    return inside | (offset.abs().max(-1).values <= 1.5 * grid.strides[:, None])


def _fit(rotated: Tensor, upright: Tensor, targets: Targets, boxes: Tensor, is_rotated: Tensor) -> Tensor:
    """How well each place's boxes fit each object, 0..1: (places, m)."""
    turned = gaussian_overlap(rotated[:, None], boxes[None])
    straight, _ = upright_overlap(upright[:, None], targets.upright.nan_to_num(0.0)[None])
    has_upright = ~targets.upright[:, 0].isnan()
    both = 0.5 * (turned + straight)
    return torch.where(is_rotated & has_upright, both, torch.where(is_rotated, turned, straight))


def _presence_cost(presence: Tensor, fit: Tensor) -> Tensor:
    """Quality focal cost of telling each object from each place: (places, m)."""
    logits = presence[:, None].expand_as(fit)
    return F.binary_cross_entropy_with_logits(logits, fit, reduction="none") * (logits.sigmoid() - fit).square()
