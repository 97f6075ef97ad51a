"""Training of the compact SARCLIP: one readable loop.

``python -m sarvlm_training.finetune RECIPE.toml [--set key=value ...] [--resume]``
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from sarvlm_models.compact import CompactConfig, CompactSarclip, save_metadata
from sarvlm_models.preprocess import input_planes, spacing_code
from sarvlm_models.text_tower import TextTower, load_tokenizer, tokenize

from .concepts import Vocabulary, absent_phrases, load_vocabulary
from .data.chips import AircraftChips, LandCoverChips, MstarFields
from .data.mixture import Batch, Mixture, Source
from .data.samples import CELLS
from .data.scenes import AircraftScenes, SentinelPairs, Ssdd
from .losses import contrast_loss, place_loss, repulsion_loss
from .start import load_imagenet_start


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run."""

    data: Path = Path("../shared/data")
    text: Path = Path("resources/weights")
    out: Path = Path("runs/compact")
    imagenet: bool = True
    steps: int = 3000
    batch: int = 8
    seed: int = 0
    rate: float = 1.0e-3
    backbone_rate: float = 5.0e-4
    weight_decay: float = 0.03
    warm_up: int = 150
    text_noise: float = 0.02
    absent: int = 24
    contrast_weight: float = 0.5
    whole_weight: float = 0.5
    repulsion_weight: float = 0.2
    average: float = 0.998
    threads: int = 1
    workers: int = 1
    keep_every: int = 250
    simulated: Path | None = None
    shares: dict[str, float] = field(default_factory=lambda: {"ssdd": 1.0})


def read_recipe(path: Path, overrides: list[str]) -> Recipe:
    """A recipe from TOML with `key=value` overrides (values in TOML syntax)."""
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    for item in overrides:
        key, _, value = item.partition("=")
        table[key] = tomllib.loads(f"x = {value}")["x"]
    known = {f.name for f in fields(Recipe)}
    unknown = sorted(set(table) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise ValueError(f"{path}: the recipe has no setting named {unknown[0]!r}; known are {names}.")
    for key in ("data", "text", "out", "simulated"):
        if table.get(key):
            table[key] = Path(table[key])
    return Recipe(**table)


def make_sources(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, Source]:
    """The sources that the recipe's shares name."""
    from .validation import ssdd_training_ids

    def simulated() -> Source:
        from .data.simulated import SimulatedScenes

        return SimulatedScenes(recipe.simulated or Path("runs/simulated"), vocabulary)

    makers: dict[str, Callable[[], Source]] = {
        "ssdd": lambda: Ssdd(recipe.data, vocabulary, ssdd_training_ids(recipe.data)),
        "mstar": lambda: MstarFields(recipe.data, vocabulary),
        "aircraft": lambda: AircraftChips(recipe.data, vocabulary),
        "landcover": lambda: LandCoverChips(recipe.data, vocabulary),
        "sentinel": lambda: SentinelPairs(recipe.data, vocabulary),
        "airports": lambda: AircraftScenes(recipe.data, vocabulary),
        "simulated": simulated,
    }
    return {name: makers[name]() for name in recipe.shares}


class Wordings:
    """Sentence vectors of all wordings, computed once; draws one for each concept."""

    def __init__(self, vocabulary: Vocabulary, text_directory: Path) -> None:
        tower = TextTower()
        state = load_file(str(text_directory / "minilm-text.safetensors"))
        tower.load_state_dict({k: v.float() for k, v in state.items()})
        tower.eval()
        tokenizer = load_tokenizer(text_directory / "minilm-tokenizer.json")
        texts, rows = vocabulary.wordings()
        every = texts + absent_phrases()
        with torch.inference_mode():
            parts = [tower(*tokenize(tokenizer, every[i : i + 256])) for i in range(0, len(every), 256)]
        vectors = torch.cat(parts).clone()
        self.absent = vectors[len(texts) :]
        self.apart = torch.from_numpy(vocabulary.never_together())
        self.by_concept = [vectors[: len(texts)][torch.from_numpy(rows == row)] for row in range(len(vocabulary))]

    def draw(self, generator: torch.Generator, absent: int, noise: float) -> Tensor:
        """Sentence vectors float32 (concepts + absent, 384), one wording a concept."""
        picked = [v[torch.randint(len(v), (1,), generator=generator)] for v in self.by_concept]
        order = torch.randperm(len(self.absent), generator=generator)[:absent]
        vectors = torch.cat((*picked, self.absent[order]))
        return F.normalize(vectors + noise * torch.randn(vectors.shape, generator=generator), dim=-1)


def losses(model: CompactSarclip, batch: Batch, sentences: Tensor, recipe: Recipe) -> dict[str, Tensor]:
    """Place, contrast and whole-picture losses of one batch."""
    planes = input_planes(batch["relative"], batch["ratio"]).contiguous(memory_format=torch.channels_last)
    fused = model.image.features(planes, spacing_code(batch["spacing_m"]))
    text = model.text(sentences)
    labels = _with_absent(batch["labels"], recipe.absent)
    cosine = torch.einsum("ndhw,kd->nkhw", model.image.patches(fused), text)
    logits = model.scale * cosine + model.bias
    result = {"place": place_loss(logits, labels), "contrast": contrast_loss(model.scale * cosine, labels)}
    blocks = batch["blocks"]
    if len(blocks):
        places = blocks.tolist()
        whole = torch.cat([model.image.whole(fused[i : i + 1, :, r0:r1, c0:c1]) for i, r0, r1, c0, c1 in places])
        present = torch.stack([_presence(labels[i, :, r0:r1, c0:c1]) for i, r0, r1, c0, c1 in places])
        whole_cosine = whole @ text.T
        whole_logits = (model.scale * whole_cosine + model.bias)[..., None, None]
        result["whole"] = place_loss(whole_logits, present[..., None, None]) + contrast_loss(
            (model.scale * whole_cosine)[..., None], present[..., None]
        )
    return result


def _with_absent(labels: Tensor, count: int) -> Tensor:
    """Labels with `count` further texts that are absent everywhere."""
    n, _, h, w = labels.shape
    return torch.cat((labels, labels.new_zeros(n, count, h, w)), dim=1)


def _presence(labels: Tensor) -> Tensor:
    """Labels of a whole block (texts, h, w): present if anywhere, absent if known to be, else unknown.

    In a block that is a chip the unknown rim of its target says nothing of
    other targets, so a text that is absent somewhere and present nowhere is
    absent; in a whole crop it must be known to be absent everywhere.
    """
    flat = labels.flatten(1)
    most, least = flat.amax(1), flat.amin(1)
    is_chip = labels.shape[-1] < CELLS
    absent = (most == 0) if is_chip else (most == 0) & (least == 0)
    return torch.where(most > 0, 1, torch.where(absent, 0, -1)).to(labels.dtype)


def learning_rate(step: int, recipe: Recipe) -> float:
    """Share of the peak rate: linear warm-up, then a half cosine to 1 %."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    progress = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def save_weights(path: Path, state: dict[str, Tensor], config: CompactConfig, notes: dict[str, str]) -> None:
    """Weights in float16 (statistics in float32) as safetensors, moved into place."""
    part = path.with_name(path.name + ".part")
    halved = {k for k, v in state.items() if v.is_floating_point() and "running" not in k}
    small = {k: (v.half() if k in halved else v).contiguous() for k, v in state.items()}
    save_file(small, str(part), metadata=save_metadata(config, notes))
    part.replace(path)


def make_optimiser(model: CompactSarclip, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with one peak rate for the backbone and one for the rest."""
    backbone = list(model.image.backbone.parameters())
    known = {id(p) for p in backbone}
    rest = [p for p in model.parameters() if id(p) not in known]
    return torch.optim.AdamW(
        [{"params": backbone, "peak": recipe.backbone_rate}, {"params": rest, "peak": recipe.rate}],
        lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98),
    )  # fmt: skip


def train(recipe: Recipe, *, resume: bool = False) -> Path:
    """Run a recipe; gives the path of the averaged weights."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    recipe.out.mkdir(parents=True, exist_ok=True)
    vocabulary = load_vocabulary()
    wordings = Wordings(vocabulary, recipe.text)
    model = CompactSarclip()
    if recipe.imagenet:
        load_imagenet_start(model.image.backbone)
    model.to(memory_format=torch.channels_last)
    optimiser = make_optimiser(model, recipe)
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    start, state_file = 0, recipe.out / "state.pt"
    if resume and state_file.exists():
        saved = torch.load(state_file, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        average, start = saved["average"], saved["step"]
    mixture = Mixture(make_sources(recipe, vocabulary), recipe.shares, recipe.batch, recipe.seed + start)
    ahead = 4 if recipe.workers else None
    loader = iter(DataLoader(mixture, batch_size=None, num_workers=recipe.workers, prefetch_factor=ahead))
    generator = torch.Generator().manual_seed(recipe.seed + start)
    weights = {
        "place": 1.0,
        "contrast": recipe.contrast_weight,
        "whole": recipe.whole_weight,
        "repulsion": recipe.repulsion_weight,
    }
    began, sums = time.time(), dict.fromkeys(weights, 0.0)
    model.train()
    for step in range(start, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * learning_rate(step, recipe)
        sentences = wordings.draw(generator, recipe.absent, recipe.text_noise)
        parts = losses(model, next(loader), sentences, recipe)
        parts["repulsion"] = repulsion_loss(model.text(sentences[: len(vocabulary)]), wordings.apart)
        total = torch.stack([weights[name] * value for name, value in parts.items()]).sum()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        decay = min(recipe.average, (step + 1) / (step + 20))
        for key, value in model.state_dict().items():
            average[key].lerp_(value, 1 - decay) if value.is_floating_point() else average[key].copy_(value)
        for name, value in parts.items():
            sums[name] += value.item()
        if (step + 1) % 25 == 0:
            event: dict[str, float] = {"step": step + 1, "seconds": round(time.time() - began)}
            event |= {k: round(v / 25, 4) for k, v in sums.items()}
            event |= {"scale": round(float(model.scale), 2), "bias": round(float(model.bias), 2)}
            print(json.dumps(event), flush=True)
            sums = dict.fromkeys(weights, 0.0)
        if (step + 1) % recipe.keep_every == 0 or step + 1 == recipe.steps:
            part = state_file.with_suffix(".part")
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**state, "average": average, "step": step + 1}, part)
            part.replace(state_file)
            save_weights(recipe.out / "weights.safetensors", average, model.config, {"steps": str(step + 1)})
    return recipe.out / "weights.safetensors"


def main(arguments: list[str] | None = None) -> int:
    """Command line of the training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.recipe, options.set)
    print(json.dumps({"weights": str(train(replace(recipe), resume=options.resume))}), flush=True)
    return 0


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
