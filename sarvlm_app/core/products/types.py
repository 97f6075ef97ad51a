"""What a product family hands over when it has recognised a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.radiometry import ValueType


@dataclass(frozen=True, slots=True)
class Band:
    """One image of a scene.

    Attributes
    ----------
    index : int
        From 1, as `--band` and the functions of `core.scene` count.
    name : str
        What the panel shows: the polarisation where known, else the file's description.
    polarisation : str or None
        "VV", "VH", "HH", "HV" ...
    value_type : ValueType
    channels : tuple of int
        Bands of the file (from 1) that it is made of: one, or the red, green
        and blue of a picture, which are read as luminance. Empty means `index`.
    file : Path or None
        The file that holds it, where that is not the scene's own path.
    """

    index: int
    name: str
    polarisation: str | None
    value_type: ValueType
    channels: tuple[int, ...] = ()
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as it lies on disk: what is known of it, and no pixels.

    Attributes
    ----------
    path, name : Path, str
    product : str
        "Sentinel-1 GRD" and the like where the file says so, else the file's format.
    width, height : int
        Pixels.
    bands : tuple of Band
    dtype : str
        NumPy name of the stored type.
    value_type : ValueType
        Of the first band; `value_type_assumed` when no tag says so.
    calibration : str
        "uncalibrated", "sigma0", "beta0", "gamma0".
    nodata : float or None
        Value that stands for no data (declared, or 0 where the scene has a
        frame of zeros); NaN is never data.
    georef : Georeference or None
    spacing_m : (float, float) or None
        Geodesic metres on the ground of a pixel at the centre along (columns, rows).
    acquired : datetime or None
        UTC, aware.
    facts : mapping of str to str
        What else is worth showing, assumptions among them.
    missing : tuple of str
        Parts of the product that are not there.
    simulated : bool
        Made by a simulator, ours or another, by its own tag.
    fingerprint : str
        32 hexadecimal digits that follow the content, not the path.
    """

    path: Path
    name: str
    product: str
    width: int
    height: int
    bands: tuple[Band, ...]
    dtype: str
    value_type: ValueType
    value_type_assumed: bool
    calibration: str
    nodata: float | None
    georef: Georeference | None = field(compare=False)
    spacing_m: tuple[float, float] | None
    acquired: datetime | None
    facts: Mapping[str, str] = field(compare=False)
    missing: tuple[str, ...]
    simulated: bool
    fingerprint: str


class ProductFamily(Protocol):
    """Recognises files of one kind and turns them into scenes."""

    def recognises(self, path: Path) -> bool:
        """True when `path`, which exists, is of this family; looks at names and first bytes only."""
        ...

    def describe(self, path: Path) -> Scene:
        """The scene at `path`.

        Raises
        ------
        SceneError
            When it cannot be opened after all.
        """
        ...
