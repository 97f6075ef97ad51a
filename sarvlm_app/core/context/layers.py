"""A context file as it is laid over one scene: where it lies, how it looks, what was read of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Any

from sarvlm_app.core.context.data import ContextData
from sarvlm_app.core.context.reading import DEFAULT_MINUTES, TABLES

COLOURS = ("#4fd1c5", "#f6ad55", "#f687b3", "#9ae6b4", "#b794f4", "#63b3ed", "#fc8181", "#f6e05e")
"""What new layers are drawn in, one after the other; told apart on grey by the colour-blind as far as eight can be."""
WIDTHS = (0.5, 8.0)
MINUTES = (1.0, 24 * 60.0)


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn.

    Attributes
    ----------
    colour : str
        #rrggbb.
    width_px : float
        Of lines on the screen.
    opacity : float
        0..1.
    visible : bool
    minutes : float
        AIS: how long before and after the acquisition.
    """

    colour: str = COLOURS[0]
    width_px: float = 1.5
    opacity: float = 0.9
    visible: bool = True
    minutes: float = DEFAULT_MINUTES

    def __post_init__(self) -> None:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.colour):
            raise ValueError(f"Style: expected a colour as #rrggbb, got {self.colour!r}")
        limits = ((self.width_px, *WIDTHS), (self.opacity, 0.0, 1.0), (self.minutes, *MINUTES))
        if not all(isfinite(value) and low <= value <= high for value, low, high in limits):
            raise ValueError(f"Style: expected width, opacity and minutes within their limits, got {self}")


class Reading(StrEnum):
    """How far a layer is."""

    READING = "reading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ContextLayer:
    """One file over one scene.

    Attributes
    ----------
    number : int
        Its own in this run of the program.
    fault : str
        Why it could not be read.
    """

    number: int
    path: Path
    style: Style = field(default_factory=Style)
    state: Reading = Reading.READING
    data: ContextData | None = field(default=None, compare=False)
    fault: str = ""

    @property
    def is_table(self) -> bool:
        """Whether it is a table of ship reports, which has minutes."""
        return self.path.suffix.lower() in TABLES


def to_json(path: Path, style: Style) -> dict[str, Any]:
    """A file and its style as plain values."""
    return {
        "path": str(path), "colour": style.colour, "width_px": style.width_px, "opacity": style.opacity,
        "visible": style.visible, "minutes": style.minutes,
    }  # fmt: skip


def from_json(values: Mapping[str, Any]) -> tuple[Path, Style]:
    """The same read back.

    Raises
    ------
    ValueError, TypeError, KeyError
        When they are none.
    """
    style = Style(
        str(values["colour"]), float(values["width_px"]), float(values["opacity"]), bool(values["visible"]),
        float(values["minutes"]),
    )  # fmt: skip
    return Path(str(values["path"])), style
