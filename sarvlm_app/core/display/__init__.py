"""How a scene is shown: stretches, remaps, composites, phase. Never changes data or what a model sees."""

from __future__ import annotations

from sarvlm_app.core.display.composites import presets
from sarvlm_app.core.display.levels import Levels, levels_of
from sarvlm_app.core.display.picture import Picture, PictureKind
from sarvlm_app.core.display.settings import Channel, ChannelKind, Composite, DisplaySettings, Mode

__all__ = [
    "Channel",
    "ChannelKind",
    "Composite",
    "DisplaySettings",
    "Levels",
    "Mode",
    "Picture",
    "PictureKind",
    "levels_of",
    "presets",
]
