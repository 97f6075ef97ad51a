"""Measures on the simulated demo scene for the guide's picture of the measure panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from sarvlm_app.ui.workplace import Workplace

PROFILE = ((300.0, 330.0), (1010.0, 640.0), (1340.0, 480.0))
REGION = ((1120.0, 1470.0), (1560.0, 1430.0), (1600.0, 1640.0), (1180.0, 1660.0))
BOX = (1010, 900, 300, 200)
BRIGHT = (1060, 1880, 140, 140)
"""A window that holds a bright ship."""


def show_measures(place: Workplace, wait_until: Callable[[str, Callable[[], bool]], None]) -> None:
    """Draw one measure of each kind; the profile is looked at, with a place on it marked."""
    from sarvlm_app.core.measure_list import Tool
    from sarvlm_app.core.scene import read_chip
    from sarvlm_models.types import Window

    measures, scene = place.session.measures, place.session.active
    assert scene is not None
    place.actions["show_measures"].trigger()
    place.view.heatmap.set_visible(False)
    place.view.numbers.set_visible(False)
    place.window.canvas.fit()
    for tool, points in ((Tool.PROFILE, PROFILE), (Tool.AREA, REGION)):
        measures.choose(tool)
        for point in points:
            measures.add_point(*point)
        measures.finish()
    measures.add_box(Window(*BOX))
    chip = read_chip(scene, Window(*BRIGHT), 1)
    row, col = np.unravel_index(int(np.argmax(chip.intensity)), chip.intensity.shape)
    measures.choose(Tool.POINT)
    measures.add_point(BRIGHT[0] + float(col) + 0.5, BRIGHT[1] + float(row) + 0.5)
    wait_until("the measures", lambda: not measures.running)
    measures.choose(None)
    measures.set_width(5)
    measures.select(1)
    measures.set_width(9)
    wait_until("the profile", lambda: not measures.running)
    plot = place.window.measures.card.plot
    plot.show_spot(430)
    plot.hovered.emit(430)
