"""Coordinates as they are typed or pasted, read without knowing the scene."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sarvlm_app.errors import QueryError

from .notations import from_mgrs, utm_system

_LONGEST = 200
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "º": "°", "˚": "°", "′": "'", "’": "'", "‘": "'", "″": '"', "”": '"', "“": '"'}
)
_HELP = "write it as 33.74, -118.21, as 33°44'24\"N 118°12'36\"W, as MGRS, UTM, or as col 1200 row 340"


class Kind(StrEnum):
    """What the two numbers of a reading are."""

    PIXEL = "pixel"
    GROUND = "ground"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the text.

    Attributes
    ----------
    kind : Kind
    first, second : float
        Column and row; longitude and latitude; or x and y of the scene's map.
    """

    kind: Kind
    first: float
    second: float


def read_position(text: str) -> tuple[Reading, ...]:
    """What the text may mean, the likeliest first.

    Parameters
    ----------
    text : str
        Degrees (latitude first, or with N, S, E, W in any order), degrees,
        minutes and seconds, MGRS, UTM ("11S 380000 3740000"), metres of the
        scene's map, or a pixel ("col 1200 row 340").

    Raises
    ------
    QueryError
        When it is none of these, or no place on the Earth.
    """
    plain = " ".join(text.translate(_SIGNS).replace("''", '"').split())
    if not plain:
        raise QueryError(f"No coordinate is given; {_HELP}.")
    if len(plain) <= _LONGEST:
        for read in (_pixel, _map, _utm, _mgrs, _compact, _angles):
            found = read(plain)
            if found:
                return found
    shown = plain if len(plain) <= 60 else plain[:57] + "..."
    raise QueryError(f"“{shown}” is no coordinate that can be read; {_HELP}.")


def _pixel(text: str) -> tuple[Reading, ...]:
    number = rf"\s*[:=]?\s*({_NUMBER})"
    forms = (
        (rf"(?:col|column|c|sample){number}[\s,;]+(?:row|line|r){number}", False),
        (rf"(?:row|line|r){number}[\s,;]+(?:col|column|c|sample){number}", True),
        (rf"(?:px|pixel)\s+({_NUMBER})[\s,;]+({_NUMBER})", False),
        (rf"({_NUMBER})[\s,;]+({_NUMBER})\s*px", False),
    )
    for form, turned in forms:
        match = re.fullmatch(form, text, re.IGNORECASE)
        if match:
            first, second = float(match[1]), float(match[2])
            return (Reading(Kind.PIXEL, second, first) if turned else Reading(Kind.PIXEL, first, second),)
    return ()


def _map(text: str) -> tuple[Reading, ...]:
    """Two numbers too large for degrees, or named x and y."""
    named = re.fullmatch(rf"x\s*[:=]?\s*({_NUMBER})[\s,;]+y\s*[:=]?\s*({_NUMBER})", text, re.IGNORECASE)
    if named:
        return (Reading(Kind.MAP, float(named[1]), float(named[2])),)
    forms = (
        rf"(?:E\s*)?({_NUMBER})[\s,;]+(?:N\s*)?({_NUMBER})",
        rf"({_NUMBER})\s*m?\s*E[\s,;]+({_NUMBER})\s*m?\s*N",
    )
    # the name of the system may follow, as the status line writes it
    bare = re.sub(r"\s+EPSG:\d+$", "", text, flags=re.IGNORECASE)
    for form in forms:
        match = re.fullmatch(form, bare, re.IGNORECASE)
        if match and max(abs(float(match[1])), abs(float(match[2]))) > 360.0:
            return (Reading(Kind.MAP, float(match[1]), float(match[2])),)
    return ()


def _utm(text: str) -> tuple[Reading, ...]:
    """Zone and band, metres east and north; after a zone S may be the band, or the south."""
    zone_form = r"(?:UTM\s*)?(?:zone\s*)?(\d{1,2})\s*([C-HJ-NP-X]|north|south)[\s,]+"
    metres = r"(\d+(?:\.\d+)?)\s*(?:m?\s*E)?[\s,;]+(\d+(?:\.\d+)?)\s*(?:m?\s*N)?"
    match = re.fullmatch(zone_form + metres, text, re.IGNORECASE)
    if not match:
        return ()
    zone, band, east, north = int(match[1]), match[2].upper(), float(match[3]), float(match[4])
    if not (1 <= zone <= 60 and 1e5 <= east < 1e6 and 0.0 <= north <= 1e7):
        raise QueryError(
            f"“{text}” is no UTM position: zones run from 1 to 60, metres east from 100000 to 999999 and "
            "metres north from 0 to 10000000; correct the number."
        )
    souths = {"NORTH": (False,), "SOUTH": (True,), "S": (False, True)}.get(band, (band < "N",))
    readings = []
    for south in souths:
        lon, lat = utm_system(zone, south=south).transform(east, north)
        if band != "S" or not south or lat < 0:
            readings.append(Reading(Kind.GROUND, float(lon), float(lat)))
    if band == "S" and not 31.5 <= readings[0].second <= 40.5:
        readings.reverse()  # no place of the band S: the south is meant
    return tuple(readings)


def _mgrs(text: str) -> tuple[Reading, ...]:
    """A military grid reference; the middle of its square."""
    packed = re.sub(r"^MGRS:?", "", text, flags=re.IGNORECASE).replace(" ", "").upper()
    match = re.fullmatch(r"((?:\d{1,2}[C-HJ-NP-X]|[ABYZ])[A-HJ-NP-Z]{2})(\d*)", packed)
    if not match:
        return ()
    square, digits = match[1], match[2]
    if len(digits) % 2 or len(digits) > 10:
        raise QueryError(
            f"“{text}” is no MGRS position: as many digits go east as north, at most five each; correct the digits."
        )
    half = len(digits) // 2
    middle = digits if half == 5 else f"{digits[:half]}5{digits[half:]}5"
    place = from_mgrs(square + middle)
    if place is None:
        raise QueryError(f"“{text}” is no MGRS position: there is no such square on the Earth; correct its letters.")
    return (Reading(Kind.GROUND, *place),)


def _compact(text: str) -> tuple[Reading, ...]:
    """334424N 1181236W, as aviation writes."""
    form = r"(\d{2})(\d{2})(\d{2}(?:\.\d+)?)?\s*([NS])[\s,;]*(\d{3})(\d{2})(\d{2}(?:\.\d+)?)?\s*([EW])"
    match = re.fullmatch(form, text, re.IGNORECASE)
    if not match:
        return ()
    lat = _degrees([float(part or 0.0) for part in match.group(1, 2, 3)], text)
    lon = _degrees([float(part or 0.0) for part in match.group(5, 6, 7)], text)
    return (_ground(lon if match[8] in "Ee" else -lon, lat if match[4] in "Nn" else -lat, text),)


def _angles(text: str) -> tuple[Reading, ...]:
    """Degrees with or without minutes, seconds and the letters of the hemispheres."""
    upper = _with_points(text.upper()).replace("DEG", "°")
    upper = re.sub(r"\b(?:LATITUDE|LAT|LONGITUDE|LONG|LON)\b\s*[:=]?", " ", upper).strip()
    letters = re.findall(r"[A-Z]", upper)
    if not letters:
        if not re.fullmatch(rf"(?:{_NUMBER}|[\s,;:/°'\"])+", upper):
            return ()
        numbers = re.findall(_NUMBER, upper)
        if len(numbers) not in (2, 4, 6):
            return ()
        half = len(numbers) // 2
        first, second = _signed(numbers[:half], "", text), _signed(numbers[half:], "", text)
        # a first number that can be no latitude can only be a longitude
        swapped = abs(first) > 90.0 >= abs(second)
        return (_ground(first, second, text) if swapped else _ground(second, first, text),)
    if len(letters) != 2 or not ({*letters} & {*"NS"} and {*letters} & {*"EW"}):
        return ()
    leading = upper[0] in "NSEW"
    pieces = re.findall(r"[NSEW][^NSEW]*" if leading else r"[^NSEW]*[NSEW]", upper)
    if "".join(pieces) != upper or len(pieces) != 2:
        return ()
    values = {}
    for piece in pieces:
        letter = re.search(r"[NSEW]", piece)
        rest = re.sub(r"[NSEW]", " ", piece)
        if letter is None or not re.fullmatch(rf"(?:{_NUMBER}|[\s,;:/°'\"])+", rest):
            return ()
        numbers = re.findall(_NUMBER, rest)
        if not 1 <= len(numbers) <= 3:
            return ()
        values["lat" if letter[0] in "NS" else "lon"] = _signed(numbers, letter[0], text)
    return (_ground(values["lon"], values["lat"], text),)


def _with_points(text: str) -> str:
    """Two numbers with decimal commas, as much of Europe writes, with points instead."""
    number = r"[-+]?\d+,\d+\s*°?\s*[NSEW]?"
    match = re.fullmatch(rf"([NSEW]?\s*{number})\s*[;\s]\s*([NSEW]?\s*{number})", text)
    return f"{match[1]} {match[2]}".replace(",", ".") if match else text


def _signed(numbers: list[str], letter: str, text: str) -> float:
    if any(number[0] in "+-" for number in numbers[1:]) or (letter and numbers[0][0] in "+-"):
        raise QueryError(
            f"“{text}” has a sign where none belongs; write either a sign or a letter, before the degrees."
        )
    size = _degrees([abs(float(number)) for number in numbers], text)
    return -size if numbers[0].startswith("-") or letter in ("S", "W") else size


def _degrees(parts: list[float], text: str) -> float:
    if any(part >= 60.0 for part in parts[1:]):
        raise QueryError(f"“{text}” has 60 minutes or seconds or more; correct them.")
    if any(part != int(part) for part in parts[:-1]):
        raise QueryError(f"“{text}” has a fraction before the last of degrees, minutes and seconds; correct it.")
    return sum(part / 60.0**power for power, part in enumerate(parts))


def _ground(lon: float, lat: float, text: str) -> Reading:
    if abs(lat) > 90.0 or abs(lon) > 360.0:
        raise QueryError(
            f"“{text}” is no place on the Earth: latitudes run from -90 to 90 and longitudes from -180 to 180; "
            "correct the number."
        )
    return Reading(Kind.GROUND, lon - 360.0 if lon > 180.0 else lon + 360.0 if lon < -180.0 else lon, lat)
