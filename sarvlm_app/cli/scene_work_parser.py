"""The parsers of `sarvlm calibrate`, `sarvlm filter` and `sarvlm measure`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from .arguments import add_json, add_scene_options, command, lazy, window

FILTER_NAMES = ("multilook", "boxcar", "lee", "refined-lee", "lee-sigma", "frost", "gamma-map")
"""As in `sarvlm_app.core.filters`, which --help does not import; a test holds the two together."""


def add_filter(commands: Any) -> None:
    """The command `filter`."""
    parser = command(commands, "filter", lazy("filter", "filter_scene"), "take speckle away and write a GeoTIFF")
    parser.add_argument("scene", metavar="SCENE")
    parser.add_argument("out", type=Path, metavar="OUT.tif")
    parser.add_argument("--filter", required=True, choices=FILTER_NAMES, help="see docs/filters.md for which to choose")
    parser.add_argument("--size", type=int, metavar="N", help="edge of the window in pixels, odd")
    parser.add_argument("--looks", type=number, metavar="L", help="number of looks (default: estimated from the scene)")
    parser.add_argument("--sigma", type=number, metavar="S", help="lee-sigma: share of the speckle kept, 0.5 to 0.95")
    parser.add_argument("--strong", type=number, metavar="I", help="lee-sigma: intensity of strong targets")
    parser.add_argument("--damping", type=number, metavar="K", help="frost: how fast neighbours lose weight")
    parser.add_argument("--azimuth", type=int, metavar="N", help="multilook: rows averaged")
    parser.add_argument("--range", type=int, metavar="N", help="multilook: columns averaged")
    parser.add_argument("--unit", choices=("intensity", "amplitude", "db"), default="intensity", help="of the output")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: all bands)")
    add_scene_options(parser)
    add_json(parser)


def add_calibrate(commands: Any) -> None:
    """The command `calibrate`."""
    about = "backscatter by the product's own tables, as a GeoTIFF"
    parser = command(commands, "calibrate", lazy("calibrate", "calibrate"), about)
    parser.add_argument("scene", metavar="SCENE")
    parser.add_argument("out", type=Path, metavar="OUT.tif")
    parser.add_argument("--to", choices=("sigma0", "beta0", "gamma0"), default="sigma0", help="default: sigma0")
    parser.add_argument("--remove-noise", action="store_true", help="take the stated thermal noise away")
    parser.add_argument("--unit", choices=("intensity", "amplitude", "db"), default="intensity", help="of the output")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: all bands)")
    parser.add_argument("--part", metavar="NAME", help="swath or image of a product that has several, such as IW2")
    add_json(parser)


def add_measure(commands: Any) -> None:
    """The command `measure`."""
    parser = command(commands, "measure", lazy("measure", "measure"), "distance, area, statistics, profile, sharpness")
    parser.add_argument("scene", metavar="SCENE")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--line", type=points, metavar='"C,R C,R ..."', help="length and azimuth of a line")
    what.add_argument("--region", type=points, metavar='"C,R C,R C,R ..."', help="area and statistics of a polygon")
    what.add_argument("--window", type=window, metavar="C,R,W,H", help="area and statistics of a window")
    what.add_argument("--point", type=points, metavar="C,R", help="response of the point target near this pixel")
    parser.add_argument("--profile", action="store_true", help="with --line: the backscatter along it")
    parser.add_argument("--step", type=number, default=1.0, metavar="PX", help="of the profile (default 1)")
    parser.add_argument("--width", type=number, default=1.0, metavar="PX", help="of the profile (default 1)")
    parser.add_argument("--lonlat", action="store_true", help="positions are LON,LAT in degrees and not pixels")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: first co-polarised)")
    add_scene_options(parser)
    add_json(parser)


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def points(text: str) -> Any:
    """Positions `C,R C,R ...`: float64 (n, 2)."""
    import numpy as np

    try:
        found = [tuple(float(part) for part in pair.split(",")) for pair in text.replace(";", " ").split()]
    except ValueError:
        found = []
    if not found or any(len(pair) != 2 or not all(map(math.isfinite, pair)) for pair in found):
        raise argparse.ArgumentTypeError(f'{text!r} is not a list of positions such as "120,80 340.5,95"')
    return np.array(found, dtype=np.float64)
