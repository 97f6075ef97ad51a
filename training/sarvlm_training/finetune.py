"""Training of the compact SARCLIP and SARCap: one readable loop.

``python -m sarvlm_training.finetune RECIPE.toml [--set key=value ...] [--resume]``, or
``torchrun --nproc-per-node N -m sarvlm_training.finetune ...`` on several GPUs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from sarvlm_models.caption_decoder import CaptionDecoder, DecoderConfig, WordList
from sarvlm_models.captioner import load_decoder
from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import CompactConfig, CompactSarclip

from .checkpoints import CAPTIONER_FILE, STATE_FILE, WEIGHTS_FILE, save_run, save_state
from .concepts import load_vocabulary
from .data.steps import Step
from .objectives import Learner, Objectives
from .parallel import Parallel, moved
from .recipe import Recipe, read_recipe
from .sources import captioned_pictures, make_steps, word_list
from .start import load_imagenet_start
from .wordings import SentenceEncoder, Wordings

REPORT_EVERY = 25
Report = Callable[[dict[str, Any]], None]


def learning_rate(step: int, recipe: Recipe) -> float:
    """Share of the peak rate: linear warm-up, then a half cosine to 1 %."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    progress = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def make_learner(recipe: Recipe, words: WordList, concepts: int) -> tuple[Learner, CompactSarclip | None]:
    """The networks at their start, and the frozen teacher of the bridge where the recipe has one.

    Raises
    ------
    ValueError
        The start does not fit, or is missing.
    """
    sarclip = CompactSarclip(CompactConfig(whole="pyramid"))
    decoder = CaptionDecoder(DecoderConfig(words=len(words)))
    teacher = None
    if recipe.start == "imagenet":
        load_imagenet_start(sarclip.image.backbone)
    elif recipe.start != "scratch":
        _load_start(Path(recipe.start), sarclip, decoder, words)
        teacher = CompactSarclip(sarclip.config)
        teacher.load_state_dict(sarclip.state_dict())
        teacher.requires_grad_(False).eval()
    return Learner(sarclip, decoder, concepts).to(memory_format=torch.channels_last), teacher


def _load_start(path: Path, sarclip: CompactSarclip, decoder: CaptionDecoder, words: WordList) -> None:
    if not path.is_file():
        raise ValueError(f"{path} is not there; run the recipe that makes it first, or set start = \"imagenet\".")
    state = {key: value.float() for key, value in load_file(str(path)).items()}
    try:
        sarclip.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit the compact tower ({str(error).splitlines()[-1].strip()}).") from error
    told = path.with_name(CAPTIONER_FILE)
    if told.is_file():
        earlier, earlier_words = load_decoder(told, file_sha256(path))
        _take_over(decoder, words, earlier, earlier_words)


def _take_over(decoder: CaptionDecoder, words: WordList, earlier: CaptionDecoder, earlier_words: WordList) -> None:
    """Weights of an earlier decoder; the rows of words that both know."""
    state = {k: v.float() for k, v in earlier.state_dict().items() if not k.startswith("embed.")}
    decoder.load_state_dict(state, strict=False)
    known = {word: i for i, word in enumerate(earlier_words.words)}
    with torch.no_grad():
        for i, word in enumerate(words.words):
            if word in known:
                decoder.embed.weight[i] = earlier.embed.weight[known[word]].float()


def make_optimiser(learner: Learner, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with one peak rate for the backbone and one for the rest."""
    backbone = list(learner.sarclip.image.backbone.parameters())
    known = {id(p) for p in backbone}
    rest = [p for p in learner.parameters() if id(p) not in known]
    return torch.optim.AdamW(
        [{"params": backbone, "peak": recipe.backbone_rate}, {"params": rest, "peak": recipe.rate}],
        lr=recipe.rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98),
    )  # fmt: skip


@torch.no_grad()
def calibrate(objectives: Objectives, steps: Iterator[Step], count: int) -> None:
    """Take the backbone's normalisation and the head's statistics from `count` steps of the data at hand."""
    image = objectives.learner.sarclip.image
    norms = [m for m in image.backbone.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all that follows
    image.backbone.train()
    kept = [next(steps) for _ in range(count)]
    for step in kept:
        objectives.see_all(step)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    image.backbone.eval()
    pooled = [image.head.pooled(maps, log) for step in kept for maps, log in objectives.see_all(step)]
    image.head.calibrate(torch.cat(pooled))


def train(recipe: Recipe, *, resume: bool = False, report: Report | None = None) -> Path:
    """Run a recipe; gives the path of the averaged weights.

    Interrupted at any time it keeps its last state, from which `resume` goes on.

    Raises
    ------
    ValueError, FileNotFoundError
        The recipe or its data cannot be used.
    """
    parallel = Parallel.start(recipe)
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    recipe.out.mkdir(parents=True, exist_ok=True)
    vocabulary, pictures = load_vocabulary(), captioned_pictures(recipe)
    words = word_list(vocabulary, pictures)
    learner, teacher = make_learner(recipe, words, len(vocabulary))
    sentences = SentenceEncoder(recipe.text)
    wordings = Wordings(vocabulary, sentences)
    picture_texts = sentences(pictures.texts) if pictures else torch.zeros(0, 384)
    del sentences
    learner.to(parallel.device)
    optimiser, start = make_optimiser(learner, recipe), 0
    average = {k: v.detach().clone() for k, v in learner.state_dict().items()}
    state_file = recipe.out / STATE_FILE
    saved = torch.load(state_file, weights_only=True, map_location=parallel.device) if _goes_on(resume, recipe) else None
    if saved is not None:
        learner.load_state_dict(saved["learner"])
        optimiser.load_state_dict(saved["optimiser"])
        average, start = saved["average"], saved["step"]
    seed = recipe.seed + 1000 * start + 7919 * parallel.rank
    dataset = make_steps(recipe, vocabulary, words, pictures, seed)
    ahead = 4 if recipe.workers else None
    loader = DataLoader(dataset, batch_size=None, num_workers=recipe.workers, prefetch_factor=ahead)
    steps = (moved(step, parallel.device) for step in loader)
    generator = torch.Generator().manual_seed(seed)
    objectives = Objectives(learner, wordings, recipe, generator, picture_texts, teacher).on(parallel.device)
    if saved is None:
        calibrate(objectives, steps, recipe.calibration)
        average = {k: v.detach().clone() for k, v in learner.state_dict().items()}

    def keep(step: int) -> None:
        if parallel.rank == 0:
            save_state(state_file, learner=learner.state_dict(), optimiser=optimiser.state_dict(), average=average, step=step)
            save_run(recipe.out, average, learner.sarclip.config, (learner.decoder, words), {"steps": str(step)})

    began, sums = time.time(), dict[str, float]()
    learner.train()
    learner.freeze_statistics()
    for step in range(start, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * learning_rate(step, recipe)
        with parallel.autocast():
            parts = objectives(next(steps))
            total = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        parallel.average_gradients(learner)
        torch.nn.utils.clip_grad_norm_(learner.parameters(), 2.0)
        optimiser.step()
        _lerp(average, learner.state_dict(), 1 - min(recipe.average, (step + 1) / (step + 20)))
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if (step + 1) % REPORT_EVERY == 0 and report is not None and parallel.rank == 0:
            event = {"step": step + 1, "steps": recipe.steps, "seconds": round(time.time() - began)}
            report(event | {k: round(v / REPORT_EVERY, 4) for k, v in sums.items()} | _calibration(learner))
            sums.clear()
        if (step + 1) % recipe.keep_every == 0 or step + 1 == recipe.steps:
            keep(step + 1)
    parallel.stop()
    return recipe.out / WEIGHTS_FILE


def _goes_on(resume: bool, recipe: Recipe) -> bool:
    return resume and (recipe.out / STATE_FILE).exists()


def _calibration(learner: Learner) -> dict[str, float]:
    sarclip = learner.sarclip
    return {"scale": round(sarclip.scale.item(), 2), "bias": round(sarclip.bias.item(), 2)}


def _lerp(average: dict[str, Tensor], state: dict[str, Tensor], weight: float) -> None:
    for key, value in state.items():
        if value.is_floating_point():
            average[key].lerp_(value, weight)
        else:
            average[key].copy_(value)


def run(path: Path, overrides: list[str], *, resume: bool, report: Report) -> Path:
    """Read and run a recipe, and before it the one that it starts from where that has not been run yet."""
    recipe = read_recipe(path, overrides)
    if recipe.before and not Path(recipe.start).is_file():
        report({"recipe": recipe.before})
        run(path.with_name(recipe.before), [], resume=resume, report=report)
    return train(recipe, resume=resume, report=report)


def print_event(event: dict[str, Any]) -> None:
    """One JSON line on standard output."""
    print(json.dumps(event), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line of the training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args(arguments)
    weights = run(options.recipe, options.set, resume=options.resume, report=print_event)
    print_event({"weights": str(weights)})
    return 0


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
