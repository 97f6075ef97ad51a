"""What is told of each detection, column by column: the same in every format that can hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.box_facts import BoxFacts, box_facts
from sarvlm_app.core.scene import Scene
from sarvlm_models.types import Detections

PX_DIGITS = 3
"""Decimals of a pixel."""


@dataclass(frozen=True, slots=True)
class DetectionTable:
    """Detections of a scene with all that a file tells of them.

    Attributes
    ----------
    detections : Detections
    scene : Scene
    facts : BoxFacts
    weights_sha256 : str
        Of the detector's whole weight file; empty where it is not known.
    extra : mapping of column name to values
        Further columns, one value a box (such as what was corrected by hand).
    """

    detections: Detections
    scene: Scene
    facts: BoxFacts
    weights_sha256: str
    extra: Mapping[str, Sequence[Any]]

    def origin(self) -> dict[str, Any]:
        """What is the same for all: the model, its weights, the scene, when it was taken, whether it is simulated."""
        scene = self.scene
        return {
            "model": self.detections.model_id,
            "weights_sha256": self.weights_sha256 or None,
            "scene": scene.name,
            "time": scene.acquired.isoformat() if scene.acquired else None,
            "simulated": scene.simulated,
        }

    def columns(self) -> dict[str, list[Any]]:
        """What differs from box to box; None for what is not known."""
        found, facts = self.detections, self.facts
        return {
            "label": found.labels(),
            "score": _numbers(found.scores, 6),
            "polygon_px": _nested(found.corners_px),
            "bbox_px": _nested(found.bbox_px),
            "lon": _numbers(facts.lon, 7),
            "lat": _numbers(facts.lat, 7),
            "length_m": _numbers(facts.length_m, 2),
            "width_m": _numbers(facts.width_m, 2),
            "heading_deg": _axes(facts.heading_deg),
            **{name: list(values) for name, values in self.extra.items()},
        }

    def records(self) -> list[dict[str, Any]]:
        """The columns box by box."""
        columns = self.columns()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def detection_table(
    detections: Detections, scene: Scene, weights_sha256: str = "", extra: Mapping[str, Sequence[Any]] | None = None
) -> DetectionTable:
    """The table of detections; see `DetectionTable`.

    Raises
    ------
    ValueError
        A column of `extra` has not one value a box, or the name of another.
    """
    table = DetectionTable(detections, scene, box_facts(detections.corners_px, scene), weights_sha256, extra or {})
    for name, values in table.extra.items():
        if len(values) != len(detections):
            raise ValueError(f"detection_table: expected {len(detections)} values of {name!r}, got {len(values)}")
    return table


def _numbers(values: NDArray[np.floating[Any]], digits: int) -> list[float | None]:
    return [round(v, digits) if math.isfinite(v) else None for v in values.astype(np.float64).tolist()]


def _nested(values: NDArray[np.floating[Any]]) -> list[Any]:
    rounded: list[Any] = np.round(values.astype(np.float64), PX_DIGITS).tolist()
    return rounded


def _axes(values: NDArray[np.float64]) -> list[float | None]:
    """Headings to two decimals, below 180."""
    return [None if v is None else v % 180.0 for v in _numbers(values, 2)]
