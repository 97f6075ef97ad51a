"""Sums and differences of two complex bands, as a scene of their intensity; and what a channel is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.derived.derive import derived
from sarvlm_app.core.display.settings import Channel, ChannelKind
from sarvlm_app.core.products.sources import Layout, PixelSource
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Bool, ValueType
from sarvlm_app.core.scene import source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

DOUBLE_DB = float(20 * np.log10(2.0))


@dataclass(frozen=True, slots=True)
class CombinedSource:
    """|one + sign x other|^2 of two complex sources: phases count before the average, as they must."""

    one: PixelSource
    other: PixelSource
    sign: int

    @property
    def value_type(self) -> ValueType:
        return ValueType.INTENSITY

    @property
    def files(self) -> tuple[Path, ...]:
        return (*self.one.files, *self.other.files)

    def layout(self) -> Layout:
        inner = self.one.layout()
        return Layout(inner.height, inner.width, inner.block)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("CombinedSource: expected no overview, for it states none")
        first, valid = self.one.native(window)
        second, also = self.other.native(window)
        total = np.asarray(first, np.complex64) + np.complex64(self.sign) * np.asarray(second, np.complex64)
        return (total.real**2 + total.imag**2).astype(np.float32), valid & also


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a channel: `sign` times the decibels of a band of a scene."""

    scene: Scene
    band: int
    sign: int = 1


@lru_cache(maxsize=64)
def terms_of(scene: Scene, channel: Channel) -> tuple[tuple[Term, ...], float]:
    """What the decibels of a channel are the sum of: terms, and a constant in dB.

    Raises
    ------
    SceneError
        The scene lacks one of the bands.
    """
    if channel.kind is ChannelKind.BAND:
        return (Term(scene, channel.bands[0]),), 0.0
    if channel.kind is ChannelKind.DOUBLE:
        return (Term(scene, channel.bands[0]),), DOUBLE_DB
    if channel.kind is ChannelKind.RATIO:
        return (Term(scene, channel.bands[0]), Term(scene, channel.bands[1], -1)), 0.0
    sign = 1 if channel.kind is ChannelKind.SUM else -1
    return (Term(_combined(scene, channel.bands[0], channel.bands[1], sign), 1),), 0.0


def _combined(scene: Scene, one: int, other: int, sign: int) -> Scene:
    """A scene whose only band is the modulus of a sum or difference of two complex bands."""
    for index in (one, other):
        if source_of(scene, index).value_type is not ValueType.COMPLEX:
            raise SceneError(f"{scene.path}: band {index} is not complex and cannot be added with its phase.")
    source = CombinedSource(source_of(scene, one), source_of(scene, other), sign)

    def wrap(band: Band, _source: PixelSource) -> PixelSource:
        return source

    made = derived(scene, f"|{one}{'+' if sign > 0 else '-'}{other}|", wrap)
    band = replace(made.bands[0], index=1, name=made.origin, polarisation=None)
    return replace(made, bands=(band,))
