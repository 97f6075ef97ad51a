"""`sarvlm finetune`: training by a recipe."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sarvlm_app.cli.progress import Progress
from sarvlm_app.errors import ModelError

EXIT_INTERRUPTED = 130
_NOT_LOSSES = ("scale", "bias")


def finetune(options: argparse.Namespace) -> int:
    """Run a recipe; with --json its events are JSON lines on standard output."""
    path = Path(options.recipe)
    if not path.is_file():
        raise ModelError(f"{path} is not a file; name a recipe such as training/sarvlm_training/recipes/compact.toml.")
    from sarvlm_training.finetune import run
    from sarvlm_training.interrupts import INTERRUPTED

    last: dict[str, Any] = {}
    with Progress("Preparing") as progress:

        def report(event: dict[str, Any]) -> None:
            if options.json:
                print(json.dumps(event), flush=True)
            progress.step(*_progress(event))
            last.update(event)

        try:
            weights = run(path, options.set, resume=options.resume, report=report)
        except KeyboardInterrupt:
            print(INTERRUPTED, file=sys.stderr)
            return EXIT_INTERRUPTED
    print(json.dumps({"weights": str(weights)}) if options.json else _ended(weights, last), flush=True)
    return 0


def _progress(event: Mapping[str, Any]) -> tuple[int, int, str]:
    """What is done of how much, and what that is."""
    if "recipe" in event:
        return 0, 0, f"First {event['recipe']}"
    if "head_step" in event:
        return event["head_step"], event["head_steps"], "Fitting words"
    return event.get("step", event.get("resumed", 0)), event.get("steps", 0), "Training"


def _ended(weights: Path, last: Mapping[str, Any]) -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in last.items() if isinstance(value, float) and
                       name not in _NOT_LOSSES)  # fmt: skip
    return f"Weights of {last.get('step', last.get('resumed', 0))} steps written to {weights}" + (
        f"; last losses: {losses}." if losses else "."
    )
