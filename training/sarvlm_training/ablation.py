"""What each link of the chain gains: scratch, natural images, optical remote sensing, SAR, and their ensemble.

``python -m sarvlm_training.ablation [--plan EVAL.toml] [--steps N] [--seeds N] [--out DIR]`` trains a short schedule
of chips from every start with every seed, measures each by the chip sets of the plan of `sarvlm ensemble --sweep`, and
prints a table of means and spreads. What was trained or measured before is not done again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from safetensors.torch import load_file

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import SarvlmError
from sarvlm_models.compact import CompactConfig, load_compact_file
from sarvlm_models.device import choose_device

from .checkpoints import WEIGHTS_FILE, small_weights
from .ensemble import average
from .finetune import print_event, run, train
from .recipe import Recipe, read_recipe
from .sweep import Measure
from .sweep_measures import planned_measures
from .sweep_plan import Classify, read_plan

RECIPES = Path(__file__).parent / "recipes"
TEXT = Path("resources/weights")
Figures = dict[str, float]


def starts(optical: Path) -> dict[str, str]:
    """What a short SAR training starts from, by the name of its row."""
    return {"scratch -> SAR": "scratch", "natural -> SAR": "imagenet", "natural -> optical -> SAR": str(optical)}


def short_recipe(out: Path, start: str, seed: int, steps: int) -> Recipe:
    """The recipe `ablation.toml` from a start, with a seed and a length."""
    recipe = read_recipe(RECIPES / "ablation.toml", [])
    return replace(recipe, out=out, start=start, seed=seed, steps=steps, keep_every=steps)


def measured(weights: Path, measures: Sequence[Measure]) -> Figures:
    """The figures of weights; kept beside them."""
    kept = weights.with_suffix(".figures.json")
    if kept.is_file():
        figures: Figures = json.loads(kept.read_text(encoding="utf-8"))
        if figures.keys() == {measure.name for measure in measures}:
            return figures
    encoder = load_compact_file(weights, TEXT, choose_device("cpu"))
    figures = {measure.name: measure.figure(encoder) for measure in measures}
    _write(kept, figures)
    return figures


def _write(path: Path, content: object) -> None:
    with replace_when_done(path) as part:
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")


def ablate(out: Path, seeds: int, steps: int, measures: Sequence[Measure]) -> dict[str, list[Figures]]:
    """Figures of every row, one a seed (one in all for rows without a seed)."""
    optical = out / "optical" / WEIGHTS_FILE
    if not optical.is_file():
        run(RECIPES / "compact-optical.toml", [f"out={optical.parent}"], resume=True, report=print_event)
    rows: dict[str, list[Figures]] = {"natural -> optical, no SAR": [measured(optical, measures)]}
    for name, start in starts(optical).items():
        found, trained = [], []
        for seed in range(seeds):
            folder = out / f"{name.replace(' -> ', '-')}-{seed}"
            if not (folder / WEIGHTS_FILE).is_file():
                train(short_recipe(folder, start, seed, steps), resume=True, report=print_event)
            trained.append(folder / WEIGHTS_FILE)
            found.append(measured(trained[-1], measures))
        rows[name] = found
    rows["the last, mean of the weights of all seeds"] = [measured(_ensemble(trained, out / "ensemble"), measures)]
    return rows


def _ensemble(trained: Sequence[Path], folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        mixed = average([load_file(str(weights)) for weights in trained])
        with replace_when_done(path) as part:
            part.write_bytes(small_weights(mixed, CompactConfig(whole="pyramid"), {"mean of": str(len(trained))}))
    return path


def table(rows: Mapping[str, Sequence[Figures]]) -> str:
    """Markdown: the mean of every measure in per cent, with the spread (standard deviation) over the seeds."""
    names = list(next(iter(rows.values()))[0])
    lines = ["| " + " | ".join(["chain", "seeds", *names]) + " |", "|---|---:|" + "---:|" * len(names)]
    for name, found in rows.items():
        cells = [_cell([figures[measure] for figures in found]) for measure in names]
        lines.append(f"| {name} | {len(found)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.1f}{spread}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the ablation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, default=RECIPES / "sweep.toml")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        chips = [planned for planned in read_plan(options.plan) if isinstance(planned.part, Classify)]
        rows = ablate(options.out, options.seeds, options.steps, planned_measures(chips))
    except (SarvlmError, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    _write(options.out / "table.json", rows)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
