"""Images in NITF files: SICD (complex), SIDD (detected), and others that GDAL alone would not tell apart."""

from __future__ import annotations

from sarvlm_app.core.products.nitf.other import NitfFamily
from sarvlm_app.core.products.nitf.sicd import SicdFamily
from sarvlm_app.core.products.nitf.sidd import SiddFamily

__all__ = ["NitfFamily", "SicdFamily", "SiddFamily"]
