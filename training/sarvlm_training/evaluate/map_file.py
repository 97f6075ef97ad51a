"""Probability maps as 8-bit grey pictures."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from sarvlm_app.errors import SceneError

from .selo import Grey


def read_map(path: Path) -> Grey:
    """A map uint8 (h, w), 255 for probability 1.

    Raises
    ------
    SceneError
        The file is no 8-bit grey picture, broken, or larger than can be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a map of 10 000 x 10 000 px is usual
            with Image.open(path) as picture:
                if picture.mode != "L":
                    raise SceneError(f"{path} is no 8-bit grey picture (mode {picture.mode}); save the map as one.")
                return np.array(picture, np.uint8)
    except FileNotFoundError as fault:
        raise SceneError(f"{path} is not there; check its name.") from fault
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as fault:
        raise SceneError(f"{path} cannot be read as a picture; give an 8-bit grey PNG of a usual size.") from fault
    except OSError as fault:
        raise SceneError(f"{path} cannot be read ({fault}); copy it again.") from fault
