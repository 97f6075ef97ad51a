"""Product families: each recognises its own files and describes them as a Scene."""

from __future__ import annotations

from sarvlm_app.core.products.arrays import MatlabFamily, NumpyFamily
from sarvlm_app.core.products.nitf import NitfFamily, SicdFamily, SiddFamily
from sarvlm_app.core.products.phoenix import PhoenixFamily
from sarvlm_app.core.products.raster import RasterFamily
from sarvlm_app.core.products.sensors import SENSORS
from sarvlm_app.core.products.sentinel1 import Sentinel1Family
from sarvlm_app.core.products.types import Band, ProductFamily, Scene

FAMILIES: tuple[ProductFamily, ...] = (
    Sentinel1Family(),
    *SENSORS,
    SicdFamily(),
    SiddFamily(),
    NitfFamily(),
    PhoenixFamily(),
    NumpyFamily(),
    MatlabFamily(),
    RasterFamily(),
)
"""Asked in this order; the first that recognises a path describes it. `RasterFamily` stays last."""

__all__ = ["FAMILIES", "Band", "ProductFamily", "RasterFamily", "Scene", "Sentinel1Family"]
