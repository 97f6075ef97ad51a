"""The equivalent number of looks of a scene."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sarvlm_app.core.filters.looks import mode_of_looks, variations
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_models.types import Window

SIDE = 8
"""Windows of the sample along each side of a large scene."""

EDGE = 256


@lru_cache(maxsize=128)
def scene_looks(scene: Scene, band: int) -> float | None:
    """The equivalent number of looks of a band (from 1), from at most 64 windows of 256 px spread over the scene.

    See `estimate_looks` for how it is told; None where the sample does not tell it.

    Raises
    ------
    SceneError
        The band does not exist or the file cannot be read.
    """
    found = []
    for row in _starts(scene.height):
        for col in _starts(scene.width):
            chip = read_chip(scene, Window(col, row, min(EDGE, scene.width), min(EDGE, scene.height)), band)
            found.append(variations(chip.intensity, chip.valid))
    return mode_of_looks(found)


def _starts(length: int) -> list[int]:
    count = min(SIDE, -(-length // EDGE))
    return sorted({round(start) for start in np.linspace(0, max(0, length - EDGE), count).tolist()})
