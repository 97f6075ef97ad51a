"""`sarvlm finetune`: training by a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

from sarvlm_app.errors import ModelError


def finetune(options: argparse.Namespace) -> int:
    """Run a recipe; events are JSON lines on standard output."""
    from sarvlm_training.finetune import print_event, run

    if not Path(options.recipe).is_file():
        raise ModelError(
            f"{options.recipe} is not a file; name a recipe such as training/sarvlm_training/recipes/compact.toml."
        )
    try:
        run(Path(options.recipe), options.set, resume=options.resume, report=print_event)
    except (ValueError, FileNotFoundError) as error:
        raise ModelError(str(error)) from error
    return 0
