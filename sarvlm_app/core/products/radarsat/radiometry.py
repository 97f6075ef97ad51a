"""Calibration tables and noise of RADARSAT: detected (DN^2 + B) / A, complex |DN|^2 / A^2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from sarvlm_app.core.products.calibrators import Table, TableCalibrator
from sarvlm_app.core.products.radarsat.annotation import Annotation
from sarvlm_app.core.products.stated import numbers
from sarvlm_app.core.products.xml import parse_xml, text_at
from sarvlm_app.core.products.xml_values import number_at, whole_at
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.errors import SceneError

Float64 = NDArray[np.float64]
MAX_COLUMNS = 200_000
_LEAST, _MOST = 1e-12, 1e18
"""Gains beyond these, squared, are none that single precision can hold."""
_NOISE_NAMES = {
    Calibration.BETA0: "Beta Nought",
    Calibration.SIGMA0: "Sigma Nought",
    Calibration.GAMMA0: "Gamma",
}


class Radiometry:
    """The tables of one polarisation, as factors A over the columns of the whole image.

    Attributes
    ----------
    gains : dict of Calibration to float64 (columns,)
    missing : tuple of str
        Those that are named and not there, or cannot be used.
    documents : tuple of Path
    """

    def __init__(self, said: Annotation, polarisation: str, columns: int, whole: bool = True) -> None:
        self.gains: dict[Calibration, Float64] = {}
        self._said, self._polarisation = said, polarisation
        missing, documents = [], []
        for kind, file in said.tables(polarisation):
            try:
                self.gains[kind] = _gains(file, columns, whole)
                documents.append(file)
            except SceneError:
                missing.append(file.name if not file.exists() else f"{file.name} (not readable)")
            except ValueError as error:
                missing.append(f"{file.name} ({error})")
        self.missing, self.documents = tuple(missing), tuple(documents)

    @property
    def angle(self) -> Float64 | None:
        """Incidence in degrees over the columns, of the ratio of two tables: sigma0 = beta0 sin(angle)."""
        beta, sigma = self.gains.get(Calibration.BETA0), self.gains.get(Calibration.SIGMA0)
        if beta is None or sigma is None:
            return None
        ratio = (beta / sigma) ** (2.0 if self._said.is_complex else 1.0)
        if not ((ratio > 0.0) & (ratio < 1.0)).all():
            return None
        return np.asarray(np.rad2deg(np.arcsin(ratio)))

    def calibrator(self, offset: int, width: int) -> TableCalibrator | None:
        """For the columns of a piece of the image."""
        if not self.gains:
            return None
        power = 2.0 if self._said.is_complex else 1.0
        columns = np.arange(width, dtype=np.float64)
        found = []
        for kind in Calibration:
            if kind in self.gains:
                gains = self.gains[kind][np.clip(offset + np.arange(width), 0, self.gains[kind].size - 1)]
                found.append((kind, Table.along_columns(columns, gains**-power)))
        return TableCalibrator(tuple(found), self._noise(offset, width, power))

    def _noise(self, offset: int, width: int, power: float) -> Table | None:
        """Noise levels, which are decibels of backscatter, in the unit of the stored intensity."""
        entries = self._said.noise(self._polarisation)
        for kind, gains in self.gains.items():
            for entry in entries:
                named = entry.get("incidenceAngleCorrection") or text_at(entry, "sarCalibrationType")
                if named == _NOISE_NAMES[kind]:
                    table = _levels(entry, gains**power, offset, width)
                    if table is not None:
                        return table
        return None


def _gains(file: Path, columns: int, whole: bool) -> Float64:
    """A of each column: table values at some, linear between them; `whole`: these are all columns of the image."""
    root = parse_xml(file)
    offset = number_at(root, "offset")
    if offset is not None and offset != 0.0:
        raise ValueError(f"its offset is {offset:g} and not 0")
    values = np.array(numbers(text_at(root, "gains")), np.float64)
    first, step = whole_at(root, "pixelFirstLutValue"), whole_at(root, "stepSize")
    at = (first or 0) + np.arange(values.size, dtype=np.float64) * (1 if step is None else step)
    if not 0 < values.size <= MAX_COLUMNS or not ((values > _LEAST) & (values < _MOST)).all() or step == 0:
        raise ValueError("its gains are not all above 0")
    if abs(step or 1) == 1 and (values.size < columns or (whole and values.size != columns)):
        raise ValueError(f"it has {values.size} gains for {columns} columns: it belongs to another product")
    order = np.argsort(at)
    return np.asarray(np.interp(np.arange(columns, dtype=np.float64), at[order], values[order]))


def _levels(entry: etree._Element, gains: Float64, offset: int, width: int) -> Table | None:
    levels: Sequence[float] = numbers(text_at(entry, "noiseLevelValues"))
    first, step = whole_at(entry, "pixelFirstNoiseValue"), whole_at(entry, "stepSize")
    if not levels or len(levels) > MAX_COLUMNS or first is None or not step or max(map(abs, levels)) > 300.0:
        return None
    at = first + np.arange(len(levels), dtype=np.float64) * step
    order = np.argsort(at)
    columns = np.clip(offset + np.arange(width), 0, gains.size - 1)
    decibels = np.interp(columns.astype(np.float64), at[order], np.array(levels)[order])
    return Table.along_columns(np.arange(width, dtype=np.float64), 10.0 ** (decibels / 10.0) * gains[columns])
