"""The few facts of a scene that an analyst asks for first, in words."""

from __future__ import annotations

import math

from pyproj import Geod

from sarvlm_app.core.coordinates import lonlat_text
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import Calibration, ValueType

_VALUES = {
    ValueType.COMPLEX: "complex amplitude",
    ValueType.INTENSITY: "linear intensity",
    ValueType.AMPLITUDE: "linear amplitude",
    ValueType.DB: "decibels",
    ValueType.DN: "digital numbers",
}
_CALIBRATED = {
    Calibration.UNCALIBRATED: "uncalibrated",
    Calibration.BETA0: "β⁰",
    Calibration.SIGMA0: "σ⁰",
    Calibration.GAMMA0: "γ⁰",
}
_MOST_MISSING = 3
_GEOD = Geod(ellps="WGS84")


def key_facts(scene: Scene) -> tuple[tuple[str, str], ...]:
    """Label and value of each fact that is known, the important ones first."""
    facts = scene.facts
    pairs = (
        ("Sensor", facts.get("platform", facts.get("sensor", ""))),
        ("Product", scene.product),
        ("Mode", facts.get("mode", "")),
        ("Polarisation", ", ".join(dict.fromkeys(b.polarisation for b in scene.bands if b.polarisation))),
        ("Acquired", acquired_text(scene)),
        ("Incidence", incidence_text(scene)),
        ("Look", facts.get("look", "")),
        ("Orbit", facts.get("orbit", "")),
        ("Spacing", spacing_text(scene)),
        ("Size", size_text(scene)),
        ("Values", values_text(scene)),
        ("CRS", scene.georef.crs_name if scene.georef is not None else "no georeference"),
        ("Centre", centre_text(scene)),
        ("Done to it", scene.origin),
    )
    return tuple((name, value) for name, value in pairs if value)


def acquired_text(scene: Scene) -> str:
    """Time in UTC to the second, or the date where no time is known."""
    moment = scene.acquired
    if moment is None:
        return ""
    known = moment.hour or moment.minute or moment.second
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC" if known else "%Y-%m-%d")


def incidence_text(scene: Scene) -> str:
    """`30.3–46.1°, 38.9° mid swath`."""
    if scene.incidence_deg is None:
        return ""
    near, middle, far = scene.incidence_deg
    if far - near < 0.05:
        return f"{middle:.1f}°"
    return f"{near:.1f}–{far:.1f}°, {middle:.1f}° mid swath"


def spacing_text(scene: Scene) -> str:
    """`10.0 × 10.0 m (range × azimuth)`: of pixels on the ground, along columns and rows."""
    if scene.spacing_m is None:
        return ""
    across, along = scene.spacing_m
    return (
        f"{across:.3g} × {along:.3g} m (columns × rows)"
        if _is_map(scene)
        else (f"{across:.3g} × {along:.3g} m (range × azimuth)")
    )


def size_text(scene: Scene) -> str:
    """`26102 × 16705 px, 261 × 169 km`; kilometres along the middle row and column where the place is known."""
    text = f"{scene.width} × {scene.height} px"
    extent = _extent_km(scene)
    return text if extent is None else f"{text}, {extent[0]:.3g} × {extent[1]:.3g} km"


def centre_text(scene: Scene) -> str:
    """Latitude and longitude of the middle of the scene."""
    if scene.georef is None:
        return ""
    lon, lat = (float(value) for value in scene.georef.to_lonlat(scene.width / 2, scene.height / 2))
    return lonlat_text(lon, lat, 4) if math.isfinite(lon) and math.isfinite(lat) else ""


def values_text(scene: Scene) -> str:
    """`σ⁰, linear intensity (float32)`, and whether the unit is assumed."""
    unit = _VALUES[scene.value_type] + (" (assumed)" if scene.value_type_assumed else "")
    return f"{_CALIBRATED[scene.calibration]}, {unit}, {scene.dtype}"


def missing_text(scene: Scene) -> str:
    """How many parts of the product are not there, with the names of the first; empty for a complete one."""
    count = len(scene.missing)
    if count == 0:
        return ""
    names = ", ".join(_without_folder(name) for name in scene.missing[:_MOST_MISSING])
    more = f" and {count - _MOST_MISSING} more" if count > _MOST_MISSING else ""
    return f"Missing {'part' if count == 1 else f'{count} parts'}: {names}{more}"


def _without_folder(name: str) -> str:
    """A missing part as it is listed, by its file's name alone: `a/b.xml (not readable)` as `b.xml (not readable)`."""
    file, bracket, fault = name.partition(" (")
    return file.rsplit("/", 1)[-1] + bracket + fault


def _is_map(scene: Scene) -> bool:
    """Whether columns and rows lie along a map's axes rather than range and azimuth."""
    return "map transform" in scene.facts.get("geometry", "") or type(scene.georef).__name__ == "AffineGeoref"


def _extent_km(scene: Scene) -> tuple[float, float] | None:
    georef = scene.georef
    if georef is None:
        if scene.spacing_m is None:
            return None
        return scene.width * scene.spacing_m[0] / 1000, scene.height * scene.spacing_m[1] / 1000
    middle_col, middle_row = scene.width / 2, scene.height / 2
    ends = (
        ((0.0, middle_row), (float(scene.width), middle_row)),
        ((middle_col, 0.0), (middle_col, float(scene.height))),
    )
    lengths = []
    for start, end in ends:
        one, other = georef.to_lonlat(*start), georef.to_lonlat(*end)
        lengths.append(float(_GEOD.inv(float(one[0]), float(one[1]), float(other[0]), float(other[1]))[2]) / 1000)
    return (lengths[0], lengths[1]) if all(map(math.isfinite, lengths)) else None
