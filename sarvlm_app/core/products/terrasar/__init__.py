"""TerraSAR-X, TanDEM-X and PAZ: SSC, MGD, GEC and EEC.

After DLR, TX-GS-DD-3302 (Level 1b Product Format Specification) and
TX-GS-DD-3307 (COSAR).
"""

from __future__ import annotations

from sarvlm_app.core.products.terrasar.family import TerraSarFamily

__all__ = ["TerraSarFamily"]
