"""Detections as a GeoPackage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from sarvlm_app.core.export.detection_table import DetectionTable
from sarvlm_app.core.export.footprints import Ring, outlines
from sarvlm_app.errors import StorageError

LAYER: Final = "detections"

_JSON: Final = ("polygon_px", "bbox_px")
_REAL: Final = ("score", "lon", "lat", "length_m", "width_m", "heading_deg")


def write_gpkg(table: DetectionTable, path: Path) -> None:
    """Write one layer of polygons in EPSG:4326; corners and boxes in pixels are JSON in text columns.

    Raises
    ------
    StorageError
        GDAL cannot write there.
    """
    import pyogrio  # it takes half a second

    shapes = [_shape(rings) for rings in outlines(table.detections.corners_px, table.scene.georef)]
    several = any(shape is not None and shape.geom_type == "MultiPolygon" for shape in shapes)
    columns = {name: _column(name, values) for name, values in table.columns().items()}
    origin = table.origin()
    columns |= {name: _column(name, [value] * len(shapes)) for name, value in origin.items()}
    path.unlink(missing_ok=True)  # GDAL makes the file itself and takes no empty one
    try:
        pyogrio.raw.write(
            path,
            geometry=np.array(shapely.to_wkb(np.array(shapes, object)), object),
            field_data=list(columns.values()),
            fields=np.array(list(columns), object),
            layer=LAYER,
            driver="GPKG",
            geometry_type="MultiPolygon" if several else "Polygon",
            promote_to_multi=several,
            crs="EPSG:4326",
            layer_metadata={name: str(value) for name, value in origin.items() if value is not None},
        )
    except pyogrio.errors.DataSourceError as fault:
        raise StorageError(
            f"The GeoPackage cannot be written ({fault}); choose another folder or the ending .geojson."
        ) from fault


def _shape(rings: list[Ring]) -> Any:
    if not rings:
        return None
    return shapely.Polygon(rings[0]) if len(rings) == 1 else shapely.MultiPolygon([(ring, []) for ring in rings])


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in _JSON:
        return np.array([json.dumps(value) for value in values], object)
    if name in _REAL:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if name == "simulated":
        return np.array(values, np.bool_)
    if values and all(isinstance(value, bool | int | float) for value in values):
        return np.array(values)
    return np.array([None if value is None else str(value) for value in values], object)
