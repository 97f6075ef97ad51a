"""Choosing alpha on validation pictures of several sensors: a table of every measure at every alpha."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from sarvlm_models.api import DenseEncoder

from .ensemble import State, interpolate

ALPHAS = tuple(step / 10 for step in range(11))


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that an ensemble shall be good at.

    Attributes
    ----------
    name : str
        Column of the table.
    figure : callable
        From an encoder to a number, larger is better, 0..1 so that means make sense.
    weight : float
        In the mean over measures.
    """

    name: str
    figure: Callable[[DenseEncoder], float]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """All measures at one alpha, and their weighted mean."""

    alpha: float
    figures: dict[str, float]
    mean: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """The table of a sweep.

    Attributes
    ----------
    rows : tuple of Row
        In the order of the alphas.
    best : Row
        Highest mean; among equals the one nearest to a half.
    gain : float or None
        Mean at the best over the better of the two parents (alpha 0 and 1): 0 says that the
        ensemble does not help. None where the parents were not measured.
    """

    rows: tuple[Row, ...]
    best: Row
    gain: float | None


def sweep(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    alphas: Sequence[float],
    measures: Sequence[Measure],
    encoder_of: Callable[[State], DenseEncoder],
    told: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
) -> Sweep:
    """Evaluate (1 - alpha) first + alpha second at every alpha.

    Parameters
    ----------
    first, second : mapping of str to Tensor
        Equal keys and shapes.
    alphas : sequence of float
        0..1, at least one.
    measures : sequence of Measure
        At least one, with different names.
    encoder_of : callable
        Makes an encoder of weights; called once an alpha.
    told : callable
        Hears (measures done, all measures, what comes next); may raise to stop.

    Raises
    ------
    ValueError
        Nothing to sweep over, or a measure is no finite number.
    """
    if not alphas or not measures or len({measure.name for measure in measures}) < len(measures):
        raise ValueError(f"sweep: expected alphas and measures of different names, got {alphas} and {measures}")
    rows: list[Row] = []
    total = len(alphas) * len(measures)
    for alpha in alphas:
        encoder = encoder_of(interpolate(first, second, alpha))
        figures: dict[str, float] = {}
        for measure in measures:
            told(len(rows) * len(measures) + len(figures), total, f"alpha {alpha:g}: {measure.name}")
            figures[measure.name] = float(measure.figure(encoder))
            if not math.isfinite(figures[measure.name]):
                raise ValueError(f"the measure “{measure.name}” gave {figures[measure.name]} at alpha {alpha:g}")
        rows.append(Row(alpha, figures, _mean(figures, measures)))
    best = max(rows, key=lambda row: (row.mean, -abs(row.alpha - 0.5)))
    parents = [row.mean for row in rows if row.alpha in (0.0, 1.0)]
    return Sweep(tuple(rows), best, best.mean - max(parents) if len(parents) >= 2 else None)


def _mean(figures: Mapping[str, float], measures: Sequence[Measure]) -> float:
    return sum(m.weight * figures[m.name] for m in measures) / sum(m.weight for m in measures)
