"""An example to search by: the same vectors that a tile of the archive gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from sarvlm_app.core.archive.embed import ArchiveEncoder, no_data
from sarvlm_app.core.archive.tiles import CHIP_PX, tile_vectors
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.radiometry import to_amplitude
from sarvlm_app.core.scene import Scene, close_handles, default_band, read_chip
from sarvlm_app.core.scene_index import encode_window, layout_of
from sarvlm_models.types import Float32, Window

MOST_PX: Final = 1024
"""A larger example is averaged down to this edge, in the model's pixels, by taking its middle."""


def example_vectors(
    scene: Scene, window: Window | None, encoder: ArchiveEncoder, ctx: JobContext
) -> Mapping[str, Float32]:
    """Vectors of a file or a window of it, by kind: as a whole where it is small, the mean and the most distinct part.

    Raises
    ------
    SceneError
        It cannot be read or holds no data.
    QueryError
        The window lies outside.
    """
    area, band = part_of(scene, window), default_band(scene)
    layout = layout_of(scene, band, encoder.spec)
    found: dict[str, Float32] = {}
    try:
        ctx.step(message=f"Encoding {scene.name}")
        if max(area.width, area.height) <= CHIP_PX:
            chip = read_chip(scene, area, band)
            if not chip.valid.any():
                raise no_data(str(scene.path))
            found["whole"] = encoder.encode_pictures([to_amplitude(chip.intensity)], layout.key.spacing_m)
        cell = layout.cell_px
        edge = MOST_PX // layout.cell
        left, width = _middle(area.col // cell, -(-area.col_end // cell), edge)
        top, height = _middle(area.row // cell, -(-area.row_end // cell), edge)
        read = Window(left * layout.cell, top * layout.cell, width * layout.cell, height * layout.cell)
        patches = encode_window(scene, encoder, layout, read)
    finally:
        close_handles(scene)
    vectors = None if patches is None else tile_vectors(patches)
    if vectors is None and not found:
        raise no_data(str(scene.path))
    if vectors is not None:
        found["ground"] = vectors[:1]
        if "whole" in found and len(vectors) > 1:
            found["part"] = vectors[1:2]
    return {kind: np.asarray(value, np.float32) for kind, value in found.items()}


def _middle(first: int, end: int, most: int) -> tuple[int, int]:
    """First cell and number of cells, at most `most` around the middle."""
    count = min(end - first, most)
    return first + (end - first - count) // 2, count
