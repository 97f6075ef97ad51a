"""The colour maps of a single band, as the canvas paints them."""

from __future__ import annotations

import numpy as np
from napari.utils.colormaps import ensure_colormap
from numpy.typing import NDArray


def swatch(name: str, width: int, height: int) -> NDArray[np.uint8]:
    """A strip uint8 (height, width, 3) of a colour map from its low to its high end."""
    colours = ensure_colormap(name).map(np.linspace(0.0, 1.0, width))[:, :3]
    strip: NDArray[np.uint8] = (np.asarray(colours) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(strip, (height, width, 3)))
