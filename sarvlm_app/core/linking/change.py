"""The change between two scenes as a scene of its own, computed while it is read: to be written, opened, measured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma

from sarvlm_app.core.derived.filtered import multilooked
from sarvlm_app.core.filters import Multilook
from sarvlm_app.core.linking.caveats import caveats
from sarvlm_app.core.linking.cells import Cell, other_means, own_means
from sarvlm_app.core.linking.levels import log_ratio, other_is_later
from sarvlm_app.core.linking.pairing import Pairing
from sarvlm_app.core.linking.readers import ExactReader
from sarvlm_app.core.products.fingerprint import DIGITS
from sarvlm_app.core.products.sources import Layout, PixelSource
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Bool, Calibration, ValueType
from sarvlm_app.core.scene import source_of
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window


@dataclass(frozen=True, slots=True)
class ChangeSource:
    """10 log10 of the ratio of two scenes' mean intensities over cells of the first; in dB, NaN outside.

    Attributes
    ----------
    one, other : PixelSource
        Of the two bands; what the source is compared and hashed by, with `cell`.
    cell : Cell
    pairing : Pairing
    bands : (int, int)
        From 1.
    """

    one: PixelSource
    other: PixelSource
    cell: Cell
    pairing: Pairing = field(compare=False, repr=False)
    bands: tuple[int, int]

    @property
    def value_type(self) -> ValueType:
        return ValueType.DB

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((*self.one.files, *self.other.files)))

    def layout(self) -> Layout:
        scene = self.pairing.one
        return Layout(scene.height // self.cell.rows, scene.width // self.cell.cols)

    def native(self, window: Window, overview: int | None = None) -> tuple[NDArray[np.generic], Bool]:
        if overview is not None:
            raise ValueError("ChangeSource: expected no overview, for it states none")
        pairing = self.pairing
        theirs = other_means(pairing, ExactReader(pairing.other, self.bands[1]), window, self.cell)
        mine = own_means(ExactReader(pairing.one, self.bands[0]), window, self.cell)
        db = log_ratio(theirs, mine) if other_is_later(pairing) else log_ratio(mine, theirs)
        return db, np.isfinite(db)


def change_scene(pairing: Pairing, bands: tuple[int, int], cell: Cell) -> Scene:
    """The log ratio as a scene of one band in dB, on the grid of the first scene averaged by `cell`.

    Later over earlier where both times are known, else the other scene over
    the one on view; its facts say which, and what misleads.

    Raises
    ------
    SceneError
        A band does not exist, or the scene is smaller than a cell.
    """
    one, other = pairing.one, pairing.other
    source = ChangeSource(source_of(one, bands[0]), source_of(other, bands[1]), cell, pairing, bands)
    if one.width < cell.cols or one.height < cell.rows:
        raise SceneError(f"{one.path} is smaller than {cell.cols} x {cell.rows} px; average fewer pixels.")
    base = multilooked(one, Multilook(azimuth=cell.rows, range=cell.cols))
    above, below = (other, one) if other_is_later(pairing) else (one, other)
    step = f"log ratio {above.name} / {below.name}, mean of {cell.cols} x {cell.rows} px"
    name = f"{above.name} / {below.name}"
    digest = hashlib.sha256(f"{one.fingerprint}\n{other.fingerprint}\n{bands}\n{step}".encode()).hexdigest()
    facts: Mapping[str, str] = {
        "derived": step, "ratio": f"10 log10({above.name} / {below.name})",
        "notes": "; ".join(caveats(one, other, bands, pairing.error_m)),
    }  # fmt: skip
    return replace(
        base, name=name, product="Log-ratio change", bands=(Band(1, "change", None, ValueType.DB, source),),
        value_type=ValueType.DB, calibration=Calibration.UNCALIBRATED, acquired=above.acquired, facts=facts,
        fingerprint=digest[:DIGITS], origin=step, incidence_deg=None, documents=(), parts=(), part=None,
        simulated=one.simulated or other.simulated, dtype="float32",
    )  # fmt: skip


def spread_db(looks: float) -> float:
    """Standard deviation in dB of the log ratio where nothing changed, of two means of `looks` independent looks.

    The logarithm of a gamma variate of order L has the variance psi'(L)
    (Oliver & Quegan 2004, ch. 4); that of two of them is twice as large.
    """
    return float(10.0 / np.log(10.0) * np.sqrt(2.0 * polygamma(1, looks)))
