"""MSTAR chips and scenes: a Phoenix header in text, then magnitude, then phase."""

from __future__ import annotations

from sarvlm_app.core.products.phoenix.family import PhoenixFamily

__all__ = ["PhoenixFamily"]
