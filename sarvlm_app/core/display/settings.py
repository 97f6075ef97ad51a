"""What an analyst chose for the display of one scene: frozen values, and their form in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isfinite
from typing import Any

COLOURS = ("gray", "viridis", "magma", "inferno", "cividis")
"""Colour maps for amplitude: perceptually even, the last four readable by the colour-blind (cividis most)."""
PHASE_COLOURS = "twilight"
"""Cyclic: -180 and +180 degrees have one colour."""
GAMMAS = (0.2, 3.0)
"""Least and largest exponent of the grey level."""


class Mode(StrEnum):
    """How values become grey levels."""

    PERCENTILE = "percentile"
    """Decibels, black and white at the scene's 2nd and 98th percentile."""
    MANUAL = "manual"
    """Decibels, black and white by hand."""
    LOG = "log"
    """Decibels, nearly the whole range of the scene (0.1 to 99.9 %)."""
    LINEAR = "linear"
    """Amplitude, from 0 to the scene's 98th percentile or by hand."""
    GAMMA = "gamma"
    """The same under a power of its own, by default the square root."""
    NRL = "nrl"
    DENSITY = "density"
    BRIGHTER = "brighter"
    DARKER = "darker"
    HIGH_CONTRAST = "high_contrast"
    PEDF = "pedf"
    SICD_LOG = "sicd_log"

    @property
    def is_remap(self) -> bool:
        """Whether it is a remap of the SICD world, without limits of its own."""
        return self in REMAPS

    @property
    def unit(self) -> str:
        """Of its limits: "dB", or "amplitude"."""
        return "amplitude" if self in (Mode.LINEAR, Mode.GAMMA) else "dB"


REMAPS = (Mode.NRL, Mode.DENSITY, Mode.BRIGHTER, Mode.DARKER, Mode.HIGH_CONTRAST, Mode.PEDF, Mode.SICD_LOG)


class ChannelKind(StrEnum):
    """What a channel of a composite shows, in dB."""

    BAND = "band"
    """One band."""
    DOUBLE = "double"
    """Twice the amplitude of one band: 2|HV|."""
    RATIO = "ratio"
    """One band over another: the difference of their decibels."""
    SUM = "sum"
    """Modulus of the sum of two complex bands: |HH+VV|, odd bounce."""
    DIFFERENCE = "difference"
    """Modulus of the difference of two complex bands: |HH-VV|, even bounce."""


Limits = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Channel:
    """One colour of a composite.

    Attributes
    ----------
    kind : ChannelKind
    bands : tuple of int
        From 1: one, or two for ratio, sum and difference.
    limits : (float, float) or None
        Dark and bright in dB; None for the 2nd and 98th percentile of the scene.
    """

    kind: ChannelKind
    bands: tuple[int, ...]
    limits: Limits | None = None

    def __post_init__(self) -> None:
        wanted = 1 if self.kind in (ChannelKind.BAND, ChannelKind.DOUBLE) else 2
        if len(self.bands) != wanted or min(self.bands) < 1:
            raise ValueError(f"Channel: expected {wanted} band(s) from 1 for {self.kind}, got {self.bands}")
        _check_limits(self.limits)

    @property
    def of_scene(self) -> Channel:
        """The same with the limits of the scene."""
        return replace(self, limits=None)


@dataclass(frozen=True, slots=True)
class Composite:
    """Three channels as red, green and blue.

    Attributes
    ----------
    name : str
        "VV / VH / ratio", "Pauli", "Free".
    channels : three of Channel
        Red, green, blue.
    """

    name: str
    channels: tuple[Channel, Channel, Channel]

    def with_limits(self, index: int, limits: Limits | None) -> Composite:
        """A copy with other limits of the channel `index` (0 red, 1 green, 2 blue)."""
        changed = [replace(c, limits=limits) if k == index else c for k, c in enumerate(self.channels)]
        return replace(self, channels=(changed[0], changed[1], changed[2]))


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """How one scene is shown.

    Attributes
    ----------
    mode : Mode
        For a single band.
    limits : (float, float) or None
        Black and white in the unit of the mode; None for those of the scene.
    gamma : float
        Exponent of the grey level, 1 for none; below 1 lifts the dark.
    colours : str
        One of `COLOURS`.
    phase : bool
        Phase of complex data instead of its amplitude.
    composite : Composite or None
        Three channels in colour instead of a single band.
    band : int or None
        The band (from 1) that `limits` were set for, where that is known.
    """

    mode: Mode = Mode.PERCENTILE
    limits: Limits | None = None
    gamma: float = 1.0
    colours: str = "gray"
    phase: bool = False
    composite: Composite | None = None
    band: int | None = None

    def __post_init__(self) -> None:
        _check_limits(self.limits)
        if self.colours not in COLOURS:
            raise ValueError(f"DisplaySettings: expected colours of {COLOURS}, got {self.colours}")
        if not GAMMAS[0] <= self.gamma <= GAMMAS[1]:
            raise ValueError(f"DisplaySettings: expected a gamma of {GAMMAS}, got {self.gamma}")

    def with_mode(self, mode: Mode) -> DisplaySettings:
        """A copy in another mode, with the limits of the scene and the gamma of the mode."""
        return replace(self, mode=mode, limits=None, band=None, gamma=0.5 if mode is Mode.GAMMA else 1.0)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        composite = None if self.composite is None else _composite_json(self.composite)
        return {
            "mode": str(self.mode), "limits": None if self.limits is None else list(self.limits),
            "gamma": self.gamma, "colours": self.colours, "phase": self.phase, "composite": composite,
            "band": self.band,
        }  # fmt: skip

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> DisplaySettings:
        """The settings of a JSON file.

        Raises
        ------
        ValueError, TypeError, KeyError
            When they are none.
        """
        composite, band = values.get("composite"), values.get("band")
        return DisplaySettings(
            Mode(values["mode"]), _limits(values.get("limits")), float(values["gamma"]), str(values["colours"]),
            bool(values["phase"]), None if composite is None else _composite(composite),
            None if band is None else int(band),
        )  # fmt: skip


def _check_limits(limits: Limits | None) -> None:
    if limits is not None and not (isfinite(limits[0]) and isfinite(limits[1]) and limits[0] < limits[1]):
        raise ValueError(f"Display: expected finite limits with low < high, got {limits}")


def _composite_json(composite: Composite) -> dict[str, Any]:
    channels = [
        {"kind": str(c.kind), "bands": list(c.bands), "limits": None if c.limits is None else list(c.limits)}
        for c in composite.channels
    ]
    return {"name": composite.name, "channels": channels}


def _composite(values: Mapping[str, Any]) -> Composite:
    red, green, blue = (
        Channel(ChannelKind(c["kind"]), tuple(int(b) for b in c["bands"]), _limits(c.get("limits")))
        for c in values["channels"]
    )
    return Composite(str(values["name"]), (red, green, blue))


def _limits(values: Any) -> Limits | None:
    if values is None:
        return None
    low, high = values
    return float(low), float(high)
