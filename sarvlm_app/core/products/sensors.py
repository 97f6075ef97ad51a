"""Products of single satellites and constellations, each recognised by the names of its files."""

from __future__ import annotations

from sarvlm_app.core.products.capella import CapellaFamily
from sarvlm_app.core.products.cosmo import CosmoFamily
from sarvlm_app.core.products.iceye import IceyeFamily
from sarvlm_app.core.products.nisar import NisarFamily
from sarvlm_app.core.products.palsar import PalsarFamily
from sarvlm_app.core.products.radarsat import RadarsatFamily
from sarvlm_app.core.products.terrasar import TerraSarFamily
from sarvlm_app.core.products.types import ProductFamily
from sarvlm_app.core.products.umbra import UmbraFamily

SENSORS: tuple[ProductFamily, ...] = (
    UmbraFamily(),
    CapellaFamily(),
    IceyeFamily(),
    TerraSarFamily(),
    RadarsatFamily(),
    NisarFamily(),
    CosmoFamily(),
    PalsarFamily(),
)
