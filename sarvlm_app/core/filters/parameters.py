"""What a filter may be told: its parameters with their meaning and limits, to be checked and shown in a panel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from sarvlm_app.errors import QueryError

_KEY = "parameter"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a filter.

    Attributes
    ----------
    name : str
        Of the dataclass field.
    title : str
        What a panel writes beside it, its unit in brackets.
    about : str
        One or two sentences for an analyst: what it does to the picture.
    default, low, high : number
        Limits included; a default of None means that it follows from the scene.
    whole, odd : bool
        Whether only whole, or only odd, numbers make sense.
    """

    name: str
    title: str
    about: str
    default: float | None
    low: float
    high: float
    whole: bool = False
    odd: bool = False

    def check(self, value: float | None) -> None:
        """Refuse a value out of its limits.

        Raises
        ------
        QueryError
            One sentence: which value, what is allowed.
        """
        if value is None and self.default is None:
            return
        if value is None or not math.isfinite(value) or not self.low <= value <= self.high or not self._fits(value):
            raise QueryError(
                f"The filter's “{self.title}” cannot be {value}; "
                f"choose {self._kind()} from {self.low:g} to {self.high:g}."
            )

    def _fits(self, value: float) -> bool:
        return not (self.whole or self.odd) or (value == int(value) and (not self.odd or int(value) % 2 == 1))

    def _kind(self) -> str:
        return "an odd number" if self.odd else "a whole number" if self.whole else "a number"


def parameter(default: float | None, limits: tuple[float, float], title: str, about: str, kind: str = "real") -> Any:
    """A dataclass field that knows its limits; `kind` is "real", "whole" or "odd"."""
    known = {"title": title, "about": about, "low": limits[0], "high": limits[1], "kind": kind}
    return field(default=default, metadata={_KEY: known})


def window_size(default: int, largest: int = 33, smallest: int = 3) -> Any:
    """The field of a square window's edge in pixels."""
    about = (
        "Edge of the square window that is looked at around each pixel. "
        "Larger windows smooth more and blur more of what is small."
    )
    return parameter(default, (smallest, largest), "window (px)", about, "odd")


def number_of_looks() -> Any:
    """The field of the equivalent number of looks."""
    about = (
        "How many independent looks went into a pixel: 1 for single-look data, about 4.4 for Sentinel-1 IW GRD. "
        "It says how strong the speckle is; too low a number smooths what is real, too high a one leaves speckle."
    )
    return parameter(1.0, (0.2, 1000.0), "looks", about)


def parameters(filter_class: type[Any]) -> tuple[Parameter, ...]:
    """The parameters of a filter in the order of its fields."""
    found = []
    for one in fields(filter_class):
        known = dict(one.metadata[_KEY])
        kind = known.pop("kind")
        default: float | None = one.default if isinstance(one.default, int | float) else None
        found.append(Parameter(one.name, default=default, whole=kind != "real", odd=kind == "odd", **known))
    return tuple(found)


def check(given: Any) -> None:
    """Refuse a filter whose parameters lie out of their limits.

    Raises
    ------
    QueryError
    """
    for one in parameters(type(given)):
        one.check(getattr(given, one.name))
