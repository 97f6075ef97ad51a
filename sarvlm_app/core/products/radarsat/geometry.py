"""Where RADARSAT images lie: the map of a geocoded one, else the tie points, else the rational functions."""

from __future__ import annotations

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from sarvlm_app.core.georef import AffineGeoref, Gcp, GcpGeoref, Georeference, GridGeoref, GridPoint
from sarvlm_app.core.georef.rpc import RpcGeoref, RpcModel
from sarvlm_app.core.products.radarsat.annotation import Annotation
from sarvlm_app.core.products.stated import numbers
from sarvlm_app.core.products.xml import text_at
from sarvlm_app.core.products.xml_values import number_at

_RPC_NUMBERS = {
    "line_off": "lineOffset", "samp_off": "pixelOffset", "lat_off": "latitudeOffset", "long_off": "longitudeOffset",
    "height_off": "heightOffset", "line_scale": "lineScale", "samp_scale": "pixelScale",
    "lat_scale": "latitudeScale", "long_scale": "longitudeScale", "height_scale": "heightScale",
}  # fmt: skip
_RPC_LISTS = {
    "line_num_coeff": "lineNumeratorCoefficients", "line_den_coeff": "lineDenominatorCoefficients",
    "samp_num_coeff": "pixelNumeratorCoefficients", "samp_den_coeff": "pixelDenominatorCoefficients",
}  # fmt: skip


def geometry_of(
    said: Annotation, size: tuple[int, int], angle: NDArray[np.float64] | None, mapped: Georeference | None
) -> tuple[Georeference | None, str]:
    """The geometry of the whole image and what to tell of it; `angle` is the incidence of each column."""
    if isinstance(mapped, AffineGeoref):
        return mapped, "map"
    points = [point for point in said.tie_points() if None not in point]
    tied = [tuple(float(value or 0.0) for value in point) for point in points]
    try:
        if tied:
            return _tied(said, size, angle, tied)
        if said.rational is not None:
            return RpcGeoref(_rational(said.rational), size), "rational polynomials"
    except ValueError as error:
        return mapped, f"none: {error}" if mapped is None else "of the GeoTIFF"
    return mapped, "none: there are no tie points" if mapped is None else "of the GeoTIFF"


def _tied(
    said: Annotation, size: tuple[int, int], angle: NDArray[np.float64] | None, tied: list[tuple[float, ...]]
) -> tuple[Georeference, str]:
    angles = _angle_at(said, size, angle, np.array([point[1] for point in tied]))
    points = tuple(
        GridPoint(line, pixel, lon, lat, height, theta)
        for (line, pixel, lon, lat, height), theta in zip(tied, angles, strict=True)
    )
    try:
        return GridGeoref(points, size, said.far_is_right), f"{len(points)} tie points of the product"
    except ValueError:  # no whole grid: a spline through the points needs none
        loose = tuple(Gcp(p.pixel + 0.5, p.line + 0.5, p.lon, p.lat) for p in points)
        return GcpGeoref(loose, "EPSG:4326", size), f"{len(points)} tie points of the product, thin-plate spline"


def _angle_at(
    said: Annotation, size: tuple[int, int], angle: NDArray[np.float64] | None, pixels: NDArray[np.float64]
) -> list[float | None]:
    """Incidence at pixels: of the calibration tables, else between the stated ends."""
    if angle is not None:
        return [float(value) for value in np.interp(pixels, np.arange(angle.size), angle)]
    if said.angles is None:
        return [None] * pixels.size
    near, _, far = said.angles
    ends = (near, far) if said.far_is_right else (far, near)
    return [float(value) for value in np.interp(pixels, [0.0, size[0] - 1.0], ends)]


def _rational(root: etree._Element) -> RpcModel:
    values: dict[str, float] = {}
    for key, tag in _RPC_NUMBERS.items():
        value = number_at(root, tag)
        if value is None:
            raise ValueError(f"RPC: {tag} is missing")
        values[key] = value
    lists = {key: numbers(text_at(root, tag)) for key, tag in _RPC_LISTS.items()}
    return RpcModel(**values, **lists, err_bias=number_at(root, "biasError"), err_rand=number_at(root, "randomError"))  # type: ignore[arg-type]
