"""Which classes are looked for at which pixel spacing: a ship of 300 m and a lorry need different pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sarvlm_app.core.scene import Scene
from sarvlm_models.api import Detector
from sarvlm_models.types import DetectorSpec, StoredClass

ANY_SPACING = (0.0, math.inf)
NEARLY = 0.1
"""Of a factor that counts as a whole one: a map's metre is not quite a metre on the ground."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Classes that are looked for together.

    Attributes
    ----------
    factor : int
        Full-resolution pixels that are averaged into one of the detector's.
    """

    classes: tuple[StoredClass, ...]
    factor: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The passes over a scene, the finest first, and what was assumed."""

    passes: tuple[Pass, ...]
    notes: tuple[str, ...]


def spacing_of(scene: Scene) -> float | None:
    """Ground metres of a pixel, the geometric mean of both directions; None where unknown."""
    return None if scene.spacing_m is None else math.sqrt(scene.spacing_m[0] * scene.spacing_m[1])


def plan_passes(spec: DetectorSpec, classes: Sequence[StoredClass], spacing_m: float | None) -> Plan:
    """Passes for classes at a scene's pixel spacing.

    Pixels finer than a class needs are averaged down for it; a class that the
    pixels are too coarse for is left out where it was not asked for by name.

    Parameters
    ----------
    classes : sequence of StoredClass
        Empty: all that the detector was taught.
    spacing_m : float or None
        Ground metres per pixel; unknown ones are taken as they are.
    """
    wanted = list(classes or spec.classes)
    if spacing_m is None:
        return Plan(
            (Pass(tuple(wanted), 1),),
            ("The pixel spacing is not known: pixels are taken as they are, and boxes have no metres.",),
        )
    coarse = [one for one in wanted if spacing_m > one.spacing_m[1]]
    if not classes:
        wanted = [one for one in wanted if one not in coarse]
    by_factor: dict[int, list[StoredClass]] = {}
    for one in wanted:
        least = max(spec.finest_spacing_m, one.spacing_m[0])
        by_factor.setdefault(max(1, math.floor(least / spacing_m + NEARLY)), []).append(one)
    passes = tuple(Pass(tuple(of), factor) for factor, of in sorted(by_factor.items()))
    return Plan(passes, _coarse_note(coarse, spacing_m, asked=bool(classes)))


def _coarse_note(coarse: Sequence[StoredClass], spacing_m: float, *, asked: bool) -> tuple[str, ...]:
    if not coarse:
        return ()
    names = ", ".join(one.name for one in coarse)
    if asked:
        return (f"Pixels of {spacing_m:.2g} m are too coarse to tell {names}: take such boxes with doubt.",)
    return (f"Not looked for, since pixels of {spacing_m:.2g} m are too coarse: {names}.",)


def with_spacing(detector: Detector, classes: Sequence[StoredClass]) -> tuple[StoredClass, ...]:
    """Free words with the spacing of the stored class that means most nearly the same."""
    known = detector.spec.classes
    free = [one for one in classes if one.spacing_m == ANY_SPACING]
    if not free or not known:
        return tuple(classes)
    likeness = detector.class_vectors(free) @ detector.class_vectors(known).T
    nearest = {one: known[int(row)] for one, row in zip(free, np.argmax(likeness, axis=1), strict=True)}
    return tuple(replace(one, spacing_m=nearest[one].spacing_m) if one in nearest else one for one in classes)
