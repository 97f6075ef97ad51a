"""Commands and options of `sarvlm` (INTERFACE.md is the contract); imports nothing heavy."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sarvlm_app import __version__

from .archive_parser import add_archive, joined_area
from .arguments import (
    Handler,
    Parser,
    Usage,
    add_json,
    add_model,
    add_scene_options,
    command,
    count,
    lazy,
    share,
    window,
)
from .evaluate_parser import add_evaluate
from .scene_work_parser import add_calibrate, add_filter, add_measure
from .where_parser import add_where, joined_places

COMMANDS = (
    "gui", "demo", "info", "where", "query", "detect", "caption", "calibrate", "filter", "measure", "archive",
    "cache", "models", "finetune", "ensemble", "evaluate",
)  # fmt: skip
LATER = {
    "export": "the workbench and its projects",
}


def with_default_command(arguments: Sequence[str]) -> list[str]:
    """`sarvlm SCENE ...` and `sarvlm` alone open the window.

    Raises
    ------
    Usage
        The first argument is a word that names neither a command nor a file.
    """
    given = joined_places(joined_area(arguments))
    if given and given[0] in {*COMMANDS, *LATER, "-h", "--help", "--version"}:
        return given
    if given and re.fullmatch(r"[A-Za-z_-]+", given[0]) and given[0][0] != "-" and not Path(given[0]).exists():
        names = ", ".join(COMMANDS)
        raise Usage(f"sarvlm: there is neither a command nor a file “{given[0]}”; the commands are {names}.")
    return ["gui", *given]


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(prog="sarvlm", description="Ask SAR scenes in plain words and see where the answer lies.")
    parser.add_argument("--version", action="version", version=f"sarvlm {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    _add_gui(commands)
    _add_demo(commands)
    _add_info(commands)
    add_where(commands)
    _add_query(commands)
    _add_detect(commands)
    _add_caption(commands)
    add_calibrate(commands)
    add_filter(commands)
    add_measure(commands)
    _add_cache(commands)
    _add_models(commands)
    _add_finetune(commands)
    _add_ensemble(commands)
    add_evaluate(commands)
    add_archive(commands)
    for name, what in LATER.items():
        later = commands.add_parser(name, help=f"{what}: not in this version yet")
        later.add_argument("rest", nargs=argparse.REMAINDER)
        later.set_defaults(run=_not_yet(name, what))
    return parser


def _not_yet(name: str, what: str) -> Handler:
    def run(_options: argparse.Namespace) -> int:
        print(f"sarvlm {name}: {what} is not part of version {__version__} yet; see CHANGELOG.md.", file=sys.stderr)
        return 2

    return run


def _add_gui(commands: Any) -> None:
    parser = command(commands, "gui", lazy("window", "gui"), "open the window (the default)")
    parser.add_argument("scenes", nargs="*", type=Path, metavar="SCENE")
    parser.add_argument("--project", type=Path, help="(comes with the workbench)")


def _add_demo(commands: Any) -> None:
    parser = command(commands, "demo", lazy("scenes", "demo"), "write the simulated demo scene and its truth")
    parser.add_argument("out", type=Path, metavar="OUT.tif")
    add_json(parser)


def _add_info(commands: Any) -> None:
    parser = command(commands, "info", lazy("scenes", "info"), "what is known of a scene")
    parser.add_argument("scene", metavar="SCENE")
    add_scene_options(parser)
    add_json(parser)


def _add_query(commands: Any) -> None:
    parser = command(commands, "query", lazy("query", "query"), "find places in a scene by words")
    parser.add_argument("scene", metavar="SCENE")
    add_scene_options(parser)
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument(
        "--negative", action="append", default=[], metavar="TEXT", help="what it must not be (repeatable)"
    )
    parser.add_argument("--top", type=count, default=20, metavar="N", help="at most N places (default 20)")
    parser.add_argument("--threshold", type=share, metavar="T", help="score from which a place stands out, 0..1")
    parser.add_argument("--window", type=window, metavar="C,R,W,H", help="only this part of the scene, in pixels")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: first co-polarised)")
    parser.add_argument("--heatmap", type=Path, metavar="OUT.tif")
    parser.add_argument("--candidates", type=Path, metavar="OUT.geojson")
    parser.add_argument("--png", type=Path, metavar="OUT.png")
    parser.add_argument(
        "--reference", action="store_true", help="the crop method of the paper instead of dense features"
    )
    add_model(parser)
    add_json(parser)


def _add_detect(commands: Any) -> None:
    parser = command(commands, "detect", lazy("detect", "detect"), "find objects as upright or rotated boxes")
    parser.add_argument("scenes", nargs="+", metavar="SCENE")
    add_scene_options(parser)
    parser.add_argument("--detector", metavar="ID", help="name or weight file (default: the compact SARDet)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument("--classes", metavar="A,B", help="classes of the detector (default: all that the pixels allow)")
    wanted.add_argument("--text", nargs="+", metavar="TEXT", help="name the boxes by these words instead")
    parser.add_argument("--min-score", type=share, default=0.5, metavar="S", help="0..1, 0.5 is the background")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--rotated", action="store_true", help="rotated boxes (the default)")
    shape.add_argument("--upright", action="store_true", help="upright boxes")
    parser.add_argument("--window", type=window, metavar="C,R,W,H", help="only this part of the scene, in pixels")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: first co-polarised)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".geojson, .gpkg, .kml, .csv, .coco.json or .dota.txt, by the ending"
    )
    add_json(parser)


def _add_caption(commands: Any) -> None:
    parser = command(commands, "caption", lazy("caption", "caption"), "describe a scene, or a part of it, in words")
    parser.add_argument("scene", metavar="SCENE")
    add_scene_options(parser)
    parser.add_argument("--window", type=window, metavar="C,R,W,H", help="only this part of the scene, in pixels")
    parser.add_argument("--band", metavar="B", help="polarisation, name or number (default: first co-polarised)")
    parser.add_argument("--beams", type=count, metavar="N", help="captions followed at a time (default: the model's)")
    add_model(parser)
    add_json(parser)


def _add_cache(commands: Any) -> None:
    parser = command(commands, "cache", lazy("cache", "cache"), "what is kept of encoded scenes")
    parser.add_argument("action", choices=("info", "clear"))
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="only what is kept of these scenes")
    add_json(parser)


def _add_models(commands: Any) -> None:
    about = "the registry of models"
    parser = commands.add_parser("models", help=about, description=about)
    actions = parser.add_subparsers(dest="action", metavar="list|info|add", required=True)
    add_json(command(actions, "list", lazy("models", "list_all"), "all models"))
    info = command(actions, "info", lazy("models", "info"), "one model")
    info.add_argument("name", metavar="NAME")
    add_json(info)
    add = command(actions, "add", lazy("models", "add"), "verify and remember a checkpoint file")
    add.add_argument("file", metavar="FILE")
    add.add_argument("--activation", choices=("gelu", "quick_gelu"), help="default: by what is known of the family")
    add.add_argument("--profile", metavar="P", help="preprocessing (default: by what is known of the family)")
    add_json(add)


def _add_finetune(commands: Any) -> None:
    parser = command(commands, "finetune", lazy("training", "finetune"), "train a model by a recipe")
    parser.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true")
    add_json(parser)


def _add_ensemble(commands: Any) -> None:
    parser = command(commands, "ensemble", lazy("ensemble", "ensemble"), "average fine-tunes of one network")
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    parser.add_argument("first", type=Path, metavar="A", help="checkpoint that counts 1 - alpha")
    parser.add_argument("others", type=Path, nargs="+", metavar="B", help="checkpoints whose mean counts alpha")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--alpha", type=share, metavar="X", help="0..1 (default: all count alike)")
    choice.add_argument(
        "--sweep", type=Path, metavar="EVAL.toml", help="the best of 0, 0.1, ... 1 by the measures that this names"
    )
    parser.add_argument("--device", default="auto", help="of the sweep: auto, cpu, cuda or cuda:N")
    add_json(parser)
