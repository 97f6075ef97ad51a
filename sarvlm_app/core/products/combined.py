"""Pixels put together from those of other sources: I and Q of two bands, amplitudes stored as a power."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.products.sources import Layout, PixelSource
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class IqSource:
    """Complex samples whose real and imaginary parts are two bands of one size."""

    real: PixelSource
    imaginary: PixelSource

    @property
    def value_type(self) -> ValueType:
        return ValueType.COMPLEX

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((*self.real.files, *self.imaginary.files)))

    def layout(self) -> Layout:
        inner = self.real.layout()
        return Layout(inner.height, inner.width, inner.block)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("IqSource: expected no overview, for it states none")
        real, valid = self.real.native(window)
        imaginary, also = self.imaginary.native(window)
        values = np.empty(real.shape, np.complex64)
        values.real, values.imag = real, imaginary
        # a sample is missing only where both parts are: an I of 0 is a measurement
        return values, valid | also


@dataclass(frozen=True, slots=True)
class RootSource:
    """Amplitudes stored as (scale x amplitude) ** exponent, to fit 16 bits.

    Attributes
    ----------
    stored : PixelSource
    exponent, scale : float
        Above 0.
    """

    stored: PixelSource
    exponent: float
    scale: float

    @property
    def value_type(self) -> ValueType:
        return ValueType.AMPLITUDE

    @property
    def files(self) -> tuple[Path, ...]:
        return self.stored.files

    def layout(self) -> Layout:
        inner = self.stored.layout()
        return Layout(inner.height, inner.width, inner.block)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("RootSource: expected no overview, for it states none")
        values, valid = self.stored.native(window)
        amplitude = np.power(values.astype(np.float64), 1.0 / self.exponent) / self.scale
        return amplitude.astype(np.float32), valid
