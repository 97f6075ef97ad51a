"""`sarvlm evaluate heatmap | localize | selo-map`: heat maps against boxes and regions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.evaluating import asked_encoder, note_faults, show
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.kept import keep_within
from sarvlm_app.errors import QueryError
from sarvlm_app.paths import cache_dir
from sarvlm_app.settings import load_settings

if TYPE_CHECKING:
    from sarvlm_training.evaluate.localize import Localized
    from sarvlm_training.evaluate.places import Places
    from sarvlm_training.evaluate.selo import Selo

SELO = ("rsu", "ras", "rda", "rmi")


def heatmap(options: argparse.Namespace) -> int:
    """Pointing accuracy and average precision of text heat maps; see INTERFACE.md."""
    from sarvlm_training.evaluate.coco_boxes import read_coco, read_names
    from sarvlm_training.evaluate.places import evaluate_heatmaps

    data = read_coco(Path(options.coco), Path(options.root))
    words = read_names(options.names and Path(options.names), list(data.categories.values()))
    with Progress("Loading the model") as progress:
        encoder = asked_encoder(options)
        found = evaluate_heatmaps(encoder, data, words, progress)
    result = {
        "model": encoder.spec.model_id,
        **_rounded(found.everything),
        "images": len(data.images),
        "per_class": {
            name: {"words": list(words[name]), **_rounded(places)} for name, places in found.per_class.items()
        },
        "unreadable": len(found.faults),
        "faults": [{"path": str(path), "reason": reason} for path, reason in found.faults.items()],
    }
    show(options, result, _heatmap_lines(found.everything, found.per_class))
    note_faults(found.faults, len(data.images))
    return 0


def localize(options: argparse.Namespace) -> int:
    """The SeLo measures over a set; see INTERFACE.md."""
    from sarvlm_app.core.query import TextVectors
    from sarvlm_training.evaluate.localize import Localizing
    from sarvlm_training.evaluate.localize import localize as measure_items
    from sarvlm_training.evaluate.seloset import read_annotations

    items = read_annotations(Path(options.annotations), Path(options.images))
    cache = cache_dir()
    with Progress("Loading the model") as progress:
        encoder = asked_encoder(options)
        how = Localizing(encoder, TextVectors(encoder), cache, options.reference)
        found, seconds = measure_items(items, how, progress)
    keep_within(cache, load_settings().settings.cache_limit_gb * 1e9, frozenset())
    means = {name: round(sum(getattr(each.measures, name) for each in found) / len(found), 6) for name in SELO}
    result = {
        "model": encoder.spec.model_id,
        "method": "reference" if options.reference else "dense",
        **means,
        "n": len(found),
        "seconds_per_query": round(seconds, 4),
        "items": [_item(each) for each in found],
    }
    show(options, result, [f"{name} {value:.4f}" for name, value in means.items()])
    return 0


def selo_map(options: argparse.Namespace) -> int:
    """The SeLo measures of a given map; see INTERFACE.md."""
    from sarvlm_training.evaluate.map_file import read_map
    from sarvlm_training.evaluate.selo import measure
    from sarvlm_training.evaluate.seloset import read_regions

    grey, regions = read_map(Path(options.map)), read_regions(Path(options.regions))
    try:
        result = _selo(measure(grey, regions))
    except ValueError as fault:
        size = f"{grey.shape[1]} x {grey.shape[0]} px"
        raise QueryError(
            f"The regions of {options.regions} lie outside {options.map} ({size}); give those of this map."
        ) from fault
    show(options, result, [f"{name} {result[name]}" for name in (*SELO, "mask_area", "centers")])
    return 0


def _rounded(places: Places) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(places).items()}


def _heatmap_lines(everything: Places, classes: Mapping[str, Places]) -> list[str]:
    shown: Callable[[float | None], str] = lambda value: "-" if value is None else f"{value:.4f}"  # noqa: E731
    rows = [("all", everything), *classes.items()]
    lines = ["pointing (outline)      ap  brightest      n  class"]
    for name, row in rows:
        figures = f"{shown(row.pointing):>8} ({shown(row.pointing_polygon):>7})  {shown(row.ap):>6}"
        lines.append(f"{figures}  {shown(row.brightest_pixel):>9}  {row.n:5d}  {name}")
    return lines


def _selo(measures: Selo) -> dict[str, Any]:
    return {
        **{name: getattr(measures, name) for name in SELO},
        "mask_area": measures.mask_area,
        "centers": [list(center) for center in measures.centers],
    }


def _item(found: Localized) -> dict[str, Any]:
    return {"image": str(found.item.image), "caption": found.item.caption, **_selo(found.measures)}
