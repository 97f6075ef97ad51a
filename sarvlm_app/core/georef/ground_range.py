"""How ground range products were made: the slant range of each pixel, as polynomials that change along the track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .interface import Float64


@dataclass(frozen=True, slots=True)
class GroundRange:
    """Polynomials from ground range to slant range, as Sentinel-1's `coordinateConversion` has them.

    The processor renews them about once a second, after the height of the
    terrain; a geolocation grid with three seconds between its lines does not
    see that. Between two of them they are interpolated.

    Attributes
    ----------
    lines : tuple of float
        Line of each polynomial, counted from the centre of the first one; growing. May lie outside the image.
    origins : tuple of float
        Ground range at which each polynomial begins (gr0), metres.
    coefficients : tuple of tuple of float
        Of each polynomial (grsrCoefficients), the constant first; metres.
    spacing_m : float
        Ground range of a pixel, metres.

    Raises
    ------
    ValueError
        When there are no polynomials, or not as many of each, or they do not follow one another.
    """

    lines: tuple[float, ...]
    origins: tuple[float, ...]
    coefficients: tuple[tuple[float, ...], ...]
    spacing_m: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "coefficients", tuple(tuple(row) for row in self.coefficients))
        counts = {len(self.lines), len(self.origins), len(self.coefficients)}
        if len(counts) != 1 or 0 in counts or len({len(row) for row in self.coefficients}) != 1:
            raise ValueError("GroundRange: the polynomials from ground to slant range are not complete")
        if not ((np.diff(self.lines) > 0.0).all() and np.isfinite(self.coefficients).all() and self.spacing_m > 0.0):
            raise ValueError("GroundRange: the polynomials from ground to slant range do not follow one another")

    def slant(self, line: Float64, pixel: Float64) -> Float64:
        """Metres to the sensor, of lines and pixels (n,) counted from the centre of the first one."""
        lines, table = np.array(self.lines), np.array(self.coefficients)
        after = np.clip(np.searchsorted(lines, line), 1, max(1, len(lines) - 1))
        before = after - 1
        after = np.minimum(after, len(lines) - 1)
        gap = np.where(after > before, lines[after] - lines[before], 1.0)
        share = np.clip((line - lines[before]) / gap, 0.0, 1.0)
        return np.asarray((1.0 - share) * self._one(table, before, pixel) + share * self._one(table, after, pixel))

    def _one(self, table: Float64, which: np.ndarray[tuple[int, ...], np.dtype[np.intp]], pixel: Float64) -> Float64:
        along = pixel * self.spacing_m - np.array(self.origins)[which]
        powers = along[:, None] ** np.arange(table.shape[1])
        return np.asarray((table[which] * powers).sum(axis=1))
