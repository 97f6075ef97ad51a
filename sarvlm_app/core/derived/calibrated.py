"""Backscatter from stored values by the product's own tables: sigma0, beta0, gamma0, thermal noise removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.derived.derive import derived
from sarvlm_app.core.products.sources import Layout, PixelSource, read_intensity
from sarvlm_app.core.products.types import Band, Calibrator, Scene
from sarvlm_app.core.radiometry import Bool, Calibration, ValueType
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class CalibratedSource:
    """(intensity - noise) x gain of another source, linear.

    Thermal noise may exceed what was measured: such pixels are negative, as
    the mean over clutter would otherwise be too high.
    """

    inner: PixelSource
    calibrator: Calibrator
    kind: Calibration
    remove_noise: bool

    @property
    def value_type(self) -> ValueType:
        return ValueType.INTENSITY

    @property
    def files(self) -> tuple[Path, ...]:
        return self.inner.files

    def layout(self) -> Layout:
        inner = self.inner.layout()
        return Layout(inner.height, inner.width, inner.block)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("CalibratedSource: expected no overview, for it states none")
        intensity, valid = read_intensity(self.inner, window)
        if self.remove_noise:
            intensity = intensity - self.calibrator.noise(window)
        return np.asarray(intensity * self.calibrator.gain(window, self.kind), np.float32), valid


def calibrations(scene: Scene) -> tuple[Calibration, ...]:
    """What the scene's product can be calibrated to, for all of its bands; empty where it cannot."""
    common = [set(band.calibrator.kinds) if band.calibrator else set() for band in scene.bands]
    return tuple(kind for kind in Calibration if common and all(kind in kinds for kinds in common))


def can_remove_noise(scene: Scene) -> bool:
    """Whether thermal noise is stated for all of its bands."""
    return all(band.calibrator is not None and band.calibrator.has_noise for band in scene.bands)


def calibrated(scene: Scene, kind: Calibration, *, remove_noise: bool = False) -> Scene:
    """The scene as backscatter, computed while it is read.

    Raises
    ------
    SceneError
        The product does not say how; the sentence tells what it has.
    """
    possible = calibrations(scene)
    if kind not in possible:
        raise SceneError(f"{scene.path} cannot be calibrated to {kind}: {_why_not(scene, possible)}")
    if remove_noise and not can_remove_noise(scene):
        raise SceneError(f"{scene.path} states no thermal noise; calibrate it without removing noise.")

    def wrap(band: Band, source: PixelSource) -> PixelSource:
        assert band.calibrator is not None
        return CalibratedSource(source, band.calibrator, kind, remove_noise)

    step = f"{kind}, thermal noise removed" if remove_noise else str(kind)
    return derived(scene, step, wrap, calibration=kind)


def _why_not(scene: Scene, possible: tuple[Calibration, ...]) -> str:
    if possible:
        return f"its tables give {', '.join(possible)}; choose one of them."
    if scene.calibration is not Calibration.UNCALIBRATED:
        return f"it holds {scene.calibration} already; use it as it is."
    return "it comes without calibration tables; open the product as it was delivered, with its annotation."
