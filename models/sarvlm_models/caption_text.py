"""Captions as people read them, from the words that a decoder said."""

from __future__ import annotations

import re
from typing import Final

ACRONYMS: Final = frozenset(("sar", "vv", "vh", "hh", "hv", "mstar", "tel", "apc", "ifv", "mbt"))
NAMES: Final = frozenset(("boeing", "airbus", "dreamliner", "gvozdika", "chinese"))
_DIGITS: Final = re.compile(r"(?<![\w.])\d(?: \d)+(?![\w])")
_LINKED: Final = re.compile(r"(?<=[^\W_]) ([-'’/]) (?=[^\W_])")
_BEFORE: Final = re.compile(r"\s+(?=[,.;:!?)\]%])")
_AFTER: Final = re.compile(r"(?<=[(\[])\s+")
_REPEATED: Final = re.compile(r"([,;:])(?:\s*[,;:])+")
_END: Final = re.compile(r"[\s,;:.]*$")
_DESIGNATION: Final = re.compile(r"\b(?=[a-z0-9-]*\d)(?=[a-z0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*\b")
_NO_DESIGNATION: Final = re.compile(r"\d+(?:st|nd|rd|th|s|m|km|x\d+)|[a-z]{4,}-\d+|\d+-[a-z]{3,}|\d+-[a-z]{3,}-[a-z]+")
_WORD: Final = re.compile(r"\b[a-z]+\b")
_FIRST: Final = re.compile(r"(^|[.!?]\s+)([a-z])")


def display_text(raw: str) -> str:
    """The display form of a decoder's words.

    Digits said one by one are joined ("1 4 tanks" is 14 tanks), punctuation
    is closed up, designations and acronyms are in capitals (T-72, SAR), names
    and sentences begin with one and the last ends with one full stop.

    Parameters
    ----------
    raw : str
        Lower-case words, numbers and marks with blanks between them.

    Returns
    -------
    str
        Empty where there are no words.
    """
    text = " ".join(raw.split())
    text = _LINKED.sub(r"\1", text)
    text = _DIGITS.sub(lambda found: found[0].replace(" ", ""), text)
    text = _AFTER.sub("", _BEFORE.sub("", text))
    text = _REPEATED.sub(r"\1", text)
    text = _END.sub("", text).lstrip(" ,;:.")
    if not text:
        return ""
    text = _DESIGNATION.sub(_designation, text)
    text = _WORD.sub(_word, text)
    text = _FIRST.sub(lambda found: found[1] + found[2].upper(), text)
    return text if text[-1] in "!?" else f"{text}."


def _word(found: re.Match[str]) -> str:
    """An acronym in capitals, a name with one."""
    word = found[0]
    return word.upper() if word in ACRONYMS else word.capitalize() if word in NAMES else word


def _designation(found: re.Match[str]) -> str:
    """A name such as t-72 or zsu-23-4 in capitals; 2nd, 3x3 or two-30 stay."""
    return found[0] if _NO_DESIGNATION.fullmatch(found[0]) else found[0].upper()
