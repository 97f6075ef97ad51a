"""The parser of `sarvlm where`; imports nothing heavy."""

from __future__ import annotations

import argparse
import math
import re
from typing import Any

from .arguments import add_json, command, lazy


def add_where(commands: Any) -> None:
    """The command `where`."""
    about = "from a pixel to its coordinates, and back"
    parser = command(commands, "where", lazy("where", "where"), about)
    parser.add_argument("scene", metavar="SCENE")
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--pixel", type=_pixel, metavar="C,R", help="column and row from the outer corner")
    wanted.add_argument(
        "--at", metavar="TEXT", help="degrees, degrees and minutes, MGRS, UTM, metres of the scene's map, col C row R"
    )
    parser.add_argument(
        "--height", type=_height, metavar="M", help="metres above the ellipsoid (default: the geometry's own)"
    )
    add_json(parser)


def _pixel(text: str) -> tuple[float, float]:
    try:
        col, row = (float(part) for part in text.split(","))
    except ValueError:
        col = row = math.nan
    if not (math.isfinite(col) and math.isfinite(row)):
        raise argparse.ArgumentTypeError(f"{text!r} is not C,R in pixels, such as 1200,340.5")
    return col, row


def _height(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1000.0 <= value <= 100_000.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of metres from -1000 to 100000")
    return value


def joined_places(given: list[str]) -> list[str]:
    """`--at -33.4,-70.2` as one word, since a value that begins with a minus looks like an option."""
    found: list[str] = []
    for word in given:
        if found and found[-1] in ("--at", "--pixel", "--height") and re.match(r"-[\d.]", word):
            found[-1] = f"{found[-1]}={word}"
        else:
            found.append(word)
    return found
