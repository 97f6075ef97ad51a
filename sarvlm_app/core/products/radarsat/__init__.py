"""RADARSAT-2 and the RADARSAT Constellation Mission: product.xml, GeoTIFF a polarisation, calibration tables.

After MDA, RADARSAT-2 Product Format Definition (RN-RP-51-2713), and CSA, RCM
Image Product Format Definition (RCM-SP-53-0419).
"""

from __future__ import annotations

from sarvlm_app.core.products.radarsat.family import RadarsatFamily

__all__ = ["RadarsatFamily"]
