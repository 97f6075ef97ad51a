"""A filter tried on a small part of a scene, beside what is there now."""

from __future__ import annotations

from dataclasses import dataclass

from sarvlm_app.core.derived.filtered import filtered
from sarvlm_app.core.filters import Multilook, SpeckleFilter, estimate_looks
from sarvlm_app.core.scene import Scene, read_chip
from sarvlm_models.types import Chip, Window


@dataclass(frozen=True, slots=True)
class Preview:
    """The same part of a scene without and with a filter.

    Attributes
    ----------
    before, after : Chip
        Linear intensity; `after` of a multilooked scene has fewer pixels.
    looks_before, looks_after : float or None
        Equivalent numbers of looks of the part, where they can be told.
    """

    before: Chip
    after: Chip
    looks_before: float | None
    looks_after: float | None


def preview(scene: Scene, band: int, chosen: SpeckleFilter, window: Window) -> Preview:
    """Filter one window of a band (from 1), exactly as the whole scene would be.

    Raises
    ------
    SceneError
        The scene cannot be read or is too small for the filter.
    """
    before = read_chip(scene, window, band)
    place = window
    if isinstance(chosen, Multilook):
        across, down = chosen.range, chosen.azimuth
        place = Window(
            window.col // across, window.row // down, max(1, window.width // across), max(1, window.height // down)
        )
    after = read_chip(filtered(scene, chosen), place, band)
    return Preview(
        before, after, estimate_looks(before.intensity, before.valid), estimate_looks(after.intensity, after.valid)
    )


def preview_window(scene: Scene, visible: Window | None, edge: int) -> Window:
    """The middle of what is in view, at most `edge` pixels each way, at full resolution."""
    view = visible or Window(0, 0, scene.width, scene.height)
    width, height = min(edge, scene.width), min(edge, scene.height)
    col = min(max(view.col + (view.width - width) // 2, 0), scene.width - width)
    row = min(max(view.row + (view.height - height) // 2, 0), scene.height - height)
    return Window(col, row, width, height)
