"""The remaps that the SICD world knows its images by, from sarpy, with one set of statistics for a whole scene."""

from __future__ import annotations

import sys
import threading
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from sarvlm_app.core.display.levels import Levels
from sarvlm_app.core.display.settings import Mode
from sarvlm_app.core.radiometry import Float32

_IMPORT = threading.Lock()
_PLOTTING = "matplotlib.pyplot"
_CLASSES = {
    Mode.NRL: "NRL",
    Mode.DENSITY: "Density",
    Mode.BRIGHTER: "Brighter",
    Mode.DARKER: "Darker",
    Mode.HIGH_CONTRAST: "High_Contrast",
    Mode.PEDF: "PEDF",
    Mode.SICD_LOG: "Logarithmic",
}


def remapped(amplitude: Float32, mode: Mode, levels: Levels) -> NDArray[np.uint8]:
    """Grey levels 0..255 of an amplitude, exactly those of sarpy.

    Parameters
    ----------
    amplitude : float32 (any shape)
        NaN (no data) is black.
    mode : Mode
        One of `REMAPS`.
    levels : Levels
        Of the whole scene, so that no tile differs from its neighbour: the
        mean of the amplitude, or its least, most and 99th percentile.
    """
    known = np.isfinite(amplitude)
    if levels.most <= 0 or not known.any():
        return np.zeros(amplitude.shape, np.uint8)
    filled = amplitude if known.all() else np.where(known, amplitude, np.float32(0))
    grey = _call(_remap(mode), mode, filled, levels)
    return grey if grey is not None and known.all() else np.where(known, grey, np.uint8(0))


def _call(remap: Any, mode: Mode, amplitude: Float32, levels: Levels) -> NDArray[np.uint8]:
    if mode is Mode.NRL:
        grey = remap(amplitude, stats=(levels.least, levels.most, min(levels.p99, levels.most)))
    elif mode is Mode.SICD_LOG:
        grey = remap(amplitude, min_value=levels.least, max_value=levels.most)
    else:
        grey = remap(amplitude, data_mean=levels.mean)
    return np.asarray(grey, np.uint8)


@lru_cache(maxsize=len(_CLASSES))
def _remap(mode: Mode) -> Any:
    return getattr(_sarpy(), _CLASSES[mode])(bit_depth=8)


@lru_cache(maxsize=1)
def _sarpy() -> ModuleType:
    """sarpy's remaps, without two effects of importing them.

    The plotting library that they try is not needed, is slow and writes files. And sarpy tells pillow to take pictures
    that are cut short for whole ones, for all of the program.
    """
    with _IMPORT:
        cut_short_is_whole = ImageFile.LOAD_TRUNCATED_IMAGES
        absent = object()
        before = sys.modules.get(_PLOTTING, absent)
        if before is absent:
            sys.modules[_PLOTTING] = None  # type: ignore[assignment]
        try:
            import sarpy.visualization.remap as module
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = cut_short_is_whole
            if before is absent:
                del sys.modules[_PLOTTING]
    return module  # type: ignore[no-any-return]
