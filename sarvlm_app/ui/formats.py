"""How numbers read in the window."""

from __future__ import annotations

import math

from sarvlm_app.core.coordinates import dms_text, lonlat_text

__all__ = [
    "dms_text",
    "lonlat_text",
    "number_text",
    "pixel_text",
    "places_text",
    "seconds_text",
    "share_text",
]


def pixel_text(col: float, row: float) -> str:
    """A scene position in whole pixels."""
    return f"row {math.floor(row)}  col {math.floor(col)}"


def seconds_text(seconds: float) -> str:
    """A duration as short as it can be told: `0.04 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def number_text(value: float, decimals: int = 1) -> str:
    """A signed number with a true minus sign."""
    return f"{value:.{decimals}f}".replace("-", "−")


def places_text(count: int) -> str:
    """The headline of an answer."""
    if count == 0:
        return "Nothing stands out"
    return "1 place stands out" if count == 1 else f"{count} places stand out"


def share_text(share: float) -> str:
    """A share of 0..1 as `62 %`, with a blank that does not break."""
    return f"{100 * share:.0f}\u00a0%"
