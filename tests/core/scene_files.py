"""Small image files for the tests of scenes, geometry and the pyramid."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning

UTM33 = "EPSG:32633"
TRANSFORM = Affine(10.0, 0.0, 500000.0, 0.0, -10.0, 5300000.0)


def write_tif(path: Path, pixels: NDArray[np.generic], **options: object) -> Path:
    """A GeoTIFF of (h, w) or (bands, h, w) pixels.

    Further options: `tags`, `descriptions`, `gcps` with `crs`, `overviews`,
    `mask` (bool, True is data), `scale`, and whatever rasterio takes for a profile.
    """
    planes = pixels if pixels.ndim == 3 else pixels[None]
    tags = options.pop("tags", {})
    descriptions = options.pop("descriptions", ())
    gcps = options.pop("gcps", None)
    overviews = options.pop("overviews", ())
    mask = options.pop("mask", None)
    scale = options.pop("scale", None)
    profile = {"driver": "GTiff", "count": len(planes), "height": planes.shape[1], "width": planes.shape[2]}
    profile |= {"dtype": options.pop("stored", planes.dtype.name)} | options
    if gcps is not None:
        crs = profile.pop("crs")
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as out:
            out.write(planes)
            if gcps is not None:
                out.gcps = ([GroundControlPoint(row=g.row, col=g.col, x=g.x, y=g.y) for g in gcps], crs)
            out.update_tags(**tags)
            for index, text in enumerate(descriptions, start=1):
                out.set_band_description(index, text)
            if scale is not None:
                out.scales = (scale,) * len(planes)
            if mask is not None:
                out.write_mask(mask)
            if overviews:
                out.build_overviews(list(overviews), rasterio.enums.Resampling.average)
    return path


def speckle(shape: tuple[int, int], mean: float = 100.0, seed: int = 0) -> NDArray[np.float32]:
    """Amplitude of fully developed single-look speckle, float32."""
    return np.sqrt(np.random.default_rng(seed).exponential(mean * mean, shape)).astype(np.float32)
