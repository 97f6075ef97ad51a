"""Losses that tie words to places and to whole pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

FOCAL_EXPONENT = 1.5


def place_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Focal sigmoid loss of every text at every place, averaged over positives.

    Parameters
    ----------
    logits : float32 (n, texts, h, w)
    labels : int8 (n, texts, h, w)
        1 present, 0 absent, -1 unknown (ignored).

    Notes
    -----
    Each text has its own sigmoid, so that a similarity alone means something;
    focal weighting as in Lin et al. 2017.
    """
    known = labels >= 0
    target = (labels > 0).to(logits.dtype)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    wrongness = torch.where(labels > 0, 1 - logits.sigmoid(), logits.sigmoid())
    weighted = entropy * wrongness**FOCAL_EXPONENT * known
    positives, negatives = target.sum((0, 2, 3)), (known & (labels == 0)).sum((0, 2, 3))
    present = (weighted * target).sum((0, 2, 3)) / (positives + 8.0)
    absent = (weighted * (1 - target)).sum((0, 2, 3)) / (0.02 * negatives + positives + 8.0)
    return (present + absent).sum() / max(float((positives > 0).sum()), 4.0)


def contrast_loss(logits: Tensor, labels: Tensor, most: int = 4096) -> Tensor:
    """Softmax over texts at labelled places: each present text against all absent ones.

    Parameters
    ----------
    logits : float32 (n, texts, ...)
    labels : int8, same shape
    most : int
        Places drawn when more are labelled.
    """
    flat = logits.flatten(2).transpose(1, 2).reshape(-1, logits.shape[1])
    marks = labels.flatten(2).transpose(1, 2).reshape(-1, labels.shape[1])
    chosen = (marks > 0).any(1).nonzero()[:, 0]
    if chosen.numel() == 0:
        return logits.sum() * 0.0
    if chosen.numel() > most:
        chosen = chosen[torch.randperm(chosen.numel(), device=chosen.device)[:most]]
    flat, marks = flat[chosen], marks[chosen]
    absent = flat.masked_fill(marks != 0, float("-inf")).logsumexp(1, keepdim=True)
    gain = torch.logaddexp(flat, absent) - flat
    present = (marks > 0).to(flat.dtype)
    per_text = 1.0 / present.sum(0).clamp(min=20.0)
    weight = present * per_text
    return (gain * weight).sum() / weight.sum()


def repulsion_loss(text: Tensor, apart: Tensor, least: float = 0.2) -> Tensor:
    """Keeps texts of unlike things apart: sum of squares of what their cosines have above `least`.

    Parameters
    ----------
    text : float32 (n, d)
        Unit vectors of one wording for each concept.
    apart : bool (n, n)
        Pairs that never name the same place (a battle tank and a storage tank).
    """
    excess = (text @ text.T - least).clamp(min=0.0)
    return (excess[apart] ** 2).sum()


def chip_loss(logits: Tensor, labels: Tensor, own: Tensor, texts_per_concept: int) -> Tensor:
    """Softmax of whole chips over texts: each text that is true of a chip against all that are false.

    Parameters
    ----------
    logits : float32 (n, k + absent)
        Texts of concept c stand at c, c + concepts, c + 2 concepts ...; the absent ones last.
    labels : int8 (n, concepts)
        1 true, 0 false, -1 unknown.
    own : int64 (n,)
        The most special concept of each chip; what it is a kind of weighs a quarter.
    texts_per_concept : int
    """
    concepts = labels.shape[1]
    weight = (labels > 0).float() * 0.25
    weight[torch.arange(len(own)), own] = 1.0
    marks, weight = labels.repeat(1, texts_per_concept), weight.repeat(1, texts_per_concept)
    spare = logits.shape[1] - concepts * texts_per_concept
    marks, weight = F.pad(marks, (0, spare)), F.pad(weight, (0, spare))
    false = logits.masked_fill(marks != 0, float("-inf")).logsumexp(1, keepdim=True)
    gain = torch.logaddexp(logits, false) - logits
    sigmoid = F.binary_cross_entropy_with_logits(logits, (marks > 0).float(), reduction="none")
    false_share = (marks == 0) / (marks == 0).sum(1, keepdim=True)
    balance = torch.where(marks > 0, weight / weight.sum(1, keepdim=True), false_share)
    return (gain * weight).sum() / weight.sum() + 0.3 * (sigmoid * balance).sum(1).mean()


def caption_contrast(image: Tensor, text: Tensor, others: Tensor, scale: Tensor, alike: Tensor) -> Tensor:
    """Symmetric InfoNCE of pictures and captions with further captions as rivals of the pictures.

    Parameters
    ----------
    image, text : float32 (n, d)
        Unit vectors of pairs.
    others : float32 (m, d)
        Captions of other pictures.
    scale : float32 ()
    alike : bool (n, n + m)
        Captions that say nearly the same as a picture's own; they are no rivals.
    """
    places = torch.arange(len(image), device=image.device)
    by_image = (scale * image @ torch.cat((text, others)).T).masked_fill(alike, float("-inf"))
    by_text = (scale * text @ image.T).masked_fill(alike[:, : len(image)].T, float("-inf"))
    return F.cross_entropy(by_image, places) + 0.5 * F.cross_entropy(by_text, places)
