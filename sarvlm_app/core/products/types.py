"""What a product family hands over when it has recognised a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.radiometry import Calibration, Float32, ValueType
from sarvlm_models.types import Window


@runtime_checkable
class Calibrator(Protocol):
    """The product's own radiometric tables for one band: backscatter = (intensity - noise) x gain.

    A frozen value that can be hashed. `intensity` is the squared stored
    amplitude (or squared modulus) of the band.
    """

    @property
    def kinds(self) -> tuple[Calibration, ...]:
        """What it can give."""
        ...

    @property
    def has_noise(self) -> bool:
        """Whether thermal noise is stated."""
        ...

    def gain(self, window: Window, kind: Calibration) -> Float32:
        """Linear factor float32 (h, w), or an array that broadcasts to it, to the backscatter `kind`."""
        ...

    def noise(self, window: Window) -> Float32:
        """Thermal noise in the unit of the stored intensity, float32 (h, w) or broadcasting to it."""
        ...


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
    source : PixelSource or None
        Where its pixels come from; None only in tests that read none.
    calibrator : Calibrator or None
        What turns its stored values into backscatter, where the product says so.
    """

    index: int
    name: str
    polarisation: str | None
    value_type: ValueType
    source: PixelSource | None = None
    calibrator: Calibrator | None = None


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
        What the intensity measures.
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
    part : str or None
        Which of the product's images this is ("IW2"), where it has several of different sizes.
    parts : tuple of str
        All of them, this one included.
    incidence_deg : (float, float, float) or None
        Incidence angle at near range, mid swath and far range.
    documents : tuple of Path or Member
        Side files (XML, JSON) from which the tree of metadata is read.
    origin : str
        What was done to the product, for scenes derived from it; else empty.
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
    calibration: Calibration
    nodata: float | None
    georef: Georeference | None = field(compare=False)
    spacing_m: tuple[float, float] | None
    acquired: datetime | None
    facts: Mapping[str, str] = field(compare=False)
    missing: tuple[str, ...]
    simulated: bool
    fingerprint: str
    part: str | None = None
    parts: tuple[str, ...] = ()
    incidence_deg: tuple[float, float, float] | None = None
    documents: tuple[Place, ...] = ()
    origin: str = ""


class ProductFamily(Protocol):
    """Recognises files of one kind and turns them into scenes."""

    def recognises(self, path: Path) -> bool:
        """True when `path`, which exists, is of this family; looks at names and first bytes only."""
        ...

    def describe(self, path: Path, part: str | None = None) -> Scene:
        """The scene at `path`; of several images the one named `part`, else the first.

        Raises
        ------
        SceneError
            When it cannot be opened after all.
        """
        ...
