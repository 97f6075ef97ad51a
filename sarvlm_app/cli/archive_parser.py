"""Options of `sarvlm archive ...` (INTERFACE.md is the contract); imports nothing heavy."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .arguments import add_json, add_model, command, count, lazy, window


def add_archive(commands: Any) -> None:
    """The command `archive` and its actions."""
    about = "index everything we hold once; find it by words or by example"
    parser = commands.add_parser("archive", help=about, description=about)
    actions = parser.add_subparsers(dest="action", metavar="add|search|info|verify|compact|root", required=True)
    _add_add(actions)
    _add_search(actions)
    info = command(actions, "info", lazy("archive", "info"), "what an archive holds")
    verify = command(actions, "verify", lazy("archive", "verify"), "hold every row against the files")
    verify.add_argument("--fast", action="store_true", help="trust files whose size and time are unchanged")
    compact = command(actions, "compact", lazy("archive", "compact"), "reclaim space; build a damaged index again")
    root = command(actions, "root", lazy("archive", "root"), "say where a declared folder lies now")
    for action in (info, verify, compact, root):
        action.add_argument("archive", type=Path, metavar="ARCHIVE")
    root.add_argument("name", metavar="NAME", help="of the folder, as info lists it")
    root.add_argument("folder", type=Path, metavar="FOLDER")
    for action in (info, verify, compact, root):
        add_json(action)


def _add_add(actions: Any) -> None:
    parser = command(actions, "add", lazy("archive", "add"), "create an archive, or bring it up to date")
    parser.add_argument("archive", type=Path, metavar="ARCHIVE")
    parser.add_argument("paths", type=Path, nargs="*", metavar="PATH", help="files and folders")
    parser.add_argument("--recursive", action="store_true", help="take the folders in folders as well")
    parser.add_argument("--stac", type=Path, metavar="CATALOG", help="a local STAC catalogue (its JSON file)")
    parser.add_argument("--workers", type=count, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--dask", metavar="ADDRESS", help="work on a Dask cluster, such as tcp://host:8786")
    parser.add_argument("--qdrant", metavar="URL", help="keep the vectors on a Qdrant server from now on")
    add_model(parser)
    add_json(parser)


def _add_search(actions: Any) -> None:
    parser = command(actions, "search", lazy("archive", "search"), "find tiles by words, by example, or both")
    parser.add_argument("archive", type=Path, metavar="ARCHIVE")
    parser.add_argument("--text", metavar="T", help="what to look for")
    parser.add_argument("--negative", action="append", default=[], metavar="T", help="what it must not be (repeatable)")
    parser.add_argument("--image", metavar="FILE", help="look for what is like this file")
    parser.add_argument("--window", type=window, metavar="C,R,W,H", help="only this part of the file, in pixels")
    parser.add_argument("--unlike", metavar="FILE", help="less like this file")
    parser.add_argument("--weight", type=weight, default=0.5, metavar="X", help="of --image beside --text (0..1)")
    parser.add_argument("--top", type=count, default=20, metavar="N", help="at most N hits (default 20)")
    parser.add_argument("--page", type=count, default=1, metavar="N", help="the N-th page of so many hits")
    parser.add_argument("--bbox", type=bbox, metavar="W,S,E,N", help="degrees; W > E crosses the antimeridian")
    parser.add_argument("--after", type=moment, metavar="DATE", help="acquired on this day or later")
    parser.add_argument("--before", type=moment, metavar="DATE", help="acquired on this day or earlier")
    parser.add_argument("--sensor", metavar="S", help="part of the sensor's name")
    parser.add_argument("--polarisation", metavar="P", help="such as VV")
    parser.add_argument("--out", type=Path, metavar="FILE.geojson", help="also .csv, .gpkg; contact sheet: .png, .pdf")
    add_model(parser)
    add_json(parser)


def weight(text: str) -> float:
    """A number between 0 and 1, both excluded."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def bbox(text: str) -> tuple[float, float, float, float]:
    """W,S,E,N in degrees."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not W,S,E,N in degrees, such as -118.5,33.5,-118,34") from None
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise argparse.ArgumentTypeError(f"{text!r} is no area: -180 <= W, E <= 180 and -90 <= S <= N <= 90")
    return west, south, east, north


def moment(text: str) -> date | datetime:
    """A day or a moment in ISO 8601."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{8}", text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2020-11-07") from None


_PLACES = ("--bbox", "--line", "--region", "--point")


def joined_area(given: Sequence[str]) -> list[str]:
    """`--bbox -118,33,...` as `--bbox=-118,33,...`, since a value that begins with a minus looks like an option."""
    found: list[str] = []
    for word in given:
        if found and found[-1] in _PLACES and re.match(r"-[\d.]", word):
            found[-1] = f"{found[-1]}={word}"
        else:
            found.append(word)
    return found
