"""The class lists that ship with the detector: stored prompts."""

from __future__ import annotations

from typing import Final

from sarvlm_models.types import StoredClass

_VEHICLE_M = (0.05, 0.8)

KINDS: Final = {
    "ship": ("ship", "vessel", "boat", "ships"),
    "aircraft": ("aircraft", "airplane", "plane"),
    "vehicle": ("vehicle", "military vehicle", "ground vehicle", "truck", "armoured vehicle", "tank"),
}
"""Kinds of objects and their general words: a box of another kind than was asked for is not the answer."""

_CLASSES: Final = (
    StoredClass("ship", ("ship", "vessel", "a SAR image of a ship", "ship seen by radar"), (0.3, 30.0)),
    StoredClass("aircraft", ("aircraft", "airplane", "a SAR image of aircraft", "parked aircraft"), (0.2, 6.0)),
    StoredClass("2S1", ("2S1", "2S1 Gvozdika", "self-propelled howitzer"), _VEHICLE_M),
    StoredClass("BMP2", ("BMP-2", "BMP-2 infantry fighting vehicle", "BMP2"), _VEHICLE_M),
    StoredClass("BRDM2", ("BRDM-2", "BRDM-2 scout car", "BRDM2"), _VEHICLE_M),
    StoredClass("BTR60", ("BTR-60", "BTR-60 armoured personnel carrier", "BTR60"), _VEHICLE_M),
    StoredClass("BTR70", ("BTR-70", "BTR-70 armoured personnel carrier", "BTR70"), _VEHICLE_M),
    StoredClass("D7", ("D7", "D7 bulldozer", "bulldozer"), _VEHICLE_M),
    StoredClass("T62", ("T-62", "T-62 tank", "T62"), _VEHICLE_M),
    StoredClass("T72", ("T-72", "T-72 tank", "T72"), _VEHICLE_M),
    StoredClass("ZIL131", ("ZIL-131", "ZIL-131 truck", "military truck"), _VEHICLE_M),
    StoredClass("ZSU234", ("ZSU-23-4", "ZSU-23-4 Shilka", "self-propelled anti-aircraft gun"), _VEHICLE_M),
)

SHIPPED: Final = tuple((one, one.name if one.name in KINDS else "vehicle") for one in _CLASSES)
"""Classes with their kinds."""
