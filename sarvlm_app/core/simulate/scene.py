"""The door of the simulator: a spec goes in, a picture with its truth comes out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas
from .layouts import LAYOUTS
from .render import render
from .spec import KINDS, SimulatedScene, SimulationSpec, TruthObject
from .surfaces import LANDCOVER_NAMES, Cover


def simulate_scene(spec: SimulationSpec) -> SimulatedScene:
    """Make a scene; the same spec gives the same scene.

    Parameters
    ----------
    spec : SimulationSpec

    Returns
    -------
    SimulatedScene
        `intensity` float32 (h, w) linear with speckle and noise floor,
        `landcover` uint8 (h, w), and the objects in the picture.
    """
    return compose(spec, LAYOUTS[spec.kind])


def compose(spec: SimulationSpec, layout: Callable[[Canvas], None]) -> SimulatedScene:
    """Lay out a blank canvas, render it and turn it to the look direction of `spec`."""
    rng = np.random.default_rng([spec.seed, KINDS.index(spec.kind), spec.width, spec.height])
    canvas = Canvas.blank(spec, rng, Cover.GRASSLAND)
    layout(canvas)
    picture, cover, objects = render(canvas), canvas.cover, tuple(canvas.objects)
    if spec.look == "left":
        picture, cover = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(cover[:, ::-1])
        objects = tuple(_mirrored(thing, spec.width) for thing in objects)
    return SimulatedScene(picture, cover, LANDCOVER_NAMES, objects, spec)


def _mirrored(thing: TruthObject, width: int) -> TruthObject:
    polygon = thing.polygon_px[::-1] * (-1.0, 1.0) + (float(width), 0.0)
    heading = None if thing.heading_deg is None else (-thing.heading_deg) % 360.0
    return TruthObject(thing.label, polygon, thing.length_m, thing.width_m, heading)
