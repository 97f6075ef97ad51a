"""The geometry of SIDD products, whichever grid they are on."""

from __future__ import annotations

from typing import Any

import numpy as np
from lxml import etree
from sarkit import wgs84
from sarkit.sidd import calculations

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.georef.sidd import SiddGeoref
from sarvlm_app.core.products.nitf.document import require_low_orders

POINTS = 21
"""Along each side of the grid that stands for a projection: splines between them are good to millimetres."""

_GRIDS = {
    "GeographicProjection": "geographic",
    "CylindricalProjection": "cylindrical",
    "PolynomialProjection": "polynomial",
}
_FAULTS = (AttributeError, TypeError, IndexError, KeyError, ValueError, np.linalg.LinAlgError)


def sidd_georef(sidd: etree._Element, size: tuple[int, int]) -> tuple[Georeference | None, str]:
    """The geometry, or None, and how the pixels are placed or why they are not; size is (width, height)."""
    measured = {etree.QName(child).localname for part in sidd for child in part if isinstance(child.tag, str)}
    grid = next((name for tag, name in _GRIDS.items() if tag in measured), None)
    try:
        require_low_orders(sidd)
        if grid is None:
            said = "SIDD plane, projected to the height of the reference point"
            return SiddGeoref(etree.tostring(sidd)), said
        return _by_grid(sidd, size), f"SIDD {grid} grid, at its own height"
    except _FAULTS as error:
        return None, f"none: {error}" if isinstance(error, ValueError) else "none: the XML lacks what places its pixels"


def _by_grid(sidd: etree._Element, size: tuple[int, int]) -> GridGeoref:
    rows = np.linspace(0, size[1] - 1, min(POINTS, size[1]))
    cols = np.linspace(0, size[0] - 1, min(POINTS, size[0]))
    index = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    library: Any = calculations  # without types
    places = np.asarray(wgs84.cartesian_to_geodetic(library.pixel_to_ecef(sidd.getroottree(), index)))
    if not np.isfinite(places).all() or (np.abs(places[:, 0]) > 90).any():
        raise ValueError("the XML contradicts itself, its pixels lie nowhere on the ground")
    points = (
        GridPoint(float(row), float(col), float(lon), float(lat), float(height))
        for (row, col), (lat, lon, height) in zip(index, places, strict=True)
    )
    return GridGeoref(tuple(points), size)
