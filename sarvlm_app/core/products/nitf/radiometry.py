"""Backscatter of SICD images: the scale factor and noise polynomials of their XML."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from lxml import etree
from numpy.polynomial import polynomial

from sarvlm_app.core.products.nitf.document import MAX_ORDER, at
from sarvlm_app.core.products.stated import number
from sarvlm_app.core.products.xml import children, text_at
from sarvlm_app.core.radiometry import Calibration, Float32
from sarvlm_models.types import Window

Poly2d = tuple[tuple[float, ...], ...]
_FACTORS = (
    (Calibration.SIGMA0, "SigmaZeroSFPoly"),
    (Calibration.BETA0, "BetaZeroSFPoly"),
    (Calibration.GAMMA0, "GammaZeroSFPoly"),
)


@dataclass(frozen=True, slots=True)
class SicdCalibrator:
    """Polynomials in metres from the scene centre point, along rows and columns.

    Attributes
    ----------
    factors : tuple of (Calibration, Poly2d)
        Backscatter per squared modulus of a pixel.
    noise_db : Poly2d or None
        Thermal noise in dB, in the unit of the squared modulus.
    centre : (float, float)
        Row and column of the scene centre point in the image.
    spacing_m : (float, float)
        Along rows and columns.
    """

    factors: tuple[tuple[Calibration, Poly2d], ...]
    noise_db: Poly2d | None
    centre: tuple[float, float]
    spacing_m: tuple[float, float]

    @property
    def kinds(self) -> tuple[Calibration, ...]:
        return tuple(kind for kind, _ in self.factors)

    @property
    def has_noise(self) -> bool:
        return self.noise_db is not None

    def gain(self, window: Window, kind: Calibration) -> Float32:
        return self._over(window, dict(self.factors)[kind]).astype(np.float32)

    def noise(self, window: Window) -> Float32:
        if self.noise_db is None:
            return np.zeros((1, 1), dtype=np.float32)
        return np.power(10.0, self._over(window, self.noise_db) / 10.0).astype(np.float32)

    def _over(self, window: Window, poly: Poly2d) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        if len(poly) == 1 and len(poly[0]) == 1:
            return np.full((1, 1), poly[0][0])
        rows = (np.arange(window.row, window.row_end) - self.centre[0]) * self.spacing_m[0]
        cols = (np.arange(window.col, window.col_end) - self.centre[1]) * self.spacing_m[1]
        return np.asarray(polynomial.polygrid2d(rows, cols, np.array(poly)))


def calibrator_of(sicd: etree._Element, missing: list[str]) -> SicdCalibrator | None:
    """What the XML gives; parts that are there and cannot be used are added to `missing`."""
    radiometric = at(sicd, "Radiometric")
    if radiometric is None:
        return None
    wanted = ("ImageData/SCPPixel/Row", "ImageData/SCPPixel/Col", "Grid/Row/SS", "Grid/Col/SS")
    values = [number(text_at(sicd, path)) for path in wanted]
    row, col, down, across = (0.0 if value is None else value for value in values)
    if None in values:
        missing.append("Radiometric (the scene centre point or the sample spacing is not stated)")
        return None
    first = [number(text_at(sicd, f"ImageData/{name}")) or 0.0 for name in ("FirstRow", "FirstCol")]
    factors = []
    for kind, name in _FACTORS:
        poly = _poly(radiometric, name, missing)
        if poly is not None:
            factors.append((kind, poly))
    noise = None
    if (text_at(radiometric, "NoiseLevel/NoiseLevelType") or "").upper() == "ABSOLUTE":
        noise = _poly(radiometric, "NoiseLevel/NoisePoly", missing)
    if not factors and noise is None:
        return None
    return SicdCalibrator(tuple(factors), noise, (row - first[0], col - first[1]), (down, across))


def _poly(root: etree._Element, path: str, missing: list[str]) -> Poly2d | None:
    element = at(root, path)
    if element is None:
        return None
    terms: dict[tuple[int, int], float] = {}
    for term in children(element, "Coef"):
        one, two = term.get("exponent1", ""), term.get("exponent2", "0")
        value = number(term.text)
        if value is None or not all(
            text.isascii() and text.isdigit() and int(text[:4]) <= MAX_ORDER for text in (one, two)
        ):
            missing.append(f"Radiometric/{path} (its coefficients are no numbers)")
            return None
        terms[int(one), int(two)] = value
    if not terms:
        missing.append(f"Radiometric/{path} (it has no coefficients)")
        return None
    down, across = (max(key[axis] for key in terms) + 1 for axis in (0, 1))
    return tuple(tuple(terms.get((i, j), 0.0) for j in range(across)) for i in range(down))
