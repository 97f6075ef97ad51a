"""How many of each kind of object stand out, by the peaks of their heat maps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.prominence import Peak, prominent_peaks, to_logit
from sarvlm_app.core.query import Prompts, TextVectors, class_prompts, score_vectors, smooth
from sarvlm_models.types import Float16, Float32

PROMINENCE: Final = 4.0
"""Logits by which a peak stands above the pass to a better one, or both are one object.

This and the thresholds are chosen by `sarvlm_training.evaluate.count_thresholds`: that of ships by their numbers on
SSDD, the others so that at most one in a hundred of the SSDD images kept back has a false one.
"""


@dataclass(frozen=True, slots=True)
class Countable:
    """A kind of object that is counted.

    Attributes
    ----------
    key : str
        The concept, as the captioning decoder knows it.
    asked : tuple of str
        The heat map is that of the mean of these texts.
    threshold : float
        Score from which a peak counts.
    names : (str, str)
        One, and several.
    """

    key: str
    asked: tuple[str, ...]
    threshold: float
    names: tuple[str, str]

    def named(self, number: int) -> str:
        """A number of them: "1 ship", "3 ships"."""
        return f"{number} {self.names[0] if number == 1 else self.names[1]}"


COUNTABLES: Final = (
    Countable("ship", ("ship", "ships", "vessel"), 0.9, ("ship", "ships")),
    Countable("aircraft", ("aircraft", "airplane", "parked aircraft"), 0.88, ("aircraft", "aircraft")),
    Countable("vehicle", ("vehicle", "military vehicle", "tank or truck"), 0.5, ("vehicle", "vehicles")),
    Countable("storage_tank", ("storage tank", "storage tanks"), 0.6, ("storage tank", "storage tanks")),
    Countable("bridge", ("bridge", "bridge over water"), 0.8, ("bridge", "bridges")),
)


def count_objects(
    vectors: Float16, cell_px: float, texts: TextVectors, ctx: JobContext | None = None
) -> dict[str, tuple[Peak, ...]]:
    """The objects of every countable kind among patch vectors.

    Parameters
    ----------
    vectors : float16 (rows, cols, d)
        Zeros where there is no data.
    cell_px : float
        Edge of a cell in the pixels of the answer.
    texts : TextVectors
        Of the model that made them.
    ctx : JobContext, optional
        Told of the kinds as they are counted; the place to cancel.

    Returns
    -------
    dict of concept key to tuple of Peak
        Every kind, in the order of `COUNTABLES`, the best first; places are
        from the outer corner of the first cell.
    """
    found: dict[str, tuple[Peak, ...]] = {}
    for number, kind in enumerate(COUNTABLES):
        if ctx is not None:
            ctx.step(number, len(COUNTABLES), "Counting")
        logits = object_logits(vectors, class_prompts(texts, kind.asked))
        found[kind.key] = tuple(prominent_peaks(logits, cell_px, PROMINENCE, logit_of(kind.threshold)))
    return found


def logit_of(score: float) -> float:
    """Logit of a score between 0 and 1."""
    return math.log(score / (1.0 - score))


def object_logits(vectors: Float16, prompts: Prompts) -> Float32:
    """Logits float32 (rows, cols) of the scores, smoothed; NaN without data."""
    return smooth(to_logit(score_vectors(vectors, prompts)))
