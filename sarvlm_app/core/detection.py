"""Objects of a scene as boxes: windows to a detector, merged across their borders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sarvlm_app.core.scene import Scene
from sarvlm_models.api import Detector
from sarvlm_models.types import Detections, StoredClass, Window

DetectorProvider = Callable[[], Detector]


@dataclass(frozen=True, slots=True)
class DetectionRequest:
    """What to look for and where: all that decides the result.

    Attributes
    ----------
    band : int
        From 1.
    classes : tuple of StoredClass
        Empty: those the detector was taught, as far as the pixel spacing allows.
    area : Window or None
        Full-resolution pixels, cut at the scene's edges; None is the whole scene.
    min_score : float
        Boxes below are not kept at all (the slider of the window works above it).
    rotated : bool
        Whether `corners_px` of the result are rotated boxes; else the corners of `bbox_px`.
    """

    scene: Scene
    band: int
    classes: tuple[StoredClass, ...] = ()
    area: Window | None = None
    min_score: float = 0.1
    rotated: bool = True


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found.

    Attributes
    ----------
    detections : Detections
        In full-resolution pixels of the scene, best first.
    seconds : float
    complete : bool
        False while windows are still to come: a partial result.
    notes : tuple of str
        Sentences about what was assumed (an unknown pixel spacing, no georeference).
    """

    request: DetectionRequest
    detections: Detections
    seconds: float
    complete: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectionEstimate:
    """What a run will cost: windows, and seconds where the speed is known from an earlier one."""

    windows: int
    megapixels: float
    seconds: float | None
