"""What makes the ratio of two scenes mislead, read off what is known of them."""

from __future__ import annotations

from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import Calibration, ValueType

INCIDENCE_DEG = 2.0
"""Apart by more, the same ground is not equally bright."""
SPACING = 1.5
"""Apart by a larger factor, the pixels do not see the same detail."""


def caveats(one: Scene, other: Scene, bands: tuple[int, int], error_m: float | None = None) -> tuple[str, ...]:
    """Sentences on what differs between two scenes; empty where nothing is known to.

    Parameters
    ----------
    bands : (int, int)
        From 1.
    error_m : float, optional
        How far places of the two may be off, metres.
    """
    found = [
        _orbit(one, other), _look(one, other), _incidence(one, other), _calibration(one, other),
        _values(one, other, bands), _polarisation(one, other, bands), _platform(one, other), _spacing(one, other),
        _places(one, error_m),
    ]  # fmt: skip
    return tuple(sentence for sentence in found if sentence)


def _direction(scene: Scene) -> str:
    text = " ".join(str(scene.facts.get(key, "")) for key in ("orbit", "orbit direction", "pass")).casefold()
    return next((word for word in ("ascending", "descending") if word in text), "")


def _orbit(one: Scene, other: Scene) -> str:
    mine, theirs = _direction(one), _direction(other)
    if mine and theirs and mine != theirs:
        return f"Orbits differ ({mine}, {theirs}): slopes, walls and shadows face other ways, which reads as change."
    return ""


def _look(one: Scene, other: Scene) -> str:
    mine, theirs = (str(scene.facts.get("look", "")).casefold() for scene in (one, other))
    if mine and theirs and mine != theirs:
        return f"The sensors look to different sides ({mine}, {theirs}): layover and shadow fall the other way."
    return ""


def _incidence(one: Scene, other: Scene) -> str:
    if one.incidence_deg is None or other.incidence_deg is None:
        return "" if one.simulated and other.simulated else "Incidence angles are not both known; compare with care."
    mine, theirs = one.incidence_deg[1], other.incidence_deg[1]
    if abs(mine - theirs) > INCIDENCE_DEG:
        return f"Incidence differs ({mine:.1f}° and {theirs:.1f}°): sea and fields change brightness with it alone."
    return ""


def _calibration(one: Scene, other: Scene) -> str:
    kinds = (one.calibration, other.calibration)
    if kinds[0] is not kinds[1]:
        return f"Calibration differs ({kinds[0]}, {kinds[1]}): the ratio carries an offset that is no change."
    if kinds[0] is Calibration.UNCALIBRATED:
        return "Neither scene is calibrated: the ratio may carry an offset, calibrate both first."
    return ""


def _values(one: Scene, other: Scene, bands: tuple[int, int]) -> str:
    types = [scene.bands[band - 1].value_type for scene, band in zip((one, other), bands, strict=True)]
    if ValueType.DN in types and types[0] is not types[1]:
        return "One of them holds plain digital numbers, which are taken as amplitude."
    return ""


def _polarisation(one: Scene, other: Scene, bands: tuple[int, int]) -> str:
    mine, theirs = one.bands[bands[0] - 1].polarisation, other.bands[bands[1] - 1].polarisation
    if mine and theirs and mine != theirs:
        return f"Polarisations differ ({mine}, {theirs}): choose the same one for both."
    return ""


def _platform(one: Scene, other: Scene) -> str:
    mine, theirs = (str(scene.facts.get("mode", "")) for scene in (one, other))
    if one.product != other.product:
        return f"Products differ ({one.product or 'unknown'}, {other.product or 'unknown'})."
    return f"Modes differ ({mine}, {theirs})." if mine and theirs and mine != theirs else ""


def _places(one: Scene, error_m: float | None) -> str:
    if error_m is None or one.spacing_m is None or error_m <= min(one.spacing_m):
        return ""
    cells = error_m / min(one.spacing_m)
    return f"Places may be off by about {error_m:.2g} m ({cells:.1f} px) between the two: edges then read as change."


def _spacing(one: Scene, other: Scene) -> str:
    if one.spacing_m is None or other.spacing_m is None:
        return ""
    factor = max(a / b for a, b in zip(one.spacing_m, other.spacing_m, strict=True))
    factor = max(factor, *(b / a for a, b in zip(one.spacing_m, other.spacing_m, strict=True)))
    if factor > SPACING:
        return f"Pixels differ in size by a factor of {factor:.1f}: small objects seem to change; average more."
    return ""
