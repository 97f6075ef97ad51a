"""The geometry of an image file as GDAL reads it."""

from __future__ import annotations

import numpy as np
from rasterio.errors import CRSError
from rasterio.io import DatasetReader

from .control_points import Gcp, GcpGeoref
from .interface import Georeference
from .mapped import AffineGeoref
from .rpc import RpcGeoref, RpcModel


def georef_of(dataset: DatasetReader) -> tuple[Georeference | None, str | None]:
    """The geometry and what to tell of it: a map, else ground control points, else rational polynomials.

    Where there is none, or it cannot be used, the second value says why.
    """
    size = (dataset.width, dataset.height)
    gcps, gcp_crs = dataset.gcps
    try:
        if dataset.crs and not dataset.transform.is_identity:
            return _on_earth(AffineGeoref(dataset.transform, dataset.crs.to_string(), size), size), None
        if gcps and gcp_crs:
            points = tuple(Gcp(gcp.col, gcp.row, gcp.x, gcp.y) for gcp in gcps)
            said = f"{len(points)} ground control points, thin-plate spline"
            return _on_earth(GcpGeoref(points, gcp_crs.to_string(), size), size), said
        if dataset.rpcs is not None:
            model = RpcModel.from_rasterio(dataset.rpcs)
            said = f"rational polynomials, at {model.height_off:g} m above the ellipsoid"
            return _on_earth(RpcGeoref(model, size), size), said
    except (ValueError, CRSError) as error:
        return None, f"none: {error}"
    if not dataset.transform.is_identity or gcps:
        return None, "none: the map coordinates have no reference system"
    return None, "none"


def _on_earth(georef: Georeference, size: tuple[int, int]) -> Georeference:
    """The same, where it knows a place for the middle or a corner of the image.

    Raises
    ------
    ValueError
        It knows none.
    """
    width, height = size
    lon, _ = georef.to_lonlat([width / 2, 0, width, 0, width], [height / 2, 0, 0, height, height])
    if not np.isfinite(lon).any():
        raise ValueError("the coordinates of the image lie nowhere on the Earth")
    return georef
