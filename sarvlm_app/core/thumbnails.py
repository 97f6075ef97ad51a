"""Small grey pictures of scenes, as they are displayed: for lists and contact sheets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import Scene, default_band, default_stretch, read_chip
from sarvlm_models.types import Chip, Window


def square(window: Window) -> Window:
    """The square about a window that holds all of it; what lies outside the scene stays black."""
    edge = max(window.width, window.height)
    return Window(window.col - (edge - window.width) // 2, window.row - (edge - window.height) // 2, edge, edge)


def grey(chip: Chip, stretch: Stretch) -> NDArray[np.uint8]:
    """The chip through the display stretch: uint8 (h, w), black where there is no data."""
    share = np.nan_to_num(stretch.apply(chip.intensity), nan=0.0)
    shown: NDArray[np.uint8] = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    shown[~chip.valid] = 0
    return shown


def thumbnail(scene: Scene, band: int, window: Window, stretch: Stretch, edge: int) -> NDArray[np.uint8]:
    """A window of a scene: uint8 (h, w), at most `edge` pixels along its longer side, averaged in intensity.

    Raises
    ------
    SceneError
        It cannot be read.
    """
    scale = max(1.0, max(window.width, window.height) / edge)
    shape = (max(1, round(window.height / scale)), max(1, round(window.width / scale)))
    return grey(read_chip(scene, window, band, shape), stretch)


def hit_thumbnail(scene: Scene, window: Window, edge: int) -> NDArray[np.uint8]:
    """The square about a hit in its scene's own stretch, of the band that archives take: uint8 (h, h).

    Raises
    ------
    SceneError
        It cannot be read.
    """
    band = default_band(scene)
    return thumbnail(scene, band, square(window), default_stretch(scene, band), edge)
