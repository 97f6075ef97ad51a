"""Subcommands and options of `sarvlm evaluate` (INTERFACE.md is the contract); imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .arguments import add_json, add_model, command, count, lazy, metres

TEMPLATE_SETS = ("sar", "optical", "sar_opt", "isprs", "simple")


def add_evaluate(commands: Any) -> None:
    """The command `evaluate` with all its subcommands."""
    about = "measure a model on labelled data"
    parser = commands.add_parser("evaluate", help=about, description=about)
    kinds = parser.add_subparsers(title="measures", dest="measure", metavar="MEASURE", required=True)
    _add_classify(kinds)
    _add_probe(kinds)
    _add_retrieval(kinds)
    _add_caption(kinds)
    _add_counts(kinds)
    _add_heatmap(kinds)
    _add_localize(kinds)
    _add_selo_map(kinds)
    _add_detect(kinds)


def _add_classify(kinds: Any) -> None:
    parser = command(kinds, "classify", lazy("evaluate_chips", "classify"), "zero-shot classification by text")
    parser.add_argument("--table", type=Path, required=True, metavar="T.csv", help="one row for each picture")
    _add_chips(parser)
    parser.add_argument(
        "--npz", type=Path, metavar="FILE", help="arrays instead of files: complex “iq”, with “scale” for whole numbers"
    )
    _add_names(parser, "words for each label; all its labels compete (default: the table's labels as they are)")
    _add_templates(parser)
    parser.add_argument("--predictions", type=Path, metavar="OUT.csv", help="the answer for each picture")
    _add_common(parser)


def _add_probe(kinds: Any) -> None:
    about = "k-nearest neighbours and linear probe on frozen features"
    parser = command(kinds, "probe", lazy("evaluate_chips", "probe"), about)
    parser.add_argument("--train", type=Path, required=True, metavar="T.csv", help="pictures that the probes learn")
    parser.add_argument("--test", type=Path, required=True, metavar="T.csv", help="pictures that they are asked")
    _add_chips(parser)
    parser.add_argument("--test-root", type=Path, metavar="DIR", help="of the test's paths (default: as --root)")
    parser.add_argument("--npz", type=Path, metavar="FILE", help="arrays of both tables, as for classify")
    parser.add_argument("--train-npz", type=Path, metavar="FILE", help="arrays of the training table")
    parser.add_argument("--test-npz", type=Path, metavar="FILE", help="arrays of the test table")
    _add_common(parser)


def _add_retrieval(kinds: Any) -> None:
    about = "pictures by captions and captions by pictures, the diagonal protocol"
    parser = command(kinds, "retrieval", lazy("evaluate_chips", "retrieval"), about)
    _add_captions_table(parser)
    parser.add_argument("--spacing", type=metres, metavar="METRES", help="pixel spacing, where it is known")
    _add_common(parser)


def _add_caption(kinds: Any) -> None:
    parser = command(kinds, "caption", lazy("evaluate_captions", "caption"), "written captions against references")
    _add_captions_table(parser)
    parser.add_argument("--predictions", type=Path, metavar="OUT.csv", help="the caption of each picture")
    _add_beams(parser)
    _add_common(parser)


def _add_counts(kinds: Any) -> None:
    about = "numbers in captions against boxes"
    parser = command(kinds, "counts", lazy("evaluate_captions", "counts"), about)
    _add_coco(parser)
    _add_beams(parser)
    _add_common(parser)


def _add_heatmap(kinds: Any) -> None:
    parser = command(kinds, "heatmap", lazy("evaluate_places", "heatmap"), "text heat maps against boxes")
    _add_coco(parser)
    _add_common(parser)


def _add_localize(kinds: Any) -> None:
    about = "semantic localization (SeLo) over a set in the AIR-SLT form"
    parser = command(kinds, "localize", lazy("evaluate_places", "localize"), about)
    parser.add_argument("--annotations", type=Path, required=True, metavar="A.json", help="jpg_name, caption, points")
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--reference", action="store_true", help="the crop method of the paper instead of dense features"
    )
    _add_common(parser)


def _add_selo_map(kinds: Any) -> None:
    about = "the SeLo measures of a given map"
    parser = command(kinds, "selo-map", lazy("evaluate_places", "selo_map"), about)
    parser.add_argument("--map", type=Path, required=True, metavar="MAP.png", help="8-bit grey, 255 for probability 1")
    parser.add_argument("--regions", type=Path, required=True, metavar="R.json", help="[[[x, y], ...], ...] in pixels")
    add_json(parser)


def _add_detect(kinds: Any) -> None:
    about = "boxes of a detector against true ones: average precision"
    parser = command(kinds, "detect", lazy("evaluate_detect", "detect"), about)
    _add_coco(parser)
    parser.add_argument("--rotated", action="store_true", help="by outlines (“segmentation”) instead of upright boxes")
    parser.add_argument("--spacing", type=metres, metavar="METRES", help="pixel spacing, where it is known")
    parser.add_argument(
        "--detector", metavar="NAME_OR_FILE", help="registry name or weights (default: the shipped one)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument(
        "--max-detections",
        type=count,
        default=100,
        metavar="N",
        help="boxes of a class that count in one image, the best ones (default: 100, as COCO)",
    )
    parser.add_argument("--predictions", type=Path, metavar="OUT.json", help="the boxes, as a list of COCO results")
    add_json(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)


def _add_chips(parser: argparse.ArgumentParser) -> None:
    """Which pictures a table of labels means, and their spacing."""
    parser.add_argument("--root", type=Path, metavar="DIR", help="of the table's paths (default: the table's folder)")
    parser.add_argument("--path-column", default="path", metavar="P", help="column of paths (default: path)")
    parser.add_argument("--label-column", default="label", metavar="L", help="column of labels (default: label)")
    parser.add_argument("--row-column", default="row", metavar="R", help="column of rows of --npz (default: row)")
    parser.add_argument("--spacing", type=metres, metavar="METRES", help="pixel spacing, where it is known")


def _add_templates(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(TEMPLATE_SETS)
    parser.add_argument(
        "--templates",
        default="sar",
        metavar="SET_OR_FILE",
        help=f"sentences around the words: {names}, or a JSON list with {{}} for the word (default: sar)",
    )


def _add_names(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("--names", type=Path, metavar="NAMES.json", help=about)


def _add_coco(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--coco", type=Path, required=True, metavar="C.json", help="images and boxes")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="of the file names in it")
    _add_names(parser, "words for each category (default: its name)")


def _add_captions_table(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", type=Path, required=True, metavar="T.csv", help="columns imgpath and caption")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="of its paths")


def _add_beams(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--beams", type=count, metavar="N", help="captions followed at a time (default: the model's)")
