"""Letters for pictures: Pillow's own font, for names in other scripts one of the system's, else plain letters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

OTHERS: Final = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "segoeui.ttf", "Arial Unicode.ttf",
    "arial.ttf", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
    "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc",
)  # fmt: skip
"""Fonts that a system may have, asked in this order for what Pillow's own lacks."""
_PROBE_PX: Final = 24
_PLAIN: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "AE", "œ": "oe",
     "Œ": "OE", "×": "x", "–": "-", "—": "-", "−": "-", "„": "“", "′": "'", "″": '"'}
)  # fmt: skip


def font(size: float) -> Font:
    """Pillow's own font: the same on every system."""
    return ImageFont.load_default(size=size)


def lettered(text: str, size: float) -> tuple[str, Font]:
    """A text and a font that has all its letters.

    Parameters
    ----------
    text : str
        Of a user or a file system: control characters and bytes that are no
        text come out as escapes.
    size : float
        Pixels.

    Returns
    -------
    str, Font
        The text as it is where a font is found for it; else in the font that
        lacks least, without accents, and what still lacks as its escape.
    """
    shown = "".join(_printable(letter) for letter in text)
    best, lacking = "", _lacking("", shown)
    for name in OTHERS:
        if lacking and _system_font(name, size) is not None and (fewer := _lacking(name, shown)) < lacking:
            best, lacking = name, fewer
    found = _system_font(best, size) if best else font(size)
    assert found is not None
    return "".join(_plain(best, letter) for letter in shown) if lacking else shown, found


def _printable(letter: str) -> str:
    if letter.isprintable():
        return letter
    return " " if letter.isspace() else _escape(letter)


def _escape(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x80 else letter.encode("ascii", "backslashreplace").decode("ascii")


def _plain(name: str, letter: str) -> str:
    """Letters that a font has in the place of one that it lacks."""
    if _has(name, letter):
        return letter
    parts = unicodedata.normalize("NFKD", letter.translate(_PLAIN))
    base = "".join(part for part in parts if not unicodedata.combining(part))
    return base if base and not _lacking(name, base) else _escape(letter)


def _lacking(name: str, text: str) -> int:
    return sum(not _has(name, letter) for letter in set(text))


@lru_cache(maxsize=64)
def _system_font(name: str, size: float) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4096)
def _has(name: str, letter: str) -> bool:
    """Whether a font (Pillow's own by the empty name) draws a letter otherwise than one that no font has."""
    if 0xD800 <= ord(letter) <= 0xDFFF:
        return False
    found = _system_font(name, _PROBE_PX) if name else font(_PROBE_PX)
    if found is None:
        return False
    drawn, lacking = found.getmask(letter), found.getmask("\uffff")
    return drawn.size != lacking.size or bytes(drawn) != bytes(lacking)


def wrap(text: str, with_font: Font, room: float, *, most: int) -> list[str]:
    """Break `text` into at most `most` lines no wider than `room` pixels; what is left out ends in an ellipsis."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if with_font.getlength(longer) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        while with_font.getlength(word) > room and len(word) > 1:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or with_font.getlength(word[:n]) <= room)
            lines.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901 - the rest of a word too long for a line
        line = word
    lines.append(line)
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and with_font.getlength(last + "\u2026") > room:
        last = last[:-1]
    return [*lines[: most - 1], last + "\u2026"]
