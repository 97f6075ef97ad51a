"""ALOS and ALOS-2 PALSAR in CEOS: levels 1.1 (complex) and 1.5 (detected, georeferenced or geocoded).

After JAXA, ALOS/PALSAR Level 1.1/1.5 Product Format Description, and ALOS-2
CEOS Product Format Description.
"""

from __future__ import annotations

from sarvlm_app.core.products.palsar.family import PalsarFamily

__all__ = ["PalsarFamily"]
