"""Speckle filters on linear intensity: small frozen values that filter a window as they would the whole scene.

Every filter knows invalid pixels (they enter no mean and get no value), looks
`margin_px` around a pixel and carries its own explanation. Calibration and
units are not theirs: they take linear intensity, never dB.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sarvlm_app.core.filters.boxcar import Boxcar
from sarvlm_app.core.filters.frost import Frost
from sarvlm_app.core.filters.gamma_map import GammaMap
from sarvlm_app.core.filters.lee import Lee
from sarvlm_app.core.filters.lee_sigma import LeeSigma
from sarvlm_app.core.filters.looks import estimate_looks
from sarvlm_app.core.filters.multilook import Multilook
from sarvlm_app.core.filters.parameters import Parameter, parameters
from sarvlm_app.core.filters.refined_lee import RefinedLee
from sarvlm_app.core.filters.types import SpeckleFilter
from sarvlm_app.errors import QueryError

__all__ = [
    "FILTERS",
    "Boxcar",
    "Frost",
    "GammaMap",
    "Lee",
    "LeeSigma",
    "Multilook",
    "Parameter",
    "RefinedLee",
    "SpeckleFilter",
    "describe",
    "estimate_looks",
    "make_filter",
    "parameters",
]

FILTERS: Mapping[str, type[SpeckleFilter]] = MappingProxyType(
    {one.name: one for one in (Multilook, Boxcar, Lee, RefinedLee, LeeSigma, Frost, GammaMap)}
)
"""The filters by name, in the order in which they are offered."""


def make_filter(name: str, **values: float | None) -> SpeckleFilter:
    """A filter by its name with the given parameters; those left out or None keep their defaults.

    Raises
    ------
    QueryError
        The name or a parameter is not known, or a value is out of its limits.
    """
    chosen = FILTERS.get(name)
    if chosen is None:
        raise QueryError(f"There is no filter “{name}”; choose one of {', '.join(FILTERS)}.")
    known = {one.name: one for one in parameters(chosen)}
    given: dict[str, float] = {}
    for key, value in values.items():
        if value is None:
            continue
        if key not in known:
            names = ", ".join(known)
            raise QueryError(f"The filter {name} has no parameter “{key}”; it has {names}.")
        known[key].check(value)
        given[key] = int(value) if known[key].whole else float(value)
    return chosen(**given)


def describe(chosen: SpeckleFilter) -> str:
    """A filter and its parameters in a line, as for the facts of a scene."""
    values = [(one.title, getattr(chosen, one.name)) for one in parameters(type(chosen))]
    return ", ".join([chosen.title, *(f"{title} {value:.12g}" for title, value in values if value is not None)])
