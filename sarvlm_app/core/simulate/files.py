"""Simulated scenes on disk: a GeoTIFF of amplitudes and the truth as GeoJSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from sarvlm_app.errors import StorageError

from .spec import SimulatedScene

#: DN of unit amplitude: sigma nought = (DN / 1000) ** 2.
DN_SCALE = 1000.0
DEFAULT_CRS = "EPSG:32611"
DEFAULT_ORIGIN = (385_000.0, 3_742_000.0)


def _refused(path: Path, fault: OSError | RasterioError) -> StorageError:
    return StorageError(f"{path} cannot be written ({fault}): choose a folder that may be written to and has room.")


def write_geotiff(
    scene: SimulatedScene, path: Path, *, crs: str = DEFAULT_CRS, origin: tuple[float, float] = DEFAULT_ORIGIN
) -> None:
    """Write amplitude as a tiled, deflated uint16 GeoTIFF with tags that say it is simulated.

    Parameters
    ----------
    scene : SimulatedScene
    path : Path
        Replaced in one step when complete.
    crs : str
        A projected system in metres.
    origin : (easting, northing)
        Outer corner of the top left pixel, metres.

    Raises
    ------
    StorageError
        Where the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    spec = scene.spec
    profile = {
        "driver": "GTiff", "width": spec.width, "height": spec.height, "count": 1, "dtype": "uint16",
        "crs": CRS.from_user_input(crs), "transform": _transform(spec.spacing_m, origin),
        "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "predictor": 2, "nodata": 0,
    }  # fmt: skip
    tags = {
        "SARVLM_SIMULATED": "yes", "PRODUCT": "simulated", "SENSOR": "simulated SAR", "VALUE_TYPE": "amplitude",
        "CALIBRATION": "sigma0", "LOOK_DIRECTION": spec.look,
        "LOOKS": repr(spec.looks), "NOISE_FLOOR_DB": repr(spec.noise_floor_db), "SCENE_KIND": spec.kind,
        "SEED": str(spec.seed), "POLARISATION": "VV",
        "TIFFTAG_IMAGEDESCRIPTION": "Simulated SAR scene: not a measurement (SARVLM Desktop)",
    }  # fmt: skip
    try:
        with rasterio.open(part, "w", **profile) as target:
            target.update_tags(**tags)
            target.set_band_description(1, "VV")
            target.scales = (1 / DN_SCALE,)  # so that values are sigma0 amplitude, as the tags say
            target.write(amplitude_dn(scene), 1)
        os.replace(part, path)
    except (OSError, RasterioError) as fault:
        part.unlink(missing_ok=True)
        raise _refused(path, fault) from fault


def _transform(spacing: float, origin: tuple[float, float]) -> Affine:
    return Affine(spacing, 0.0, origin[0], 0.0, -spacing, origin[1])


def amplitude_dn(scene: SimulatedScene) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    """Amplitude in digital numbers, uint16 (h, w), 1..65535; brighter points saturate as in real products."""
    dn = np.round(np.sqrt(scene.intensity) * DN_SCALE)
    return np.asarray(np.clip(dn, 1, 65535), dtype=np.uint16).reshape(scene.spec.height, scene.spec.width)


def write_truth(
    scene: SimulatedScene, path: Path, *, crs: str = DEFAULT_CRS, origin: tuple[float, float] = DEFAULT_ORIGIN
) -> None:
    """Write the objects as GeoJSON polygons in longitude and latitude (WGS 84).

    Parameters
    ----------
    crs, origin
        The same as given to `write_geotiff`.

    Raises
    ------
    StorageError
        Where the file cannot be written.
    """
    to_map = _transform(scene.spec.spacing_m, origin)
    to_lonlat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    features = []
    for number, thing in enumerate(scene.objects, 1):
        east, north = to_map.c + thing.polygon_px[:, 0] * to_map.a, to_map.f + thing.polygon_px[:, 1] * to_map.e
        lon, lat = to_lonlat.transform(east, north)
        ring = [[round(float(a), 8), round(float(b), 8)] for a, b in zip(lon, lat, strict=True)]
        if _signed_area(ring) < 0:
            ring.reverse()
        properties = {
            "id": number, "label": thing.label,
            "length_m": round(thing.length_m, 2), "width_m": round(thing.width_m, 2),
            "heading_deg": None if thing.heading_deg is None else round(thing.heading_deg, 2),
            "polygon_px": np.round(thing.polygon_px, 3).tolist(), "simulated": True,
        }  # fmt: skip
        geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(
            json.dumps({"type": "FeatureCollection", "simulated": True, "features": features}), encoding="utf-8"
        )
        os.replace(part, path)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise _refused(path, fault) from fault


def _signed_area(ring: list[list[float]]) -> float:
    """Positive for a ring that runs counter-clockwise, as GeoJSON wants its outer ring."""
    points = np.array(ring)
    ahead = np.roll(points, -1, axis=0)
    return float(np.sum(points[:, 0] * ahead[:, 1] - ahead[:, 0] * points[:, 1]) / 2)
