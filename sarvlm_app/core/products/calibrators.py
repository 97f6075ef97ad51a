"""Radiometric tables of products: constants, tables along the range, angles on a grid; all of them hashable."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sarvlm_app.core.georef import GridPoint
from sarvlm_app.core.radiometry import Calibration, Float32
from sarvlm_models.types import Window

_GIVEN = (Calibration.BETA0, Calibration.SIGMA0, Calibration.GAMMA0)


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers at lines and columns of an image, linear between them and constant beyond.

    Two are equal when their numbers are.

    Attributes
    ----------
    lines, columns : float64 (n,), (m,)
        Sample numbers, counted from the centre of the first, rising.
    values : float64 (n, m)
    """

    lines: NDArray[np.float64] = field(compare=False)
    columns: NDArray[np.float64] = field(compare=False)
    values: NDArray[np.float64] = field(compare=False)
    digest: bytes

    @classmethod
    def of(cls, lines: ArrayLike, columns: ArrayLike, values: ArrayLike) -> Table:
        """The table of values (lines, columns), put into rising order.

        Raises
        ------
        ValueError
            When the numbers do not fit together or are not finite.
        """
        down, across = np.array(lines, np.float64).ravel(), np.array(columns, np.float64).ravel()
        table = np.array(values, np.float64)
        if table.shape != (down.size, across.size) or table.size == 0:
            raise ValueError(f"Table: expected values of shape {(down.size, across.size)}, got {table.shape}")
        if not all(np.isfinite(array).all() for array in (down, across, table)):
            raise ValueError("Table: expected finite numbers")
        rows, cols = np.argsort(down), np.argsort(across)
        down, across, table = down[rows], across[cols], table[np.ix_(rows, cols)]
        if (np.diff(down) <= 0).any() or (np.diff(across) <= 0).any():
            raise ValueError("Table: expected lines and columns that differ")
        for array in (down, across, table):
            array.flags.writeable = False
        digest = hashlib.sha256(b"|".join(array.tobytes() for array in (down, across, table))).digest()
        return cls(down, across, table, digest)

    @classmethod
    def along_columns(cls, columns: ArrayLike, values: Sequence[float] | NDArray[np.float64]) -> Table:
        """One line of values that holds for all lines."""
        return cls.of([0.0], columns, np.asarray(values, np.float64)[None, :])

    @classmethod
    def constant(cls, value: float) -> Table:
        """One number for all pixels."""
        return cls.of([0.0], [0.0], [[value]])

    def at(self, window: Window) -> NDArray[np.float64]:
        """Values (h, w) of a window, or one that broadcasts to it."""
        lines, values = self._needed(window)
        rows = values
        if self.columns.size > 1:
            across = np.arange(window.col, window.col_end, dtype=np.float64)
            rows = np.stack([np.interp(across, self.columns, row) for row in values])
        if lines.size == 1:
            return rows[:1]
        down = np.clip(np.arange(window.row, window.row_end, dtype=np.float64), lines[0], lines[-1])
        above = np.clip(np.searchsorted(lines, down, side="right") - 1, 0, lines.size - 2)
        share = ((down - lines[above]) / (lines[above + 1] - lines[above]))[:, None]
        return np.asarray(rows[above] * (1.0 - share) + rows[above + 1] * share)

    def _needed(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lines about a window: a table of a thousand lines is not worked through for each tile."""
        if self.lines.size <= 2:
            return self.lines, self.values
        first = max(int(np.searchsorted(self.lines, window.row, side="right")) - 1, 0)
        last = min(int(np.searchsorted(self.lines, window.row_end, side="left")) + 1, self.lines.size)
        first = min(first, last - 2)
        return self.lines[first:last], self.values[first:last]


@dataclass(frozen=True, slots=True)
class FactorCalibrator:
    """One factor to one kind of backscatter; with the incidence angle to the others.

    sigma0 = beta0 x sin(angle), gamma0 = sigma0 / cos(angle).

    Attributes
    ----------
    given : Calibration
        What `factor` x intensity is.
    factor : float
        Above 0.
    angle : Table or None
        Incidence in degrees.
    thermal : Table or None
        Noise in the unit of the stored intensity.
    """

    given: Calibration
    factor: float
    angle: Table | None = None
    thermal: Table | None = None

    @property
    def kinds(self) -> tuple[Calibration, ...]:
        return (self.given,) if self.angle is None else _GIVEN

    @property
    def has_noise(self) -> bool:
        return self.thermal is not None

    def gain(self, window: Window, kind: Calibration) -> Float32:
        if kind not in self.kinds:
            raise ValueError(f"FactorCalibrator: expected one of {self.kinds}, got {kind}")
        if self.angle is None or kind is self.given:
            return np.full((1, 1), self.factor, np.float32)
        angle = np.deg2rad(self.angle.at(window))
        return np.asarray(self.factor * _area(kind, angle) / _area(self.given, angle), np.float32)

    def noise(self, window: Window) -> Float32:
        return np.zeros((1, 1), np.float32) if self.thermal is None else np.asarray(self.thermal.at(window), np.float32)


def usable(factor: float | None) -> float | None:
    """A factor that calibrates: above zero, and within what single precision can hold the products of."""
    return factor if factor is not None and 1e-25 < factor < 1e25 else None


def _area(kind: Calibration, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """The backscatter of that kind where beta0 is 1."""
    if kind is Calibration.BETA0:
        return np.ones_like(angle)
    return np.asarray(np.sin(angle) if kind is Calibration.SIGMA0 else np.tan(angle))


@dataclass(frozen=True, slots=True)
class TableCalibrator:
    """A table of factors for each kind of backscatter.

    Attributes
    ----------
    gains : tuple of (Calibration, Table)
    thermal : Table or None
        Noise in the unit of the stored intensity.
    """

    gains: tuple[tuple[Calibration, Table], ...]
    thermal: Table | None = None

    @property
    def kinds(self) -> tuple[Calibration, ...]:
        return tuple(kind for kind, _ in self.gains)

    @property
    def has_noise(self) -> bool:
        return self.thermal is not None

    def gain(self, window: Window, kind: Calibration) -> Float32:
        table = next((table for its, table in self.gains if its is kind), None)
        if table is None:
            raise ValueError(f"TableCalibrator: expected one of {self.kinds}, got {kind}")
        return np.asarray(table.at(window), np.float32)

    def noise(self, window: Window) -> Float32:
        return np.zeros((1, 1), np.float32) if self.thermal is None else np.asarray(self.thermal.at(window), np.float32)


def angles_of(points: Sequence[GridPoint]) -> Table | None:
    """The incidence angles of a geolocation grid; None where it states none or is no whole grid."""
    if not points or any(point.incidence is None for point in points):
        return None
    lines, line_of = np.unique([point.line for point in points], return_inverse=True)
    pixels, pixel_of = np.unique([point.pixel for point in points], return_inverse=True)
    values = np.full((lines.size, pixels.size), np.nan)
    values[line_of, pixel_of] = [point.incidence for point in points]
    return Table.of(lines, pixels, values) if np.isfinite(values).all() else None
