"""Training of the compact SARCLIP and SARCap: one readable loop.

``python -m sarvlm_training.finetune RECIPE.toml [--set key=value ...] [--resume]``, or
``torchrun --nproc-per-node N -m sarvlm_training.finetune ...`` on several GPUs.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from sarvlm_app.errors import ModelError, SarvlmError
from sarvlm_models.caption_decoder import CaptionDecoder, DecoderConfig, WordList
from sarvlm_models.captioner import WEIGHTS_FILE as SHIPPED_CAPTIONER
from sarvlm_models.captioner import load_decoder
from sarvlm_models.checkpoints import file_sha256
from sarvlm_models.compact import WEIGHTS_FILE as SHIPPED_WEIGHTS
from sarvlm_models.compact import CompactConfig, CompactSarclip
from sarvlm_models.locations import weights_dir

from .checkpoints import (
    CAPTIONER_FILE,
    HEADS_TO_COME,
    STATE_FILE,
    WEIGHTS_FILE,
    is_finished,
    make_folder,
    save_run,
    save_state,
    split,
)
from .concepts import load_vocabulary
from .data.steps import Step
from .data.user_data import read_user_data
from .detector.recipe import KIND as DETECTOR
from .detector.recipe import read_detector_recipe
from .detector.train import train as train_detector
from .faults import WorkerEndedError, in_words, require_finite
from .heads import fit_heads
from .interrupts import INTERRUPTED, Interrupts
from .objectives import Learner, Objectives
from .parallel import Parallel, moved
from .recipe import Recipe, read_recipe, read_table
from .run_state import names_digest, random_state, read_state, restore_random, settings_of, streams_of, take_up
from .sources import captioned_pictures, make_steps, word_list
from .start import load_imagenet_start
from .wordings import SentenceEncoder, Wordings

REPORT_EVERY, REPORT_SECONDS = 25, 10.0
"""Steps between two reports, and seconds where the steps are slow."""
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
    ModelError
        The start does not fit, or is missing.
    """
    sarclip = CompactSarclip(CompactConfig(whole="pyramid"))
    decoder = CaptionDecoder(DecoderConfig(words=len(words)))
    teacher = None
    if recipe.start == "imagenet":
        load_imagenet_start(sarclip.image.backbone)
    elif recipe.start != "scratch":
        shipped = weights_dir() / SHIPPED_WEIGHTS
        _load_start(shipped if recipe.start == "shipped" else Path(recipe.start), sarclip, decoder, words)
        teacher = CompactSarclip(sarclip.config)
        teacher.load_state_dict(sarclip.state_dict())
        teacher.requires_grad_(False).eval()
    return Learner(sarclip, decoder, concepts).to(memory_format=torch.channels_last), teacher


def _load_start(path: Path, sarclip: CompactSarclip, decoder: CaptionDecoder, words: WordList) -> None:
    if not path.is_file():
        raise ModelError(f'{path} is not there; run the recipe that makes it first, or set start = "imagenet".')
    try:
        sarclip.load_state_dict({key: value.float() for key, value in load_file(str(path)).items()})
    except (RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise ModelError(f"{path} does not fit the compact tower ({reason}); start from weights of it.") from error
    told = next(
        (file for name in (CAPTIONER_FILE, SHIPPED_CAPTIONER) if (file := path.with_name(name)).is_file()), None
    )
    if told is not None:
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


@dataclass(slots=True)
class Run:
    """A run between two steps.

    Attributes
    ----------
    average : dict of str to Tensor
        Running average of the learner's state, which is what is written.
    names : str
        Of `names_digest`.
    streams : deque of str
        Where the generators of the data stand.
    done : int
        Steps so far.
    """

    recipe: Recipe
    parallel: Parallel
    learner: Learner
    optimiser: torch.optim.Optimizer
    average: dict[str, Tensor]
    words: WordList
    names: str
    streams: deque[str]
    done: int = 0

    def advance(self, objectives: Objectives, steps: Iterator[Step]) -> dict[str, float]:
        """One step; gives its losses."""
        recipe = self.recipe
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * learning_rate(self.done, recipe)
        drawn = next(steps)
        with self.parallel.autocast():
            parts = objectives(drawn)
            total = torch.stack(list(parts.values())).sum()
        require_finite(total, self.done)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.parallel.average_gradients(self.learner)
        torch.nn.utils.clip_grad_norm_(self.learner.parameters(), 2.0)
        self.optimiser.step()
        self.done += 1
        _lerp(self.average, self.learner.state_dict(), 1 - min(recipe.average, self.done / (self.done + 19)))
        return {name: value.item() for name, value in parts.items()}

    def keep(self, generator: torch.Generator) -> None:
        """Write the state to go on from and the weights (the first process does)."""
        if self.parallel.rank == 0:
            save_state(
                self.recipe.out / STATE_FILE, learner=self.learner.state_dict(), optimiser=self.optimiser.state_dict(),
                average=self.average, step=self.done, recipe=settings_of(self.recipe), names=self.names,
                random=random_state(generator, self.streams, self.parallel.device),
            )  # fmt: skip
            about = {"steps": str(self.done), "of": str(self.recipe.steps)}
            about |= HEADS_TO_COME if self.recipe.head_steps else {}
            caption = self.learner.decoder, self.words
            save_run(self.recipe.out, self.average, self.learner.sarclip.config, caption, about)

    def fit_heads(self, objectives: Objectives, steps: Iterator[Step], tell: Report) -> None:
        """Fit words and whole vectors of the average on frozen features, and write the weights once more."""
        sarclip = self.learner.sarclip
        sarclip.load_state_dict(split(self.average, "sarclip."))
        fit_heads(sarclip, objectives, steps, tell)
        self.average |= {f"sarclip.{key}": value.detach() for key, value in sarclip.state_dict().items()}
        about = {"steps": str(self.done), "head_steps": str(self.recipe.head_steps)}
        save_run(self.recipe.out, self.average, sarclip.config, (self.learner.decoder, self.words), about)


def prepare(recipe: Recipe, parallel: Parallel, *, resume: bool) -> tuple[Run, Objectives, Iterator[Step]]:
    """The run at its start, or where it was when its state was last kept; its losses and its data."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    make_folder(recipe.out)
    user = read_user_data(recipe.sets, load_vocabulary())
    vocabulary, pictures = user.vocabulary, captioned_pictures(recipe, user)
    words = word_list(vocabulary, pictures, user)
    learner, teacher = make_learner(recipe, words, len(vocabulary))
    sentences = SentenceEncoder(recipe.text)
    wordings = Wordings(vocabulary, sentences)
    picture_texts = sentences(pictures.texts) if pictures else torch.zeros(0, 384)
    learner.to(parallel.device)
    names, streams = names_digest(vocabulary, words), deque[str](maxlen=max(1, recipe.workers))
    run = Run(recipe, parallel, learner, make_optimiser(learner, recipe), _copied(learner), words, names, streams)
    saved = read_state(recipe, names, parallel.device) if resume else None
    if saved is not None:
        take_up(saved, recipe.out / STATE_FILE, learner, run.optimiser)
        run.average, run.done = saved["average"], saved["step"]
    seed = recipe.seed + 1000 * run.done + 7919 * parallel.rank
    dataset = make_steps(recipe, vocabulary, words, pictures, seed, user)
    dataset.streams = streams_of(saved, recipe.workers) if parallel.count == 1 else ()
    streams.extend(dataset.streams)
    ahead = 4 if recipe.workers else None
    loader = DataLoader(dataset, batch_size=None, num_workers=recipe.workers, prefetch_factor=ahead)
    steps = _drawn(iter(loader), parallel.device, streams)
    generator = torch.Generator().manual_seed(seed)
    objectives = Objectives(learner, wordings, recipe, generator, picture_texts, teacher).on(parallel.device)
    if saved is None:
        if recipe.calibration:
            calibrate(objectives, steps, recipe.calibration)
        parallel.average_buffers(learner)
        run.average = _copied(learner)
    elif dataset.streams:
        restore_random(saved["random"], generator, parallel.device)
    learner.train()
    learner.freeze_statistics()
    return run, objectives, steps


def train(recipe: Recipe, *, resume: bool = False, report: Report | None = None) -> Path:
    """Run a recipe; gives the path of the averaged weights.

    SIGINT and SIGTERM end it between two steps with its state kept, from which
    `resume` goes on as if it had never stopped.

    Raises
    ------
    SarvlmError
        The recipe or its data cannot be used, or memory or the disk does not suffice.
    KeyboardInterrupt
        It was interrupted.
    """
    with in_words(), Interrupts() as interrupts, Parallel.start(recipe) as parallel:
        run, objectives, steps = prepare(recipe, parallel, resume=resume)
        tell = report if report is not None and parallel.rank == 0 else _silent
        if run.done:
            tell({"resumed": run.done, "steps": recipe.steps})
        began, sums = time.time(), dict[str, list[float]]()
        told = began
        interrupts.wait()
        while run.done < recipe.steps:
            try:
                losses = run.advance(objectives, steps)
            except WorkerEndedError:  # while the next step was drawn, so that the last one is whole
                run.keep(objectives.generator)
                raise
            for name, value in losses.items():
                sums.setdefault(name, []).append(value)
            last = run.done == recipe.steps
            if run.done % REPORT_EVERY == 0 or last or time.time() - told > REPORT_SECONDS:
                tell(_event(run, began, sums))
                told = time.time()
                sums.clear()
            stopped = parallel.agreed(interrupts.asked)
            if run.done % recipe.keep_every == 0 or last or stopped:
                run.keep(objectives.generator)
            if stopped and (recipe.head_steps or not last):
                raise KeyboardInterrupt
        if recipe.head_steps:
            interrupts.end_at_once()  # the state is kept; what follows is done anew by --resume
            if parallel.rank == 0:
                run.fit_heads(objectives, steps, tell)
        parallel.wait()
    return recipe.out / WEIGHTS_FILE


def _silent(event: dict[str, Any]) -> None: ...


def _drawn(loader: Iterator[Step], device: torch.device, streams: deque[str]) -> Iterator[Step]:
    """Steps on the device; `streams` keeps where the generators of the last ones stand."""
    while True:
        with in_words():
            step = next(loader)
        streams.append(step.stream)
        yield moved(step, device)


def _copied(learner: Learner) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in learner.state_dict().items()}


def _event(run: Run, began: float, sums: dict[str, list[float]]) -> dict[str, Any]:
    """What is told now and then: the mean losses since it was last told."""
    sarclip = run.learner.sarclip
    event = {"step": run.done, "steps": run.recipe.steps, "seconds": round(time.time() - began)}
    losses = {name: round(sum(values) / len(values), 4) for name, values in sums.items()}
    return event | losses | {"scale": round(sarclip.scale.item(), 2), "bias": round(sarclip.bias.item(), 2)}


def _lerp(average: dict[str, Tensor], state: dict[str, Tensor], weight: float) -> None:
    for key, value in state.items():
        if value.is_floating_point():
            average[key].lerp_(value, weight)
        else:
            average[key].copy_(value)


MACHINE = ("data", "text", "device", "precision", "threads", "workers")
"""Settings given on the command line that also hold for the recipe that is run before."""


def run(path: Path, overrides: list[str], *, resume: bool, report: Report) -> Path:
    """Read and run a recipe, and before it the one that it starts from where that has not been run to its end."""
    if read_table(path, overrides).get("kind") == DETECTOR:
        return train_detector(read_detector_recipe(path, overrides), resume=resume, report=report)
    recipe = read_recipe(path, overrides)
    if recipe.before and not is_finished(Path(recipe.start)):
        report({"recipe": recipe.before})
        kept = [item for item in overrides if item.partition("=")[0] in MACHINE]
        run(path.with_name(recipe.before), kept, resume=resume, report=report)
    return train(recipe, resume=resume, report=report)


def print_event(event: dict[str, Any]) -> None:
    """One JSON line on standard output."""
    print(json.dumps(event), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line of the training; gives 1 where its input is at fault and 130 where it was interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args(arguments)
    try:
        weights = run(options.recipe, options.set, resume=options.resume, report=print_event)
    except SarvlmError as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        return 130
    if int(os.environ.get("RANK", "0")) == 0:
        print_event({"weights": str(weights)})
    return 0


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
