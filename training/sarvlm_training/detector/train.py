"""Training of SARDet and SARRot: one readable loop, run by `sarvlm finetune` for recipes of kind "detector"."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import save
from torch import Tensor

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import ModelError
from sarvlm_models.detectors.detector import ARCHITECTURE, detector_metadata
from sarvlm_models.detectors.network import DetectorConfig, DetectorNetwork
from sarvlm_models.device import choose_device
from sarvlm_models.preprocess import input_planes
from sarvlm_training.checkpoints import STATE_FILE, WEIGHTS_FILE, make_folder, save_state
from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.faults import in_words, require_finite
from sarvlm_training.interrupts import Interrupts
from sarvlm_training.wordings import SentenceEncoder

from . import sources
from .classes import KINDS, SHIPPED
from .crops import Crop
from .losses import Judged, Naming, judge
from .matching import Targets
from .recipe import DetectorRecipe
from .start import begin
from .words import Words

REPORT_EVERY = 25
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops as tensors.

    Attributes
    ----------
    planes : float32 (n, 3, 320, 320)
    ignore : bool (n, places)
    crops : list of Crop
    """

    planes: Tensor
    ignore: Tensor
    crops: list[Crop]


def make_batch(crops: list[Crop]) -> Batch:
    """A batch of crops."""
    relative = torch.from_numpy(np.stack([crop.relative for crop in crops]))[:, None]
    ratio = torch.tensor([crop.ratio for crop in crops])[:, None, None, None]
    planes = input_planes(relative, ratio).contiguous(memory_format=torch.channels_last)
    fine = torch.from_numpy(np.stack([crop.ignore for crop in crops])).float()[:, None]
    levels = [fine, F.max_pool2d(fine, 2), F.max_pool2d(fine, 4)]
    return Batch(planes, torch.cat([level.flatten(1) for level in levels], dim=1) > 0, crops)


def make_sources(recipe: DetectorRecipe) -> list[tuple[sources.Source, float]]:
    """The recipe's sources with their shares.

    Raises
    ------
    ModelError
        Data that it names are not there.
    """
    made: dict[str, Callable[[], sources.Source]] = {
        "ssdd": lambda: sources.ssdd(recipe.data),
        "mstar": lambda: sources.mstar_scenes(recipe.data),
        "airports": lambda: sources.airports(recipe.data),
        "sentinel": lambda: sources.sentinel(recipe.data),
        "simulated": lambda: sources.simulated(recipe.simulated or Path()),
    }
    found = []
    for name, share in recipe.shares.items():
        try:
            source = made[name]()
        except FileNotFoundError as error:
            raise ModelError(f"{error.filename or error} is not there; correct data or leave {name} out.") from error
        if not source.pictures:
            raise ModelError(f"The source {name} has no pictures; make them first (docs/training.md) or leave it out.")
        found.append((source, share))
    return found


class Run:
    """A training between two steps."""

    def __init__(self, recipe: DetectorRecipe) -> None:
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.network = begin(recipe.start, DetectorConfig()).to(memory_format=torch.channels_last)
        self.words = Words(load_vocabulary(), SentenceEncoder(recipe.text))
        self.optimiser = _optimiser(self.network, recipe)
        self.average = _copied(self.network)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.crops = sources.Drawn(make_sources(recipe), recipe.seed)
        self.half = choose_device("cpu").dtype is torch.bfloat16  # a hundred times slower where it is only emulated
        self.done = 0

    def step(self, crops: list[Crop]) -> Judged:
        """One step; gives its losses."""
        batch, share = make_batch(crops), learning_rate(self.done, self.recipe)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * share
        judged = self._judged(batch)
        total = judged.total()
        require_finite(total, self.done)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.done += 1
        _lerp(self.average, self.network.state_dict(), 1 - min(self.recipe.average, self.done / (self.done + 19)))
        return judged

    def _judged(self, batch: Batch) -> Judged:
        texts = self.words.draw(self.generator, self.recipe.text_noise).sentences
        count = len(texts)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            found = self.network(batch.planes)
        vectors = self.network.text(texts)
        weights = torch.stack([self.words.weights(c.source, c.keys, count) for c in batch.crops])
        targets = [
            Targets(torch.from_numpy(c.rotated), torch.from_numpy(c.upright), self.words.names(c.keys, count))
            for c in batch.crops
        ]
        name = Naming(lambda embedding: self.network.logits(embedding, vectors), weights)
        return judge(found, targets, batch.ignore, name)

    def keep(self) -> None:
        """Write the state to go on from and the weights."""
        save_state(self.recipe.out / STATE_FILE, network=self.network.state_dict(), average=self.average,
                   optimiser=self.optimiser.state_dict(), step=self.done, kind=ARCHITECTURE,
                   words=self.generator.get_state(), crops=self.crops.state,
                   recipe=json.dumps(asdict(self.recipe), default=str))  # fmt: skip
        about = {"steps": str(self.done), "of": str(self.recipe.steps)}
        write_weights(self.recipe.out / WEIGHTS_FILE, self.average, self.network.config, about)

    def take_up(self) -> None:
        """Go on from the state that was kept, where there is one."""
        path = self.recipe.out / STATE_FILE
        if not path.is_file():
            return
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved.get("kind") != ARCHITECTURE:
            raise ModelError(f"{path} is the state of another kind of training; choose another folder by out.")
        if "crops" not in saved:
            raise ModelError(f"{path} was written by an earlier version; start anew in another folder by out.")
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.average, self.done = saved["average"], saved["step"]
        self.generator.set_state(saved["words"])
        self.crops.state = saved["crops"]


def write_weights(path: Path, state: dict[str, Tensor], config: DetectorConfig, notes: dict[str, str]) -> None:
    """Weights in half precision (statistics in full) as a safetensors file, moved into place."""
    small = {k: v if "running" in k or not v.is_floating_point() else v.half() for k, v in state.items()}
    content = save({k: v.cpu().contiguous() for k, v in small.items()},
                   metadata=detector_metadata(config, SHIPPED, KINDS, notes))  # fmt: skip
    with replace_when_done(path) as part:
        part.write_bytes(content)


def learning_rate(step: int, recipe: DetectorRecipe) -> float:
    """Share of the peak rate: linear warm-up, then a half cosine to 1 %."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    progress = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _optimiser(network: DetectorNetwork, recipe: DetectorRecipe) -> torch.optim.AdamW:
    backbone = list(network.backbone.parameters())
    known = {id(p) for p in (*backbone, *network.project.parameters())}
    network.project.requires_grad_(False)
    rest = [p for p in network.parameters() if id(p) not in known]
    groups = [{"params": backbone, "peak": recipe.backbone_rate}, {"params": rest, "peak": recipe.rate}]
    return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))


def _copied(network: DetectorNetwork) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def _lerp(average: dict[str, Tensor], state: dict[str, Tensor], weight: float) -> None:
    for key, value in state.items():
        if value.is_floating_point():
            average[key].lerp_(value, weight)
        else:
            average[key].copy_(value)


def train(recipe: DetectorRecipe, *, resume: bool = False, report: Report) -> Path:
    """Run a recipe; gives the path of the averaged weights.

    SIGINT and SIGTERM end it between two steps with its state kept.

    Raises
    ------
    SarvlmError
        The recipe or its data cannot be used, or memory or the disk does not suffice.
    KeyboardInterrupt
        It was interrupted.
    """
    with in_words(), Interrupts() as interrupts:
        make_folder(recipe.out)
        run = Run(recipe)
        if resume:
            run.take_up()
            report({"resumed": run.done, "steps": recipe.steps})
        _loop(run, interrupts, report)
    return recipe.out / WEIGHTS_FILE


def _loop(run: Run, interrupts: Interrupts, report: Report) -> None:
    recipe, began = run.recipe, time.time()
    sums: dict[str, list[float]] = {}
    run.network.train()
    interrupts.wait()
    while run.done < recipe.steps:
        judged = run.step([next(run.crops) for _ in range(recipe.batch)])
        for name in ("presence", "naming", "rotated", "upright", "axis"):
            sums.setdefault(name, []).append(getattr(judged, name).item())
        last = run.done == recipe.steps
        if run.done % REPORT_EVERY == 0 or last:
            means = {name: round(sum(values) / len(values), 4) for name, values in sums.items()}
            report({"step": run.done, "steps": recipe.steps, "seconds": round(time.time() - began), **means})
            sums.clear()
        if run.done % recipe.keep_every == 0 or last or interrupts.asked:
            run.keep()
        if interrupts.asked and not last:
            raise KeyboardInterrupt
