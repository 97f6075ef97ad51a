"""`sarvlm evaluate classify | probe | retrieval`: whole pictures against labels and captions."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.evaluating import asked_encoder, note_faults, rounded, show
from sarvlm_app.cli.output import require_places
from sarvlm_app.cli.progress import Progress

if TYPE_CHECKING:
    from sarvlm_training.evaluate.chip_table import ChipTable
    from sarvlm_training.evaluate.classify import Accuracy, Classified


def classify(options: argparse.Namespace) -> int:
    """Zero-shot classification by text; see INTERFACE.md."""
    from sarvlm_training.evaluate.chip_table import ChipSource, read_chip_table
    from sarvlm_training.evaluate.classify import Zeroshot
    from sarvlm_training.evaluate.classify import classify as classify_table
    from sarvlm_training.evaluate.prompts import read_label_words, read_templates

    templates = read_templates(options.templates)
    columns = (options.path_column, options.label_column, options.npz, options.row_column)
    table = read_chip_table(ChipSource(options.table, options.root, *columns))
    words = read_label_words(options.names, table.labels, options.table)
    if options.predictions:
        require_places([options.predictions], options.table)
    with Progress("Loading the model") as progress:
        encoder = asked_encoder(options)
        found = classify_table(encoder, table, Zeroshot(words, templates, options.spacing), progress)
    accuracy = found.accuracy()
    if options.predictions:
        _write_predictions(options.predictions, table, found)
    result = {
        "model": encoder.spec.model_id,
        "templates": options.templates,
        "spacing": options.spacing,
        **rounded(asdict(accuracy)),
        "classes": list(found.classes),
        "confusion_matrix": found.confusion.tolist(),
        "unreadable": len(found.faults),
        "faults": _faults(table, found.faults),
    }
    show(options, result, _accuracy_lines(accuracy))
    note_faults(found.faults, len(table.labels))
    return 0


def probe(options: argparse.Namespace) -> int:
    """k-nearest neighbours and linear probe; see INTERFACE.md."""
    from sarvlm_training.evaluate.chip_table import ChipSource, read_chip_table
    from sarvlm_training.evaluate.probe import probe as probe_tables
    from sarvlm_training.evaluate.probe import require_classes

    columns = options.path_column, options.label_column
    npz = options.train_npz or options.npz, options.test_npz or options.npz
    roots = options.root, options.test_root or options.root
    train, test = (
        read_chip_table(ChipSource(table, root, *columns, arrays, options.row_column))
        for table, root, arrays in zip((options.train, options.test), roots, npz, strict=True)
    )
    require_classes(train.labels, test.labels)
    with Progress("Loading the model") as progress:
        encoder = asked_encoder(options)
        found = probe_tables(encoder, train, test, options.spacing, progress)
    result = {
        "model": encoder.spec.model_id,
        "spacing": options.spacing,
        **rounded(asdict(found.figures)),
        "unreadable": len(found.train_faults) + len(found.test_faults),
        "faults": _faults(train, found.train_faults) + _faults(test, found.test_faults),
    }
    names = ("knn", "knn_mean_per_class", "linear", "linear_mean_per_class", "n_train", "n_test")
    show(options, result, [f"{name:<22}{result[name]}" for name in names])
    note_faults(found.train_faults, len(train.labels))
    note_faults(found.test_faults, len(test.labels))
    return 0


def retrieval(options: argparse.Namespace) -> int:
    """Pictures by captions and back; see INTERFACE.md."""
    from sarvlm_training.evaluate.caption_table import read_caption_table
    from sarvlm_training.evaluate.retrieval import retrieve

    captions = read_caption_table(options.table, options.root)
    pairs = [(path, caption) for path, own in captions.items() for caption in own]
    with Progress("Loading the model") as progress:
        encoder = asked_encoder(options)
        found = retrieve(encoder, pairs, options.spacing, progress)
    figures = found.figures
    result = {
        "model": encoder.spec.model_id,
        "spacing": options.spacing,
        **rounded(figures.recalls.by_name),
        "ties": figures.ties,
        "ties_i2t": figures.ties_i2t,
        "ties_t2i": figures.ties_t2i,
        "strict": rounded(figures.strict.by_name),
        "n": figures.n,
        "unreadable": len(found.faults),
        "faults": [{"path": str(path), "reason": reason} for path, reason in found.faults.items()],
    }
    strict = figures.strict.by_name
    lines = [f"{name:<13}{value:.4f}  strict {strict[name]:.4f}" for name, value in figures.recalls.by_name.items()]
    show(options, result, [*lines, f"{'n':<13}{figures.n}", f"{'ties':<13}{figures.ties}"])
    note_faults(found.faults, len(captions))
    return 0


def _faults(table: ChipTable, faults: dict[int, str]) -> list[dict[str, str]]:
    return [{"path": table.names[number], "reason": reason} for number, reason in faults.items()]


def _accuracy_lines(accuracy: Accuracy) -> list[str]:
    figures = [(name, getattr(accuracy, name)) for name in ("top1", "top3", "top5", "mean_per_class")]
    lines = [f"{name:<15}{value:.4f}" for name, value in figures if value is not None]
    lines.append(f"{'n':<15}{accuracy.n}")
    return lines + [
        f"  {share:.4f} of {accuracy.support[label]:5d}  {label}" for label, share in accuracy.per_class.items()
    ]


def _write_predictions(path: Path, table: ChipTable, found: Classified) -> None:
    """One row for each picture, in the order of the table: answer, rank of the right class, all cosines."""
    from sarvlm_training.evaluate.tables import write_rows

    columns = ["picture", "label", "predicted", "rank", *(f"score {label}" for label in found.classes)]
    answers: dict[int, list[Any]] = {}
    for number, best, rank, scores in zip(found.numbers, found.predicted, found.ranks, found.scores, strict=True):
        answers[number] = [found.classes[best], int(rank), *(f"{score:.6f}" for score in scores)]
    nothing = [""] * (2 + len(found.classes))
    rows = [
        [name, label, *answers.get(number, nothing)]
        for number, (name, label) in enumerate(zip(table.names, table.labels, strict=True))
    ]
    write_rows(path, columns, rows)
