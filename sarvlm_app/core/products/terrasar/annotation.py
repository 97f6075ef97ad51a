"""The main annotation of a TerraSAR-X product, as far as scenes need it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from lxml import etree

from sarvlm_app.core.products.calibrators import Table, usable
from sarvlm_app.core.products.companions import inside
from sarvlm_app.core.products.range_doppler import SPEED_OF_LIGHT, Orbit, ZeroDoppler, seconds_since
from sarvlm_app.core.products.stated import Stated, incidence, number
from sarvlm_app.core.products.xml import local_name, parse_xml, text_at
from sarvlm_app.core.products.xml_values import elements_at, number_at, own_text, time_at, whole_at
from sarvlm_app.errors import SceneError

_MISSIONS = {"TSX": "TerraSAR-X", "TDX": "TanDEM-X", "PAZ": "PAZ"}
_NOISE_NODES = 65


@dataclass(frozen=True, slots=True)
class Layer:
    """One image of the product.

    Attributes
    ----------
    number : str
        By which calibration and noise refer to it.
    polarisation : str
    path : Path or None
        None where the annotation names no file of the product.
    """

    number: str
    polarisation: str
    path: Path | None


class Annotation:
    """The main XML, read when it is asked.

    Raises
    ------
    SceneError
        It is no annotation of such a product.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = parse_xml(path)
        if local_name(self.root) != "level1Product":
            raise SceneError(f"{path} is no main annotation of TerraSAR-X; open the product's folder.")

    @property
    def variant(self) -> str:
        return text_at(self.root, "productInfo/productVariantInfo/productVariant") or "L1B"

    @property
    def size(self) -> tuple[int, int] | None:
        """Columns and rows, as stated."""
        raster = "productInfo/imageDataInfo/imageRaster"
        columns, rows = whole_at(self.root, f"{raster}/numberOfColumns"), whole_at(self.root, f"{raster}/numberOfRows")
        return (columns, rows) if columns and rows and columns > 0 and rows > 0 else None

    @property
    def right(self) -> bool:
        return (text_at(self.root, "productInfo/acquisitionInfo/lookDirection") or "RIGHT").upper() != "LEFT"

    @property
    def start(self) -> datetime | None:
        return time_at(self.root, "productInfo/sceneInfo/start/timeUTC")

    def layers(self) -> tuple[Layer, ...]:
        """The images that the product consists of."""
        found = []
        for entry in elements_at(self.root, "productComponents/imageData"):
            name, folder = text_at(entry, "file/location/filename"), text_at(entry, "file/location/path")
            path = inside(self.path.parent, f"{folder or '.'}/{name}" if name else None)
            found.append(Layer(entry.get("layerIndex", ""), (text_at(entry, "polLayer") or "").upper(), path))
        return tuple(found)

    def stated(self, geometry: str) -> Stated:
        info = "productInfo"
        mission = text_at(self.root, f"{info}/missionInfo/mission") or ""
        name = _MISSIONS.get(mission[:3].upper(), mission or "TerraSAR-X")
        return Stated(
            product=f"{name} {self.variant}",
            acquired=self.start,
            platform=mission or None,
            mode=text_at(self.root, f"{info}/acquisitionInfo/imagingMode"),
            direction=text_at(self.root, f"{info}/missionInfo/orbitDirection"),
            orbit=whole_at(self.root, f"{info}/missionInfo/absOrbit"),
            look=text_at(self.root, f"{info}/acquisitionInfo/lookDirection"),
            angles=self._angles(),
            more={"geometry": geometry},
        )

    def _angles(self) -> tuple[float, float, float] | None:
        scene = "productInfo/sceneInfo"
        corners = [number_at(entry, "incidenceAngle") for entry in elements_at(self.root, f"{scene}/sceneCornerCoord")]
        known = [angle for angle in corners if angle is not None]
        middle = number_at(self.root, f"{scene}/sceneCenterCoord/incidenceAngle")
        return incidence(min(known), middle, max(known)) if known else incidence(middle)

    def factor(self, layer: Layer) -> float | None:
        """calFactor of a layer, None where the product is not calibrated."""
        if text_at(self.root, "productInfo/productVariantInfo/radiometricCorrection") == "NOTCALIBRATED":
            return None
        constant = self._of_layer("calibration/calibrationConstant", layer)
        return None if constant is None else usable(number_at(constant, "calFactor"))

    def noise(self, layer: Layer, size: tuple[int, int]) -> Table | None:
        """Thermal noise in squared DN over the image: polynomials of range time at some moments (SSC only)."""
        described = self.zero_doppler(size)
        records = self._of_layer("noise", layer)
        if self.variant != "SSC" or described is None or records is None or self.start is None:
            return None
        columns = np.linspace(0.0, size[0] - 1.0, min(_NOISE_NODES, size[0]))
        times = (described.first_range + columns * described.range_step) * 2.0 / SPEED_OF_LIGHT
        lines: dict[float, np.ndarray] = {}
        for record in elements_at(records, "imageNoise"):
            moment, at = time_at(record, "timeUTC"), number_at(record, "noiseEstimate/referencePoint")
            terms = {
                _exponent(term): number(own_text(term)) for term in elements_at(record, "noiseEstimate/coefficient")
            }
            if moment is None or at is None or not terms or None in terms or None in terms.values():
                return None
            power = [float(terms.get(exponent) or 0.0) for exponent in range(max(e or 0 for e in terms) + 1)]
            line = ((moment - self.start).total_seconds() - described.first_line) / described.line_step
            lines[line] = np.polynomial.polynomial.polyval(times - at, power)
        values = np.array(list(lines.values()))
        if not lines or not np.isfinite(values).all() or (values < 0.0).any():
            return None
        return Table.of(list(lines), columns, values)

    def _of_layer(self, path: str, layer: Layer) -> etree._Element | None:
        entries = list(elements_at(self.root, path))
        named = [entry for entry in entries if entry.get("layerIndex") == layer.number]
        by_polarisation = [entry for entry in entries if text_at(entry, "polLayer") == layer.polarisation]
        return next(iter([*named, *by_polarisation]), None)

    def zero_doppler(self, size: tuple[int, int]) -> ZeroDoppler | None:
        """How an SSC counts time and range; None where it is not stated, or for other products."""
        scene = "productInfo/sceneInfo"
        first, last = (number_at(self.root, f"{scene}/rangeTime/{end}Pixel") for end in ("first", "last"))
        start, stop = self.start, time_at(self.root, f"{scene}/stop/timeUTC")
        if self.variant != "SSC" or None in (first, last, start, stop) or min(size) < 2:
            return None
        assert first is not None and last is not None and start is not None and stop is not None
        half, seconds = SPEED_OF_LIGHT / 2.0, (stop - start).total_seconds()
        if last <= first or seconds <= 0.0:
            return None
        height = number_at(self.root, f"{scene}/sceneAverageHeight") or 0.0
        across, down = (last - first) * half / (size[0] - 1), seconds / (size[1] - 1)
        return ZeroDoppler(0.0, down, first * half, across, size, self.right, height)

    def orbit(self) -> Orbit:
        """State vectors, in seconds from the start.

        Raises
        ------
        ValueError
            When there are none, or they cannot be used.
        """
        times, states = [], []
        for vector in elements_at(self.root, "platform/orbit/stateVec"):
            moment = time_at(vector, "timeUTC")
            state = [number_at(vector, f"{kind}{axis}") for kind in ("pos", "vel") for axis in "XYZ"]
            if moment is not None and None not in state:
                times.append(moment)
                states.append(state)
        if self.start is None:
            raise ValueError("Orbit: the time of the first line is not stated")
        table = np.array(states, np.float64).reshape(-1, 6)
        return Orbit(seconds_since(self.start, times), table[:, :3], table[:, 3:])


def _exponent(term: etree._Element) -> int | None:
    """The exponent of a polynomial's term, None beyond what polynomials have."""
    text = term.get("exponent", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None
