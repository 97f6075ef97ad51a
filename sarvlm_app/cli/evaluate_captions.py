"""`sarvlm evaluate caption | counts`: captions against what people wrote, and their numbers against boxes."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.evaluating import asked_encoder, note_faults, rounded, show
from sarvlm_app.cli.output import require_places
from sarvlm_app.cli.progress import Progress

if TYPE_CHECKING:
    from sarvlm_training.evaluate.captions import CaptionScores
    from sarvlm_training.evaluate.count_scores import CountScores
    from sarvlm_training.evaluate.described import Described, Describing


def caption(options: argparse.Namespace) -> int:
    """BLEU, ROUGE-L, CIDEr and, where it is there, METEOR; see INTERFACE.md."""
    from sarvlm_training.evaluate.caption_table import read_caption_table
    from sarvlm_training.evaluate.described import evaluate_captions

    references = read_caption_table(options.table, options.root)
    if options.predictions:
        require_places([options.predictions], options.table)
    with Progress("Loading the model") as progress:
        scores, found = evaluate_captions(references, _describing(options), progress)
    if options.predictions:
        _write_predictions(options.predictions, options.root, list(references), found)
    result = {**_common(found), "n": len(found.captions), **rounded(asdict(scores))}
    show(options, result, _caption_lines(scores, len(found.captions)))
    note_faults(found.faults, len(references))
    return 0


def counts(options: argparse.Namespace) -> int:
    """Share of images whose caption states the right numbers; see INTERFACE.md."""
    from sarvlm_training.evaluate.coco_boxes import read_coco, read_names
    from sarvlm_training.evaluate.described import evaluate_counts

    data = read_coco(options.coco, options.root)
    words = read_names(options.names, list(data.categories.values()))
    with Progress("Loading the model") as progress:
        found = evaluate_counts(data, words, _describing(options), progress)
    figures = rounded(asdict(found.scores))
    figures["by_count"] = {str(number): share for number, share in figures["by_count"].items()}
    result = {**_common(found.described), "images": len(data.images), "crowded": found.crowded, **figures}
    show(options, result, _count_lines(found.scores))
    note_faults(found.described.faults, len(data.images))
    return 0


def _describing(options: argparse.Namespace) -> Describing:
    """The captioning model of --model; its image tower is the one that counts."""
    from sarvlm_models.captioner import captioner_of
    from sarvlm_training.evaluate.described import Describing

    encoder = asked_encoder(options)
    return Describing(captioner_of(encoder), encoder, options.beams)


def _common(found: Described) -> dict[str, Any]:
    model = next(iter(found.captions.values())).said.model_id
    return {
        "model": model,
        "unreadable": len(found.faults),
        "faults": [{"path": str(path), "reason": reason} for path, reason in found.faults.items()],
        "empty_captions": found.empty,
    }


def _caption_lines(scores: CaptionScores, count: int) -> list[str]:
    lines = [f"{'':<12}{'raw':>8}{'ptb':>8}"]
    lines += [f"{name:<12}{value:8.4f}{scores.ptb[name]:8.4f}" for name, value in scores.raw.items()]
    return [*lines, f"{'n':<12}{count:8d}", *(f"{name}: left out, {why}" for name, why in scores.left_out.items())]


def _count_lines(scores: CountScores) -> list[str]:
    def shown(share: float | None) -> str:
        return "     -" if share is None else f"{share:.4f}"

    lines = [f"exact (up to five of a class)  {shown(scores.exact)}  n {scores.n}"]
    lines.append(f"images without any             {shown(scores.empty.exact)}  n {scores.empty.n}")
    lines.append(f"more than five of a class      {shown(scores.more.exact)}  n {scores.more.n}")
    own = scores.per_class.items()
    return lines + [f"  {shown(row.exact)} of {row.n:5d}  {name}" for name, row in own]


def _write_predictions(path: Path, root: Path, pictures: list[Path], found: Described) -> None:
    """One row for each picture, in the order of the table."""
    from sarvlm_training.evaluate.tables import write_rows

    rows = []
    for picture in pictures:
        name = str(picture.relative_to(root)) if picture.is_relative_to(root) else str(picture)
        said = found.captions.get(picture)
        if said is None:
            rows.append([name, "", "", "", found.faults[picture]])
        else:
            rows.append([name, said.text, said.said.raw, f"{said.said.logprob:.6f}", ""])
    write_rows(path, ("imgpath", "caption", "raw", "logprob", "fault"), rows)
