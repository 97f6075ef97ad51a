"""The losses of one step: places, chips, captioned pictures, captions, and the optical bridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sarvlm_models.caption_decoder import CaptionDecoder, caption_loss
from sarvlm_models.compact import CompactSarclip
from sarvlm_models.preprocess import input_planes, spacing_code

from .data.mixture import Batch
from .data.samples import CELLS
from .data.steps import Step, Tokens
from .losses import caption_contrast, chip_loss, contrast_loss, place_loss, repulsion_loss
from .recipe import Recipe
from .wordings import Wordings, noisy

ALIKE = 0.9
RIVALS = 480
PROTOTYPE_SCALE = 20.0
BRIDGE_CELLS = 8


class Learner(nn.Module):
    """The tower and the captioner that are trained together, and one vector a concept that helps chips along.

    The frozen sentence encoder puts like names close together (T-62, T-72), so
    words alone pull like chips apart but slowly; the prototypes do it at once.
    They are not kept.
    """

    def __init__(self, sarclip: CompactSarclip, decoder: CaptionDecoder, concepts: int) -> None:
        super().__init__()
        self.sarclip = sarclip
        self.decoder = decoder
        self.prototypes = nn.Parameter(torch.randn(concepts, sarclip.config.dim))

    def freeze_statistics(self) -> None:
        """Keep the backbone's normalisation as calibrated: chips of one set must not set it for the others."""
        self.sarclip.image.backbone.eval()


@dataclass(slots=True)
class Seeing:
    """What the tower makes of a batch."""

    pyramid: list[Tensor]
    fused: Tensor
    whole: Tensor


@dataclass(slots=True)
class Objectives:
    """Computes the losses of steps.

    Attributes
    ----------
    learner : Learner
    wordings : Wordings
    picture_texts : float32 (m, 384)
        Sentence vectors of all captions of the captioned pictures.
    teacher : CompactSarclip or None
        The frozen tower of the optical stage, for the bridge.
    """

    learner: Learner
    wordings: Wordings
    recipe: Recipe
    generator: torch.Generator
    picture_texts: Tensor
    teacher: CompactSarclip | None = None

    def on(self, device: torch.device) -> Objectives:
        """The same on a device; texts are drawn on the CPU and moved."""
        self.picture_texts = self.picture_texts.to(device)
        if self.teacher is not None:
            self.teacher.to(device)
        return self

    def _texts(self, absent: int) -> Tensor:
        drawn = self.wordings.draw(self.generator, absent, self.recipe.text_noise)
        return drawn.to(self.picture_texts.device)

    def __call__(self, step: Step) -> dict[str, Tensor]:
        """Losses by name, weighted; their sum is what is minimised."""
        recipe, found = self.recipe, dict[str, Tensor]()
        told: list[Tensor] = []
        if step.scenes is not None:
            seeing = self._see(step.scenes["relative"], step.scenes["ratio"], step.scenes["spacing_m"])
            found |= self._places(step.scenes, seeing)
            told += self._captions(seeing, step.scene_tokens)
        if step.chips is not None:
            seeing = self._see(step.chips["relative"], step.chips["ratio"], None, steady=step.scenes is not None)
            found["chips"] = recipe.chip_weight * self._chips(step.chips, seeing.whole)
            told += self._captions(seeing, step.chip_tokens)
        if step.pictures is not None:
            seeing = self._see(step.pictures["relative"], step.pictures["ratio"], None, steady=step.scenes is not None)
            found["pictures"] = recipe.picture_weight * self._pictures(step.pictures, seeing)
            told += self._captions(seeing, step.picture_tokens)
        if told:
            found["captions"] = recipe.caption_weight * torch.stack(told).mean()
        text = self.learner.sarclip.text(self._texts(0))
        apart = self.wordings.apart.to(text.device)
        found["repulsion"] = recipe.repulsion_weight * repulsion_loss(text, apart)
        return found

    def _see(self, relative: Tensor, ratio: Tensor, spacing_m: Tensor | None, *, steady: bool = False) -> Seeing:
        """What the tower makes of pictures; `steady` leaves the normalisation of places to scenes."""
        image = self.learner.sarclip.image
        image.fuse.train(not steady)
        planes = input_planes(relative, ratio).contiguous(memory_format=torch.channels_last)
        height, width = planes.shape[-2:]
        pyramid = image.pyramid(planes)
        whole = image.head(pyramid, planes[:, :1])
        even = planes[..., : height - height % 32, : width - width % 32]
        code = spacing_code(spacing_m if spacing_m is not None else planes.new_zeros(len(planes)))
        own = pyramid if even.shape == planes.shape else image.pyramid(even[:8])
        return Seeing(pyramid, image.fused(own, even[: len(own[0])], code[: len(own[0])]), whole)

    def _places(self, batch: Batch, seeing: Seeing) -> dict[str, Tensor]:
        recipe, sarclip = self.recipe, self.learner.sarclip
        labels = _with_absent(batch["labels"], recipe.absent)
        text = sarclip.text(self._texts(recipe.absent))
        patches = sarclip.image.patches(seeing.fused)
        cosine = torch.einsum("ndhw,kd->nkhw", patches, text)
        found = {
            "place": recipe.place_weight * place_loss(sarclip.scale * cosine + sarclip.bias, labels),
            "contrast": recipe.contrast_weight * contrast_loss(sarclip.scale * cosine, labels),
        }
        rows = batch["blocks"][:, 0]
        if len(rows):
            present = torch.stack([presence(labels[i]) for i in rows.tolist()])
            logits = sarclip.scale * seeing.whole[rows] @ text.T
            found["whole"] = 0.25 * place_loss((logits + sarclip.bias)[..., None, None], present[..., None, None])
        if self.teacher is not None and recipe.bridge_weight and len(batch["optical"]):
            found["bridge"] = recipe.bridge_weight * self._bridge(batch, patches, seeing.whole)
        return found

    def _bridge(self, batch: Batch, patches: Tensor, whole: Tensor) -> Tensor:
        """Distance of SAR features to the teacher's features of the optical picture of the same ground."""
        assert self.teacher is not None
        rows, optical = batch["optical_rows"], batch["optical"]
        ratio = torch.quantile(optical.flatten(1), 0.98, dim=1).clamp(min=1.2).reshape(-1, 1, 1, 1)
        with torch.no_grad():
            planes = input_planes(optical, ratio).contiguous(memory_format=torch.channels_last)
            pyramid = self.teacher.image.pyramid(planes)
            fused = self.teacher.image.fused(pyramid, planes, spacing_code(batch["spacing_m"][rows]))
            aim, aim_whole = self.teacher.image.patches(fused), self.teacher.image.head(pyramid, planes[:, :1])
        pooled = [F.normalize(F.adaptive_avg_pool2d(p, BRIDGE_CELLS), dim=1) for p in (patches[rows], aim)]
        places, wholes = (pooled[0] * pooled[1]).sum(1).mean(), (whole[rows] * aim_whole).sum(1).mean()
        distance: Tensor = 2.0 - places - wholes
        return distance

    def _chips(self, chips: dict[str, Tensor], whole: Tensor) -> Tensor:
        recipe, sarclip = self.recipe, self.learner.sarclip
        drawn = [self._texts(0) for _ in range(recipe.wordings - 1)] + [self._texts(recipe.absent)]
        logits = sarclip.scale * whole @ sarclip.text(torch.cat(drawn)).T + sarclip.bias
        by_words = chip_loss(logits, chips["labels"], chips["own"], recipe.wordings)
        own = F.one_hot(chips["own"], chips["labels"].shape[1]).bool()
        cosine = whole @ F.normalize(self.learner.prototypes, dim=1).T
        rivals = (PROTOTYPE_SCALE * cosine).masked_fill((chips["labels"] != 0) & ~own, float("-inf"))
        return by_words + recipe.prototype_weight * F.cross_entropy(rivals, chips["own"], label_smoothing=0.0)

    def _pictures(self, pictures: dict[str, Tensor], seeing: Seeing) -> Tensor:
        """Contrast of whole vectors, and of the mean over places, with the captions."""
        sarclip = self.learner.sarclip
        own = self.picture_texts[pictures["texts"]]
        rivals = torch.randint(len(self.picture_texts), (RIVALS,), generator=self.generator)
        others = self.picture_texts[rivals]
        alike = own @ torch.cat((own, others)).T > ALIKE
        alike[torch.arange(len(own)), torch.arange(len(own))] = False
        text = sarclip.text(noisy(own, self.generator, self.recipe.text_noise))
        rival_text = sarclip.text(others)
        loss = caption_contrast(seeing.whole, text, rival_text, sarclip.scale, alike)
        if len(seeing.fused) == len(own):
            places = F.normalize(sarclip.image.patches(seeing.fused).mean((2, 3)), dim=1)
            loss = loss + 0.5 * caption_contrast(places, text, rival_text, sarclip.scale, alike)
        return loss

    def _captions(self, seeing: Seeing, told: Tokens | None) -> list[Tensor]:
        if told is None or not self.recipe.caption_weight:
            return []
        decoder = self.learner.decoder
        keep = told.rows < len(seeing.fused)
        rows, tokens, first = told.rows[keep], told.tokens[keep], told.first[keep]
        memory = decoder.memory(seeing.fused[rows], seeing.whole[rows])
        return [caption_loss(decoder(tokens, memory), tokens, first)]

    def see_all(self, step: Step) -> list[tuple[list[Tensor], Tensor]]:
        """Backbone maps and log planes of every part of a step (for calibration)."""
        image, found = self.learner.sarclip.image, []
        parts: Sequence[dict[str, Tensor] | None] = (step.scenes, step.chips, step.pictures)
        for part in parts:
            if part is not None:
                planes = input_planes(part["relative"], part["ratio"]).contiguous(memory_format=torch.channels_last)
                found.append((image.pyramid(planes), planes[:, :1]))
        return found


def _with_absent(labels: Tensor, count: int) -> Tensor:
    """Labels with `count` further texts that are absent everywhere."""
    n, _, h, w = labels.shape
    return torch.cat((labels, labels.new_zeros(n, count, h, w)), dim=1)


def presence(labels: Tensor) -> Tensor:
    """Labels int8 (texts,) of a whole crop: present if anywhere, absent if known to be so everywhere, else unknown."""
    assert labels.shape[-1] == CELLS
    flat = labels.flatten(1)
    most, least = flat.amax(1), flat.amin(1)
    absent = (most == 0) & (least == 0)
    return torch.where(most > 0, 1, torch.where(absent, 0, -1)).to(labels.dtype)
