"""What a SICD's XML says of the acquisition, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.nitf.header import NitfHeader
from sarvlm_app.core.products.stated import Incidence, Stated, incidence, number, utc
from sarvlm_app.core.products.xml import local_name, text_at

SPACE_M = 100_000.0
"""Sensors above this height are on an orbit."""

Size = tuple[int, int]
_PLAIN = (
    ("classification", "CollectionInfo/Classification"),
    ("collection", "CollectionInfo/CoreName"),
    ("image plane", "Grid/ImagePlane"),
    ("grid", "Grid/Type"),
    ("image formation", "ImageFormation/ImageFormAlgo"),
)
_ANGLES = (("graze angle", "GrazeAng"), ("azimuth angle", "AzimAng"), ("layover angle", "LayoverAng"))


def polarisation_of(sicd: etree._Element) -> str | None:
    """The letters of "V:V" as "VV"; what is not two letters is left as it is written."""
    text = text_at(sicd, "ImageFormation/TxRcvPolarizationProc")
    if text is None or text.upper() in ("UNKNOWN", "OTHER"):
        return None
    return text.upper().replace(":", "") if len(text) == 3 else text


def stated_of(
    path: Path, header: NitfHeader, sicd: etree._Element, angles: Incidence | None, extra: Mapping[str, str]
) -> Stated:
    """The acquisition; `extra` stands among its facts."""
    platform = text_at(sicd, "CollectionInfo/CollectorName") or header.station or None
    position, velocity = _vector(sicd, "SCPCOA/ARPPos"), _vector(sicd, "SCPCOA/ARPVel")
    in_space = position is not None and float(np.linalg.norm(position)) > 6_378_137.0 + SPACE_M
    direction = None
    if in_space and velocity is not None:
        direction = "ascending" if velocity[2] > 0 else "descending"
    return Stated(
        product=f"{platform} SICD" if platform else "SICD",
        acquired=utc(text_at(sicd, "Timeline/CollectStart")),
        platform=platform,
        mode=_mode(sicd),
        direction=direction,
        look={"L": "left", "R": "right"}.get((text_at(sicd, "SCPCOA/SideOfTrack") or "").upper()),
        angles=angles,
        more={**_more(path, header, sicd), **extra},
    )


def _mode(sicd: etree._Element) -> str | None:
    words = [text_at(sicd, f"CollectionInfo/RadarMode/{name}") for name in ("ModeType", "ModeID")]
    return " ".join(word for word in words if word) or None


def _more(path: Path, header: NitfHeader, sicd: etree._Element) -> dict[str, str]:
    version = (etree.QName(sicd).namespace or "").rpartition(":")[2] or "of unknown version"
    found = {"format": f"NITF, {local_name(sicd)} {version}", "file size": f"{path.stat().st_size / 1e6:.1f} MB"}
    if header.title:
        found["title"] = header.title
    for name, where in _PLAIN:
        text = text_at(sicd, where)
        if text is not None:
            found[name] = text
    for name, tag in _ANGLES:
        angle = number(text_at(sicd, f"SCPCOA/{tag}"))
        if angle is not None:
            found[name] = f"{angle:.2f} deg"
    duration = number(text_at(sicd, "Timeline/CollectDuration"))
    if duration is not None:
        found["duration"] = f"{duration:.3f} s"
    for name, what in (("SS", "sample spacing"), ("ImpRespWid", "resolution")):
        down, across = (number(text_at(sicd, f"Grid/{axis}/{name}")) for axis in ("Row", "Col"))
        if down is not None and across is not None:
            found[what] = f"{down:.4g} m along rows (range), {across:.4g} m along columns (azimuth), in the image plane"
    low, high = (number(text_at(sicd, f"RadarCollection/TxFrequency/{name}")) for name in ("Min", "Max"))
    if low is not None and high is not None:
        found["frequency"] = f"{(low + high) / 2e9:.3f} GHz, bandwidth {(high - low) / 1e6:.0f} MHz"
    return found


def _vector(root: etree._Element, path: str) -> NDArray[np.float64] | None:
    values = [number(text_at(root, f"{path}/{axis}")) for axis in "XYZ"]
    return None if None in values else np.array(values, dtype=np.float64)


def incidence_of(sicd: etree._Element, georef: Georeference | None, size: Size) -> Incidence | None:
    """Angles of the first row (near), the scene centre point and the last row (far); size is (width, height)."""
    sensor = _vector(sicd, "SCPCOA/ARPPos")
    middle = number(text_at(sicd, "SCPCOA/IncidenceAng"))
    if middle is None:
        graze = number(text_at(sicd, "SCPCOA/GrazeAng"))
        middle = None if graze is None else 90.0 - graze
    edges: list[float] = []
    if georef is not None and sensor is not None:
        height = number(text_at(sicd, "GeoData/SCP/LLH/HAE")) or 0.0
        lon, lat = georef.to_lonlat([size[0] / 2] * 2, [0.0, float(size[1])])
        edges = _angles(lon, lat, height, sensor)
    return incidence(*edges[:1], middle, *edges[1:])


def _angles(lon: Any, lat: Any, height: float, sensor: NDArray[np.float64]) -> list[float]:
    """Degrees between the vertical and the line to the sensor (earth-centred metres), at places on the ground."""
    from sarvlm_app.core.georef.range_rate import earth_centred

    heights = np.full(np.shape(lon), height)
    line = sensor - earth_centred(lon, lat, heights)
    up = earth_centred(lon, lat, heights + 1.0) - earth_centred(lon, lat, heights)
    cosine = (line * up).sum(axis=1) / (np.linalg.norm(line, axis=1) * np.linalg.norm(up, axis=1))
    degrees = np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return [float(angle) for angle in degrees if np.isfinite(angle)]
