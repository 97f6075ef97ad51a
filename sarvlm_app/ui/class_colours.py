"""A colour for each class of boxes that stays with it as long as the window is open."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtGui import QColor

from sarvlm_models.types import Float32

COLOURS = (
    "#4fc3ff", "#ffd84d", "#ff7ad1", "#6fe07a", "#ff9442", "#b99cff", "#ff6b6b", "#2fdcc0", "#c6f068", "#e8c9a0",
)  # fmt: skip
"""Told apart on dark grey, also by most who see red and green alike; they begin again after the last."""


class ClassColours:
    """Gives the next colour to each name that is new."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def learn(self, names: Iterable[str]) -> None:
        """Give colours to names in their order."""
        for name in names:
            self.of(name)

    def of(self, name: str) -> str:
        """#rrggbb of a class."""
        if name not in self._known:
            self._known[name] = COLOURS[len(self._known) % len(COLOURS)]
        return self._known[name]

    def table(self, names: Iterable[str]) -> Float32:
        """RGBA of names: float32 (n, 4), 0..1."""
        values = [QColor(self.of(name)).getRgbF() for name in names]
        return np.array(values, np.float32).reshape(-1, 4)
