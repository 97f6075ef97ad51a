"""Parts of the command line's parsers: errors that do not leave the process, common options, kinds of values."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

Handler = Callable[[argparse.Namespace], int]


class Usage(Exception):  # noqa: N818 - it is what the user is told, not a failure
    """Wrong usage: the sentence to print."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of leaving the process."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise Usage(f"{self.format_usage()}{self.prog}: {message}")


def lazy(module: str, function: str) -> Handler:
    """A handler of `sarvlm_app.cli.<module>`, imported when it runs."""

    def run(options: argparse.Namespace) -> int:
        return int(getattr(import_module(f"sarvlm_app.cli.{module}"), function)(options))

    return run


def command(commands: Any, name: str, handler: Handler, about: str) -> argparse.ArgumentParser:
    """A subcommand with its help."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(run=handler)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json."""
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output and nothing else there")


def add_scene_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which image of a product is meant, and as what."""
    parser.add_argument("--part", metavar="NAME", help="swath or image of a product that has several, such as IW2")
    parser.add_argument(
        "--calibrate", choices=("sigma0", "beta0", "gamma0"), help="backscatter by the product's own tables"
    )
    parser.add_argument("--remove-noise", action="store_true", help="take thermal noise away (with --calibrate)")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The options --model and --device."""
    parser.add_argument(
        "--model", metavar="NAME_OR_FILE", help="registry name or checkpoint (default: the compact SARCLIP)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def window(text: str) -> tuple[int, int, int, int]:
    """C,R,W,H in pixels."""
    try:
        col, row, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not C,R,W,H in whole pixels, such as 0,0,1024,1024") from None
    if width < 1 or height < 1:
        raise argparse.ArgumentTypeError(f"{text!r} has no area: width and height must be at least 1 px")
    return col, row, width, height


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def count(text: str) -> int:
    """A whole number of at least 1."""
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def metres(text: str) -> float:
    """A length above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of metres above 0")
    return value
