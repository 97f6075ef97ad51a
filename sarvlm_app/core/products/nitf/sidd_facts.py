"""What a SIDD's XML says of the product and of the acquisition behind it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from lxml import etree
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from sarvlm_app.core.products.nitf.document import at
from sarvlm_app.core.products.nitf.header import NitfHeader
from sarvlm_app.core.products.stated import Stated, incidence, number, utc
from sarvlm_app.core.products.xml import children, text_at

_INFORMATION = "ExploitationFeatures/Collection/Information"
_GEOMETRY = "ExploitationFeatures/Collection/Geometry"
_LETTERS = {"V": "V", "H": "H", "RHC": "R", "LHC": "L"}
_PLAIN = (
    ("product name", "ProductCreation/ProductName"),
    ("product class", "ProductCreation/ProductClass"),
    ("processor", "ProductCreation/ProcessorInformation/Application"),
)


def polarisation_of(sidd: etree._Element) -> str | None:
    """The processed polarisation, else the collected one; None where it is not one of plain letters."""
    places = (
        ("ExploitationFeatures/Product/Polarization", "TxPolarizationProc", "RcvPolarizationProc"),
        (f"{_INFORMATION}/Polarization", "TxPolarization", "RcvPolarization"),
    )
    for where, sent, received in places:
        letters = [_LETTERS.get((text_at(sidd, f"{where}/{name}") or "").upper()) for name in (sent, received)]
        if None not in letters:
            return "".join(letter for letter in letters if letter)
    return None


def stated_of(path: Path, header: NitfHeader, sidd: etree._Element, extra: Mapping[str, str]) -> Stated:
    """The acquisition; `extra` stands among its facts."""
    platform = text_at(sidd, f"{_INFORMATION}/SensorName") or header.station or None
    mode = [text_at(sidd, f"{_INFORMATION}/RadarMode/{name}") for name in ("ModeType", "ModeID")]
    graze = number(text_at(sidd, f"{_GEOMETRY}/Graze"))
    return Stated(
        product=f"{platform} SIDD" if platform else "SIDD",
        acquired=utc(text_at(sidd, f"{_INFORMATION}/CollectionDateTime")),
        platform=platform,
        mode=" ".join(word for word in mode if word) or None,
        look=_look(sidd),
        angles=incidence(None if graze is None else 90.0 - graze),
        more={**_more(path, header, sidd), **extra},
    )


def _more(path: Path, header: NitfHeader, sidd: etree._Element) -> dict[str, str]:
    version = (etree.QName(sidd).namespace or "").rpartition(":")[2] or "of unknown version"
    found = {"format": f"NITF, SIDD {version}", "file size": f"{path.stat().st_size / 1e6:.1f} MB"}
    if header.title:
        found["title"] = header.title
    for name, where in _PLAIN:
        text = text_at(sidd, where)
        if text is not None:
            found[name] = text
    classification = at(sidd, "ProductCreation/Classification")
    if classification is not None:
        level = next((value for key, value in classification.attrib.items() if str(key).endswith("classification")), "")
        if level:
            found["classification"] = str(level)
    duration = number(text_at(sidd, f"{_INFORMATION}/CollectionDuration"))
    if duration is not None:
        found["duration"] = f"{duration:.3f} s"
    down, across = (number(text_at(sidd, f"ExploitationFeatures/Product/Resolution/{axis}")) for axis in ("Row", "Col"))
    if down is not None and across is not None:
        found["resolution"] = f"{down:.4g} m along rows, {across:.4g} m along columns"
    return found


def _look(sidd: etree._Element) -> str | None:
    """On which side of its way the sensor sees the reference point."""
    way = [_poly(sidd, f"Measurement/ARPPoly/{axis}") for axis in "XYZ"]
    axes = [axis for axis in way if axis is not None and len(axis) > 1]
    place = [number(text_at(sidd, f"Measurement/PlaneProjection/ReferencePoint/ECEF/{axis}")) for axis in "XYZ"]
    times = at(sidd, "Measurement/PlaneProjection/TimeCOAPoly")
    if None in place or times is None or len(axes) < 3:
        return None
    terms = {(t.get("exponent1"), t.get("exponent2")): number(t.text) for t in children(times, "Coef")}
    moment = terms.get(("0", "0")) or 0.0
    sensor = np.array([polynomial.polyval(moment, axis) for axis in axes])
    speed = np.array([polynomial.polyval(moment, polynomial.polyder(axis)) for axis in axes])
    side = float(np.cross(sensor, speed) @ (np.array(place, dtype=np.float64) - sensor))
    return "left" if side > 0 else "right"


def _poly(root: etree._Element, path: str) -> NDArray[np.float64] | None:
    element = at(root, path)
    terms = {} if element is None else {t.get("exponent1", ""): number(t.text) for t in children(element, "Coef")}
    if not terms or None in terms.values() or not all(key.isdigit() and int(key) < 24 for key in terms):
        return None
    return np.array([terms.get(str(power)) or 0.0 for power in range(max(map(int, terms)) + 1)])
