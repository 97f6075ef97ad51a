"""MSTAR chips, clutter and full scenes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from sarvlm_app.core.products.clues import time_in
from sarvlm_app.core.products.phoenix.header import START, PhoenixFile, read_phoenix
from sarvlm_app.core.products.phoenix.samples import PhoenixSource
from sarvlm_app.core.products.stated import Around, Imagery, Stated, incidence, no_parts, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType

_PLAIN = (
    ("target", "TargetType"),
    ("target serial number", "TargetSerNum"),
    ("collection", "CollectionName"),
    ("collected by", "DataCollectors"),
    ("classification", "Classification"),
    ("radar at", "RadarPosition"),
    ("frequency", "CenterFrequency"),
    ("bandwidth", "Bandwidth"),
    ("parent scene", "ParentScene"),
)
_DEPRESSION = ("MeasuredDepression", "DesiredDepression")
_POLARISATIONS = ("HH", "HV", "VH", "VV")


class PhoenixFamily:
    """Files that begin with a Phoenix header."""

    def recognises(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                return file.read(64).lstrip().startswith(START)
        except OSError:
            return False

    def describe(self, path: Path, part: str | None = None) -> Scene:
        no_parts(path, part)
        chip = read_phoenix(path)
        source = PhoenixSource(path, chip.magnitude, chip.phase)
        text = chip.fields.get("Polarization", "").upper()
        polarisation = text if text in _POLARISATIONS else None
        band = Band(1, polarisation or "complex", polarisation, ValueType.COMPLEX, source)
        size = chip.magnitude.cols, chip.magnitude.rows
        imagery = Imagery((band,), size, "uint16" if chip.full_scene else "float32", (path,))
        scene = scene_of(path, path.name, _stated(chip), imagery, Around(documents=(chip.document,)))
        return replace(scene, spacing_m=_ground_spacing(chip))


def _stated(chip: PhoenixFile) -> Stated:
    depression = chip.value(*_DEPRESSION)
    fields = chip.fields
    when = fields.get("CollectionDate", "")
    return Stated(
        product="MSTAR full scene" if chip.full_scene else "MSTAR chip",
        acquired=time_in(when) if when else None,
        platform=fields.get("SensorName") or None,
        mode=fields.get("RadarMode") or None,
        angles=incidence(None if depression is None else 90.0 - depression),
        more=_facts(chip, depression),
    )


def _ground_spacing(chip: PhoenixFile) -> tuple[float, float] | None:
    """Metres on the ground: columns lie across the range, and a slant range reaches further on the ground."""
    across, slant = chip.value("CrossRangePixelSpacing"), chip.value("RangePixelSpacing")
    depression = chip.value(*_DEPRESSION) or 0.0
    if across is None or slant is None or min(across, slant) <= 0 or not 0 <= depression < 85:
        return None
    return across, slant / math.cos(math.radians(depression))


def _facts(chip: PhoenixFile, depression: float | None) -> dict[str, str]:
    fields = chip.fields
    found = {"format": "MSTAR Phoenix, " + ("uint16 magnitude and 12-bit phase" if chip.full_scene else "float32")}
    found |= {name: fields[key] for name, key in _PLAIN if fields.get(key)}
    if depression is not None:
        found["depression"] = f"{depression:.2f} deg"
    aspect = chip.value("TargetAz")
    if aspect is not None:
        found["target azimuth"] = f"{aspect:.2f} deg"
    across, slant = chip.value("CrossRangePixelSpacing"), chip.value("RangePixelSpacing")
    if across is not None and slant is not None:
        found["sample spacing"] = f"{slant:.4f} m slant range (rows), {across:.4f} m cross-range (columns)"
    distance = chip.value("MeasuredRange", "DesiredRange")
    if distance is not None:
        found["range"] = f"{distance:.0f} m"
    found["geometry"] = "none: the header gives no place on the Earth"
    return found
