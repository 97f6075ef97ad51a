"""What a step of the detector is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import shapely
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from sarvlm_models.detectors.detector import rotated_corners
from sarvlm_models.detectors.network import Found

from .matching import Grid, Targets, gaussian_overlap, match, upright_overlap


@dataclass(frozen=True, slots=True)
class Judged:
    """Losses of a step, each a scalar."""

    presence: Tensor
    naming: Tensor
    rotated: Tensor
    upright: Tensor
    axis: Tensor

    def total(self) -> Tensor:
        """Their weighted sum."""
        return self.presence + 0.6 * self.naming + 2.0 * self.rotated + 2.0 * self.upright + 0.5 * self.axis


def judge(found: Found, targets: list[Targets], ignore: Tensor, name: Naming) -> Judged:
    """Losses of a batch.

    Parameters
    ----------
    targets : list of Targets
    ignore : bool (n, places)
        Places that teach nothing, unless they stand for an object.
    name : Naming
    """
    grid = Grid.of(*_size(ignore.shape[1]), ignore.device)
    aims, weight = torch.zeros_like(found.presence), (~ignore).float()
    boxes: list[tuple[Tensor, ...]] = []
    named: list[Tensor] = []
    for i, target in enumerate(targets):
        taken = match(grid, found.rotated[i].detach(), found.upright[i].detach(), found.presence[i].detach(), target)
        rows = (taken >= 0).nonzero()[:, 0]
        objects = taken[rows]
        quality = _quality(found, i, rows, target, objects)
        aims[i, rows], weight[i, rows] = quality, 1.0
        boxes.append((found.rotated[i, rows], found.upright[i, rows], found.axis[i, rows], target.rotated[objects],
                      target.upright[objects], quality))  # fmt: skip
        named.append(name(found.embedding[i, rows], target.names[objects], i))
    presence = (_quality_focal(found.presence, aims) * weight).sum() / aims.sum().clamp(min=4.0)
    return Judged(presence, torch.cat(named).mean() if sum(map(len, named)) else presence * 0, *_box_losses(boxes))


class Naming:
    """How well embeddings tell what an object is called.

    Parameters
    ----------
    logits : callable
        Embeddings (m, dim) to logits (m, k) of the step's texts.
    weights : float32 (n, k)
        How much each text counts in each crop, 0 where it is not known where it is.
    """

    def __init__(self, logits: Callable[[Tensor], Tensor], weights: Tensor) -> None:
        self._logits, self._weights = logits, weights

    def __call__(self, embedding: Tensor, names: Tensor, crop: int) -> Tensor:
        """Cross-entropy of each right text against all that are wrong, weighted: (m,)."""
        logits, weight = self._logits(embedding), self._weights[crop]
        wrong = logits.masked_fill(names | (weight == 0), -1e4).logsumexp(1, keepdim=True)
        loss = F.softplus(wrong - logits) * names * weight
        return loss.sum(1) / (names * weight).sum(1).clamp(min=1e-6)


def _size(total: int) -> tuple[int, int]:
    """Edge of the square input that has so many places over strides 4, 8 and 16."""
    edge = round((total / (1 / 16 + 1 / 64 + 1 / 256)) ** 0.5)
    return edge, edge


@torch.no_grad()
def _quality(found: Found, i: int, rows: Tensor, target: Targets, objects: Tensor) -> Tensor:
    """Mean IoU of the boxes that are known, by polygon for the rotated ones: (rows,)."""
    wanted = target.rotated[objects]
    is_rotated, has_upright = ~wanted[:, 0].isnan(), ~target.upright[objects][:, 0].isnan()
    turned = torch.zeros(len(rows))
    if is_rotated.any():
        turned[is_rotated] = polygon_iou(found.rotated[i, rows][is_rotated], wanted[is_rotated])
    straight, _ = upright_overlap(found.upright[i, rows], target.upright[objects].nan_to_num(0.0))
    total = turned * is_rotated + straight * has_upright
    return total / (is_rotated.float() + has_upright.float()).clamp(min=1)


def polygon_iou(a: Tensor, b: Tensor) -> Tensor:
    """Exact IoU of pairs of rotated boxes (n, 5)."""
    one, other = (shapely.polygons(rotated_corners(boxes).double().numpy()) for boxes in (a, b))
    shared = torch.from_numpy(shapely.area(shapely.intersection(one, other))).float()
    union = torch.from_numpy(shapely.area(one) + shapely.area(other)).float() - shared
    return shared / union.clamp(min=1e-6)


def _quality_focal(logits: Tensor, aims: Tensor) -> Tensor:
    """Quality focal loss with exponent 2 (Li et al. 2020), elementwise."""
    return F.binary_cross_entropy_with_logits(logits, aims, reduction="none") * (logits.sigmoid() - aims).square()


def _box_losses(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor]:
    rotated, upright, axis, wanted, straight, quality = (torch.cat(values) for values in zip(*parts, strict=True))
    weight = quality.clamp(min=0.1)
    is_rotated, has_upright = ~wanted[:, 0].isnan(), ~straight[:, 0].isnan()
    nothing = rotated.sum() * 0 + upright.sum() * 0 + axis.sum() * 0
    turned = upright_loss = axis_loss = nothing
    if is_rotated.any():
        w, aim = weight[is_rotated], wanted[is_rotated]
        turned = ((1 - gaussian_overlap(rotated[is_rotated], aim)) * w).sum() / w.sum()
        long = 1 - aim[:, 3] / aim[:, 2]
        double = torch.stack((torch.cos(2 * aim[:, 4]), torch.sin(2 * aim[:, 4])), dim=1)
        axis_loss = (F.smooth_l1_loss(axis[is_rotated], double, reduction="none").sum(1) * w * long).sum() / w.sum()
    if has_upright.any():
        w = weight[has_upright]
        _, giou = upright_overlap(upright[has_upright], straight[has_upright])
        upright_loss = ((1 - giou) * w).sum() / w.sum()
    only = ~is_rotated & has_upright
    if only.any():
        w = weight[only]
        _, giou = upright_overlap(around(rotated[only]), straight[only])
        turned = turned + 0.3 * ((1 - giou) * w).sum() / w.sum()
    return turned, upright_loss, axis_loss


def around(rotated: Tensor) -> Tensor:
    """Upright boxes (n, 4) around rotated ones (n, 5)."""
    cos, sin = rotated[:, 4].cos().abs(), rotated[:, 4].sin().abs()
    half_w = (rotated[:, 2] * cos + rotated[:, 3] * sin) / 2
    half_h = (rotated[:, 2] * sin + rotated[:, 3] * cos) / 2
    x, y = rotated[:, 0], rotated[:, 1]
    return torch.stack((x - half_w, y - half_h, x + half_w, y + half_h), dim=1)
