"""Complex samples of MSTAR files: magnitude times exp(i phase)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.raw import RawPlane, read_plane
from sarvlm_app.core.products.sources import Layout
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_models.types import Window

TURN = 4096
"""Phases of full scenes in a whole turn: 12 bits."""


@dataclass(frozen=True, slots=True)
class PhoenixSource:
    """Two planes of one file.

    Attributes
    ----------
    path : Path
    magnitude, phase : RawPlane
        float32 and radians, or uint16 and 4096ths of a turn.
    """

    path: Path
    magnitude: RawPlane
    phase: RawPlane

    @property
    def value_type(self) -> ValueType:
        return ValueType.COMPLEX

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,)

    def layout(self) -> Layout:
        return Layout(self.magnitude.rows, self.magnitude.cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("PhoenixSource: expected no overview, for it states none")
        magnitude = read_plane(self.path, self.magnitude, window)[..., 0].astype(np.float32)
        phase = read_plane(self.path, self.phase, window)[..., 0].astype(np.float32)
        valid = np.isfinite(magnitude) & np.isfinite(phase)
        if self.phase.dtype == ">u2":
            phase *= np.float32(2 * np.pi / TURN)
        angle = np.where(valid, phase, np.float32(0))
        values = np.empty(magnitude.shape, dtype=np.complex64)
        values.real, values.imag = magnitude * np.cos(angle), magnitude * np.sin(angle)
        return values, valid
