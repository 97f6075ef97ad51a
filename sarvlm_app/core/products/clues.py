"""What names and tags say about a scene: polarisation, time, sensor, unit of the values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from sarvlm_app.core.radiometry import Calibration, ValueType

_POLARISATION = re.compile(r"(?<![A-Za-z])(VV|VH|HH|HV|RH|RV)(?![A-Za-z])", re.IGNORECASE)
_STAMP = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)[-:]?(?P<m>[01]\d)[-:]?(?P<d>[0-3]\d)"
    r"(?:[T _]?(?P<H>[0-2]\d):?(?P<M>[0-5]\d):?(?P<S>[0-5]\d))?(?!\d)",
    re.IGNORECASE,
)
_SENTINEL1 = re.compile(
    r"^(?P<unit>S1[A-D])[_-](?:(?P<mode>IW|EW|WV|S[1-6])\d?[_-])?(?P<level>GRD|SLC|OCN)?", re.IGNORECASE
)
_UNIT_WORDS: tuple[tuple[str, ValueType], ...] = (
    (r"\bdb\b|decibel|[_-]db\b", ValueType.DB),
    (r"amplitude|magnitude", ValueType.AMPLITUDE),
    (r"intensity|power|sigma[_ ]?(?:0|nought|naught)|gamma[_ ]?0|beta[_ ]?0", ValueType.INTENSITY),
)
_CALIBRATION = re.compile(r"(sigma|beta|gamma)[_ ]?(?:0|nought|naught)", re.IGNORECASE)
_TIME_TAGS = ("ACQUIRED", "ACQUISITION_TIME", "SARVLM_ACQUIRED", "START_TIME")
_FILE_TIME_TAG = "TIFFTAG_DATETIME"
_UNIT_TAGS = ("SARVLM_VALUE_TYPE", "VALUE_TYPE", "UNITS", "UNITTYPE", "UNIT", "PRODUCT", "CALIBRATION")


def polarisation_in(text: str) -> str | None:
    """The one polarisation named in a file name or description as a word of its own; None for none or several."""
    found = {match.upper() for match in _POLARISATION.findall(text)}
    return found.pop() if len(found) == 1 else None


def time_in(text: str) -> datetime | None:
    """The first date (with time, where given) in a name or tag, as UTC."""
    for match in _STAMP.finditer(text):
        parts = [int(part) for part in match.group("y", "m", "d", "H", "M", "S") if part is not None]
        try:
            return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            continue
    return None


def acquired(tags: Mapping[str, str], name: str) -> datetime | None:
    """Acquisition time from its own tags, from the file's name, else the TIFF's own date."""
    texts = [*(tags.get(key, "") for key in _TIME_TAGS), name, tags.get(_FILE_TIME_TAG, "")]
    return next((found for found in map(time_in, texts) if found is not None), None)


def product_name(tags: Mapping[str, str], name: str, fallback: str) -> str:
    """The product by its own tag, by a Sentinel-1 style name, else `fallback` (the file's format)."""
    if tags.get("PRODUCT"):
        return tags["PRODUCT"]
    match = _SENTINEL1.match(name)
    if match is None:
        return fallback
    words = ["Sentinel-1", (match["mode"] or "").upper(), (match["level"] or "").upper()]
    return " ".join(word for word in words if word)


def is_simulated(tags: Mapping[str, str]) -> bool:
    """True when the file's own tag says that a simulator made it."""
    return tags.get("SARVLM_SIMULATED", "").strip().lower() in {"yes", "true", "1"}


def stated_value_type(tags: Mapping[str, str], descriptions: str) -> ValueType | None:
    """The unit that tags (first) or band descriptions state, None where they are silent."""
    for key in _UNIT_TAGS:
        text = tags.get(key, "").strip().lower()
        if text in set(ValueType):
            return ValueType(text)
        found = _by_words(text)
        if found is not None:
            return found
    return _by_words(descriptions.lower())


def _by_words(text: str) -> ValueType | None:
    return next((kind for pattern, kind in _UNIT_WORDS if re.search(pattern, text)), None)


def calibration(tags: Mapping[str, str], descriptions: str) -> Calibration:
    """What is stated of sigma0, beta0 or gamma0, else "uncalibrated"."""
    texts = [tags.get(key, "") for key in _UNIT_TAGS] + [descriptions]
    match = next((found for found in map(_CALIBRATION.search, texts) if found), None)
    return Calibration(f"{match[1].lower()}0") if match else Calibration.UNCALIBRATED
