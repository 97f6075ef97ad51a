"""The last step of a training: words and whole vectors fitted on frozen features.

The backbone is read once over many augmented chips and crops; then only the head of whole pictures, the last layer of
places, the projection of texts and their calibration go on learning, hundreds of times faster than the whole network.
It pulls like names (BTR-60, BTR-70) apart, which the frozen sentence encoder puts almost into one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sarvlm_app.errors import ModelError
from sarvlm_models.compact import CompactSarclip
from sarvlm_models.preprocess import input_planes, spacing_code

from .data.steps import Step
from .losses import chip_loss, contrast_loss, place_loss, repulsion_loss
from .objectives import PROTOTYPE_SCALE, Objectives
from .recipe import Recipe
from .wordings import Wordings

CHIPS: Final = 256
CROPS: Final = 6
WORDINGS: Final = 4
ABSENT: Final = 24
DECAY: Final = 0.05
AVERAGE: Final = 0.99
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Features:
    """What the frozen backbone says of chips and crops.

    Attributes
    ----------
    inputs : float32 (n, inputs)
        Standardised inputs of the head.
    labels : int8 (n, concepts)
    own : int64 (n,)
    fused : float16 (m, hidden, cells, cells)
    places : int8 (m, concepts, cells, cells)
    """

    inputs: Tensor
    labels: Tensor
    own: Tensor
    fused: Tensor
    places: Tensor


@torch.no_grad()
def read_features(sarclip: CompactSarclip, steps: Iterator[Step], count: int) -> Features:
    """Features of `count` steps.

    Raises
    ------
    ModelError
        The steps hold no chips or no crops.
    """
    image = sarclip.image.eval()
    inputs, labels, own, maps, places = (list[Tensor]() for _ in range(5))
    for _ in range(count):
        step = next(steps)
        if step.chips is not None:
            planes = _planes(step.chips)
            pooled = image.head.pooled(image.pyramid(planes), planes[:, :1])
            inputs.append(((pooled - image.head.centre) / image.head.spread).clamp(-6.0, 6.0))
            labels.append(step.chips["labels"])
            own.append(step.chips["own"])
        if step.scenes is not None:
            planes = _planes(step.scenes)
            maps.append(image.fused(image.pyramid(planes), planes, spacing_code(step.scenes["spacing_m"])).half())
            places.append(step.scenes["labels"])
    if not inputs or not maps:
        raise ModelError("head_steps needs crops and chips to fit on; give the recipe both, or set head_steps = 0.")
    return Features(torch.cat(inputs), torch.cat(labels), torch.cat(own), torch.cat(maps), torch.cat(places))


def _planes(part: dict[str, Tensor]) -> Tensor:
    return input_planes(part["relative"], part["ratio"]).contiguous(memory_format=torch.channels_last)


@dataclass(slots=True)
class Heads:
    """What goes on learning, over features that do not change."""

    sarclip: CompactSarclip
    prototypes: nn.Parameter
    wordings: Wordings
    features: Features
    recipe: Recipe
    generator: torch.Generator

    def parameters(self) -> list[nn.Parameter]:
        """Head, last layer of places, projection, calibration and prototypes."""
        head = self.sarclip.image.head
        modules = (head.inner, head.outer, head.direct, self.sarclip.image.to_patch, self.sarclip.project)
        mine = [parameter for module in modules for parameter in module.parameters()]
        return [*mine, self.sarclip.log_scale, self.sarclip.bias, self.prototypes]

    def loss(self) -> dict[str, Tensor]:
        """Losses by name of one draw."""
        texts = [self.sarclip.text(self._texts(ABSENT if last else 0)) for last in (False,) * (WORDINGS - 1) + (True,)]
        return {
            "chips": self._chips(texts),
            "places": self._places(texts[-1]),
            "repulsion": self.recipe.repulsion_weight * repulsion_loss(texts[0], self.wordings.apart),
        }

    @torch.no_grad()
    def set_off(self) -> None:
        """Learn what sets the vector of a picture off against those of all others."""
        vectors = self.sarclip.image.head.eval().vectors(self.features.inputs)
        self.sarclip.standing_out.calibrate(vectors, self.features.own)

    def _texts(self, absent: int) -> Tensor:
        return self.wordings.draw(self.generator, absent, self.recipe.text_noise / 2)

    def _chips(self, texts: list[Tensor]) -> Tensor:
        rows = torch.randint(len(self.features.own), (CHIPS,), generator=self.generator)
        labels, own = self.features.labels[rows], self.features.own[rows]
        whole = self.sarclip.image.head.vectors(self.features.inputs[rows])
        logits = self.sarclip.scale * whole @ torch.cat(texts).T + self.sarclip.bias
        cosine = whole @ F.normalize(self.prototypes, dim=1).T
        mine = F.one_hot(own, labels.shape[1]).bool()
        rivals = (PROTOTYPE_SCALE * cosine).masked_fill((labels != 0) & ~mine, float("-inf"))
        return chip_loss(logits, labels, own, len(texts)) + 0.5 * F.cross_entropy(rivals, own)

    def _places(self, text: Tensor) -> Tensor:
        rows = torch.randint(len(self.features.fused), (CROPS,), generator=self.generator)
        labels = F.pad(self.features.places[rows], (0, 0, 0, 0, 0, ABSENT))
        cosine = torch.einsum("ndhw,kd->nkhw", self.sarclip.image.patches(self.features.fused[rows]), text)
        logits = self.sarclip.scale * cosine
        return place_loss(logits + self.sarclip.bias, labels) + 0.5 * contrast_loss(logits, labels)


def refine(heads: Heads, steps: int, report: Report) -> None:
    """Fit the heads for `steps` steps and leave their running average in the network."""
    parameters = heads.parameters()
    optimiser = torch.optim.AdamW(parameters, lr=heads.recipe.rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, heads.recipe.rate, steps + 1, pct_start=0.1)
    average = [parameter.detach().clone() for parameter in parameters]
    heads.sarclip.image.head.train()
    for step in range(steps):
        parts = heads.loss()
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        optimiser.step()
        schedule.step()
        for kept, parameter in zip(average, parameters, strict=True):
            kept.lerp_(parameter.detach(), 1 - AVERAGE)
        if (step + 1) % 100 == 0:
            report({"head_step": step + 1, "head_steps": steps} | {k: round(v.item(), 4) for k, v in parts.items()})
    with torch.no_grad():
        for kept, parameter in zip(average, parameters, strict=True):
            parameter.copy_(kept)


def fit_heads(sarclip: CompactSarclip, objectives: Objectives, steps: Iterator[Step], report: Report) -> None:
    """Read the features of the recipe's data and fit the heads of `sarclip` on them."""
    recipe, wordings = objectives.recipe, objectives.wordings
    features = read_features(sarclip, steps, recipe.head_reads)
    prototypes = nn.Parameter(objectives.learner.prototypes.detach().clone())
    heads = Heads(sarclip, prototypes, wordings, features, recipe, objectives.generator)
    refine(heads, recipe.head_steps, report)
    heads.set_off()
