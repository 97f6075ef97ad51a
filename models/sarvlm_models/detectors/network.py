"""The network of SARDet and SARRot: SARCLIP's image tower, a pyramid of three strides, one head for all of them.

Anchor-free (FCOS, Tian et al. 2019) with the shared head of RTMDet (Lyu et al.
2022). Every place tells whether an object is there, whatever its name, and
gives an embedding that is compared with text vectors, a rotated box (centre,
length, width and the axis as cosine and sine of twice the angle, so that an
axis and its reverse are one), and an upright box of its own: the upright extent
of a ship is tighter than that of its rotated rectangle. Presence is apart from
the name since the level of a similarity moves with the wording, that of an
object must not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import timm
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sarvlm_models.text_tower import WIDTH as TEXT_WIDTH

STRIDES: Final = (4, 8, 16)
DEEPEST: Final = 32
"""Height and width of the input are multiples of this."""
ROTATED, UPRIGHT = 6, 4
SIDE_RANGE: Final = (-2.0, 5.0)
"""Logarithm of a side over the stride is kept within this."""


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Sizes of the network; stored in the metadata of its weights.

    Attributes
    ----------
    dim, neck, head : int
        Length of the embeddings, channels of the pyramid and of the head.
    depth : int
        3 x 3 layers of each half of the head.
    backbone : str
        timm name.
    """

    dim: int = 128
    neck: int = 96
    head: int = 96
    depth: int = 2
    backbone: str = "tf_efficientnet_lite0"


class Found(NamedTuple):
    """What the network says at every place of all strides, the finest first.

    Attributes
    ----------
    presence : float32 (n, places)
        Logit that an object is there, trained to tell how well the boxes fit.
    embedding : float32 (n, places, dim)
        Unit vectors.
    rotated : float32 (n, places, 5)
        Centre col, row, length, width in input pixels, and the axis in
        radians (-pi/2..pi/2, clockwise from the columns' direction).
    upright : float32 (n, places, 4)
        Left, top, right, bottom in input pixels.
    axis : float32 (n, places, 2)
        Cosine and sine of twice the axis, not normalised.
    """

    presence: Tensor
    embedding: Tensor
    rotated: Tensor
    upright: Tensor
    axis: Tensor


def _layer(inside: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class Pyramid(nn.Module):
    """Maps of strides 4, 8 and 16 from the backbone's maps of strides 4 to 32 (FPN, Lin et al. 2017)."""

    def __init__(self, channels: list[int], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(_layer(width, width) for _ in STRIDES)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        above = self.lateral[-1](maps[-1])
        found: list[Tensor] = []
        for lateral, smooth, one in zip(
            reversed(list(self.lateral)[:-1]), reversed(list(self.smooth)), reversed(maps[:-1]), strict=True
        ):
            above = smooth(lateral(one) + F.interpolate(above, scale_factor=2.0, mode="nearest"))
            found.insert(0, above)
        return found


class Head(nn.Module):
    """Layers shared by all strides; their normalisation is each stride's own."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.naming = self._convolutions(config)
        self.placing = self._convolutions(config)
        norms = [nn.ModuleList(nn.BatchNorm2d(config.head) for _ in range(2 * config.depth)) for _ in STRIDES]
        self.norms = nn.ModuleList(norms)
        self.present = nn.Conv2d(config.head, 1, 1)
        nn.init.constant_(self.present.bias, -4.6)  # type: ignore[arg-type]
        self.embed = nn.Conv2d(config.head, config.dim, 1)
        self.box = nn.Conv2d(config.head, ROTATED + UPRIGHT, 1)

    @staticmethod
    def _convolutions(config: DetectorConfig) -> nn.ModuleList:
        widths = [config.neck, *[config.head] * (config.depth - 1)]
        return nn.ModuleList(nn.Conv2d(w, config.head, 3, padding=1, bias=False) for w in widths)

    def forward(self, level: int, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Presence (n, 1, h, w), embedding (n, dim, h, w) and raw box (n, 10, h, w) of one stride."""
        norms: Any = self.norms[level]
        depth = len(self.naming)
        named = placed = features
        for i in range(depth):
            named = F.relu(norms[i](self.naming[i](named)), inplace=True)
            placed = F.relu(norms[depth + i](self.placing[i](placed)), inplace=True)
        return self.present(named), self.embed(named), self.box(placed)


class DetectorNetwork(nn.Module):
    """Input planes to what is found at every place; words to vectors."""

    def __init__(self, config: DetectorConfig | None = None) -> None:
        super().__init__()
        self.config = config or DetectorConfig()
        backbone: Any = timm.create_model(self.config.backbone, features_only=True, out_indices=(1, 2, 3, 4))
        self.backbone = fold_normalisation(backbone)
        self.pyramid = Pyramid(backbone.feature_info.channels(), self.config.neck)
        self.head = Head(self.config)
        self.project = nn.Linear(TEXT_WIDTH, self.config.dim, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(3.0))

    def text(self, sentences: Tensor) -> Tensor:
        """Unit text vectors (n, dim) of sentence vectors (n, 384)."""
        return F.normalize(self.project(sentences), dim=-1)

    def logits(self, embedding: Tensor, texts: Tensor) -> Tensor:
        """Logits (..., k) of embeddings (..., dim) for text vectors (k, dim); only their differences say something."""
        return self.log_scale.clamp(max=3.7).exp() * (embedding @ texts.T)

    def forward(self, planes: Tensor) -> Found:
        """What is found in planes float32 (n, 3, h, w), h and w multiples of 32."""
        parts = []
        for level, features in enumerate(self.pyramid(self.backbone(planes))):
            shape = features.shape[-2:]
            maps = (m.float().flatten(2).transpose(1, 2) for m in self.head(level, features))
            presence, embedding, raw = maps
            parts.append((presence[..., 0], F.normalize(embedding, dim=-1), *decoded(raw, shape, STRIDES[level])))
        return Found(*(torch.cat(values, dim=1) for values in zip(*parts, strict=True)))


def places(shape: tuple[int, int], stride: int, device: torch.device) -> Tensor:
    """Centres (col, row) in input pixels of the cells of a map: float32 (rows * cols, 2)."""
    rows = (torch.arange(shape[0], device=device) + 0.5) * stride
    cols = (torch.arange(shape[1], device=device) + 0.5) * stride
    return torch.stack((cols.repeat(shape[0]), rows.repeat_interleave(shape[1])), dim=1)


def decoded(raw: Tensor, shape: torch.Size, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated boxes, upright boxes and axes (see `Found`) of raw values (n, rows * cols, 10)."""
    centre = places((shape[0], shape[1]), stride, raw.device)
    middle = centre + raw[..., :2] * stride
    sides = raw[..., 2:4].clamp(*SIDE_RANGE).exp() * stride
    axis = raw[..., 4:6]
    angle = torch.atan2(axis[..., 1], axis[..., 0] + 1e-9) / 2
    rotated = torch.cat((middle, sides, angle[..., None]), dim=-1)
    reach = raw[..., 6:].clamp(*SIDE_RANGE).exp() * stride
    upright = torch.cat((centre - reach[..., :2], centre + reach[..., 2:]), dim=-1)
    return rotated, upright, axis


def fold_normalisation(backbone: nn.Module) -> nn.Module:
    """Put every batch normalisation of a timm backbone, as it stands, into the convolution before it.

    The statistics are fixed in training (batches of one set must not move them
    for all others), and what is fixed need not be computed: a third less time.
    """
    for module in list(backbone.modules()):
        names = [name for name, _ in module.named_children()]
        for before, name in zip(names, names[1:], strict=False):
            conv, norm = getattr(module, before), getattr(module, name)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, before, _folded(conv, norm))
                setattr(module, name, getattr(norm, "act", nn.Identity()))
    for module in list(backbone.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child.groups > 1:
                setattr(module, name, FullPrecision(child))
    return backbone


class FullPrecision(nn.Module):
    """A depthwise convolution outside of autocast: in half precision its gradient costs three times as much."""

    def __init__(self, inner: nn.Conv2d) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, values: Tensor) -> Tensor:
        if not self.training:
            return self.inner(values)  # type: ignore[no-any-return]
        with torch.autocast(values.device.type, enabled=False):
            return self.inner(values.float())  # type: ignore[no-any-return]


@torch.no_grad()
def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    conv.weight.mul_(scale[:, None, None, None])
    bias = norm.bias - norm.running_mean * scale
    conv.bias = nn.Parameter(bias if conv.bias is None else bias + conv.bias * scale)
    return conv
