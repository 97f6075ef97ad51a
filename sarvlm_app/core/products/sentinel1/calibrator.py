"""Sentinel-1's own calibration: backscatter = (DN^2 - noise) / A^2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarvlm_app.core.products.place import Place
from sarvlm_app.core.radiometry import Calibration, Float32
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

from .tables import calibration_vectors, noise_vectors


@dataclass(frozen=True, slots=True)
class Sentinel1Calibrator:
    """The calibration and noise vectors of one image.

    Attributes
    ----------
    calibration : Path or Member
    noise_file : Path or Member or None
    """

    calibration: Place
    noise_file: Place | None = None

    @property
    def kinds(self) -> tuple[Calibration, ...]:
        return tuple(calibration_vectors(self.calibration))

    @property
    def has_noise(self) -> bool:
        return self.noise_file is not None

    def gain(self, window: Window, kind: Calibration) -> Float32:
        table = calibration_vectors(self.calibration)[kind].at(window)
        if not (table > 0).all():
            raise SceneError(f"{self.calibration} has a calibration value of zero or less; download the product again.")
        return np.asarray(1.0 / (table * table), np.float32)

    def noise(self, window: Window) -> Float32:
        if self.noise_file is None:
            raise ValueError("Sentinel1Calibrator: expected a noise file, got None")
        return np.asarray(noise_vectors(self.noise_file).at(window), np.float32)
