"""What every derived scene has in common: its name, its fingerprint and the note of what was done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from sarvlm_app.core.products.fingerprint import DIGITS
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.errors import SceneError


def derived(scene: Scene, step: str, wrap: Callable[[Band, PixelSource], PixelSource], **changes: object) -> Scene:
    """A scene whose bands read through `wrap`.

    Parameters
    ----------
    step : str
        What is done, parameters included: "sigma0, thermal noise removed". It
        decides the fingerprint, so two steps that give other pixels must differ in it.
    wrap : callable
        From a band and its source to the new source, of `ValueType.INTENSITY` or the band's own.
    **changes
        Other fields of the scene.

    Raises
    ------
    SceneError
        The scene was described without its pixels.
    """
    bands = tuple(_wrapped(scene, band, wrap) for band in scene.bands)
    origin = f"{scene.origin}; {step}" if scene.origin else step
    facts: Mapping[str, str] = {**scene.facts, "derived": origin}
    digest = hashlib.sha256(f"{scene.fingerprint}\n{step}".encode()).hexdigest()[:DIGITS]
    made = replace(
        scene, bands=bands, value_type=bands[0].value_type, value_type_assumed=False, dtype="float32", nodata=None,
        facts=facts, fingerprint=digest, origin=origin,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def _wrapped(scene: Scene, band: Band, wrap: Callable[[Band, PixelSource], PixelSource]) -> Band:
    if band.source is None:
        raise SceneError(f"{scene.path} was described without its pixels; open it again.")
    source = wrap(band, band.source)
    return replace(band, source=source, value_type=source.value_type, calibrator=None)
