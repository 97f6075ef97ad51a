"""The measures of a plan as functions of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.api import DenseEncoder

from .evaluate.chip_table import ChipSource, read_chip_table
from .evaluate.classify import Zeroshot, classify
from .evaluate.coco_boxes import read_coco, read_names
from .evaluate.places import evaluate_heatmaps
from .evaluate.prompts import read_label_words, read_templates
from .sweep import Measure
from .sweep_plan import Classify, Heatmap, Planned


def planned_measures(plan: Sequence[Planned]) -> list[Measure]:
    """Functions that measure what the plan names; the tables are read once, here, and not for every alpha.

    Raises
    ------
    QueryError
        A table or COCO file of the plan cannot be used.
    SceneError
        A picture that it names is not there.
    """
    return [Measure(one.name, _figure(one), one.weight) for one in plan]


def _figure(planned: Planned) -> Callable[[DenseEncoder], float]:
    part = planned.part
    return _of_boxes(part, planned.name) if isinstance(part, Heatmap) else _of_chips(part, planned.name)


def _of_chips(part: Classify, name: str) -> Callable[[DenseEncoder], float]:
    columns = (part.path_column, part.label_column, part.npz, part.row_column)
    table = read_chip_table(ChipSource(part.table, part.root, *columns))
    words = read_label_words(part.names, table.labels, part.table)
    asked = Zeroshot(words, read_templates(part.templates), part.spacing)

    def figure(encoder: DenseEncoder) -> float:
        found = classify(encoder, table, asked, JobContext())
        _require_all(name, found.faults)
        value: float | None = getattr(found.accuracy(), part.figure)
        if value is None:
            raise QueryError(
                f"The measure “{name}” asks for {part.figure}, but {len(words)} classes compete; use top1."
            )
        return value

    return figure


def _of_boxes(part: Heatmap, name: str) -> Callable[[DenseEncoder], float]:
    data = read_coco(part.coco, part.root)
    words = read_names(part.names, list(data.categories.values()))

    def figure(encoder: DenseEncoder) -> float:
        found = evaluate_heatmaps(encoder, data, words, JobContext())
        _require_all(name, found.faults)
        value: float | None = getattr(found.everything, part.figure)
        if value is None:
            raise QueryError(f"The measure “{name}” found no box to point at in {part.coco}; give annotated images.")
        return value

    return figure


def _require_all(name: str, faults: Mapping[Any, str]) -> None:
    if faults:
        first = next(iter(faults.values()))
        raise SceneError(f"The measure “{name}” needs all its pictures; the first of {len(faults)} faults: {first}")
