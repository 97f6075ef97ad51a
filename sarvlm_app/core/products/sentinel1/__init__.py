"""Sentinel-1 products in SAFE form."""

from __future__ import annotations

from sarvlm_app.core.products.sentinel1.family import Sentinel1Family

__all__ = ["Sentinel1Family"]
