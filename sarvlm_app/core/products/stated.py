"""What a product's annotation states, put into a Scene: the same facts in the same words for every sensor."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.fingerprint import DIGITS, fingerprint_file
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.errors import SceneError

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,6})?\d*\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?")

Incidence = tuple[float, float, float]


def utc(text: str | None) -> datetime | None:
    """A moment in ISO form as UTC; without a zone it is UTC; digits beyond microseconds are cut."""
    match = _MOMENT.fullmatch((text or "").strip())
    if match is None:
        return None
    date, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone is None or zone.upper() in ("Z", "UTC") else zone
    try:
        return datetime.fromisoformat(f"{date}T{clock}{(fraction or '.0').ljust(7, '0')}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(text: str | None) -> float | None:
    """A finite number as annotation writes it ("1.0E+00", Fortran's "1.0D+00"), or None."""
    text = (text or "").strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text.replace("D", "E").replace("d", "e"))
    return value if np.isfinite(value) else None


def numbers(text: str | None) -> tuple[float, ...]:
    """The numbers of a list separated by spaces; empty where one of them is none."""
    found = [number(word) for word in (text or "").split()]
    return tuple(value for value in found if value is not None) if None not in found else ()


def whole(text: str | None) -> int | None:
    """A whole number, or None."""
    value = number(text)
    return int(value) if value is not None and value == int(value) else None


def incidence(*angles: float | None) -> Incidence | None:
    """Near, mid and far incidence angle of those that are stated (one, two or three), None where that is none.

    The middle of two is half way between them.
    """
    found = [angle for angle in angles if angle is not None and 0.0 < angle < 90.0]
    if not found:
        return None
    low, high = min(found), max(found)
    middle = found[1] if len(found) == 3 else (low + high) / 2.0
    return low, middle, high


@dataclass(frozen=True, slots=True)
class Stated:
    """What is said of an acquisition.

    Attributes
    ----------
    product : str
        "Umbra GEC".
    acquired : datetime or None
        Start of the acquisition, UTC.
    platform, mode : str or None
    direction : str or None
        "ascending" or "descending", in any case of letters.
    orbit : int or None
        Absolute number.
    look : str or None
        "right" or "left", in any case of letters.
    angles : (float, float, float) or None
        Incidence at near range, mid swath and far range.
    more : mapping of str to str
        What else is worth showing.
    """

    product: str
    acquired: datetime | None = None
    platform: str | None = None
    mode: str | None = None
    direction: str | None = None
    orbit: int | None = None
    look: str | None = None
    angles: Incidence | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        direction, look = (self.direction or "").lower(), (self.look or "").lower()
        found = {
            "platform": self.platform,
            "mode": self.mode,
            "orbit": ", ".join(
                part for part in (_one_of(direction, "ascending", "descending"), str(self.orbit or "")) if part
            ),
            "look": _one_of(look, "right", "left"),
            "incidence": None if self.angles is None else _span(self.angles),
        }
        return {key: value for key, value in found.items() if value} | dict(self.more)


def _one_of(text: str, *words: str) -> str:
    return next((word for word in words if text[:1] == word[0]), "") if text else ""


def _span(angles: Incidence) -> str:
    if angles[2] - angles[0] < 0.005:
        return f"{angles[1]:.2f} deg"
    return f"{angles[0]:.2f} to {angles[2]:.2f} deg"


@dataclass(frozen=True, slots=True)
class Imagery:
    """The pixels of one scene.

    Attributes
    ----------
    bands : tuple of Band
    size : (int, int)
        Width and height.
    dtype : str
        As stored.
    files : tuple of Path
        What the fingerprint follows.
    nodata : float or None
    calibration : Calibration
        What the stored values are, before any calibrator.
    """

    bands: tuple[Band, ...]
    size: tuple[int, int]
    dtype: str
    files: tuple[Path, ...]
    nodata: float | None = None
    calibration: Calibration = Calibration.UNCALIBRATED


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds the pixels: geometry, side files, what is not there, and the other images of the product."""

    georef: Georeference | None = None
    documents: tuple[Place, ...] = ()
    missing: tuple[str, ...] = ()
    part: str | None = None
    parts: tuple[str, ...] = ()


def scene_of(path: Path, name: str, stated: Stated, imagery: Imagery, around: Around) -> Scene:
    """The scene that lies at `path`.

    Raises
    ------
    SceneError
        None of its images is there.
    """
    if not imagery.bands:
        gone = ", ".join(around.missing) or "its images"
        raise SceneError(f"{path} lacks its image ({gone}); copy or download the whole product again.")
    facts = stated.facts()
    if around.georef is None:
        facts.setdefault("geometry", "none")
    return Scene(
        path=path, name=name, product=stated.product, width=imagery.size[0], height=imagery.size[1],
        bands=imagery.bands, dtype=imagery.dtype, value_type=imagery.bands[0].value_type, value_type_assumed=False,
        calibration=imagery.calibration, nodata=imagery.nodata, georef=around.georef,
        spacing_m=_spacing(around.georef, imagery.size), acquired=stated.acquired, facts=facts,
        missing=around.missing, simulated=False, fingerprint=fingerprint_files(imagery.files, around.part),
        part=around.part, parts=around.parts, incidence_deg=stated.angles, documents=around.documents,
    )  # fmt: skip


def chosen_part(path: Path, parts: Sequence[str], part: str | None) -> str:
    """The part asked for, by default the first.

    Raises
    ------
    SceneError
        There is none of that name.
    """
    if part is None:
        return parts[0]
    for name in parts:
        if name.casefold() == part.casefold():
            return name
    raise SceneError(f"{path} has no part {part}; choose one of {', '.join(parts)}.")


def no_parts(path: Path, part: str | None) -> None:
    """Refuse a part of a product whose images are all of one size."""
    if part is not None:
        raise SceneError(f"{path} holds one image and has no part {part}; leave the part out.")


def fingerprint_files(files: Sequence[Path], part: str | None = None) -> str:
    """One identity of several files, wherever they are; of one whole file its own."""
    marks = [fingerprint_file(path) for path in files]
    if len(marks) == 1 and part is None:
        return marks[0]
    return hashlib.sha256("\n".join([*marks, part or ""]).encode()).hexdigest()[:DIGITS]


def _spacing(georef: Georeference | None, size: tuple[int, int]) -> tuple[float, float] | None:
    if georef is None:
        return None
    spacing = georef.spacing_m(size[0] / 2, size[1] / 2)
    return spacing if all(np.isfinite(spacing)) and min(spacing) > 0 else None
