"""Mean intensity of a scene by factors of two: from the display pyramid, at once, or from the file, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.radiometry import Bool, Float32, from_db
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_models.types import Window


class Reader(Protocol):
    """Reads one band of a scene."""

    @property
    def scene(self) -> Scene: ...

    @property
    def top(self) -> int:
        """The coarsest level that can be read."""
        ...

    def read(self, level: int, window: Window) -> tuple[Float32, Bool]:
        """Mean intensity float32 (h, w) and validity of pixels of 2**level; beyond the scene nothing is valid.

        Raises
        ------
        SceneError
            The file is damaged or gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExactReader:
    """Reads the file, whatever that costs; memory stays bounded."""

    scene: Scene
    band: int

    @property
    def top(self) -> int:
        return 16

    def read(self, level: int, window: Window) -> tuple[Float32, Bool]:
        size = 1 << level
        wide = Window(window.col * size, window.row * size, window.width * size, window.height * size)
        chip = read_chip(self.scene, wide, self.band, (window.height, window.width))
        return chip.intensity, chip.valid


@dataclass(frozen=True, slots=True)
class PyramidReader:
    """Reads the pyramid that is on display; coarse where its overviews are still being built."""

    pyramid: ScenePyramid

    @property
    def scene(self) -> Scene:
        return self.pyramid.scene

    @property
    def top(self) -> int:
        return len(self.pyramid.levels) - 1

    def read(self, level: int, window: Window) -> tuple[Float32, Bool]:
        height, width = self.pyramid.levels[level]
        intensity = np.zeros((window.height, window.width), np.float32)
        valid = np.zeros(intensity.shape, np.bool_)
        inside = window.intersection(Window(0, 0, width, height))
        if inside is not None:
            db = self.pyramid.read(level, inside.row, inside.row_end, inside.col, inside.col_end)
            row, col = inside.row - window.row, inside.col - window.col
            place = np.s_[row : row + inside.height, col : col + inside.width]
            valid[place] = np.isfinite(db)
            intensity[place] = np.where(valid[place], from_db(db), np.float32(0))
        return intensity, valid
