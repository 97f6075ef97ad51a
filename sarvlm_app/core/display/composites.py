"""Which composites a scene offers: by its polarisations, and any three of its bands."""

from __future__ import annotations

from sarvlm_app.core.display.settings import Channel, ChannelKind, Composite
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType

FREE = "Free"
_KINDS = {ChannelKind.BAND: "{0}", ChannelKind.DOUBLE: "2|{0}|", ChannelKind.RATIO: "{0}/{1}"}
_COMPLEX_KINDS = {ChannelKind.SUM: "|{0}+{1}|", ChannelKind.DIFFERENCE: "|{0}−{1}|"}


def presets(scene: Scene) -> tuple[Composite, ...]:
    """The composites that make sense for the polarisations of the scene; empty for a single band.

    Dual: co-polarised red, cross-polarised green, their ratio blue (bright blue:
    smooth surfaces). Three polarisations: HH, HV, VV. Complex HH, HV and VV
    too: Pauli, |HH-VV| red (even bounce), 2|HV| green (volume), |HH+VV| blue
    (odd bounce); Lee & Pottier 2009, ch. 6.
    """
    by_name: dict[str, Band] = {}
    for band in scene.bands:
        by_name.setdefault(band.polarisation or band.name, band)
    found = []
    hh, vv, cross = by_name.get("HH"), by_name.get("VV"), by_name.get("HV") or by_name.get("VH")
    if hh and vv and cross and all(b.value_type is ValueType.COMPLEX for b in (hh, vv, cross)):
        found.append(_pauli(hh, vv, cross))
    if hh and vv and cross:
        found.append(bands_as_colours(f"HH / {cross.name} / VV", hh.index, cross.index, vv.index))
    found += [
        Composite(f"{a} / {b} / ratio", (_band(by_name[a]), _band(by_name[b]), _ratio(by_name[a], by_name[b])))
        for a, b in (("VV", "VH"), ("HH", "HV"))
        if a in by_name and b in by_name
    ]
    return tuple(found)


def bands_as_colours(name: str, red: int, green: int, blue: int) -> Composite:
    """A composite of three bands (from 1)."""
    r, g, b = (Channel(ChannelKind.BAND, (index,)) for index in (red, green, blue))
    return Composite(name, (r, g, b))


def choices(scene: Scene) -> tuple[Channel, ...]:
    """What a single colour of a free composite may show: each band, then ratios of neighbours."""
    singles = [_band(band) for band in scene.bands]
    pairs = [(a, b) for a in scene.bands for b in scene.bands if a.index != b.index] if len(scene.bands) <= 4 else []
    return (*singles, *(_ratio(a, b) for a, b in pairs))


def channel_text(scene: Scene, channel: Channel) -> str:
    """How a channel reads: `VV`, `VV/VH`, `|HH−VV|`."""
    names = [scene.bands[index - 1].name if index <= len(scene.bands) else f"band {index}" for index in channel.bands]
    return (_KINDS | _COMPLEX_KINDS)[channel.kind].format(*names)


def fits(scene: Scene, composite: Composite) -> bool:
    """Whether the scene has all bands of a composite, complex where it must be."""
    for channel in composite.channels:
        if max(channel.bands) > len(scene.bands):
            return False
        if channel.kind in _COMPLEX_KINDS and any(
            scene.bands[index - 1].value_type is not ValueType.COMPLEX for index in channel.bands
        ):
            return False
    return True


def _pauli(hh: Band, vv: Band, cross: Band) -> Composite:
    return Composite(
        "Pauli",
        (
            Channel(ChannelKind.DIFFERENCE, (hh.index, vv.index)),
            Channel(ChannelKind.DOUBLE, (cross.index,)),
            Channel(ChannelKind.SUM, (hh.index, vv.index)),
        ),
    )


def _band(band: Band) -> Channel:
    return Channel(ChannelKind.BAND, (band.index,))


def _ratio(over: Band, under: Band) -> Channel:
    return Channel(ChannelKind.RATIO, (over.index, under.index))
