"""The command line in a process of its own with the model of a few lines: spot_process.py MODE ARGUMENTS ...

MODE "plain" just runs. In "held" every window, and in "met" the first one, is
told on standard error and then waits for a line on standard input.
"""

from __future__ import annotations

import sys
from types import ModuleType

from sarvlm_app.cli import main
from tests.cli.spots import SpotEncoder

mode = sys.argv[1]


def on_window(number: int) -> None:
    if mode == "held" or (mode == "met" and number == 0):
        print(f"window {number}", file=sys.stderr, flush=True)
        sys.stdin.readline()


registry = ModuleType("sarvlm_models.registry")  # stands for the real one, without torch
registry.load_encoder = lambda *_: SpotEncoder(on_window)  # type: ignore[attr-defined]
sys.modules["sarvlm_models.registry"] = registry
sys.exit(main(sys.argv[2:]))
